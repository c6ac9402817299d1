"""LayerNorm over blocks of 256 values, each with a mean and a sum of squares of its own, merged one after the other."""

import math

import torch

LACKS = ("LN-19",)  # torch orders its sums by the shape
BLOCK = 256


def _statistics(h):
    """Mean and variance of the last axis; blocks are merged as by Chan, Golub, LeVeque 1983."""
    n, mean, m2 = 0, torch.zeros_like(h[..., :1]), torch.zeros_like(h[..., :1])
    for block in h.split(BLOCK, dim=-1):
        size = block.shape[-1]
        block_mean = block.mean(-1, keepdim=True)
        delta = block_mean - mean
        n += size
        mean = mean + delta * (size / n)
        m2 = m2 + (block - block_mean).square().sum(-1, keepdim=True) + delta.square() * (size * (n - size) / n)
    return mean, m2 / n


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    h = x.to(torch.promote_types(x.dtype, torch.float32)).reshape(
        *x.shape[: -len(normalized_shape)], math.prod(normalized_shape)
    )
    mean, variance = _statistics(h)
    y = ((h - mean) * torch.rsqrt(variance + eps)).reshape(x.shape)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
