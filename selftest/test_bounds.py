"""The bounds hold every sound computation and refuse unsound ones, emulated in the arithmetic that they would use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness import bounds, comparison
from harness.bounds import Arithmetic, View
from harness.formats import FORMATS, HALVES, rounded
from harness.norms import Expected
from reference import layernorm

Sum = Callable[[np.ndarray], np.ndarray]
DTYPES = ("float32", *HALVES)


def in_order(t: np.ndarray) -> np.ndarray:
    """From the first term to the last: the deepest tree."""
    return np.cumsum(t, axis=-1, dtype=t.dtype)[..., -1:]


def backwards(t: np.ndarray) -> np.ndarray:
    return in_order(t[..., ::-1])


def pairwise(t: np.ndarray) -> np.ndarray:
    return t.sum(axis=-1, keepdims=True)


def tree(t: np.ndarray) -> np.ndarray:
    """A GPU's: 256 lanes, each in order, then halved until one is left."""
    lanes = min(256, 1 << max(0, (t.shape[-1] - 1).bit_length() - 1)) or 1
    padded = np.concatenate([t, np.zeros((*t.shape[:-1], -t.shape[-1] % lanes), t.dtype)], axis=-1)
    v = in_order(np.moveaxis(padded.reshape(*t.shape[:-1], -1, lanes), -2, -1))[..., 0]
    while v.shape[-1] > 1:
        v = v[..., : v.shape[-1] // 2] + v[..., v.shape[-1] // 2 :]
    return v


def two_pass(x: np.ndarray, total: Sum) -> tuple[np.ndarray, np.ndarray]:
    n = x.dtype.type(x.shape[-1])
    mean = total(x) / n
    return mean, total((x - mean) ** 2) / n


def welford(x: np.ndarray, total: Sum) -> tuple[np.ndarray, np.ndarray]:
    mean, m2 = np.zeros_like(x[..., :1]), np.zeros_like(x[..., :1])
    for k in range(x.shape[-1]):
        d = x[..., k : k + 1] - mean
        mean = mean + d / x.dtype.type(k + 1)
        m2 = m2 + d * (x[..., k : k + 1] - mean)
    return mean, m2 / x.dtype.type(x.shape[-1])


def one_pass(x: np.ndarray, total: Sum) -> tuple[np.ndarray, np.ndarray]:
    n = x.dtype.type(x.shape[-1])
    mean = total(x) / n
    return mean, total(x * x) / n - mean * mean


def plain(x: Any, mean: Any, rstd: Any, w: Any, b: Any) -> Any:
    return (x - mean) * rstd * w + b


def folded(x: Any, mean: Any, rstd: Any, w: Any, b: Any) -> Any:
    return x * (rstd * w) + (b - mean * (rstd * w))


def fused(x: Any, mean: Any, rstd: Any, w: Any, b: Any) -> Any:
    """The folded form with fused multiply-adds, one rounding each."""

    def fma(p: Any, q: Any, r: Any) -> Any:
        return (p.astype(np.float64) * q + r).astype(p.dtype)

    scale = rstd * w
    return fma(x, scale, fma(-mean, scale, b))


SOUND = [
    pytest.param(statistics, total, apply, id=f"{statistics.__name__}-{total.__name__}-{apply.__name__}")
    for statistics, total, apply in (
        (two_pass, in_order, plain),
        (two_pass, backwards, folded),
        (two_pass, pairwise, plain),
        (two_pass, tree, fused),
        (welford, in_order, plain),
    )
]


def draw(rng: np.random.Generator, dtype: str) -> dict[str, Any]:
    """Rows of many shapes, as far from zero as the dtype can tell apart."""
    n, rows = int(rng.choice([2, 3, 7, 16, 100, 257, 1000])), 8
    z = (
        rng.standard_normal((rows, n)),
        rng.lognormal(0, 2, (rows, n)),
        np.sort(rng.standard_normal((rows, n))),
        rng.choice([-1.0, 1.0], (rows, n)),
        np.zeros((rows, n)),
    )[rng.integers(5)]
    kappa = rng.choice([0, 1, 10, 1e3, 1e5]) if dtype == "float32" else rng.choice([0, 1, 10])
    return {
        "x": rounded((z + kappa) * 10.0 ** rng.uniform(-2, 1), dtype),
        "weight": rounded(rng.standard_normal(n), dtype),
        "bias": rounded(rng.standard_normal(n), dtype),
        "dy": rounded(rng.standard_normal((rows, n)) + rng.choice([0, 1, 100]), dtype),
        "eps": float(rng.choice([1e-12, 1e-8, 1e-5, 1e-3])),
    }


def judged(case: dict[str, Any], dtype: str) -> tuple[View, Arithmetic]:
    view = View(case["x"], case["dy"], case["weight"], case["bias"], case["eps"], (1,), (0,))
    return view, Arithmetic(dtype, dtype, FORMATS[FORMATS[dtype].accumulator].u)


def worst_ratio(got: np.ndarray, truth: np.ndarray, error: np.ndarray, dtype: str) -> float:
    """The worst error in units of the bound, as the suite counts it."""
    allowed = bounds.allowed(truth, np.nan_to_num(error, nan=np.inf).reshape(truth.shape), dtype)
    return float(comparison.ratios(rounded(got, dtype), Expected(truth, np.zeros_like(truth), allowed, dtype)).max())


def forward_ratio(case: dict[str, Any], dtype: str, statistics: Any, total: Sum, apply: Any) -> float:
    """The worst error of a kernel that computes in float32, in units of the bound."""
    x, w, b = (case[name].astype(np.float32) for name in ("x", "weight", "bias"))
    with np.errstate(all="ignore"):
        mean, variance = statistics(x, total)
        y = apply(x, mean, 1 / np.sqrt(variance + np.float32(case["eps"])), w, b)
        truth = layernorm.forward(case["x"], case["weight"], case["bias"], case["eps"])
        return worst_ratio(y, truth, bounds.forward(*judged(case, dtype)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("statistics", "total", "apply"), SOUND)
def test_a_sound_forward_is_within_bounds(statistics: Any, total: Sum, apply: Any, dtype: str) -> None:
    """Whatever the order, the algorithm and the form, over 100 random inputs."""
    rng = np.random.default_rng(1)

    worst = max(forward_ratio(draw(rng, dtype), dtype, statistics, total, apply) for _ in range(100))

    assert worst <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("total", [in_order, pairwise, tree])
def test_a_sound_backward_is_within_bounds(total: Sum, dtype: str) -> None:
    """dx, dweight and dbias, in the form of the reference and in torch's, over 100 random inputs."""
    rng = np.random.default_rng(2)
    worst = 0.0

    for _ in range(100):
        case = draw(rng, dtype)
        x, w, dy = (case[name].astype(np.float32) for name in ("x", "weight", "dy"))
        n = np.float32(x.shape[-1])
        mean, variance = two_pass(x, total)
        rstd = 1 / np.sqrt(variance + np.float32(case["eps"]))
        G, x_hat = dy * w, (x - mean) * rstd
        by_reference = (G - total(G) / n - x_hat * (total(G * x_hat) / n)) * rstd
        slope = (total(G) * mean - total(G * x)) * rstd**3 / n
        by_torch = rstd * G + slope * x - slope * mean - total(G) * rstd / n
        dweight, dbias = total((dy * x_hat).T)[:, 0], total(dy.T)[:, 0]
        truths = layernorm.backward(case["dy"], case["x"], case["weight"], case["eps"])
        with np.errstate(all="ignore"):
            errors = bounds.backward(*judged(case, dtype))
            for name, got, truth in zip(
                ("dx", "dx", "dweight", "dbias"),
                (by_reference, by_torch, dweight, dbias),
                (truths[0], *truths),
                strict=True,
            ):
                worst = max(worst, worst_ratio(got, truth, errors[name], dtype))

    assert worst <= 1


def test_a_one_pass_variance_is_out_of_bounds() -> None:
    """At a mean of 1,000 deviations it has lost half of float32's digits."""
    rng = np.random.default_rng(3)
    case = draw(rng, "float32") | {"x": rounded(1000 + rng.standard_normal((8, 64)), "float32"), "eps": 1e-5}
    case |= {name: rounded(rng.standard_normal(64), "float32") for name in ("weight", "bias")}
    case |= {"dy": np.zeros((8, 64))}

    assert forward_ratio(case, "float32", one_pass, pairwise, plain) > 10
    assert forward_ratio(case, "float32", two_pass, pairwise, plain) <= 1


@pytest.mark.parametrize("order", [in_order, backwards, pairwise, tree], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [2, 64, 4096])
def test_a_sum_in_any_order_is_within_its_amplification(order: Sum, n: int) -> None:
    """Normal, constant, sorted and two-valued terms, far from zero and near."""
    rng = np.random.default_rng(n)
    rows = np.stack([rng.standard_normal(n), np.full(n, 0.1), np.sort(rng.standard_normal(n)) + 3,
                     rng.choice([1.0, 1.1], n), 1000 + rng.standard_normal(n)]).astype(np.float32)  # fmt: skip
    exact = rows.astype(np.float64)

    error = abs(order(rows)[:, 0] - exact.sum(axis=-1))

    assert (error <= bounds.amplification(exact, 2.0**-24, (1,))[:, 0] * 2.0**-24 * abs(exact).sum(axis=-1)).all()
