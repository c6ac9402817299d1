"""Only the backward crashes."""

import ctypes

import torch

VERDICTS = {"RM-1": "pass", "RM-12": "crash"}
SAYS = "during backward of rms_norm in float32"
IN_PROCESS = None  # the process ends


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, dy):
        ctypes.string_at(0)
        return dy


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.nn.functional.rms_norm(_Function.apply(x), normalized_shape, weight, eps)
