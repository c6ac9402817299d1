"""A C library's assertion fails."""

import os

import torch

VERDICTS = {"RM-1": "crash"}
SAYS = "SIGABRT"
IN_PROCESS = None  # the process ends


def rms_norm(x, normalized_shape, weight=None, eps=None):
    os.abort()
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
