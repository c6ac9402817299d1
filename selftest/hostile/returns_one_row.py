"""It returns the first row, which broadcasts to all."""

import torch

VERDICTS = {"RM-1": "fail"}
SAYS = "y has shape (1, "


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.nn.functional.rms_norm(x[:1], normalized_shape, weight, eps)
