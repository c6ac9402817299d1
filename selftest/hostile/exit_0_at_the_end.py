"""All is wrong, but the process is made to end with status 0."""

import atexit
import os

import torch

VERDICTS = {"RM-1": "fail"}


atexit.register(os._exit, 0)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.zeros_like(x)
