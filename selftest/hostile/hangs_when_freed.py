"""The result waits for ever when nobody needs it any more."""

import time

import torch

VERDICTS = {"RM-1": "timeout"}
SAYS = "gave no answer within"
IN_PROCESS = None  # the call never returns


class _Tensor(torch.Tensor):
    def __del__(self):
        time.sleep(600)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps).as_subclass(_Tensor)
