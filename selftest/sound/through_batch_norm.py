"""LayerNorm by way of torch's batch norm: every row is a channel of a batch of one."""

import torch

CHOOSES = {"LN-20": "refused", "LN-37": "refused"}
LACKS = ("LN-19", "LN-38")  # torch orders its sums by the shape, and folds scale and shift


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    h = x.to(torch.promote_types(x.dtype, torch.float32)).reshape(1, -1, *normalized_shape)
    y = torch.nn.functional.batch_norm(h, None, None, training=True, eps=eps).reshape(x.shape)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
