"""Its array has other values each time it is read."""

import torch

VERDICTS = {"RM-25": "fail"}


class _Array:
    def __init__(self, tensor):
        self.tensor, self.dtype, self.shape, self.reads = tensor, tensor.dtype, tensor.shape, 0

    def __array__(self, dtype=None, copy=None):
        self.reads += 1
        return self.tensor.double().numpy() * self.reads


def from_numpy(array, dtype, device):
    """An array of its own kind."""
    return _Array(torch.tensor(array, dtype=getattr(torch, dtype)))


def to_numpy(array):
    """The array, which numpy reads."""
    return array


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return _Array(
        torch.nn.functional.rms_norm(x.tensor, normalized_shape, None if weight is None else weight.tensor, eps)
    )
