"""RMSNorm as most people write it: 16 bits in float32 and back, the mean over the last axis."""

import torch

LACKS = ("RM-13", "RM-34", "RM-56")  # torch orders its sums by the shape; the last axis alone, whatever is asked for


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    h = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + eps)
    if weight is not None:
        y = y * weight
    return y.to(x.dtype)
