"""The references against truths that share nothing with them: formulas and differences in 60 digits, and torch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
import torch

from harness.doubledouble import DoubleDouble
from harness.formats import Array
from harness.norms import NORMS, Case, Conventions, second_order
from reference import batchnorm, deepnorm, groupnorm, layernorm, placement, python_tips, rmsnorm, weights, whitening

EPS, ALPHA, GROUPS = 0.0625, 1.5, 3
MEAN, VARIANCE = np.array([0.25, -1.5, 0.75]), np.array([0.5, 2.25, 1.0])  # running statistics of three channels
STEP = mpmath.mpf(10) ** -18  # of the differences, whose error is the step squared

# The errors that some tens of roundings leave, relative to the largest value.
LIMITS = {"float64": 1e-14, "double-double": 1e-28}
FORMATS: dict[str, Callable[[Array], Any]] = {"float64": np.array, "double-double": DoubleDouble}

Arrays = dict[str, Any]


@pytest.fixture(autouse=True)
def _sixty_digits() -> Iterator[None]:
    """What mpmath computes in these tests."""
    with mpmath.workdps(60):
        yield


_exact = np.frompyfunc(mpmath.mpf, 1, 1)
_sqrt = np.frompyfunc(mpmath.sqrt, 1, 1)


def _standardized(x: Any, *axes: int, center: bool = True) -> Any:
    """(x - mean) / sqrt(variance + eps), the mean of RMSNorm being 0."""
    n = math.prod(x.shape[a] for a in axes)
    mean = x.sum(axis=axes, keepdims=True) / n * center
    variance = ((x - mean) ** 2).sum(axis=axes, keepdims=True) / n
    return (x - mean) / _sqrt(variance + EPS)


def _column(values: Any, x: Any) -> Any:
    """One value per channel, beside the channels of x."""
    return values.reshape(-1, *[1] * (x.ndim - 2))


def _grouped(a: Arrays, groups: int) -> Any:
    x = a["x"]
    sets = _standardized(x.reshape(x.shape[0], groups, -1), 2).reshape(x.shape)
    return sets * _column(a["weight"], x) + _column(a["bias"], x)


def _batched(a: Arrays) -> Any:
    x = a["x"]
    return _standardized(x, 0, *range(2, x.ndim)) * _column(a["weight"], x) + _column(a["bias"], x)


def _evaluated(a: Arrays) -> Any:
    x, mean, variance = a["x"], a["mean"], a["variance"]
    x_hat = (x - _column(mean, x)) / _column(_sqrt(variance + EPS), x)
    return x_hat * _column(a["weight"], x) + _column(a["bias"], x)


@dataclass(frozen=True)
class Layer:
    """A norm as the reference has it and as the formula says, on arrays by name, in the order of the gradients."""

    shape: tuple[int, ...]
    parameters: int
    truth: Callable[[Arrays], Any]
    forward: Callable[[Arrays], Any]
    backward: Callable[[Arrays], Any]
    names: tuple[str, ...] = ("x", "weight", "bias")
    norm: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)

    def inputs(self) -> Arrays:
        """Random values, for the parameters and the upstream gradient too, and running statistics."""
        rng = np.random.default_rng(1)
        tensors = {name: 0.5 + rng.standard_normal(self.shape) for name in ("x", "sublayer_output", "dy")}
        parameters = {name: rng.standard_normal(self.parameters) for name in ("weight", "bias")}
        return {**tensors, **parameters, "mean": MEAN, "variance": VARIANCE}


LAYERS = {
    "layer norm": Layer(
        (2, 3, 5), 5,
        lambda a: _standardized(a["x"], -1) * a["weight"] + a["bias"],
        lambda a: layernorm.forward(a["x"], a["weight"], a["bias"], EPS),
        lambda a: layernorm.backward(a["dy"], a["x"], a["weight"], EPS),
        norm="layer_norm",
    ),
    "rms norm": Layer(
        (2, 3, 5), 5,
        lambda a: _standardized(a["x"], -1, center=False) * a["weight"],
        lambda a: rmsnorm.forward(a["x"], a["weight"], EPS),
        lambda a: rmsnorm.backward(a["dy"], a["x"], a["weight"], EPS),
        names=("x", "weight"),
        norm="rms_norm",
    ),
    "batch norm": Layer(
        (5, 3), 3,
        _batched,
        lambda a: batchnorm.forward(a["x"], a["weight"], a["bias"], EPS),
        lambda a: batchnorm.backward(a["dy"], a["x"], a["weight"], EPS),
        norm="batch_norm",
    ),
    "batch norm with positions": Layer(
        (2, 3, 4), 3,
        _batched,
        lambda a: batchnorm.forward(a["x"], a["weight"], a["bias"], EPS),
        lambda a: batchnorm.backward(a["dy"], a["x"], a["weight"], EPS),
        norm="batch_norm",
    ),
    "batch norm in evaluation": Layer(
        (2, 3, 4), 3,
        _evaluated,
        lambda a: batchnorm.forward(a["x"], a["weight"], a["bias"], EPS, a["mean"], a["variance"]),
        lambda a: batchnorm.backward(a["dy"], a["x"], a["weight"], EPS, a["mean"], a["variance"]),
    ),
    "group norm": Layer(
        (2, 6, 4), 6,
        lambda a: _grouped(a, GROUPS),
        lambda a: groupnorm.forward(a["x"], GROUPS, a["weight"], a["bias"], EPS),
        lambda a: groupnorm.backward(a["dy"], a["x"], GROUPS, a["weight"], EPS),
        norm="group_norm",
        arguments={"num_groups": GROUPS},
    ),
    "instance norm": Layer(
        (2, 3, 5), 3,
        lambda a: _grouped(a, 3),
        lambda a: groupnorm.instance_forward(a["x"], a["weight"], a["bias"], EPS),
        lambda a: groupnorm.instance_backward(a["dy"], a["x"], a["weight"], EPS),
        norm="instance_norm",
    ),
    "deep norm": Layer(
        (2, 3, 5), 5,
        lambda a: _standardized(ALPHA * a["x"] + a["sublayer_output"], -1) * a["weight"] + a["bias"],
        lambda a: deepnorm.forward(a["x"], a["sublayer_output"], ALPHA, a["weight"], a["bias"], EPS),
        lambda a: deepnorm.backward(a["dy"], a["x"], a["sublayer_output"], ALPHA, a["weight"], EPS),
        names=("x", "sublayer_output", "weight", "bias"),
        norm="deep_norm",
        arguments={"alpha": ALPHA},
    ),
}  # fmt: skip

each_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
each_format = pytest.mark.parametrize("form", FORMATS)


def _all_exact(arrays: Arrays) -> Arrays:
    return {name: _exact(value) for name, value in arrays.items()}


def _error(got: Any, truth: Any) -> float:
    """The largest difference, relative to the largest value."""
    value = np.asarray(_exact(got.high) + _exact(got.low) if isinstance(got, DoubleDouble) else _exact(got), object)
    assert value.shape == truth.shape
    return float(np.max(abs(value - truth)) / np.max(abs(truth)))


def _gradient(function: Callable[[Arrays], Any], arrays: Arrays, name: str) -> Any:
    """The derivatives of a number by every element of one array, as central differences."""
    value = arrays[name]

    def at(index: tuple[int, ...], step: Any) -> Any:
        moved = value.copy()
        moved[index] += step
        return function({**arrays, name: moved})

    gradient = np.empty(value.shape, object)
    for index in np.ndindex(value.shape):
        gradient[index] = (at(index, STEP) - at(index, -STEP)) / (2 * STEP)
    return gradient


@each_layer
@each_format
def test_forward_is_the_formula(layer: Layer, form: str) -> None:
    """To the last digits of the format, for weights and biases that differ."""
    inputs = layer.inputs()

    y = layer.forward({name: FORMATS[form](value) for name, value in inputs.items()})

    assert _error(y, layer.truth(_all_exact(inputs))) < LIMITS[form]


@each_layer
@each_format
def test_backward_is_the_derivative_of_the_formula(layer: Layer, form: str) -> None:
    """Of sum(dy * y), by every input, as differences of the formula have it."""
    inputs = layer.inputs()
    exact = _all_exact(inputs)

    gradients = layer.backward({name: FORMATS[form](value) for name, value in inputs.items()})

    truths = [_gradient(lambda a: (a["dy"] * layer.truth(a)).sum(), exact, name) for name in layer.names]
    assert max(_error(g, truth) for g, truth in zip(gradients, truths, strict=True)) < LIMITS[form]


@pytest.mark.parametrize("name", [name for name, layer in LAYERS.items() if layer.norm])
def test_second_order_is_the_derivative_of_the_derivative(name: str) -> None:
    """Of sum(v * dx) by x: what the clause on gradients of gradients is held to."""
    layer = LAYERS[name]
    inputs = layer.inputs()
    v = np.random.default_rng(2).standard_normal(layer.shape)
    shared = {"weight": inputs["weight"], "bias": inputs["bias"], "sublayer_output": inputs["sublayer_output"]}
    case = Case(layer.norm, name, "float64", inputs["x"], inputs["dy"], eps=EPS, **shared, **layer.arguments)

    value, _ = second_order(NORMS[layer.norm], case, Conventions(), v)

    def along(a: Arrays) -> Any:  # sum(v * dx) is the derivative of sum(dy * y) along v
        ahead, behind = ({**a, "x": a["x"] + sign * STEP * _exact(v)} for sign in (1, -1))
        return (a["dy"] * (layer.truth(ahead) - layer.truth(behind))).sum() / (2 * STEP)

    with mpmath.workdps(90):
        assert _error(value, _gradient(along, _all_exact(inputs), "x")) < LIMITS["float64"]


@pytest.mark.parametrize("shape", [(7, 3), (4, 3, 5), (2, 3, 4, 5)], ids=str)
@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
def test_the_running_update_is_torch_s(shape: tuple[int, ...], momentum: float) -> None:
    """Of both statistics of batch norm, in float64."""
    x = np.random.default_rng(3).standard_normal(shape)
    expected = torch.tensor(MEAN), torch.tensor(VARIANCE)
    torch.nn.functional.batch_norm(torch.tensor(x), *expected, training=True, momentum=momentum)

    updated = batchnorm.update(MEAN, VARIANCE, x, momentum)

    assert max(_error(u, _exact(e.numpy())) for u, e in zip(updated, expected, strict=True)) < LIMITS["float64"]


@pytest.mark.parametrize("shape", [(4, 3, 5), (2, 3, 4, 5)], ids=str)
@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
def test_the_running_update_of_instance_norm_is_torch_s(shape: tuple[int, ...], momentum: float) -> None:
    """The average of what each sample alone would leave."""
    x = np.random.default_rng(4).standard_normal(shape)
    expected = torch.tensor(MEAN), torch.tensor(VARIANCE)
    torch.nn.functional.instance_norm(torch.tensor(x), *expected, use_input_stats=True, momentum=momentum)

    updated = groupnorm.instance_update(MEAN, VARIANCE, x, momentum)

    assert max(_error(u, _exact(e.numpy())) for u, e in zip(updated, expected, strict=True)) < LIMITS["float64"]


AFFINE = {"weight": 1.0, "bias": 0.0, "eps": 1e-5}
SCALED = {"weight": 1.0, "eps": 1e-5}
DEFAULTS: dict[str, tuple[Callable[..., Any], tuple[str, ...], dict[str, float]]] = {
    "layernorm.forward": (layernorm.forward, ("x",), AFFINE),
    "layernorm.backward": (layernorm.backward, ("dy", "x"), SCALED),
    "rmsnorm.forward": (rmsnorm.forward, ("x",), {"weight": 1.0, "eps": 1e-6}),
    "rmsnorm.backward": (rmsnorm.backward, ("dy", "x"), {"weight": 1.0, "eps": 1e-6}),
    "batchnorm.forward": (batchnorm.forward, ("x",), AFFINE),
    "batchnorm.backward": (batchnorm.backward, ("dy", "x"), SCALED),
    "batchnorm.update": (batchnorm.update, ("mean", "variance", "x"), {"momentum": 0.1}),
    "groupnorm.forward": (groupnorm.forward, ("x", "groups"), AFFINE),
    "groupnorm.backward": (groupnorm.backward, ("dy", "x", "groups"), SCALED),
    "groupnorm.instance_forward": (groupnorm.instance_forward, ("x",), AFFINE),
    "groupnorm.instance_backward": (groupnorm.instance_backward, ("dy", "x"), SCALED),
    "groupnorm.instance_update": (groupnorm.instance_update, ("mean", "variance", "x"), {"momentum": 0.1}),
    "deepnorm.forward": (deepnorm.forward, ("x", "sublayer_output", "alpha"), AFFINE),
    "deepnorm.backward": (deepnorm.backward, ("dy", "x", "sublayer_output", "alpha"), SCALED),
}


@pytest.mark.parametrize(("function", "names", "defaults"), DEFAULTS.values(), ids=DEFAULTS.keys())
def test_the_defaults(function: Callable[..., Any], names: tuple[str, ...], defaults: dict[str, float]) -> None:
    """Those of torch, and LLaMA's eps in RMSNorm; backward's are forward's."""
    rng = np.random.default_rng(6)
    inputs: Arrays = {name: rng.standard_normal((2, 3, 4)) for name in ("x", "sublayer_output", "dy")}
    inputs |= {"mean": MEAN, "variance": VARIANCE, "groups": 1, "alpha": ALPHA}
    given = [inputs[name] for name in names]

    _assert_left_out_or_said(function, given, defaults)


def _assert_left_out_or_said(function: Callable[..., Any], given: Sequence[Any], defaults: dict[str, Any]) -> None:
    """The defaults make no difference."""
    left_out, said = (r if isinstance(r, tuple) else (r,) for r in (function(*given), function(*given, **defaults)))
    assert all(np.array_equal(one, other) for one, other in zip(left_out, said, strict=True))


@pytest.mark.parametrize("layers", [1, 6, 24, 1000])
@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_the_constants_of_one_stack(stack: str, layers: int) -> None:
    """alpha⁴ = 2 N and beta⁻⁴ = 8 N (Wang et al. 2022, Fig. 2), and there is no other stack."""
    constants = deepnorm.constants(**{f"{stack}_layers": layers})
    ((alpha, beta),) = constants.values()

    assert list(constants) == [stack]
    assert alpha**4 == pytest.approx(2 * layers, rel=1e-14)
    assert beta**-4 == pytest.approx(8 * layers, rel=1e-14)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (6, 18), (100, 20)])
def test_the_constants_of_two_stacks(n: int, m: int) -> None:
    """Of the decoder alpha⁴ = 3 M, beta⁻⁴ = 12 M; of the encoder (alpha / 0.81)¹⁶ = (0.87 / beta)¹⁶ = N⁴ M."""
    constants = deepnorm.constants(encoder_layers=n, decoder_layers=m)
    (alpha_e, beta_e), (alpha_d, beta_d) = constants["encoder"], constants["decoder"]

    assert (alpha_d**4, beta_d**-4) == pytest.approx((3 * m, 12 * m), rel=1e-14)
    assert ((alpha_e / 0.81) ** 16, (0.87 / beta_e) ** 16) == pytest.approx((n**4 * m, n**4 * m), rel=1e-13)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (-1, 2), (2, -1), (-2, 1), (1, -2)])
def test_no_stack_has_no_constants(n: int, m: int) -> None:
    """Nor has one of fewer than no layers; the message names both numbers."""
    with pytest.raises(ValueError, match=f"at least one layer: encoder_layers={n}, decoder_layers={m}$"):
        deepnorm.constants(encoder_layers=n, decoder_layers=m)


OPERATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sum": (lambda a, b: a + b, lambda a, b: a + b),
    "difference": (lambda a, b: a - b, lambda a, b: a - b),
    "product": (lambda a, b: a * b, lambda a, b: a * b),
    "quotient": (lambda a, b: a / b, lambda a, b: a / b),
    "square root": (lambda a, b: np.sqrt(a), lambda a, b: _sqrt(a)),
    "square": (lambda a, b: np.square(a), lambda a, b: a * a),
    "negation": (lambda a, b: -a, lambda a, b: -a),
    "mean": (lambda a, b: a.mean(axis=0, keepdims=True), lambda a, b: a.sum(axis=0, keepdims=True) / a.shape[0]),
    "inner product": (lambda a, b: np.vecdot(a, b), lambda a, b: (a * b).sum(axis=-1)),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("scale", [1.0, 2.0**100, 2.0**-100], ids=["1", "2^100", "2^-100"])
def test_a_double_double_has_its_digits(operation: str, scale: float) -> None:
    """Each operation of numbers of 106 bits is right to 2^-100, however far apart the numbers are."""
    rng = np.random.default_rng(5)
    high_a, high_b = rng.uniform(1, 2, (7, 4)), scale * rng.uniform(1, 2, (7, 4))
    low_a, low_b = 2.0**-54 * high_a * rng.uniform(-1, 1, (7, 4)), 2.0**-54 * high_b * rng.uniform(-1, 1, (7, 4))
    double, exact = OPERATIONS[operation]

    got = double(DoubleDouble(high_a, low_a), DoubleDouble(high_b, low_b))

    assert _error(got, exact(_exact(high_a) + _exact(low_a), _exact(high_b) + _exact(low_b))) < 2.0**-100


@pytest.mark.parametrize("axes", [(0,), (1, 2), (-1,), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("keepdims", [False, True], ids=["dropped", "kept"])
def test_a_sum_of_double_doubles_runs_over_its_axes(axes: tuple[int, ...], keepdims: bool) -> None:
    """As NumPy's, for values that cancel but for the last digits."""
    values = np.array(list(itertools.islice(itertools.cycle([1e16, 3.0, -1e16, 2.0**-30]), 60))).reshape(3, 4, 5)

    got = DoubleDouble(values).sum(axis=axes, keepdims=keepdims)

    truth = np.asarray(_exact(values).sum(axis=axes, keepdims=keepdims), object)
    assert _error(got, truth) < 2.0**-50


# -- arguments ---------------------------------------------------------------------------------------------------------

X = np.array([[0.5, -1.25, 2.0, 0.125], [3.0, 1.0, -0.75, 0.25]])
HALF = X.astype(np.float16)
IMAGES = np.arange(24.0).reshape(2, 3, 4) ** 2 / 64
WEIGHT, BIAS = np.array([2.0, -0.5, 1.5, 0.25]), np.array([0.5, 1.0, -2.0, 0.0])
Y = np.array([1.0, 8.0])

STATED: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (batchnorm.fold, (X.T, MEAN[0], BIAS, WEIGHT**2), {"weight": 1.0, "bias": 0.0, "eps": 1e-5}),
    (batchnorm.undoing, (X,), {"eps": 1e-5}),
    (deepnorm.movement, (X, X[::-1], BIAS, 2.0), {"eps": 1e-5}),
    (groupnorm.cross_norm, (IMAGES, IMAGES[::-1]), {"training": True, "active": True, "eps": 1e-5}),
    (groupnorm.matrix_shape, ("group_norm", 2, 4, 3, 3), {"num_groups": 1}),
    (groupnorm.of_one_value, ("rms_norm", 0.5), {"eps": 1e-5}),
    (layernorm.forward_16_bit, (HALF,), {"weight": 1.0, "bias": 0.0, "eps": 1e-5}),
    (placement.norm_count, (2, 3), {"attention_norms": 0, "outside_norms": 0}),
    (rmsnorm.forward_16_bit, (HALF,), {"weight": 1.0, "eps": 1e-6}),
    (rmsnorm.forward_bfloat16_llama, (X,), {"weight": 1.0, "eps": 1e-6}),
    (rmsnorm.forward_one_plus_weight, (X,), {"weight": 0.0, "eps": 1e-6}),
    (rmsnorm.layernorm_by_rmsnorm, (X,), {"weight": 1.0, "bias": 0.0, "eps": 1e-5}),
    (weights.standardize_rows, (X,), {"eps": 1e-5}),
]


@pytest.mark.parametrize(
    ("function", "arguments", "defaults"), STATED, ids=[f"{f.__module__}.{f.__name__}" for f, *_ in STATED]
)
def test_the_defaults_of_the_other_forms(function: Any, arguments: tuple[Any, ...], defaults: dict[str, Any]) -> None:
    """Left out or given they make no difference."""
    _assert_left_out_or_said(function, arguments, defaults)


def test_the_16_bit_forms_take_weight_bias_and_eps() -> None:
    """All of them reach the formula."""
    eps, w, b = 4.0, WEIGHT.astype(np.float32), BIAS.astype(np.float32)
    in_float32 = HALF.astype(np.float32)
    rounded = rmsnorm.round_to_bfloat16(rmsnorm.forward(X, eps=eps))

    np.testing.assert_array_equal(layernorm.forward_16_bit(HALF, w, b, eps),
                                  layernorm.forward(in_float32, w, b, eps).astype(np.float16))  # fmt: skip
    np.testing.assert_array_equal(rmsnorm.forward_16_bit(HALF, w, eps),
                                  rmsnorm.forward(in_float32, w, eps).astype(np.float16))  # fmt: skip
    np.testing.assert_array_equal(rmsnorm.forward_bfloat16(X, WEIGHT, eps),
                                  rmsnorm.round_to_bfloat16(rmsnorm.forward(X, WEIGHT, eps)))  # fmt: skip
    np.testing.assert_array_equal(rmsnorm.forward_bfloat16_llama(X, WEIGHT, eps),
                                  rmsnorm.round_to_bfloat16(rounded * WEIGHT))  # fmt: skip
    np.testing.assert_array_equal(rmsnorm.forward_one_plus_weight(X, WEIGHT, eps),
                                  rmsnorm.forward(X, 1 + WEIGHT, eps))  # fmt: skip
    np.testing.assert_array_equal(placement.normed_and_rotated(X, 0.5, WEIGHT, eps),
                                  placement.rotate(rmsnorm.forward(X, WEIGHT, eps), 0.5))  # fmt: skip


@pytest.mark.parametrize("norm", [layernorm, rmsnorm], ids=["layernorm", "rmsnorm"])
def test_the_16_bit_forms_compute_in_float32(norm: Any) -> None:
    """Not in float64: of many values some are rounded otherwise then."""
    x = np.random.default_rng(0).standard_normal((500, 1000)).astype(np.float16)

    y = norm.forward_16_bit(x)

    np.testing.assert_array_equal(y, norm.forward(x.astype(np.float32)).astype(np.float16))
    assert not np.array_equal(y, norm.forward(x.astype(np.float64)).astype(np.float16))


def test_a_layernorm_by_rmsnorm_takes_the_mean_of_each_row() -> None:
    """Of several rows with several means."""
    assert rmsnorm.layernorm_by_rmsnorm(X, WEIGHT, BIAS) == pytest.approx(layernorm.forward(X, WEIGHT, BIAS), rel=1e-14)


def test_what_does_not_vary_is_divided_by_the_root_of_eps() -> None:
    """The variance is 0, and eps is added to it."""
    flat, other = np.ones((1, 1, 4)), np.arange(4.0).reshape(1, 1, 4)

    of_flat, of_other = groupnorm.cross_norm(flat, other, eps=0.25)

    assert of_flat == pytest.approx(np.full_like(flat, 1.5))
    assert of_other == pytest.approx(1 + (other - 1.5) / np.sqrt(1.25 + 0.25) * 0.5)
    assert (whitening.standardize(np.ones((3, 2)), eps=0.25) == 0).all()


@pytest.mark.parametrize("norm", ["batch_norm", "instance_norm"])
def test_one_value_is_refused_by_norms_of_a_channel(norm: str) -> None:
    """In torch's words."""
    with pytest.raises(ValueError, match=f"^{norm} expects more than one value"):
        groupnorm.of_one_value(norm, 0.5)


@pytest.mark.parametrize("grad_enabled", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_whether_gradients_are_recorded_changes_nothing(training: bool, grad_enabled: bool) -> None:
    """In a BatchNorm layer."""
    arguments = IMAGES, MEAN, VARIANCE, training

    for got, without in zip(batchnorm.layer(*arguments, grad_enabled), batchnorm.layer(*arguments), strict=True):
        np.testing.assert_array_equal(got, without)


def test_the_same_but_for_16_roundings() -> None:
    """16 of them are let pass, the last one too, 16 and a half are not."""
    rounding = 2.0**-24 * 8 * np.array([1, 0])

    assert rmsnorm.same_values(Y + 16 * rounding, Y)
    assert not rmsnorm.same_values(Y + 16.5 * rounding, Y)
    assert rmsnorm.same_values(0 * Y, 0 * Y)


def test_iterables_of_different_lengths_are_refused() -> None:
    """Where the reference says that they have one length."""
    for call in (lambda: python_tips.table("ab", [1]), lambda: python_tips.table("a", [1, 2]),
                 lambda: python_tips.unzip([(1, 2), (3,)])):  # fmt: skip
        with pytest.raises(ValueError, match="zip"):
            call()
    made = python_tips.stack([2, 3])
    made.norms.append(torch.nn.LayerNorm(3))
    with pytest.raises(ValueError, match="zip"):
        made(torch.ones(1, 2))
