"""A run in shards: together they are the run, and what a merged report lacks it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, Run, run
from test_render import ENVIRONMENT, document, record

from harness import render, shards
from harness.report import ReportError, main, merged, read, write

# A norm that holds, one clause of it declared though it holds, and one that fails, of which one clause is declared.
TWO = """
from torch.nn.functional import rms_norm

DTYPES = ("float32",)
KNOWN_FAILURES = {"RM-3": "was wrong once", "LN-3": "it raises"}


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    raise ValueError("not today")
"""
CHOSEN = "statistics or divisor or eps or shift or Should or RM-4"  # some tests of some clauses


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The implementation."""
    path = tmp_path_factory.mktemp("shards") / "two.py"
    path.write_text(TWO)
    return path


def _run(file: Path, *arguments: str) -> Run:
    return run("-q", "--tb=no", f"--impl={file}", "test_rmsnorm.py", "test_layernorm.py", *arguments)


@pytest.fixture(scope="module")
def whole(file: Path) -> Path:
    """The report of a run without shards."""
    _run(file, "-k", CHOSEN, f"--report={file.with_name('whole.json')}")
    return file.with_name("whole.json")


@pytest.fixture(scope="module")
def parts(file: Path) -> list[Path]:
    """The reports of its three shards."""
    paths = [file.with_name(f"{i}.json") for i in (1, 2, 3)]
    for i, path in enumerate(paths, 1):
        _run(file, "-k", CHOSEN, f"--shard={i}/3", f"--report={path}")
    return paths


def test_the_shards_of_a_run_are_the_run(whole: Path, parts: list[Path]) -> None:
    """Merged, they have its records, to the last digit, and lack nothing."""
    content = merged(parts)

    assert content["records"] == read(whole)["records"]
    assert {r["outcome"] for r in content["records"]} >= {"pass", "error", "known_failure", "not_offered"}
    assert "missing" not in content
    assert [e["environment"]["shard"] for e in content["merged"]] == ["1/3", "2/3", "3/3"]


def test_a_shard_is_about_a_third(parts: list[Path]) -> None:
    """Of the clauses that run; each is in one shard alone."""
    clauses = [{r["clause"] for r in read(path)["records"] if r["outcome"] != "not_offered"} for path in parts]

    assert len(set.union(*clauses)) == sum(map(len, clauses)) > 9
    assert max(map(len, clauses)) - min(map(len, clauses)) <= 3  # some of whose clauses nothing is offered


def test_a_lost_shard_is_named(parts: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit status says so, and each form of the report, which is written all the same."""
    paths = [tmp_path / f"all{suffix}" for suffix in (".json", ".html", ".md")]

    statuses = [main(["merge", str(parts[0]), str(parts[2]), "-o", str(path)]) for path in paths]

    (said,) = read(paths[0])["missing"]
    assert statuses == [1, 1, 1]
    assert said.startswith("shard 2/3 of pytest -c ")
    assert said.endswith(": no report")
    assert capsys.readouterr().err == f"{said}\n" * 3
    assert "This report is not whole" in paths[1].read_text(encoding="utf-8")
    assert "This report is not whole: shard 2/3 of pytest" in paths[2].read_text(encoding="utf-8")


def test_a_lost_shard_that_is_found_is_no_longer_missed(parts: list[Path], tmp_path: Path) -> None:
    """A merged report can be merged with it; the exit status is 0."""
    main(["merge", str(parts[0]), str(parts[2]), "-o", str(tmp_path / "two.json")])

    status = main(["merge", str(tmp_path / "two.json"), str(parts[1]), "-o", str(tmp_path / "all.json")])

    assert status == 0
    assert "missing" not in read(tmp_path / "all.json")
    assert read(tmp_path / "all.json")["records"] == merged(parts)["records"]


def test_a_shard_that_was_stopped_is_a_lost_one(file: Path, parts: list[Path], tmp_path: Path) -> None:
    """What -x or an interruption leaves is no shard; its records stand."""
    part = next(p for p in parts if any(r["outcome"] == "error" for r in read(p)["records"]))
    index = read(part)["environment"]["shard"][0]
    _run(file, "-x", "-k", CHOSEN, f"--shard={index}/3", f"--report={tmp_path / 'stopped.json'}")

    content = merged([tmp_path / "stopped.json", *(p for p in parts if p != part)])

    assert [said.partition(" of ")[0] for said in content["missing"]] == [f"shard {index}/3"]


def test_a_shard_without_a_share_passes(file: Path, tmp_path: Path) -> None:
    """It says so, and leaves a report, so that it is not missed."""
    done = _run(file, "-k", "test_statistics and RM-", "--shard=2/2", f"--report={tmp_path / 'b.json'}")
    first = _run(file, "-k", "test_statistics and RM-", "--shard=1/2", f"--report={tmp_path / 'a.json'}")

    assert (done.status, first.status) == (0, 1)
    assert "shard 2/2: nothing to check" in done.stdout
    assert "missing" not in merged([tmp_path / "a.json", tmp_path / "b.json"])


def test_a_run_that_chose_nothing_is_none_in_shards_either(file: Path, tmp_path: Path) -> None:
    """pytest's own exit status, and no report."""
    done = _run(file, "-k", "no_such_test", "--shard=1/2", f"--report={tmp_path / 'a.json'}")

    assert done.status == 5
    assert not (tmp_path / "a.json").exists()


def test_shards_work_in_several_processes(file: Path, tmp_path: Path) -> None:
    """One with something to do and one without, as in one process."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        f"--impl={file}",
        "test_rmsnorm.py",
        "-k",
        "test_statistics and RM-",
        "-n1",
    ]

    done = [subprocess.run([*command, f"--shard={i}/2", f"--report={tmp_path / f'{i}.json'}"], cwd=ROOT, capture_output=True, text=True)
            for i in (1, 2)]  # fmt: skip

    assert [d.returncode for d in done] == [1, 0], done[1].stdout
    assert "shard 2/2: nothing to check" in done[1].stdout
    assert "missing" not in merged([tmp_path / "1.json", tmp_path / "2.json"])


# -- without a run -----------------------------------------------------------------------------------------------------

KEYS: list[shards.Key] = [(name, n, "") for name in ("b", "a") for n in range(7)]


@pytest.mark.parametrize("count", [1, 2, 3, 14, 20])
def test_every_clause_is_in_one_shard(count: int) -> None:
    """The shards divide what there is, as evenly as can be; each implementation's clauses are spread."""
    found = [shards.share(KEYS, i, count) for i in range(1, count + 1)]

    assert sorted(k for part in found for k in part) == sorted(KEYS)
    assert max(map(len, found)) - min(map(len, found)) <= 1
    assert max(sum(name == "a" for name, _, _ in part) for part in found) <= -(-7 // count)


def shard(part: str, *command: str, **environment: Any) -> dict[str, Any]:
    return {
        **ENVIRONMENT,
        "shard": part,
        "command": ["pytest", *command],
        "seconds": {"torch": {"own": 1, "suite": 1}},
        **environment,
    }


VARIED = [
    shard("1/2", "--impl=torch", "--shard", "1/2", "--report", "1.json", "-n", "2"),
    shard("2/2", "--impl=torch", "--shard=2/2", "--report=2.json", "--junitxml=2.xml", "-n4"),
]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (shard("2/2", "--impl=jax"), ["shard 2/2 of pytest --impl=torch", "shard 1/2 of pytest --impl=jax"]),
        (shard("2/2", "--impl=torch", python="3.12.1"), ["shard 2/2 of pytest --impl=torch", "shard 1/2 of pytest --impl=torch"]),
        (shard("2/3", "--impl=torch"), ["shard 2/2", "shard 1/3", "shard 3/3"]),
        (VARIED[1], []),
    ],
)  # fmt: skip
def test_shards_belong_together_by_their_command_and_place(second: dict[str, Any], said: list[str]) -> None:
    """Of another implementation, Python or division they are another run's; where a report goes does not count."""
    found = shards.missing([VARIED[0], second], {"torch", "jax"})

    assert [f for f, begins in zip(found, said, strict=True) if not f.startswith(begins)] == []


def test_shards_in_which_nothing_was_checked_are_no_pass(tmp_path: Path) -> None:
    """Each of them passes for itself; together they say what a run without shards says."""
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, environment in zip(paths, VARIED, strict=True):
        write(path, document(record(outcome="not_offered", worst=None), environment=environment))

    assert merged(paths)["missing"] == ["pytest --impl=torch (Python 3.11.7, cpu: x86): nothing was checked"]


def test_shards_of_one_run_do_not_contradict_each_other(tmp_path: Path) -> None:
    """What one check noticed about another's clause is added, as in a run without shards; of two runs it is an error."""
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    seen = record(outcome="fail", worst=None, message="it replaces torch.add", grade=None)
    for path, environment, said in zip(paths, VARIED, (record(worst=0.7), seen), strict=True):
        write(path, document(said, environment=environment))

    assert merged(paths)["records"] == merged(paths[::-1])["records"] == [{**seen, "worst": 0.7, "grade": "stable"}]
    write(paths[1], document(seen, environment=shard("2/2", "--impl=jax")))
    with pytest.raises(ReportError, match=r"outcome 'pass' in .*a\.json and outcome 'fail' in .*b\.json"):
        merged(paths)


def test_many_lost_shards_are_counted() -> None:
    """A summary names some of them."""
    content = document(missing=[f"shard {i}/50 of pytest: no report" for i in range(2, 51)])

    assert "shard 21/50 of pytest\\: no report and 29 more\n" in render.markdown(content)
