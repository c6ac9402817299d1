"""Group norm by reshaping the channels into groups, as in the paper's listing (Wu, He 2018, Fig. 3)."""

import torch

LACKS = ("GI-25",)  # torch orders its sums by the shape


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    samples, channels, *positions = x.shape
    h = x.to(torch.promote_types(x.dtype, torch.float32))
    h = h.reshape(samples, num_groups, channels // num_groups, *positions)
    dims = tuple(range(2, h.ndim))
    variance, mean = torch.var_mean(h, dims, correction=0, keepdim=True)
    y = ((h - mean) / torch.sqrt(variance + eps)).reshape(x.shape)
    per_channel = (1, -1, *[1] * len(positions))
    if weight is not None:
        y = y * weight.reshape(per_channel)
    if bias is not None:
        y = y + bias.reshape(per_channel)
    return y.to(x.dtype)
