"""x-transformers: its LayerNorm without a bias, and its RMSNorm, x / |x| without an eps; both have a fixed eps."""

from x_transformers.x_transformers import LayerNorm, RMSNorm, SimpleRMSNorm

from adapters._modules import applied, last

PACKAGE = "x-transformers"


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    if eps != 1e-5:
        raise NotImplementedError("LayerNorm has no argument for eps: it is 1e-5")
    if bias is not None:
        raise NotImplementedError("LayerNorm has no bias")
    return applied(LayerNorm, x, last(LayerNorm, normalized_shape), gamma=weight)


def rms_norm(x, normalized_shape, weight=None, eps=0.0):
    cls = SimpleRMSNorm if weight is None else RMSNorm
    if eps != 0:
        raise NotImplementedError(f"{cls.__name__} has no eps: it divides by max(|x|, 1e-12)")
    return applied(cls, x, last(cls, normalized_shape), g=weight)


# Each reason can be run, after
#     import torch; from x_transformers.x_transformers import LayerNorm, RMSNorm; half = torch.bfloat16

SAVED = (
    "it calls torch's layer_norm without a weight, which saves mean and rstd in 16 bits for the backward: x = torch."
    "tensor([[0.3, 40.0]], dtype=half, requires_grad=True); LayerNorm(2).to(half)(x).backward(torch.tensor([[1.0, 2.0]], "
    "dtype=half)); x.grad is [-2.2e-5, -4.3e-5] and should be [-6.4e-10, 6.4e-10] (pytorch/pytorch#139923)"
)
IN_HALF = (
    "x, divided by |x|, times sqrt(n) is rounded to 16 bits at each step, and in float16 |x| overflows: RMSNorm(512).half()("
    "torch.full((1, 512), 3000.0).half()) is 0 and should be 1"
)
NO_EPS = (
    "there is no eps: x is divided by max(|x|, 1e-12), a limit that float16 rounds to 0: RMSNorm(4).half()(torch.zeros("
    "1, 4, dtype=torch.float16)) is NaN"
)
KNOWN_FAILURES = {
    **{f"{clause}[cpu-{d}]": SAVED for clause in ("LN-33", "LN-54", "LN-55") for d in ("bfloat16", "float16")},
    "LN-58[cpu-bfloat16]": SAVED,
    **{f"{clause}[cpu-{d}]": IN_HALF for clause in ("RM-17", "RM-18") for d in ("bfloat16", "float16")},
    **{f"{clause}[cpu-float16]": IN_HALF for clause in ("RM-11", "RM-33", "RM-35", "RM-45")},
    **{f"{clause}[float16]": NO_EPS for clause in ("RM-8", "RM-51")},
    "RM-8[float64]": NO_EPS,
}
