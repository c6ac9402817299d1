"""It ends the run as a script does."""

import sys

import torch

VERDICTS = {"RM-1": "error"}
SAYS = "SystemExit"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    sys.exit(0)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
