"""BatchNorm: an implementation held to the clauses of specs/batchnorm.md, one clause per test."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from harness import families
from harness.families import holds
from reference import batchnorm, layernorm

# Values
test_statistics = holds("BN-1", families.statistics)
test_formula = holds("BN-21", families.formula)
test_divisor = holds("BN-3", families.divisor)
test_affine = holds("BN-22", families.affine)
test_shift = holds("BN-11", families.shift)
test_scale = holds("BN-23", families.scale)
test_far_from_zero = holds("BN-24", families.far_from_zero)
test_long_rows = holds("BN-30", families.long_rows)
test_magnitudes = holds("BN-25", families.magnitudes)
test_to_nearest = holds("BN-31", families.to_nearest)
test_any_input = holds("BN-32", families.any_input)
test_batch_statistics = holds("BN-7", families.batch_statistics)
test_grad_flag = holds("BN-5", families.grad_flag)

# Running statistics
test_running_update = holds("BN-14", families.running_update)
test_running_momentum = holds("BN-4", families.running_momentum)
test_running_variance = holds("BN-15", families.running_variance)
test_running_far = holds("BN-16", families.running_far)
test_evaluation = holds("BN-12", families.evaluation)
test_evaluation_leaves = holds("BN-17", families.evaluation_leaves)
test_evaluation_gradient = holds("BN-18", families.evaluation_gradient)
test_cumulative = holds("BN-19", families.cumulative)
test_no_running = holds("BN-20", families.no_running)

# eps
test_eps_inside = holds("BN-27", families.eps_inside)
test_eps_honoured = holds("BN-33", families.eps_honoured)
test_eps_zero = holds("BN-35", families.eps_zero)
test_eps_default = holds("BN-36", families.eps_default)

# Parameters
test_absent_parameters = holds("BN-37", families.absent_parameters)

# Independence
test_isolation = holds("BN-28", families.isolation)
test_alone = holds("BN-29", families.alone)
test_batch_bits = holds("BN-34", families.batch_bits)
test_no_state = holds("BN-38", families.no_state)
test_repeated_bits = holds("BN-39", families.repeated_bits)
test_own_buffer = holds("BN-40", families.own_buffer)

# Layout
test_input_layouts = holds("BN-41", families.input_layouts)
test_expanded_input = holds("BN-42", families.expanded_input)
test_parameter_layouts = holds("BN-43", families.parameter_layouts)
test_gradient_layouts = holds("BN-44", families.gradient_layouts)
test_inputs_untouched = holds("BN-46", families.inputs_untouched)
test_no_view = holds("BN-47", families.no_view)

# Shapes
test_dimensions = holds("BN-2", families.dimensions)
test_tails = holds("BN-48", families.tails)
test_single_value = holds("BN-6", families.single_value)

# dtypes
test_output_dtype = holds("BN-50", families.output_dtype)
test_mixed_values = holds("BN-51", families.mixed_values)
test_mixed_dtype = holds("BN-52", families.mixed_dtype)
test_precision = holds("BN-53", families.precision)
test_rounding = holds("BN-54", families.rounding)

# Special values
test_nan = holds("BN-55", families.nan)
test_infinity = holds("BN-56", families.infinity)
test_constant = holds("BN-57", families.constant)
test_constant_exactly = holds("BN-49", families.constant_exactly)
test_tiny = holds("BN-58", families.tiny)
test_overflow = holds("BN-59", families.overflow)

# Gradients
test_input_gradient = holds("BN-26", families.input_gradient)
test_weight_gradient = holds("BN-60", families.weight_gradient)
test_bias_gradient = holds("BN-61", families.bias_gradient)
test_gradient_sums = holds("BN-62", families.gradient_sums)
test_cancelling_gradient = holds("BN-63", families.cancelling_gradient)
test_saved_statistics = holds("BN-64", families.saved_statistics)
test_extreme_gradients = holds("BN-65", families.extreme_gradients)
test_only_asked = holds("BN-66", families.only_asked)
test_zero_gradient = holds("BN-67", families.zero_gradient)
test_gradient_of_gradient = holds("BN-45", families.gradient_of_gradient)
test_any_gradient = holds("BN-68", families.any_gradient)

# Errors
test_refuses_weight = holds("BN-69", families.refuses_weight)

# Hygiene
test_hygiene = holds("BN-70", families.hygiene)


# What to know
@pytest.mark.clause("BN-8")
def test_undone_by_its_parameters() -> None:
    """With sqrt(variance + eps) and the mean as weight and bias, torch's batch norm gives back any images."""
    x = np.random.default_rng(8).normal(3.0, 2.0, (5, 4, 3, 2))

    weight, bias = map(torch.from_numpy, batchnorm.undoing(x, eps=0.5))
    restored = F.batch_norm(torch.from_numpy(x), None, None, weight, bias, training=True, eps=0.5)

    # Some ten roundings in float64 of values below 20.
    torch.testing.assert_close(restored, torch.from_numpy(x), rtol=0, atol=1e-13)


@pytest.mark.clause("BN-9")
def test_order_within_a_sample() -> None:
    """Of features whose means rise from one to the next LayerNorm keeps the order, BatchNorm turns half the pairs."""
    x = np.random.default_rng(9).normal(size=(64, 16)) + 10 * np.arange(16)

    before, batch, layer = (np.diff(a, axis=1) > 0 for a in (x, batchnorm.forward(x), layernorm.forward(x)))

    assert before.all()
    assert layer.all()
    assert 0.4 < (before != batch).mean() < 0.6  # 960 pairs, six standard deviations of a fair coin's


@pytest.mark.clause("BN-10")
def test_histogram_kept() -> None:
    """Skewness and kurtosis, which a normal distribution has as 0 and 3, are what they were before."""
    x = np.random.default_rng(10).exponential(size=(1000, 1))

    before, after = ((z - z.mean()) / z.std() for z in (x, batchnorm.forward(x, eps=0.0)))

    # 2 and 9 in the exponential distribution; a thousand roundings in float64.
    assert [float((after**k).mean()) for k in (3, 4)] == pytest.approx(
        [float((before**k).mean()) for k in (3, 4)], rel=1e-12
    )
    assert float((after**3).mean()) > 1


@pytest.mark.clause("BN-13")
def test_statistics_of_each_time_step() -> None:
    """Where activations grow from step to step, statistics of another step leave a mean far from 0, LayerNorm none."""
    steps = np.random.default_rng(13).normal(size=(3, 1000, 4)) * np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1) + 5
    mean, variance = steps.mean(axis=1), steps.var(axis=1)

    own = batchnorm.time_step(steps[2], 2, mean, variance)
    reused = batchnorm.time_step(steps[2], 1, mean, variance)

    assert float(own.std()) == pytest.approx(1, abs=1e-8)  # eps takes 1e-5 / 2e4 of it
    assert float(reused.std()) > 9
    assert layernorm.forward(steps[2]).std(axis=1) == pytest.approx(1, abs=1e-6)  # deviations above 6: 1e-5 / 72
    with pytest.raises(IndexError):
        batchnorm.time_step(steps[2], 2, mean[:2], variance[:2])
