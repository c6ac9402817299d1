"""It tries to overwrite the inputs that the suite takes the truth from, so that zeros would be right."""

import contextlib
import gc

import torch

VERDICTS = {"RM-1": "fail"}


def rms_norm(x, normalized_shape, weight=None, eps=None):
    for thing in gc.get_objects():
        if type(thing).__name__ == "Case":
            with contextlib.suppress(ValueError):
                thing.x.flags.writeable = True
                thing.x[...] = 0
    return torch.zeros_like(x)
