"""It starts a process through a server that starts processes."""

import multiprocessing
import time

import torch

VERDICTS = {"RM-57": "fail"}
SAYS = "that stays"


processes: list = []


def rms_norm(x, normalized_shape, weight=None, eps=None):
    process = multiprocessing.get_context("forkserver").Process(target=time.sleep, args=(600,))
    process.start()
    processes.append(process)
    return torch.nn.functional.rms_norm(x, normalized_shape, weight, eps)
