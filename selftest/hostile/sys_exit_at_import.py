"""A script that ends itself when it is imported."""

import sys

import torch

VERDICTS: dict[str, str] = {}
SAYS = "SystemExit"
STATUS = 4


sys.exit(0)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
