"""RMSNorm with one thing wrong: the clause that each mistake breaks."""

from __future__ import annotations

from torch import Tensor

from mistakes import layernorm, shared
from mistakes.steps import RMSNorm

NORM = RMSNorm


class mean_subtracted(shared.Shared):
    """The mean is subtracted and the variance taken about it: this is LayerNorm.

    Does your output sum to 0, as that of RMSNorm does not?
    """

    seen = ("https://github.com/sonos/tract/issues/2646",)

    def mean(self, h: Tensor) -> Tensor:
        return self.average(h)

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        return self.average((h - mean) ** 2)


class deviation_for_the_root_mean_square(shared.Shared):
    """x is divided by its standard deviation, about the mean, though nothing is subtracted.

    What is the root mean square of [3, 4], and what its standard deviation?
    """

    seen = ("https://github.com/keras-team/keras/issues/21234",)

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        return self.average((h - self.average(h)) ** 2)


class bias_of_one_tenth(shared.Shared):
    """A shift of 0.1 is added to y.

    What is y where x is 0?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return super().affine(x_hat, weight, bias) + 0.1


class partial_root_mean_square(shared.Shared):
    """The root mean square is estimated from the first quarter of the features, as pRMSNorm does.

    Which features does your sum of squares see?
    """

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        return (h[..., : max(1, h.shape[-1] // 4)] ** 2).mean(self.axes, keepdim=True)


class mean_of_absolute_values(shared.Shared):
    """x is divided by the mean of |x|, not by the root of the mean square.

    For [3, 4], is your divisor 3.5 or 3.5355?
    """

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        return self.average(h.abs()) ** 2


class zero_for_one_value(shared.Shared):
    """A row of one value gives 0.

    What is the root mean square of -2, and what is -2 divided by it?
    """

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return 0 * d if self.count(d) == 1 else super().standardized(d, deviation)


class mean_square_by_the_variance(shared.Shared):
    """The mean square is put together from variance and mean² in x's own 16 bits.

    How many digits of the variance are left beside mean²?
    """

    dtypes = ("float16",)

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        center = self.average(h)
        return shared.narrow(
            shared.narrow(self.average((h - center) ** 2), self.dtype) + shared.narrow(center**2, self.dtype),
            self.dtype,
        )


class zero_row_divided(shared.Shared):
    """The backward divides by the row's own length, which is 0 for a row of zeros.

    What is dx where x is 0?
    """

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return super().variance_term(G, x_hat) + 0 / self.total(x_hat**2)


class mean_term_subtracted(shared.Shared):
    """dx loses mean(G), the term of LayerNorm's mean, though nothing is subtracted from x.

    What in the forward depends on the mean of x?
    """

    def mean_term(self, G: Tensor) -> Tensor:
        return self.average(G)


BREAKS: dict[str, tuple[type, ...]] = {
    "RM-3": (layernorm.axis_of_the_batch, shared.one_mean_for_the_whole_input, layernorm.all_but_the_first_dimension,
             shared.statistics_shared_by_two_rows),
    "RM-1": (mean_subtracted, shared.divided_by_the_variance, shared.square_for_the_root,
             shared.root_taken_twice, shared.multiplied_by_the_deviation, shared.divided_by_the_largest,
             partial_root_mean_square, mean_of_absolute_values, bias_of_one_tenth),
    "RM-6": (shared.unbiased_variance, shared.sum_for_the_average),
    "RM-2": (shared.weight_missing, shared.one_weight_for_all, shared.parameters_in_reverse, shared.weight_twice,
             shared.weight_before_the_statistics, shared.absolute_weight, shared.weight_zero_taken_for_absent),
    "RM-5": (shared.sign_lost, shared.input_clipped),
    "RM-14": (deviation_for_the_root_mean_square, mean_square_by_the_variance),
    "RM-17": (shared.sums_in_half, shared.count_in_half, shared.only_the_first_block, shared.values_beyond_the_first_block_left_out, shared.rows_beyond_the_grid),
    "RM-11": (shared.squares_in_half, shared.large_values_overflow, shared.output_clipped),
    "RM-18": (shared.rounded_towards_zero, shared.rstd_of_12_bits, shared.rstd_in_half, shared.statistics_in_half),
    "RM-19": (shared.divided_by_the_padded_size,),
    "RM-7": (shared.eps_outside_the_root, shared.eps_missing, shared.eps_as_a_floor, shared.deviation_not_below_eps,
             shared.eps_added_to_x, shared.eps_only_for_constants, shared.small_deviations_flushed,
             shared.eps_after_scaling_by_the_largest),
    "RM-20": (shared.eps_fixed, shared.eps_twice, shared.eps_squared, shared.eps_divided_by_n,
              shared.eps_added_to_the_length, shared.eps_in_half_precision),
    "RM-8": (shared.default_eps_of_a_tenth,),
    "RM-22": (shared.absent_weight_is_zero,),
    "RM-15": (shared.statistics_of_the_first_row,),
    "RM-16": (shared.batch_of_one_returned_as_it_is,),
    "RM-13": (shared.blocks_depend_on_the_batch,),
    "RM-23": (shared.statistics_kept_from_the_first_call, shared.parameters_kept_from_the_first_call, shared.running_average_of_the_statistics, shared.statistics_saved_by_the_last_call),
    "RM-24": (shared.order_of_the_sum_changes,),
    "RM-25": (shared.reused_buffer,),
    "RM-26": (shared.read_as_contiguous,),
    "RM-27": (shared.expanded_read_as_contiguous,),
    "RM-28": (shared.parameters_read_as_contiguous,),
    "RM-29": (shared.dy_read_as_contiguous,),
    "RM-31": (shared.written_into_x, shared.written_into_dy),
    "RM-32": (shared.view_of_x,),
    "RM-33": (layernorm.axis_one,),
    "RM-34": (layernorm.only_the_last_dimension,),
    "RM-35": (shared.last_value_dropped, shared.incomplete_block_dropped, shared.one_size_wrong, shared.last_row_dropped),
    "RM-36": (shared.empty_batch_refused,),
    "RM-37": (zero_for_one_value,),
    "RM-38": (shared.float32_result,),
    "RM-39": (shared.parameters_in_half, shared.parameter_gradients_returned_in_half, shared.x_hat_in_half_for_dweight,),
    "RM-42": (shared.nan_taken_for_zero, shared.nan_left_out, shared.nan_everywhere),
    "RM-43": (shared.infinity_clipped,),
    "RM-44": (shared.constant_divided_by_zero,),
    "RM-45": (shared.scaled_by_a_reciprocal,),
    "RM-12": (shared.statistics_taken_for_constants, mean_term_subtracted, shared.variance_term_added,
              shared.sums_for_the_means_of_dx, shared.variance_term_over_n_minus_1, shared.variance_term_without_the_weight,
              shared.weight_twice_in_the_variance_term, shared.last_block_of_the_variance_term, shared.dx_without_the_weight,
              shared.x_hat_from_y, shared.dx_divided_by_the_variance, shared.variance_term_with_y,
              shared.variance_term_with_x, shared.upstream_gradient_of_the_residual_inside,
              shared.variance_saved_for_the_reciprocal_root, shared.gradient_clipped),
    "RM-47": (shared.dweight_without_x_hat, shared.dweight_with_the_weight,
              layernorm.weight_gradient_over_the_features, shared.parameter_gradients_averaged,
              shared.parameter_gradients_of_the_last_row),
    "RM-48": (shared.parameter_gradients_summed_in_half, shared.parameter_gradients_drop_the_last_rows),
    "RM-49": (shared.variance_term_a_little_off, shared.dx_in_16_bits),
    "RM-50": (shared.statistics_saved_in_half,),
    "RM-51": (zero_row_divided, shared.backward_without_eps, shared.backward_with_the_default_eps),
    "RM-52": (shared.dx_depends_on_what_else_is_asked_for,),
    "RM-53": (shared.weight_decay_in_the_gradient, shared.gradient_of_a_zero_dy_is_nan),
    "RM-30": (shared.backward_not_differentiable, shared.second_order_lacks_the_deviation),
    "RM-54": (shared.dx_not_divided,),
    "RM-55": (shared.long_weight_cut,),
    "RM-56": (layernorm.shape_ignored,),
    "RM-57": (shared.default_dtype_changed, shared.gradients_switched_off, shared.random_numbers_drawn,
              shared.warnings_silenced, shared.one_thread_left),
}  # fmt: skip
