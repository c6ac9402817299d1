"""The variance divides by n - 1, as torch.var does unless it is told otherwise."""

import torch

BREAKS = "LN-3"


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims = tuple(range(-len(normalized_shape), 0))
    h = x.to(torch.promote_types(x.dtype, torch.float32))
    y = (h - h.mean(dims, keepdim=True)) / torch.sqrt(h.var(dims, keepdim=True) + eps)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
