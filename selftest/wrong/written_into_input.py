"""y is written over x, to save a buffer."""

import torch

BREAKS = "LN-31"
RAISES = ("LN-27",)  # torch refuses to write where one element stands for several


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dims, weight, bias, eps):
        variance, mean = torch.var_mean(
            x.to(torch.promote_types(x.dtype, torch.float32)), dims, correction=0, keepdim=True
        )
        rstd = torch.rsqrt(variance + eps)
        x_hat = (x - mean) * rstd
        ctx.save_for_backward(x_hat, rstd, weight)
        ctx.dims, ctx.dtype = dims, x.dtype
        return x.detach().copy_(x_hat * weight + bias)

    @staticmethod
    def backward(ctx, dy):
        x_hat, rstd, weight = ctx.saved_tensors
        dy = dy.to(x_hat.dtype)
        g = dy * weight
        dx = rstd * (g - g.mean(ctx.dims, keepdim=True) - x_hat * (g * x_hat).mean(ctx.dims, keepdim=True))
        shape = weight.shape
        return (
            dx.to(ctx.dtype),
            None,
            (dy * x_hat).sum_to_size(shape).to(weight.dtype),
            dy.sum_to_size(shape).to(weight.dtype),
            None,
        )


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    weight = x.new_ones(normalized_shape) if weight is None else weight
    bias = x.new_zeros(normalized_shape) if bias is None else bias
    return _LayerNorm.apply(x, tuple(range(-len(normalized_shape), 0)), weight, bias, eps)
