"""LayerNorm as one multiplication and one addition a value: y = a x + c, a = weight rstd, c = bias - a mean."""

import torch

LACKS = ("LN-19", "LN-38", "LN-60")  # torch orders its sums by the shape; rounding of a * mean; any shape will do


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims = tuple(range(-len(normalized_shape), 0))
    h = x.to(torch.promote_types(x.dtype, torch.float32))
    variance, mean = torch.var_mean(h, dims, correction=0, keepdim=True)
    a = torch.rsqrt(variance + eps)
    if weight is not None:
        a = a * weight
    c = -a * mean
    if bias is not None:
        c = c + bias
    return (a * h + c).to(x.dtype)
