"""Only the backward never returns."""

import time

import torch

VERDICTS = {"RM-1": "pass", "RM-12": "timeout"}
SAYS = "during backward"
IN_PROCESS = None  # the call never returns


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, dy):
        time.sleep(600)
        return dy


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.nn.functional.rms_norm(_Function.apply(x), normalized_shape, weight, eps)
