"""It returns a tensor without values."""

import torch

VERDICTS = {"RM-1": "fail"}
SAYS = "can't be read"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.empty_like(x, device="meta")
