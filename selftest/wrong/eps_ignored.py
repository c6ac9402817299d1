"""The caller's eps is dropped on the way to the kernel, which has 1e-5 of its own."""

import torch

BREAKS = "BN-33"


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    return torch.nn.functional.batch_norm(x, running_mean, running_var, weight, bias, training, momentum)
