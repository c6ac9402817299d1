"""Liger Kernel: its Triton kernels, compiled where there is a CUDA GPU, else run in Triton's interpreter on the CPU."""

import os

import torch

COMPILED = torch.cuda.is_available()
if not COMPILED:
    os.environ["TRITON_INTERPRET"] = "1"  # read by triton when it is imported
    import numpy as np
    import triton.language as tl
    from triton.language.extra import libdevice
    from triton.runtime import interpreter

    def _as_compiled(argument, convert=interpreter._implicit_cvt):
        """A kernel's argument; a float becomes a float32 scalar, as in a compiled kernel, and is not left a Python float."""
        if isinstance(argument, float):
            return tl.tensor(interpreter.TensorHandle(np.array([argument], np.float32), tl.float32), tl.float32)
        return convert(argument)

    interpreter._implicit_cvt = _as_compiled
    libdevice.rsqrt = lambda x: tl.rsqrt(x)  # the interpreter has no libdevice

from liger_kernel.ops.group_norm import LigerGroupNormFunction  # noqa: E402
from liger_kernel.ops.layer_norm import LigerLayerNormFunction  # noqa: E402
from liger_kernel.ops.rms_norm import LigerRMSNormFunction  # noqa: E402

PACKAGE = "liger-kernel"
DEVICES = ("cuda",) if COMPILED else ("cpu",)
# The interpreter's conversions to bfloat16 truncate, those of a GPU round.
DTYPES = ("float32", "bfloat16", "float16") if COMPILED else ("float32", "float16")


# Each reason can be run, after
#     import torch; from adapters.liger import group_norm, rms_norm; one, zero = torch.ones(1), torch.zeros(1)

ONE_PASS = (
    "GroupNorm's variance is E[x²] - E[x]²: group_norm(torch.arange(10000.0, 10008.0).view(1, 1, 8), 1, one, zero, 1e-5) "
    "is up to 1107 and should be up to 1.53"
)
HALF = (
    "GroupNorm's kernels square and sum in x's own dtype, and mean and rstd are stored in it: group_norm(torch.tensor("
    "[[[300.0, -300.0]]]).half(), 1, one.half(), zero.half(), 1e-5) is 0 and should be 1 and -1"
)
BFLOAT16 = (
    "what is not float32 is rounded to bfloat16 when it is added to the gradients of weight and bias: b = torch.zeros(1)."
    "half().requires_grad_(); group_norm(torch.randn(1, 1, 257).half(), 1, one.half(), b, 1e-5).backward(torch.ones(1, 1, "
    "257).half()); b.grad is 256 and should be 257"
)
IN_PLACE = (
    "in_place=True, the default, stores dx in dy's memory: dy = torch.ones(1, 2); rms_norm(torch.tensor([[3.0, 4.0]], "
    "requires_grad=True), (2,), torch.ones(2)).backward(dy); dy is [0.045, -0.034]"
)
EMPTY_BATCH = "an empty batch is viewed as (0, num_groups, -1), where -1 has no meaning"
UNCHECKED = (
    "LigerGroupNormFunction takes 4 channels in 3 groups: group_norm(torch.randn(1, 4, 3), 3, torch.ones(4), torch.zeros("
    "4)) returns a result; the constructor of LigerGroupNorm refuses them"
)
KNOWN_FAILURES = {
    f"{clause}[cpu-{dtype}]": reason
    for reason, dtypes, clauses in (
        (ONE_PASS, "float32", "GI-15 GI-50 GI-57 GI-58"),
        (
            HALF,
            "float16",
            "GI-1 GI-2 GI-3 GI-5 GI-11 GI-12 GI-16 GI-17 GI-18 GI-20 GI-21 GI-22 GI-23 GI-24 GI-26 GI-27",
        ),
        (HALF, "float16", "GI-39 GI-41 GI-44 GI-47 GI-56 GI-61"),
        (f"{ONE_PASS}; and {HALF}", "float16", "GI-15 GI-50 GI-57 GI-58"),
        (f"{HALF}; and {BFLOAT16}", "float16", "GI-53 GI-54 GI-55"),
        (IN_PLACE, "float32 float16", "RM-31"),
        (EMPTY_BATCH, "float32 float16", "GI-40"),
        (UNCHECKED, "float32 float16", "GI-7"),
    )
    for dtype in dtypes.split()
    for clause in clauses.split()
}


def _affordable(programs):
    if not COMPILED and programs > 400:
        raise NotImplementedError(
            "Triton's interpreter takes milliseconds for a row or channel, and is given 400 at most"
        )


def _last(x, normalized_shape):
    if len(normalized_shape) != 1:
        raise NotImplementedError("the kernels normalize the last dimension only")
    if normalized_shape[0] > 65536:
        raise NotImplementedError("a row has 65,536 values at most")
    _affordable(x.numel() // max(1, normalized_shape[0]))


def _both(weight, bias):
    if weight is None or bias is None:
        raise NotImplementedError("the kernel always takes a weight and a bias")


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-6):
    _last(x, normalized_shape)
    _both(weight, bias)
    return LigerLayerNormFunction.apply(x, weight, bias, eps)


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    _last(x, normalized_shape)
    return LigerRMSNormFunction.apply(x, weight, eps)


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-6):
    _both(weight, bias)
    _affordable(x.shape[0] * x.shape[1])
    return LigerGroupNormFunction.apply(x, weight, bias, x.shape[1], num_groups, eps)
