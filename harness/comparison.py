"""Holding outputs to the truth, shape and dtype first, then every element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.bounds import LAMBDA
from harness.formats import FORMATS, Array
from harness.norms import NORMS, Case, Expected


class Violation(AssertionError):
    """A clause that does not hold; the message is for the implementation's author."""


@dataclass(frozen=True)
class Output:
    """One array that an implementation returned, as float64, and what it was in the implementation's own type."""

    value: Array
    dtype: str
    raw: Any = None


@dataclass(frozen=True)
class Call:
    """One call that a test made, and what came back: y alone, or y and the gradients of `only` some inputs (none: of all).

    expected: the truth, where it is not the norm's own.
    """

    case: Case
    outputs: Mapping[str, Output]
    layouts: Mapping[str, str] | None = None
    only: tuple[str, ...] | None = None
    expected: Mapping[str, Expected] | None = None


@dataclass
class Log:
    """What one test saw: the worst error in units of its bound and where, how many values were claimed, the choice.

    grade: the level of arithmetic that explains the errors (`harness.grades`).  calls: those made since the test, or the
    last example of a search, began.
    """

    worst: float | None = None
    probe: str | None = None
    claims: int = 0
    choice: str | None = None
    grade: str | None = None
    calls: list[Call] = field(default_factory=list)

    def saw(self, worst: float, probe: str, claims: int) -> None:
        self.claims += claims
        if claims and (self.worst is None or worst > self.worst):
            self.worst, self.probe = worst, probe


SMALL = 24


def shown(array: Array | None) -> str:
    """An array on one line, whole where it is small."""
    if array is None:
        return "None"
    if array.size > SMALL:
        with np.errstate(all="ignore"):
            mean, deviation = array.mean(), array.std()
        first = ", ".join(f"{v:.6g}" for v in array.flat[:3])
        return f"[{first}, ... {array.size} values, mean {mean:.4g}, deviation {deviation:.4g}]"
    text = np.array2string(array, separator=", ", max_line_width=10**6, formatter={"float_kind": lambda v: f"{v:.9g}"})
    return text.replace("\n", "")


def inputs_shown(
    case: Case, names: tuple[str, ...] = ("x", "weight", "bias"), index: tuple[Any, ...] | None = None
) -> str:
    """The call that shows the fault, short enough to read: of a large x the set of values that `index` shares its
    statistics with."""
    parts = []
    for name in (n for n in names if n != "bias" or n in NORMS[case.norm].inputs):
        value = getattr(case, name)
        if index is not None and value is not None and value.size > SMALL and value.shape == case.x.shape:
            numbers = NORMS[case.norm].sets(case)
            same_set = value[numbers == numbers[index]]
            parts.append(f"{name} of shape {value.shape}, about {_where(index)} {shown(same_set)}")
        else:
            parts.append(f"{name} = {shown(value)}")
    return ", ".join([*parts, "eps = default" if case.eps is None else f"eps = {case.eps:g}"])


def _where(index: tuple[Any, ...]) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"


def out_of_bounds(
    name: str, got: Array, value: Array, allowed: Array, ratio: Array, case: Case, against: str
) -> Violation:
    """How much, where, what was expected, how far out, and the input that shows it."""
    worst = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    claimed = int(np.isfinite(allowed).sum())
    names: tuple[str, ...] = (
        ("x", "weight", "bias") if name in ("y", "running_mean", "running_var") else ("x", "dy", "weight")
    )
    names = (*names, "sublayer_output") if case.sublayer_output is not None else names
    return Violation(
        f"{name}: {int((ratio > 1).sum())} of {claimed} values out of bounds; worst at {_where(worst)}: "
        f"got {got[worst]:.6g}, {against} {value[worst]:.6g}, {ratio[worst]:.2g} times the bound {allowed[worst]:.2g}\n"
        f"shown by {inputs_shown(case, names, tuple(worst) if got.shape == case.x.shape else None)}"
    )


def shape_and_dtype(name: str, got: Output, shape: tuple[int, ...], dtypes: tuple[str, ...]) -> None:
    """The shape is `shape`, and the dtype one of `dtypes` (none: any)."""
    if got.value.shape != shape:
        raise Violation(f"{name} has shape {got.value.shape}, expected {shape}")
    if dtypes and got.dtype not in dtypes:
        raise Violation(f"{name} is {got.dtype}, expected {' or '.join(dtypes)}")


def ratios(got: Array, expected: Expected) -> Array:
    """|got - truth| in units of what is allowed; 0 where nothing is claimed.

    An overflow to the infinity of the right sign passes where the truth may round to it; any other infinity or NaN is
    infinitely far out.
    """
    allowed, largest = expected.allowed, FORMATS[expected.dtype].largest
    with np.errstate(all="ignore"):
        error = abs((got - expected.value) - expected.low)
        overflow = np.isinf(got) & (np.sign(got) * expected.value + allowed >= largest)
        ratio = np.where(np.isfinite(error), error, np.inf) / allowed
        ratio = np.where(np.isnan(ratio), 0.0, ratio)  # 0 / 0: exact, with nothing allowed
    return np.where(overflow | ~np.isfinite(allowed), 0.0, ratio)


def holds(got: Array, expected: Expected) -> bool:
    """Whether an output is within its bounds."""
    return got.shape == expected.value.shape and not (got.size and ratios(got, expected).max() > 1)


def hold(outputs: Mapping[str, Output], expected: Mapping[str, Expected], case: Case, log: Log) -> None:
    """Every output that is expected is within its bound of the truth."""
    violations = []
    for name, truth in expected.items():
        got = outputs[name]
        shape_and_dtype(name, got, truth.value.shape, ())
        ratio = ratios(got.value, truth)
        if ratio.size == 0:
            continue
        log.saw(float(ratio.max()), case.name, int(np.isfinite(truth.allowed).sum()))
        if ratio.max() > 1:
            violations.append(out_of_bounds(name, got.value, truth.value, truth.allowed, ratio, case, "expected"))
    if violations:
        raise Violation("\n".join(str(v) for v in violations))


def agree(name: str, one: Array, other: Array, allowed: Array, case: Case, log: Log, against: str) -> None:
    """Two results that must be the same but for rounding: no further apart than both bounds together."""
    if one.shape != other.shape:
        raise Violation(f"{name} has shape {one.shape}, but {other.shape} {against}")
    with np.errstate(all="ignore"):
        error = np.where(one == other, 0.0, abs(one - other))
        error = np.where(np.isnan(one) & np.isnan(other), 0.0, error)
        ratio = np.where(np.isnan(error), np.inf, error) / allowed
        ratio = np.where(~np.isfinite(allowed) | (error == 0), 0.0, ratio)
    if ratio.size == 0:
        return
    log.saw(float(ratio.max()), case.name, int(np.isfinite(allowed).sum()))
    if ratio.max() > 1:
        raise out_of_bounds(name, one, other, allowed, ratio, case, against)


def same_bits(name: str, one: Array, other: Array, case: Case, log: Log, against: str) -> None:
    """Two results that are equal bit for bit (a NaN equals a NaN)."""
    if one.shape != other.shape:
        raise Violation(f"{name} has shape {one.shape}, but {other.shape} {against}")
    different = ~((one == other) | (np.isnan(one) & np.isnan(other)))
    log.saw(0.0, case.name, one.size)
    if different.any():
        where = tuple(np.argwhere(different)[0])
        raise Violation(
            f"{name}: {int(different.sum())} of {different.size} values differ; first at {_where(where)}: "
            f"{one[where]:.9g}, but {other[where]:.9g} {against}\nshown by {inputs_shown(case)}"
        )


def no_common_bias(
    got: Array, expected: Expected, staged: Array, direction: Array, case: Case, log: Log, what: str
) -> None:
    """The error along `direction` is no larger than independent roundings make it, over all values and over each set.

    Over many values the last rounding averages out, and so does that of x_hat (`staged`: its most for each value), so
    that an error common to all, or to all that share their statistics, shows far below it. Allowed are LAMBDA standard
    deviations of the sum of the roundings, each uniform with deviation u|y| / sqrt 3, or all of them at their worst,
    whichever is less; and the error before rounding.
    """
    u, floor = FORMATS[expected.dtype].u, FORMATS[expected.dtype].floor
    inner = np.maximum(expected.allowed - u * abs(expected.value), 0.0) / (1 + u) + floor
    last, before = u * abs(direction) * (abs(expected.value) + inner), abs(direction) * staged
    sets = NORMS[case.norm].sets(case).astype(int)
    # Equal values of a set are rounded alike, all in one direction: they count as one rounding, as large as all of them.
    _, first, alike = np.unique(sets.ravel() + 1j * expected.value.ravel(), return_index=True, return_inverse=True)
    for numbers, who in ((np.zeros_like(sets), "all values"), (sets, "the values of a set")):

        def total(t: Array, numbers: Array = numbers) -> Array:
            return np.asarray(np.bincount(numbers.ravel(), weights=t.ravel()), np.float64)

        squares = sum(np.bincount(alike.ravel(), weights=t.ravel()) ** 2 for t in (last, before))
        independent = LAMBDA / np.sqrt(3) * np.sqrt(np.bincount(numbers.ravel()[first], weights=squares))
        allowed = np.minimum(total(last + before), independent) + total(abs(direction) * inner)
        error = abs(total(direction * ((got - expected.value) - expected.low)))
        with np.errstate(all="ignore"):
            ratio = np.where(np.isfinite(error), error, np.inf) / allowed
        ratio = np.where(np.isfinite(allowed) & (allowed > 0), ratio, 0.0)
        worst = int(ratio.argmax())
        log.saw(float(ratio[worst]), case.name, got.size)
        if ratio[worst] > 1:
            signed = total(direction * (got - expected.value))[worst] / total(abs(direction * expected.value))[worst]
            raise Violation(
                f"y: {who} share {what} of {signed:.3g} of their size, {ratio[worst]:.2g} times what rounding to nearest "
                f"explains\nshown by {inputs_shown(case)}"
            )
