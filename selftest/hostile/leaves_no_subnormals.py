"""It makes the processor flush subnormal numbers to zero."""

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "flush-denormal"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    torch.set_flush_denormal(True)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
