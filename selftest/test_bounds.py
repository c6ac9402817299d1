"""The bounds hold every sound computation and refuse unsound ones, emulated in the arithmetic that they would use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from harness import bounds, comparison
from harness.bounds import Arithmetic, View
from harness.formats import FORMATS, HALVES, rounded
from harness.norms import NORMS, Case, Conventions, Expected, second_order
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


EPS = 2.0**-10
OWED = {  # a set of values, what differs in the call, and whether its statistics are owed
    "plain": ([1.0, 2.0], {}, True),
    "constant": ([3.0, 3.0], {}, True),
    "constant, without eps": ([3.0, 3.0], {"eps": 0.0}, False),
    "constant, not centered, without eps": ([3.0, 3.0], {"eps": 0.0, "center": False}, True),
    "zero, not centered, without eps": ([0.0, 0.0], {"eps": 0.0, "center": False}, False),
    "a NaN": ([1.0, np.nan], {}, False),
    "an infinity": ([1.0, np.inf], {}, False),
    "squares within float32": ([4e18, 4e18], {}, True),  # their sum less than a quarter of 3.4e38
    "squares beyond float32": ([9e18, 9e18], {}, False),
    "squares within float64": ([9e18, 9e18], {"accumulator": "float64"}, True),
    "rstd cubed within float32": ([0.0, 0.0], {"eps": 2.0**-82}, True),  # 2^123 < 2^126
    "rstd cubed beyond float32": ([0.0, 0.0], {"eps": 2.0**-86}, False),
    "its inverse within float32": ([2.0**41, -(2.0**41)], {}, True),
    "its inverse beyond float32": ([2.0**43, -(2.0**43)], {}, False),
    "constant, in evaluation": ([3.0, 3.0], {"given": (0.0, 1.0), "eps": 0.0}, True),
    "in evaluation, without a variance": ([1.0, 2.0], {"given": (0.0, 0.0), "eps": 0.0}, False),
    "in evaluation, rstd cubed beyond float32": ([1.0, 2.0], {"given": (0.0, 2.0**-86), "eps": 0.0}, False),
}  # fmt: skip


@pytest.mark.parametrize(("values", "changes", "owed"), OWED.values(), ids=OWED.keys())
def test_what_a_computation_owes(values: list[float], changes: dict[str, Any], owed: bool) -> None:
    """Finite values, a scale that is none of 0, and squares and rstd³ in range; one row is judged apart from another."""
    call = {"eps": EPS, "center": True, "given": None, "accumulator": "float32"} | changes
    x = np.array([values, [-1.0, 1.0]])
    one, zero = np.ones(2), np.zeros(2)
    given = call["given"] and (np.array([[call["given"][0]], [0.0]]), np.array([[call["given"][1]], [1.0]]))

    got = bounds.owed(View(x, x, one, zero, call["eps"], (1,), (0,), call["center"], given), call["accumulator"])

    assert got.shape == (2, 1)
    assert got[:, 0].tolist() == [owed, True]


def running_ratio(case: dict[str, Any], statistics: Any, momentum: float, used: float, unbiased: bool = True) -> float:
    """The worst error of an update in float32 with the momentum `used`, in units of the bound."""
    view, arithmetic = judged(case, "float32")
    x, n = case["x"], case["x"].shape[1]
    old = np.full((8, 1), -0.75), np.full((8, 1), 2.5)
    correction = n / (n - 1) if unbiased else 1.0
    truths = x.mean(axis=1, keepdims=True), correction * x.var(axis=1, keepdims=True)
    errors = bounds.running(view, arithmetic, old, momentum, correction)
    mean, variance = statistics(x.astype(np.float32), in_order)
    got = mean, variance * np.float32(n / (n - 1) if unbiased else 1.0)
    keep, add = np.float32(1 - used), np.float32(used)
    return max(
        worst_ratio(keep * b.astype(np.float32) + add * g, (1 - momentum) * b + momentum * t, error, "float32")
        for b, g, t, error in zip(old, got, truths, errors, strict=True)
    )


@pytest.mark.parametrize("statistics", [two_pass, welford])
@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("unbiased", [False, True], ids=["biased", "unbiased"])
def test_a_sound_running_update_is_within_bounds(statistics: Any, momentum: float, unbiased: bool) -> None:
    """Of both statistics, over 50 random inputs."""
    rng = np.random.default_rng(4)

    worst = max(running_ratio(draw(rng, "float32"), statistics, momentum, momentum, unbiased) for _ in range(50))

    assert worst <= 1


def test_an_unsound_running_update_is_out_of_bounds() -> None:
    """A momentum of 1e-4 more, or a variance in one pass at a mean of 1,000 deviations."""
    rng = np.random.default_rng(5)
    near, far = (draw(rng, "float32") | {"x": rounded(a + rng.standard_normal((8, 64)), "float32")} for a in (1, 1000))

    assert running_ratio(near, two_pass, 0.1, 0.1) <= 1
    assert running_ratio(near, two_pass, 0.1, 0.1001) > 1
    assert running_ratio(far, two_pass, 0.1, 0.1) <= 1
    assert running_ratio(far, one_pass, 0.1, 0.1) > 1


@pytest.mark.parametrize("n", [2, 7, 64])
def test_a_sound_second_order_gradient_is_within_bounds(n: int) -> None:
    """torch's in float32, of rows near zero and far from it; an n-th more, as n - 1 for n makes it, is out."""
    rng = np.random.default_rng(n)
    x = rounded(np.array([[0.0], [1.0], [10.0]]) + rng.standard_normal((3, n)), "float32")
    dy, v, weight = (rounded(rng.standard_normal(s), "float32") for s in ((3, n), (3, n), n))
    case = Case("layer_norm", "a probe", "float32", x, dy, weight, np.zeros(n), eps=0.5)
    t = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    y = torch.nn.functional.layer_norm(t, (n,), torch.tensor(weight, dtype=torch.float32), eps=0.5)
    (dx,) = torch.autograd.grad(y, t, torch.tensor(dy, dtype=torch.float32), create_graph=True)
    (got,) = torch.autograd.grad(dx, t, torch.tensor(v, dtype=torch.float32))

    truth, allowed = second_order(NORMS["layer_norm"], case, Conventions(), v)

    assert (abs(got.double().numpy() - truth) <= allowed).all()
    assert (abs((1 + 1 / n) * got.double().numpy() - truth)[0] > allowed[0]).any()


MODES = {"centered": (True, False), "not centered": (False, False), "in evaluation": (True, True)}


@pytest.mark.parametrize(("center", "evaluation"), MODES.values(), ids=MODES.keys())
def test_the_bounds_tell_sound_from_unsound(center: bool, evaluation: bool) -> None:
    """Of y and every gradient: float32 is within bounds, an n-th more, as n - 1 for n makes it, is out of them."""
    rng, n = np.random.default_rng(6), 64
    x, dy = (rounded(0.5 + rng.standard_normal((8, n)), "float32") for _ in range(2))
    weight, bias = (rounded(rng.standard_normal(n), "float32") for _ in range(2))
    given = (np.full((8, 1), 0.25), np.full((8, 1), 1.5)) if evaluation else None

    def computed(*arrays: np.ndarray) -> dict[str, np.ndarray]:
        x, dy, w, b = arrays
        mean, variance = given or (x.mean(axis=1, keepdims=True) * center, None)
        rstd = 1 / np.sqrt((((x - mean) ** 2).mean(axis=1, keepdims=True) if variance is None else variance) + EPS)
        rstd, d = rstd.astype(x.dtype), (x - mean).astype(x.dtype)
        G, x_hat = dy * w, d * rstd
        c1 = G.mean(axis=1, keepdims=True) * (center and not evaluation)
        c2 = (G * x_hat).mean(axis=1, keepdims=True) * (not evaluation)
        y, dx = x_hat * w + b, rstd * (G - c1 - x_hat * c2)
        return {"y": y, "dx": dx, "dweight": (dy * x_hat).sum(axis=0), "dbias": dy.sum(axis=0)}

    view = View(x, dy, weight, bias, EPS, (1,), (0,), center, given)
    truths = computed(x, dy, weight, bias)
    sound = computed(*(a.astype(np.float32) for a in (x, dy, weight, bias)))
    arithmetic = Arithmetic("float32", "float32", FORMATS["float32"].u)
    errors = {"y": bounds.forward(view, arithmetic), **bounds.backward(view, arithmetic)}

    assert max(worst_ratio(sound[name], truth, errors[name], "float32") for name, truth in truths.items()) <= 1
    assert min(worst_ratio(truth * (1 + 1 / n), truth, errors[name], "float32") for name, truth in truths.items()) > 1


def test_an_amplification_is_of_the_order_of_the_root_of_n_where_errors_are_independent() -> None:
    """2 sqrt(n) at least, n at most, and far from n; over whichever axes, and whatever stands in the next row."""
    independent, u = np.random.default_rng(7).standard_normal((64, 4096)), 2.0**-24

    by_row = bounds.amplification(independent, u, (1,))
    constant, beside = bounds.amplification(np.stack([np.full(4096, 0.1), independent[0]]), u, (1,))[:, 0]

    assert by_row.shape == (64, 1)
    assert by_row.min() == 128.0
    assert by_row.max() < 4096 / 4
    assert (bounds.amplification(independent.T, u, (0,)) == by_row.T).all()
    assert (bounds.amplification(independent.reshape(64, 32, 128), u, (1, 2)) == by_row[..., None]).all()
    assert beside == by_row[0, 0]
    assert 4096 / 4 < constant <= 4096
    assert bounds.amplification(independent[:, :2], u, (1,)).tolist() == [[2.0]] * 64
    assert bounds.amplification(independent[:, :1], u, (1,)).tolist() == [[1.0]] * 64
    assert bounds.amplification(independent[:, :0], u, (1,)).tolist() == [[0.0]] * 64
