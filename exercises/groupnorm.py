"""GroupNorm: the exercises of specs/groupnorm.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain GI-1` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401


def forward(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """y = x_hat * weight + bias, x_hat standardized over each group of C / num_groups neighbouring channels.

    x, y: (N, C, ...).  weight, bias: (C,) or a scalar.  eps >= 0, in units of x squared.  Raises ValueError where
    num_groups does not divide C.
    """
    raise NotImplementedError


def backward(dy, x, num_groups, weight=1.0, eps=1e-5):
    """Gradients of `sum(dy * forward(x, num_groups, weight, bias, eps))` as (dx, dweight, dbias).

    dy, x, dx: (N, C, ...).  dweight, dbias: (C,).
    """
    raise NotImplementedError


def instance_forward(x, weight=1.0, bias=0.0, eps=1e-5):
    """InstanceNorm: every channel of every sample is standardized alone.  x, y: (N, C, ...).  weight, bias: (C,)."""
    raise NotImplementedError


def instance_backward(dy, x, weight=1.0, eps=1e-5):
    """Gradients of `sum(dy * instance_forward(x, weight, bias, eps))` as (dx, dweight, dbias)."""
    raise NotImplementedError


def instance_update(running_mean, running_var, x, momentum=0.1):
    """The running statistics after the batch x: those that each sample alone would leave, averaged over the batch.

    One sample leaves (1 - momentum) * old + momentum * its own, the variance unbiased, as in `batchnorm.update`.
    x: (N, C, ...).  running_mean, running_var and what is returned for them: (C,).
    """
    raise NotImplementedError


def normalize(x, axes, eps=1e-5):
    """(x - mean) / sqrt(variance + eps), with one mean and one variance over all of `axes`: what the norms share.

    x and the result: any shape.  axes: a tuple of x's axes, over which is averaged.
    """
    raise NotImplementedError


def matrix_shape(norm, n, c, h, w, num_groups=1):
    """The shape (values, sets) of the matrix into which a norm turns n images of c channels, h high and w wide.

    Each column is a set of values that share a mean and a variance.  norm: "batch_norm", "layer_norm" (over channels
    and positions of an image), "instance_norm" or "group_norm".
    """
    raise NotImplementedError


def of_one_value(norm, x, eps=1e-5):
    """What torch makes of the number x, in training and without a weight, where x is all that shares a mean.

    norm: "layer_norm", "rms_norm", "batch_norm" or "instance_norm". A single value is its own mean: 0. Its root mean
    square is its absolute value: the sign of x, but for eps. BatchNorm and InstanceNorm raise ValueError.
    """
    raise NotImplementedError


def instance_layer(x, training, weight=None, bias=None, running_mean=None, running_var=None, eps=1e-5):
    """The y of an InstanceNorm layer as torch has it: by default without weight, bias and running statistics.

    The input's own statistics normalize in training, and in evaluation too unless there are running ones.
    x, y: (N, C, ...).  training: a bool.  weight, bias, running_mean, running_var: (C,) or None.
    """
    raise NotImplementedError


def cross_norm(a, b, training=True, active=True, eps=1e-5):
    """CrossNorm: a with the mean and the standard deviation of b, channel by channel, and b with those of a, as a pair.

    The deviation is sqrt(variance + eps), the variance divides by the number of positions. Unless training and active
    both hold, a and b come back as they are.

    a, b: (N, C, ...), feature maps with as many samples and channels, normalized like InstanceNorm's: the statistics of
    a sample's channel are over its positions.  (Tang et al. 2021, arXiv 2102.02811)
    """
    raise NotImplementedError
