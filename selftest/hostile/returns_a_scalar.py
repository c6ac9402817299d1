"""It returns a tensor of one value, which broadcasts to any shape."""

import torch

VERDICTS = {"RM-1": "fail"}
SAYS = "y has shape ()"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.zeros((), dtype=x.dtype)
