"""RMSNorm in Gemma's way: the weight is stored as gain - 1, and all is float32 until the end."""

import torch

CHOOSES = {"RM-10": "1 + weight", "RM-41": "float32"}
LACKS = ("RM-13", "RM-34", "RM-56")  # torch orders its sums by the shape; the last axis alone, whatever is asked for


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    h = x.float()
    h = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + eps)
    return (h if weight is None else h * (1.0 + weight.float())).type_as(x)
