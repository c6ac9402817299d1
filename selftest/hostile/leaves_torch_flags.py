"""It sets torch's flags to what suits it."""

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "torch's deterministic mode"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    torch._C._set_deterministic_algorithms(True, warn_only=False)
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.benchmark = True
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
