"""Sound kernels: the ways in which careful authors compute the norms, each emulated at its own precision.

Every function works in the format of its arrays. Sums and statistics are taken over the last axis, of a call in the form
that all norms share (`harness.bounds.View`), so that each kernel is written once and computes all six.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.bounds import View
from harness.formats import FORMATS, HALVES, Array, rounded
from harness.norms import NORMS, Case, Conventions

Floats = NDArray[Any]  # of the kernel's own format
Total = Callable[[Floats], Floats]  # (..., n) -> (..., 1)
Average = Total
Statistics = tuple[Floats, Floats]  # mean, variance: (..., 1)

WIDER: dict[Any, Any] = {np.float32: np.float64, np.float64: np.longdouble}  # which is float64 itself on some machines


def wide(t: Floats) -> Floats:
    return t.astype(WIDER[t.dtype.type])


def fma(a: Floats, b: Floats, c: Floats) -> Floats:
    """a b + c, rounded once."""
    return (wide(a) * wide(b) + wide(c)).astype(c.dtype)


def two_ulp_off(exact: Floats, dtype: Any, sign: int) -> Floats:
    """`exact` as an operation returns it that errs by up to two units in the last place: one and a half, rounded."""
    return (exact + sign * 1.5 * np.spacing(abs(exact).astype(dtype))).astype(dtype)


# -- sums --------------------------------------------------------------------------------------------------------------


def in_order(t: Floats) -> Floats:
    """From the first term to the last: the deepest tree."""
    return np.cumsum(t, axis=-1, dtype=t.dtype)[..., -1:]


def backwards(t: Floats) -> Floats:
    return in_order(t[..., ::-1])


def shuffled(t: Floats) -> Floats:
    """As atomic additions come."""
    return in_order(t[..., np.random.default_rng(t.shape[-1]).permutation(t.shape[-1])])


def pairwise(t: Floats) -> Floats:
    """NumPy's."""
    return np.ascontiguousarray(t).sum(axis=-1, keepdims=True)


def in_rows_of(t: Floats, size: int) -> Floats:
    """(..., n) as (..., rows, size), filled up with zeros."""
    padding = np.zeros((*t.shape[:-1], -t.shape[-1] % size), t.dtype)
    return np.concatenate([t, padding], axis=-1).reshape(*t.shape[:-1], -1, size)


def lanes(count: int) -> Total:
    """Every lane takes each count-th term, in order; then the lanes are halved until one is left."""

    def total(t: Floats) -> Floats:
        used = min(count, 1 << (t.shape[-1] - 1).bit_length())
        v = in_order(in_rows_of(t, used).swapaxes(-1, -2))[..., 0]
        while v.shape[-1] > 1:
            v = v[..., : v.shape[-1] // 2] + v[..., v.shape[-1] // 2 :]
        return v

    return total


def cascade(t: Floats) -> Floats:
    """Sixteen neighbours at a time, then sixteen of their sums, as torch does on the CPU."""
    while t.shape[-1] > 1:
        t = in_order(in_rows_of(t, 16))[..., 0]
    return t


def kahan(t: Floats) -> Floats:
    """In order, with what each addition drops put into the next."""
    total, dropped = np.zeros_like(t[..., :1]), np.zeros_like(t[..., :1])
    for k in range(t.shape[-1]):
        term = t[..., k : k + 1] - dropped
        after = total + term
        dropped = (after - total) - term
        total = after
    return total


def in_wider_format(t: Floats) -> Floats:
    return wide(t).sum(axis=-1, keepdims=True).astype(t.dtype)


# -- means -------------------------------------------------------------------------------------------------------------


def divided(t: Floats, total: Total) -> Floats:
    return total(t) / t.dtype.type(t.shape[-1])


def times_reciprocal(t: Floats, total: Total) -> Floats:
    return total(t) * (t.dtype.type(1) / t.dtype.type(t.shape[-1]))


def of_shares(t: Floats, total: Total) -> Floats:
    """Every term is divided by n before it is added, so that no sum overflows."""
    return total(t / t.dtype.type(t.shape[-1]))


# -- mean and variance; RMSNorm, which is not centered, takes the mean as 0 ----------------------------------------------


def two_pass(x: Floats, average: Average, center: bool) -> Statistics:
    mean = center * average(x)
    d = x - mean
    return mean, average(d * d)


def two_pass_fused(x: Floats, average: Average, center: bool) -> Statistics:
    """The squares are added by fused multiply-adds, in order."""
    mean = center * average(x)
    squares = np.zeros_like(mean)
    for k in range(x.shape[-1]):
        d = x[..., k : k + 1] - mean
        squares = fma(d, d, squares)
    return mean, squares / x.dtype.type(x.shape[-1])


def corrected(x: Floats, average: Average, center: bool) -> Statistics:
    """Two passes, less what the mean's own rounding put into the variance (Chan, Golub, LeVeque 1983)."""
    mean, variance = two_pass(x, average, center)
    rest = center * average(x - mean)
    return mean, np.maximum(variance - rest * rest, 0)


def welford(x: Floats, average: Average, center: bool) -> Statistics:
    """One value after the other."""
    mean, squares = np.zeros_like(x[..., :1]), np.zeros_like(x[..., :1])
    for k in range(x.shape[-1]):
        d = x[..., k : k + 1] - mean
        mean = mean + center * d / x.dtype.type(k + 1)
        squares = squares + d * (x[..., k : k + 1] - mean)
    return mean, squares / x.dtype.type(x.shape[-1])


def merged(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    """(count, mean, squares) of two parts together, by Chan's formula."""
    (count_a, mean_a, squares_a), (count_b, mean_b, squares_b) = a, b
    share = count_b / np.maximum(count_a + count_b, 1)
    d = mean_b - mean_a
    return count_a + count_b, mean_a + d * share, squares_a + squares_b + d * d * (count_a * share)


def welford_in_lanes(x: Floats, average: Average, center: bool) -> Statistics:
    """32 lanes, Welford's rule in each, merged two by two."""
    rows, valid = in_rows_of(x, 32), in_rows_of(np.ones_like(x[:1]), 32)
    count, mean, squares = (np.zeros_like(rows[..., 0, :]) for _ in range(3))
    for k in range(rows.shape[-2]):
        count = count + valid[..., k, :]
        d = (rows[..., k, :] - mean) * valid[..., k, :]
        mean = mean + center * d / np.maximum(count, 1)
        squares = squares + d * (rows[..., k, :] - mean)
    parts: tuple[Any, ...] = (count, mean, squares)
    for width in (16, 8, 4, 2, 1):
        parts = merged(tuple(t[..., :width] for t in parts), tuple(t[..., width:] for t in parts))
    return parts[1], parts[2] / x.dtype.type(x.shape[-1])


def blocks_merged(x: Floats, average: Average, center: bool) -> Statistics:
    """Two passes over each sixteen neighbours, merged into what came before, as torch does on the CPU."""
    T = x.dtype.type
    parts: tuple[Any, ...] = (T(0), T(0), T(0))
    for start in range(0, x.shape[-1], 16):
        block = x[..., start : start + 16]
        mean, variance = two_pass(block, average, center)
        parts = merged(parts, (T(block.shape[-1]), mean, variance * T(block.shape[-1])))
    return parts[1], parts[2] / T(x.shape[-1])


def one_pass(x: Floats, average: Average, center: bool) -> Statistics:
    """mean(x²) - mean(x)², no less than 0: unsound in the accumulator, since far from zero no digit is left."""
    mean = center * average(x)
    return mean, np.maximum(average(x * x) - mean * mean, 0)


def one_pass_in_wider_format(x: Floats, average: Average, center: bool) -> Statistics:
    mean, variance = one_pass(wide(x), average, center)
    return mean.astype(x.dtype), variance.astype(x.dtype)


# -- 1 / sqrt(v), v = variance + eps -------------------------------------------------------------------------------------


def reciprocal_of_root(v: Floats) -> Floats:
    return 1 / np.sqrt(v)


def root_of_reciprocal(v: Floats) -> Floats:
    return np.sqrt(1 / v)


def root_too_large(v: Floats) -> Floats:
    """A GPU's reciprocal root, two units in the last place above."""
    return two_ulp_off(1 / np.sqrt(wide(v)), v.dtype.type, +1)


def root_too_small(v: Floats) -> Floats:
    """Two units in the last place below."""
    return two_ulp_off(1 / np.sqrt(wide(v)), v.dtype.type, -1)


def newton(v: Floats) -> Floats:
    """From the 12 bits that a processor's instruction has, by Newton's steps."""
    mantissa, exponent = np.frexp(1 / np.sqrt(v))
    rstd = np.ldexp(np.round(mantissa * 4096) / 4096, exponent).astype(v.dtype)
    for _ in range(2 if v.dtype == np.float32 else 3):
        rstd = rstd * (v.dtype.type(1.5) - v.dtype.type(0.5) * v * rstd * rstd)
    return rstd


# -- a call in progress --------------------------------------------------------------------------------------------------


def over(axes: tuple[int, ...], function: Callable[..., Any], t: Floats, *rest: Any) -> Any:
    """`function` over `axes` of t, which are kept in each of its results."""
    moved = np.moveaxis(t, axes, range(-len(axes), 0))
    results = function(moved.reshape(*moved.shape[: t.ndim - len(axes)], -1), *rest)
    kept = [1 if axis in axes else size for axis, size in enumerate(t.shape)]
    return tuple(r.reshape(kept) for r in results) if isinstance(results, tuple) else results.reshape(kept)


@dataclass(frozen=True, eq=False)
class Values:
    """What the forms of y and of the gradients are made of, all broadcast against x: v = variance + eps, stage the
    rounding to the output's format on the way, total the kernel's sum, average its mean."""

    view: View
    x: Floats
    dy: Floats
    weight: Floats
    bias: Floats
    mean: Floats
    v: Floats
    rstd: Floats
    stage: Callable[[Floats], Floats]
    total: Total
    average: Average

    @property
    def x_hat(self) -> Floats:
        return (self.x - self.mean) * self.rstd

    @property
    def dx_hat(self) -> Floats:
        return self.stage(self.weight * self.dy)

    @property
    def n(self) -> Any:
        return self.x.dtype.type(np.prod([self.x.shape[axis] for axis in self.view.axes]))

    @property
    def c1(self) -> Floats:
        return self.view.center * over(self.view.axes, self.average, self.dx_hat)

    @property
    def c2(self) -> Floats:
        return over(self.view.axes, self.average, self.dx_hat * self.x_hat)

    def over_set(self, t: Floats) -> Floats:
        return over(self.view.axes, self.total, t)


# -- y -------------------------------------------------------------------------------------------------------------------


def plain(s: Values) -> Floats:
    return s.stage(s.stage(s.x_hat) * s.weight) + s.bias


def weight_first(s: Values) -> Floats:
    return (s.x - s.mean) * (s.rstd * s.weight) + s.bias


def folded(s: Values) -> Floats:
    """One scale and one shift."""
    scale = s.weight * s.rstd
    return s.x * scale + (s.bias - s.mean * scale)


def folded_fused(s: Values) -> Floats:
    scale = s.rstd * s.weight
    return fma(s.x, scale, fma(-s.mean, scale, s.bias))


def apart(s: Values) -> Floats:
    """The mean is subtracted after scaling."""
    return (s.x * s.rstd - s.mean * s.rstd) * s.weight + s.bias


def fused(s: Values) -> Floats:
    return fma(s.x - s.mean, s.rstd * s.weight, s.bias)


def quotient(s: Values) -> Floats:
    return (s.x - s.mean) / np.sqrt(s.v) * s.weight + s.bias


def quotient_too_small(s: Values) -> Floats:
    """A GPU's division, two units in the last place below."""
    exact = wide(s.x - s.mean) / wide(np.sqrt(s.v))
    return two_ulp_off(exact, s.x.dtype.type, -1) * s.weight + s.bias


# -- dx ------------------------------------------------------------------------------------------------------------------


def by_x_hat(s: Values) -> Floats:
    return (s.dx_hat - s.c1 - s.x_hat * s.c2) * s.rstd


def by_x_hat_fused(s: Values) -> Floats:
    return fma(-s.x_hat, s.c2, s.dx_hat - s.c1) * s.rstd


def n_times(s: Values) -> Floats:
    """The sums are not divided by n, but dx_hat is multiplied by it."""
    inner = s.n * s.dx_hat - s.view.center * s.over_set(s.dx_hat) - s.x_hat * s.over_set(s.dx_hat * s.x_hat)
    return s.rstd / s.n * inner


def by_sums(s: Values) -> Floats:
    """From the sums of dx_hat x and dx_hat, as torch does on the CPU: dx = rstd dx_hat + slope x + shift."""
    total, of_x = s.view.center * s.over_set(s.dx_hat), s.over_set(s.dx_hat * s.x)
    slope = (total * s.mean - of_x) * s.rstd * s.rstd * s.rstd / s.n
    return s.rstd * s.dx_hat + slope * s.x + (-slope * s.mean - total * s.rstd / s.n)


def composite(s: Values) -> Floats:
    """Step by step through the graph of the forward pass, as automatic differentiation does."""
    T = s.x.dtype.type
    d = s.x - s.mean
    dvariance = s.over_set(s.dx_hat * d) * T(-0.5) * s.rstd * s.rstd * s.rstd
    along_d = dvariance * T(2) * d / s.n
    dmean = s.view.center * -(s.over_set(s.dx_hat * s.rstd) + s.over_set(along_d))
    return s.dx_hat * s.rstd + along_d + dmean / s.n


def term_by_term(s: Values) -> Floats:
    """Two terms, each rounded where automatic differentiation casts it back to x's format.

    In float16 a term may overflow where dx does not.
    """
    return s.stage(s.dx_hat * s.rstd) - s.stage((s.c1 + s.x_hat * s.c2) * s.rstd)


# -- dweight -------------------------------------------------------------------------------------------------------------


def of_terms(s: Values) -> Floats:
    return over(s.view.param_axes, s.total, s.stage(s.dy * s.stage(s.x_hat)))


def of_sums(s: Values) -> Floats:
    """Where terms share their statistics, from the sums of dy x and dy, as torch does for batch and group norm."""
    shared = tuple(axis for axis in s.view.param_axes if s.mean.shape[axis] == 1 and s.x.shape[axis] > 1)
    terms = (over(shared, s.total, s.dy * s.x) - s.mean * over(shared, s.total, s.dy)) * s.rstd
    return over(tuple(axis for axis in s.view.param_axes if axis not in shared), s.total, terms)


# -- kernels -------------------------------------------------------------------------------------------------------------

EVERY, NARROW = tuple(FORMATS), ("float32", *HALVES)
NONE, STAGED = Conventions(), Conventions(staged=True)


@dataclass(frozen=True)
class Kernel:
    """One way to compute a norm: its sum, its mean, its statistics, its root, the forms of y, dx and dweight."""

    total: Total
    statistics: Callable[[Floats, Average, bool], Statistics] = two_pass
    root: Callable[[Floats], Floats] = reciprocal_of_root
    y: Callable[[Values], Floats] = plain
    dx: Callable[[Values], Floats] = by_x_hat
    dweight: Callable[[Values], Floats] = of_terms
    average: Callable[[Floats, Total], Floats] = divided
    conventions: Conventions = NONE
    wider: bool = False  # it works in a format wider than the accumulator
    dtypes: tuple[str, ...] = EVERY

    def __call__(self, case: Case) -> dict[str, Array]:
        """Every output, rounded once to the format in which it is returned."""
        accumulator = FORMATS[FORMATS[case.dtype].accumulator].numpy
        with np.errstate(all="ignore"):
            outputs = self._outputs(case, WIDER[accumulator] if self.wider else accumulator)
        others = ("y", "dx", "dsublayer_output")
        return {k: rounded(t, case.dtype if k in others else case.format_of_parameters) for k, t in outputs.items()}

    def _outputs(self, case: Case, T: Any) -> dict[str, Floats]:
        def stage(t: Floats) -> Floats:
            return rounded(t, case.dtype).astype(T) if self.conventions.staged else t

        def average(t: Floats) -> Floats:
            return self.average(t, self.total)

        view = NORMS[case.norm].view(case, self.conventions)
        x, dy, weight, bias = (t.astype(T) for t in (view.x, view.dy, view.weight, view.bias))
        if view.skip is not None:
            x = stage(stage(T(view.skip[0]) * x) + view.skip[1].astype(T))
        if view.given is not None:
            mean, variance = (t.astype(T) for t in view.given)
        else:
            mean, variance = over(view.axes, self.statistics, x, average, view.center)
        v = variance + T(view.eps)
        s = Values(view, x, dy, weight, bias, mean, v, self.root(v), stage, self.total, average)
        dx = self.dx(s) if view.given is None else s.dx_hat * s.rstd
        outputs = {"y": self.y(s), "dx": dx, "dweight": self.dweight(s), "dbias": over(view.param_axes, self.total, dy)}
        if view.skip is not None:
            outputs |= {"dx": T(view.skip[0]) * stage(dx), "dsublayer_output": dx}
        if case.running_mean is not None and view.given is None and s.n > 1:
            outputs |= self._running(case, average, mean, variance * (s.n / (s.n - 1)))
        return outputs

    @staticmethod
    def _running(case: Case, average: Average, *batch: Floats) -> dict[str, Floats]:
        """Each sample's update (batch norm has but one), averaged; the part of the old that is kept is stored first."""
        T = batch[0].dtype.type
        a, result = T(case.momentum), {}
        for name, new in zip(("running_mean", "running_var"), batch, strict=True):
            old = getattr(case, name).astype(T).reshape(1, -1, *[1] * (new.ndim - 2))
            kept = rounded((T(1) - a) * old, case.format_of_parameters).astype(T)
            result[name] = over((0,), average, kept + a * new).reshape(-1)
        return result


KERNELS = {
    "two-pass-in-order": Kernel(in_order),
    "two-pass-backwards": Kernel(backwards, y=weight_first, dx=n_times, average=times_reciprocal),
    "two-pass-shuffled": Kernel(shuffled, y=quotient, dx=composite),
    "two-pass-pairwise": Kernel(pairwise, dx=composite),
    "two-pass-8-lanes": Kernel(lanes(8), root=newton, y=apart, dx=n_times),
    "two-pass-256-lanes-large-root": Kernel(lanes(256), root=root_too_large, y=weight_first, average=times_reciprocal),
    "two-pass-1024-lanes-small-quotient": Kernel(lanes(1024), root=root_too_small, y=quotient_too_small),
    "two-pass-cascade": Kernel(cascade, y=folded, dx=by_sums, dweight=of_sums),
    "two-pass-kahans-sums": Kernel(kahan, root=root_of_reciprocal),
    "two-pass-of-shares": Kernel(pairwise, average=of_shares),
    "two-pass-fused": Kernel(in_order, two_pass_fused, y=fused, dx=by_x_hat_fused),
    "two-pass-corrected": Kernel(in_order, corrected, dx=composite),
    "in-order-folded-by-sums": Kernel(in_order, y=folded, dx=by_sums, dweight=of_sums),
    "in-order-apart-composite": Kernel(in_order, y=apart, dx=composite),
    "256-lanes-folded-and-fused-small-root": Kernel(
        lanes(256), root=root_too_small, y=folded_fused, dx=by_sums, dweight=of_sums
    ),
    "welford-in-order": Kernel(in_order, welford),
    "welford-32-lanes-large-root": Kernel(lanes(32), welford_in_lanes, root_too_large, weight_first, by_x_hat_fused),
    "welford-32-lanes-folded-by-sums": Kernel(lanes(32), welford_in_lanes, y=folded, dx=by_sums, dweight=of_sums),
    "blocks-merged": Kernel(cascade, blocks_merged, y=folded, dx=by_sums, dweight=of_sums),
    "one-pass-in-a-wider-format": Kernel(in_wider_format, one_pass_in_wider_format, dtypes=NARROW),
    "all-in-a-wider-format": Kernel(pairwise, wider=True),
    "gain-stored-less-1": Kernel(pairwise, y=weight_first, conventions=Conventions(gain_is_one_plus_weight=True)),
    "staged-pairwise": Kernel(pairwise, conventions=STAGED, dtypes=HALVES),
    "staged-in-order-term-by-term": Kernel(in_order, dx=term_by_term, conventions=STAGED, dtypes=("bfloat16",)),
}
