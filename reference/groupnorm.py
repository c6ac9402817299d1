"""GroupNorm and InstanceNorm: LayerNorm's standardization over groups of channels, or over each channel alone.

Wu, He 2018, "Group Normalization" (arXiv 1803.08494), eq. 1 to 7; Ulyanov, Vedaldi, Lempitsky 2016, "Instance
Normalization" (arXiv 1607.08022), eq. 2. InstanceNorm is GroupNorm with one channel a group. The precision is that of
the arguments, as in `reference.layernorm`.
"""

import math

import numpy as np

from reference import batchnorm
from reference.batchnorm import batch_axes, per_channel
from reference.layernorm import standardize, standardize_backward


def _groups(x, num_groups):
    """(N, C, ...) as (N, num_groups, channels of the group times positions): a group's channels are neighbours."""
    if x.shape[1] % num_groups:
        raise ValueError(f"{x.shape[1]} channels do not divide into {num_groups} groups")
    return x.reshape(x.shape[0], num_groups, math.prod(x.shape[1:]) // num_groups)


def forward(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """y = x_hat * weight + bias, x_hat standardized over each group of C / num_groups neighbouring channels.

    x, y: (N, C, ...).  weight, bias: (C,) or a scalar.  eps >= 0, in units of x squared.  Raises ValueError where
    num_groups does not divide C.
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
    """The running statistics after the batch x: those that each sample alone would leave, averaged over the batch.

    One sample leaves (1 - momentum) * old + momentum * its own, the variance unbiased, as in `batchnorm.update`.
    x: (N, C, ...).  running_mean, running_var and what is returned for them: (C,).
    """
    each = [batchnorm.update(running_mean, running_var, x[i : i + 1], momentum) for i in range(x.shape[0])]
    return sum(mean for mean, _ in each) / x.shape[0], sum(variance for _, variance in each) / x.shape[0]


def normalize(x, axes, eps=1e-5):
    """(x - mean) / sqrt(variance + eps), with one mean and one variance over all of `axes`: what the norms share.

    x and the result: any shape.  axes: a tuple of x's axes, over which is averaged.
    """
    mean = x.mean(axis=axes, keepdims=True)
    variance = np.square(x - mean).mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps)


def matrix_shape(norm, n, c, h, w, num_groups=1):
    """The shape (values, sets) of the matrix into which a norm turns n images of c channels, h high and w wide.

    Each column is a set of values that share a mean and a variance.  norm: "batch_norm", "layer_norm" (over channels
    and positions of an image), "instance_norm" or "group_norm".
    """
    sets = {"batch_norm": c, "layer_norm": n, "instance_norm": n * c, "group_norm": n * num_groups}[norm]
    return n * c * h * w // sets, sets


def of_one_value(norm, x, eps=1e-5):
    """What torch makes of the number x, in training and without a weight, where x is all that shares a mean.

    norm: "layer_norm", "rms_norm", "batch_norm" or "instance_norm". A single value is its own mean: 0. Its root mean
    square is its absolute value: the sign of x, but for eps. BatchNorm and InstanceNorm raise ValueError.
    """
    if norm in ("batch_norm", "instance_norm"):
        raise ValueError(f"{norm} expects more than one value that shares a mean in training")
    return x / math.sqrt(x * x + eps) if norm == "rms_norm" else 0.0


def instance_layer(x, training, weight=None, bias=None, running_mean=None, running_var=None, eps=1e-5):
    """The y of an InstanceNorm layer as torch has it: by default without weight, bias and running statistics.

    The input's own statistics normalize in training, and in evaluation too unless there are running ones.
    x, y: (N, C, ...).  training: a bool.  weight, bias, running_mean, running_var: (C,) or None.
    """
    weight, bias = 1.0 if weight is None else weight, 0.0 if bias is None else bias
    if training or running_mean is None:
        return instance_forward(x, weight, bias, eps)
    return batchnorm.forward(x, weight, bias, eps, running_mean, running_var)


def cross_norm(a, b, training=True, active=True, eps=1e-5):
    """CrossNorm: a with the mean and the standard deviation of b, channel by channel, and b with those of a, as a pair.

    The deviation is sqrt(variance + eps), the variance divides by the number of positions. Unless training and active
    both hold, a and b come back as they are.

    a, b: (N, C, ...), feature maps with as many samples and channels, normalized like InstanceNorm's: the statistics of
    a sample's channel are over its positions.  (Tang et al. 2021, arXiv 2102.02811)
    """
    if not (training and active):
        return a, b
    (mean_a, deviation_a), (mean_b, deviation_b) = (_style(x, eps) for x in (a, b))
    return (
        (a - mean_a) / deviation_a * deviation_b + mean_b,
        (b - mean_b) / deviation_b * deviation_a + mean_a,
    )


def _style(x, eps):
    """Mean and standard deviation of each channel of each sample, in a shape that fits x."""
    positions = tuple(range(2, x.ndim))
    return x.mean(axis=positions, keepdims=True), np.sqrt(x.var(axis=positions, keepdims=True) + eps)
