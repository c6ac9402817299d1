"""Whitening: facts of specs/whitening.md on random data, one clause per test."""

import itertools

import numpy as np
import pytest

from reference import whitening

RNG = np.random.default_rng(1)
X = RNG.standard_normal((50, 4)) @ RNG.standard_normal((4, 4)) + 5 * RNG.standard_normal(4)  # correlated, off zero
SIGMA = whitening.covariance(X)  # condition 40
IDENTITY = np.eye(4)

# Some hundred roundings, 1e-14, which the condition of the covariance, at most 40, makes larger.
ROUNDING = 1e-12


def _rotations(count):
    """Random orthogonal matrices, (count, 4, 4)."""
    return np.linalg.qr(np.random.default_rng(2).standard_normal((count, 4, 4)))[0]


def _rotated(eigenvalues):
    """A covariance with these four eigenvalues, along no axis."""
    Q = _rotations(1)[0]
    return Q * np.array(eigenvalues) @ Q.T


def _errors(sigma, steps):
    """How far from white data are after 0, 1, 2 ... Newton steps: the spectral norm of Wᵀ sigma W - I."""
    matrices = [whitening.newton_matrix(sigma, k) for k in range(steps)]
    return np.array([np.linalg.norm(W.T @ sigma @ W - IDENTITY, 2) for W in matrices])


# What to know


@pytest.mark.clause("WH-1")
def test_the_covariance_of_standardized_data_is_the_correlation():
    """NumPy's, beside whose diagonal something is left."""
    correlation = np.corrcoef(X, rowvar=False)

    standardized = whitening.covariance(whitening.standardize(X))

    assert abs(standardized - correlation).max() < ROUNDING
    assert abs(correlation - IDENTITY).max() > 0.5


@pytest.mark.clause("WH-1")
def test_the_covariance_of_white_data_is_the_identity():
    """For PCA and ZCA, with means of 0."""
    matrices = [whitening.zca_matrix(SIGMA), whitening.pca_matrix(SIGMA)]

    white = [whitening.whiten(X, matrix) for matrix in matrices]

    assert max(abs(whitening.covariance(y) - IDENTITY).max() for y in white) < ROUNDING
    assert max(abs(y.mean(axis=0)).max() for y in white) < ROUNDING


@pytest.mark.clause("WH-2")
def test_zca_is_symmetric_and_its_square_is_the_inverse():
    """The inverse root of the covariance, of all its roots the one whose eigenvalues are positive."""
    matrix = whitening.zca_matrix(SIGMA)

    assert abs(matrix - matrix.T).max() < ROUNDING
    assert abs(matrix @ matrix @ SIGMA - IDENTITY).max() < ROUNDING
    assert np.linalg.eigvalsh(matrix).min() > 0


@pytest.mark.clause("WH-2")
def test_eps_keeps_the_eigenvalues_from_zero():
    """Three samples of four features: the covariance has no inverse, with eps its eigenvalues are eps larger."""
    few = X[:3]

    plain, lifted = (np.linalg.eigvalsh(whitening.covariance(few, eps)) for eps in (0.0, 0.25))

    assert abs(plain[:2]).max() < ROUNDING
    assert abs(lifted - plain - 0.25).max() < ROUNDING
    assert np.isfinite(whitening.zca_matrix(whitening.covariance(few, 0.25))).all()


@pytest.mark.clause("WH-3")
def test_every_rotation_of_a_whitening_is_one():
    """A hundred random ones; a matrix that is scaled by 1.001 is none."""
    zca = whitening.zca_matrix(SIGMA)

    rotated = zca @ _rotations(100)

    assert all(whitening.is_whitening(matrix, SIGMA) for matrix in rotated)
    assert not any(whitening.is_whitening(1.001 * matrix, SIGMA) for matrix in rotated)


@pytest.mark.clause("WH-3")
def test_of_all_whitenings_zca_is_the_closest_to_the_data():
    """PCA's and a hundred random ones move them further."""
    zca, pca = whitening.zca_matrix(SIGMA), whitening.pca_matrix(SIGMA)
    deviation = X - X.mean(axis=0)

    moved = [((deviation @ matrix - deviation) ** 2).sum() for matrix in (zca, pca, *(zca @ _rotations(100)))]

    assert moved[0] < min(moved[1:])


@pytest.mark.clause("WH-3")
def test_axes_swap_with_pca_and_not_with_zca():
    """Features whose variances change places: PCA's first column changes feature, ZCA's does not."""
    before, after = np.diag([4.0, 1.0]), np.diag([1.0, 4.0])

    pca, zca = ([make(s)[:, 0] != 0 for s in (before, after)] for make in (whitening.pca_matrix, whitening.zca_matrix))

    assert [p.tolist() for p in pca] == [[False, True], [True, False]]
    assert [z.tolist() for z in zca] == [[True, False], [True, False]]


@pytest.mark.clause("WH-4")
def test_a_newton_step_squares_the_error():
    """1 - q² becomes (3 (1 - q²)² + (1 - q²)³) / 4 for every eigenvalue, so their largest does."""
    errors = _errors(_rotated([4.0, 3.0, 2.0, 1.0]), 8)

    predicted = (3 * errors[:-1] ** 2 + errors[:-1] ** 3) / 4

    assert errors[0] == pytest.approx(0.9)
    assert abs(errors[1:] - predicted).max() < ROUNDING
    assert errors[7] < 1e-8


@pytest.mark.clause("WH-4")
def test_newton_comes_to_zca():
    """Of all inverse roots to the symmetric one with positive eigenvalues."""
    sigma = _rotated([4.0, 3.0, 2.0, 1.0])

    assert abs(whitening.newton_matrix(sigma, 9) - whitening.zca_matrix(sigma)).max() < ROUNDING


@pytest.mark.clause("WH-4")
def test_newton_does_not_see_the_scale():
    """A covariance 10,000 times as large has a matrix a hundredth as large, after one to five steps."""
    given = [whitening.newton_matrix(SIGMA, steps) for steps in range(1, 6)]

    scaled = [whitening.newton_matrix(10_000 * SIGMA, steps) for steps in range(1, 6)]

    assert max(abs(100 * s - g).max() for s, g in zip(scaled, given, strict=True)) < ROUNDING


@pytest.mark.clause("WH-4")
def test_newton_s_rounding_errors_grow():
    """By (r - 1) (r + 2) / 2 in a step, where r² is the condition: after convergence more steps make it worse."""
    r = np.sqrt(np.linalg.cond(SIGMA))

    errors = _errors(SIGMA, 14)

    assert errors.argmin() < 12
    # The fastest kind has outgrown the others by then; its own square, of 6e-5, is what is left out.
    assert errors[13] / errors[12] == pytest.approx((r - 1) * (r + 2) / 2, rel=0.01)


@pytest.mark.clause("WH-4")
def test_newton_on_the_plain_covariance_goes_wrong():
    """From an eigenvalue of 2.9 it comes to the inverse root, from 4.5 to minus that, from 5.1 nowhere."""
    s = np.array([2.9, 4.5, 5.1])

    with np.errstate(over="ignore", invalid="ignore"):
        path = list(itertools.accumulate(range(20), lambda p, _: (3 * p - p**3 * s) / 2, initial=np.ones(3)))

    assert path[-1][:2] * np.sqrt(s[:2]) == pytest.approx([1, -1])
    assert not abs(path[-1][2]) < 1e9
