"""Of two norms one crashes; the other is judged."""

import ctypes

import torch

VERDICTS = {"LN-2": "crash", "RM-1": "pass"}
SAYS = "SIGSEGV"
IN_PROCESS = None  # the process ends


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    return torch.tensor(ctypes.string_at(0))


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
