"""Holding a function, a mistake for instance, to single clauses without pytest's runs, and the page of mistakes."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import torch

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from harness import bridge  # noqa: E402
from harness.clauses import all_clauses  # noqa: E402
from harness.comparison import Violation  # noqa: E402
from harness.formats import FORMATS  # noqa: E402
from harness.implementations import Implementation, of_function  # noqa: E402
from harness.norms import NORMS  # noqa: E402
from harness.subject import Subject  # noqa: E402
from mistakes.catalogue import Mistake, catalogue  # noqa: E402

PAGE = ROOT / "MISTAKES.md"
hypothesis.settings.register_profile(
    "proof", max_examples=15, derandomize=True, database=None, deadline=None, report_multiple_bugs=False,
    phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck),
)  # fmt: skip
Function = Callable[..., Any]
Test = Callable[[Subject], None]


class Verdict(NamedTuple):
    """How one test of a clause ended, on which subject."""

    outcome: str  # pass, fail, error, not_offered, empty (nothing was claimed)
    error: Exception | None
    subject: Subject
    test: Test

    @property
    def broken(self) -> bool:
        return self.outcome in ("fail", "error")


def implementation(norm: str, function: Function) -> Implementation:
    """A function on torch tensors as an implementation of its norm."""
    return of_function("function", norm, function)


@cache
def checks() -> dict[str, list[Test]]:
    """The tests that hold an implementation to each clause."""
    found: dict[str, list[Test]] = {}
    for path in sorted(ROOT.glob("test_*.py")):
        for _, test in inspect.getmembers(importlib.import_module(path.stem), inspect.isfunction):
            for mark in getattr(test, "pytestmark", []):
                if mark.name == "clause" and "impl" in inspect.signature(test).parameters:
                    found.setdefault(mark.args[0], []).append(test)
    return found


def clauses_of(norm: str) -> list[str]:
    """The clauses that an implementation of the norm is held to."""
    return [c.id for c in all_clauses().values() if c.norm == norm and c.level != "study"]


@contextlib.contextmanager
def _settled() -> Iterator[None]:
    """No example of a search is made smaller, and what a mistake leaves behind is put right."""
    profile = hypothesis.settings.get_current_profile_name()
    hypothesis.settings.load_profile("proof")
    try:
        with bridge.kept(), bridge.own_random_state(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.set_num_threads(1)  # sums do not depend on the machine's cores
            yield
    finally:
        hypothesis.settings.load_profile(profile)


def held(made: Implementation, norm: str, dtype: str, clause: str) -> Verdict:
    """The worst verdict of the clause's tests, each on a subject without a past."""
    verdicts = []
    for test in checks()[clause]:
        subject, outcome = Subject(made, norm, "cpu", dtype), "pass"
        error: Exception | None = None
        with _settled():
            with bridge.kept():
                subject.begin()
            try:
                test(subject)
                outcome = "pass" if subject.log.claims else "empty"
            except NotImplementedError as e:
                outcome, error = "not_offered", e
            except Violation as e:
                outcome, error = "fail", e
            except Exception as e:
                outcome, error = "error", e
        verdicts.append(Verdict(outcome, error, subject, test))
    order = ("fail", "error", "empty", "pass", "not_offered")
    return min(verdicts, key=lambda v: order.index(v.outcome))


def breaks(mistake: Mistake, dtype: str, clause: str) -> Verdict:
    """The verdict on a mistake, without a memory of earlier calls."""
    return held(implementation(mistake.norm, mistake.function), mistake.norm, dtype, clause)


# -- the page --------------------------------------------------------------------------------------------------------------


@cache
def distinct() -> dict[str, list[Mistake]]:
    """The mistakes by their names, each with the norms that it is known of."""
    found: dict[str, list[Mistake]] = {}
    for mistake in catalogue():
        found.setdefault(mistake.name, []).append(mistake)
    return found


def measured_in(mistake: Mistake) -> str:
    """The format that the kill matrix is measured in."""
    return "float32" if "float32" in mistake.dtypes else mistake.dtypes[-1]


def kills(mistake: Mistake) -> list[str]:
    """The clauses of its norm that the mistake breaks."""
    return [c for c in clauses_of(mistake.norm) if breaks(mistake, measured_in(mistake), c).broken]


def row(mistakes: list[Mistake]) -> str:
    """One row of the kill matrix: the clauses of the first norm that a mistake breaks."""
    first = mistakes[0]
    broken = [c if c != first.clause else f"**{c}**" for c in kills(first)]
    return f"| `{first.name}` | {NORMS[first.norm].title}, {FORMATS[measured_in(first)].short} | {', '.join(broken)} |"


def entry(mistakes: list[Mistake]) -> Iterator[str]:
    """What the page says about one mistake."""
    first = mistakes[0]
    yield f"### `{first.name}`"
    yield ""
    yield first.sentence
    yield ""
    yield f"- {first.question}"
    if first.formula:
        yield f"- {NORMS[first.norm].title}: {first.formula}"
    if numbers := first.by_hand():
        yield f"- {numbers}"
    shown = "" if first.dtypes == tuple(FORMATS) else f" Seen in {', '.join(first.dtypes)}."
    yield f"- Breaks {', '.join(m.clause for m in mistakes)}.{shown}"
    if first.seen:
        yield f"- Found in {', '.join(f'<{link}>' for link in first.seen)}"
    yield ""


INTRODUCTION = """# How norms go wrong

{distinct} mistakes, in {total} variants over the six norms. Each is a norm with one thing wrong (`mistakes/`), which proves that
the checks can fail: `selftest/test_mistakes.py` shows that every one of them is caught by the clause that it breaks, in every
format in which it can be seen, and that each Must and Should clause is broken by one. When a check fails on an implementation,
they are tried on the failing input, and the one that gives the same wrong numbers is named.

For each: what the wrong code does; a question to begin with; what should stand there; numbers to redo on paper, where a small
example shows it; the clauses that it breaks, one for each norm that it is known of (`pytest --explain LN-3` prints one); and
where it was found. At the end stands which clauses each of them breaks besides.

This page is written by `python selftest/proof.py`; a self-test holds it to what is measured.
"""


def headings() -> dict[str, str]:
    """For each mistake the heading of its file under which it stands."""
    found: dict[str, str] = {}
    for path in ("shared", *("layernorm", "rmsnorm", "batchnorm", "groupnorm", "instancenorm", "deepnorm")):
        heading = "" if path == "shared" else f"Of {NORMS[importlib.import_module(f'mistakes.{path}').NORM.norm].title}"
        for line in (ROOT / "mistakes" / f"{path}.py").read_text(encoding="utf-8").splitlines():
            if line.startswith("# ==== "):
                heading = line.strip("# =")
            elif line.startswith("class "):
                found.setdefault(line[6:].partition("(")[0], heading)
    return found


def catalogue_text() -> str:
    """The page without its matrix."""
    of_heading: dict[str, list[str]] = {}
    where = headings()
    for name, mistakes in distinct().items():
        of_heading.setdefault(where[name], []).extend(entry(mistakes))
    ordered = [h for h in dict.fromkeys(where.values()) if h in of_heading]
    parts = [INTRODUCTION.format(distinct=len(distinct()), total=len(catalogue()))]
    for heading in ordered:
        parts += [f"## {heading}\n", "\n".join(of_heading[heading])]
    return "\n".join(parts)


MATRIX = """## Which clauses each breaks

Measured on the first norm that a mistake is known of, in float32, or in 16 bits where it can be seen in those alone; the
clause that it is named for is bold.

| mistake | on | breaks |
| --- | --- | --- |"""


def matrix_rows(part: int = 0, parts: int = 1) -> list[str]:
    """The rows of the kill matrix, or every `parts`-th of them."""
    return [row(mistakes) for mistakes in list(distinct().values())[part::parts]]


def page() -> str:
    """The whole page."""
    return f"{catalogue_text()}\n{MATRIX}\n" + "\n".join(matrix_rows()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name}: {len(distinct())} mistakes")
