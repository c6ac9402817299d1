"""A kernel reads an address that is not its own."""

import ctypes

import torch

VERDICTS = {"RM-1": "crash"}
SAYS = "SIGSEGV"
IN_PROCESS = None  # the process ends


def rms_norm(x, normalized_shape, weight=None, eps=None):
    ctypes.string_at(0)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
