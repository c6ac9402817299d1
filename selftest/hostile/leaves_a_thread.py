"""It starts a thread that never ends, so that the process does not."""

import threading
import time

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "a thread that stays"


def rms_norm(x, normalized_shape, weight=None, eps=None):
    threading.Thread(target=time.sleep, args=(600,)).start()
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
