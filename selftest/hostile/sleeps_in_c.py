"""C code waits and keeps the interpreter's lock, so that no other thread of it runs."""

import ctypes

import torch

VERDICTS = {"RM-1": "timeout"}
SAYS = "gave no answer within"
IN_PROCESS = None  # the call never returns


def rms_norm(x, normalized_shape, weight=None, eps=None):
    ctypes.PyDLL(None).sleep(600)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
