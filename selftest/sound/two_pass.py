"""LayerNorm from its formula: the mean first, then the mean of the squared deviations, in float32 or wider."""

import torch

LACKS = ("LN-19", "LN-60")  # torch orders its sums by the shape; normalized_shape is not looked at


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims = tuple(range(-len(normalized_shape), 0))
    h = x.to(torch.promote_types(x.dtype, torch.float32))
    d = h - h.mean(dims, keepdim=True)
    y = d * torch.rsqrt(d.square().mean(dims, keepdim=True) + eps)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
