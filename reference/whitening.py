"""Whitening: every feature gets mean 0 and variance 1 over the batch, and no two features are correlated.

Huang et al. 2018, "Decorrelated Batch Normalization" (arXiv 1804.08450): ZCA. Huang et al. 2019, "Iterative
Normalization" (arXiv 1904.03441): Newton's steps. Kessy, Lewin, Strimmer 2018, "Optimal Whitening and Decorrelation"
(arXiv 1512.00809): the family. A sample is a row; a whitening matrix stands on its right.
"""

import numpy as np


def standardize(x, eps=0.0):
    """Every feature with mean 0 and variance 1 over the samples: (x - mean) / sqrt(variance + eps).

    x, result: (samples, features).  eps >= 0, in units of x squared.
    """
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)


def covariance(x, eps=0.0):
    """The mean product of every two features' deviations from their means, and eps more on the diagonal.

    x: (samples, features).  Divided by the number of samples.  Result: (features, features), in units of x squared.
    """
    deviation = x - x.mean(axis=0)
    return deviation.T @ deviation / len(x) + eps * np.eye(x.shape[1])


def whiten(x, matrix):
    """(x - mean) @ matrix, with the mean of each feature over the samples.

    x, result: (samples, features).  matrix: (features, features).
    """
    return (x - x.mean(axis=0)) @ matrix


def is_whitening(matrix, sigma):
    """Whether data of covariance sigma are white once multiplied by matrix: matrixᵀ @ sigma @ matrix is the identity.

    matrix, sigma: (features, features).  Result: a bool; every entry may be off by 1e-6.
    """
    return bool((abs(matrix.T @ sigma @ matrix - np.eye(len(sigma))) < 1e-6).all())


def zca_matrix(sigma):
    """The symmetric inverse square root of a covariance: U @ diag(1 / sqrt(eigenvalues)) @ Uᵀ.

    sigma: (features, features), symmetric, with eigenvalues > 0.  U: its eigenvectors, in columns.
    """
    eigenvalues, U = np.linalg.eigh(sigma)
    return U / np.sqrt(eigenvalues) @ U.T


def pca_matrix(sigma):
    """Rotates onto the eigenvectors, then scales each: U @ diag(1 / sqrt(eigenvalues)), smallest eigenvalue first.

    sigma: (features, features), symmetric, with eigenvalues > 0.  A column's sign is whatever the solver gives.
    """
    eigenvalues, U = np.linalg.eigh(sigma)  # in ascending order
    return U / np.sqrt(eigenvalues)


def newton_matrix(sigma, steps=5):
    """IterNorm: sigma's inverse root without eigenvectors, P / sqrt(trace) after `steps` of P <- (3 P - P³ S) / 2.

    S = sigma / trace(sigma), P begins as the identity, P³ is the matrix product P @ P @ P.
    sigma, result: (features, features).
    """
    trace = np.trace(sigma)
    S = sigma / trace  # eigenvalues in (0, 1]
    P = np.eye(len(sigma))
    for _ in range(steps):
        P = (3 * P - P @ P @ P @ S) / 2
    return P / np.sqrt(trace)
