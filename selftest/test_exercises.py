"""`pytest --impl exercises` as a learner meets it: what is not started, wrong, right, and what is said of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT, Run, reported, run
from starters import starter

from harness.lessons import LESSONS, lesson_clauses

UNBIASED = """
def forward(x, weight=1.0, bias=0.0, eps=1e-5):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, ddof=1, keepdims=True) + eps) * weight + bias
"""
IN_TORCH = """
import torch

def forward(x, weight=1.0, bias=0.0, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(x.var(-1, correction=0, keepdim=True) + eps) * weight + bias
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The untouched exercises, to write in."""
    return Path(shutil.copytree(ROOT / "exercises", tmp_path / "exercises"))


def _written(folder: Path, answer: str, *arguments: str) -> Run:
    """The run of one answer to the first lesson."""
    (folder / "layernorm.py").write_text("import numpy as np\n" + answer, encoding="utf-8")
    return run("--impl", str(folder), "specs/layernorm.md", *arguments)


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_exercises_are_the_references_left_blank(lesson: str) -> None:
    """Signatures and docstrings are the same; `python selftest/starters.py` writes them."""
    assert (ROOT / "exercises" / f"{lesson}.py").read_text(encoding="utf-8") == starter(lesson)


def test_untouched_exercises_are_not_started() -> None:
    """None of the 87 fails, and nothing passes either."""
    result = reported("--impl", "exercises")

    assert result.clauses("not_started") == set(lesson_clauses())
    assert len(result.records) == 87
    assert result.status == 4
    assert "total 0/87 (0 %) · next: LN-1 (forward in exercises/layernorm.py)" in result.stdout


def test_the_references_pass_every_lesson(tmp_path: Path) -> None:
    """Put in the place of the exercises."""
    shutil.copytree(ROOT / "reference", tmp_path / "answers")

    result = reported("--impl", str(tmp_path / "answers"))

    assert result.clauses("pass") == set(lesson_clauses()), result.printed
    assert result.status == 0
    assert "total 87/87 (100 %)" in result.stdout


def test_the_learning_order_is_the_order_of_collection() -> None:
    """Lesson by lesson, each from its first clause on."""
    result = run("--impl", "exercises", "--collect-only", "-q")

    found = [line.rpartition("::")[2] for line in result.stdout.splitlines() if "::" in line]
    assert found == list(lesson_clauses())


def test_a_wrong_answer_shows_call_got_expected_and_its_name(folder: Path) -> None:
    """On the clause's own example."""
    result = _written(folder, UNBIASED, "-k", "LN-3")

    assert result.status == 1
    assert "called    forward(np.array([[1.0, 3.0]]), 1.0, 0.0, eps=0.0)" in result.stdout
    assert "got       array([[-0.70710678,  0.70710678]])" in result.stdout
    assert "expected  array([[-1.,  1.]])" in result.stdout
    assert "looks like unbiased_variance: " in result.stdout


@pytest.mark.parametrize(("option", "steps"), [((), 1), (("--hint=1",), 1), (("--hint=2",), 2), (("--hint=3",), 3)])
def test_hints_come_step_by_step(folder: Path, option: tuple[str, ...], steps: int) -> None:
    """A question, the formula, the numbers."""
    result = _written(folder, UNBIASED, "-k", "LN-3 and not LN-30", *option)

    assert result.stdout.count("hint: ") == steps


def test_a_hint_that_there_is_none_of_is_refused(folder: Path) -> None:
    """In one line that says which there are."""
    result = _written(folder, UNBIASED, "--hint=4")

    assert result.status == 4
    assert "--hint=4: expected --hint, --hint=1, --hint=2 or --hint=3" in result.stderr


def test_an_answer_may_be_written_in_torch(folder: Path) -> None:
    """Tensors go in, and come out."""
    result = _written(folder, IN_TORCH, "-k", "LN-2 or LN-3 or LN-6")

    assert result.status == 0, result.printed


def test_a_right_example_is_no_proof(folder: Path) -> None:
    """An answer that knows the example by heart fails on the probes behind it."""
    by_heart = (
        "def forward(x, weight=1.0, bias=0.0, eps=1e-5):\n    return np.array([[-1.0, 1.0], [-1.0, 1.0]])[: len(x)]\n"
    )

    result = _written(folder, by_heart, "-k", "LN-1")

    assert result.status == 1
    assert "LN-1" in result.stdout.rpartition("progress")[2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("def forward(x:\n", "RuntimeError: layernorm.py, line 2 can't be imported"),
        ("import nonesuch\n", "ModuleNotFoundError: layernorm.py can't be imported: No module named 'nonesuch'"),
        ("def forward(x, weight=1.0, bias=0.0, eps=1e-5):\n    return forward(x)\n", "it calls itself without end"),
        ("def forward(x, weight=1.0, bias=0.0, eps=1e-5):\n    pass\n", "TypeError: forward returned None"),
        ("def forward(x, weight=1.0, bias=0.0, eps=1e-5):\n    return 1 / 0\n", "ZeroDivisionError: division by zero"),
    ],
    ids=["syntax error", "missing package", "endless recursion", "nothing returned", "exception"],
)
def test_what_can_t_be_called_says_why(folder: Path, content: str, said: str) -> None:
    """As the failure of the clause, without a traceback."""
    result = _written(folder, content, "-k", "LN-1")

    assert result.status == 1
    assert said in result.stdout
    assert "Traceback" not in result.stdout


def test_a_function_that_is_missing_is_not_started(folder: Path) -> None:
    """And is named, since it may be misspelled."""
    result = _written(folder, UNBIASED.replace("forward", "foward"), "-k", "LN-1")

    assert (
        "LN-1   One mean and one variance per row, over the last axis only   layernorm.py has no function forward"
        in (result.stdout)
    )


def test_a_first_pass_says_why_it_matters(folder: Path) -> None:
    """The second does not."""
    (folder / "layernorm.py").write_text("import numpy as np\n" + IN_TORCH, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", f"--impl={folder}", "-k", "LN-3", "--lang=en",
               "-o", f"cache_dir={folder / 'cache'}"]  # fmt: skip

    first, second = (subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout for _ in range(2))

    assert "It is the population variance" in first
    assert "✓ LN-3" in second
    assert "It is the population variance" not in second


def test_exercises_are_held_alone() -> None:
    """Another implementation beside them is refused."""
    result = run("--impl", "exercises", "--impl", "torch")

    assert result.status == 4
    assert "exercises are held to the lessons alone" in result.stderr


def test_the_report_has_the_lessons(folder: Path, tmp_path: Path) -> None:
    """One record for each clause, with the names of the mistakes that it looks like."""
    path = tmp_path / "report.json"

    _written(folder, UNBIASED, "--report", str(path))

    records = {r["clause"]: r for r in json.loads(path.read_text(encoding="utf-8"))["records"]}
    assert list(records)[:3] == ["LN-1", "LN-2", "LN-3"]
    assert records["LN-3"]["outcome"] == "fail"
    assert records["LN-3"]["diagnosis"][0] == "unbiased_variance"
    assert records["LN-14"]["outcome"] == "not_started"
