"""RMSNorm in LLaMA's order: all in float32, rounded to the input's format, then the weight."""

import torch

CHOOSES = {"RM-9": "x_hat, then y", "RM-40": "float32", "RM-41": "float32"}
LACKS = ("RM-13", "RM-34", "RM-56")  # torch orders its sums by the shape; the last axis alone, whatever is asked for


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    h = x.to(torch.float32)
    variance = h.pow(2).mean(-1, keepdim=True)
    h = (h * torch.rsqrt(variance + eps)).to(x.dtype)
    return h if weight is None else weight * h
