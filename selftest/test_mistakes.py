"""Known mistakes: each is caught by the clause that it breaks, each clause is broken by one, and the page of them is true."""

from __future__ import annotations

import re

import pytest
from proof import PAGE, breaks, catalogue_text, checks, clauses_of, distinct, held, implementation, matrix_rows

from harness.clauses import all_clauses
from harness.formats import FORMATS
from harness.norms import NORMS as ALL_NORMS
from mistakes.catalogue import catalogue, of_norm
from mistakes.steps import NORMS

each_norm = pytest.mark.parametrize("norm", NORMS)
each_dtype = pytest.mark.parametrize("dtype", FORMATS)
PARTS = 6

# torch's sums of a lone row and of several may run in different orders: the last bits of float64 differ then.
LACKS = {(clause, "float64") for clause in ("LN-19", "RM-13", "BN-34", "GI-25", "GI-91", "DN-25")}


def test_there_are_many() -> None:
    """120 different ones and more, of every norm, forward and backward."""
    assert len(distinct()) >= 120
    assert {m.norm for m in catalogue()} == set(ALL_NORMS)
    assert all(any(m.steps.explicit for m in of_norm(norm)) for norm in NORMS)


def test_each_says_what_is_wrong() -> None:
    """A sentence, a question, what should stand there; links are links."""
    for mistake in catalogue():
        assert mistake.sentence.endswith("."), mistake.name
        assert mistake.question.endswith("?"), mistake.name
        assert mistake.formula, mistake.name
        assert re.fullmatch(r"[a-z][a-z0-9_]+", mistake.name)
        assert all(re.fullmatch(r"https://\S+/\S+/\S+", link) for link in mistake.seen), mistake.seen
        assert set(mistake.dtypes) <= set(FORMATS)


def test_each_breaks_a_clause_of_its_norm() -> None:
    """One that there is, about an implementation."""
    assert [m.name for m in catalogue() if m.clause not in clauses_of(m.norm)] == []


def test_every_clause_is_broken_by_one() -> None:
    """Every Must and every Should."""
    broken = {m.clause for m in catalogue()}
    owed = [c for c in all_clauses().values() if c.norm and c.level in ("must", "should")]

    assert [str(c) for c in owed if c.id not in broken and c.id in checks()] == []


@each_dtype
@each_norm
def test_each_is_caught_by_the_clause_that_it_breaks(norm: str, dtype: str) -> None:
    """In every format in which it can be seen."""
    visible = [m for m in of_norm(norm) if dtype in m.dtypes]

    survived = [(m.name, m.clause, v.outcome) for m in visible if not (v := breaks(m, dtype, m.clause)).broken]

    assert survived == []


@each_dtype
@each_norm
def test_without_a_mistake_every_clause_holds(norm: str, dtype: str) -> None:
    """The steps as they stand are sound; each clause makes a claim about a value, or is about other formats alone."""
    sound = implementation(norm, lambda *arguments: NORMS[norm](*arguments)())

    verdicts = {clause: held(sound, norm, dtype, clause) for clause in clauses_of(norm)}

    assert [c for c, v in verdicts.items() if v.broken and (c, dtype) not in LACKS] == []
    assert [c for c, v in verdicts.items() if v.outcome == "empty"] == []
    others = {c: str(v.error) for c, v in verdicts.items() if v.outcome == "not_offered"}
    about_formats = ("float64 alone", "16-bit", "float16's squares fit")
    assert {c: why for c, why in others.items() if not any(words in why for words in about_formats)} == {}


def test_the_page_says_what_they_are() -> None:
    """MISTAKES.md without its matrix is what `mistakes/` says; `python selftest/proof.py` writes it."""
    assert PAGE.read_text(encoding="utf-8").startswith(catalogue_text()), "run python selftest/proof.py"


@pytest.mark.parametrize("part", range(PARTS))
def test_the_page_says_what_they_break(part: int) -> None:
    """The kill matrix is what is measured."""
    printed = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]

    assert printed[part::PARTS] == matrix_rows(part, PARTS), "run python selftest/proof.py"
