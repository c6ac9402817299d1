"""It takes all threads but one from torch, or gives it two."""

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "torch's thread count"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    torch.set_num_threads(3 if torch.get_num_threads() == 1 else 1)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
