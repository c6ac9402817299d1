"""The kernel gets the address of x and its sizes, but not its strides."""

import torch

BREAKS = "RM-26"


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    contiguous_strides = torch.empty(x.shape, device="meta").stride()
    memory = torch.as_strided(x, x.shape, contiguous_strides, x.storage_offset())
    return torch.nn.functional.rms_norm(memory, normalized_shape, weight, eps)
