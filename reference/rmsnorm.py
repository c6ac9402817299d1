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


def layernorm_by_rmsnorm(x, weight=1.0, bias=0.0, eps=1e-5):
    """LayerNorm as RMSNorm of x - mean(x), with a bias: the values of `reference.layernorm.forward`.

    x, y: (..., n).  weight, bias: (n,) or a scalar.  eps >= 0, in units of x squared.
    """
    return forward(x - x.mean(axis=-1, keepdims=True), weight, eps) + bias


def eps_of(x, y):
    """The eps with which a layer of weight 1 has made y of x, solved from mean(y²) = mean(x²) / (mean(x²) + eps).

    x, y: (n,).  The result: a scalar, in units of x squared.
    """
    mean_square = (x**2).mean()
    return mean_square / (y**2).mean() - mean_square


def round_to_bfloat16(x):
    """x rounded to the nearest number with 8 significant bits, ties to even, as bfloat16 has it (its range aside).

    x, the result: (...), float64 or float32.  A number is fraction * 2^exponent, with a fraction of 1/2 to 1.
    """
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.rint(fraction * 256) / 256, exponent)


def forward_bfloat16(x, weight=1.0, eps=1e-6):
    """y in bfloat16, rounded once: x_hat is multiplied by the weight first, the order of Gemma, OLMo 2 and torch.

    x, y: (..., n).  weight: (n,) or a scalar.  All of them hold numbers of bfloat16.
    """
    return round_to_bfloat16(forward(x, weight, eps))


def forward_bfloat16_llama(x, weight=1.0, eps=1e-6):
    """y in bfloat16, rounded twice: x_hat, and then its product with the weight, the order of LLaMA.

    x, y: (..., n).  weight: (n,) or a scalar.  All of them hold numbers of bfloat16.
    """
    return round_to_bfloat16(round_to_bfloat16(forward(x, eps=eps)) * weight)


def forward_one_plus_weight(x, weight=0.0, eps=1e-6):
    """y = x / rms(x) * (1 + weight): the weight is stored as the gain less 1, as Gemma stores it.

    x, y: (..., n).  weight: (n,) or a scalar, 0 in a fresh layer.
    """
    return forward(x, 1 + weight, eps)


def forward_16_bit(x, weight=1.0, eps=1e-6):
    """`forward` of 16-bit x: all of it is computed in float32, and y is cast to the dtype of x once, at the end.

    x, y: (..., n), float16.  weight: (n,), float32, or a scalar.  eps: a scalar.
    """
    return forward(x.astype(np.float32), weight, eps).astype(x.dtype)


def sum_in_order(values):
    """The sum in float32, from the first value to the last, rounded to float32 after each addition.

    values: (n,).  The result: a float.
    """
    return float(np.cumsum(values, dtype=np.float32)[-1])


def same_values(y, other, roundings=16):
    """Whether two float32 results are the same but for rounding: max|y - other| <= roundings * 2^-24 * max|other|.

    y, other: arrays of one shape.  roundings: how many roundings of the largest value, 2^-24 of it each, are let pass.
    The result: a bool.
    """
    return bool(np.abs(y - other).max() <= roundings * 2.0**-24 * np.abs(other).max())
