"""Verdicts: what is wrong is refused, by the clause that it breaks; what is right is accepted on every clause."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from running import TEST_FILES, reported, run

from harness.clauses import all_clauses
from harness.formats import FORMATS

HERE = Path(__file__).resolve().parent
WRONG, SOUND = (sorted((HERE / folder).glob("*.py")) for folder in ("wrong", "sound"))

# At its head a wrong file says which clause it BREAKS, and in which formats this is SEEN_IN, if not in these two; a sound
# one what it CHOOSES where sound ones differ, and which clauses it LACKS: a Should that does not hold, a Must that it
# does not offer.
FACTS: dict[Path, dict[str, Any]] = {path: runpy.run_path(str(path)) for path in (*WRONG, *SOUND)}
BROKEN = [(path, dtype) for path in WRONG for dtype in FACTS[path].get("SEEN_IN", ("float32", "bfloat16"))]


def _files(path: Path) -> list[str]:
    """The test files of the norms that it offers."""
    return [TEST_FILES[norm] for norm in TEST_FILES if norm in FACTS[path]]


def _level(path: Path) -> str:
    return all_clauses()[FACTS[path]["BREAKS"]].level


@pytest.mark.parametrize(("path", "dtype"), BROKEN, ids=[f"{path.stem}-{dtype}" for path, dtype in BROKEN])
def test_what_is_wrong_breaks_its_clause(path: Path, dtype: str) -> None:
    """The clause is among those that fail, and shown as such; a Must fails the run."""
    clause = FACTS[path]["BREAKS"]
    mark, status = {"must": ("✗", 1), "should": ("!", 0)}[_level(path)]

    result = reported("-q", *_files(path), f"--impl={path}", f"--dtype={dtype}")

    assert clause in result.clauses("fail", dtype=dtype)
    assert f" {mark} {clause} " in result.stdout
    assert result.status == status


@pytest.mark.parametrize("path", [p for p in WRONG if _level(p) == "should"], ids=lambda p: p.stem)
def test_a_should_fails_the_run_where_that_is_asked_for(path: Path) -> None:
    """Under --strict-should, and only there."""
    arguments = ["-q", *_files(path), f"--impl={path}", "--dtype=float32", "-k", FACTS[path]["BREAKS"]]

    assert run(*arguments).status == 0
    assert run(*arguments, "--strict-should").status == 1


@pytest.mark.parametrize("path", SOUND, ids=lambda p: p.stem)
def test_what_is_right_holds_on_every_clause(path: Path) -> None:
    """In every format no clause fails; each is checked in one format at least; the choices are those that it makes."""
    lacks = set(FACTS[path].get("LACKS", ()))

    result = reported("-q", *_files(path), f"--impl={path}")

    offered = {c.id for c in all_clauses().values() if c.norm in FACTS[path] and c.level != "study"}
    choices = {r["clause"]: r["choice"] for r in result.records if r["choice"] and r["dtype"] != "float64"}
    choices |= {r["clause"]: r["choice"] for r in result.records if r["choice"] and r["dtype"] == "float64"}
    assert result.clauses("fail", "error") <= lacks, result.stdout
    assert result.status == 0
    assert offered - result.clauses("pass") <= lacks
    assert {r["dtype"] for r in result.records} == set(FORMATS)
    assert choices.items() >= FACTS[path].get("CHOOSES", {}).items()
