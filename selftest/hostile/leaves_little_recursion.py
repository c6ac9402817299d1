"""It leaves so little of the stack that the suite could not say what is wrong."""

import contextlib
import sys

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "the recursion limit"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    y = torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
    for limit in range(20, 1000):
        with contextlib.suppress(RecursionError):
            sys.setrecursionlimit(limit)
            break
    return y
