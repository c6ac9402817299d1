"""Channel c belongs to group c % groups instead of c // (channels / groups)."""

import torch

BREAKS = "GI-2"


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    groups = x.unflatten(1, (-1, num_groups)).to(torch.promote_types(x.dtype, torch.float32))
    dims = (1, *range(3, groups.ndim))
    d = groups - groups.mean(dims, keepdim=True)
    y = (d * torch.rsqrt(d.square().mean(dims, keepdim=True) + eps)).reshape(x.shape)
    per_channel = (-1, *[1] * (x.ndim - 2))
    if weight is not None:
        y = y * weight.reshape(per_channel)
    if bias is not None:
        y = y + bias.reshape(per_channel)
    return y.to(x.dtype)
