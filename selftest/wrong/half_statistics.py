"""Mean and variance are taken in the input's own format, so that squares and sums live in 16 bits."""

import torch

BREAKS = "LN-13"
SEEN_IN = ("bfloat16", "float16")


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims = tuple(range(-len(normalized_shape), 0))
    d = x - x.mean(dims, keepdim=True)
    y = d * torch.rsqrt(d.square().mean(dims, keepdim=True) + eps)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
