"""It returns infinity, whose distance to itself is NaN."""

import torch

VERDICTS = {"RM-1": "fail"}
SAYS = "got inf"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.full_like(x, float("inf"))
