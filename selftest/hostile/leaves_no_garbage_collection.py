"""It turns the garbage collector off."""

import gc

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "garbage collector"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    gc.disable()
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
