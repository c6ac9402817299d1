"""Reading the specs: every clause with its level, its norm and its text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from harness.norms import NORMS

SPECS = Path(__file__).resolve().parent.parent / "specs"
LEVELS = ("must", "should", "choice", "study")


class SpecError(ValueError):
    """A spec that does not follow its format; the message names file and line."""


@dataclass(frozen=True)
class Clause:
    """`## LN-3 The variance divides by n`, and what stands below it."""

    id: str
    title: str
    level: str
    norm: str  # the norm under whose heading it stands; "" for one that is about no norm in particular
    body: str
    spec: Path
    line: int

    @property
    def number(self) -> int:
        return int(self.id.rpartition("-")[2])

    def __str__(self) -> str:
        return f"{self.id} {self.title}"


def parse(path: Path) -> list[Clause]:
    """The clauses of one spec, in its order.

    A level-1 heading that is a norm's title (`# GroupNorm`) says whose clauses follow. Raises SpecError.
    """
    clauses, norm = [], ""
    titles = {n.title: n.name for n in NORMS.values()}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as e:
        line = e.object.count(b"\n", 0, e.start) + 1
        raise SpecError(f"{path.name}:{line}: no UTF-8: {e.reason}") from e
    starts = [i for i, line in enumerate(lines) if re.match(r"#{1,2} ", line)] + [len(lines)]
    for start, end in pairwise(starts):
        if lines[start].startswith("# "):
            norm = titles.get(lines[start][2:].strip(), norm)
            continue
        heading = re.fullmatch(r"## ([A-Z]+-[1-9]\d*) (\S.*)", lines[start])
        if heading is None:
            if re.match(r"## [A-Z]+-", lines[start]):
                raise SpecError(f"{path.name}:{start + 1}: expected '## LN-3 Title', found {lines[start]!r}")
            continue
        body = "\n".join(lines[start + 1 : end]).strip()
        level = re.match(r"\*\*(\w+)\.\*\*", body)
        if level is None or level[1].lower() not in LEVELS:
            raise SpecError(
                f"{path.name}:{start + 1}: {heading[1]} does not begin with **Must.**, **Should.**, **Choice.** or **Study.**"
            )
        clauses.append(Clause(heading[1], heading[2], level[1].lower(), norm, body, path, start + 1))
    return clauses


@cache
def all_clauses() -> dict[str, Clause]:
    """Every clause of every spec by its id, norms in their usual order. Raises SpecError."""
    order = list(NORMS)
    clauses: dict[str, Clause] = {}
    found = [c for path in sorted(SPECS.glob("*.md")) for c in parse(path)]
    for clause in sorted(found, key=lambda c: order.index(c.norm) if c.norm in order else len(order)):
        if clause.id in clauses:
            first = clauses[clause.id]
            raise SpecError(
                f"{clause.id} stands twice: {first.spec.name}:{first.line} and {clause.spec.name}:{clause.line}"
            )
        clauses[clause.id] = clause
    return clauses
