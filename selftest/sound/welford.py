"""LayerNorm as a warp computes it: Welford's update in 32 lanes, whose results are merged pairwise."""

import math

import torch

LACKS = ("LN-30",)  # the backward is differentiable once
LANES = 32


def _merged(a, b):
    """Count, mean and sum of squared deviations of two sets together (Chan, Golub, LeVeque 1983)."""
    (n_a, mean_a, m2_a), (n_b, mean_b, m2_b) = a, b
    n = n_a + n_b
    share = n_b / n.clamp(min=1)
    delta = mean_b - mean_a
    return n, mean_a + delta * share, m2_a + m2_b + delta * delta * n_a * share


def _statistics(rows):
    """Mean and variance of every row: value i goes to lane i % 32."""
    n, mean, m2 = rows.new_zeros(LANES, 1), rows.new_zeros(LANES, len(rows)), rows.new_zeros(LANES, len(rows))
    for x in rows.T.contiguous().split(LANES):
        lane = slice(0, len(x))
        n[lane] += 1
        delta = x - mean[lane]
        mean[lane] += delta / n[lane]
        m2[lane] += delta * (x - mean[lane])
    sets = n, mean, m2
    while len(sets[0]) > 1:
        half = len(sets[0]) // 2
        sets = _merged([s[:half] for s in sets], [s[half:] for s in sets])
    n, mean, m2 = (s.T for s in sets)
    return mean, m2 / n


class _Standardize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows, eps):
        mean, variance = _statistics(rows)
        rstd = torch.rsqrt(variance + eps)
        x_hat = (rows - mean) * rstd
        ctx.save_for_backward(x_hat, rstd)
        return x_hat

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        x_hat, rstd = ctx.saved_tensors
        return rstd * (g - g.mean(-1, keepdim=True) - x_hat * (g * x_hat).mean(-1, keepdim=True)), None


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    rows = x.to(torch.promote_types(x.dtype, torch.float32)).reshape(-1, math.prod(normalized_shape))
    y = _Standardize.apply(rows, eps).reshape(x.shape)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype)
