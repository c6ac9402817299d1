"""Weights and gradients: facts of specs/weights.md on random data and beside torch, one clause per test."""

import numpy as np
import pytest
import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_, parametrizations

from reference import weights

RNG = np.random.default_rng(1)
V, DWEIGHT = RNG.standard_normal((2, 4, 6))
G = RNG.standard_normal(4)
GRADIENTS = [RNG.standard_normal(shape) for shape in ((4, 6), (4,), (2, 3, 5))]

# Some tens of roundings of numbers near 1, in float64.
ROUNDING = 1e-13


def _off(got, expected):
    """The largest difference; shapes must be equal."""
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else np.asarray(expected)
    assert np.shape(got) == expected.shape
    return abs(got - expected).max()


def _norm(gradients):
    return np.sqrt(sum((g**2).sum() for g in gradients))


def _parameters(gradients):
    """torch parameters with these gradients."""
    parameters = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(gradient)
    return parameters


def _linear():
    """torch's layer of the weight V."""
    linear = torch.nn.Linear(6, 4, dtype=torch.float64)
    linear.weight.data = torch.tensor(V)
    return linear


# What to know


@pytest.mark.clause("WN-1")
def test_weight_norm_is_torch_s():
    """The weight and both gradients, with a length g for every row."""
    linear = parametrizations.weight_norm(_linear())
    g, v = linear.parametrizations.weight.original0, linear.parametrizations.weight.original1
    g.data = torch.tensor(G)[:, None]

    expected_dg, expected_dv = torch.autograd.grad(linear.weight, (g, v), torch.tensor(DWEIGHT))

    dv, dg = weights.weight_norm_backward(DWEIGHT, V, G)
    assert _off(weights.weight_norm(V, G), linear.weight) < ROUNDING
    assert _off(dv, expected_dv) < ROUNDING
    assert _off(dg, expected_dg[:, 0]) < ROUNDING


@pytest.mark.clause("WN-1")
def test_the_gradient_is_orthogonal_to_v():
    """Row by row, whatever the upstream gradient."""
    dv, _ = weights.weight_norm_backward(DWEIGHT, V, G)

    assert abs((dv * V).sum(axis=-1)).max() < ROUNDING
    assert abs(dv).min() > 0.001


@pytest.mark.clause("WN-1")
def test_the_length_of_v_does_not_matter_but_to_its_gradient():
    """v doubled gives the same bits of w, and half the gradient."""
    w, (dv, dg) = weights.weight_norm(V, G), weights.weight_norm_backward(DWEIGHT, V, G)

    doubled_dv, doubled_dg = weights.weight_norm_backward(DWEIGHT, 2 * V, G)

    assert (weights.weight_norm(2 * V, G) == w).all()
    assert (2 * doubled_dv == dv).all()
    assert (doubled_dg == dg).all()


@pytest.mark.clause("WN-1")
def test_a_step_makes_v_longer():
    """By Pythagoras, since the step is orthogonal: |v - dv|² = |v|² + |dv|²."""
    dv, _ = weights.weight_norm_backward(DWEIGHT, V, G)

    after = ((V - dv) ** 2).sum(axis=-1)

    assert after == pytest.approx((V**2).sum(axis=-1) + (dv**2).sum(axis=-1))


@pytest.mark.clause("WN-2")
def test_what_is_1_after_each():
    """Spectral norm, Frobenius norm, the rows' lengths, the rows' variance with mean 0."""
    spectral, frobenius = weights.normalize_spectral(V), weights.normalize_frobenius(V)
    rows, standardized = weights.normalize_rows(V), weights.standardize_rows(V, eps=0.0)

    assert np.linalg.norm(spectral, 2) == pytest.approx(1)
    assert np.linalg.norm(frobenius) == pytest.approx(1)
    assert np.linalg.norm(rows, axis=-1) == pytest.approx(1)
    assert standardized.var(axis=-1) == pytest.approx(1)
    assert abs(standardized.mean(axis=-1)).max() < ROUNDING


@pytest.mark.clause("WN-2")
def test_the_spectral_norm_is_torch_s_after_many_iterations():
    """500 of them, which leave nothing of the second singular value, 0.73 of the first."""
    torch.manual_seed(0)
    linear = parametrizations.spectral_norm(_linear(), n_power_iterations=500)

    values = np.linalg.svd(V, compute_uv=False)

    assert values[1] / values[0] < 0.8
    assert _off(weights.normalize_spectral(V), linear.weight) < ROUNDING


@pytest.mark.clause("WN-2")
def test_one_power_iteration_is_torch_s():
    """From the vector that torch has kept; torch begins a step with the other one of the two, so with the transpose."""
    torch.manual_seed(0)
    linear = parametrizations.spectral_norm(_linear())
    start = linear.parametrizations.weight[0]._v.numpy().copy()

    sigma, v = weights.power_iteration(V.T, start)

    assert _off(V / sigma, linear.weight) < ROUNDING
    assert _off(v, linear.parametrizations.weight[0]._v) < ROUNDING


@pytest.mark.clause("WN-2")
def test_power_iteration_comes_from_below():
    """Every step brings the estimate nearer to the largest singular value."""
    start = np.ones(4)

    sigmas = np.array([weights.power_iteration(V, start, steps)[0] for steps in (1, 2, 4, 8, 500)])

    largest = np.linalg.svd(V, compute_uv=False)[0]
    assert (np.diff(sigmas) > 0).all()
    assert (sigmas[:-1] < largest).all()
    assert sigmas[-1] == pytest.approx(largest)


@pytest.mark.clause("WN-2")
def test_weight_standardization_is_a_layer_norm_of_the_rows():
    """torch's, eps included; and the mean of each filter does not matter any more."""
    expected = torch.nn.functional.layer_norm(torch.tensor(V), (6,), eps=0.25)

    assert _off(weights.standardize_rows(V, eps=0.25), expected) < ROUNDING
    assert _off(weights.standardize_rows(V + 3.0, eps=0.25), expected) < ROUNDING


@pytest.mark.clause("GR-1")
def test_clipping_by_norm_is_torch_s():
    """Over all parameters; torch divides by norm + 1e-6, and is that much shorter."""
    parameters = _parameters(GRADIENTS)
    clip_grad_norm_(parameters, 0.5)

    clipped = weights.clip_by_norm(GRADIENTS, 0.5)

    shorter = _norm(GRADIENTS) / (_norm(GRADIENTS) + 1e-6)
    assert max(_off(shorter * c, p.grad) for c, p in zip(clipped, parameters, strict=True)) < ROUNDING
    assert _norm(clipped) == pytest.approx(0.5)


@pytest.mark.clause("GR-1")
def test_below_the_threshold_no_bit_changes():
    """Nor at it; a threshold just below acts."""
    norm = _norm(GRADIENTS)

    kept, acted = weights.clip_by_norm(GRADIENTS, norm), weights.clip_by_norm(GRADIENTS, 0.999 * norm)

    assert all((k == g).all() for k, g in zip(kept, GRADIENTS, strict=True))
    assert not any((a == g).any() for a, g in zip(acted, GRADIENTS, strict=True))


@pytest.mark.clause("GR-1")
def test_clipping_by_value_is_torch_s():
    """And its gradients point elsewhere, while those that are clipped by norm do not."""
    parameters = _parameters(GRADIENTS)
    clip_grad_value_(parameters, 0.5)
    flat = np.concatenate([g.ravel() for g in GRADIENTS])

    by_value, by_norm = weights.clip_by_value(GRADIENTS, 0.5), weights.clip_by_norm(GRADIENTS, 0.5)

    along = [
        flat @ np.concatenate([c.ravel() for c in cs]) / _norm(cs) / _norm(GRADIENTS) for cs in (by_value, by_norm)
    ]
    assert max(_off(c, p.grad) for c, p in zip(by_value, parameters, strict=True)) == 0
    assert along[0] < 0.99
    assert along[1] == pytest.approx(1)


@pytest.mark.clause("GR-1")
def test_normalizing_always_acts():
    """The norm is 1 afterwards, for gradients a thousand times as small too."""
    small = [0.001 * g for g in GRADIENTS]

    normalized, from_small = weights.normalize_gradients(GRADIENTS), weights.normalize_gradients(small)

    assert _norm(normalized) == pytest.approx(1)
    assert max(_off(a, b) for a, b in zip(from_small, normalized, strict=True)) < ROUNDING
