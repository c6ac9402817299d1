"""Named inputs, each made to bring one kind of mistake into view.

A probe is a recipe for a table of rows, each of which gets statistics of its own; the norm arranges the rows into its
tensor. All values are exact in the dtype under test, the seed is fixed, weight, bias and dy are random, and the sizes
of a tensor differ from each other, so that no wrong axis is legal by luck.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from harness.formats import FORMATS, HALVES, Array, rounded, spacing
from harness.norms import NORMS, Case, Conventions

Rows = Callable[[np.random.Generator, int, int, str], Array]


def _weight(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return 1 + 0.3 * rng.standard_normal(shape)


def _spread_weight(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Negative and positive, near zero, and one zero."""
    weight = rng.standard_normal(shape)
    weight.flat[weight.size // 3] = 0
    return weight


def _dy(rng: np.random.Generator, case: Case) -> Array:
    return rng.standard_normal(case.x.shape)


def _aligned_dy(rng: np.random.Generator, case: Case) -> Array:
    """weight * dy in the span of 1 and x_hat: dx is what is left after both terms of the backward cancel it."""
    view = NORMS[case.norm].view(case, Conventions())
    x = view.normalized
    d = x - x.mean(axis=view.axes, keepdims=True) * view.center
    x_hat = d / np.sqrt((d * d).mean(axis=view.axes, keepdims=True))
    return ((1.3 * view.center + 0.7 * x_hat) / view.weight).reshape(case.x.shape)


def _loud_last_dy(rng: np.random.Generator, case: Case) -> Array:
    """Not of mean zero, so that its sum grows with the rows; the last value counts as much as all others."""
    dy = rng.standard_normal(case.x.shape) + 1
    dy.reshape(-1, case.x.shape[-1])[-1] = 3000
    return dy


@dataclass(frozen=True)
class Probe:
    """`m` rows of `n` values; `rows` draws them."""

    name: str
    m: int
    n: int
    rows: Rows
    eps: float = 1e-5
    weight: Callable[[np.random.Generator, tuple[int, ...]], Array] = _weight
    dy: Callable[[np.random.Generator, Case], Array] = _dy
    dy_scale: Callable[[str], float] = lambda dtype: 1.0

    def __repr__(self) -> str:
        return self.name


def _normal(mean: float, deviation: float) -> Rows:
    return lambda rng, m, n, dtype: mean + deviation * rng.standard_normal((m, n))


def _far_from_zero(rng: np.random.Generator, m: int, n: int, dtype: str) -> Array:
    if dtype in HALVES:
        # Half-precision data far from zero has few digits left: a constant row with one element one step off.
        top = 1 / FORMATS[dtype].u * 4 - 4
        rows = np.full((m, n), top) - spacing(top, dtype) * 3 * np.arange(m)[:, None]
        rows[np.arange(m), 3 * np.arange(m) % n] -= spacing(top, dtype)
        return rows
    mean = FORMATS[dtype].u ** -0.5  # mean / deviation is 2 to 4 times this
    return (mean + 0.5 * rng.standard_normal((m, n))) * rng.uniform(1, 2, (m, 1))


def _huge(rng: np.random.Generator, m: int, n: int, dtype: str) -> Array:
    return rng.standard_normal((m, n)) * {"float16": 4000.0, "float64": 1e90}.get(dtype, 1e10)


def _long(rng: np.random.Generator, m: int, n: int, dtype: str) -> Array:
    rows = 2 + rng.standard_normal((m, n))
    rows[:, -1] = 300
    return rows


def _constant(rng: np.random.Generator, m: int, n: int, dtype: str) -> Array:
    constants = np.array([3.0, 0.1, 1000.1, -7.77, 0.0, 2.0**-20, 123.4, -1.0])
    return np.repeat(np.resize(constants, m)[:, None], n, axis=1)


def _outlier(rng: np.random.Generator, m: int, n: int, dtype: str) -> Array:
    rows = rng.standard_normal((m, n))
    rows[np.arange(m), np.arange(m) * 31 % n] = 3000
    return rows


def _mixed(rng: np.random.Generator, m: int, n: int, dtype: str) -> Array:
    """Every row has a mean and a deviation of its own."""
    return rng.uniform(-3, 3, (m, 1)) + rng.uniform(0.3, 3, (m, 1)) * rng.standard_normal((m, n))


def _tiny(rng: np.random.Generator, m: int, n: int, dtype: str) -> Array:
    f = FORMATS[dtype]
    scale = {"float16": 2.0**-20, "float64": 1e-300}.get(dtype, 1e-30)  # float16: subnormal
    rows = scale * rng.standard_normal((m, n))
    rows[0] = f.floor / 4 if dtype != "float16" else 2.0**-24  # subnormal in every format
    return rows


def _scales(rng: np.random.Generator, m: int, n: int, dtype: str) -> Array:
    """Every row a quarter of the one before: somewhere each eps weighs as much as the variance."""
    return rng.standard_normal((m, n)) * 4.0 ** -np.arange(m)[:, None]


def _gentle(dtype: str) -> float:
    return 1e-3 if dtype == "float16" else 1.0  # dx = dy / 1e-4 must fit into float16


PLAIN = Probe("plain", 64, 48, _normal(1.5, 1), weight=_spread_weight)  # ordinary data, the mean about a deviation
MIXED_ROWS = Probe("mixed-rows", 24, 35, _mixed)  # statistics over the wrong axis, or of all rows at once
THREE_VALUES = Probe("three-values", 32, 3, _normal(0, 2))  # n - 1 for n; terms of the backward in 1/n
NEAR_EPS = Probe("near-eps", 32, 60, _normal(0, 1e-4), eps=1e-8, dy_scale=_gentle)  # eps lost, outside, hard-coded
SCALES = Probe("scales", 10, 48, _scales)  # which eps it is
FAR_FROM_ZERO = Probe("far-from-zero", 16, 60, _far_from_zero)  # cancellation in a one-pass variance
HUGE = Probe("huge", 18, 80, _huge, dy_scale=lambda dtype: 100.0 if dtype == "float16" else 1.0)  # squares overflow
TINY = Probe("tiny", 16, 40, _tiny)  # squares underflow, subnormal input
LONG = Probe("long", 3, 20011, _long)  # accumulators that stagnate, forgotten tails
CONSTANT = Probe("constant", 10, 48, _constant)  # negative variance, eps lost
OUTLIER = Probe("outlier", 12, 512, _outlier)  # one massive activation
ALIGNED = Probe("aligned", 16, 200, _normal(0.5, 1), dy=_aligned_dy)  # terms of the backward missing or a little off
SAVED_STATISTICS = Probe(  # mean and rstd saved for the backward in half precision
    "saved-statistics", 30, 96, _normal(50, 1), dy=lambda rng, case: rng.standard_normal(case.x.shape) + 1
)
WIDE = Probe("wide", 64, 1023, _normal(1.5, 1))  # an error common to all values, below the last rounding
MOST_ROWS = Probe(
    "most-rows", 70002, 3, _normal(1, 1)
)  # more rows than a GPU's grid has blocks in its second dimension
SMALL_FAR_BATCH = Probe("small-far-batch", 30, 8, _normal(100, 1))  # a running variance about a rounded mean
MANY_ROWS = Probe("many-rows", 5002, 6, _normal(1, 1), dy=_loud_last_dy)  # accumulation of dweight and dbias


SEED = 0  # of all data that are drawn; another one than 0 is asked for with --seed
DRAWN: list[Any] = []  # what keeps drawn data


def reseed(seed: int) -> None:
    """From here on other data are drawn, those of this seed."""
    global SEED
    SEED = seed
    for cached in DRAWN:
        cached.cache_clear()


def drawn(function: Callable[..., Any]) -> Any:
    """A function that draws data: each once, all through the run."""
    DRAWN.append(cached := lru_cache(maxsize=1024)(function))
    return cached


def generator(number: int) -> np.random.Generator:
    """The random numbers of this number under the run's seed."""
    return np.random.default_rng([number, SEED] if SEED else number)


def _rng(*key: Any) -> np.random.Generator:
    return generator(zlib.crc32(repr(key).encode()))


@drawn
def case(probe: Probe, norm: str, dtype: str, param_dtype: str = "") -> Case:
    """The probe as a call of `norm`; made once a run."""
    rng = _rng(probe.name, norm)
    rows = rounded(probe.rows(rng, probe.m, probe.n, dtype), dtype)
    x, arguments = NORMS[norm].arrange(rows)
    return _completed(Case(norm, probe.name, dtype, x, x, eps=probe.eps, param_dtype=param_dtype, **arguments), rng,
                      probe.weight, lambda rng, c: probe.dy(rng, c) * probe.dy_scale(dtype))  # fmt: skip


@drawn
def of_shape(
    name: str, norm: str, dtype: str, shape: tuple[int, ...], arguments: tuple[tuple[str, Any], ...] = ()
) -> Case:
    """Random data of a given shape."""
    rng = _rng(name, norm, shape)
    x = rounded(0.5 + rng.standard_normal(shape), dtype)
    if norm == "deep_norm":
        arguments = (("alpha", 1.5), ("sublayer_output", rounded(rng.standard_normal(shape), dtype)), *arguments)
    return _completed(Case(norm, name, dtype, x, x, **dict(arguments)), rng)


def _completed(
    case: Case,
    rng: np.random.Generator,
    weight: Callable[[np.random.Generator, tuple[int, ...]], Array] = _weight,
    dy: Callable[[np.random.Generator, Case], Array] = _dy,
) -> Case:
    """With random parameters and a random upstream gradient."""
    shape, parameters = NORMS[case.norm].parameter_shape(case), case.format_of_parameters
    case = case.but(
        weight=rounded(weight(rng, shape), parameters), bias=rounded(0.5 * rng.standard_normal(shape), parameters)
    )
    return case.but(dy=rounded(dy(rng, case), case.dtype))
