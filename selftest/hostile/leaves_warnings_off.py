"""It silences everybody's warnings."""

import warnings

import numpy as np
import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "the warnings filters"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
