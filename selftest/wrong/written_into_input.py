"""y is written over x, to save a buffer."""

import torch

BREAKS = "LN-31"


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, shape, weight, bias, eps):
        y, mean, rstd = torch.native_layer_norm(x, shape, weight, bias, eps)
        ctx.save_for_backward(x.clone(), mean, rstd, weight, bias)
        ctx.shape = shape
        return x.detach().copy_(y)

    @staticmethod
    def backward(ctx, dy):
        x, mean, rstd, weight, bias = ctx.saved_tensors
        wanted = [ctx.needs_input_grad[i] for i in (0, 2, 3)]
        backward = torch.ops.aten.native_layer_norm_backward
        dx, dweight, dbias = backward(dy, x, ctx.shape, mean, rstd, weight, bias, wanted)
        return dx, None, dweight, dbias, None


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    return _LayerNorm.apply(x, list(normalized_shape), weight, bias, eps)
