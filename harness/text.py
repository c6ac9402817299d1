"""What an implementation says, made safe to show: on a terminal, in a report, in JUnit's XML."""

from __future__ import annotations

import re
from typing import Any

import pytest

MESSAGE_LIMIT = 4000
CUT = " ... [cut]"

# Colour codes of a terminal, control characters but tab and newline, marks that turn the direction of text, lone
# surrogates and what is no character.
_FOREIGN = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def cleaned(value: Any) -> Any:
    """A text, or a document, with each such character replaced by U+FFFD, in keys too."""
    if isinstance(value, str):
        return _FOREIGN.sub("\ufffd", value.replace("\r\n", "\n"))
    if isinstance(value, dict):
        return {cleaned(k): cleaned(v) for k, v in value.items()}
    return [cleaned(v) for v in value] if isinstance(value, list) else value


def bounded(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The text, cleaned, and cut where it is too long for a report."""
    # A colour code is replaced by one character, so that more than the limit is looked at, but not all of what may be huge.
    text = cleaned(text[: 2 * limit])
    return text if len(text) <= limit else text[: limit - 20] + CUT


def one_line(text: str, limit: int = 200) -> str:
    """The same as one line."""
    return bounded(" ".join(text[: 2 * limit].split()), limit)


def ending(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """What was printed, cleaned, and of much the end."""
    return cleaned(text if len(text) <= limit else f"[{len(text) - limit:,} characters before this] ...{text[-limit:]}")


def made_safe(report: pytest.TestReport) -> None:
    """Bounds what was captured during one test, and cleans all that pytest shows of it."""
    report.sections = [(name, cleaned(said) if name == "clause" else ending(said)) for name, said in report.sections]
    if isinstance(report.longrepr, tuple):
        report.longrepr = (*report.longrepr[:2], cleaned(report.longrepr[2]))
    elif report.longrepr is not None and (shown := report.longreprtext) != cleaned(shown):
        report.longrepr = cleaned(shown)
