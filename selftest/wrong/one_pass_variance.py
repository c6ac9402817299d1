"""The variance is mean(x²) - mean(x)², in float32 and clamped at 0: one pass over memory, no digits far from zero."""

import torch

BREAKS = "LN-12"


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims = tuple(range(-len(normalized_shape), 0))
    h = x.to(torch.promote_types(x.dtype, torch.float32))
    mean = h.mean(dims, keepdim=True)
    variance = (h.square().mean(dims, keepdim=True) - mean.square()).clamp(min=0)
    y = (h - mean) * torch.rsqrt(variance + eps)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
