"""`pytest --impl exercises`: one test per clause that is taught, in learning order, and how far one has come."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness import COMMAND, ROOT, bridge, languages, lessons
from harness.clauses import Clause, all_clauses, parse
from harness.comparison import Violation
from harness.diagnosis import Diagnostician
from harness.implementations import Implementation
from harness.lessons import LESSONS, NotImportable, Problem, lesson_clauses
from harness.subject import Subject
from harness.text import bounded
from harness.verdict import Record

PASSED = "normspec/passed"  # in pytest's cache: the clauses that have passed, by the exercises' folder
WIDTH = 118
NOT_STARTED = "not started"


class Wrong(AssertionError):
    """An answer whose value on an example is not the reference's."""

    def __init__(self, problem: Problem):
        super().__init__(problem.got.shown)
        self.problem = problem


class Classroom:
    """What the tests of one run share: the learner's folder, the known wrong answers, language and hints."""

    def __init__(self, what: str, wrong_answers: Sequence[Any], diagnostician: Diagnostician, language: str):
        self.name, self.folder = what, lessons.folder(what)
        self.wrong_answers, self.diagnostician, self.language = wrong_answers, diagnostician, language
        self._functions: dict[str, lessons.Functions] = {}
        self._problems: dict[str, Problem | None] = {}
        self._said: set[str] = set()
        self.implementation: Implementation = lessons.implementation(what, self.functions)

    def functions(self, lesson: str) -> lessons.Functions:
        """The learner's functions of a lesson, imported once a run."""
        if lesson not in self._functions:
            self._functions[lesson] = lessons.learned(self.folder, lesson)
        return self._functions[lesson]

    def problem(self, clause: Clause) -> Problem | None:
        """Where the learner's functions go wrong on the clause's examples; found once a run."""
        if clause.id not in self._problems:
            self._problems[clause.id] = lessons.first_problem(clause, self.functions(clause.spec.stem))
        return self._problems[clause.id]

    def examples_hold(self, lesson: str) -> bool:
        """Whether no example of a lesson is wrong; what is not started is not."""
        problems = (self.problem(all_clauses()[c]) for c, of in lesson_clauses().items() if of == lesson)
        return all(p is None or p.not_started for p in problems)

    def says(self, lesson: str) -> bool:
        """Whether this is the first clause that says that a lesson's file can't be imported."""
        first = lesson not in self._said
        self._said.add(lesson)
        return first

    def file(self, lesson: str) -> str:
        """The path of a lesson's exercises, as short as it can be."""
        path = self.folder / f"{lesson}.py"
        return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


class LessonFile(pytest.File):
    """A spec, whose tests are the clauses that are taught."""

    classroom: Classroom

    def collect(self) -> Iterator[pytest.Item]:
        for clause in parse(self.path):
            if clause.id in lesson_clauses():
                yield LessonItem.from_parent(self, name=clause.id, clause=clause)


class LessonItem(pytest.Item):
    """One clause, held against a learner's functions: first its examples, then the probes of its conformance test."""

    def __init__(self, *, clause: Clause, **kwargs: Any):
        super().__init__(**kwargs)
        self.clause = all_clauses()[clause.id]
        self.classroom: Classroom = self.parent.classroom  # type: ignore[union-attr]
        self.subject: Subject | None = None
        self.held = self.clause  # the one whose test ran last
        self.extra_keyword_matches.add(clause.id)

    @property
    def lesson(self) -> str:
        return self.clause.spec.stem

    def runtest(self) -> None:
        problem = self.classroom.problem(self.clause)
        if problem is not None:
            if isinstance(problem.got.error, NotImportable) and not self.classroom.says(self.lesson):
                pytest.skip(f"{self.lesson}.py can't be imported")
            if problem.not_started:
                begun = lessons.begun(self.classroom.folder, self.lesson)
                pytest.skip(str(problem.got.error) or (self._waits_for(problem) if begun else NOT_STARTED))
            raise Wrong(problem)
        if self.classroom.examples_hold(self.lesson):  # otherwise the clause whose example does not says it best
            for clause, test in lessons.conformance(self.clause):
                self._hold(test, clause)

    def _hold(self, test: Callable[..., None], clause: Clause) -> None:
        """Holds the learner's norm to one clause of the specs."""
        self.held = clause
        self.subject = Subject(self.classroom.implementation, clause.norm, "cpu", "float64")
        try:
            with bridge.kept():
                self.subject.begin()
            with bridge.kept():
                test(impl=self.subject)
        except NotImplementedError:
            return  # what is not written yet, its gradient say, can't be wrong; the examples hold

    def _waits_for(self, problem: Problem) -> str:
        """The function that an example calls and that is not written yet."""
        return f"waits for {lessons.exercises_in(self.lesson, problem.got.source)}"

    def reportinfo(self) -> tuple[Path, int, str]:
        title = languages.title(self.clause.id, self.classroom.language)
        return self.path, self.clause.line, f"{self.clause.id} {title}"

    def judged(self, report: pytest.TestReport, error: BaseException | None, hints: int) -> None:
        """The report's outcome as a record, and its message for the learner."""
        names: list[str] = []
        outcome, message = "pass", None
        if report.skipped:
            outcome, message = "not_started", report.longrepr[2].removeprefix("Skipped: ")  # type: ignore[index,union-attr]
        elif report.failed:
            outcome = "fail" if isinstance(error, Wrong | Violation) else "error"
            names, message = self._message(error, hints)
            if self.config.option.tbstyle == "auto":
                report.longrepr = message
            else:
                report.sections.append(("clause", message))
        record = Record(self.classroom.name, "", "cpu", "float64", self.clause.norm or self.lesson, self.clause.id,
                        self.clause.level, outcome, None, None, None, names, message)  # fmt: skip
        report.user_properties.append(("normspec", {**vars(record), "siblings": 1}))

    def _message(self, error: BaseException | None, hints: int) -> tuple[list[str], str]:
        """The names of likely causes, and what to show: the call, what it gave, what was expected, the cause, hints."""
        language = self.classroom.language
        lines = [f"{self.clause.id} {languages.title(self.clause.id, language)}"]
        names: list[str] = []
        if isinstance(error, Wrong):
            lines += _shown(error.problem)
            functions = self.classroom.functions(self.lesson)
            if found := lessons.causes(self.clause, functions, self.classroom.wrong_answers):
                names = [a.name for a in found]
                lines += [f"  {line}" for line in said(found[0], hints, language)]
            elif isinstance(error.problem.got.error, RecursionError):
                lines.append("  it calls itself without end")
        elif isinstance(error, Violation) and self.subject:
            test = dict(lessons.conformance(self.clause))[self.held]
            also = "" if self.held is self.clause else f", {self.held.id} {languages.title(self.held.id, language)}"
            lines.append(f"  the examples hold; on larger inputs{also}:")
            diagnosis = self.classroom.diagnostician.explain(self.subject, test, self.held.id, error)
            names = diagnosis.names
            lines += [f"  {line}" for line in bounded(str(error)).splitlines()]
            lines += [f"  {line}" for line in diagnosis.lines(hints, language)]
        else:
            lines.append(f"  the examples hold; on larger inputs {type(error).__name__}: {error}")
        if place := lessons.place_of(
            error.problem.got.error if isinstance(error, Wrong) else error, self.classroom.folder
        ):
            lines.append(f"  raised in {place}")
        exercise = f"{self.classroom.file(self.lesson)}: {lessons.exercise_of(self.clause)}"
        return names, bounded("\n".join([*lines, f"  {exercise}", f"  {COMMAND} --explain {self.clause.id}"]))


def said(answer: Any, hints: int, language: str) -> list[str]:
    """The name of a wrong answer, what is wrong, and as many steps of its hint."""

    def text(step: str) -> str:
        return languages.said("answers", f"{answer.clause}.{answer.name}", step, getattr(answer, step), language)

    sentence = text("sentence")
    steps = [text(step) for step in ("question", "formula", "numbers")[:hints]]
    return [f"looks like {answer.name}: {languages.continued(sentence)}", *(f"hint: {step}" for step in steps)]


def _shown(problem: Problem) -> list[str]:
    """The call, what it gave and what was expected, below what was set up for it."""
    given = [f"  given     {s.source}" for s in problem.before if s.error is None and s.value is None]
    values = (("called", problem.got.source), ("got", problem.got.shown), ("expected", problem.expected.shown))
    width = max(len(name) for name, _ in values) + 2
    return [*given, *(textwrap.indent(f"{name:{width}}" + text.replace("\n", "\n" + " " * width), "  ")
                      for name, text in values)]  # fmt: skip


# -- the end of the run ------------------------------------------------------------------------------------------------


def progress(
    records: dict[str, Record], classroom: Classroom, passed_before: set[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """How far each lesson is: its clauses, and the whys of those that passed for the first time."""
    for lesson in LESSONS:
        ids = [c for c, of in lesson_clauses().items() if of == lesson and c in records]
        begun = [c for c in ids if records[c].message != NOT_STARTED]
        if not ids:
            continue
        heading = f"{lesson} · {classroom.file(lesson)}"
        if not begun:
            yield f"{heading} · not started", {}
            continue
        yield "", {}
        yield heading, {"bold": True}
        for clause in ids:
            yield from _line(records[clause], classroom, clause not in passed_before)
        if all(
            lesson_clauses()[c] != lesson or (c in records and records[c].outcome == "pass") for c in lesson_clauses()
        ):
            yield f"   all of it holds; to compare with, now that it is your own: reference/{lesson}.py", {}
    yield "", {}
    yield summary(records, classroom, passed_before), {"bold": True}


def _line(record: Record, classroom: Classroom, first: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    clause = record.clause
    title = languages.title(clause, classroom.language)
    if record.outcome == "not_started":
        remark = "" if record.message == NOT_STARTED else f"   {record.message}"
        yield f" · {clause:6} {title}{remark}", {}
        return
    if record.outcome != "pass":
        cause = f"   looks like {record.diagnosis[0]}" if record.diagnosis else ""
        yield f" ✗ {clause:6} {title}{cause}", {"red": True}
        return
    yield f" ✓ {clause:6} {title}", {"green": True}
    if first:
        for line in textwrap.wrap(
            languages.why(clause, classroom.language), WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 10
        ):
            yield line, {}


def summary(records: dict[str, Record], classroom: Classroom, passed_before: set[str]) -> str:
    """`layernorm 9/14 · ... · total 9/87 (10 %) · next: LN-10, forward in exercises/layernorm.py`.

    What did not run this time counts as it did before.
    """
    passed = {c for c in lesson_clauses()
              if (records[c].outcome == "pass" if c in records else c in passed_before)}  # fmt: skip
    parts = []
    for lesson in LESSONS:
        ids = [c for c, of in lesson_clauses().items() if of == lesson]
        parts.append(f"{lesson} {len(passed & set(ids))}/{len(ids)}")
    total = len(lesson_clauses())
    parts.append(f"total {len(passed)}/{total} ({100 * len(passed) // total} %)")
    if (following := next((c for c in lesson_clauses() if c not in passed), None)) is not None:
        clause = all_clauses()[following]
        parts.append(f"next: {following} ({lessons.exercise_of(clause)} in {classroom.file(clause.spec.stem)})")
    return " · ".join(parts)
