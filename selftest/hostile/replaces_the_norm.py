"""What the suite knows of RMSNorm is what it knows of nothing."""

import torch

from harness.norms import NORMS

VERDICTS = {"RM-1": "fail", "RM-57": "fail"}


def rms_norm(x, normalized_shape, weight=None, eps=None):
    NORMS["rms_norm"] = None
    return torch.zeros_like(x)
