"""It asks pytest to skip the check."""

import pytest
import torch

VERDICTS = {"RM-1": "error"}
SAYS = "Skipped: not today"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    pytest.skip("not today")
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
