"""RMSNorm that silences all warnings of the process that calls it."""

import warnings

import torch

BREAKS = "RM-57"


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    warnings.simplefilter("ignore")
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
