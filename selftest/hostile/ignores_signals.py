"""It hangs and takes no signal that can be refused."""

import signal
import time

import torch

VERDICTS = {"RM-1": "timeout"}
SAYS = "gave no answer within"
IN_PROCESS = None  # the call never returns


def rms_norm(x, normalized_shape, weight=None, eps=None):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(600)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
