"""torch's own norms, as torch.nn.functional has them; DeepNorm, which it lacks, as its users write it."""

from torch.nn.functional import batch_norm, group_norm, instance_norm, layer_norm, rms_norm

__all__ = ["batch_norm", "deep_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]


def deep_norm(x, sublayer_output, alpha, normalized_shape, weight=None, bias=None, eps=1e-5):
    return layer_norm(alpha * x + sublayer_output, normalized_shape, weight, bias, eps)


# -- what torch 2.13 is known to do otherwise on a CPU -------------------------------------------------------------------
#
# Each reason can be run, after
#     import torch, torch.nn.functional as F; half = torch.bfloat16; torch.manual_seed(0)
# The link is to the thread where there is one. Where no reason names float32, float32 and float64 hold.

SUMS = (
    "the gradients of weight and bias are summed in 16 bits, those of float32 parameters too: b = torch.zeros(64, "
    "requires_grad=True); F.layer_norm(torch.randn(8192, 64, dtype=half), (64,), torch.ones(64), b).backward("
    "torch.ones(8192, 64, dtype=half)); b.grad[0] is 256 or 512, by the number of threads, and should be 8192"
)
SAVED = (
    "with 16-bit parameters mean and rstd are saved in 16 bits for the backward: x = torch.tensor([[0.3, 40.0]], "
    "dtype=half, requires_grad=True); F.layer_norm(x, (2,), torch.ones(2, dtype=half)).backward(torch.tensor("
    "[[1.0, 2.0]], dtype=half)); x.grad is [-2.2e-5, -4.3e-5] and should be [-6.4e-10, 6.4e-10]"
)
ROUNDED = (
    "with 16-bit parameters or none the batch's mean and rstd are rounded to 16 bits before they normalize: "
    "F.batch_norm(torch.randn(4096, 4).add(10).to(half), None, None, torch.ones(4, dtype=half), None, True).float()"
    ".mean(0) is up to 0.013 off 0, with float32 parameters 0.0001"
)
RUNNING = (
    "with 16-bit running statistics the batch's are rounded to 16 bits before they are averaged: x = torch.randn(8, 4)"
    ".add(100).to(half); v = torch.ones(4, dtype=half); F.batch_norm(x, torch.zeros(4, dtype=half), v, training=True, "
    "momentum=1.0); v is up to 10 % off x.double().var(0)"
)
ONE_PASS = (
    "channels-last input gets a one-pass variance (pytorch/pytorch#40302 mended the contiguous one): x = torch.randn("
    "2, 8, 16, 16) + 4000; F.group_norm(x.to(memory_format=torch.channels_last), 2) is 2.0 off F.group_norm(x, 2)"
)
FOLDED = (
    "y is x * (weight * rstd) + (bias - mean * weight * rstd), in the backward too, and both products are large: w = "
    "torch.ones(1, requires_grad=True); F.layer_norm(torch.tensor([[1e6]]), (1,), w).sum().backward(); w.grad is 7.2 "
    "and should be 0 (pytorch/pytorch#188372)"
)
PER_SAMPLE = (
    "weight and bias are repeated for each sample, whose gradients are rounded to 16 bits before they are summed: b = "
    "torch.zeros(1, dtype=half, requires_grad=True); F.instance_norm(torch.randn(2, 1, 2).to(half), None, None, None, b)"
    ".backward(torch.tensor([[[1.0, 2**-8]], [[-1.0, 0.0]]], dtype=half)); b.grad is 0 and should be 2**-8"
)
FOLDED_GROUPS = (
    "the backward keeps x and the mean apart until both products are large: w = torch.ones(16, requires_grad=True); "
    "F.group_norm(torch.full((1, 16, 4), 1e6), 4, w).backward(torch.randn(1, 16, 4)); w.grad is up to 30 and should be 0 "
    "(as in pytorch/pytorch#188372)"
)
BIAS_ALONE = (
    "a bias without a weight has no gradient: F.group_norm(torch.randn(3, 4, 6), 2, None, torch.zeros(4, "
    "requires_grad=True)).sum().backward() raises RuntimeError: tensor does not have a device"
)
CONSTANT = "a constant does not give 0: F.batch_norm(torch.full((4, 1), 1e6), None, None, training=True) is 8.7 and should be 0 (pytorch/pytorch#5410)"
PLAIN, HALVES = ("float64", "float32"), ("bfloat16", "float16")

KNOWN_FAILURES = {
    f"{prefix}-{number}[cpu-{dtype}]": reason
    for prefix, numbers, dtypes, reason in (
        ("LN", (40, 51, 52), HALVES, SUMS),
        ("LN", (14, 53, 54), HALVES, SAVED),
        ("LN", (22, 33, 34, 35, 50, 55, 58), HALVES, f"{SAVED}; and {SUMS}"),
        ("LN", (38,), (*PLAIN, *HALVES), FOLDED),
        ("DN", (28, 39, 40, 41, 46, 57, 58, 61), HALVES, SUMS),
        ("DN", (44,), (*PLAIN, *HALVES), FOLDED),
        ("GI", (17, 20, 39, 53, 55, 56, 57, 58, 61), HALVES, SAVED.replace("layer_norm(x, (2,)", "group_norm(x, 1")),
        ("GI", (32,), (*PLAIN, "bfloat16"), ONE_PASS),
        ("GI", (28,), (*PLAIN, *HALVES), BIAS_ALONE),
        ("GI", (42,), (*PLAIN, *HALVES), FOLDED_GROUPS),
        ("BN", (1, 2, 3, 5, 7, 11, 20, 21, 22, 24, 25, 26, 27, 30, 31, 32, 33, 36, 37), HALVES, ROUNDED),
        ("BN", (41, 42, 43, 44, 48, 54, 60, 62, 63, 64, 65, 68), HALVES, ROUNDED),
        ("BN", (58,), ("float16",), ROUNDED),
        ("BN", (16, 19), ("bfloat16",), RUNNING),
        ("BN", (49,), PLAIN, CONSTANT),
        ("GI", (64, 65, 68, 69, 77, 78, 79, 81, 82, 83, 84, 86, 87, 88, 89, 90), HALVES, ROUNDED),
        ("GI", (92, 93, 94, 101, 105, 112, 118, 120, 121, 122, 123, 126), HALVES, ROUNDED),
        ("GI", (75, 119), HALVES, PER_SAMPLE),
        ("GI", (76,), ("bfloat16",), RUNNING),
        ("GI", (107,), PLAIN, CONSTANT),
    )
    for number in numbers
    for dtype in dtypes
}
