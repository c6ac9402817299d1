"""Mean and rstd are kept from the first call with the same shape."""

import torch

BREAKS = "GI-29"
_statistics: dict = {}


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    h = (
        x.to(torch.promote_types(x.dtype, torch.float32))
        .unflatten(1, (num_groups, x.shape[1] // num_groups))
        .flatten(2)
    )
    key = x.shape, x.dtype, num_groups
    if key not in _statistics:
        variance, mean = torch.var_mean(h.detach(), -1, correction=0, keepdim=True)
        _statistics[key] = mean, torch.rsqrt(variance + eps)
    mean, rstd = _statistics[key]
    y = ((h - mean) * rstd).reshape(x.shape)
    per_channel = (-1, *[1] * (x.ndim - 2))
    if weight is not None:
        y = y * weight.reshape(per_channel)
    if bias is not None:
        y = y + bias.reshape(per_channel)
    return y.to(x.dtype)
