"""English or Chinese: the statements of the clauses, why they matter, and the hints."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from harness.clauses import SPECS, Clause, all_clauses, parse
from harness.options import LANGUAGES

MISTAKES = Path(__file__).resolve().parent.parent / "mistakes"


def of_locale(environment: Mapping[str, str] = os.environ) -> str:
    """The language of the locale, where it is one of these; the first variable that is set decides, as in gettext."""
    named = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "")
    return named[:2] if named[:2] in LANGUAGES else "en"


@cache
def translated(language: str) -> dict[str, Clause]:
    """The clauses as `specs/LANGUAGE/*.md` has them, by their ids."""
    return {c.id: c for path in sorted((SPECS / language).glob("*.md")) for c in parse(path)}


def in_language(clause: Clause, language: str) -> Clause:
    """The clause in a language, or in English where it is not translated."""
    return translated(language).get(clause.id, clause)


def title(clause: str, language: str) -> str:
    """What the clause states."""
    return in_language(all_clauses()[clause], language).title


def why(clause: str, language: str) -> str:
    """Why it matters: the first paragraph below the title."""
    paragraph = in_language(all_clauses()[clause], language).body.partition("\n\n")[0]
    return paragraph.partition(".**")[2].strip().replace("\n", "" if language == "zh" else " ")


@cache
def translations() -> dict[str, dict[str, dict[str, str]]]:
    """What is said of the mistakes (by name) and of the wrong answers (by clause and name) in Chinese."""
    catalogue, *answers = (tomllib.loads(p.read_text(encoding="utf-8")) for p in (
        MISTAKES / "zh.toml", *sorted((MISTAKES / "answers" / "zh").glob("*.toml"))))  # fmt: skip
    return {**catalogue, "answers": {name: said for table in answers for name, said in table.items()}}


def said(section: str, name: str, step: str, english: str, language: str) -> str:
    """What is said of one of the `mistakes` or `answers`: its sentence, or a step of its hint."""
    return english if language == "en" else translations()[section].get(name, {}).get(step, english)


def continued(sentence: str) -> str:
    """A sentence behind a colon: its first letter small, unless the first word is a name or a symbol."""
    first = sentence.split(maxsplit=1)[0]
    return sentence[:1].lower() + sentence[1:] if first == "A" or (len(first) > 1 and first[1:].islower()) else sentence
