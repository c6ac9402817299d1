"""Chinese and English: nothing that is said to a reader is missing in either, and the options choose."""

from __future__ import annotations

import re

import pytest
from running import run

from harness import languages
from harness.clauses import all_clauses
from mistakes.answers import answers
from mistakes.catalogue import catalogue

CHINESE = re.compile(r"[\u4e00-\u9fff]")
CLAUSES = all_clauses()


def test_every_clause_has_a_statement_and_a_reason_in_chinese() -> None:
    """With its level, and for no clause that there is not."""
    translated = languages.translated("zh")

    assert [c for c in CLAUSES if c not in translated] == []
    assert [c for c in translated if c not in CLAUSES] == []
    assert [c.id for c in translated.values() if c.level != CLAUSES[c.id].level] == []
    assert [c for c in CLAUSES if not CHINESE.search(languages.title(c, "zh"))] == []
    assert [c for c in CLAUSES if not CHINESE.search(languages.why(c, "zh"))] == []


def test_every_clause_has_a_reason_in_english() -> None:
    """Behind its level."""
    assert [c for c in CLAUSES if not languages.why(c, "en")] == []


def test_every_mistake_is_described_in_chinese() -> None:
    """Its sentence and its question; and nothing is translated that there is not."""
    table = languages.translations()
    names = {m.name for m in catalogue()}

    assert {n for n, said in table["mistakes"].items() if {"sentence", "question"} == set(said)} == names
    assert [n for n, said in table["mistakes"].items() if not all(map(CHINESE.search, said.values()))] == []


def test_every_wrong_answer_is_described_in_chinese() -> None:
    """Its sentence and the three steps of its hint."""
    table = languages.translations()
    names = {f"{a.clause}.{a.name}" for a in answers()}

    assert set(table["answers"]) == names
    assert [n for n, said in table["answers"].items()
            if not {"sentence", "question"} <= {k for k, v in said.items() if CHINESE.search(v)}] == []  # fmt: skip
    assert [
        n for n, said in table["answers"].items() if set(said) != {"sentence", "question", "formula", "numbers"}
    ] == []


@pytest.mark.parametrize(
    ("variables", "language"),
    [({}, "en"), ({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LANG": "de_DE"}, "en"), ({"LC_ALL": "C", "LANG": "zh_CN"}, "en"),
     ({"LC_ALL": "", "LC_MESSAGES": "zh_TW", "LANG": "en_US"}, "zh")],
)  # fmt: skip
def test_the_locale_chooses(variables: dict[str, str], language: str) -> None:
    """The first of LC_ALL, LC_MESSAGES and LANG that is set."""
    assert languages.of_locale(variables) == language


def test_explain_in_chinese() -> None:
    """Statement and reason are Chinese, the example is the same."""
    result = run("--explain", "LN-3", "--lang=zh")

    assert CHINESE.search(result.stdout.splitlines()[0])
    assert ">>> forward(" in result.stdout


def test_the_checklist_in_chinese() -> None:
    """Its statements; signs and numbers stay."""
    result = run("test_layernorm.py", "-k", "LN-3", "--dtype=float32", "--lang=zh")

    line = next(line for line in result.stdout.splitlines() if line.startswith(" ✓ LN-3 "))
    assert CHINESE.search(line)
