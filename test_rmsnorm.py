"""RMSNorm: an implementation held to the clauses of specs/rmsnorm.md, one clause per test."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from harness import families
from harness.families import holds

# Values
test_statistics = holds("RM-3", families.statistics)
test_formula = holds("RM-1", families.formula)
test_divisor = holds("RM-6", families.divisor)
test_affine = holds("RM-2", families.affine)
test_scale = holds("RM-5", families.scale)
test_far_from_zero = holds("RM-14", families.far_from_zero)
test_long_rows = holds("RM-17", families.long_rows)
test_magnitudes = holds("RM-11", families.magnitudes)
test_to_nearest = holds("RM-18", families.to_nearest)
test_any_input = holds("RM-19", families.any_input)

# eps
test_eps_inside = holds("RM-7", families.eps_inside)
test_eps_honoured = holds("RM-20", families.eps_honoured)
test_eps_zero = holds("RM-21", families.eps_zero)
test_eps_default = holds("RM-8", families.eps_default)

# Parameters
test_absent_parameters = holds("RM-22", families.absent_parameters)
test_gain = holds("RM-10", families.gain)

# Independence
test_isolation = holds("RM-15", families.isolation)
test_alone = holds("RM-16", families.alone)
test_batch_bits = holds("RM-13", families.batch_bits)
test_no_state = holds("RM-23", families.no_state)
test_repeated_bits = holds("RM-24", families.repeated_bits)
test_own_buffer = holds("RM-25", families.own_buffer)

# Layout
test_input_layouts = holds("RM-26", families.input_layouts)
test_expanded_input = holds("RM-27", families.expanded_input)
test_parameter_layouts = holds("RM-28", families.parameter_layouts)
test_gradient_layouts = holds("RM-29", families.gradient_layouts)
test_inputs_untouched = holds("RM-31", families.inputs_untouched)
test_no_view = holds("RM-32", families.no_view)

# Shapes
test_dimensions = holds("RM-33", families.dimensions)
test_several_normalized = holds("RM-34", families.several_normalized)
test_tails = holds("RM-35", families.tails)
test_empty_batch = holds("RM-36", families.empty_batch)
test_single_value = holds("RM-37", families.single_value)

# dtypes
test_output_dtype = holds("RM-38", families.output_dtype)
test_mixed_values = holds("RM-39", families.mixed_values)
test_mixed_dtype = holds("RM-40", families.mixed_dtype)
test_precision = holds("RM-41", families.precision)
test_rounding = holds("RM-9", families.rounding)

# Special values
test_nan = holds("RM-42", families.nan)
test_infinity = holds("RM-43", families.infinity)
test_constant = holds("RM-44", families.constant)
test_tiny = holds("RM-45", families.tiny)
test_overflow = holds("RM-46", families.overflow)

# Gradients
test_input_gradient = holds("RM-12", families.input_gradient)
test_weight_gradient = holds("RM-47", families.weight_gradient)
test_gradient_sums = holds("RM-48", families.gradient_sums)
test_cancelling_gradient = holds("RM-49", families.cancelling_gradient)
test_saved_statistics = holds("RM-50", families.saved_statistics)
test_extreme_gradients = holds("RM-51", families.extreme_gradients)
test_only_asked = holds("RM-52", families.only_asked)
test_zero_gradient = holds("RM-53", families.zero_gradient)
test_gradient_of_gradient = holds("RM-30", families.gradient_of_gradient)
test_any_gradient = holds("RM-54", families.any_gradient)

# Errors
test_refuses_weight = holds("RM-55", families.refuses_weight)
test_refuses_shape = holds("RM-56", families.refuses_shape)

# Hygiene
test_hygiene = holds("RM-57", families.hygiene)

# What to know


@pytest.mark.clause("RM-4")
@pytest.mark.parametrize("eps", [0.0, 1e-5, 10.0])
def test_bridge_to_layer_norm(eps):
    """torch's rms_norm of centered rows is its layer_norm of the rows, for any eps, but not of rows as they are."""
    x = torch.tensor(np.random.default_rng(4).normal(3.0, 2.0, (100, 6)))
    weight = torch.tensor(np.random.default_rng(5).normal(1.0, 0.5, 6))

    centered = F.rms_norm(x - x.mean(dim=-1, keepdim=True), (6,), weight, eps)

    truth = F.layer_norm(x, (6,), weight, None, eps)
    # Values up to 9, deviations from 0.49: the mean's rounding, 1e-15, becomes 2e-15, and some ten more of 1.1e-16 come.
    torch.testing.assert_close(centered, truth, rtol=0.0, atol=1e-14)
    assert (F.rms_norm(x, (6,), weight, eps) - truth).abs().amax(dim=-1).min() > 0.1
