"""BatchNorm: every channel gets mean 0 and variance 1 over the batch, then a scale and a shift per channel.

Ioffe, Szegedy 2015, "Batch Normalization" (arXiv 1502.03167), Algorithm 1 (training) and 2 (running statistics).
The precision is that of the arguments, as in `reference.layernorm`.
"""

import numpy as np


def batch_axes(x):
    """All axes but the channel's: (0,) for (N, C), (0, 2, 3) for (N, C, H, W)."""
    return (0, *range(2, x.ndim))


def per_channel(values, x):
    """(C,) as (C, 1, ...), so that it meets x: (N, C, ...) along the channels; a scalar stays what it is."""
    return values.reshape(-1, *(1,) * (x.ndim - 2)) if np.ndim(values) else values


def statistics(x):
    """Mean and population variance (divided by n = N * positions) of every channel: x (N, C, ...) -> (C,), (C,)."""
    mean = x.mean(axis=batch_axes(x), keepdims=True)
    variance = np.square(x - mean).mean(axis=batch_axes(x))
    return mean.reshape(-1), variance


def forward(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias.

    x, y: (N, C, ...).  weight, bias: (C,) or a scalar.  mean, variance: (C,), the running statistics, in
    evaluation; None in training, when they are those of the batch.
    """
    if mean is None:
        y = x - x.mean(axis=batch_axes(x), keepdims=True)
        variance = np.square(y).mean(axis=batch_axes(x))
    else:
        y = x - per_channel(mean, x)
    y *= per_channel(weight / np.sqrt(variance + eps), x)
    y += per_channel(bias, x)
    return y


def backward(dy, x, weight=1.0, eps=1e-5, mean=None, variance=None):
    """Gradients of `sum(dy * forward(x, weight, bias, eps, mean, variance))` as (dx, dweight, dbias).

    dy, x, dx: (N, C, ...).  dweight, dbias: (C,).  In evaluation the statistics are constants.
    """
    axes, training = batch_axes(x), mean is None
    if training:
        mean, variance = statistics(x)
    rstd = 1 / np.sqrt(variance + eps)  # (C,)
    x_hat = (x - per_channel(mean, x)) * per_channel(rstd, x)
    dx_hat = dy * per_channel(weight, x)
    if training:  # the mean and the variance depend on x too; each takes a part out of the gradient
        mean_term = dx_hat.mean(axis=axes, keepdims=True)
        variance_term = x_hat * (dx_hat * x_hat).mean(axis=axes, keepdims=True)
        dx_hat = dx_hat - mean_term - variance_term
    return per_channel(rstd, x) * dx_hat, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)


def update(running_mean, running_var, x, momentum=0.1):
    """The running statistics after the batch x: (1 - momentum) * old + momentum * batch.

    The stored variance is the unbiased one, n / (n - 1) times the one that normalizes (Algorithm 2).
    """
    mean, variance = statistics(x)
    n = x.size / x.shape[1]
    unbiased = variance * n / (n - 1)
    return (1 - momentum) * running_mean + momentum * mean, (1 - momentum) * running_var + momentum * unbiased
