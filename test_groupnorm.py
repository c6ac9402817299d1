"""GroupNorm and InstanceNorm: an implementation held to the clauses of specs/groupnorm.md, one clause per test."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness import families, probes
from harness.families import holds
from harness.subject import Subject
from reference import groupnorm

# ==== GroupNorm ====

# Values
test_statistics = holds("GI-1", families.statistics)
test_formula = holds("GI-11", families.formula)
test_divisor = holds("GI-12", families.divisor)
test_affine = holds("GI-5", families.affine)
test_shift = holds("GI-13", families.shift)
test_scale = holds("GI-14", families.scale)
test_far_from_zero = holds("GI-15", families.far_from_zero)
test_long_rows = holds("GI-21", families.long_rows)
test_magnitudes = holds("GI-16", families.magnitudes)
test_to_nearest = holds("GI-22", families.to_nearest)
test_any_input = holds("GI-23", families.any_input)


@pytest.mark.clause("GI-2")
def test_contiguous_groups(impl: Subject) -> None:
    """With groups of channels that lie far apart, y is right only if neighbours are grouped."""
    impl.check(impl.case(probes.MIXED_ROWS), "y")


@pytest.mark.clause("GI-3")
def test_numbers_of_groups(impl: Subject) -> None:
    """Six channels in one group, two, three and six."""
    impl.check_each({f"{g} groups": impl.shaped("groups", 5, 6, 7, num_groups=g) for g in (1, 2, 3, 6)}, "y")


# eps
test_eps_inside = holds("GI-18", families.eps_inside)
test_eps_honoured = holds("GI-24", families.eps_honoured)
test_eps_zero = holds("GI-26", families.eps_zero)
test_eps_default = holds("GI-27", families.eps_default)

# Parameters
test_absent_parameters = holds("GI-28", families.absent_parameters)

# Independence
test_isolation = holds("GI-19", families.isolation)
test_alone = holds("GI-4", families.alone)
test_batch_bits = holds("GI-25", families.batch_bits)
test_no_state = holds("GI-29", families.no_state)
test_repeated_bits = holds("GI-30", families.repeated_bits)
test_own_buffer = holds("GI-31", families.own_buffer)

# Layout
test_input_layouts = holds("GI-32", families.input_layouts)
test_expanded_input = holds("GI-33", families.expanded_input)
test_parameter_layouts = holds("GI-34", families.parameter_layouts)
test_gradient_layouts = holds("GI-35", families.gradient_layouts)
test_inputs_untouched = holds("GI-37", families.inputs_untouched)
test_no_view = holds("GI-38", families.no_view)

# Shapes
test_dimensions = holds("GI-20", families.dimensions)
test_tails = holds("GI-39", families.tails)
test_empty_batch = holds("GI-40", families.empty_batch)
test_single_value = holds("GI-41", families.single_value)

# dtypes
test_output_dtype = holds("GI-43", families.output_dtype)
test_mixed_values = holds("GI-44", families.mixed_values)
test_mixed_dtype = holds("GI-45", families.mixed_dtype)
test_precision = holds("GI-46", families.precision)
test_rounding = holds("GI-47", families.rounding)

# Special values
test_nan = holds("GI-48", families.nan)
test_infinity = holds("GI-49", families.infinity)
test_constant = holds("GI-50", families.constant)
test_constant_exactly = holds("GI-42", families.constant_exactly)
test_tiny = holds("GI-51", families.tiny)
test_overflow = holds("GI-52", families.overflow)

# Gradients
test_input_gradient = holds("GI-17", families.input_gradient)
test_weight_gradient = holds("GI-53", families.weight_gradient)
test_bias_gradient = holds("GI-54", families.bias_gradient)
test_gradient_sums = holds("GI-55", families.gradient_sums)
test_cancelling_gradient = holds("GI-56", families.cancelling_gradient)
test_saved_statistics = holds("GI-57", families.saved_statistics)
test_extreme_gradients = holds("GI-58", families.extreme_gradients)
test_only_asked = holds("GI-59", families.only_asked)
test_zero_gradient = holds("GI-60", families.zero_gradient)
test_gradient_of_gradient = holds("GI-36", families.gradient_of_gradient)
test_any_gradient = holds("GI-61", families.any_gradient)

# Errors


@pytest.mark.clause("GI-7")
def test_refuses_groups(impl: Subject) -> None:
    """Seven channels in three groups."""
    case = impl.shaped("groups", 5, 6, 7, num_groups=3)
    seven = impl.shaped("groups", 5, 7, 6, num_groups=1).but(num_groups=case.num_groups)
    impl.refuses("a number of groups that does not divide the channels", lambda: impl.forward(seven))


test_refuses_weight = holds("GI-62", families.refuses_weight)

# Hygiene
test_hygiene = holds("GI-63", families.hygiene)


# ==== InstanceNorm ====

# Values
test_instance_statistics = holds("GI-64", families.statistics)
test_instance_formula = holds("GI-77", families.formula)
test_instance_divisor = holds("GI-78", families.divisor)
test_instance_affine = holds("GI-65", families.affine)
test_instance_shift = holds("GI-79", families.shift)
test_instance_scale = holds("GI-80", families.scale)
test_instance_far_from_zero = holds("GI-81", families.far_from_zero)
test_instance_long_rows = holds("GI-87", families.long_rows)
test_instance_magnitudes = holds("GI-82", families.magnitudes)
test_instance_to_nearest = holds("GI-88", families.to_nearest)
test_instance_any_input = holds("GI-89", families.any_input)
test_instance_batch_statistics = holds("GI-69", families.batch_statistics)
test_instance_grad_flag = holds("GI-68", families.grad_flag)

# Running statistics
test_instance_running_update = holds("GI-71", families.running_update)
test_instance_running_momentum = holds("GI-67", families.running_momentum)
test_instance_running_variance = holds("GI-72", families.running_variance)
test_instance_running_far = holds("GI-73", families.running_far)
test_instance_evaluation = holds("GI-70", families.evaluation)
test_instance_evaluation_leaves = holds("GI-74", families.evaluation_leaves)
test_instance_evaluation_gradient = holds("GI-75", families.evaluation_gradient)
test_instance_cumulative = holds("GI-76", families.cumulative)

# eps
test_instance_eps_inside = holds("GI-84", families.eps_inside)
test_instance_eps_honoured = holds("GI-90", families.eps_honoured)
test_instance_eps_zero = holds("GI-92", families.eps_zero)
test_instance_eps_default = holds("GI-93", families.eps_default)

# Parameters
test_instance_absent_parameters = holds("GI-94", families.absent_parameters)

# Independence
test_instance_isolation = holds("GI-85", families.isolation)
test_instance_alone = holds("GI-66", families.alone)
test_instance_batch_bits = holds("GI-91", families.batch_bits)
test_instance_no_state = holds("GI-95", families.no_state)
test_instance_repeated_bits = holds("GI-96", families.repeated_bits)
test_instance_own_buffer = holds("GI-97", families.own_buffer)

# Layout
test_instance_input_layouts = holds("GI-98", families.input_layouts)
test_instance_expanded_input = holds("GI-99", families.expanded_input)
test_instance_parameter_layouts = holds("GI-100", families.parameter_layouts)
test_instance_gradient_layouts = holds("GI-101", families.gradient_layouts)
test_instance_inputs_untouched = holds("GI-103", families.inputs_untouched)
test_instance_no_view = holds("GI-104", families.no_view)

# Shapes
test_instance_dimensions = holds("GI-86", families.dimensions)
test_instance_tails = holds("GI-105", families.tails)
test_instance_single_value = holds("GI-106", families.single_value)

# dtypes
test_instance_output_dtype = holds("GI-108", families.output_dtype)
test_instance_mixed_values = holds("GI-109", families.mixed_values)
test_instance_mixed_dtype = holds("GI-110", families.mixed_dtype)
test_instance_precision = holds("GI-111", families.precision)
test_instance_rounding = holds("GI-112", families.rounding)

# Special values
test_instance_nan = holds("GI-113", families.nan)
test_instance_infinity = holds("GI-114", families.infinity)
test_instance_constant = holds("GI-115", families.constant)
test_instance_constant_exactly = holds("GI-107", families.constant_exactly)
test_instance_tiny = holds("GI-116", families.tiny)
test_instance_overflow = holds("GI-117", families.overflow)

# Gradients
test_instance_input_gradient = holds("GI-83", families.input_gradient)
test_instance_weight_gradient = holds("GI-118", families.weight_gradient)
test_instance_bias_gradient = holds("GI-119", families.bias_gradient)
test_instance_gradient_sums = holds("GI-120", families.gradient_sums)
test_instance_cancelling_gradient = holds("GI-121", families.cancelling_gradient)
test_instance_saved_statistics = holds("GI-122", families.saved_statistics)
test_instance_extreme_gradients = holds("GI-123", families.extreme_gradients)
test_instance_only_asked = holds("GI-124", families.only_asked)
test_instance_zero_gradient = holds("GI-125", families.zero_gradient)
test_instance_gradient_of_gradient = holds("GI-102", families.gradient_of_gradient)
test_instance_any_gradient = holds("GI-126", families.any_gradient)

# Errors
test_instance_refuses_weight = holds("GI-127", families.refuses_weight)

# Hygiene
test_instance_hygiene = holds("GI-128", families.hygiene)


# What to know
@pytest.mark.clause("GI-6")
def test_matrix_of_group_norm() -> None:
    """The columns of a matrix of this shape, normalized, are torch's group norm."""
    n, c, h, w, groups = 2, 12, 5, 4, 3
    x = np.random.default_rng(6).normal(3.0, 2.0, (n, c, h, w))

    values, sets = groupnorm.matrix_shape("group_norm", n, c, h, w, groups)
    columns = x.reshape(sets, values).T
    y = groupnorm.normalize(columns, (0,)).T.reshape(x.shape)

    # Values of a few units, after some ten roundings in float64.
    torch.testing.assert_close(torch.from_numpy(y), F.group_norm(torch.from_numpy(x), groups), rtol=0, atol=1e-13)


@pytest.mark.clause("GI-8")
@pytest.mark.parametrize("tracked", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_instance_norm_as_torch_builds_it(tracked: bool, training: bool) -> None:
    """nn.InstanceNorm2d has no parameters, no buffers unless asked to track, and gives the same y."""
    random = torch.Generator().manual_seed(8)
    module = nn.InstanceNorm2d(3, track_running_stats=tracked, dtype=torch.float64)
    module(torch.randn(2, 3, 4, 5, generator=random, dtype=torch.float64))
    kept = {"running_mean": module.running_mean.numpy(), "running_var": module.running_var.numpy()} if tracked else {}
    x = torch.randn(2, 3, 4, 5, generator=random, dtype=torch.float64)

    expected = groupnorm.instance_layer(x.numpy(), training, **{name: value.copy() for name, value in kept.items()})

    assert list(module.parameters()) == []
    assert bool(list(module.buffers())) == tracked
    torch.testing.assert_close(module.train(training)(x), torch.from_numpy(expected), rtol=0, atol=1e-13)


@pytest.mark.clause("GI-9")
@pytest.mark.parametrize("which", [0, 1], ids=["a", "b"])
def test_cross_norm_swaps_instance_statistics(which: int) -> None:
    """Each map has the other's means and deviations then, and its own values once those are taken away."""
    random = np.random.default_rng(9)
    maps = random.normal(3.0, 2.0, (2, 3, 4, 5)), random.normal(-1.0, 7.0, (2, 3, 6, 2))

    swapped, own, other = groupnorm.cross_norm(*maps, eps=0.0)[which], maps[which], maps[1 - which]

    assert swapped.mean(axis=(2, 3)) == pytest.approx(other.mean(axis=(2, 3)))
    assert swapped.std(axis=(2, 3)) == pytest.approx(other.std(axis=(2, 3)))
    assert groupnorm.instance_forward(swapped, eps=0.0) == pytest.approx(groupnorm.instance_forward(own, eps=0.0))


@pytest.mark.clause("GI-9")
def test_cross_norm_is_an_instance_norm_of_any_divisor() -> None:
    """Variances that divide by n - 1, as the official module's, give the same maps where both have as many positions."""
    random = np.random.default_rng(10)
    a, b = (torch.from_numpy(random.normal(m, 2.0, (2, 3, 4, 5))) for m in (3.0, -1.0))

    style = [(x.mean((2, 3), keepdim=True), x.std((2, 3), keepdim=True, correction=1)) for x in (a, b)]
    expected = (a - style[0][0]) / style[0][1] * style[1][1] + style[1][0]

    assert groupnorm.cross_norm(a.numpy(), b.numpy(), eps=0.0)[0] == pytest.approx(expected.numpy())


@pytest.mark.clause("GI-10")
def test_cross_norm_keeps_instance_statistics_when_off() -> None:
    """In evaluation, and unless it is switched on, the very same maps come back; after two swaps they do but for rounding."""
    random = np.random.default_rng(11)
    a, b = random.normal(3.0, 2.0, (2, 3, 4, 5)), random.normal(-1.0, 7.0, (2, 3, 6, 2))

    off = [groupnorm.cross_norm(a, b, training, active) for training, active in ((False, True), (True, False))]
    twice = groupnorm.cross_norm(*groupnorm.cross_norm(a, b, eps=0.0), eps=0.0)

    assert all(one is a and other is b for one, other in off)
    assert twice[0] == pytest.approx(a)
    assert twice[1] == pytest.approx(b)
