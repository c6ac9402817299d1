"""It is right on every other call."""

import itertools

import torch

VERDICTS = {"RM-23": "fail"}


calls = itertools.count()


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps) * (1 + next(calls) % 2)
