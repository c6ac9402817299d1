"""How far a sound computation can be from the truth, element by element, derived and never chosen.

Notation: the statistics are taken over n elements; mean = mean(x), d = x - mean, variance = mean(d²), rstd =
1 / sqrt(variance + eps), x_hat = d rstd, kappa = |mean| / sqrt(variance). u is the unit roundoff of the accumulator
(2^-24 for float32 and narrower formats, 2^-53 for float64); the last rounding, to the output's own u, comes on top.

What a sound computation may do: add in any order, the sequential one included; take the mean before the variance
(two passes), or both at once as Welford and Chan do; err by 2 units in the last place in a division or a reciprocal
root, as GPUs do; apply the scale and the shift as (x - mean) rstd w + b or as x (w rstd) + (b - mean w rstd), with
fused multiply-adds or without. Its error is then of first order in kappa. The one-pass variance mean(x²) - mean(x)²
is of second order, and is what these bounds refuse.

Sources: Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., section 3.1 and chapter 4 (sums), problems
1.7 and 1.10 (variance); Chan, Golub, LeVeque 1983 (updating formulas); Higham, Mary 2019 and Ipsen, Zhou
(arXiv 1906.10465) for sums of independent rounding errors, whose size is sqrt(n) u instead of n u.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from harness.formats import FORMATS, Array, rounded

LAMBDA = 6.0  # standard deviations granted to a sum of independent rounding errors: one row in 1e9 at the worst
ROUNDINGS = 8.0  # in x_hat besides the sums: + eps 1/2, sqrt 2, divide 4 (2 ulp), (x - mean) * rstd 1, the rest 1/2


@dataclass(frozen=True)
class Arithmetic:
    """What a computation may use.

    dtype: the format of x, y and dx.  param_dtype: that of the parameters and their gradients.  u: the accumulator's
    unit roundoff.  u_stage: that of the format to which x_hat, w x_hat, w dy and alpha x + f are rounded on the way
    (0: not at all), stage_floor: what that rounding errs by at least, where the format's numbers end.  gain_roundings:
    roundings in the weight before it is used (1 where it is 1 + weight).  one_pass: the variance as mean(x²) - mean(x)²,
    which is not sound: it serves to say what an unsound error looks like.
    """

    dtype: str
    param_dtype: str
    u: float
    u_stage: float = 0.0
    stage_floor: float = 0.0
    gain_roundings: int = 0
    one_pass: bool = False


@dataclass(frozen=True, eq=False)
class View:
    """A call with every norm's arrays brought into one form, on which the bounds are stated once.

    x, dy: any shape.  weight, bias: broadcast against x.  axes: those that the statistics are taken over;
    param_axes: those that the parameters' gradients are summed over.  center: False for RMSNorm.  given: mean and
    variance in evaluation mode.  skip: (alpha, sublayer_output) for DeepNorm, where x alpha + sublayer_output is
    normalized.
    """

    x: Array
    dy: Array
    weight: Array
    bias: Array
    eps: float
    axes: tuple[int, ...]
    param_axes: tuple[int, ...]
    center: bool = True
    given: tuple[Array, Array] | None = None
    skip: tuple[float, Array] | None = None

    @property
    def normalized(self) -> Array:
        return self.x if self.skip is None else self.skip[0] * self.x + self.skip[1]


def _mean(t: Array, axes: tuple[int, ...]) -> Array:
    return t.mean(axis=axes, keepdims=True)


def _sum(t: Array, axes: tuple[int, ...]) -> Array:
    return t.sum(axis=axes, keepdims=True)


def _drift(step: Array, partial: Array, u: float, weight: Array | int) -> Array:
    """How far systematic rounding carries a sum, over n: the range of the prefix sums of what each addition drops."""
    half_ulp = u * np.exp2(np.floor(np.log2(np.maximum(abs(partial).max(axis=-1, keepdims=True), 1e-280))))
    walks = [np.cumsum((step - h * np.rint(step / h)) * weight, axis=-1) for h in (half_ulp, 2 * half_ulp)]
    return np.maximum(*(np.ptp(walk, axis=-1) for walk in walks)) / step.shape[-1]


def amplification(terms: Array, u: float, axes: tuple[int, ...]) -> Array:
    """A with |computed sum - sum| <= A u sum|terms| for every order of summation.

    A = n always holds. Independent rounding errors have the standard deviation sqrt(n)/3 u sum|terms| in the deepest
    tree, the sequential one, so LAMBDA of them give 2 sqrt(n). That hypothesis fails on structured terms (constant,
    two-valued, sorted), so it is checked on the data: once a partial sum is a multiple of its ulp g, adding t errs by
    exactly t - g rint(t/g), and where those residues drift A grows to four times the drift (one factor of two for the
    unknown binade, one for the feedback of the error on the sum). The same for Welford's increments of the mean.
    """
    terms = np.moveaxis(terms, axes, range(-len(axes), 0))
    shape = terms.shape[: terms.ndim - len(axes)]
    terms = terms.reshape(*shape, int(np.prod(terms.shape[len(shape) :])))
    n = terms.shape[-1]
    if n <= 1 or terms.size == 0:
        worst = np.full(shape, float(n))
    else:
        k = np.arange(1, n + 1)
        partial = np.cumsum(terms, axis=-1)
        means = partial / k
        increments = np.diff(means, prepend=0, axis=-1)
        drift = np.maximum(_drift(terms, partial, u, 1), _drift(increments, means, u, k))
        drift /= u * abs(terms).mean(axis=-1) + 1e-300
        worst = np.minimum(n, np.maximum(LAMBDA / 3 * np.sqrt(n), 4 * drift))
    return np.moveaxis(worst.reshape(*shape, *(1,) * len(axes)), range(-len(axes), 0), axes)


class Statistics(NamedTuple):
    """x_hat and its error, and what both are made of; shift = rstd * (error of the mean), rho = relative error of
    rstd."""

    mean: Array
    variance: Array
    rstd: Array
    x_hat: Array
    error: Array
    shift: Array
    rho: Array
    mean_error: Array
    variance_error: Array
    input_error: Array  # of what is normalized, where that is a sum: DeepNorm
    reach: Array  # rstd (|x| + |mean|) >= |x_hat|: the size of the terms where x and the mean are kept apart


@lru_cache(maxsize=16)
def statistics(view: View, arithmetic: Arithmetic) -> Statistics:
    """The statistics of every set of values, x_hat, and how far a sound computation of them can be off."""
    u, axes, x = arithmetic.u, view.axes, view.normalized
    input_error: Array = np.zeros_like(x)
    if view.skip is not None:
        scaled = abs(view.skip[0] * view.x)  # alpha itself may be rounded to the accumulator's format: u * scaled
        input_error = max(u, arithmetic.u_stage) * (scaled + abs(x)) + u * scaled + 2 * arithmetic.stage_floor
    if view.given is not None:
        mean, variance = view.given
        mean_error = variance_error = np.zeros_like(mean)
    else:
        mean = _mean(x, axes) * view.center
        d = x - mean
        variance = _mean(d * d, axes)
        A = np.maximum(amplification(x, u, axes), amplification(d * d, u, axes))
        # Chan's merge mean_a + (mean_b - mean_a) n_b / n rounds three times at the size of the difference, which is not
        # averaged away where a is a lone tail: torch.compile's Welford does so with 1 of 129 values.
        merge_error = 3 * u * abs(d).max(axis=axes, keepdims=True, initial=0.0)
        mean_error = (A + 1) * u * _mean(abs(x), axes) + merge_error + _mean(input_error, axes)
        mean_error = mean_error * view.center
        # Two passes give variance (A + 3) u + mean_error², Welford A u kappa variance, and a relative change u of the
        # x (Higham, problem 1.7) 2 u mean|d x|: together (A + 3) u (variance + |mean| mean|d|), first order in kappa.
        variance_error = (A + 3) * u * (variance + abs(mean) * _mean(abs(d), axes))
        variance_error = variance_error + 2 * _mean(abs(d) * input_error, axes)
        if arithmetic.one_pass:  # of second order in kappa
            variance_error = variance_error + (A + 3) * u * (_mean(x * x, axes) + 2 * abs(mean) * _mean(abs(x), axes))
    with np.errstate(all="ignore"):
        rstd = 1 / np.sqrt(variance + view.eps)
        x_hat = (x - mean) * rstd
        reach = (abs(x) + abs(mean)) * rstd
        t = variance_error * rstd**2  # t >= 1: the computed variance + eps may be 0, and nothing is claimed
        shift = mean_error * rstd
        rho = np.where(t < 1, 1 / np.sqrt(1 - np.minimum(t, 1)) - 1, np.inf)
        rho = rho + np.minimum(shift**2 / 2, 1) + ROUNDINGS * u
        error = shift + abs(x_hat) * rho + rstd * input_error + 2 * u * reach
    return Statistics(
        mean, variance, rstd, x_hat, error, shift, rho, mean_error, variance_error + mean_error**2, input_error, reach
    )


def forward(view: View, arithmetic: Arithmetic) -> Array:
    """The error of y before its last rounding."""
    u, s = arithmetic.u, statistics(view, arithmetic)
    with np.errstate(all="ignore"):
        scaled = abs(view.weight * s.x_hat)
        roundings = (2 + arithmetic.gain_roundings) * u + 2 * arithmetic.u_stage
        floor = arithmetic.stage_floor * (1 + abs(view.weight))
        return abs(view.weight) * s.error + roundings * scaled + 2 * u * abs(view.bias) + floor


def _staged_sum(view: View, s: Statistics, arithmetic: Arithmetic) -> Array | float:
    """What rounding x_hat and dy * x_hat to the output's format costs their sum, dweight.

    LAMBDA standard deviations of independent roundings. Equal terms are rounded alike, so that hypothesis is checked on
    the data: where the roundings of the exact terms add up, twice their sum is granted. And where x_hat lies so near the
    middle of two numbers of the format that its own error decides which of them it becomes, that step is.
    """
    if not arithmetic.u_stage:
        return 0.0
    terms, sums = view.dy * s.x_hat, view.param_axes
    x_hat = rounded(s.x_hat, arithmetic.dtype)
    once, twice = view.dy * (x_hat - s.x_hat), rounded(view.dy * x_hat, arithmetic.dtype) - view.dy * x_hat
    together = abs(_sum(once, sums)) + abs(_sum(twice, sums))
    low, high = (rounded(s.x_hat + sign * s.error, arithmetic.dtype) for sign in (-1, 1))
    steps = _sum(abs(view.dy) * np.maximum(high - low - 2 * s.error, 0), sums)
    return np.maximum(LAMBDA * arithmetic.u_stage * np.sqrt(_sum(terms * terms, sums)), 2 * together) + steps


def backward(view: View, arithmetic: Arithmetic) -> dict[str, Array]:
    """The errors of dx, dweight and dbias before their last rounding; dx is that of the normalized array.

    dx = rstd (G - mean(G) - x_hat mean(G x_hat)) with G = w dy. Kernels may take mean(G x_hat) as
    rstd (sum(G x) - mean sum(G)) / n, which costs A u reach, the order of the mean's own error.
    """
    u, stage, floor, axes = arithmetic.u, arithmetic.u_stage, arithmetic.stage_floor, view.axes
    x, s = view.normalized, statistics(view, arithmetic)
    training = view.given is None
    with np.errstate(all="ignore"):
        G = view.weight * view.dy
        c1 = _mean(G, axes) * (view.center and training)
        c2 = _mean(G * s.x_hat, axes) * training
        dx = s.rstd * (G - c1 - s.x_hat * c2)
        A = np.maximum.reduce([amplification(t, u, axes) for t in (G, G * x, G * s.x_hat, G * s.rstd)])
        gain = arithmetic.gain_roundings * u
        c1_error = (((A + 2) * u + stage + gain) * _mean(abs(G), axes) + floor) * (view.center and training)
        c2_error = (A + 3) * u * _mean(abs(G) * s.reach, axes) + (2 * stage + gain) * _mean(abs(G * s.x_hat), axes)
        c2_error = c2_error + floor * _mean(1 + abs(s.x_hat) + abs(G), axes)
        c2_error = c2_error + _mean(abs(G) * s.rstd * s.input_error, axes)
        c2_error = c2_error * training + abs(c1) * s.shift + abs(c2) * s.rho
        # Eager 16-bit code rounds G, and once more each term where autograd casts it back to x's format.
        inner = (
            (3 * u + 2 * stage + gain) * (abs(G) + abs(c2 * s.x_hat)) + (2 * u + stage) * abs(c1) + c1_error + 2 * floor
        )
        inner = inner + (abs(s.x_hat) + s.error) * c2_error + abs(c2) * s.error
        dx_error = s.rstd * (1 + s.rho) * inner + abs(dx) * (s.rho + 2 * u) + 2 * floor

        terms, sums = view.dy * s.x_hat, view.param_axes
        A = np.maximum.reduce([amplification(t, u, sums) for t in (terms, view.dy * x, view.dy)])
        dweight_error = _sum(abs(view.dy) * s.error, sums) + (A + 2) * u * _sum(abs(view.dy) * s.reach, sums)
        dweight_error = dweight_error + _staged_sum(view, s, arithmetic) + floor * _sum(1 + abs(view.dy), sums)
        dbias_error = (amplification(view.dy, u, sums) + 1) * u * _sum(abs(view.dy), sums)
    return {"dx": dx_error, "dweight": dweight_error, "dbias": dbias_error}


def running(
    view: View, arithmetic: Arithmetic, old: tuple[Array, Array], momentum: float, correction: float, samples: int = 1
) -> tuple[Array, Array]:
    """The errors of (1 - momentum) old + momentum batch, for the mean and for the variance, before storing.

    old: the running mean and variance, broadcast against the statistics.  correction: n / (n - 1), or 1.  samples: over
    how many of them the result is averaged, in any order, as InstanceNorm does.
    """
    u, s = arithmetic.u, statistics(view, arithmetic)
    errors = []
    for before, batch, error in (
        (old[0], s.mean, s.mean_error),
        (old[1], correction * s.variance, correction * s.variance_error),
    ):
        kept, added = abs((1 - momentum) * before), abs(momentum * batch)
        # running.mul_(1 - momentum).add_(...) rounds twice
        stored_on_the_way = FORMATS[arithmetic.param_dtype].u * kept + FORMATS[arithmetic.param_dtype].floor
        # 1 - momentum taken of a rounded momentum errs by u * momentum, and the other way round; in the form
        # old + momentum * (batch - old) difference, product and sum each err by u * momentum * old.
        other_forms = u * (3 * abs(momentum * before) + abs((1 - momentum) * batch))
        errors.append(momentum * error + (5 + samples - 1) * u * (kept + added) + other_forms + stored_on_the_way)
    return errors[0], errors[1]


def second_order(view: View, arithmetic: Arithmetic, v: Array) -> Array:
    """The error of the gradient of sum(v dx) with respect to x, by a running error analysis.

    Every term of the second derivative is a product of rstd³ (rstd² of the scale, one of x_hat's own) with G, v and at most
    three factors x_hat, whose sizes `reach` bounds, averaged over n at most twice. With absolute values for all
    signs their sum is `size`; a computation with at most `depth` roundings along any path errs by depth u size.
    """
    s, n = statistics(view, arithmetic), int(np.prod([view.x.shape[a] for a in view.axes]))
    depth = 3 * n + 64  # three nested sums in any order, and the elementwise roundings of a composite of three passes
    G, v, reach = abs(view.weight * view.dy), abs(v), np.maximum(s.reach, 1)
    means = [_mean(t, view.axes) for t in (G, v, G * reach, v * reach, G * v, G * v * reach)]
    mg, mv, mgr, mvr, mgv, mgvr = means
    size = (G + mg + reach * mgr) * (v + mv + reach * mvr) * reach + reach**2 * (mgv + mgvr) + reach**3 * mgr * mvr
    size = size + reach * (_mean(size, view.axes) + reach * _mean(size * reach, view.axes))
    return depth * arithmetic.u * s.rstd**2 * size * (1 + s.rho)


def owed(view: View, accumulator: str) -> Array:
    """Which sets of statistics a computation owes: finite, not 0/0, sum(x²) and rstd³ inside the accumulator's range.

    Returns a boolean array that broadcasts against x.
    """
    x, floor, largest = view.normalized, FORMATS[accumulator].floor, FORMATS[accumulator].largest
    with np.errstate(all="ignore"):
        mean = view.given[0] if view.given else _mean(x, view.axes) * view.center
        variance = view.given[1] if view.given else _mean((x - mean) ** 2, view.axes)
        scale = np.sqrt(variance + view.eps)
        defined = (view.eps > 0) | (variance > 0)
        finite = np.isfinite(x).all(axis=view.axes, keepdims=True) & (_sum(x * x, view.axes) < largest / 4)
        return np.asarray(finite & defined & (abs(np.log(scale)) < -np.log(floor) / 3))


def allowed(value: Array, error: Array, dtype: str) -> Array:
    """The error before the last rounding, and that rounding."""
    f = FORMATS[dtype]
    return error + f.u * (abs(value) + error) + f.floor
