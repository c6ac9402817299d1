"""Wrong answers to the exercises, each with the clause that it breaks and three steps of a hint."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, eq=False)
class Answer:
    """A function of a reference with one thing wrong; its docstring has four paragraphs, the four properties below."""

    clause: str
    module: str  # the reference's name: "layernorm"
    replaces: str  # the name of its function: "forward"
    function: Callable[..., Any]

    @property
    def name(self) -> str:
        """What the wrong code does: `unbiased_variance`."""
        return self.function.__name__

    @property
    def sentence(self) -> str:
        """What is wrong, for the author of the wrong code."""
        return self._paragraph(0)

    @property
    def question(self) -> str:
        """The first step of the hint."""
        return self._paragraph(1)

    @property
    def formula(self) -> str:
        """The second step: what the function should compute."""
        return self._paragraph(2)

    @property
    def numbers(self) -> str:
        """The third step: the clause's example, redone by hand."""
        return self._paragraph(3)

    def _paragraph(self, i: int) -> str:
        paragraphs = inspect.cleandoc(self.function.__doc__ or "").split("\n\n")
        return paragraphs[i].replace("\n", " ") if i < len(paragraphs) else ""


_FOUND: list[Answer] = []


def wrong(clause: str, right: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a wrong answer to the exercise whose right answer is the reference's function `right`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _FOUND.append(Answer(clause, right.__module__.rpartition(".")[2], right.__name__, function))
        return function

    return register


@cache
def answers() -> tuple[Answer, ...]:
    """Every wrong answer, lesson by lesson."""
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        importlib.import_module(f"{__name__}.{path.stem}")
    return tuple(_FOUND)
