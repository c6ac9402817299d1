"""RMSNorm whose reciprocal root is 12 bits exact: too little for float16, where each value alone hides it."""

import torch

BREAKS = "RM-18"
SEEN_IN = ("float16",)


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    h = x.to(torch.promote_types(x.dtype, torch.float32))
    rrms = torch.rsqrt(h.square().mean(-1, keepdim=True) + eps) * (1 + 2**-12)
    y = h * rrms
    return (y if weight is None else y * weight).to(x.dtype)
