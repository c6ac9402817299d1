"""How the sum over a row is split into blocks depends on the number of rows, as where a kernel fills its cores."""

import torch

BREAKS = "LN-19"


def _mean(t, n, blocks):
    size = -(-n // blocks)
    padded = torch.nn.functional.pad(t, (0, size * blocks - n))
    return padded.unflatten(-1, (blocks, size)).sum(-1).sum(-1, keepdim=True) / n


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    if tuple(x.shape[x.ndim - len(normalized_shape) :]) != tuple(normalized_shape):
        raise ValueError(f"x of shape {tuple(x.shape)} does not end in {tuple(normalized_shape)}")
    h = x.flatten(-len(normalized_shape)).to(torch.promote_types(x.dtype, torch.float32))
    n = h.shape[-1]
    blocks = 8 if h.numel() == n else 1
    d = h - _mean(h, n, blocks)
    y = (d * torch.rsqrt(_mean(d * d, n, blocks) + eps)).reshape(x.shape)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
