"""No false alarm: sound kernels, computed in two dozen ways, stay within the bounds over thousands of random calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import EVERY, KERNELS, Kernel, in_order, one_pass

from harness.comparison import Log, Output, Violation, hold
from harness.formats import FORMATS, HALVES, Array, rounded
from harness.norms import NORMS, Case

Rows = Callable[[np.random.Generator, tuple[int, int]], Array]

VALUES: dict[str, Rows] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "lognormal": lambda rng, shape: rng.lognormal(0, 2, shape),
    "sorted": lambda rng, shape: np.sort(rng.standard_normal(shape)),
    "two-valued": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
    "constant": lambda rng, shape: np.zeros(shape),
    "one outlier": lambda rng, shape: (
        rng.standard_normal(shape) * np.where(np.arange(shape[1]) == shape[1] // 3, 1e3, 1)
    ),
    "lattice": lambda rng, shape: rng.integers(-3, 4, shape).astype(np.float64),
    "near-constant": lambda rng, shape: 1e-3 * rng.standard_normal(shape) * (rng.random(shape) < 0.05),
}
GRADIENTS = ("normal", "far from zero", "constant", "along x_hat")
SIZES = (*range(1, 34), 48, 63, 64, 65, 99, 100, 127, 128, 129, 200, 255, 256, 257, 300, 1000, 1024, 2047)


@dataclass(frozen=True)
class Configuration:
    """A random call: x has `sets` sets of `size` values, at a mean of `kappa` deviations; the rest is the seed's."""

    norm: str
    dtype: str
    sets: int
    size: int
    values: str
    kappa: float
    gradient: str
    eps: float
    float32_parameters: bool
    seed: int


def configurations(dtypes: tuple[str, ...]) -> st.SearchStrategy[Configuration]:
    return st.builds(
        Configuration,
        norm=st.sampled_from(list(NORMS)),
        dtype=st.sampled_from(dtypes),
        sets=st.integers(1, 8),
        size=st.sampled_from(SIZES),
        values=st.sampled_from(list(VALUES)),
        kappa=st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0, 100.0, 1e3, 1e4, 1e5]),
        gradient=st.sampled_from(GRADIENTS),
        eps=st.sampled_from([1e-12, 1e-8, 1e-6, 1e-5, 1e-3, 0.1]),
        float32_parameters=st.booleans(),
        seed=st.integers(0, 2**32 - 1),
    )


def _scaled(rows: Array, scale: float, dtype: str, room: float) -> Array:
    """`rows` times `scale`, or less, so that values `room` times as large are below the largest of the format."""
    return rounded(rows * min(scale, FORMATS[dtype].largest / room / max(abs(rows).max(), 1.0)), dtype)


@lru_cache(maxsize=256)
def call(c: Configuration) -> Case:
    """The call that a configuration stands for; in the profiles dev and ci every kernel gets the same."""
    rng, norm, shape = np.random.default_rng(c.seed), NORMS[c.norm], (c.sets, c.size)
    z = VALUES[c.values](rng, shape)
    offset = c.kappa * rng.choice([-1, 1]) * rng.uniform(0.7, 1.4, (c.sets, 1))
    rows = _scaled(z + offset, 10 ** rng.uniform(-4, 4), c.dtype, room=16)
    x, arguments = norm.arrange(rows)

    d = rows - rows.mean(axis=1, keepdims=True)
    x_hat = d / np.sqrt((d * d).mean(axis=1, keepdims=True) + c.eps)
    dy = {
        "normal": rng.standard_normal(shape),
        "far from zero": 100 + rng.standard_normal(shape),
        "constant": np.full(shape, rng.uniform(0.1, 1)),
        "along x_hat": 1.3 + 0.7 * x_hat + 1e-3 * rng.standard_normal(shape),
    }[c.gradient]
    dy, _ = norm.arrange(_scaled(dy, 10 ** rng.uniform(-3, 3), c.dtype, room=1024))

    param_dtype = "float32" if c.float32_parameters and c.dtype in HALVES else c.dtype
    case = Case(c.norm, str(c), c.dtype, x, dy, eps=c.eps, param_dtype=param_dtype, **arguments)
    features = norm.parameter_shape(case)
    normal, signs = rng.standard_normal(features), rng.choice([-1.0, 1.0], features)
    weights = (None, normal, signs * rng.lognormal(0, 1, features), 1 + 0.01 * normal, normal * (normal > 0))
    biases: tuple[Array | None, ...] = (None, rng.standard_normal(features), 100 * rng.standard_normal(features))
    weight, bias = weights[rng.integers(len(weights))], biases[rng.integers(len(biases))]
    bias = bias if "bias" in norm.inputs else None
    case = case.but(
        weight=None if weight is None else rounded(weight, param_dtype),
        bias=None if bias is None else rounded(bias, param_dtype),
    )
    if "sublayer_output" in norm.inputs:
        alpha = float((2 * rng.integers(1, 100)) ** 0.25)
        like_x = rng.standard_normal(x.shape) * x.std(axis=-1, keepdims=True)
        cancelling = -alpha * x * (1 + 0.01 * rng.standard_normal(x.shape))
        outputs = (like_x, np.roll(x, 1, axis=-1), cancelling)
        case = case.but(alpha=alpha, sublayer_output=rounded(outputs[rng.integers(3)], c.dtype))
    if norm.updates:
        limit = FORMATS[param_dtype].largest / 64
        mean, var = rows.mean(), np.minimum(rows.var() * rng.lognormal(0, 1, features), limit)
        case = case.but(
            running_mean=rounded(mean + 0.3 * rng.standard_normal(features) * rows.std(), param_dtype),
            running_var=rounded(var, param_dtype),
            training=bool(rng.random() < 0.7),
            momentum=float(rng.choice([0.1, 0.01, 0.5, 0.9, 0.99, 1.0])),
        )
    return case


def held(kernel: Kernel, case: Case, log: Log) -> None:
    """Every output of the kernel is held to its bound, as an implementation's is."""
    expected, outputs = {}, {}
    for name, value in kernel(case).items():
        if name != "dbias" or "bias" in NORMS[case.norm].inputs:
            expected[name] = NORMS[case.norm].expected(case, kernel.conventions, name)
            outputs[name] = Output(value.reshape(expected[name].value.shape), expected[name].dtype)
    hold(outputs, expected, case, log)


@pytest.mark.parametrize("name", KERNELS)
def test_a_sound_kernel_is_within_bounds(name: str, request: pytest.FixtureRequest) -> None:
    """y, every gradient and the running statistics, for any norm; 1,000 calls for each dtype in the profile thorough."""
    kernel = KERNELS[name]
    logs = {dtype: Log() for dtype in kernel.dtypes}

    @settings(max_examples=len(logs) * settings().max_examples)
    @given(configurations(kernel.dtypes))
    def every(configuration: Configuration) -> None:
        try:
            held(kernel, call(configuration), logs[configuration.dtype])
        except Violation as e:
            raise AssertionError(f"{name} is sound, but in {configuration}\n{e}") from e

    every()

    for dtype, log in logs.items():
        request.node.user_properties.append((dtype, log.worst))  # `--junitxml` shows it
        assert log.claims


@pytest.mark.parametrize("norm", [name for name in NORMS if NORMS[name].center])
@pytest.mark.parametrize("dtype", EVERY)
def test_an_unsound_kernel_is_out_of_bounds(norm: str, dtype: str) -> None:
    """The same calls refuse a one-pass variance in the accumulator, at a mean of 1,000 deviations."""
    configuration = Configuration(norm, dtype, 4, 64, "normal", 1e3, "normal", 1e-12, False, seed=0)
    case = call(configuration)
    case = case.but(training=True, sublayer_output=np.zeros_like(case.x))

    held(Kernel(in_order), case, Log())
    with pytest.raises(Violation, match="out of bounds"):
        held(Kernel(in_order, one_pass), case, Log())
