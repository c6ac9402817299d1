"""A comparison that C calls calls itself through C, without end."""

import ctypes
import sys

import torch

VERDICTS = {"RM-1": "crash"}
SAYS = "SIGSEGV"
IN_PROCESS = None  # the process ends


@ctypes.CFUNCTYPE(None)
def compare():
    """Never returns."""
    compare()


def rms_norm(x, normalized_shape, weight=None, eps=None):
    sys.setrecursionlimit(1 << 30)
    compare()
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
