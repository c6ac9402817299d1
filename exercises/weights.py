"""Weights and gradients: the exercises of specs/weights.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain WN-1` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401


def weight_norm(v, g):
    """w = g * v / |v|, row by row: the direction is v's, the length g.

    v, w: (..., n).  g: (...), one length per row, or a number.
    """
    raise NotImplementedError


def weight_norm_backward(dweight, v, g):
    """Gradients of `sum(dweight * weight_norm(v, g))` as (dv, dg).

    dweight, v, dv: (..., n).  g: (...) or a number.  dg: (...), one per row.
    """
    raise NotImplementedError


def normalize_rows(weight):
    """Every row divided by its length.  weight, result: (rows, n)."""
    raise NotImplementedError


def normalize_frobenius(weight):
    """All of the matrix divided by one number, the root of the sum of all squares.  weight, result: (rows, n)."""
    raise NotImplementedError


def normalize_spectral(weight):
    """All of the matrix divided by one number, its largest singular value.  weight, result: (rows, n)."""
    raise NotImplementedError


def power_iteration(weight, u, steps=1):
    """An estimate of the largest singular value, from below, as (sigma, u) after `steps` steps from the vector u.

    A step: v = weightᵀ u / |weightᵀ u|, u = weight v / |weight v|.  Then sigma = u · (weight v).
    weight: (rows, n).  u: (rows,).  steps >= 1.
    """
    raise NotImplementedError


def standardize_rows(weight, eps=1e-5):
    """Weight standardization: every row with mean 0 and variance 1, (weight - mean) / sqrt(variance + eps).

    weight, result: (rows, n).  The variance divides by n.
    """
    raise NotImplementedError


def clip_by_norm(gradients, max_norm):
    """All gradients times max_norm / norm where norm > max_norm, else as they are.

    gradients, result: a list of arrays, one per parameter.  norm: the length of all their values together, one number.
    """
    raise NotImplementedError


def clip_by_value(gradients, max_value):
    """Every value moved into [-max_value, max_value].  gradients, result: a list of arrays, one per parameter."""
    raise NotImplementedError


def normalize_gradients(gradients):
    """All gradients divided by one number, the length of all their values together, whatever it is.

    gradients, result: a list of arrays, one per parameter, not all zero.
    """
    raise NotImplementedError
