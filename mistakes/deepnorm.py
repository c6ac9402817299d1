"""DeepNorm with one thing wrong: the clause that each mistake breaks."""

from __future__ import annotations

import torch
from torch import Tensor

from mistakes import layernorm, shared
from mistakes.steps import DeepNorm

NORM = DeepNorm


class alpha_on_the_sublayer(shared.Shared):
    """alpha multiplies the sublayer's output, not the residual x.

    Which of the two roads is scaled up: the one around the sublayer, or the one through it?
    """

    seen = ("https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/145",)

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return x + self.alpha * sublayer_output


class alpha_missing(shared.Shared):
    """alpha is not used: LayerNorm(x + sublayer_output) is Post-LN.

    Does your y change with alpha?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return x + sublayer_output


class alpha_on_both(shared.Shared):
    """alpha multiplies the residual and the sublayer's output.

    What does LayerNorm do to a factor that all of its input shares?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return self.alpha * (x + sublayer_output)


class residual_missing(shared.Shared):
    """x is not added: only the sublayer's output is normalized.

    Where is x in your sum?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return sublayer_output


class sublayer_missing(shared.Shared):
    """The sublayer's output is not added: only x is normalized.

    Does your y change with the sublayer?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return self.alpha * x


class alpha_after_the_norm(shared.Shared):
    """alpha multiplies x_hat, after the norm.

    What is the variance of your output before weight and bias?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return x + sublayer_output

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return self.alpha * super().standardized(d, deviation)


class divided_by_alpha(shared.Shared):
    """The residual is divided by alpha.

    The larger alpha, does the sublayer weigh more or less?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return x / self.alpha + sublayer_output if self.alpha else sublayer_output


class alpha_squared(shared.Shared):
    """The residual is multiplied by alpha squared.

    How often does alpha multiply x in your code?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return self.alpha**2 * x + sublayer_output


class sublayer_subtracted(shared.Shared):
    """The sublayer's output is subtracted.

    What is the sign in front of the sublayer's output?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return self.alpha * x - sublayer_output


class normalized_before_the_sum(shared.Shared):
    """alpha * x + LayerNorm(sublayer_output): the norm stands before the sum.

    What is the mean of your output before weight and bias?
    """

    def forward(self, *inputs: Tensor | None) -> Tensor:
        x, f, weight, bias = (None if t is None else t.to(self.wide) for t in inputs)
        assert x is not None
        assert f is not None
        mean, deviation = self.statistics(f)
        return self.rounded(self.alpha * x + self.affine((f - mean) / deviation, weight, bias))


class absolute_alpha(shared.Shared):
    """alpha's absolute value is used.

    What does an alpha of -1.5 do?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return abs(self.alpha) * x + sublayer_output


class alpha_rounded_to_an_integer(shared.Shared):
    """alpha is rounded to an integer.

    What is alpha for 12 layers, and which type has your variable?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return int(self.alpha) * x + sublayer_output


class alpha_fixed(shared.Shared):
    """alpha is 1.5, whatever the caller gives.

    Where does the caller's alpha go?
    """

    def residual(self, x: Tensor, sublayer_output: Tensor) -> Tensor:
        return 1.5 * x + sublayer_output


class dx_without_alpha(shared.Shared):
    """x gets the gradient of the sum, without alpha.

    y moves by how much when x moves by 1, and by how much when the sublayer's output does?
    """

    def of_inputs(self, dx: Tensor) -> tuple[Tensor, ...]:
        return dx, dx


class alpha_in_both_gradients(shared.Shared):
    """The sublayer's output gets alpha times the gradient of the sum, as x does.

    y moves by how much when x moves by 1, and by how much when the sublayer's output does?
    """

    def of_inputs(self, dx: Tensor) -> tuple[Tensor, ...]:
        return self.alpha * dx, self.alpha * dx


class gradients_of_x_and_sublayer_swapped(shared.Shared):
    """x and the sublayer's output get each other's gradient.

    In which order does your backward return its gradients, and in which does the forward take its inputs?
    """

    def of_inputs(self, dx: Tensor) -> tuple[Tensor, ...]:
        return dx, self.alpha * dx


class sublayer_without_a_gradient(shared.Shared):
    """The sublayer's output gets a gradient of 0: the sublayer is not trained.

    y moves by how much when the sublayer's output moves by 1?
    """

    def of_inputs(self, dx: Tensor) -> tuple[Tensor, ...]:
        return self.alpha * dx, 0 * dx


class written_into_the_sublayer_output(shared.Shared):
    """alpha * x + sublayer_output is written into the memory of the sublayer's output.

    Is the sublayer's output the same after the call as before?
    """

    def returned(self, y: Tensor) -> Tensor:
        with torch.no_grad():
            self.sublayer_output.add_(self.alpha * self.x)
        return y


class statistics_in_half(shared.statistics_in_half):
    """Mean and variance are computed in x's own 16 bits.

    What is 300 * 300 in float16?
    """

    # In bfloat16 they are no worse than the sum alpha * x + sublayer_output, which eager code rounds to 16 bits too.
    dtypes = ("float16",)


BREAKS: dict[str, tuple[type, ...]] = {
    "DN-11": (layernorm.axis_of_the_batch, shared.one_mean_for_the_whole_input, layernorm.all_but_the_first_dimension,
              shared.statistics_shared_by_two_rows),
    "DN-1": (alpha_on_the_sublayer, alpha_missing, alpha_on_both, residual_missing, sublayer_missing, alpha_after_the_norm,
             divided_by_alpha, alpha_squared, sublayer_subtracted, normalized_before_the_sum,
             shared.divided_by_the_variance, shared.root_taken_twice, shared.square_for_the_root,
             shared.multiplied_by_the_deviation, shared.scaled_to_the_range, shared.divided_by_the_largest,
             shared.mean_absolute_deviation),
    "DN-5": (absolute_alpha, alpha_rounded_to_an_integer, alpha_fixed),
    "DN-12": (shared.unbiased_variance, shared.sum_for_the_average),
    "DN-14": (shared.weight_missing, shared.bias_missing, shared.bias_before_the_weight, shared.bias_subtracted,
              shared.one_weight_for_all, shared.weight_twice, shared.parameters_in_reverse, shared.weight_before_the_statistics,
              shared.absolute_weight, shared.weight_zero_taken_for_absent),
    "DN-15": (shared.mean_not_subtracted, shared.root_mean_square_for_deviation, shared.only_scaled),
    "DN-16": (shared.sign_lost, shared.input_clipped),
    "DN-18": (shared.one_pass_variance, shared.clamped_one_pass_variance),
    "DN-21": (shared.sums_in_half, shared.only_the_first_block, shared.values_beyond_the_first_block_left_out, shared.rows_beyond_the_grid),
    "DN-19": (statistics_in_half, shared.squares_in_half, shared.large_values_overflow, shared.output_clipped),
    "DN-22": (shared.rounded_towards_zero, shared.rstd_of_12_bits),
    "DN-23": (shared.divided_by_the_padded_size, shared.padding_in_the_variance),
    "DN-13": (shared.eps_outside_the_root, shared.eps_missing, shared.eps_as_a_floor, shared.deviation_not_below_eps,
              shared.eps_only_for_constants, shared.small_deviations_flushed),
    "DN-24": (shared.eps_fixed, shared.eps_twice, shared.eps_squared, shared.eps_divided_by_n,
              shared.eps_added_to_the_length, shared.eps_in_half_precision),
    "DN-27": (shared.default_eps_of_a_tenth,),
    "DN-28": (shared.bias_ignored_without_a_weight, shared.weight_ignored_without_a_bias, shared.absent_weight_is_zero),
    "DN-17": (shared.statistics_of_the_first_row,),
    "DN-6": (shared.batch_of_one_returned_as_it_is,),
    "DN-25": (shared.blocks_depend_on_the_batch,),
    "DN-29": (shared.statistics_kept_from_the_first_call, shared.parameters_kept_from_the_first_call, shared.running_average_of_the_statistics, shared.statistics_saved_by_the_last_call),
    "DN-30": (shared.order_of_the_sum_changes,),
    "DN-31": (shared.reused_buffer,),
    "DN-32": (shared.read_as_contiguous,),
    "DN-33": (shared.expanded_read_as_contiguous,),
    "DN-34": (shared.parameters_read_as_contiguous,),
    "DN-35": (shared.dy_read_as_contiguous,),
    "DN-37": (written_into_the_sublayer_output, shared.written_into_x, shared.written_into_dy),
    "DN-38": (shared.view_of_x,),
    "DN-39": (layernorm.axis_one,),
    "DN-40": (layernorm.only_the_last_dimension,),
    "DN-41": (shared.last_value_dropped, shared.incomplete_block_dropped, shared.one_size_wrong, shared.last_row_dropped),
    "DN-42": (shared.empty_batch_refused,),
    "DN-43": (layernorm.one_value_is_its_own_x_hat,),
    "DN-45": (shared.float32_result,),
    "DN-46": (shared.parameters_in_half, shared.parameter_gradients_returned_in_half, shared.x_hat_in_half_for_dweight,),
    "DN-51": (shared.nan_taken_for_zero, shared.nan_left_out, shared.nan_everywhere),
    "DN-52": (shared.infinity_clipped,),
    "DN-53": (shared.constant_divided_by_zero,),
    "DN-44": (shared.folded_scale_and_shift,),
    "DN-54": (shared.scaled_by_a_reciprocal,),
    "DN-20": (dx_without_alpha, alpha_in_both_gradients, gradients_of_x_and_sublayer_swapped, sublayer_without_a_gradient,
              shared.statistics_taken_for_constants, shared.mean_term_missing, shared.mean_term_twice,
              shared.variance_term_missing, shared.variance_term_added, shared.sums_for_the_means_of_dx,
              shared.variance_term_over_n_minus_1, shared.terms_without_the_weight, shared.variance_term_without_the_weight, shared.mean_term_without_the_weight, shared.dx_without_the_weight,
              shared.x_hat_from_y, shared.dx_divided_by_the_variance, shared.variance_term_with_y, shared.gradient_clipped),
    "DN-56": (shared.dweight_without_x_hat, shared.dweight_not_divided, shared.dweight_not_centered, shared.dweight_with_the_weight,
              shared.dweight_with_y, layernorm.weight_gradient_over_the_features, shared.dweight_and_dbias_swapped,
              shared.parameter_gradients_averaged, shared.parameter_gradients_of_the_last_row),
    "DN-57": (shared.dbias_with_the_weight, shared.dbias_zero, layernorm.bias_gradient_over_the_features),
    "DN-58": (shared.parameter_gradients_summed_in_half, shared.parameter_gradients_drop_the_last_rows),
    "DN-59": (shared.variance_term_a_little_off, shared.mean_term_a_little_off, shared.dx_in_16_bits),
    "DN-60": (shared.statistics_saved_in_half,),
    "DN-61": (shared.backward_without_eps, shared.backward_with_the_default_eps),
    "DN-62": (shared.dx_depends_on_what_else_is_asked_for,),
    "DN-63": (shared.weight_decay_in_the_gradient, shared.gradient_of_a_zero_dy_is_nan),
    "DN-36": (shared.backward_not_differentiable, shared.second_order_lacks_the_deviation),
    "DN-64": (shared.dx_not_divided,),
    "DN-65": (shared.long_weight_cut,),
    "DN-66": (layernorm.shape_ignored,),
    "DN-67": (shared.default_dtype_changed, shared.gradients_switched_off, shared.random_numbers_drawn,
              shared.warnings_silenced, shared.one_thread_left),
}  # fmt: skip
