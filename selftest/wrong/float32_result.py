"""What was computed in float32 is not rounded back to the 16 bits of x."""

import torch

BREAKS = "RM-38"
SEEN_IN = ("bfloat16", "float16")


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    dims = tuple(range(-len(normalized_shape), 0))
    h = x.to(torch.promote_types(x.dtype, torch.float32))
    y = h * torch.rsqrt(h.square().mean(dims, keepdim=True) + eps)
    return y if weight is None else y * weight
