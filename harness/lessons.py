"""The exercises: a learner's answer runs the examples of the specs in place of the reference, clause by clause."""

from __future__ import annotations

import ast
import difflib
import doctest
import inspect
import re
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from harness import ROOT, examples, part
from harness.clauses import SPECS, Clause, all_clauses
from harness.implementations import ADAPTERS, Implementation, from_file
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
    module = part(f"reference.{lesson}")
    called = _called(*(e.source for e in _parsed((SPECS / f"{lesson}.md").read_text(encoding="utf-8"))))
    return {
        name: f
        for name, f in vars(module).items()
        if inspect.isfunction(f) and f.__module__ == module.__name__ and name in called
    }


@cache
def _parsed(markdown: str) -> tuple[doctest.Example, ...]:
    return tuple(doctest.DocTestParser().get_examples(examples.unfenced(markdown)))


def _called(*sources: str) -> set[str]:
    """The names that examples call."""
    return set(re.findall(r"\b(\w+)\(", "\n".join(sources)))


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
        if self.error is None:
            return repr(_short(self.value))
        kind = "can't be imported" if isinstance(self.error, NotImportable) else type(self.error).__name__
        return f"{kind}: {self.error}".rstrip(": ")


def _short(value: Any) -> Any:
    """Floats with six digits: what can be compared by eye."""
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_short(v) for v in value)
    return float(f"{value:.6g}") if type(value) is float else value


def run(clause: Clause, functions: Functions) -> Iterator[Step]:
    """The examples of a clause, with `functions` in place of those of its spec's own reference."""
    names = examples.namespace(clause.spec)
    own = names.get(clause.spec.stem)
    names |= functions
    names[clause.spec.stem] = SimpleNamespace(**{**vars(own), **functions}) if own else SimpleNamespace(**functions)
    for example in _parsed(clause.body):
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = _evaluated(example.source, names)
            yield Step(example.source.strip(), value)
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
    found = [a for a in own_first if a.module == clause.spec.stem and _alike(clause, got, a)]
    if len(found) < 2:
        return found
    # What is alike on one clause may not be on the next: the one that explains more of the lesson comes first.
    others = [all_clauses()[c] for c, of in lesson_clauses().items() if of == clause.spec.stem and c != clause.id]
    results = [(c, list(run(c, functions))) for c in others]
    return sorted(found, key=lambda a: -sum(_alike(c, of_clause, a) for c, of_clause in results))


def answered(answer: Any) -> Functions:
    """The reference's functions, one of them replaced by a wrong answer that remembers nothing."""
    getattr(answer.function, "memory", {}).clear()
    return {**references(answer.module), answer.replaces: answer.function}


@cache
def _mistaken(clause: Clause, answer: Any) -> tuple[Step, ...]:
    return tuple(run(clause, answered(answer)))


def _alike(clause: Clause, got: list[Step], answer: Any) -> bool:
    """Whether an answer's results are those of a wrong one, and that one's are wrong."""
    mistaken = _mistaken(clause, answer)
    steps = list(zip(got, mistaken, _truths(clause), strict=True))
    # Another function may have a mistake of its own: what calls this one alone decides, where there is such an example.
    calls = [_called(t.source) & set(references(answer.module)) for _, _, t in steps]
    alone = [s for s, names in zip(steps, calls, strict=True) if names == {answer.replaces}]
    among = [s for s, names in zip(steps, calls, strict=True) if answer.replaces in names]
    compared = next((chosen for chosen in (alone, among, steps) if not all(same(m, t) for _, m, t in chosen)), [])
    compared = [s for s in compared if not isinstance(s[0].error, NotImplementedError)]
    return all(same(g, m) for g, m, _ in compared) and not all(same(m, t) for _, m, t in compared)


# -- a learner's answers -----------------------------------------------------------------------------------------------


def is_folder(what: str) -> bool:
    """Whether `--impl WHAT` names a folder of exercises."""
    try:
        return (
            bool(what)
            and folder(what).is_dir()
            and any((folder(what) / f"{lesson}.py").is_file() for lesson in LESSONS)
        )
    except (OSError, ValueError, RuntimeError):  # no name that a folder can have, or a link to itself
        return False


def folder(what: str) -> Path:
    """The folder that `--impl WHAT` names, from here or from the project's root."""
    return next((p for p in (Path(what), ROOT / what) if p.is_dir()), Path(what)).resolve()


class NotImportable(Exception):
    """A learner's file that Python can't read; the message says where and why."""


def learned(folder: Path, lesson: str) -> Functions:
    """The functions of a learner's file, called with NumPy arrays, or with torch tensors where the file imports torch.

    What the file lacks raises NotImplementedError when it is called, and a file that can't be imported NotImportable.
    """
    path = folder / f"{lesson}.py"
    asked = references(lesson)
    if not path.is_file():
        return dict.fromkeys(asked, _raising(NotImplementedError, ""))
    try:
        found = vars(from_file(path))
    except SyntaxError as e:
        return dict.fromkeys(
            asked, _raising(NotImportable, f"{path.name}, line {e.lineno}: {e.msg}: {(e.text or '').strip()}")
        )
    except Exception as e:
        where = place_of(e, folder)
        return dict.fromkeys(
            asked, _raising(NotImportable, f"{type(e).__name__}: {e}" + (f"; {where}" if where else ""))
        )
    names = [n for n, f in found.items() if inspect.isfunction(f)]
    return {
        name: _bridged(found[name], right, "torch" in found) if callable(found.get(name))
        else _raising(NotImplementedError, f"{path.name} has no function {name}{_perhaps(name, names)}")
        for name, right in asked.items()
    }  # fmt: skip


def _perhaps(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"; is it {near[0]}?" if near else ""


def _raising(kind: type[BaseException], message: str) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        raise kind(message)

    return function


def place_of(error: BaseException | None, folder: Path) -> str:
    """`layernorm.py, line 12: y = np.meen(x)`: the last line of the learner's own that an exception came through."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__ if error else None) if Path(f.filename).parent == folder
    ]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}: {frames[-1].line}" if frames else ""


def begun(folder: Path, lesson: str) -> bool:
    """Whether any function of a learner's file has a body of its own."""
    path = folder / f"{lesson}.py"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (SyntaxError, UnicodeDecodeError):
        return True
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {f.name for f in functions} != set(references(lesson)) or any(
        not isinstance(statement, ast.Raise) and not (isinstance(statement, ast.Expr) and i == 0)
        for f in functions for i, statement in enumerate(f.body))  # fmt: skip


def _bridged(function: Callable[..., Any], right: Callable[..., Any], tensors: bool) -> Callable[..., Any]:
    """The function on copies of NumPy arrays, its results as NumPy arrays; tensors: it wants torch's.

    right: the reference's function, whose docstring may name a tuple of results, "as (dx, dweight, dbias)".
    """
    asked = re.search(r" as \(([\w, ]+)\)", right.__doc__ or "")
    name = right.__name__

    def call(*arguments: Any, **named: Any) -> Any:
        leaf = _tensor if tensors else _copy
        given = [_mapped(a, leaf, tensors) for a in arguments]
        given_by_name = {k: _mapped(a, leaf, tensors) for k, a in named.items()}
        result = function(*given, **given_by_name)
        for before, after in zip((*arguments, *named.values()), (*given, *given_by_name.values()), strict=True):
            if isinstance(before, np.ndarray) and not np.array_equal(
                _array(after), before, equal_nan=before.dtype.kind in "fV"
            ):
                raise ValueError(
                    f"{name} changes an array that it was given; x = x - mean makes a new one, x -= mean does not"
                )
        if result is None:
            raise TypeError(f"{name} returned None; does its return stand where it should?")
        if type(result) is list and "list" not in (right.__doc__ or ""):
            raise TypeError(f"{name} returned a list; an array is asked for")
        if asked and not (isinstance(result, tuple | list) and len(result) == len(asked[1].split(","))):
            raise TypeError(f"{name} returned {_kind(result)}; ({asked[1]}) is asked for")
        return _number(_mapped(result, _array, tensors))

    return call


def _kind(result: Any) -> str:
    return f"{len(result)} results" if isinstance(result, tuple | list) else "one result"


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


def _number(value: Any) -> Any:
    """NumPy's float for Python's: it can be rounded like the reference's."""
    return np.float64(value) if type(value) is float else value


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


def implementation(name: str, functions_of: Callable[[str], Functions]) -> Implementation:
    """A learner's norms as an implementation: the references' adapter, with the learner's functions in their place."""
    adapter = from_file(ADAPTERS / "reference.py")
    for lesson in ("layernorm", "rmsnorm", "batchnorm", "groupnorm", "deepnorm"):
        setattr(adapter, lesson, SimpleNamespace(**functions_of(lesson)))
    functions = {norm: getattr(adapter, norm) for norm in NORMS}
    bridges = adapter.from_numpy, adapter.to_numpy, adapter.vjp
    return Implementation(name, "", functions, *bridges, ("float64",), ("cpu",), {}, False)


# What else a lesson holds its functions to: the clauses about the gradients and the running statistics.
ALSO = {
    "LN-14": ("LN-50", "LN-51"),
    "RM-12": ("RM-47",),
    "BN-11": ("BN-26", "BN-60", "BN-61", "BN-18"),
    "BN-3": ("BN-15", "BN-14"),
    "GI-5": ("GI-17", "GI-53", "GI-54"),
    "GI-8": ("GI-83", "GI-118", "GI-119", "GI-71", "GI-72"),
    "DN-5": ("DN-20", "DN-56", "DN-57"),
}


@cache
def _tests(lesson: str) -> dict[str, Callable[..., None]]:
    """The tests of a spec that take an implementation, by the clauses that they cite."""
    module = part(f"test_{lesson}")
    tests: dict[str, Callable[..., None]] = {}
    for test in vars(module).values():
        if inspect.isfunction(test) and "impl" in inspect.signature(test).parameters:
            tests.update({m.args[0]: test for m in getattr(test, "pytestmark", []) if m.name == "clause"})
    return tests


def conformance(clause: Clause) -> list[tuple[Clause, Callable[..., None]]]:
    """The tests that hold an implementation to the clause, and to what goes with it, on more than its examples.

    None of a Study, and none of a Should, which sound functions need not keep.
    """
    tests = _tests(clause.spec.stem)
    clauses = [all_clauses()[i] for i in (clause.id, *ALSO.get(clause.id, ())) if i in tests]
    return [(c, tests[c.id]) for c in clauses if c.level in ("must", "choice")]


def exercise_of(clause: Clause) -> str:
    """The functions that a clause is about: those that its examples call."""
    return exercises_in(clause.spec.stem, *(e.source for e in _parsed(clause.body)))


def exercises_in(lesson: str, *sources: str) -> str:
    """The functions of a lesson that examples call."""
    called = _called(*sources)
    return ", ".join(name for name in references(lesson) if name in called)
