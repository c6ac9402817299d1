"""LayerNorm: the exercises of specs/layernorm.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain LN-1` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401


def forward(x, weight=1.0, bias=0.0, eps=1e-5):
    """y = x_hat * weight + bias.

    x: (..., n).  weight, bias: (n,) or a scalar.  eps >= 0, in units of x squared.  y: (..., n).
    """
    raise NotImplementedError


def forward_16_bit(x, weight=1.0, bias=0.0, eps=1e-5):
    """`forward` of 16-bit x: all of it is computed in float32, and y is cast to the dtype of x once, at the end.

    x, y: (..., n), float16.  weight, bias: (n,), float32, or a scalar.  eps: a scalar.
    """
    raise NotImplementedError


def backward(dy, x, weight=1.0, eps=1e-5):
    """Gradients of `sum(dy * forward(x, weight, bias, eps))` as (dx, dweight, dbias).

    dy, x, dx: (..., n).  weight: (n,) or a scalar.  dweight, dbias: (n,).
    """
    raise NotImplementedError


def standardized_moment(x, order):
    """mean((x - mean)^order) / sqrt(variance)^order of every row: the skewness for order 3, the kurtosis for order 4.

    x: (..., n).  order: a positive integer.  The result: (...,), without a unit; a normal distribution has 0 and 3.
    """
    raise NotImplementedError
