"""RMSNorm: every row is divided by its root mean square; nothing is subtracted.

Zhang, Sennrich 2019, "Root Mean Square Layer Normalization" (arXiv 1910.07467), eq. 4; eps inside the root as in
torch and LLaMA. The precision is that of the arguments, as in `reference.layernorm`.
"""

import numpy as np


def reciprocal_rms(x, eps):
    """1 / sqrt(mean(x²) + eps) of every row.  x: (..., n).  Returns (..., 1), in units of 1/x."""
    mean_square = np.vecdot(x, x)[..., None] / x.shape[-1]
    return 1 / np.sqrt(mean_square + eps)


def forward(x, weight=1.0, eps=1e-6):
    """y = x / rms(x) * weight.

    x: (..., n).  weight: (n,) or a scalar.  eps >= 0, in units of x squared.  y: (..., n).
    """
    y = x * reciprocal_rms(x, eps)
    y *= weight
    return y


def backward(dy, x, weight=1.0, eps=1e-6):
    """Gradients of `sum(dy * forward(x, weight, eps))` as (dx, dweight).

    dy, x, dx: (..., n).  weight: (n,) or a scalar.  dweight: (n,).
    """
    rrms = reciprocal_rms(x, eps)
    x_hat = x * rrms
    dx_hat = dy * weight
    # The root mean square depends on x too: the part of the gradient along x_hat goes.
    dx = rrms * (dx_hat - x_hat * np.vecdot(dx_hat, x_hat)[..., None] / x.shape[-1])
    return dx, (dy * x_hat).sum(axis=tuple(range(x.ndim - 1)))
