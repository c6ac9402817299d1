"""BatchNorm: the exercises of specs/batchnorm.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain BN-1` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401


def statistics(x):
    """Mean and population variance (divided by n = N * positions) of every channel: x (N, C, ...) -> (C,), (C,)."""
    raise NotImplementedError


def forward(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias.

    x, y: (N, C, ...).  weight, bias: (C,) or a scalar.  mean, variance: (C,), the running statistics, in
    evaluation; None in training, when they are those of the batch.
    """
    raise NotImplementedError


def backward(dy, x, weight=1.0, eps=1e-5, mean=None, variance=None):
    """Gradients of `sum(dy * forward(x, weight, bias, eps, mean, variance))` as (dx, dweight, dbias).

    dy, x, dx: (N, C, ...).  dweight, dbias: (C,).  In evaluation the statistics are constants.
    """
    raise NotImplementedError


def update(running_mean, running_var, x, momentum=0.1):
    """The running statistics after the batch x: (1 - momentum) * old + momentum * batch.

    The stored variance is the unbiased one, n / (n - 1) times the one that normalizes (Algorithm 2).
    """
    raise NotImplementedError


def layer(x, running_mean, running_var, training, grad_enabled=True, momentum=0.1, eps=1e-5):
    """One call of a BatchNorm layer without weight and bias, as (y, running_mean, running_var).

    In training the batch normalizes, and moves the running statistics as `update` does; in evaluation the running
    statistics normalize and stay as they are. grad_enabled says whether gradients are recorded: it changes nothing.
    Training with a single value per channel raises ValueError, as torch does.

    x, y: (N, C, ...).  running_mean, running_var: (C,).  training, grad_enabled: bools.
    """
    raise NotImplementedError


def fold(weight_before, bias_before, mean, variance, weight=1.0, bias=0.0, eps=1e-5):
    """A linear layer and the BatchNorm behind it, in evaluation, as one linear layer: (folded_weight, folded_bias).

    folded_weight @ v + folded_bias = BatchNorm(weight_before @ v + bias_before) for every input v.

    weight_before, folded_weight: (C, inputs).  bias_before, mean, variance, folded_bias: (C,).  weight, bias: (C,)
    or a scalar.  mean, variance: the running statistics.
    """
    raise NotImplementedError


def undoing(x, eps=1e-5):
    """The (weight, bias) with which BatchNorm in training restores its input: forward(x, weight, bias, eps) = x.

    x: (N, C, ...).  weight, bias: (C,).  (Ioffe, Szegedy 2015, section 3)
    """
    raise NotImplementedError


def time_step(x, step, mean, variance, eps=1e-5):
    """Evaluation inside a recurrent network: each time step is normalized with its own running statistics.

    x, y: (N, C), the batch at the time step of index `step`.  mean, variance: (steps of training, C).  Raises
    IndexError for a step beyond those of training: there are no statistics for it.
    """
    raise NotImplementedError
