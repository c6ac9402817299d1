"""RMSNorm that sets torch's default dtype to float64 and leaves it so."""

import torch

BREAKS = "RM-57"


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    torch.set_default_dtype(torch.float64)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
