"""The command line: what it takes, and that a wrong command is one line that says what is wrong and what there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT, Run, reported, run

from harness.formats import FORMATS
from harness.norms import NORMS

# Every file is written into a folder of its own, from which the command names it as {folder}/NAME.
FILES = {
    "bare.py": "x = 1\n",
    "typo.py": "def layer_norm(:\n",
    "raises.py": "raise RuntimeError('no GPU\\nfound')\n",
    "lacks.py": "import package_that_is_not_installed\n",
    "own.py": "import torch\n\n\ndef fused(x, shape, weight=None, bias=None, eps=1e-5):\n"
    "    return torch.nn.functional.layer_norm(x, shape, weight, bias, eps)\n",
    "root.py": "from torch.nn.functional import rms_norm\n",
    "refuses.py": "def layer_norm(*arguments):\n    raise NotImplementedError\n",
    "unknown_clause.py": "from torch.nn.functional import layer_norm\n\nKNOWN_FAILURES = {'LN-999': 'no such clause'}\n",
    "unknown_dtype.py": "from torch.nn.functional import layer_norm\n\nKNOWN_FAILURES = {'LN-3[float8]': 'no such dtype'}\n",
    "unknown_format.py": "from torch.nn.functional import layer_norm\n\nDTYPES = ('float8',)\n",
    "mended.py": "from torch.nn.functional import layer_norm\n\nKNOWN_FAILURES = {'LN-3': 'was wrong once'}\n",
    "declared.py": "import torch\n\nKNOWN_FAILURES = {'LN-3[float32]': 'divides by n - 1'}\n\n\n"
    "def layer_norm(x, shape, weight, bias, eps=1e-5):\n"
    "    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + eps).sqrt() * weight + bias\n",
    "only_float32.py": "from torch.nn.functional import layer_norm\n\nDTYPES = ('float32',)\n",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files are."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def _given(folder: Path, *arguments: str) -> list[str]:
    return [a.format(folder=folder) for a in arguments]


def _one_clause(folder: Path, *arguments: str) -> Run:
    """One clause of LayerNorm in float32: what a run needs to be one."""
    return reported("-q", "test_layernorm.py", "--dtype=float32", "-k", "test_divisor", *_given(folder, *arguments))


REJECTED = {
    "no such file": (["--impl={folder}/nothing.py"], ["there is no file", "nothing.py"]),
    "no such module": (["--impl=no_such_package"], ["no adapter, file or module is named no_such_package", "torch"]),
    "a syntax error": (["--impl={folder}/typo.py"], ["typo.py", "line 1", "invalid syntax"]),
    "an exception": (["--impl={folder}/raises.py"], ["can't be imported", "RuntimeError", "no GPU found"]),
    "a missing package": (["--impl={folder}/lacks.py"], ["can't be imported", "package_that_is_not_installed"]),
    "no norm": (["--impl={folder}/bare.py"], ["it offers no norm", *NORMS]),
    "no such norm": (["--impl=quux_norm=torch.nn:RMSNorm"], ["there is no norm 'quux_norm'", *NORMS]),
    "no such attribute": (["--impl=rms_norm=torch.nn:Nope"], ["torch.nn has no 'Nope'"]),
    "nearly an attribute": (["--impl=rms_norm=torch.nn:RMSNrom"], ["torch.nn has no 'RMSNrom'", "RMSNorm"]),
    "no attribute": (["--impl=rms_norm=torch.nn"], ["expected rms_norm=module:attribute", "rms_norm=file.py:attribute"]),
    "a class that is no module": (["--impl=rms_norm=pathlib:Path"], ["Path is a class, but no torch.nn.Module"]),
    "no function": (["--impl=rms_norm=math:pi"], ["rms_norm is float, neither a function nor a class"]),
    "no such known failure": (["--impl={folder}/unknown_clause.py"], ["KNOWN_FAILURES", "'LN-999'", "did you mean LN-"]),
    "a known failure nowhere": (["--impl={folder}/unknown_dtype.py"], ["KNOWN_FAILURES", "'float8'", *FORMATS]),
    "no such format": (["--impl={folder}/unknown_format.py"], ["DTYPES", "'float8'", *FORMATS]),
    "no such dtype": (["--dtype=float31"], ["there is no such dtype", "float31", *FORMATS]),
    "no such device": (["--device=tpu"], ["there is no such device", "tpu", "cpu"]),
    "a dtype that it lacks": (["--impl={folder}/only_float32.py", "--dtype=float64"], ["it supports float32 on cpu", "float64"]),
    "no such clause": (["--explain=LN-999"], ["there is no such clause", "LN-1 to LN-", "near: LN-"]),
    "no such hint": (["--hint=4"], ["--hint=4", "--hint=1, --hint=2 or --hint=3"]),
    "a shard of none": (["--shard=1/0"], ["--shard 1/0", "expected I/N", "1/3, 2/3 and 3/3"]),
    "a shard beyond the last": (["--shard=4/3"], ["--shard 4/3", "expected I/N"]),
    "a shard alone": (["--shard=2"], ["--shard 2:", "expected I/N"]),
    "exercises in shards": (["--shard=1/2", "--impl=exercises"], ["--shard 1/2", "exercises are not divided"]),
    "figures into a file": (["--figures=pyproject.toml"], ["--figures pyproject.toml"]),
    "no such report": (["--report={folder}/out.xyz"], ["out.xyz", ".json", "not as .xyz"]),
    "no suffix": (["--report={folder}/out"], [".json", "a file without a suffix"]),
    "no such folder": (["--report={folder}/missing/out.json"], ["there is no folder", "missing"]),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), REJECTED.values(), ids=REJECTED.keys())
def test_a_wrong_command_is_one_line(folder: Path, arguments: list[str], said: list[str]) -> None:
    """It names what it rejects and what there is, prints nothing else, and exits with 4."""
    result = run(*_given(folder, *arguments))

    (line,) = filter(None, result.printed.splitlines())
    assert line.startswith("ERROR: --")
    assert [word for word in said if word not in line] == []
    assert result.status == 4


def test_a_wrong_command_is_one_line_in_a_process_of_its_own(folder: Path) -> None:
    """What the shell sees is what these tests see; a blank before the value is as good as `=`."""
    command = [sys.executable, "-m", "pytest", "--impl", str(folder / "bare.py")]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 4
    assert done.stderr.startswith(f"ERROR: --impl {folder / 'bare.py'}: it offers no norm")
    assert "Traceback" not in done.stderr + done.stdout


def test_the_script_that_pip_installs_runs_too() -> None:
    """`pytest` alone, which does not put the current folder on the path."""
    script = Path(sys.executable).with_name("pytest")
    command = [str(script), "test_layernorm.py", "-k", "LN-3", "--dtype=float32", "--lang=en"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert " ✓ LN-3 " in done.stdout


@pytest.mark.parametrize("clause", ["LN-3", "ln-3"])
def test_explain_prints_the_clause(clause: str) -> None:
    """Statement, level, example and place, and no test is run."""
    result = run("--explain", clause)

    assert result.status == 0
    assert result.stdout.startswith("LN-3 The variance divides by n\n\nMust. It is the population variance")
    assert "\n    >>> forward(" in result.stdout
    assert "```" not in result.stdout
    assert "  unbiased_variance: The variance divides by n - 1." in result.stdout
    assert "specs/layernorm.md:" in result.stdout
    assert "passed" not in result.printed


def test_a_bare_hint_takes_no_value() -> None:
    """What stands behind it is a test file."""
    result = run("--hint", "test_layernorm.py", "-k", "LN-3", "--collect-only", "-q", "--dtype=float32")

    assert result.status == 0
    assert "test_layernorm.py::test_divisor[torch-cpu-float32]" in result.stdout


def test_facts_stand_in_the_checklist() -> None:
    """What is true of norms is tested and listed where torch is, and only there."""
    facts, held = (run("test_layernorm.py", "-k", "LN-9", *more) for more in ((), ("--impl=torch",)))

    assert " ✓ LN-9   " in facts.stdout
    assert "facts 1/1" in facts.stdout
    assert "LN-9" not in held.stdout


FORMS = {
    "adapter": ("--impl=torch", "test_layernorm.py", "layer_norm"),
    "module": ("--impl=torch.nn.functional", "test_layernorm.py", "layer_norm"),
    "file": ("--impl={folder}/root.py", "test_rmsnorm.py", "rms_norm"),
    "class": ("--impl=layer_norm=torch.nn:LayerNorm", "test_layernorm.py", "layer_norm"),
    "class of a package": ("--impl=rms_norm=torch.nn.modules.normalization:RMSNorm", "test_rmsnorm.py", "rms_norm"),
    "batch class": ("--impl=batch_norm=torch.nn:BatchNorm1d", "test_batchnorm.py", "batch_norm"),
    "function of a module": ("--impl=group_norm=torch.nn.functional:group_norm", "test_groupnorm.py", "group_norm"),
    "function of a file": ("--impl=layer_norm={folder}/own.py:fused", "test_layernorm.py", "layer_norm"),
}


@pytest.mark.parametrize(("what", "file", "norm"), FORMS.values(), ids=FORMS.keys())
def test_every_form_of_impl_loads(folder: Path, what: str, file: str, norm: str) -> None:
    """An adapter, a module, a file, one norm of either; the clause on its formula holds."""
    result = reported("-q", file, "--dtype=float32", "-k", "test_formula", *_given(folder, what))

    assert result.status == 0, result.printed
    records = [r for r in result.records if r["norm"] == norm and r["outcome"] == "pass"]
    assert [f"--impl={r['implementation']}" for r in records] == _given(folder, what)


def test_several_implementations_stand_side_by_side(folder: Path) -> None:
    """Each has records of its own; the same one twice is one."""
    own = f"layer_norm={folder}/own.py:fused"

    result = _one_clause(folder, "--impl=torch", f"--impl={own}", "--impl=torch")

    passed = [r["implementation"] for r in result.records if r["outcome"] == "pass"]
    assert passed == ["torch", own]


def test_nothing_checked_is_no_pass(folder: Path) -> None:
    """An implementation that refuses every call exits with 4, and the last line says why."""
    result = _one_clause(folder, "--impl={folder}/refuses.py")

    assert result.status == 4
    assert "ERROR: nothing was checked" in result.stdout
    assert result.clauses("not_offered") >= {"LN-3"}


def test_a_known_failure_that_holds_fails_the_run(folder: Path) -> None:
    """The entry is named, so that it can be taken out, in the report too."""
    result = _one_clause(folder, "--impl={folder}/mended.py")

    assert result.status == 1
    assert result.clauses("error") == {"LN-3"}
    assert "LN-3 is declared in KNOWN_FAILURES, but LN-3 holds in float32 on cpu: take it out" in result.stdout


def test_a_known_failure_that_fails_passes_the_run(folder: Path) -> None:
    """It is shown as known, with its reason."""
    result = _one_clause(folder, "--impl={folder}/declared.py")

    assert result.status == 0
    assert result.clauses("known_failure") == {"LN-3"}
    assert " k LN-3 " in result.stdout
    assert "divides by n - 1" in result.stdout


def test_a_known_failure_of_one_dtype_is_one_of_no_other(folder: Path) -> None:
    """LN-3[float32] says nothing about float64."""
    result = _one_clause(folder, "--impl={folder}/declared.py", "--dtype=float64")

    assert result.status == 1
    assert result.clauses("known_failure", dtype="float32") == {"LN-3"}
    assert result.clauses("fail", dtype="float64") == {"LN-3"}


def test_what_is_not_offered_is_named(folder: Path) -> None:
    """A file with one norm is held to that one; the others are listed, and no clause of theirs counts as held."""
    result = reported("-q", f"--impl={folder}/root.py", "--dtype=float32", "-k", "test_formula")

    assert result.status == 0
    missing = [norm for norm in NORMS if norm != "rms_norm"]
    assert f"root.py: not offered: {', '.join(missing)}" in result.stdout
    assert {r["norm"] for r in result.records if r["outcome"] != "not_offered"} == {"rms_norm"}
    assert {r["norm"] for r in result.records} == set(NORMS)
