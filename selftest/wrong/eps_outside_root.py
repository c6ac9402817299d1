"""eps is added to the root mean square, not to the mean square under the root."""

import torch

BREAKS = "RM-7"


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    dims = tuple(range(-len(normalized_shape), 0))
    h = x.to(torch.promote_types(x.dtype, torch.float32))
    y = h / (h.square().mean(dims, keepdim=True).sqrt() + eps)
    return (y if weight is None else y * weight).to(x.dtype)
