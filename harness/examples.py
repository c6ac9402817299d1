"""Running the examples of the specs on the references, one test a clause."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import part
from harness.clauses import Clause, SpecError, parse
from harness.text import one_line

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def namespace(spec: Path) -> dict[str, Any]:
    """What an example may use: NumPy, the references by their names, and those of the spec's own reference."""
    modules = {p.stem: part(f"reference.{p.stem}")
               for p in (spec.parent.parent / "reference").glob("[a-z]*.py")}  # fmt: skip
    own = vars(modules[spec.stem]) if spec.stem in modules else {}
    return {"np": np, **modules, **{name: value for name, value in own.items() if not name.startswith("_")}}


def unfenced(markdown: str) -> str:
    """The text as doctest reads it: a fence behind an example would count as its output."""
    return markdown.replace("```", "")


def examples(clause: Clause) -> doctest.DocTest:
    """The examples of a clause. Raises SpecError."""
    try:
        return doctest.DocTestParser().get_doctest(unfenced(clause.body), {}, clause.id, str(clause.spec), clause.line)
    except ValueError as e:
        raise SpecError(f"{clause.spec.name}:{clause.line}: {clause.id}: {one_line(str(e))}") from e


class SpecFile(pytest.File):
    """A spec, whose tests are the clauses that have examples."""

    def collect(self) -> Iterator[pytest.Item]:
        try:
            tests = [(clause, examples(clause)) for clause in parse(self.path)]
        except SpecError as e:
            raise self.CollectError(str(e)) from e
        for clause, test in tests:
            if test.examples:
                yield ExampleItem.from_parent(self, name=clause.id, clause=clause, test=test)


class ExampleItem(pytest.Item):
    """The examples of one clause."""

    def __init__(self, *, clause: Clause, test: doctest.DocTest, **kwargs: Any):
        super().__init__(**kwargs)
        self.clause, self.test = clause, test

    def runtest(self) -> None:
        self.test.globs = namespace(self.path)
        runner = doctest.DebugRunner(optionflags=OPTIONS)
        runner.run(self.test, clear_globs=False)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        error = excinfo.value
        if isinstance(error, doctest.DocTestFailure):
            line = self.clause.line + (error.example.lineno or 0) + 1
            difference = doctest.OutputChecker().output_difference(error.example, error.got, OPTIONS)
            return f"{self.clause}\n{self.path.name}:{line}: {error.example.source.strip()}\n{difference}"
        if isinstance(error, doctest.UnexpectedException):
            return f"{self.clause}\n{error.example.source.strip()}\n{error.exc_info[0].__name__}: {error.exc_info[1]}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.clause.line, str(self.clause)
