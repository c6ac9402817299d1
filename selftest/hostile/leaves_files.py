"""It leaves a file and a folder among the temporary ones."""

import os
import tempfile

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "a temporary file"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    os.close(tempfile.mkstemp()[0])
    tempfile.mkdtemp()
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
