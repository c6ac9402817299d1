"""CLAIMS.md: every claim of the notes once, its verdict, and a test that there is and that passes."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from functools import cache
from typing import NamedTuple

from running import ROOT

PAGE = (ROOT / "CLAIMS.md").read_text(encoding="utf-8")
VERDICTS = ("true", "conditional", "misleading", "false", "unsupported")
NOTES = {  # how many claims each letter has, note by note
    "000": {"A": 22},
    "001": {"B": 20},
    "002": {"C": 6, "D": 7, "E": 6, "F": 4, "G": 5},
    "003": {"H": 26},
    "004": {"I": 10},
}
NODE_ID = re.compile(r"`([^`]+::[^`]+)`")


class Claim(NamedTuple):
    """A row of the page."""

    note: str
    id: str
    claim: str
    verdict: str
    holds: str
    tests: tuple[str, ...]


def claims() -> list[Claim]:
    """The rows under the headings `## Note 000: ...`, in their order."""
    found = []
    for section in PAGE.split("\n## ")[1:]:
        heading = re.match(r"Note (\d{3}): ", section)
        for line in section.splitlines():
            if heading and re.match(r"\| [A-Z]\d+ \|", line):
                cells = [cell.strip() for cell in line.strip("|").split("|")]
                assert len(cells) == 5, f"expected | id | claim | verdict | what holds | test |, found {line}"
                name, claim, verdict, holds, tests = cells
                found.append(Claim(heading[1], name, claim, verdict, holds, tuple(NODE_ID.findall(tests))))
    return found


def corrections() -> list[str]:
    """The numbered lines of the ten corrections."""
    return re.findall(r"^\d+\. .*$", PAGE, re.MULTILINE)


def named() -> list[str]:
    """Every test that the page names, once."""
    return list(dict.fromkeys(NODE_ID.findall(PAGE)))


def pytest_prints(*arguments: str) -> str:
    """What a run of pytest prints, in a process of its own. Fails with it, unless all is well."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


@cache
def existing() -> frozenset[str]:
    """All tests, slow ones too, of the files that the page names; of a parametrized test also its name alone."""
    files = sorted({node_id.partition("::")[0] for node_id in named()})
    printed = pytest_prints("--collect-only", "-o", "addopts=--benchmark-disable", *files)
    found = {line for line in printed.splitlines() if "::" in line}
    return frozenset(found | {node_id.partition("[")[0] for node_id in found})


def test_all_106_claims_stand_once_and_in_order() -> None:
    """A1 to A22, B1 to B20, C1 to C6 and so on to I10, each in the table of its note."""
    expected = [(note, f"{letter}{i}") for note, letters in NOTES.items()
                for letter, count in letters.items() for i in range(1, count + 1)]  # fmt: skip

    assert len(expected) == 106
    assert [(c.note, c.id) for c in claims()] == expected


def test_every_verdict_is_one_of_five() -> None:
    """Words, not shades."""
    assert {c.id: c.verdict for c in claims() if c.verdict not in VERDICTS} == {}


def test_no_cell_is_empty() -> None:
    """Every claim says what is claimed and what holds."""
    assert [c.id for c in claims() if not c.claim or not c.holds] == []


def test_the_head_counts_what_the_tables_have() -> None:
    """Each verdict as often as the rows give it, and the ids of each note from its first to its last."""
    counted = {
        v: int(n) for v, n in re.findall(r"^\| (\w+) \| [^|]+ \| (\d+) \|$", PAGE, re.MULTILINE) if v in VERDICTS
    }
    ranges = re.findall(r"^\| (\d{3}) \| [^|]+ \| (\w+) to (\w+) \|$", PAGE, re.MULTILINE)
    ids = {note: [c.id for c in claims() if c.note == note] for note in NOTES}

    assert counted == {v: [c.verdict for c in claims()].count(v) for v in VERDICTS}
    assert ranges == [(note, first[0], first[-1]) for note, first in ids.items()]


def test_every_claim_names_a_test() -> None:
    """At least one."""
    assert [c.id for c in claims() if not c.tests] == []


def test_each_of_the_ten_corrections_names_claims_and_a_test() -> None:
    """Claims that the tables have, none of them true, and a test that one of their rows has."""
    rows = {c.id: c for c in claims()}

    cited = [re.findall(r"\b[A-I]\d+\b(?=[^()]*\))", line) for line in corrections()]

    assert len(cited) == 10
    assert [
        line for line, ids in zip(corrections(), cited, strict=True) if not ids or not rows.keys() >= set(ids)
    ] == []
    assert [i for ids in cited for i in ids if rows[i].verdict == "true"] == []
    shown = [{test for i in ids for test in rows[i].tests} for ids in cited]
    assert [line for line, tests in zip(corrections(), shown, strict=True)
            if not NODE_ID.findall(line) or not tests >= set(NODE_ID.findall(line))] == []  # fmt: skip


def test_every_test_that_is_named_exists() -> None:
    """By its node id, of one example of a parametrized test or of all."""
    assert [node_id for node_id in named() if node_id not in existing()] == []


def test_every_test_that_is_named_passes() -> None:
    """All but slow ones, which the whole suite runs; skipped are those of models where transformers is not installed, alone."""
    printed = pytest_prints("-m", "not slow", "-rs", *named())

    skipped = re.findall(r"^SKIPPED .*", printed, re.MULTILINE)
    assert re.search(r"\d+ passed", printed), printed[-5000:]
    assert [line for line in skipped if "transformers is not installed" not in line] == []
    assert not skipped or importlib.util.find_spec("transformers") is None
