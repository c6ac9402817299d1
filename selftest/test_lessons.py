"""The exercises: the reference passes every clause, the starter has begun none, each wrong answer is named."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness import examples, lessons
from harness.clauses import Clause, all_clauses
from mistakes.answers import Answer, answers


@pytest.mark.parametrize("clause", lessons.lesson_clauses())
def test_the_reference_is_the_solution(clause: str) -> None:
    """It passes, and every clause asks something of it."""
    found, asked = all_clauses()[clause], lessons.lesson_clauses()[clause]

    assert found.spec.stem == asked
    assert lessons.first_problem(found, lessons.references(asked)) is None


@pytest.mark.parametrize("clause", lessons.lesson_clauses())
def test_an_untouched_exercise_is_not_started(clause: str) -> None:
    """Whatever the clause shows first."""
    found = all_clauses()[clause]

    problem = lessons.first_problem(found, dict.fromkeys(lessons.references(found.spec.stem), _blank))

    assert problem is not None
    assert problem.not_started


def _blank(*_: object, **__: object) -> object:
    raise NotImplementedError


@pytest.mark.parametrize("answer", answers(), ids=lambda a: f"{a.clause}-{a.name}")
def test_a_wrong_answer_is_named(answer: Answer) -> None:
    """By its own name, before any other."""
    clause = all_clauses()[answer.clause]

    problem = lessons.first_problem(clause, lessons.answered(answer))

    assert problem is not None
    assert [a.name for a in lessons.causes(clause, lessons.answered(answer), answers())][:1] == [answer.name]


@pytest.mark.parametrize("answer", answers(), ids=lambda a: f"{a.clause}-{a.name}")
def test_a_wrong_answer_has_its_hints(answer: Answer) -> None:
    """A sentence, a question, a formula, numbers."""
    steps = (answer.sentence, answer.question, answer.formula, answer.numbers)

    assert all(steps), answer.name
    assert len(set(steps)) == len(steps)


def _broken(clause: Clause) -> Iterator[str]:
    """The clause's body with the result of one example changed: a number by one in its last digit, a bool into the other."""
    for example in doctest.DocTestParser().get_examples(examples.unfenced(clause.body)):
        want = example.want.rstrip("\n")
        if want and not want.startswith("Traceback"):
            yield clause.body.replace(f"{example.source}{want}", f"{example.source}{_changed(want)}", 1)


def _changed(want: str) -> str:
    if (found := re.search(r"True|False|None", want)) is not None:
        return want.replace(found[0], "False" if found[0] == "True" else "True", 1)
    digits = list(re.finditer(r"\d", want.partition("dtype")[0]))
    if not digits:
        return want.replace("'", "'not ", 1)
    i = digits[-1].start()
    return want[:i] + str((int(want[i]) + 1) % 10) + want[i + 1 :]


@pytest.mark.parametrize("clause", lessons.lesson_clauses())
def test_a_changed_number_fails(clause: str) -> None:
    """Every result that a taught clause shows is compared: with any one of them changed, its examples fail."""
    right = all_clauses()[clause]
    wrong = list(_broken(right))

    unnoticed = [body for body in wrong if body == right.body or _holds(replace(right, body=body))]

    assert wrong
    assert unnoticed == []


def _holds(clause: Clause) -> bool:
    """Whether the clause's examples pass, as they are run in `pytest specs`."""
    test = doctest.DocTestParser().get_doctest(
        examples.unfenced(clause.body), examples.namespace(clause.spec), clause.id, None, 0
    )
    runner = doctest.DocTestRunner(verbose=False, optionflags=examples.OPTIONS)
    return runner.run(test, out=lambda _: None).failed == 0
