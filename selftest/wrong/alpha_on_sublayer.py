"""alpha multiplies the sublayer's output instead of the residual."""

import torch

BREAKS = "DN-1"


def deep_norm(x, sublayer_output, alpha, normalized_shape, weight=None, bias=None, eps=1e-5):
    wide = torch.promote_types(x.dtype, torch.float32)
    h = x.to(wide) + alpha * sublayer_output.to(wide)
    d = h - h.mean(-1, keepdim=True)
    y = d * torch.rsqrt(d.square().mean(-1, keepdim=True) + eps)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
