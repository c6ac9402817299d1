"""Only the kernel for bfloat16 crashes."""

import ctypes

import torch

VERDICTS = {"RM-1[float32]": "pass", "RM-1[bfloat16]": "crash"}
SAYS = "in bfloat16"
IN_PROCESS = None  # the process ends


def rms_norm(x, normalized_shape, weight=None, eps=None):
    if x.dtype == torch.bfloat16:
        ctypes.string_at(0)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
