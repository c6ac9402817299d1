"""Smoothness: facts of specs/smoothness.md on random data, one clause per test."""

import numpy as np
import pytest

from reference import batchnorm, smoothness, whitening

RNG = np.random.default_rng(1)
POINTS = RNG.standard_normal((30, 5))
ROOT = RNG.standard_normal((5, 5))
HESSIAN = ROOT @ ROOT.T  # of a convex quadratic
BETA = np.linalg.eigvalsh(HESSIAN)[-1]
CORRELATED = RNG.standard_normal((200, 5)) @ ROOT  # inputs of a linear model, features in columns


def _quadratic(x):
    """The gradient of xᵀ HESSIAN x / 2."""
    return HESSIAN @ x


def _growth(batch_norm, skip):
    """How much longer the gradient is at the bottom of 50 random layers Linear, BatchNorm, ReLU than at their top."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 32, 64))
    layers = []
    for weight in rng.standard_normal((50, 64, 64)) * (2 / 64) ** 0.5:
        h = x @ weight
        y = np.maximum(batchnorm.forward(h) if batch_norm else h, 0)
        layers.append((weight, h, y > 0))
        x = x + y if skip else y
    dx = dy
    for weight, h, active in reversed(layers):
        dh = batchnorm.backward(dx * active, h)[0] if batch_norm else dx * active
        dx = dx * skip + dh @ weight.T
    return np.linalg.norm(dx) / np.linalg.norm(dy)


# What to know


@pytest.mark.clause("SM-1")
def test_the_constant_of_a_quadratic_is_its_largest_eigenvalue():
    """No two points show more, two along its eigenvector show all of it."""
    steepest = np.linalg.eigh(HESSIAN)[1][:, -1]

    seen, along = (smoothness.smoothness_constant(_quadratic, p) for p in (POINTS, [POINTS[0], POINTS[0] + steepest]))

    assert 0.5 * BETA < seen < BETA
    assert along == pytest.approx(BETA)


@pytest.mark.clause("SM-1")
def test_the_smallest_beta_that_holds_is_the_constant():
    """A thousandth more holds on the points, a thousandth less does not."""
    constant = smoothness.smoothness_constant(_quadratic, POINTS)

    assert smoothness.is_smooth(_quadratic, 1.001 * constant, POINTS)
    assert not smoothness.is_smooth(_quadratic, 0.999 * constant, POINTS)


@pytest.mark.clause("SM-1")
def test_squared_the_constant_is_squared():
    """What every pair's squares allow is the constant's square."""
    x, y = POINTS[:15], POINTS[15:]

    ratios = ((x @ HESSIAN - y @ HESSIAN) ** 2).sum(axis=1) / ((x - y) ** 2).sum(axis=1)

    pairs = [smoothness.smoothness_constant(_quadratic, pair) for pair in zip(x, y, strict=True)]
    assert ratios == pytest.approx(np.square(pairs))


@pytest.mark.clause("SM-1")
def test_the_logistic_loss_is_smooth_with_a_quarter():
    """Its derivative's slope is s (1 - s) <= 1/4 everywhere; a cube's grows with the points."""
    points = np.linspace(-5, 5, 41)

    logistic = smoothness.smoothness_constant(lambda x: 1 / (1 + np.exp(-x)), points)
    cubes = [smoothness.smoothness_constant(lambda x: x**2, scale * points) for scale in (1, 10)]

    assert 0.24 < logistic < 0.25
    assert cubes[1] == pytest.approx(10 * cubes[0])


@pytest.mark.clause("SM-2")
def test_descent_comes_to_the_minimum_below_the_limit_alone():
    """2 / beta times 0.99, and times 1.01: 0.98 and 1.02 to the power of 2,000 along the steepest direction."""
    below, above = (smoothness.descend(_quadratic, POINTS[0], c * 2 / BETA, 2000) for c in (0.99, 1.01))

    slowest = (1 - 0.99 * 2 / BETA * np.linalg.eigvalsh(HESSIAN)[0]) ** 2000  # along the flattest direction
    assert np.linalg.norm(below) < 1.001 * max(slowest, 0.98**2000) * np.linalg.norm(POINTS[0])
    assert np.linalg.norm(above) > 1e10


@pytest.mark.clause("SM-2")
def test_converges_says_what_descent_does():
    """For 200 steps from below 0 to 3 / beta."""
    steps = np.linspace(-0.2, 3, 200) / 7

    ends = [abs(smoothness.descend(lambda x: 7 * x, 1.0, step, 500)) for step in steps]

    assert [end < 1 for end in ends] == [smoothness.converges(step, 7.0) for step in steps]


@pytest.mark.clause("SM-2")
def test_half_the_constant_allows_twice_the_step():
    """The path is the same to the last bit."""
    path = [smoothness.descend(lambda x: 7 * x, 1.0, 0.2, k) for k in range(20)]

    smoother = [smoothness.descend(lambda x: 3.5 * x, 1.0, 0.4, k) for k in range(20)]

    assert smoother == path


@pytest.mark.clause("SM-3")
def test_standardized_the_scale_of_a_feature_does_not_matter():
    """Nor does its mean; without it, both do."""
    scaled, shifted = CORRELATED * np.array([0.01, 1.0, 10.0, 100.0, 1000.0]), CORRELATED + 1000.0

    plain, *standardized = (
        smoothness.condition_number(whitening.standardize(x)) for x in (CORRELATED, scaled, shifted)
    )

    assert standardized == pytest.approx([plain, plain])
    assert min(smoothness.condition_number(x) for x in (scaled, shifted)) > 1000 * plain


@pytest.mark.clause("SM-3")
def test_no_scaling_is_much_better_than_standardizing():
    """Of 300 random ones of five features none has less than a fifth of its condition number, but some have less."""
    x = whitening.standardize(CORRELATED)
    scales = np.exp(0.3 * np.random.default_rng(2).standard_normal((300, 5)))

    conditions = np.array([smoothness.condition_number(x * scale) for scale in scales])

    assert conditions.min() > smoothness.condition_number(x) / 5
    assert conditions.min() < smoothness.condition_number(x)


@pytest.mark.clause("SM-3")
def test_white_inputs_have_condition_1():
    """Correlated ones that are standardized have the condition of their correlations."""
    zca = whitening.zca_matrix(whitening.covariance(CORRELATED))

    standardized = smoothness.condition_number(whitening.standardize(CORRELATED))
    white = smoothness.condition_number(whitening.whiten(CORRELATED, zca))

    assert standardized == pytest.approx(np.linalg.cond(np.corrcoef(CORRELATED, rowvar=False)))
    assert standardized > 5
    assert white == pytest.approx(1)


@pytest.mark.clause("SM-3")
def test_batch_norm_multiplies_the_gradient_by_weight_over_deviation():
    """What is left of it: the part without mean and without a share of x_hat, channel by channel."""
    x, dy = np.random.default_rng(3).standard_normal((2, 40, 5)) * np.array([0.1, 0.5, 1.0, 2.0, 10.0])
    weight = np.array([2.0, -1.0, 0.5, 3.0, 1.0])

    dx = batchnorm.backward(dy, x, weight, eps=0.0)[0]

    x_hat = whitening.standardize(x)
    left = (dy**2).sum(axis=0) - 40 * dy.mean(axis=0) ** 2 - (dy * x_hat).sum(axis=0) ** 2 / 40
    assert (dx**2).sum(axis=0) == pytest.approx((weight / x.std(axis=0)) ** 2 * left)
    assert (left < (dy**2).sum(axis=0)).all()
    assert (dx[:, 0] ** 2).sum() > 100 * (dy[:, 0] ** 2).sum()  # weight 2, deviation 0.1: steeper


@pytest.mark.clause("SM-3")
def test_gradients_explode_in_a_deep_net_with_batch_norm():
    """Ten thousandfold in 50 random layers; not without BatchNorm, and far less with skip connections."""
    plain, with_skips, without = _growth(True, False), _growth(True, True), _growth(False, False)

    # Over ten seeds: 14,000 to 29,000, 9 to 24, and 0.25 to 1.1.
    assert plain > 1000
    assert with_skips < 100
    assert without < 10
