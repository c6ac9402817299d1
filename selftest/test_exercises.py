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
        ("def forward(x:\n", "can't be imported: layernorm.py, line 2: "),
        (
            "import nonesuch\n",
            "can't be imported: ModuleNotFoundError: No module named 'nonesuch'; layernorm.py, line 2: import nonesuch",
        ),
        ("def forward(x, weight=1.0, bias=0.0, eps=1e-5):\n    return forward(x)\n", "it calls itself without end"),
        ("def forward(x, weight=1.0, bias=0.0, eps=1e-5):\n    pass\n", "TypeError: forward returned None"),
        (
            "def forward(x, weight=1.0, bias=0.0, eps=1e-5):\n    return 1 / 0\n",
            "raised in layernorm.py, line 3: return 1 / 0",
        ),
    ],
    ids=["syntax error", "missing package", "endless recursion", "nothing returned", "exception"],
)
def test_what_can_t_be_called_says_why(folder: Path, content: str, said: str) -> None:
    """As the failure of the clause, without a traceback."""
    result = _written(folder, content, "-k", "LN-1")

    assert result.status == 1
    assert said in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("def forward(x, weight=1.0, bias=0.0, eps=1e-5):\n    x -= x.mean(-1, keepdims=True)\n    return x\n",
         "forward changes an array that it was given"),
        ("def backward(dy, x, weight=1.0, eps=1e-5):\n    return dy\n",
         "backward returned one result; (dx, dweight, dbias) is asked for"),
        ("def forward(x, weight=1.0, bias=0.0, eps=1e-5):\n    return x.tolist()\n", "forward returned a list; an array is asked for"),
        ("def forward(x, weight=1.0, bias=0.0, eps=1e-5):\n    return x.reshape(-1, 1)\n", "expected  [[-1.0, 1.0], [-1.0, 1.0]]"),
    ],
    ids=["in place", "one of three", "a list", "another shape"],
)  # fmt: skip
def test_what_comes_back_is_looked_at(folder: Path, answer: str, said: str) -> None:
    """Before its values are."""
    assert said in _written(folder, answer).stdout


def test_one_cause_has_one_name(folder: Path) -> None:
    """Where two wrong answers are alike on a clause, the one that explains the other clauses too."""
    result = _written(folder, UNBIASED)

    assert result.stdout.count("looks like unbiased_variance: ") >= 8
    assert "looks like rescaled_until_var_reads_1" not in result.stdout


def test_another_function_s_mistake_hides_no_name(folder: Path) -> None:
    """Each function is compared for itself."""
    both = UNBIASED + "\ndef standardized_moment(x, order):\n    return x\n"

    result = _written(folder, both, "-k", "LN-9")

    assert "looks like unbiased_variance" in result.stdout


def test_a_norm_is_held_to_more_than_its_examples(folder: Path) -> None:
    """A backward whose dweight forgets all but the first row of 3-dimensional input."""
    answer = """
def forward(x, weight=1.0, bias=0.0, eps=1e-5):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) * weight + bias

def backward(dy, x, weight=1.0, eps=1e-5):
    rstd = 1 / np.sqrt(x.var(-1, keepdims=True) + eps)
    x_hat = (x - x.mean(-1, keepdims=True)) * rstd
    g = dy * weight
    dx = rstd * (g - g.mean(-1, keepdims=True) - x_hat * (g * x_hat).mean(-1, keepdims=True))
    rows = (0,) if x.ndim == 2 else tuple(range(x.ndim - 2))
    return dx, (dy * x_hat).sum(axis=rows), dy.sum(axis=rows)
"""

    result = _written(folder, answer, "-k", "LN-14")

    assert result.status == 1
    assert "LN-14" in result.stdout


def test_a_function_that_waits_for_another_says_so(folder: Path) -> None:
    """Where something is written, and an example calls something else first."""
    result = _written(folder, "def standardized_moment(x, order):\n    return x\n", "-k", "LN-9")

    assert "   layernorm.py has no function forward" in result.stdout


def test_the_solution_is_shown_when_all_of_a_lesson_holds(tmp_path: Path) -> None:
    """And not before."""
    shutil.copytree(ROOT / "reference", tmp_path / "answers")
    right = run("--impl", str(tmp_path / "answers"), "specs/smoothness.md")
    (tmp_path / "answers" / "smoothness.py").write_text(starter("smoothness"), encoding="utf-8")
    untouched = run("--impl", str(tmp_path / "answers"), "specs/smoothness.md")

    assert "reference/smoothness.py" in right.stdout
    assert "reference/smoothness.py" not in untouched.stdout


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


def test_one_file_of_exercises_is_no_implementation() -> None:
    """The message says what is meant instead."""
    result = run("--impl", "exercises/layernorm.py")

    assert result.status == 4
    assert "exercises are held as a folder: --impl exercises" in result.stderr


def test_the_report_has_the_lessons(folder: Path, tmp_path: Path) -> None:
    """One record for each clause, with the names of the mistakes that it looks like."""
    path = tmp_path / "report.json"

    _written(folder, UNBIASED, "--report", str(path))

    records = {r["clause"]: r for r in json.loads(path.read_text(encoding="utf-8"))["records"]}
    assert list(records)[:3] == ["LN-1", "LN-2", "LN-3"]
    assert records["LN-3"]["outcome"] == "fail"
    assert records["LN-3"]["diagnosis"][0] == "unbiased_variance"
    assert records["LN-14"]["outcome"] == "not_started"
