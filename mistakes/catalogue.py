"""All known mistakes, each as an implementation of its norm that breaks one clause."""

from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from mistakes import by_hand
from mistakes.steps import BACKWARD_STEPS, FORMULA_STEPS, NORMS, Steps

DTYPES = ("float64", "float32", "bfloat16", "float16")
# What a mistake may replace; all else in a class is its own bookkeeping.
STEPS = {name for norm in NORMS.values() for base in norm.__mro__[:-1] for name in vars(base) if not name.startswith("__")} - {
    "norm", "names", "wide", "explicit", "formulas", "inputs", "parameter_shape"}  # fmt: skip
BY_FORMULA = {"explicit": True, "formulas": True}
FILES = ("layernorm", "rmsnorm", "batchnorm", "groupnorm", "instancenorm", "deepnorm")


@dataclass(frozen=True, eq=False)
class Mistake:
    """A norm with one thing wrong: its name says what the wrong code does, `steps` does it."""

    name: str
    norm: str
    clause: str
    steps: type[Steps]

    @property
    def sentence(self) -> str:
        """What is wrong, for the author of the wrong code."""
        return inspect.cleandoc(self.steps.__doc__ or "").partition("\n\n")[0].replace("\n", " ")

    @property
    def question(self) -> str:
        """The first step of the hint."""
        return inspect.cleandoc(self.steps.__doc__ or "").partition("\n\n")[2].replace("\n", " ")

    @property
    def formula(self) -> str:
        """The second step of the hint: what the replaced step should do, in the words of `mistakes.steps`."""
        right = getattr(NORMS[self.norm], self.replaced[0], NORMS[self.norm])
        return (inspect.getdoc(right) or "").partition("\n")[0]

    @property
    def replaced(self) -> tuple[str, ...]:
        """The steps of the norm that it replaces, the one that it is about first."""
        return replaced(self.steps)

    @property
    def seen(self) -> tuple[str, ...]:
        """Links to where it was found."""
        return tuple(getattr(self.steps, "seen", ()))

    @property
    def level(self) -> str:
        """The arithmetic whose errors it makes, where it can't be reproduced digit by digit."""
        return str(getattr(self.steps, "level", ""))

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The formats in which it can be seen."""
        return tuple(getattr(self.steps, "dtypes", DTYPES))

    @property
    def function(self) -> Callable[..., Any]:
        """The mistaken norm, called as the contract says, without any memory of earlier calls."""
        return _called(_made(self.name, (self.steps,)))

    def functions(self) -> Iterator[Callable[..., Any]]:
        """The mistaken norm, then its likes: other block sizes, and a mistaken forward beside the sound backward's formulas."""
        tries = dict(getattr(self.steps, "tries", ()))
        for values in itertools.product(*tries.values()):
            attributes = dict(zip(tries, values, strict=True))
            yield _called(_made(self.name, (self.steps,), attributes))
            if not self.steps.formulas:
                yield _called(_made(self.name, (self.steps,), BY_FORMULA, attributes))

    def by_hand(self) -> str:
        """The third step of the hint: numbers to redo on paper."""
        shows = getattr(self.steps, "by_hand", True)
        return by_hand.numbers(self.norm, lambda: self.function) if shows else ""

    def with_another(self, other: Mistake) -> Iterator[Callable[..., Any]]:
        """The norm with both mistakes, and its like; nothing where both replace the same step."""
        if not set(self.replaced) & set(other.replaced):
            both = _made(f"{self.name}_and_{other.name}", (self.steps, other.steps))
            yield _called(both)
            if both.explicit and not both.formulas:
                yield _called(_made(both.__name__, (both,), BY_FORMULA))


def _called(steps: type[Steps]) -> Callable[..., Any]:
    return lambda *arguments: steps(*arguments)()


def _made(name: str, bases: tuple[type, ...], *attributes: dict[str, Any]) -> type[Steps]:
    """The class of a mistake, with a memory of its own."""
    own = {k: v for given in attributes for k, v in given.items()}
    steps: type[Steps] = type(name, bases, {"memory": {}, "__doc__": bases[0].__doc__, **own})
    if "explicit" not in own:
        steps.explicit = bool(set(replaced(steps)) & set(BACKWARD_STEPS))
        steps.formulas = bool(set(replaced(steps)) & set(FORMULA_STEPS))
    return steps


def replaced(steps: type[Steps]) -> tuple[str, ...]:
    """Which steps of its norm a mistaken one replaces: what is defined in front of the norm in the order of lookup."""
    norm = next(base for base in steps.__mro__ if base in NORMS.values())
    mistaken = steps.__mro__[: steps.__mro__.index(norm)]
    return tuple(dict.fromkeys(name for base in mistaken for name in vars(base) if name in STEPS))


@cache
def catalogue() -> tuple[Mistake, ...]:
    """Every mistake of every norm; names are unique within a norm."""
    found: dict[tuple[str, str], Mistake] = {}
    for file in FILES:
        module = importlib.import_module(f"{__package__}.{file}")
        for clause, variants in module.BREAKS.items():
            for variant in variants:
                key = module.NORM.norm, variant.__name__
                if key in found:
                    raise ValueError(
                        f"{variant.__name__} stands twice in mistakes/{file}.py: {found[key].clause}, {clause}"
                    )
                steps = _made(variant.__name__, (variant, module.NORM))
                found[key] = Mistake(variant.__name__, module.NORM.norm, clause, steps)
    return tuple(found.values())


def of_norm(norm: str) -> tuple[Mistake, ...]:
    """The mistakes of one norm."""
    return tuple(m for m in catalogue() if m.norm == norm)
