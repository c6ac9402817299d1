"""Its library can't be loaded without a crash."""

import ctypes

import torch

VERDICTS: dict[str, str] = {}
SAYS = "SIGSEGV"
STATUS = 4
IN_PROCESS = None  # the process ends


ctypes.string_at(0)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
