"""It sets torch's default device."""

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "torch's default device"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    torch.set_default_device("meta")
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
