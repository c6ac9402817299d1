"""RMSNorm in LLaMA's order: all in float32, rounded to the input's format, then the weight."""

import torch


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    h = x.to(torch.float32)
    variance = h.pow(2).mean(-1, keepdim=True)
    h = (h * torch.rsqrt(variance + eps)).to(x.dtype)
    return h if weight is None else weight * h
