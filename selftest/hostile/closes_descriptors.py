"""It closes the files behind standard output and error."""

import os

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "file descriptor 1"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    os.close(1)
    os.close(2)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
