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


def layer(x, running_mean, running_var, training, grad_enabled=True, momentum=0.1, eps=1e-5):
    """One call of a BatchNorm layer without weight and bias, as (y, running_mean, running_var).

    In training the batch normalizes, and moves the running statistics as `update` does; in evaluation the running
    statistics normalize and stay as they are. grad_enabled says whether gradients are recorded: it changes nothing.
    Training with a single value per channel raises ValueError, as torch does.

    x, y: (N, C, ...).  running_mean, running_var: (C,).  training, grad_enabled: bools.
    """
    if not training:
        return forward(x, eps=eps, mean=running_mean, variance=running_var), running_mean, running_var
    if x.size == x.shape[1]:
        raise ValueError(f"expected more than one value per channel in training, got x of shape {x.shape}")
    return forward(x, eps=eps), *update(running_mean, running_var, x, momentum)


def fold(weight_before, bias_before, mean, variance, weight=1.0, bias=0.0, eps=1e-5):
    """A linear layer and the BatchNorm behind it, in evaluation, as one linear layer: (folded_weight, folded_bias).

    folded_weight @ v + folded_bias = BatchNorm(weight_before @ v + bias_before) for every input v.

    weight_before, folded_weight: (C, inputs).  bias_before, mean, variance, folded_bias: (C,).  weight, bias: (C,)
    or a scalar.  mean, variance: the running statistics.
    """
    scale = weight / np.sqrt(variance + eps)  # (C,)
    return weight_before * scale[:, None], (bias_before - mean) * scale + bias


def undoing(x, eps=1e-5):
    """The (weight, bias) with which BatchNorm in training restores its input: forward(x, weight, bias, eps) = x.

    x: (N, C, ...).  weight, bias: (C,).  (Ioffe, Szegedy 2015, section 3)
    """
    mean, variance = statistics(x)
    return np.sqrt(variance + eps), mean


def time_step(x, step, mean, variance, eps=1e-5):
    """Evaluation inside a recurrent network: each time step is normalized with its own running statistics.

    x, y: (N, C), the batch at the time step of index `step`.  mean, variance: (steps of training, C).  Raises
    IndexError for a step beyond those of training: there are no statistics for it.
    """
    return forward(x, eps=eps, mean=mean[step], variance=variance[step])
