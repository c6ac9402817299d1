"""Weights and gradients, normalized: what is divided is a parameter or its gradient, never an activation.

Salimans, Kingma 2016, "Weight Normalization" (arXiv 1602.07868), eq. 2 and 3. Miyato et al. 2018, "Spectral
Normalization" (arXiv 1802.05957). Qiao et al. 2019, "Weight Standardization" (arXiv 1903.10520). Pascanu, Mikolov,
Bengio 2013 (arXiv 1211.5063): clipping by norm. A row of a weight matrix is what one output is computed from;
convolutions are flattened to that.
"""

import numpy as np


def weight_norm(v, g):
    """w = g * v / |v|, row by row: the direction is v's, the length g.

    v, w: (..., n).  g: (...), one length per row, or a number.
    """
    return np.asarray(g)[..., None] * v / np.linalg.norm(v, axis=-1, keepdims=True)


def weight_norm_backward(dweight, v, g):
    """Gradients of `sum(dweight * weight_norm(v, g))` as (dv, dg).

    dweight, v, dv: (..., n).  g: (...) or a number.  dg: (...), one per row.
    """
    length = np.linalg.norm(v, axis=-1, keepdims=True)  # (..., 1)
    direction = v / length
    dg = (dweight * direction).sum(axis=-1)
    # Along v only the length changes, which is g's alone: that part is taken out.
    dv = np.asarray(g)[..., None] / length * (dweight - dg[..., None] * direction)
    return dv, dg


def normalize_rows(weight):
    """Every row divided by its length.  weight, result: (rows, n)."""
    return weight / np.linalg.norm(weight, axis=-1, keepdims=True)


def normalize_frobenius(weight):
    """All of the matrix divided by one number, the root of the sum of all squares.  weight, result: (rows, n)."""
    return weight / np.sqrt((weight**2).sum())


def normalize_spectral(weight):
    """All of the matrix divided by one number, its largest singular value.  weight, result: (rows, n)."""
    return weight / np.linalg.svd(weight, compute_uv=False)[0]


def power_iteration(weight, u, steps=1):
    """An estimate of the largest singular value, from below, as (sigma, u) after `steps` steps from the vector u.

    A step: v = weightᵀ u / |weightᵀ u|, u = weight v / |weight v|.  Then sigma = u · (weight v).
    weight: (rows, n).  u: (rows,).  steps >= 1.
    """
    for _ in range(steps):
        v = weight.T @ u
        v = v / np.linalg.norm(v)
        u = weight @ v
        u = u / np.linalg.norm(u)
    return u @ weight @ v, u


def standardize_rows(weight, eps=1e-5):
    """Weight standardization: every row with mean 0 and variance 1, (weight - mean) / sqrt(variance + eps).

    weight, result: (rows, n).  The variance divides by n.
    """
    deviation = weight - weight.mean(axis=-1, keepdims=True)
    return deviation / np.sqrt((deviation**2).mean(axis=-1, keepdims=True) + eps)


def clip_by_norm(gradients, max_norm):
    """All gradients times max_norm / norm where norm > max_norm, else as they are.

    gradients, result: a list of arrays, one per parameter.  norm: the length of all their values together, one number.
    """
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * (max_norm / norm) if norm > max_norm else g for g in gradients]


def clip_by_value(gradients, max_value):
    """Every value moved into [-max_value, max_value].  gradients, result: a list of arrays, one per parameter."""
    return [np.clip(g, -max_value, max_value) for g in gradients]


def normalize_gradients(gradients):
    """All gradients divided by one number, the length of all their values together, whatever it is.

    gradients, result: a list of arrays, one per parameter, not all zero.
    """
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g / norm for g in gradients]
