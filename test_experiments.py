"""The headline results of the papers in miniature: each holds for the seed shown, by a margin that its comment explains."""

import math

import numpy as np
import pytest
import torch

from experiments import company, deepnet, depth, invariance, logits, smoothness
from reference import layernorm, rmsnorm

LAYERS = 1000


@pytest.fixture(scope="module")
def deepnorm_run():
    """Eight steps of the 1,000-layer encoder with DeepNorm."""
    run = deepnet.train(LAYERS, "deepnorm")
    print(run)
    return run


@pytest.fixture(scope="module")
def post_run():
    """The same with Post-LN."""
    run = deepnet.train(LAYERS, "post")
    print(run)
    return run


# DeepNet: 1,000 layers


@pytest.mark.slow
def test_deepnorm_trains_a_thousand_layers(deepnorm_run):
    """Every update of the output stays small, and the loss falls far below what can be had without the input."""
    largest = max(step.update for step in deepnorm_run.steps)

    # Over seeds 0 to 4 the largest update is 0.09 to 0.12, of an output of 1; the loss 0.45 to 0.63 times the entropy.
    assert largest < 0.2
    assert deepnorm_run.loss < 0.8 * deepnorm_run.label_entropy


@pytest.mark.slow
def test_post_ln_does_not_train_a_thousand_layers(post_run):
    """The first update throws the output away, and no step gets the loss below what can be had without the input."""
    first = post_run.steps[0].update
    lowest = min(post_run.loss, *(step.loss for step in post_run.steps))

    # Over seeds 0 to 4 it is 1.19 to 1.45; two outputs that have nothing to do with each other are sqrt(2) apart.
    assert first > math.sqrt(2) / 2
    # An output that is the same for all tokens cannot do better than the entropy: no margin but rounding's.
    assert post_run.spread < 1e-20
    assert lowest > post_run.label_entropy * (1 - 1e-12)


@pytest.mark.slow
def test_a_thousand_layers_bit_for_bit(deepnorm_run, post_run):
    """The first two steps, made again, give the same bits, and torch's own random numbers and threads stay as they were."""
    state, threads = torch.get_rng_state(), torch.get_num_threads()

    again = deepnet.train(LAYERS, "deepnorm", steps=2), deepnet.train(LAYERS, "post", steps=2)

    assert again[0].steps == deepnorm_run.steps[:2]
    assert again[1].steps == post_run.steps[:2]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_another_seed_is_another_run():
    """So that the same bits from the same seed say something."""
    assert deepnet.train(2, "deepnorm", steps=1, seed=0).steps != deepnet.train(2, "deepnorm", steps=1, seed=1).steps


def test_update_by_depth():
    """The first update of gradient descent does not grow with the depth under DeepNorm; under Post-LN it explodes."""
    updates = {
        (placement, layers): deepnet.train(layers, placement, steps=1, learning_rate=0.1).steps[0].update
        for placement in ("deepnorm", "post")
        for layers in (1, 100)
    }

    # Seeds 0 to 7: 100 layers' is 0.59 to 1.36 times one layer's under DeepNorm, 8.3 to 39 times under Post-LN.
    assert updates["deepnorm", 100] < 2 * updates["deepnorm", 1]
    assert updates["post", 100] > 4 * updates["post", 1]


def test_deepnorm_learns_with_a_larger_step():
    """Ten layers, which Post-LN can train too: with a learning rate of 0.05 both learn, with 0.5 DeepNorm alone."""
    losses = {
        (placement, rate): run.loss / run.label_entropy
        for placement in ("deepnorm", "post")
        for rate in (0.05, 0.5)
        for run in [deepnet.train(10, placement, steps=100, learning_rate=rate)]
    }

    # Seeds 0 to 5: 0.07 to 0.68 and 0.38 to 0.53; then 0.94 to 1.00 and 0.01.
    assert losses["post", 0.05] < 0.8
    assert losses["deepnorm", 0.05] < 0.8
    assert losses["post", 0.5] > 0.9
    assert losses["deepnorm", 0.5] < 0.1


# Xiong et al.: Pre-LN and Post-LN


def last_layer(placement, layers):
    """The geometric mean over 6 seeds: one seed's figure wanders by a quarter."""
    return math.prod(depth.gradient_norms(layers, placement, seed=seed)[-1] for seed in range(6)) ** (1 / 6)


def test_last_gradient_of_post_ln_does_not_depend_on_depth():
    """At initialization, from 4 to 64 layers."""
    # Means of 6 other seeds, three times: 1.11 to 1.20. The root of the depth would give 4, or 1 / 4.
    assert 1 / 1.5 < last_layer("post", 64) / last_layer("post", 4) < 1.5


@pytest.mark.parametrize("placement", ["pre", "deepnorm"])
def test_last_gradient_falls_with_the_root_of_depth(placement):
    """Under Pre-LN, and under DeepNorm: from 4 to 64 layers to a quarter."""
    ratio = last_layer(placement, 64) / last_layer(placement, 4)

    # Means of 6 other seeds, three times: 0.242 to 0.258 and 0.243 to 0.250.
    assert ratio == pytest.approx(1 / 4, rel=0.15)


# Yang et al.: BatchNorm without skips


def test_batchnorm_makes_the_gradient_of_a_deep_plain_network_explode():
    """Through 30 layers at initialization; without a norm and with LayerNorm it arrives as it left."""
    growth = {norm: g[0] / g[-1] for norm in ("batch", "layer", None) for g in [depth.plain_gradient_norms(norm)]}

    # Seeds 0 to 3: 234 to 355; 0.90 to 1.46; 0.91 to 2.06.
    assert growth["batch"] > 100
    assert 0.5 < growth["layer"] < 3
    assert 0.5 < growth[None] < 3


def test_growth_of_the_gradient_per_layer():
    """By sqrt(pi / (pi - 1)) = 1.2116 at every layer: the explosion is exponential in depth."""
    norms = depth.plain_gradient_norms("batch")

    first_half, second_half = ((norms[a] / norms[b]) ** (1 / (b - a)) for a, b in ((0, 15), (15, 29)))

    # The law is for an infinite width; at 128 the halves are within 1.7 % over seeds 0 to 7.
    assert first_half == pytest.approx(math.sqrt(math.pi / (math.pi - 1)), rel=0.03)
    assert second_half == pytest.approx(math.sqrt(math.pi / (math.pi - 1)), rel=0.03)


# Wu & He: small batches


@pytest.mark.parametrize("norm", ["layer", "group"])
@pytest.mark.parametrize("batch", [2, 4, 32])
def test_output_of_layernorm_and_groupnorm_does_not_depend_on_the_company(norm, batch):
    """Not in one bit."""
    assert company.noise(norm, batch) == 0


def test_noise_of_batchnorm_grows_as_the_batch_gets_small():
    """The mean of fewer samples says less about all; alone, a sample has no company."""
    noise = {batch: company.noise("batch", batch) for batch in (1, 2, 4, 8, 32)}

    # Seeds 0 to 4: 2.7 to 3.5 times as much in a batch of 2 as in one of 32.
    assert noise[2] > noise[4] > noise[8] > noise[32] > 0
    assert noise[2] > 2 * noise[32]
    assert noise[1] == 0


@pytest.mark.slow
def test_error_of_batchnorm_grows_as_the_batch_gets_small():
    """After training in batches of 2 instead of 32, on as many samples; LayerNorm's and GroupNorm's error stays."""
    rise = {
        norm: company.trained_error(norm, 2) - company.trained_error(norm, 32) for norm in ("batch", "layer", "group")
    }

    # Seeds 0 to 3: 0.19 to 0.25; the others within 0.006, and 4096 new samples tell 0.007 (one standard deviation).
    assert rise["batch"] > 0.1
    assert abs(rise["layer"]) < 0.02
    assert abs(rise["group"]) < 0.02


# Smoothness


def test_descent_just_below_and_just_above_the_limit():
    """With beta = 10 the limit is 0.2: after 50 steps of 0.19 it is 0.9^50, of 0.21 it is 1.1^50."""
    assert smoothness.after_descent(0.19) == pytest.approx(0.0052, abs=0.00005)  # the digits shown
    assert smoothness.after_descent(0.21) == pytest.approx(117.4, abs=0.05)


@pytest.mark.parametrize("curvatures", [(10.0,), (1.0, 3.0, 10.0), (0.5, 4.0)])
def test_largest_stable_step(curvatures):
    """It is 2 over the largest curvature, not 1 over it, whatever the others are."""
    # Bisection stops at 1 part in 10^6.
    assert smoothness.largest_stable_step(curvatures) == pytest.approx(2 / max(curvatures), rel=2e-6)


def test_standardized_inputs_are_well_conditioned():
    """Columns of 1 and 100 have a condition number of 10000, and 23025 steps to go; standardized 1, and one step."""
    x = np.array([[1.0, 100.0], [1.0, -100.0], [-1.0, 100.0], [-1.0, -100.0]])

    raw, standardized = smoothness.conditioning(x, standardized=False), smoothness.conditioning(x, standardized=True)

    # The slow weight's error falls by 1 - 1e-4 a step, and its loss has to fall from 1 to 1e-6 * (1 + 10000).
    steps = math.log(1e-6 * 10001) / (2 * math.log(1 - 1e-4))
    assert raw.condition_number == pytest.approx(10000)
    assert raw.steps == math.ceil(steps)
    assert standardized == (pytest.approx(1), 1)


# QK-norm


def test_logits_grow_with_the_square_of_the_weights():
    """Without QK-norm, and without a bound."""
    grown = [logits.largest_logit(factor, qk_norm=False) for factor in (1, 4, 16, 64)]

    assert grown == [grown[0] * factor**2 for factor in (1, 4, 16, 64)]  # powers of two: exact


@pytest.mark.parametrize("factor", [1, 4, 16, 64])
def test_qk_norm_bounds_the_logits(factor):
    """By sqrt(64) = 8, which a token's logit with itself reaches where queries and keys share their weights."""
    rounding = 1 + 64 * 2**-52  # of a sum of 64 terms

    assert logits.largest_logit(factor, qk_norm=True) <= 8 * rounding
    assert 8 / rounding <= logits.largest_logit(factor, qk_norm=True, shared=True) <= 8 * rounding


# RMSNorm

TABLE = {
    # weight matrix rescaled, recentred, one unit's weights rescaled, data rescaled, recentred, one row rescaled
    "batch": (True, False, True, True, True, False),
    "weight": (True, False, True, False, False, False),
    "layer": (True, True, False, True, False, True),
    "rms": (True, False, False, True, False, True),
}


@pytest.mark.parametrize("norm", TABLE)
def test_invariances(norm):
    """RMSNorm gives up one of LayerNorm's: that to a shift of all the weights that an input has."""
    changes = list(invariance.changes(norm).values())

    # What is invariant moves by rounding, 1e-15; what is not by 1.6 and more.
    assert [change < 1e-12 for change in changes] == list(TABLE[norm])
    assert [change < 0.1 for change in changes] == list(TABLE[norm])


@pytest.fixture
def rows():
    """x, weight, bias and dy: 256 rows of 1024."""
    random = torch.Generator().manual_seed(0)
    x, dy = (torch.randn(256, 1024, generator=random, dtype=torch.float64) for _ in range(2))
    weight, bias = (torch.randn(1024, generator=random, dtype=torch.float64) for _ in range(2))
    return x.requires_grad_(), weight.requires_grad_(), bias.requires_grad_(), dy


@pytest.mark.benchmark(group="rmsnorm's saving")
def test_time_of_layernorm(benchmark, rows):
    """Forward and backward, written in single operations of torch."""
    x, weight, bias, dy = rows

    gradients = benchmark(lambda: torch.autograd.grad(invariance.layer_norm(x, weight, bias), (x, weight, bias), dy))

    expected = layernorm.backward(*(a.detach().numpy() for a in (dy, x, weight)))
    np.testing.assert_allclose(gradients[0].numpy(), expected[0], atol=1e-12)


@pytest.mark.benchmark(group="rmsnorm's saving")
def test_time_of_rmsnorm(benchmark, rows):
    """The same without the mean and the bias."""
    x, weight, _, dy = rows

    gradients = benchmark(lambda: torch.autograd.grad(invariance.rms_norm(x, weight), (x, weight), dy))

    expected = rmsnorm.backward(*(a.detach().numpy() for a in (dy, x, weight)), eps=1e-5)
    np.testing.assert_allclose(gradients[0].numpy(), expected[0], atol=1e-12)
