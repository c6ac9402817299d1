"""LayerNorm whose statistics are taken in float64, whatever the input's format."""

import torch

LACKS = ("LN-19", "LN-60")  # torch orders its sums by the shape; normalized_shape is not looked at


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims = tuple(range(-len(normalized_shape), 0))
    h = x.double()
    variance, mean = torch.var_mean(h, dims, correction=0, keepdim=True)
    y = (h - mean) / (variance + eps).sqrt()
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
