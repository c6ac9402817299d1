"""The process ends in the middle of a call."""

import os

import torch

VERDICTS = {"RM-1": "crash"}
IN_PROCESS = {"RM-1": "error"}
SAYS = "exit"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    os._exit(3)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
