"""tinygrad: tinygrad.nn's layers with their defaults; kernels for a CPU need clang, or DEV=PYTHON, which is very slow."""

import os
import subprocess

import ml_dtypes
import numpy as np

# tinygrad's own processes for compiling would cost more time than they save.
os.environ.setdefault("PARALLEL", "0")

from tinygrad import Device, Tensor, dtypes, helpers, nn

if not hasattr(helpers, "TRAINING"):
    raise ImportError("it needs tinygrad 0.14 or newer")
try:
    CPU = "PYTHON" if Device.DEFAULT == "PYTHON" else "CPU"
    Tensor([1.0], CPU, dtypes.bfloat16).mul(2.0).realize()
except (RuntimeError, OSError, subprocess.CalledProcessError) as e:
    raise RuntimeError("it needs clang 15 or newer (apt-get install clang-19, then CC=clang-19), or DEV=PYTHON") from e

PACKAGE = "tinygrad"
DEVICES = ("cpu",)  # where the known failures below were measured

# Each reason can be run, after
#     from tinygrad import Tensor, nn; x = Tensor.randn(64, 64)
IN_16_BITS = (
    "sums are taken in float32, but the mean, x - mean, 1 / sqrt(variance + eps) and what the backward makes of them are "
    "rounded to x's 16 bits: nn.LayerNorm(64)((400 * x).half()) is 0, as the variance is inf; nn.LayerNorm(64)((10 + x)"
    ".bfloat16()).float().mean(1) is some 0.03 off 0, 1e-7 with .float() before the call; nn.BatchNorm, nn.GroupNorm and "
    "nn.InstanceNorm do the same, nn.RMSNorm does not (https://github.com/tinygrad/tinygrad/pull/5170)"
)
UNCHECKED = (
    "nn.GroupNorm reshapes a sample to num_groups rows without a look at its channels: nn.GroupNorm(4, 6)("
    "Tensor.randn(1, 6, 2)) returns groups of one and a half channels"
)
EMPTY_BATCH = "a reshape to -1 needs a batch: nn.GroupNorm(2, 4)(Tensor.randn(0, 4, 3)) raises ZeroDivisionError"
HALVES = ("bfloat16", "float16")
# The closest of them are LN-16, BN-18, BN-19, BN-31, BN-58, GI-22, GI-88 and GI-118, 1.01 to 1.4 bounds off.
KNOWN_FAILURES = {
    "GI-7": UNCHECKED,
    "GI-40": EMPTY_BATCH,
    **{
        f"{prefix}-{number}[{dtype}]": IN_16_BITS
        for prefix, numbers, dtypes_ in (
            ("LN", (1, 2, 3, 5, 6, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 33, 34, 35, 40, 43, 44), HALVES),
            ("LN", (50, 52, 53, 54, 55, 58), HALVES),
            ("LN", (48,), ("float16",)),
            ("BN", (1, 2, 3, 7, 16, 18, 20, 21, 22, 24, 25, 26, 27, 30, 31, 32, 33, 35, 36, 37, 48), HALVES),
            ("BN", (51, 54, 60, 62, 63, 64, 65, 68), HALVES),
            ("BN", (12,), ("bfloat16",)),
            ("BN", (19, 58), ("float16",)),
            ("GI", (1, 2, 3, 5, 11, 12, 15, 16, 17, 18, 20, 21, 22, 23, 24, 26, 27, 28, 39, 44, 47), HALVES),
            ("GI", (53, 55, 56, 57, 58, 61), HALVES),
            ("GI", (51,), ("float16",)),
            ("GI", (64, 65, 77, 78, 81, 82, 83, 84, 86, 87, 88, 89, 90, 92, 93, 94, 105, 109, 112), HALVES),
            ("GI", (118, 120, 121, 122, 123, 126), HALVES),
        )
        for number in numbers
        for dtype in dtypes_
    },
}

NUMPY = {"float64": np.float64, "float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}


def from_numpy(array, dtype, device):
    values = array.astype(NUMPY[dtype])
    device = CPU if device == "cpu" else device.upper()
    return Tensor(values.tobytes(), device, getattr(dtypes, dtype)).reshape(array.shape).realize()


def to_numpy(tensor):
    if tensor.dtype == dtypes.bfloat16:  # its bits, as its numpy() would compile a conversion for each shape
        return tensor.bitcast(dtypes.uint16).numpy().view(ml_dtypes.bfloat16).astype(np.float64)
    return tensor.numpy().astype(np.float64)


def vjp(function, inputs, dy):
    y = function(*inputs)
    return y, y.gradient(*inputs, gradient=dy.cast(y.dtype))


def _applied(norm, x, weight, bias):
    norm.weight, norm.bias = weight, bias
    return norm(x)


def _affine(weight, bias):
    if (weight is None) != (bias is None):
        raise NotImplementedError("tinygrad.nn's layers have a weight and a bias, or neither")
    return weight is not None


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    return _applied(nn.LayerNorm(normalized_shape, eps, _affine(weight, bias)), x, weight, bias)


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    if len(normalized_shape) != 1:
        raise NotImplementedError("tinygrad.nn.RMSNorm normalizes the last dimension only")
    norm = nn.RMSNorm(normalized_shape[0], eps, weight is not None)
    norm.weight = weight
    return norm(x)


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    tracked = running_mean is not None
    norm = nn.BatchNorm(x.shape[1], eps, _affine(weight, bias), tracked, momentum)
    if tracked:
        norm.running_mean, norm.running_var = running_mean, running_var
    with helpers.Context(TRAINING=int(training)):
        return _applied(norm, x, weight, bias)


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    return _applied(nn.GroupNorm(num_groups, x.shape[1], eps, _affine(weight, bias)), x, weight, bias)


def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
):
    if running_mean is not None or not use_input_stats:
        raise NotImplementedError("tinygrad.nn.InstanceNorm has no running statistics")
    return _applied(nn.InstanceNorm(x.shape[1], eps, _affine(weight, bias)), x, weight, bias)
