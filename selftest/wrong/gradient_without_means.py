"""The backward takes the mean and the variance for constants, and multiplies dy by weight and rstd alone."""

import torch

BREAKS = "LN-14"


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dims, weight, bias, eps):
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        d = h - h.mean(dims, keepdim=True)
        rstd = torch.rsqrt(d.square().mean(dims, keepdim=True) + eps)
        ctx.save_for_backward(d * rstd, rstd, weight)
        ctx.dtype = x.dtype
        return (d * rstd * weight + bias).to(x.dtype)

    @staticmethod
    def backward(ctx, dy):
        x_hat, rstd, weight = ctx.saved_tensors
        dy = dy.to(x_hat.dtype)
        rows = tuple(range(dy.ndim - weight.ndim))
        dweight, dbias = (dy * x_hat).sum(rows).to(weight.dtype), dy.sum(rows).to(weight.dtype)
        return (dy * weight * rstd).to(ctx.dtype), None, dweight, dbias, None


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    weight = x.new_ones(normalized_shape) if weight is None else weight
    bias = x.new_zeros(normalized_shape) if bias is None else bias
    return _LayerNorm.apply(x, tuple(range(-len(normalized_shape), 0)), weight, bias, eps)
