"""It asks for more memory than there is."""

import torch

VERDICTS = {"RM-1": "error"}
SAYS = "MemoryError"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    bytearray(1 << 60)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
