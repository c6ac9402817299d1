"""InstanceNorm with one thing wrong: the clause that each mistake breaks."""

from __future__ import annotations

import torch
from torch import Tensor

from mistakes import batchnorm, shared
from mistakes.steps import InstanceNorm

NORM = InstanceNorm


class samples_share_their_statistics(shared.Shared):
    """Mean and variance are taken over the batch as well, as BatchNorm has it.

    If you add a loud second image, should the first change?
    """

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return (0, *range(2, self.x.ndim))

    def per_channel(self, statistic: Tensor) -> Tensor:
        return statistic.reshape(-1)


class channels_share_their_statistics(shared.Shared):
    """All channels of a sample are normalized together, as LayerNorm has it.

    If you multiply the last channel by 10, should the first change?
    """

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return tuple(range(1, self.x.ndim))

    def per_channel(self, statistic: Tensor) -> Tensor:
        return statistic.mean(0).reshape(-1).expand(self.x.shape[1])


class only_the_last_dimension(shared.Shared):
    """With several dimensions of positions, only the last one is normalized.

    Over how many values is the mean taken where an image has 5 x 7 positions?
    """

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return (-1,)

    def per_channel(self, statistic: Tensor) -> Tensor:
        return statistic.flatten(2).mean((0, 2))


class running_statistics_of_the_first_sample(shared.Shared):
    """The running statistics move towards those of the first sample alone.

    Whose statistics does the last sample of a batch leave?
    """

    def per_channel(self, statistic: Tensor) -> Tensor:
        return statistic[0].reshape(-1)


class running_statistics_summed_over_the_samples(shared.Shared):
    """The running statistics move towards the sum of the samples', not their average.

    The same batch twice in a row: what happens to your running mean?
    """

    def per_channel(self, statistic: Tensor) -> Tensor:
        return statistic.sum(0).reshape(-1)


class running_variance_corrected_by_the_batch(shared.Shared):
    """The stored variance is corrected by n / (n - 1) with n the values of the whole batch.

    How many values does each variance come from?
    """

    def stored(self, variance: Tensor, n: int) -> Tensor:
        return super().stored(variance, n * self.x.shape[0])


class running_variance_pooled_over_the_batch(shared.Shared):
    """The stored variance is that of a channel over batch and positions together, with the spread of the samples' means in it.

    Two samples, one all 0 and one all 2: which variance does each leave?
    """

    def update(self, mean: Tensor, variance: Tensor) -> None:
        pooled = variance.mean(0, keepdim=True) + ((mean - mean.mean(0, keepdim=True)) ** 2).mean(0, keepdim=True)
        n = self.count(self.grouped(self.x))
        samples = self.x.shape[0]
        super().update(mean, (pooled * (n - 1) / n * n * samples / (n * samples - 1)).expand_as(variance))


class parameters_repeated_in_the_wrong_order(shared.Shared):
    """weight and bias are repeated as w0, w0, ..., w1, w1, ... beside samples times channels, not as w0, w1, ..., w0, w1, ...

    In (N * C, positions), which weight belongs to the second row?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        samples, channels = self.x.shape[:2]
        index = (torch.arange(samples * channels) // samples).reshape(samples, channels, *(1,) * (self.x.ndim - 2))
        turned = [None if p is None else p.flatten()[index] for p in (weight, bias)]
        return super().affine(x_hat, *turned)


class zero_where_one_value(shared.Shared):
    """A single position is returned as 1, times weight, plus bias.

    What is x - mean(x) of a single x?
    """

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return torch.ones_like(d) if self.training and self.count(d) == 1 else super().standardized(d, deviation)


BREAKS: dict[str, tuple[type, ...]] = {
    "GI-64": (samples_share_their_statistics, channels_share_their_statistics, shared.one_mean_for_the_whole_input,
              shared.statistics_shared_by_two_rows),
    "GI-77": (shared.divided_by_the_variance, shared.root_taken_twice, shared.square_for_the_root,
              shared.multiplied_by_the_deviation, shared.scaled_to_the_range, shared.mean_absolute_deviation,
              shared.median_for_the_mean, shared.mean_in_half),
    "GI-78": (shared.unbiased_variance, shared.sum_for_the_average),
    "GI-65": (parameters_repeated_in_the_wrong_order, shared.weight_missing, shared.bias_missing, shared.bias_before_the_weight, shared.bias_subtracted,
              shared.one_weight_for_all, shared.weight_twice, shared.parameters_in_reverse, shared.one_plus_weight,
              shared.weight_before_the_statistics, shared.absolute_weight, shared.weight_zero_taken_for_absent),
    "GI-79": (shared.mean_not_subtracted, shared.root_mean_square_for_deviation, shared.only_scaled),
    "GI-80": (shared.sign_lost, shared.input_clipped),
    "GI-81": (shared.one_pass_variance, shared.clamped_one_pass_variance),
    "GI-87": (shared.sums_in_half, shared.count_in_half, shared.only_the_first_block, shared.values_beyond_the_first_block_left_out, shared.rows_beyond_the_grid),
    "GI-82": (shared.statistics_in_half, shared.squares_in_half, shared.large_values_overflow, shared.output_clipped),
    "GI-88": (shared.rounded_towards_zero, shared.rstd_of_12_bits, shared.rstd_in_half),
    "GI-89": (shared.divided_by_the_padded_size, shared.padding_in_the_variance),
    "GI-69": (batchnorm.running_statistics_in_training,),
    "GI-68": (batchnorm.grad_mode_taken_for_training,),
    "GI-71": (running_statistics_of_the_first_sample, running_statistics_summed_over_the_samples,
              batchnorm.running_statistics_never_updated,
              batchnorm.running_statistics_replaced, batchnorm.momentum_fixed,
              batchnorm.momentum_weighs_both, batchnorm.old_value_kept_whole,
              batchnorm.running_deviation_stored, batchnorm.correction_upside_down,
              running_variance_corrected_by_the_batch, running_variance_pooled_over_the_batch,
              batchnorm.updated_twice),
    "GI-73": (batchnorm.running_variance_by_one_pass,
              batchnorm.running_variance_about_a_rounded_mean),
    "GI-70": (batchnorm.batch_statistics_in_evaluation,
              batchnorm.running_variance_taken_for_a_deviation),
    "GI-74": (batchnorm.updated_in_evaluation,),
    "GI-75": (batchnorm.evaluation_gradient_of_training,),
    "GI-76": (batchnorm.zero_debiased_average,),
    "GI-84": (shared.eps_outside_the_root, shared.eps_missing, shared.eps_as_a_floor, shared.deviation_not_below_eps,
              shared.eps_only_for_constants, shared.small_deviations_flushed, shared.eps_after_scaling_by_the_largest),
    "GI-90": (shared.eps_fixed, shared.eps_twice, shared.eps_squared, shared.eps_divided_by_n,
              shared.eps_added_to_the_length, shared.eps_in_half_precision),
    "GI-93": (shared.default_eps_of_a_tenth,),
    "GI-94": (shared.bias_ignored_without_a_weight, shared.weight_ignored_without_a_bias, shared.absent_weight_is_zero),
    "GI-85": (shared.statistics_of_the_first_row,),
    "GI-66": (shared.batch_of_one_returned_as_it_is,),
    "GI-91": (shared.blocks_depend_on_the_batch,),
    "GI-95": (shared.statistics_kept_from_the_first_call, shared.parameters_kept_from_the_first_call, shared.running_average_of_the_statistics, shared.statistics_saved_by_the_last_call),
    "GI-96": (shared.order_of_the_sum_changes,),
    "GI-97": (shared.reused_buffer,),
    "GI-98": (shared.read_as_contiguous,),
    "GI-99": (shared.expanded_read_as_contiguous,),
    "GI-100": (shared.parameters_read_as_contiguous,),
    "GI-101": (shared.dy_read_as_contiguous,),
    "GI-103": (shared.written_into_x, shared.written_into_dy),
    "GI-104": (shared.view_of_x,),
    "GI-86": (only_the_last_dimension, batchnorm.weight_along_the_last_axis),
    "GI-105": (shared.last_value_dropped, shared.incomplete_block_dropped, shared.one_size_wrong, shared.last_row_dropped),
    "GI-106": (zero_where_one_value,),
    "GI-108": (shared.float32_result,),
    "GI-109": (shared.parameters_in_half, shared.parameter_gradients_returned_in_half, shared.x_hat_in_half_for_dweight,),
    "GI-113": (shared.nan_taken_for_zero, shared.nan_left_out, shared.nan_everywhere),
    "GI-114": (shared.infinity_clipped,),
    "GI-115": (shared.constant_divided_by_zero,),
    "GI-107": (shared.folded_scale_and_shift,),
    "GI-116": (shared.scaled_by_a_reciprocal,),
    "GI-83": (shared.statistics_taken_for_constants, shared.mean_term_missing, shared.mean_term_twice,
              shared.variance_term_missing, shared.variance_term_added, shared.sums_for_the_means_of_dx,
              shared.variance_term_over_n_minus_1, shared.terms_without_the_weight, shared.variance_term_without_the_weight, shared.mean_term_without_the_weight, shared.dx_without_the_weight,
              shared.x_hat_from_y, shared.dx_divided_by_the_variance, shared.variance_term_with_y,
              shared.variance_term_with_x, shared.gradient_clipped),
    "GI-118": (shared.dweight_without_x_hat, shared.dweight_not_divided, shared.dweight_not_centered, shared.dweight_with_the_weight,
               shared.dweight_with_y, batchnorm.gradients_of_the_positions_dropped,
               batchnorm.gradients_averaged_over_positions, shared.dweight_and_dbias_swapped,
               shared.parameter_gradients_averaged, shared.parameter_gradients_of_the_last_row),
    "GI-119": (shared.dbias_with_the_weight, shared.dbias_zero),
    "GI-120": (shared.parameter_gradients_summed_in_half, shared.parameter_gradients_drop_the_last_rows),
    "GI-121": (shared.variance_term_a_little_off, shared.mean_term_a_little_off, shared.dx_in_16_bits),
    "GI-122": (shared.statistics_saved_in_half,),
    "GI-123": (shared.backward_without_eps, shared.backward_with_the_default_eps),
    "GI-124": (shared.dx_depends_on_what_else_is_asked_for,),
    "GI-125": (shared.weight_decay_in_the_gradient, shared.gradient_of_a_zero_dy_is_nan),
    "GI-102": (shared.backward_not_differentiable, shared.second_order_lacks_the_deviation),
    "GI-126": (shared.dx_not_divided,),
    "GI-127": (shared.long_weight_cut,),
    "GI-128": (shared.default_dtype_changed, shared.gradients_switched_off, shared.random_numbers_drawn,
               shared.warnings_silenced, shared.one_thread_left),
}  # fmt: skip
