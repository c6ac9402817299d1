"""The backward takes the mean and the variance for constants: dy times weight and rstd, and nothing more."""

import torch

BREAKS = "LN-14"


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dims, weight, bias, eps):
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        variance, mean = torch.var_mean(h, dims, correction=0, keepdim=True)
        rstd = torch.rsqrt(variance + eps)
        x_hat = (h - mean) * rstd
        ctx.save_for_backward(x_hat, rstd, weight)
        ctx.dtype = x.dtype
        return (x_hat * weight + bias).to(x.dtype)

    @staticmethod
    def backward(ctx, dy):
        x_hat, rstd, weight = ctx.saved_tensors
        dy = dy.to(x_hat.dtype)
        dweight, dbias = ((dy * x_hat).sum_to_size(weight.shape), dy.sum_to_size(weight.shape))
        return (dy * weight * rstd).to(ctx.dtype), None, dweight.to(weight.dtype), dbias.to(weight.dtype), None


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    weight = x.new_ones(normalized_shape) if weight is None else weight
    bias = x.new_zeros(normalized_shape) if bias is None else bias
    return _LayerNorm.apply(x, tuple(range(-len(normalized_shape), 0)), weight, bias, eps)
