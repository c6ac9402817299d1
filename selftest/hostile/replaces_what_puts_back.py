"""What puts settings back does nothing any more, and a setting is changed."""

import torch

from harness import state

VERDICTS = {"RM-57": "fail"}
SAYS = "torch's default dtype"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    state.put_back = lambda before: []
    torch.set_default_dtype(torch.float64)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
