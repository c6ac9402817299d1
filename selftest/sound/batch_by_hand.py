"""Batch norm in plain torch operations, its running statistics updated in place as torch's are."""

import torch

LACKS = ("BN-34",)  # torch orders its sums by the shape


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    axes, per_channel = (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
    h = x.to(torch.promote_types(x.dtype, torch.float32))
    if training:
        variance, mean = torch.var_mean(h, axes, correction=0)
        if running_mean is not None:
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                running_mean.copy_(torch.lerp(running_mean.to(h.dtype), mean, momentum))
                running_var.copy_(torch.lerp(running_var.to(h.dtype), variance * n / (n - 1), momentum))
    else:
        mean, variance = running_mean.to(h.dtype), running_var.to(h.dtype)
    y = (h - mean.reshape(per_channel)) / torch.sqrt(variance + eps).reshape(per_channel)
    if weight is not None:
        y = y * weight.reshape(per_channel)
    if bias is not None:
        y = y + bias.reshape(per_channel)
    return y.to(x.dtype)
