"""Whitening: the exercises of specs/whitening.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain WH-1` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401


def standardize(x, eps=0.0):
    """Every feature with mean 0 and variance 1 over the samples: (x - mean) / sqrt(variance + eps).

    x, result: (samples, features).  eps >= 0, in units of x squared.
    """
    raise NotImplementedError


def covariance(x, eps=0.0):
    """The mean product of every two features' deviations from their means, and eps more on the diagonal.

    x: (samples, features).  Divided by the number of samples.  Result: (features, features), in units of x squared.
    """
    raise NotImplementedError


def whiten(x, matrix):
    """(x - mean) @ matrix, with the mean of each feature over the samples.

    x, result: (samples, features).  matrix: (features, features).
    """
    raise NotImplementedError


def is_whitening(matrix, sigma):
    """Whether data of covariance sigma are white once multiplied by matrix: matrixᵀ @ sigma @ matrix is the identity.

    matrix, sigma: (features, features).  Result: a bool; every entry may be off by 1e-6.
    """
    raise NotImplementedError


def zca_matrix(sigma):
    """The symmetric inverse square root of a covariance: U @ diag(1 / sqrt(eigenvalues)) @ Uᵀ.

    sigma: (features, features), symmetric, with eigenvalues > 0.  U: its eigenvectors, in columns.
    """
    raise NotImplementedError


def pca_matrix(sigma):
    """Rotates onto the eigenvectors, then scales each: U @ diag(1 / sqrt(eigenvalues)), smallest eigenvalue first.

    sigma: (features, features), symmetric, with eigenvalues > 0.  A column's sign is whatever the solver gives.
    """
    raise NotImplementedError


def newton_matrix(sigma, steps=5):
    """IterNorm: sigma's inverse root without eigenvectors, P / sqrt(trace) after `steps` of P <- (3 P - P³ S) / 2.

    S = sigma / trace(sigma), P begins as the identity, P³ is the matrix product P @ P @ P.
    sigma, result: (features, features).
    """
    raise NotImplementedError
