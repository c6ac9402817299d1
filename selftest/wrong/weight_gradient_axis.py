"""The weight's gradient is summed as if the channel were the last axis, which it is for (N, C) alone."""

import torch

BREAKS = "BN-60"


class _BatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        axes, per_channel = (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        d = h - h.mean(axes, keepdim=True)
        rstd = torch.rsqrt(d.square().mean(axes, keepdim=True) + eps)
        ctx.save_for_backward(d * rstd, rstd, weight)
        ctx.dtype = x.dtype
        return (d * rstd * weight.reshape(per_channel) + bias.reshape(per_channel)).to(x.dtype)

    @staticmethod
    def backward(ctx, dy):
        x_hat, rstd, weight = ctx.saved_tensors
        axes, per_channel = (0, *range(2, dy.ndim)), (-1, *[1] * (dy.ndim - 2))
        dy = dy.to(x_hat.dtype)
        g = dy * weight.reshape(per_channel)
        dx = rstd * (g - g.mean(axes, keepdim=True) - x_hat * (g * x_hat).mean(axes, keepdim=True))
        dweight = (dy * x_hat).reshape(-1, weight.numel()).sum(0)
        return dx.to(ctx.dtype), dweight.to(weight.dtype), dy.sum(axes).to(weight.dtype), None


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if not training or running_mean is not None:
        raise NotImplementedError("training without running statistics only")
    weight = x.new_ones(x.shape[1]) if weight is None else weight
    bias = x.new_zeros(x.shape[1]) if bias is None else bias
    return _BatchNorm.apply(x, weight, bias, eps)
