"""It sets torch's default dtype and device."""

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "torch's default dtype"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
