"""The system ends the process, as where memory runs out."""

import os
import signal

import torch

VERDICTS = {"RM-1": "crash"}
SAYS = "SIGKILL"
IN_PROCESS = None  # the process ends


def rms_norm(x, normalized_shape, weight=None, eps=None):
    os.kill(os.getpid(), signal.SIGKILL)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
