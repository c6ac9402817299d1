"""It keeps what it computed for memory at the same address."""

import torch

VERDICTS = {"RM-23": "fail"}


cache: dict = {}


def rms_norm(x, normalized_shape, weight=None, eps=None):
    key = x.shape, x.dtype, None if weight is None else weight.data_ptr()
    if key not in cache:
        cache[key] = weight, None if weight is None else weight.detach().clone()
    return torch.nn.functional.rms_norm(x, normalized_shape, cache[key][1], eps)
