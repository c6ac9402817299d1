"""LayerNorm as a kernel's author wraps one: an autograd function that saves x, mean and rstd, the latter in float32."""

import torch

LACKS = ("LN-19", "LN-30")  # torch orders its sums by the shape; the backward is differentiable once


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        wide = torch.promote_types(x.dtype, torch.float32)
        dims = tuple(range(-weight.ndim, 0))
        variance, mean = torch.var_mean(x.to(wide), dims, correction=0, keepdim=True)
        rstd = torch.rsqrt(variance + eps)
        ctx.save_for_backward(x, weight, mean, rstd)
        return ((x.to(wide) - mean) * rstd * weight.to(wide) + bias.to(wide)).to(x.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        x, weight, mean, rstd = ctx.saved_tensors
        dims, rows = tuple(range(-weight.ndim, 0)), tuple(range(x.ndim - weight.ndim))
        dy = dy.to(mean.dtype)
        x_hat = (x.to(mean.dtype) - mean) * rstd
        dx = dweight = dbias = None
        if ctx.needs_input_grad[0]:
            g = dy * weight.to(mean.dtype)
            dx = rstd * (g - g.mean(dims, keepdim=True) - x_hat * (g * x_hat).mean(dims, keepdim=True))
            dx = dx.to(x.dtype)
        if ctx.needs_input_grad[1]:
            dweight = ((dy * x_hat).sum(rows) if rows else dy * x_hat).to(weight.dtype)
        if ctx.needs_input_grad[2]:
            dbias = (dy.sum(rows) if rows else dy).to(weight.dtype)
        return dx, dweight, dbias, None


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    shape = tuple(normalized_shape)
    if tuple(x.shape[x.ndim - len(shape) :]) != shape:
        raise ValueError(f"x of shape {tuple(x.shape)} does not end in {shape}")
    weight = x.new_ones(shape) if weight is None else weight
    bias = x.new_zeros(shape) if bias is None else bias
    if weight.shape != shape or bias.shape != shape:
        raise ValueError(f"weight {tuple(weight.shape)} and bias {tuple(bias.shape)} are not of shape {shape}")
    return _LayerNorm.apply(x, weight, bias, eps)
