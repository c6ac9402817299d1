"""RMSNorm: the exercises of specs/rmsnorm.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain RM-1` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401


def forward(x, weight=1.0, eps=1e-6):
    """y = x / rms(x) * weight.

    x: (..., n).  weight: (n,) or a scalar.  eps >= 0, in units of x squared.  y: (..., n).
    """
    raise NotImplementedError


def backward(dy, x, weight=1.0, eps=1e-6):
    """Gradients of `sum(dy * forward(x, weight, eps))` as (dx, dweight).

    dy, x, dx: (..., n).  weight: (n,) or a scalar.  dweight: (n,).
    """
    raise NotImplementedError


def layernorm_by_rmsnorm(x, weight=1.0, bias=0.0, eps=1e-5):
    """LayerNorm as RMSNorm of x - mean(x), with a bias: the values of `reference.layernorm.forward`.

    x, y: (..., n).  weight, bias: (n,) or a scalar.  eps >= 0, in units of x squared.
    """
    raise NotImplementedError


def eps_of(x, y):
    """The eps with which a layer of weight 1 has made y of x, solved from mean(y²) = mean(x²) / (mean(x²) + eps).

    x, y: (n,).  The result: a scalar, in units of x squared.
    """
    raise NotImplementedError


def round_to_bfloat16(x):
    """x rounded to the nearest number with 8 significant bits, ties to even, as bfloat16 has it (its range aside).

    x, the result: (...), float64 or float32.  A number is fraction * 2^exponent, with a fraction of 1/2 to 1.
    """
    raise NotImplementedError


def forward_bfloat16(x, weight=1.0, eps=1e-6):
    """y in bfloat16, rounded once: x_hat is multiplied by the weight first, the order of Gemma, OLMo 2 and torch.

    x, y: (..., n).  weight: (n,) or a scalar.  All of them hold numbers of bfloat16.
    """
    raise NotImplementedError


def forward_bfloat16_llama(x, weight=1.0, eps=1e-6):
    """y in bfloat16, rounded twice: x_hat, and then its product with the weight, the order of LLaMA.

    x, y: (..., n).  weight: (n,) or a scalar.  All of them hold numbers of bfloat16.
    """
    raise NotImplementedError


def forward_one_plus_weight(x, weight=0.0, eps=1e-6):
    """y = x / rms(x) * (1 + weight): the weight is stored as the gain less 1, as Gemma stores it.

    x, y: (..., n).  weight: (n,) or a scalar, 0 in a fresh layer.
    """
    raise NotImplementedError


def forward_16_bit(x, weight=1.0, eps=1e-6):
    """`forward` of 16-bit x: all of it is computed in float32, and y is cast to the dtype of x once, at the end.

    x, y: (..., n), float16.  weight: (n,), float32, or a scalar.  eps: a scalar.
    """
    raise NotImplementedError


def sum_in_order(values):
    """The sum in float32, from the first value to the last, rounded to float32 after each addition.

    values: (n,).  The result: a float.
    """
    raise NotImplementedError


def same_values(y, other, roundings=16):
    """Whether two float32 results are the same but for rounding: max|y - other| <= roundings * 2^-24 * max|other|.

    y, other: arrays of one shape.  roundings: how many roundings of the largest value, 2^-24 of it each, are let pass.
    The result: a bool.
    """
    raise NotImplementedError
