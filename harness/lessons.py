"""The exercises: a learner's answer runs the examples of the specs in place of the reference, clause by clause."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from harness import examples
from harness.clauses import SPECS, Clause
from harness.implementations import ADAPTERS, ROOT, Implementation, from_file
from harness.norms import NORMS

# What is taught, in learning order: the spec, which is also the exercise's file, and how many clauses of each prefix.
LESSONS = {
    "layernorm": {"LN": 14},
    "rmsnorm": {"RM": 13},
    "batchnorm": {"BN": 13},
    "groupnorm": {"GI": 10},
    "deepnorm": {"DN": 10},
    "placement": {"PL": 12},
    "whitening": {"WH": 4},
    "weights": {"WN": 2, "GR": 1},
    "smoothness": {"SM": 3},
    "python_tips": {"PY": 5},
}
Functions = Mapping[str, Callable[..., Any]]


@cache
def lesson_clauses() -> dict[str, str]:
    """The clauses that are taught, in learning order, each with its lesson."""
    return {
        f"{prefix}-{number}": lesson
        for lesson, prefixes in LESSONS.items()
        for prefix, count in prefixes.items()
        for number in range(1, count + 1)
    }


@cache
def references(lesson: str) -> Functions:
    """What a lesson asks for: the functions of the reference of that name that the examples of its spec call."""
    module = importlib.import_module(f"reference.{lesson}")
    called = _called((SPECS / f"{lesson}.md").read_text(encoding="utf-8"))
    return {
        name: f
        for name, f in vars(module).items()
        if inspect.isfunction(f) and f.__module__ == module.__name__ and name in called
    }


def _called(text: str) -> set[str]:
    """The names that the examples in a text call."""
    sources = "\n".join(e.source for e in doctest.DocTestParser().get_examples(text.replace("```", "")))
    return set(re.findall(r"\b(\w+)\(", sources))


# -- running the examples ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One example of a clause and what came of it: a value, or an exception."""

    source: str
    value: Any = None
    error: BaseException | None = None

    @property
    def shown(self) -> str:
        """As the console would show it."""
        return (
            repr(_short(self.value))
            if self.error is None
            else f"{type(self.error).__name__}: {self.error}".rstrip(": ")
        )


def _short(value: Any) -> Any:
    """Floats with six digits: what can be compared by eye."""
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_short(v) for v in value)
    return float(f"{value:.6g}") if type(value) is float else value


@cache
def _parsed(clause: Clause) -> tuple[doctest.Example, ...]:
    return tuple(doctest.DocTestParser().get_examples(clause.body.replace("```", "")))


def run(clause: Clause, functions: Functions) -> Iterator[Step]:
    """The examples of a clause, with `functions` in place of those of its spec's own reference."""
    names = examples.namespace(clause.spec)
    own = names.get(clause.spec.stem)
    names |= functions
    names[clause.spec.stem] = SimpleNamespace(**{**vars(own), **functions}) if own else SimpleNamespace(**functions)
    for example in _parsed(clause):
        try:
            with np.errstate(all="ignore"):
                yield Step(example.source.strip(), _evaluated(example.source, names))
        except Exception as e:
            yield Step(example.source.strip(), error=e)


def _evaluated(source: str, names: dict[str, Any]) -> Any:
    """The value of an expression; None of a statement."""
    try:
        code = compile(source, "<example>", "eval")
    except SyntaxError:
        exec(compile(source, "<example>", "exec"), names)
        return None
    return eval(code, names)


@cache
def _truths(clause: Clause) -> tuple[Step, ...]:
    return tuple(run(clause, references(clause.spec.stem)))


def same(got: Step, expected: Step) -> bool:
    """Whether two runs of one example agree, as far as the digits that it shows."""
    if got.error is not None or expected.error is not None:
        return type(got.error) is type(expected.error)
    rounded = [int(digits) for digits in re.findall(r"round\((?:[^()]*, )?(\d+)\)", expected.source)]
    return _equal(got.value, expected.value, 10.0 ** -min(rounded) if rounded else 0.0)


def _equal(got: Any, expected: Any, unit: float) -> bool:
    """Equal in structure, and in numbers within a unit of the last digit shown, or where all are within float32's."""
    if isinstance(expected, str | bool | np.bool_ | type(None)):
        return bool(type(got) is type(expected) or isinstance(got, bool | np.bool_)) and bool(got == expected)
    if isinstance(expected, Mapping):
        return (
            isinstance(got, Mapping)
            and list(got) == list(expected)
            and all(_equal(got[k], expected[k], unit) for k in expected)
        )
    if isinstance(expected, np.ndarray | np.number | int | float):
        try:
            one, other = np.asarray(got, np.float64), np.asarray(expected, np.float64)
        except (TypeError, ValueError):
            return False
        if one.shape != other.shape:
            return False
        # A float32 answer will do: some ten roundings of the largest value.
        digits = max(1.001 * unit, 1e-6 * float(np.abs(other[np.isfinite(other)]).max(initial=0.0)))
        return bool(np.isclose(one, other, rtol=0, atol=digits, equal_nan=True).all())
    if isinstance(expected, Sequence):
        return isinstance(got, Sequence) and len(got) == len(expected) and all(
            _equal(a, b, unit) for a, b in zip(got, expected, strict=True)
        )  # fmt: skip
    return bool(got == expected)


@dataclass(frozen=True)
class Problem:
    """The first example of a clause on which an answer and the reference differ."""

    before: tuple[Step, ...]
    got: Step
    expected: Step

    @property
    def not_started(self) -> bool:
        return isinstance(self.got.error, NotImplementedError)


def first_problem(clause: Clause, functions: Functions) -> Problem | None:
    """Where an answer goes wrong on the clause's examples, or None."""
    done: list[Step] = []
    for got, expected in zip(run(clause, functions), _truths(clause), strict=True):
        if not same(got, expected):
            return Problem(tuple(done), got, expected)
        done.append(got)
    return None


def causes(clause: Clause, functions: Functions, wrong_answers: Sequence[Any]) -> list[Any]:
    """The wrong answers that give what these functions give on every example, those of the clause first."""
    got = list(run(clause, functions))
    own_first = sorted(wrong_answers, key=lambda a: a.clause != clause.id)
    return [a for a in own_first if a.module == clause.spec.stem and _alike(clause, got, a)]


def answered(answer: Any) -> Functions:
    """The reference's functions, one of them replaced by a wrong answer that remembers nothing."""
    getattr(answer.function, "memory", {}).clear()
    return {**references(answer.module), answer.replaces: answer.function}


def _alike(clause: Clause, got: list[Step], answer: Any) -> bool:
    """Whether an answer's results are those of a wrong one, and that one's are wrong."""
    mistaken = list(run(clause, answered(answer)))
    truths = _truths(clause)
    compared = [(g, m, t) for g, m, t in zip(got, mistaken, truths, strict=True)
                if not isinstance(g.error, NotImplementedError)]  # fmt: skip
    return all(same(g, m) for g, m, _ in compared) and not all(same(m, t) for _, m, t in compared)


# -- a learner's answers -----------------------------------------------------------------------------------------------


def is_folder(what: str) -> bool:
    """Whether `--impl WHAT` names a folder of exercises."""
    return bool(what) and folder(what).is_dir() and any((folder(what) / f"{lesson}.py").is_file() for lesson in LESSONS)


def folder(what: str) -> Path:
    """The folder that `--impl WHAT` names, from here or from the project's root."""
    return next((p for p in (Path(what), ROOT / what) if p.is_dir()), Path(what)).resolve()


@cache
def learned(folder: Path, lesson: str) -> Functions:
    """The functions of a learner's file, called with NumPy arrays, or with torch tensors where the file imports torch.

    What the file lacks, and a file that can't be imported, raises when it is called.
    """
    path = folder / f"{lesson}.py"
    if not path.is_file():
        return {name: _raising(NotImplementedError, f"there is no {path.name}") for name in references(lesson)}
    found: dict[str, Any] = {}
    try:
        found = vars(from_file(path))
    except Exception as e:
        where = f", line {e.lineno}" if isinstance(e, SyntaxError) else ""
        return {name: _raising(type(e), f"{path.name}{where} can't be imported: {e}") for name in references(lesson)}
    tensors = "torch" in found
    return {
        name: _bridged(found[name], tensors) if callable(found.get(name))
        else _raising(NotImplementedError, f"{path.name} has no function {name}")
        for name in references(lesson)
    }  # fmt: skip


def _raising(kind: type[BaseException], message: str) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        error = RuntimeError(message) if issubclass(kind, SyntaxError | UnicodeError) else kind(message)
        raise error

    return function


def _bridged(function: Callable[..., Any], tensors: bool) -> Callable[..., Any]:
    """The function on copies of NumPy arrays, its results as NumPy arrays; tensors: it wants torch's."""

    def call(*arguments: Any, **named: Any) -> Any:
        given = _tensor if tensors else _copy
        result = function(
            *(_mapped(a, given, tensors) for a in arguments),
            **{k: _mapped(a, given, tensors) for k, a in named.items()},
        )
        if result is None:
            raise TypeError(f"{function.__name__} returned None; does its return stand where it should?")
        return _mapped(result, _array, tensors)

    return call


def _mapped(value: Any, leaf: Callable[[Any], Any], tensors: bool) -> Any:
    """A value with every array in it replaced; a function that is handed over is called with what it knows."""
    if type(value) in (list, tuple):
        return type(value)(_mapped(v, leaf, tensors) for v in value)
    if type(value) is dict:
        return {k: _mapped(v, leaf, tensors) for k, v in value.items()}
    if inspect.isfunction(value) and tensors and leaf is _tensor:
        return lambda *a, **k: _mapped(
            value(*(_mapped(x, _array, tensors) for x in a), **{n: _mapped(x, _array, tensors) for n, x in k.items()}),
            _tensor, tensors)  # fmt: skip
    return leaf(value)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _tensor(value: Any) -> Any:
    import torch

    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.name == "bfloat16":
        return torch.from_numpy(value.astype(np.float32)).to(torch.bfloat16)
    return torch.from_numpy(value.copy())


def _array(value: Any) -> Any:
    import torch

    if not isinstance(value, torch.Tensor):
        return value
    value = value.detach().cpu()
    return value.float().numpy().astype("bfloat16") if value.dtype == torch.bfloat16 else value.numpy()


def implementation(name: str, folder: Path) -> Implementation:
    """A learner's norms as an implementation: the references' adapter, with the learner's functions in their place."""
    adapter = from_file(ADAPTERS / "reference.py")
    for lesson in ("layernorm", "rmsnorm", "batchnorm", "groupnorm", "deepnorm"):
        setattr(adapter, lesson, SimpleNamespace(**learned(folder, lesson)))
    functions = {norm: getattr(adapter, norm) for norm in NORMS}
    bridges = adapter.from_numpy, adapter.to_numpy, adapter.vjp
    return Implementation(name, "", functions, *bridges, ("float64",), ("cpu",), {}, False)


def conformance(clause: Clause) -> Callable[..., None] | None:
    """The test that holds an implementation to the clause, on more than its examples; None of a Study."""
    module: ModuleType = importlib.import_module(f"test_{clause.spec.stem}")
    for test in vars(module).values():
        if inspect.isfunction(test) and "impl" in inspect.signature(test).parameters:
            marks = [m.args[0] for m in getattr(test, "pytestmark", []) if m.name == "clause"]
            if marks == [clause.id]:
                return test
    return None


def exercise_of(clause: Clause) -> str:
    """The functions that a clause is about: those that its examples call."""
    return ", ".join(n for n in references(clause.spec.stem) if n in _called(clause.body))
