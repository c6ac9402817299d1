"""It draws from everybody's random numbers, after it has set their seed."""

import itertools
import random

import numpy as np
import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "torch's random state, Python's random state, NumPy's random state"


calls = itertools.count()


def rms_norm(x, normalized_shape, weight=None, eps=None):
    random.seed(0)
    np.random.seed(next(calls))
    torch.manual_seed(next(calls))
    random.random()
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
