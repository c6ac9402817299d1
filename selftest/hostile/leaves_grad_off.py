"""It turns torch's gradients off and leaves them so."""

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "torch's grad mode"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    torch.set_grad_enabled(False)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
