"""Which arithmetic explains an implementation's errors, from the exact to the wrong.

faithful: the last rounding and at most as much again, as wider or compensated arithmetic leaves.  stable: the bounds of
`harness.bounds`.  staged: x_hat is rounded to 16 bits on the way.  fast: a one-pass variance, mean(x²) - mean(x)².
lowp: statistics and sums one format down.  none: no arithmetic of the right formula; something is wrong.
"""

from __future__ import annotations

from dataclasses import replace

from harness import comparison
from harness.comparison import Output
from harness.formats import FORMATS
from harness.norms import Case, Conventions, Expected, Norm

LARGE = 100_000  # values: where a call of more is wrong, which arithmetic explains it is left to the smaller ones
LEVELS = ("faithful", "stable", "staged", "fast", "lowp", "none")


def worst(*levels: str | None) -> str | None:
    """The level further from exact; None where there is none."""
    return max((level for level in levels if level), key=LEVELS.index, default=None)


def grade(norm: Norm, case: Case, conventions: Conventions, name: str, got: Output, expected: Expected) -> str | None:
    """The first level that holds one output; None where that is not measured."""
    if got.value.shape != expected.value.shape:
        return "none"
    if comparison.holds(got.value, expected):
        lowered = conventions.internal != "float64" and case.dtype == "float64"
        sound = "lowp" if lowered else "staged" if conventions.staged else "stable"
        return sound if lowered or not comparison.holds(got.value, faithful(expected)) else "faithful"
    if case.x.size > LARGE:
        return None
    for level in ("fast", "lowp"):
        if comparison.holds(got.value, norm.expected(case, replace(conventions, level=level), name)):
            return level
    return "none"


def faithful(expected: Expected) -> Expected:
    """The same truth with no more error before the last rounding than that rounding makes."""
    f = FORMATS[expected.dtype]
    size = f.u * abs(expected.value)
    before = (expected.allowed - size - f.floor) / (1 + f.u)
    return replace(expected, allowed=size + before.clip(max=size) * (1 + f.u) + f.floor)
