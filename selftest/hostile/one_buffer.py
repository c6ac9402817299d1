"""All results of a shape are one and the same memory."""

import torch

VERDICTS = {"RM-25": "fail"}


buffers: dict = {}


def rms_norm(x, normalized_shape, weight=None, eps=None):
    key = x.shape, x.dtype
    if key not in buffers:
        buffers[key] = torch.empty_like(x)
    return buffers[key].copy_(torch.nn.functional.rms_norm(x, normalized_shape, weight, eps).detach())
