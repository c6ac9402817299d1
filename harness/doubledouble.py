"""Arrays of about 106 bits, on which the references run unchanged when the dtype under test is float64.

A number is the unevaluated sum of two float64, `high + low`. The building blocks are Knuth's two-sum and Dekker's
product (Dekker 1971, "A floating-point technique for extending the available precision"); they need no fused
multiply-add and no longdouble, which is float64 on some machines. Magnitudes must stay below about 1e300.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


def _two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """The rounded sum and its error; no order of magnitude is assumed."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def _two_product(a: Any, b: Any) -> tuple[Any, Any]:
    """The rounded product and its error, by splitting both factors into 26-bit halves."""

    def split(v: Any) -> tuple[Any, Any]:
        scaled = 134217729.0 * v  # 2^27 + 1
        high = scaled - (scaled - v)
        return high, v - high

    product = a * b
    (a_high, a_low), (b_high, b_low) = split(a), split(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


class DoubleDouble(NDArrayOperatorsMixin):
    """`high + low`, an array to NumPy's ufuncs as far as the references need one. Nothing is done in place."""

    def __init__(self, high: Any, low: Any = 0.0):
        total, error = _two_sum(np.asarray(high, np.float64), np.asarray(low, np.float64))
        self.high, self.low = total, error

    @property
    def shape(self) -> tuple[int, ...]:
        return self.high.shape

    @property
    def ndim(self) -> int:
        return self.high.ndim

    @property
    def size(self) -> int:
        return self.high.size

    def __getitem__(self, key: Any) -> DoubleDouble:
        return DoubleDouble(self.high[key], self.low[key])

    def reshape(self, *shape: Any) -> DoubleDouble:
        return DoubleDouble(self.high.reshape(*shape), self.low.reshape(*shape))

    def sum(self, axis: Any, keepdims: bool = False) -> DoubleDouble:
        """The sum over `axis` (an int or a tuple), as a pairwise tree of exact two-sums."""
        axes = tuple(a % self.ndim for a in ((axis,) if isinstance(axis, int) else axis))
        kept = [a for a in range(self.ndim) if a not in axes]
        terms = DoubleDouble(*(t.transpose(*axes, *kept).reshape(-1, *(t.shape[a] for a in kept))
                               if t.size else np.zeros((1, *(t.shape[a] for a in kept)))
                               for t in (self.high, self.low)))  # fmt: skip
        while terms.shape[0] > 1:
            half = terms.shape[0] // 2
            pairs, rest = terms[:half] + terms[half : 2 * half], terms[2 * half :]
            terms = DoubleDouble(*(np.concatenate(t) for t in ((pairs.high, rest.high), (pairs.low, rest.low))))
        shape = [1 if a in axes else s for a, s in enumerate(self.shape) if keepdims or a not in axes]
        return terms.reshape(shape)

    def mean(self, axis: Any, keepdims: bool = False) -> DoubleDouble:
        total = self.sum(axis, keepdims)
        return total / (self.size / max(total.size, 1))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None) -> Any:
        # `out` is given by `a *= b`, whose result Python binds to `a` again: a new array serves as well.
        operation = _OPERATIONS.get(ufunc)
        if operation is None or method != "__call__":
            return NotImplemented
        return operation(*(v if isinstance(v, DoubleDouble) else DoubleDouble(v) for v in inputs))


def _add(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    high, error = _two_sum(a.high, b.high)
    low, low_error = _two_sum(a.low, b.low)
    first = DoubleDouble(high, error + low)
    return DoubleDouble(first.high, first.low + low_error)


def _multiply(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    product, error = _two_product(a.high, b.high)
    return DoubleDouble(product, error + (a.high * b.low + a.low * b.high))


def _divide(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    quotient = DoubleDouble(a.high / b.high)
    for _ in range(2):  # each step of long division adds 53 bits
        quotient = quotient + (a - quotient * b).high / b.high
    return quotient


def _sqrt(a: DoubleDouble) -> DoubleDouble:
    root = DoubleDouble(np.sqrt(a.high))
    with np.errstate(divide="ignore", invalid="ignore"):
        correction = np.where(root.high > 0, (a - root * root).high / (2 * root.high), 0.0)
    return root + correction  # one Newton step doubles the digits


_OPERATIONS: dict[Any, Callable[..., DoubleDouble]] = {
    np.add: _add,
    np.subtract: lambda a, b: _add(a, DoubleDouble(-b.high, -b.low)),
    np.multiply: _multiply,
    np.true_divide: _divide,
    np.negative: lambda a: DoubleDouble(-a.high, -a.low),
    np.square: lambda a: _multiply(a, a),
    np.sqrt: _sqrt,
    np.vecdot: lambda a, b: _multiply(a, b).sum(axis=-1),
}
