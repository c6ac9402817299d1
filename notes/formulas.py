"""Note 002: its formulas of LayerNorm and RMSNorm, as they stand there, in NumPy."""

import numpy as np


def layer_norm(x, a, b):
    """a / sigma * (x - mu) + b, with `std` and without eps: a constant row is 0 / 0.

    x: (..., n).  a, b: (n,) or a scalar.  NumPy's `std` divides by n, as LayerNorm does; torch's divides by n - 1.
    """
    mu = x.mean(axis=-1, keepdims=True)
    sigma = x.std(axis=-1, keepdims=True)
    x_norm = (x - mu) / sigma
    return a * x_norm + b


def rms_norm(x, eps):
    """x / sqrt(mean(x²) + eps): without the gain per feature that RMSNorm has.

    x: (..., n).  eps: in units of x squared.
    """
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
