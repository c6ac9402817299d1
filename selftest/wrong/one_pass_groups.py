"""Group norm by the sums of x and of x², as torch's channels-last kernel and onnxruntime have it."""

import torch

BREAKS = "GI-15"


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    h = (
        x.to(torch.promote_types(x.dtype, torch.float32))
        .unflatten(1, (num_groups, x.shape[1] // num_groups))
        .flatten(2)
    )
    n = h.shape[-1]
    mean = h.sum(-1, keepdim=True) / n
    variance = h.square().sum(-1, keepdim=True) / n - mean * mean
    y = ((h - mean) * torch.rsqrt(variance + eps)).reshape(x.shape)
    per_channel = (-1, *[1] * (x.ndim - 2))
    if weight is not None:
        y = y * weight.reshape(per_channel)
    if bias is not None:
        y = y + bias.reshape(per_channel)
    return y.to(x.dtype)
