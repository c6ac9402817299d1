"""It opens files at each call and closes none."""

import os

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "an open file that stays"


files: list = []


def rms_norm(x, normalized_shape, weight=None, eps=None):
    files.extend(os.dup(0) for _ in range(50))
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
