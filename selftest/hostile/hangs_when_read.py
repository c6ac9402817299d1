"""The result arrives, but can't be read: its bridge waits."""

import time

import torch

VERDICTS = {"RM-1": "timeout"}
SAYS = "gave no answer within"
IN_PROCESS = None  # the call never returns


def from_numpy(array, dtype, device):
    """A tensor."""
    return torch.tensor(array, dtype=getattr(torch, dtype))


def to_numpy(tensor):
    """Never returns."""
    time.sleep(600)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
