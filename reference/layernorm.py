"""LayerNorm: every row gets mean 0 and variance 1, then a scale and a shift per feature.

Ba, Kiros, Hinton 2016, "Layer Normalization" (arXiv 1607.06450), eq. 3 and 4.

All functions work in the precision of their arguments: float64 arrays give the float64 truth, double-double
arrays (`harness.doubledouble`) a better one. Several normalized dimensions are one: flatten them first.
"""

import numpy as np


def standardize(x, eps):
    """`(x_hat, rstd)` of every row: x_hat = (x - mean) * rstd, rstd = 1 / sqrt(variance + eps).

    x: (..., n).  x_hat: (..., n).  rstd: (..., 1), in units of 1/x.
    """
    x_hat = x - x.mean(axis=-1, keepdims=True)
    variance = np.vecdot(x_hat, x_hat)[..., None] / x.shape[-1]  # divided by n, not by n - 1
    rstd = 1 / np.sqrt(variance + eps)
    x_hat *= rstd
    return x_hat, rstd


def standardize_backward(dx_hat, x_hat, rstd):
    """The gradient of x from the gradient of x_hat, all (..., n) but rstd (..., 1)."""
    # The mean and the variance depend on x too; each takes a part out of the gradient.
    mean_term = dx_hat.mean(axis=-1, keepdims=True)
    variance_term = x_hat * np.vecdot(dx_hat, x_hat)[..., None] / x_hat.shape[-1]
    return rstd * (dx_hat - mean_term - variance_term)


def forward(x, weight=1.0, bias=0.0, eps=1e-5):
    """y = x_hat * weight + bias.

    x: (..., n).  weight, bias: (n,) or a scalar.  eps >= 0, in units of x squared.  y: (..., n).
    """
    y, _ = standardize(x, eps)
    y *= weight
    y += bias
    return y


def forward_16_bit(x, weight=1.0, bias=0.0, eps=1e-5):
    """`forward` of 16-bit x: all of it is computed in float32, and y is cast to the dtype of x once, at the end.

    x, y: (..., n), float16.  weight, bias: (n,), float32, or a scalar.  eps: a scalar.
    """
    return forward(x.astype(np.float32), weight, bias, eps).astype(x.dtype)


def backward(dy, x, weight=1.0, eps=1e-5):
    """Gradients of `sum(dy * forward(x, weight, bias, eps))` as (dx, dweight, dbias).

    dy, x, dx: (..., n).  weight: (n,) or a scalar.  dweight, dbias: (n,).
    """
    x_hat, rstd = standardize(x, eps)
    dx = standardize_backward(dy * weight, x_hat, rstd)
    rows = tuple(range(x.ndim - 1))  # every row adds to the gradient of the parameters
    return dx, (dy * x_hat).sum(axis=rows), dy.sum(axis=rows)


def standardized_moment(x, order):
    """mean((x - mean)^order) / sqrt(variance)^order of every row: the skewness for order 3, the kurtosis for order 4.

    x: (..., n).  order: a positive integer.  The result: (...,), without a unit; a normal distribution has 0 and 3.
    """
    deviation = x - x.mean(axis=-1, keepdims=True)
    variance = (deviation**2).mean(axis=-1)  # divided by n
    return (deviation**order).mean(axis=-1) / np.sqrt(variance) ** order
