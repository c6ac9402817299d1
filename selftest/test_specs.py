"""The specs: every clause is cited by a test, every test cites a clause, and both say the same about it."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from running import ROOT, TEST_FILES

from harness.clauses import LEVELS, SPECS, SpecError, all_clauses, parse
from harness.explain import explain, rendered
from harness.norms import NORMS

CLAUSES = all_clauses()


class Citation(NamedTuple):
    """A test of a spec's test file, the clauses that it cites, and whether it holds an implementation to them."""

    file: str
    test: str
    clauses: tuple[str, ...]
    takes_impl: bool


def _citations() -> list[Citation]:
    found = []
    for path in sorted(ROOT.glob("test_*.py")):
        if not (SPECS / f"{path.stem.removeprefix('test_')}.md").is_file():
            continue  # a file of tests that are about no layer
        for name, test in inspect.getmembers(importlib.import_module(path.stem), inspect.isfunction):
            if name.startswith("test_"):
                marks = tuple(m.args[0] for m in getattr(test, "pytestmark", []) if m.name == "clause")
                found.append(Citation(path.name, name, marks, "impl" in inspect.signature(test).parameters))
    return found


CITATIONS = _citations()


def test_every_clause_is_cited() -> None:
    """By at least one test."""
    cited = {clause for c in CITATIONS for clause in c.clauses}

    assert [clause for clause in CLAUSES if clause not in cited] == []


def test_every_test_cites_one_clause() -> None:
    """One that there is."""
    assert [c for c in CITATIONS if len(c.clauses) != 1 or c.clauses[0] not in CLAUSES] == []


def test_every_test_stands_in_the_file_of_its_clause_s_spec() -> None:
    """test_layernorm.py holds to specs/layernorm.md; where two norms share a file, the second's tests carry its name."""
    cited = [(c, CLAUSES[c.clauses[0]]) for c in CITATIONS]
    of_a_norm = [(c, clause) for c, clause in cited if clause.norm]

    assert [c for c, clause in cited if c.file != f"test_{clause.spec.stem}.py"] == []
    assert [c for c, clause in of_a_norm if c.file != TEST_FILES[clause.norm]] == []
    assert [c for c, clause in of_a_norm if ("_instance_" in c.test) != (clause.norm == "instance_norm")] == []


def test_an_implementation_is_held_to_all_but_studies() -> None:
    """A test takes an implementation exactly where its clause is about one."""
    assert [c for c in CITATIONS if c.takes_impl == (CLAUSES[c.clauses[0]].level == "study")] == []


def test_every_clause_names_its_level_and_its_norm() -> None:
    """The norm is known; a Study's alone may be none."""
    assert {c.level for c in CLAUSES.values()} <= set(LEVELS)
    assert [c for c in CLAUSES.values() if c.norm not in NORMS and (c.norm or c.level != "study")] == []


def test_every_clause_says_more_than_its_title() -> None:
    """Behind the level stands a reason, a source or an example."""
    assert [c.id for c in CLAUSES.values() if len(c.body) <= len(f"**{c.level}.**")] == []


def test_a_choice_names_its_options() -> None:
    """In a line of their own, and nothing but a choice has one."""
    with_options = {c.id for c in CLAUSES.values() if re.search(r"^Options: \S", c.body, re.MULTILINE)}

    assert with_options == {c.id for c in CLAUSES.values() if c.level == "choice"}


def test_every_clause_is_explained() -> None:
    """--explain finds it, in either case of letters, and says where it stands."""
    texts = {c: explain(c.id.lower()) for c in CLAUSES.values()}

    assert [
        c.id for c, text in texts.items() if not text.startswith(f"{c.id} {c.title}\n\n{rendered(c.body, False)}")
    ] == []
    assert [c.id for c, text in texts.items() if not text.endswith(f"specs/{c.spec.name}:{c.line}")] == []


def test_ids_are_unique() -> None:
    """No id stands twice, and no prefix in two specs."""
    ids = [c.id for path in SPECS.glob("*.md") for c in parse(path)]
    prefixes = {(c.id.partition("-")[0], c.spec.name) for c in CLAUSES.values()}

    assert sorted(ids) == sorted(CLAUSES)
    assert len({prefix for prefix, _ in prefixes}) == len(prefixes)


def test_every_norm_has_clauses_of_each_level() -> None:
    """Musts, Shoulds and Choices."""
    found = {(c.norm, c.level) for c in CLAUSES.values()}

    assert [(n, level) for n in NORMS for level in ("must", "should", "choice") if (n, level) not in found] == []


@pytest.mark.parametrize(
    ("heading", "body", "problem"),
    [
        ("## LN-03 Title", "**Must.** x", "spec.md:1: expected '## LN-3 Title'"),
        ("## LN-3", "**Must.** x", "spec.md:1: expected '## LN-3 Title'"),
        ("## LN-3 Title", "Must be so.", "spec.md:1: LN-3 does not begin with"),
        ("## LN-3 Title", "**May.** x", "spec.md:1: LN-3 does not begin with"),
    ],
    ids=["leading zero", "no title", "no level", "no such level"],
)
def test_what_is_no_clause_is_refused(tmp_path: Path, heading: str, body: str, problem: str) -> None:
    """With the file and the line."""
    path = tmp_path / "spec.md"
    path.write_text(f"{heading}\n\n{body}\n", encoding="utf-8")

    with pytest.raises(SpecError, match=re.escape(problem)):
        parse(path)
