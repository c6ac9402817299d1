"""MLX: mx.fast's norms and mlx.nn's layers with their defaults, on the CPU.

GroupNorm is called with pytorch_compatible=True: without it, a group is every num_groups-th channel, which is another
norm than that of the paper.
"""

import ml_dtypes
import mlx.core as mx
import numpy as np
from mlx import nn

PACKAGE = "mlx"
DEVICES = ("cpu",)  # where the known failures below were measured

# Each reason can be run, after
#     import mlx.core as mx, mlx.nn as nn; x = mx.random.normal((64, 4))
IN_16_BITS = (
    "nn.BatchNorm takes sums, statistics and every other step in x's 16 bits: nn.BatchNorm(4)(300 * x.astype("
    "mx.float16)) is 0 everywhere, as the variance is inf, and the gradient of nn.BatchNorm(4) at 0.005 * x.astype("
    "mx.float16) is NaN; nn.BatchNorm(4)(x.astype(mx.bfloat16) + 10).mean(0) is some 0.02 off 0; with x.astype("
    "mx.float32) and float32 running statistics this clause holds (nn.InstanceNorm was mended: "
    "https://github.com/ml-explore/mlx/issues/4228)"
)
EMPTY_BATCH = (
    "a reshape to -1 has no meaning for an empty batch: nn.GroupNorm(2, 4, pytorch_compatible=True)(mx.zeros((0, 3, 4))) "
    "raises ValueError: [reshape] Cannot infer the shape of an empty array"
)
KNOWN_FAILURES = {
    "GI-40": EMPTY_BATCH,
    **{
        f"BN-{number}[{dtype}]": IN_16_BITS
        for dtypes, numbers in (
            ("bfloat16 float16", (1, 2, 3, 7, 12, 16, 18, 20, 21, 22, 24, 25, 26, 27, 30, 31, 32, 33, 36, 37)),
            ("bfloat16 float16", (48, 51, 54, 57, 60, 62, 63, 64, 65, 68)),
            ("bfloat16", (19,)),
            ("float16", (49, 58)),
        )
        for dtype in dtypes.split()
        for number in numbers
    },
}

NUMPY = {"float64": np.float64, "float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}


def from_numpy(array, dtype, device):
    mx.set_default_device(mx.cpu if device == "cpu" else mx.gpu)
    return mx.array(array.astype(NUMPY[dtype]), getattr(mx, dtype))


def to_numpy(array):
    return np.array(array.astype(mx.float32) if array.dtype == mx.bfloat16 else array).astype(np.float64)


def vjp(function, inputs, dy):
    (y,), gradients = mx.vjp(function, inputs, [dy])
    return y, gradients


def _last(normalized_shape):
    if len(normalized_shape) != 1:
        raise NotImplementedError("mx.fast normalizes the last dimension only")


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    _last(normalized_shape)
    return mx.fast.layer_norm(x, weight, bias, eps)


def rms_norm(x, normalized_shape, weight=None, eps=1e-5):
    _last(normalized_shape)
    return mx.fast.rms_norm(x, weight, eps)


def _applied(norm, x, weight, bias):
    """The layer with these parameters for its own, called with the channels last."""
    if weight is not None:
        norm.weight, norm.bias = weight, bias
    return mx.moveaxis(norm(mx.moveaxis(x, 1, -1)), -1, 1)


def _affine(weight, bias):
    if (weight is None) != (bias is None):
        raise NotImplementedError("mlx.nn's layers have a weight and a bias, or neither")
    return {"affine": weight is not None}


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if not 2 <= x.ndim <= 4:
        raise NotImplementedError("mlx.nn.BatchNorm takes 2, 3 or 4 dimensions")
    tracked = running_mean is not None
    norm = nn.BatchNorm(x.shape[1], eps, momentum, **_affine(weight, bias), track_running_stats=tracked)
    norm.train(training)
    if tracked:
        norm.running_mean, norm.running_var = running_mean, running_var
    y = _applied(norm, x, weight, bias)
    return (y, norm.running_mean, norm.running_var) if tracked and training else y


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    norm = nn.GroupNorm(num_groups, x.shape[1], eps, **_affine(weight, bias), pytorch_compatible=True)
    return _applied(norm, x, weight, bias)


def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
):
    if running_mean is not None or not use_input_stats:
        raise NotImplementedError("mlx.nn.InstanceNorm has no running statistics")
    if x.ndim < 3:
        raise NotImplementedError("mlx.nn.InstanceNorm takes 3 or more dimensions")
    return _applied(nn.InstanceNorm(x.shape[1], eps, **_affine(weight, bias)), x, weight, bias)
