"""It goes to another directory, which it then removes."""

import os
import tempfile

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "the working directory"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.rmdir(folder)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
