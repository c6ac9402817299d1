"""Verdicts: what is wrong is refused, by the clause that it breaks; what is right is accepted on every clause."""

from __future__ import annotations

import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
from running import TEST_FILES, reported, run

from harness.clauses import all_clauses
from harness.diagnosis import Diagnosis, Diagnostician
from harness.formats import FORMATS

HERE = Path(__file__).resolve().parent
WRONG, SOUND = (sorted((HERE / folder).glob("*.py")) for folder in ("wrong", "sound"))

# At its head a wrong file says which clause it BREAKS, in which formats that is SEEN_IN, where not in the two below, and on
# which clauses its own code RAISES. A sound one says what it CHOOSES where sound ones differ, and what it LACKS: Shoulds that
# do not hold, on this machine or on another.
FACTS: dict[Path, dict[str, Any]] = {path: runpy.run_path(str(path)) for path in (*WRONG, *SOUND)}
FORMATS_OF_WRONG = [(path, dtype) for path in WRONG for dtype in FACTS[path].get("SEEN_IN", ("float32", "bfloat16"))]


def _files(path: Path) -> list[str]:
    """The test files of the norms that it offers."""
    return [TEST_FILES[norm] for norm in TEST_FILES if norm in FACTS[path]]


def _level(path: Path) -> str:
    return all_clauses()[FACTS[path]["BREAKS"]].level


@pytest.fixture
def undiagnosed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that don't look for causes, which takes most of their time: `test_diagnosis.py` does."""
    monkeypatch.setattr(Diagnostician, "explain", lambda *_: Diagnosis())


@pytest.mark.usefixtures("undiagnosed")
@pytest.mark.parametrize(
    ("path", "dtype"), FORMATS_OF_WRONG, ids=[f"{path.stem}-{dtype}" for path, dtype in FORMATS_OF_WRONG]
)
def test_what_is_wrong_breaks_its_clause(path: Path, dtype: str) -> None:
    """The clause is among those that fail, and is shown so; the run fails, but for a Should; the suite itself does not."""
    clause = FACTS[path]["BREAKS"]
    mark, status = {"must": ("✗", 1), "should": ("!", 0)}[_level(path)]

    result = reported("-q", *_files(path), f"--impl={path}", f"--dtype={dtype}")

    assert clause in result.clauses("fail")
    assert f" {mark} {clause} " in result.stdout
    assert result.status == status
    assert result.clauses("error") <= set(FACTS[path].get("RAISES", ()))


@pytest.mark.parametrize("path", [p for p in WRONG if _level(p) == "should"], ids=lambda p: p.stem)
def test_a_should_fails_the_run_where_that_is_asked_for(path: Path) -> None:
    """Under --strict-should, and without it not."""
    arguments = ["-q", *_files(path), f"--impl={path}", "--dtype=float32", "-k", FACTS[path]["BREAKS"]]

    assert run(*arguments).status == 0
    assert run(*arguments, "--strict-should").status == 1


def test_a_failure_says_what_shows_it() -> None:
    """The clause in words, who and where, how far out, an input, the command that shows it again, where to read on."""
    path = HERE / "wrong" / "unbiased_variance.py"

    result = run("-q", "test_layernorm.py", f"--impl={path}", "--dtype=float32", "-k", "test_divisor")

    assert f"LN-3 The variance divides by n   {path}-cpu-float32   probe three-values" in result.stdout
    assert "times the bound" in result.stdout
    assert "shown by x" in result.stdout
    assert "pytest --explain LN-3" in result.stdout
    assert "Traceback" not in result.printed
    again = next(line for line in result.stdout.splitlines() if line.startswith("  pytest --impl"))
    assert run("-q", *shlex.split(again)[1:]).status == 1


@pytest.mark.parametrize("path", SOUND, ids=lambda p: p.stem)
def test_what_is_right_holds_on_every_clause(path: Path) -> None:
    """Each clause is checked in one format or more and fails in none; the choices seen are those that it makes."""
    norms = [norm for norm in TEST_FILES if norm in FACTS[path]]
    offered = {c.id for c in all_clauses().values() if c.norm in norms and c.level != "study"}

    result = reported("-q", *_files(path), f"--impl={path}")

    assert result.clauses("fail", "error") <= set(FACTS[path].get("LACKS", ())), result.stdout
    assert offered == result.clauses("pass", "fail")
    assert {r["dtype"] for r in result.records} == set(FORMATS)
    assert {(r["clause"], r["choice"]) for r in result.records} >= set(FACTS[path].get("CHOOSES", {}).items())
    assert result.status == 0


INFERENCE_IN_FLOAT32 = """
def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if training or running_mean is None:
        raise NotImplementedError("it only infers")
    mean, variance, weight, bias = (
        p.float().reshape(-1, *[1] * (x.ndim - 2)) if p is not None else p for p in (running_mean, running_var, weight, bias)
    )
    y = (x.float() - mean) / (variance + eps).sqrt()
    return ((y if weight is None else y * weight) + (0 if bias is None else bias)).to(x.dtype)
"""


def test_an_engine_that_only_infers_may_compute_in_float32(tmp_path: Path) -> None:
    """What it does differently is seen in evaluation, where it does not train."""
    path = tmp_path / "engine.py"
    path.write_text(INFERENCE_IN_FLOAT32)
    result = reported("-q", "test_batchnorm.py", f"--impl={path}", "--dtype=float64", "-k", "BN-12")
    assert result.clauses("pass") == {"BN-12"}
    assert result.status == 0


FIXED = """
import torch

def {norm}(x, normalized_shape, weight=None, {bias}eps=None):
    if len(normalized_shape) > 1 or {refused}:
        raise NotImplementedError("not here")
    h = x.to(torch.promote_types(x.dtype, torch.float32))
    h = h - h.mean(-1, keepdim=True) if "{norm}" == "layer_norm" else h
    y = h * torch.rsqrt(h.square().mean(-1, keepdim=True) + {eps})
    return (y if weight is None else y * weight).to(x.dtype)
"""


@pytest.mark.parametrize(
    ("norm", "refused", "eps", "lacking"),
    [
        ("layer_norm", "bias is not None", "(1e-5 if eps is None else eps)", {"LN-51"}),
        ("rms_norm", "eps is not None", "1e-6", {"RM-5", "RM-7", "RM-20"}),
        ("layer_norm", "bias is not None or eps is not None", "1e-12", {"LN-5", "LN-8", "LN-18", "LN-20", "LN-51"}),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_takes_no_bias_or_no_eps_gets_a_verdict_on_the_rest(
    tmp_path: Path, norm: str, refused: str, eps: str, lacking: set[str], dtype: str
) -> None:
    """The probes go without; what is about a bias or another eps is not offered, and nothing fails."""
    path = tmp_path / "fixed.py"
    path.write_text(
        FIXED.format(norm=norm, refused=refused, eps=eps, bias="bias=None, " if norm == "layer_norm" else "")
    )
    result = reported("-q", TEST_FILES[norm], f"--impl={path}", f"--dtype={dtype}")
    levels = {c.id: c.level for c in all_clauses().values()}
    assert {c for c in result.clauses("fail", "error") if levels[c] != "should"} == set()
    assert lacking <= result.clauses("not_offered")
    assert len(result.clauses("pass")) >= 30


def test_a_fixed_eps_is_no_excuse(tmp_path: Path) -> None:
    """One that is added outside the root is seen, where no other can be given."""
    path = tmp_path / "fixed.py"
    text = FIXED.format(norm="rms_norm", refused="eps is not None", eps="0.0", bias="")
    path.write_text(
        text.replace(
            "torch.rsqrt(h.square().mean(-1, keepdim=True) + 0.0)",
            "1 / (h.square().mean(-1, keepdim=True).sqrt() + 1e-3)",
        )
    )
    assert reported("-q", "test_rmsnorm.py", f"--impl={path}", "--dtype=float32").status == 1
