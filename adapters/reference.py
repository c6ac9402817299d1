"""The project's own references as an implementation: arrays of every dtype, computed in float64 and rounded once."""

import ml_dtypes  # noqa: F401  (makes "bfloat16" the name of a NumPy dtype)
import numpy as np

from reference import batchnorm, deepnorm, groupnorm, layernorm, rmsnorm

PACKAGE = "normspec"
DEVICES = ("cpu",)
KNOWN_FAILURES = {
    "BN-34[float64]": "NumPy adds the values of a lone channel pairwise, those of several channels row by row: x = "
    "np.random.default_rng(0).normal(size=(4099, 9)); x[:, :1].copy().mean(0) - x.mean(0)[:1] is -4e-18, and would be 0"
}


class Output(np.ndarray):
    """What a norm returns: y, and how it came about.

    inputs: the arrays that y was computed from.  backward: dy -> their gradients in float64, in the same order.
    """

    inputs, backward = (), None


def from_numpy(array, dtype, device):
    return np.array(array, dtype)


def to_numpy(array):
    return np.asarray(array, np.float64)


def vjp(function, inputs, dy):
    """y = function(*inputs) and the gradients of sum(dy * y), by the backward that y carries."""
    y = function(*inputs)
    if getattr(y, "backward", None) is None:
        raise NotImplementedError("the references differentiate a norm once, and nothing else")
    gradients = list(zip(y.inputs, y.backward(dy), strict=True))
    return y, [sum(_like(g, given) for array, g in gradients if array is given) for given in inputs]


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    def backward(dy):
        return layernorm.backward(rows(dy), rows(x), _flat(weight, 1.0), eps)

    rows = _rows(x, normalized_shape, weight, bias)
    y = layernorm.forward(rows(x), _flat(weight, 1.0), _flat(bias, 0.0), eps)
    return _output(y, backward, x, weight, bias)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    def backward(dy):
        return rmsnorm.backward(rows(dy), rows(x), _flat(weight, 1.0), *given)

    rows = _rows(x, normalized_shape, weight)
    given = () if eps is None else (eps,)  # the reference has its own default
    return _output(rmsnorm.forward(rows(x), _flat(weight, 1.0), *given), backward, x, weight)


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    def backward(dy):
        return batchnorm.backward(_wide(dy), _wide(x), _flat(weight, 1.0), eps, *given)

    _fits(x.shape[1:2], weight, bias)
    if not training and running_mean is None:
        raise ValueError("evaluation needs running_mean and running_var, expected arrays, got None")
    given = () if training else (_wide(running_mean).copy(), _wide(running_var).copy())
    y = batchnorm.forward(_wide(x), _flat(weight, 1.0), _flat(bias, 0.0), eps, *given)
    if training and running_mean is not None:
        _update(batchnorm.update, running_mean, running_var, x, momentum, x.size // x.shape[1])
    return _output(y, backward, x, weight, bias)


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    def backward(dy):
        return groupnorm.backward(_wide(dy), _wide(x), num_groups, _flat(weight, 1.0), eps)

    _fits(x.shape[1:2], weight, bias)
    y = groupnorm.forward(_wide(x), num_groups, _flat(weight, 1.0), _flat(bias, 0.0), eps)
    return _output(y, backward, x, weight, bias)


def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
):
    def backward(dy):
        return groupnorm.instance_backward(_wide(dy), _wide(x), _flat(weight, 1.0), eps)

    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    _fits(x.shape[1:2], weight, bias)
    y = groupnorm.instance_forward(_wide(x), _flat(weight, 1.0), _flat(bias, 0.0), eps)
    if running_mean is not None:
        _update(groupnorm.instance_update, running_mean, running_var, x, momentum, x[0, 0].size)
    return _output(y, backward, x, weight, bias)


def deep_norm(x, sublayer_output, alpha, normalized_shape, weight=None, bias=None, eps=1e-5):
    def backward(dy):
        return deepnorm.backward(rows(dy), rows(x), rows(sublayer_output), alpha, _flat(weight, 1.0), eps)

    rows = _rows(x, normalized_shape, weight, bias)
    y = deepnorm.forward(rows(x), rows(sublayer_output), alpha, _flat(weight, 1.0), _flat(bias, 0.0), eps)
    return _output(y, backward, x, sublayer_output, weight, bias)


def _wide(array):
    return np.asarray(array, np.float64)


def _flat(parameter, absent):
    """A parameter in one dimension, as the references want it."""
    return absent if parameter is None else _wide(parameter).ravel()


def _like(values, array):
    if np.size(values) != array.size:
        raise ValueError(f"a result has shape {np.shape(values)}, expected {array.shape}")
    return values.reshape(array.shape).astype(array.dtype)


def _fits(shape, *parameters):
    for parameter in parameters:
        if parameter is not None and parameter.shape != shape:
            raise ValueError(f"a parameter has shape {parameter.shape}, expected {shape}")


def _rows(x, normalized_shape, *parameters):
    """The function that makes float64 rows of an array with the shape of x: several normalized dimensions are one."""
    first = x.ndim - len(normalized_shape)
    if x.shape[first:] != tuple(normalized_shape):
        raise ValueError(f"x has shape {x.shape}, whose end is not normalized_shape {tuple(normalized_shape)}")
    _fits(x.shape[first:], *parameters)
    n = int(np.prod(normalized_shape))
    return lambda array: _wide(array).reshape(*x.shape[:first], n)


def _update(update, running_mean, running_var, x, momentum, n):
    """The running statistics, in place; n values are behind each."""
    if n < 2:
        raise ValueError(f"expected at least 2 values for each statistic in training, got {n}: x has shape {x.shape}")
    running_mean[...], running_var[...] = update(_wide(running_mean), _wide(running_var), _wide(x), momentum)


def _output(y, backward, x, *inputs):
    """y in the shape and dtype of x, with its backward."""
    output = _like(y, x).view(Output)
    output.inputs, output.backward = (x, *inputs), backward
    return output
