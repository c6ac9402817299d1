"""LayerNorm with one thing wrong: the clause that each mistake breaks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mistakes import shared
from mistakes.steps import LayerNorm

NORM = LayerNorm


class axis_of_the_batch(shared.Shared):
    """Mean and variance are taken over the first axis, the batch, as BatchNorm has it.

    Which index names the row, and over which do you average?
    """

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return (0,)

    @axes.setter
    def axes(self, axes: Any) -> None: ...


class axis_one(shared.Shared):
    """Mean and variance are taken over axis 1, which is the last one in two dimensions alone.

    How many dimensions has your x, and which is the last?
    """

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return (1,) if self.x.ndim > 1 else (-1,)

    @axes.setter
    def axes(self, axes: Any) -> None: ...


class only_the_last_dimension(shared.Shared):
    """With several normalized dimensions, only the last one is normalized.

    Over how many values is the mean taken where normalized_shape is (3, 4)?
    """

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return (-1,)

    @axes.setter
    def axes(self, axes: Any) -> None: ...


class all_but_the_first_dimension(shared.Shared):
    """Mean and variance are taken over all dimensions but the first: time and features together.

    Change a later token: do the earlier ones change?
    """

    seen = ("https://github.com/bkitano/llama-from-scratch/issues/4",)

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return tuple(range(1, self.x.ndim)) or (-1,)

    @axes.setter
    def axes(self, axes: Any) -> None: ...


class weight_gradient_over_the_features(shared.Shared):
    """dweight is summed over the last axis, the features, and spread over them again.

    Which index of dweight is left when you sum: the row's or the feature's?
    """

    def weight_gradient(self, dy: Tensor, x_hat: Tensor) -> Tensor:
        rows = (dy * x_hat).reshape(-1, *self.parameter_shape)
        return rows.sum().expand(self.parameter_shape)


class bias_gradient_over_the_features(shared.Shared):
    """dbias is summed over the features as well.

    Which index of dbias is left when you sum: the row's or the feature's?
    """

    def bias_gradient(self, dy: Tensor) -> Tensor:
        return dy.sum().expand(self.parameter_shape)


class shape_ignored(shared.Shared):
    """normalized_shape is not compared with x: what does not fit is computed all the same.

    What does your code do where normalized_shape and x do not fit?
    """

    def check(self) -> None:
        if self.weight is None and self.bias is None:
            self.axes = tuple(range(-len(self.parameter_shape), 0))
            self.normalized_shape = tuple(self.x.shape[self.x.ndim - len(self.parameter_shape) :])
        super().check()


class one_value_is_its_own_x_hat(shared.Shared):
    """A row of one value gives 1, times weight, plus bias.

    What is x - mean(x) of a single x?
    """

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return torch.ones_like(d) if self.count(d) == 1 else super().standardized(d, deviation)


BREAKS: dict[str, tuple[type, ...]] = {
    "LN-1": (axis_of_the_batch, shared.one_mean_for_the_whole_input, all_but_the_first_dimension,
             shared.statistics_shared_by_two_rows),
    "LN-2": (shared.divided_by_the_variance, shared.root_taken_twice, shared.square_for_the_root,
             shared.multiplied_by_the_deviation, shared.scaled_to_the_range,
             shared.divided_by_the_largest, shared.mean_absolute_deviation, shared.median_for_the_mean, shared.mean_in_half),
    "LN-3": (shared.unbiased_variance, shared.sum_for_the_average),
    "LN-6": (shared.weight_missing, shared.bias_missing, shared.bias_before_the_weight, shared.bias_subtracted,
             shared.bias_twice, shared.bias_divided_by_the_deviation, shared.one_weight_for_all, shared.parameters_in_reverse,
             shared.weight_twice, shared.weight_before_the_statistics, shared.absolute_weight,
             shared.weight_zero_taken_for_absent),
    "LN-7": (shared.mean_not_subtracted, shared.root_mean_square_for_deviation, shared.only_scaled,
             shared.variance_before_the_mean_is_subtracted_twice),
    "LN-8": (shared.sign_lost, shared.input_clipped),
    "LN-12": (shared.one_pass_variance, shared.clamped_one_pass_variance),
    "LN-15": (shared.sums_in_half, shared.count_in_half, shared.only_the_first_block, shared.values_beyond_the_first_block_left_out, shared.rows_beyond_the_grid),
    "LN-13": (shared.statistics_in_half, shared.squares_in_half, shared.large_values_overflow, shared.output_clipped),
    "LN-16": (shared.rounded_towards_zero, shared.rstd_of_12_bits, shared.rstd_in_half),
    "LN-17": (shared.divided_by_the_padded_size, shared.padding_in_the_variance),
    "LN-5": (shared.eps_outside_the_root, shared.eps_missing, shared.eps_as_a_floor, shared.deviation_not_below_eps,
             shared.eps_added_to_x, shared.eps_only_for_constants,
             shared.small_deviations_flushed),
    "LN-18": (shared.eps_fixed, shared.eps_twice, shared.eps_squared, shared.eps_divided_by_n,
              shared.eps_added_to_the_length,              shared.eps_in_half_precision),
    "LN-21": (shared.default_eps_of_a_tenth,),
    "LN-22": (shared.bias_ignored_without_a_weight, shared.weight_ignored_without_a_bias, shared.absent_weight_is_zero),
    "LN-11": (shared.statistics_of_the_first_row,),
    "LN-10": (shared.batch_of_one_returned_as_it_is,),
    "LN-19": (shared.blocks_depend_on_the_batch,),
    "LN-23": (shared.statistics_kept_from_the_first_call, shared.parameters_kept_from_the_first_call, shared.running_average_of_the_statistics, shared.statistics_saved_by_the_last_call),
    "LN-24": (shared.order_of_the_sum_changes,),
    "LN-25": (shared.reused_buffer,),
    "LN-26": (shared.read_as_contiguous,),
    "LN-27": (shared.expanded_read_as_contiguous,),
    "LN-28": (shared.parameters_read_as_contiguous,),
    "LN-29": (shared.dy_read_as_contiguous,),
    "LN-31": (shared.written_into_x, shared.written_into_dy),
    "LN-32": (shared.view_of_x,),
    "LN-33": (axis_one,),
    "LN-34": (only_the_last_dimension,),
    "LN-35": (shared.last_value_dropped, shared.incomplete_block_dropped, shared.one_size_wrong, shared.last_row_dropped),
    "LN-36": (shared.empty_batch_refused,),
    "LN-37": (one_value_is_its_own_x_hat,),
    "LN-39": (shared.float32_result,),
    "LN-40": (shared.parameters_in_half, shared.parameter_gradients_returned_in_half, shared.x_hat_in_half_for_dweight,),
    "LN-45": (shared.nan_taken_for_zero, shared.nan_left_out, shared.nan_everywhere),
    "LN-46": (shared.infinity_clipped,),
    "LN-47": (shared.constant_divided_by_zero,),
    "LN-38": (shared.folded_scale_and_shift,),
    "LN-48": (shared.scaled_by_a_reciprocal,),
    "LN-14": (shared.statistics_taken_for_constants, shared.mean_term_missing, shared.mean_term_twice,
              shared.weight_twice_in_the_variance_term, shared.last_block_of_the_variance_term,
              shared.upstream_gradient_of_the_residual_inside, shared.variance_saved_for_the_reciprocal_root, shared.variance_term_missing,
              shared.variance_term_added, shared.sums_for_the_means_of_dx, shared.variance_term_over_n_minus_1,
              shared.terms_without_the_weight, shared.variance_term_without_the_weight, shared.mean_term_without_the_weight, shared.dx_without_the_weight, shared.x_hat_from_y,
              shared.dx_divided_by_the_variance, shared.variance_term_with_y, shared.variance_term_with_x,
              shared.gradient_clipped),
    "LN-50": (shared.dweight_without_x_hat, shared.dweight_not_divided, shared.dweight_not_centered, shared.dweight_with_the_weight,
              shared.dweight_with_y, weight_gradient_over_the_features, shared.dweight_and_dbias_swapped,
              shared.parameter_gradients_averaged, shared.parameter_gradients_of_the_last_row),
    "LN-51": (shared.dbias_with_the_weight, shared.dbias_zero, bias_gradient_over_the_features),
    "LN-52": (shared.parameter_gradients_summed_in_half, shared.parameter_gradients_drop_the_last_rows),
    "LN-53": (shared.variance_term_a_little_off, shared.mean_term_a_little_off, shared.dx_in_16_bits),
    "LN-54": (shared.statistics_saved_in_half,),
    "LN-55": (shared.backward_without_eps, shared.backward_with_the_default_eps),
    "LN-56": (shared.dx_depends_on_what_else_is_asked_for,),
    "LN-57": (shared.weight_decay_in_the_gradient, shared.gradient_of_a_zero_dy_is_nan),
    "LN-30": (shared.backward_not_differentiable, shared.second_order_lacks_the_deviation),
    "LN-58": (shared.dx_not_divided,),
    "LN-59": (shared.long_weight_cut,),
    "LN-60": (shape_ignored,),
    "LN-61": (shared.default_dtype_changed, shared.gradients_switched_off, shared.random_numbers_drawn,
              shared.warnings_silenced, shared.one_thread_left),
}  # fmt: skip
