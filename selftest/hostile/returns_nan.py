"""It returns NaN, which is never larger than a bound."""

import torch

VERDICTS = {"RM-1": "fail"}
SAYS = "got nan"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.full_like(x, float("nan"))
