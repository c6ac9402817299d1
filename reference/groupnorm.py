"""GroupNorm and InstanceNorm: LayerNorm's standardization over groups of channels, or over each channel alone.

Wu, He 2018, "Group Normalization" (arXiv 1803.08494), eq. 1 to 7; Ulyanov, Vedaldi, Lempitsky 2016, "Instance
Normalization" (arXiv 1607.08022), eq. 2. InstanceNorm is GroupNorm with one channel a group. The precision is that of
the arguments, as in `reference.layernorm`.
"""

import math

from reference import batchnorm
from reference.batchnorm import batch_axes, per_channel
from reference.layernorm import standardize, standardize_backward


def _groups(x, num_groups):
    """(N, C, ...) as (N, num_groups, channels of the group times positions): a group's channels are neighbours."""
    return x.reshape(x.shape[0], num_groups, math.prod(x.shape[1:]) // num_groups)


def forward(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """y = x_hat * weight + bias, x_hat standardized over each group of C / num_groups neighbouring channels.

    x, y: (N, C, ...).  weight, bias: (C,) or a scalar.  eps >= 0, in units of x squared.
    """
    x_hat, _ = standardize(_groups(x, num_groups), eps)
    return x_hat.reshape(x.shape) * per_channel(weight, x) + per_channel(bias, x)


def backward(dy, x, num_groups, weight=1.0, eps=1e-5):
    """Gradients of `sum(dy * forward(x, num_groups, weight, bias, eps))` as (dx, dweight, dbias).

    dy, x, dx: (N, C, ...).  dweight, dbias: (C,).
    """
    x_hat, rstd = standardize(_groups(x, num_groups), eps)
    dx_hat = dy * per_channel(weight, x)
    dx = standardize_backward(_groups(dx_hat, num_groups), x_hat, rstd)
    axes = batch_axes(x)  # every sample and position adds to the gradient of a channel's parameters
    return dx.reshape(x.shape), (dy * x_hat.reshape(x.shape)).sum(axis=axes), dy.sum(axis=axes)


def instance_forward(x, weight=1.0, bias=0.0, eps=1e-5):
    """InstanceNorm: every channel of every sample is standardized alone.  x, y: (N, C, ...).  weight, bias: (C,)."""
    return forward(x, x.shape[1], weight, bias, eps)


def instance_backward(dy, x, weight=1.0, eps=1e-5):
    """Gradients of `sum(dy * instance_forward(x, weight, bias, eps))` as (dx, dweight, dbias)."""
    return backward(dy, x, x.shape[1], weight, eps)


def instance_update(running_mean, running_var, x, momentum=0.1):
    """The running statistics after the batch x: those that each sample alone would leave, averaged over the batch."""
    each = [batchnorm.update(running_mean, running_var, x[i : i + 1], momentum) for i in range(x.shape[0])]
    return sum(mean for mean, _ in each) / x.shape[0], sum(variance for _, variance in each) / x.shape[0]
