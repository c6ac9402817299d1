"""`--explain LN-3`: one clause of the specs, rendered for a terminal."""

from __future__ import annotations

import difflib
import re
from typing import Any

from harness import languages
from harness.clauses import Clause, all_clauses

LEVELS = {"must": "必须。", "should": "应当。", "choice": "可选。", "study": "知识。"}  # in Chinese
BOLD, CYAN, FAINT, PLAIN = "\033[1m", "\033[36m", "\033[2m", "\033[0m"


def explain(clause_id: str, language: str = "en", colour: bool = False) -> str:
    """The clause: statement, level, why, formula, worked example, where it stands. Raises KeyError that lists what there is."""
    clause = all_clauses().get(clause_id.upper())
    if clause is None:
        raise KeyError(f"--explain {clause_id}: there is no such clause{_near(clause_id.upper())}")
    shown = languages.in_language(clause, language)
    body = shown.body if shown is clause else f"{shown.body}\n\n{_examples(clause)}".rstrip()
    if language == "zh":
        body = body.replace(f"**{clause.level.capitalize()}.**", f"**{LEVELS[clause.level]}**", 1)
    head = _styled(f"{clause.id} {shown.title}", BOLD, colour)
    where = _styled(f"{clause.spec.parent.name}/{clause.spec.name}:{clause.line}", FAINT, colour)
    return f"{head}\n\n{rendered(body, colour)}\n\n{where}"


def rendered(markdown: str, colour: bool) -> str:
    """Markdown as a terminal shows it: code indented, and coloured if asked for, without fences and asterisks."""
    lines, code = [], False
    for line in markdown.splitlines():
        if line.startswith("```"):
            code = not code
        elif code or line.startswith("    "):
            lines.append(_styled("    " + line if code else line, CYAN, colour) if line.strip() else "")
        else:
            line = re.sub(r"\*\*(.+?)\*\*", lambda m: _styled(m[1], BOLD, colour), line)
            lines.append(re.sub(r"`([^`]+)`", lambda m: _styled(m[1], CYAN, True), line) if colour else line)
    return "\n".join(lines)


def _styled(text: str, style: str, colour: bool) -> str:
    return f"{style}{text}{PLAIN}" if colour else text


def _examples(clause: Clause) -> str:
    """The examples of a clause, for a translation that has none of its own."""
    return "\n\n".join(re.findall(r"```python\n.*?```", clause.body, re.DOTALL))


def _near(clause_id: str) -> str:
    """What there is instead: `(near: LN-3); there are LN-1 to LN-61, ...`."""
    clauses = all_clauses()
    near = difflib.get_close_matches(clause_id, clauses, n=3)
    numbers: dict[str, list[int]] = {}
    for clause in clauses.values():
        numbers.setdefault(clause.id.rpartition("-")[0], []).append(clause.number)
    ranges = ", ".join(f"{prefix}-{min(n)} to {prefix}-{max(n)}" for prefix, n in numbers.items())
    return (f" (near: {', '.join(near)})" if near else "") + f"; there are {ranges}"


def mistakes_of(clause_id: str, catalogue: Any, answers: Any, language: str) -> list[str]:
    """`unbiased_variance: the variance divides by n - 1`, for each known mistake that breaks the clause."""
    named = {m.name: languages.said("mistakes", m.name, "sentence", m.sentence, language)
             for m in catalogue if m.clause == clause_id}  # fmt: skip
    for a in answers:
        if a.clause == clause_id and a.name not in named:
            named[a.name] = languages.said("answers", f"{a.clause}.{a.name}", "sentence", a.sentence, language)
    return [f"{name}: {sentence}" for name, sentence in named.items()]
