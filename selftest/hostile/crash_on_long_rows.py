"""Rows that do not fit into the kernel's buffer crash it."""

import ctypes

import torch

VERDICTS = {"RM-1": "pass", "RM-17": "crash"}
SAYS = "x of shape"
IN_PROCESS = None  # the process ends


def rms_norm(x, normalized_shape, weight=None, eps=None):
    if x.shape[-1] > 8192:
        ctypes.string_at(0)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
