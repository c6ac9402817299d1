"""It empties the environment."""

import os

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "the environment"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    os.environ.clear()
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
