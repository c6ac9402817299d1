"""The loop over blocks ends at n - 1, so that the last value of 1025, alone in its block, is not in the sums."""

import torch

BREAKS = "LN-35"
BLOCK = 1024


def _mean(t):
    n, total = t.shape[-1], torch.zeros_like(t[..., :1])
    for start in range(0, n - 1, BLOCK):
        total = total + t[..., start : start + BLOCK].sum(-1, keepdim=True)
    return total / n


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    h = x.flatten(-len(normalized_shape)).to(torch.promote_types(x.dtype, torch.float32))
    d = h - _mean(h)
    y = (d * torch.rsqrt(_mean(d * d) + eps)).reshape(x.shape)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
