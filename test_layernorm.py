"""LayerNorm: an implementation held to the clauses of specs/layernorm.md, one clause per test."""

import numpy as np
import pytest
import torch

from harness import families
from harness.families import holds
from reference import layernorm

# Values
test_statistics = holds("LN-1", families.statistics)
test_formula = holds("LN-2", families.formula)
test_divisor = holds("LN-3", families.divisor)
test_affine = holds("LN-6", families.affine)
test_shift = holds("LN-7", families.shift)
test_scale = holds("LN-8", families.scale)
test_far_from_zero = holds("LN-12", families.far_from_zero)
test_long_rows = holds("LN-15", families.long_rows)
test_magnitudes = holds("LN-13", families.magnitudes)
test_to_nearest = holds("LN-16", families.to_nearest)
test_any_input = holds("LN-17", families.any_input)

# eps
test_eps_inside = holds("LN-5", families.eps_inside)
test_eps_honoured = holds("LN-18", families.eps_honoured)
test_eps_zero = holds("LN-20", families.eps_zero)
test_eps_default = holds("LN-21", families.eps_default)

# Parameters
test_absent_parameters = holds("LN-22", families.absent_parameters)
test_gain = holds("LN-44", families.gain)

# Independence
test_isolation = holds("LN-11", families.isolation)
test_alone = holds("LN-10", families.alone)
test_batch_bits = holds("LN-19", families.batch_bits)
test_no_state = holds("LN-23", families.no_state)
test_repeated_bits = holds("LN-24", families.repeated_bits)
test_own_buffer = holds("LN-25", families.own_buffer)

# Layout
test_input_layouts = holds("LN-26", families.input_layouts)
test_expanded_input = holds("LN-27", families.expanded_input)
test_parameter_layouts = holds("LN-28", families.parameter_layouts)
test_gradient_layouts = holds("LN-29", families.gradient_layouts)
test_inputs_untouched = holds("LN-31", families.inputs_untouched)
test_no_view = holds("LN-32", families.no_view)

# Shapes
test_dimensions = holds("LN-33", families.dimensions)
test_several_normalized = holds("LN-34", families.several_normalized)
test_tails = holds("LN-35", families.tails)
test_empty_batch = holds("LN-36", families.empty_batch)
test_single_value = holds("LN-37", families.single_value)

# dtypes
test_output_dtype = holds("LN-39", families.output_dtype)
test_mixed_values = holds("LN-40", families.mixed_values)
test_mixed_dtype = holds("LN-41", families.mixed_dtype)
test_precision = holds("LN-42", families.precision)
test_rounding = holds("LN-43", families.rounding)

# Special values
test_nan = holds("LN-45", families.nan)
test_infinity = holds("LN-46", families.infinity)
test_constant = holds("LN-47", families.constant)
test_constant_exactly = holds("LN-38", families.constant_exactly)
test_tiny = holds("LN-48", families.tiny)
test_overflow = holds("LN-49", families.overflow)

# Gradients
test_input_gradient = holds("LN-14", families.input_gradient)
test_weight_gradient = holds("LN-50", families.weight_gradient)
test_bias_gradient = holds("LN-51", families.bias_gradient)
test_gradient_sums = holds("LN-52", families.gradient_sums)
test_cancelling_gradient = holds("LN-53", families.cancelling_gradient)
test_saved_statistics = holds("LN-54", families.saved_statistics)
test_extreme_gradients = holds("LN-55", families.extreme_gradients)
test_only_asked = holds("LN-56", families.only_asked)
test_zero_gradient = holds("LN-57", families.zero_gradient)
test_gradient_of_gradient = holds("LN-30", families.gradient_of_gradient)
test_any_gradient = holds("LN-58", families.any_gradient)

# Errors
test_refuses_weight = holds("LN-59", families.refuses_weight)
test_refuses_shape = holds("LN-60", families.refuses_shape)

# Hygiene
test_hygiene = holds("LN-61", families.hygiene)

# What to know


@pytest.mark.clause("LN-4")
def test_measured_variance():
    """Measured with n - 1, the variance of torch's output is n / (n - 1) * variance / (variance + eps)."""
    x = torch.tensor(np.random.default_rng(4).normal(3.0, 2.0, (1000, 7)))

    y = torch.nn.LayerNorm(7, eps=0.5, dtype=torch.float64)(x)

    measured, variance = y.var(dim=-1), x.var(dim=-1, correction=0)
    # Rows of variance 0.2 to 16: the bound is ninety roundings of float64, 1.1e-16 each, and some forty happen.
    torch.testing.assert_close(measured, 7 / 6 * variance / (variance + 0.5), rtol=1e-14, atol=0.0)


@pytest.mark.clause("LN-9")
@pytest.mark.parametrize(("order", "least"), [(3, 1.5), (4, 6.0), (5, 20.0)])
def test_moments_stay(order, least):
    """The moments of skewed rows, standardized, are those of torch's output, and far from a normal distribution's."""
    x = np.random.default_rng(9).exponential(5.0, (100, 500))

    y = torch.nn.functional.layer_norm(torch.tensor(x), (500,), eps=0.0).numpy()

    before, after = layernorm.standardized_moment(x, order), layernorm.standardized_moment(y, order)
    # Some ten roundings a value, which the power multiplies by the order, and some ten a sum: 1.1e-16 each.
    np.testing.assert_allclose(after, before, rtol=(10 * order + 40) * 1.2e-16, atol=0.0)
    # The exponential distribution's are 2, 9 and 44, which rows of 500 underestimate; the normal one's are 0, 3 and 0.
    assert before.mean() > least
