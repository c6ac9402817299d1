"""Its import waits for what never comes."""

import time

import torch

VERDICTS: dict[str, str] = {}
SAYS = "while it was imported"
STATUS = 4
IN_PROCESS = None  # the call never returns


time.sleep(600)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
