"""BatchNorm with one thing wrong: the clause that each mistake breaks."""

from __future__ import annotations

import torch
from torch import Tensor

from mistakes import shared
from mistakes.steps import BatchNorm

NORM = BatchNorm


class each_sample_alone(shared.Shared):
    """Mean and variance are taken over each sample's features, as LayerNorm has it.

    Does each column of your output have mean 0, or each row?
    """

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return tuple(range(1, self.x.ndim))

    def update(self, mean: Tensor, variance: Tensor) -> None: ...


class positions_not_averaged(shared.Shared):
    """Mean and variance are taken over the batch alone: every position gets statistics of its own.

    How many means does a batch of images with 3 channels have?
    """

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return (0,)

    def per_channel(self, statistic: Tensor) -> Tensor:
        return statistic.flatten(2).mean(-1).reshape(-1) if statistic.ndim > 2 else statistic.reshape(-1)


class batch_left_out(shared.Shared):
    """Mean and variance are taken over the positions of each sample alone, as InstanceNorm has it.

    Does a sample's y depend on its neighbours in the batch?
    """

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return tuple(range(2, self.x.ndim)) or (0,)

    def per_channel(self, statistic: Tensor) -> Tensor:
        return statistic.mean(0).reshape(-1)


class channels_flattened_without_a_permute(shared.Shared):
    """(N, C, H, W) is reshaped to (-1, C) without moving the channels to the end first.

    Which values stand in a column after x.reshape(-1, C)?
    """

    seen = ("https://github.com/haofeixu/cs231n/pull/3",)

    def grouped(self, t: Tensor) -> Tensor:
        return t.reshape(-1, t.shape[1]) if t.ndim > 2 else t

    @property
    def axes(self) -> tuple[int, ...]:  # type: ignore[override]
        return (0,)

    def given(self, values: Tensor) -> Tensor:
        return values.to(self.wide)


class channels_last_assumed(shared.Shared):
    """The last dimension is taken for the channels.

    Which dimension of your x holds the channels, the second or the last?
    """

    def grouped(self, t: Tensor) -> Tensor:
        return t.movedim(-1, 1) if t.ndim > 2 and t.shape[1] == t.shape[-1] else t


class running_statistics_in_training(shared.Shared):
    """Training normalizes with the running statistics.

    Whose mean is 0 after your norm: the batch's, or that of earlier ones?
    """

    seen = ("https://github.com/apache/systemds/pull/390",)

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean, deviation = super().statistics(h)
        if self.running_mean is None:
            return mean, deviation
        return self.given(self.running_mean).detach().clone(), self.root(self.given(self.running_var).detach().clone())


class grad_mode_taken_for_training(shared.Shared):
    """Whether gradients are recorded decides what normalizes, not the training flag.

    What does model.train() inside torch.no_grad() do?
    """

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        if self.running_mean is not None:
            self.training = self.training and torch.is_grad_enabled()
        return super().statistics(h)


class running_statistics_never_updated(shared.Shared):
    """The running statistics stay what they were.

    What are running_mean and running_var after a hundred batches?
    """

    seen = ("https://github.com/paiml/aprender/pull/2166", "https://github.com/keras-team/keras-core/pull/339")

    def update(self, mean: Tensor, variance: Tensor) -> None: ...


class running_statistics_replaced(shared.Shared):
    """The running statistics are those of the last batch: momentum is not used.

    What part of the old value is left after a batch?
    """

    def moved(self, running: Tensor, batch: Tensor) -> Tensor:
        return batch


class momentum_fixed(shared.Shared):
    """momentum is 0.1, whatever the caller gives.

    Where does the caller's momentum go?
    """

    seen = ("https://github.com/apache/tvm/pull/18704",)

    def moved(self, running: Tensor, batch: Tensor) -> Tensor:
        return 0.9 * running + 0.1 * batch


class momentum_weighs_both(shared.Shared):
    """Old value and batch are both multiplied by momentum.

    To what do the two weights add up?
    """

    def moved(self, running: Tensor, batch: Tensor) -> Tensor:
        return self.momentum * running + self.momentum * batch


class old_value_kept_whole(shared.Shared):
    """The batch is added to the old value, which keeps its weight of 1.

    To what do the two weights add up?
    """

    def moved(self, running: Tensor, batch: Tensor) -> Tensor:
        return running + self.momentum * batch


class running_deviation_stored(shared.Shared):
    """The running variance is updated with the deviation, the root of the variance.

    Is what you store squared?
    """

    def stored(self, variance: Tensor, n: int) -> Tensor:
        return super().stored(variance, n).sqrt()


class eps_in_the_running_variance(shared.Shared):
    """The running variance is stored with eps added, so that evaluation adds it twice.

    How large is running_var after batches of a constant?
    """

    seen = ("https://github.com/chainer/chainer/pull/4505", "https://github.com/nntrainer/nntrainer/pull/677")

    dtypes = ("float64", "float32", "float16")

    def stored(self, variance: Tensor, n: int) -> Tensor:
        return super().stored(variance, n) + 100 * self.eps


class correction_upside_down(shared.Shared):
    """The running variance is multiplied by (n - 1) / n, not by n / (n - 1).

    Which of the two variances is larger, the biased or the unbiased one?
    """

    def stored(self, variance: Tensor, n: int) -> Tensor:
        return variance * (n - 1) / n


class correction_by_the_samples_alone(shared.Shared):
    """The stored variance is corrected by N / (N - 1) with N the samples, though each has several positions.

    How many values does each variance come from?
    """

    def stored(self, variance: Tensor, n: int) -> Tensor:
        return super().stored(variance, self.x.shape[0])


class running_mean_of_the_sums(shared.Shared):
    """The running mean is updated with n times the mean, the sum.

    By how much does the running mean move in a batch of ones?
    """

    def update(self, mean: Tensor, variance: Tensor) -> None:
        super().update(mean * self.count(self.grouped(self.x)), variance)


class updated_twice(shared.Shared):
    """The running statistics are updated twice in a call.

    How often does your forward run in a step, with checkpointing too?
    """

    seen = ("https://github.com/pytorch/pytorch/issues/96136",)

    def update(self, mean: Tensor, variance: Tensor) -> None:
        super().update(mean, variance)
        super().update(mean, variance)


class running_variance_by_one_pass(shared.Shared):
    """The variance that is stored is mean(x²) - mean(x)², in the arithmetic of x.

    What is left of 100.5² - 100² in the digits that you have?
    """

    dtypes = ("float64", "float32", "float16")

    def update(self, mean: Tensor, variance: Tensor) -> None:
        narrow = torch.float64 if self.dtype == torch.float64 else torch.float32
        h, mean_narrow = self.grouped(self.x).to(narrow), mean.to(narrow)
        square = (h * h).to(narrow).sum(self.axes, keepdim=True) / self.count(h)
        super().update(mean, (square - mean_narrow * mean_narrow).to(self.wide))


class running_variance_about_a_rounded_mean(shared.Shared):
    """The variance that is stored is taken about a mean rounded to 16 bits.

    Is the mean that you subtract the same that you print?
    """

    dtypes = shared.HALVES

    def update(self, mean: Tensor, variance: Tensor) -> None:
        h = self.grouped(self.x.to(self.wide))
        super().update(mean, self.average((h - mean.to(self.dtype).to(self.wide)) ** 2))


class running_variance_about_the_running_mean(shared.Shared):
    """The variance that is stored is taken about the running mean, just updated, not about the batch's.

    Which mean do you subtract before you square?
    """

    def update(self, mean: Tensor, variance: Tensor) -> None:
        if self.training and self.running_mean is not None:
            updated = self.moved(self.running_mean.to(self.wide), self.per_channel(mean))
            variance = variance + (mean - updated.reshape(-1, *(1,) * (self.x.ndim - 2))) ** 2
        super().update(mean, variance)


class variance_of_two_halves_averaged(shared.Shared):
    """The batch is reduced in two halves, whose variances about their own means are averaged.

    Two halves, one all 0 and one all 2: what is the variance of both together?
    """

    seen = ("https://github.com/pytorch/pytorch/issues/22192",)

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        half = h.shape[0] // 2
        if half == 0:
            return super().variance(h, mean)
        squares = [self.total((part - self.average(part)) ** 2) for part in (h[:half], h[half:])]
        return sum(squares[1:], squares[0]) / self.count(h)


class zero_debiased_average(shared.Shared):
    """The running statistics are divided by 1 - (1 - momentum)^k, as Adam corrects its own.

    What is the running mean after one batch that starts at 0 with momentum 0.5?
    """

    def moved(self, running: Tensor, batch: Tensor) -> Tensor:
        return super().moved(running, batch) / (1 - (1 - self.momentum) ** 2)


class batch_statistics_in_evaluation(shared.Shared):
    """Evaluation normalizes with the batch's own statistics.

    In evaluation, does a sample's y depend on its neighbours?
    """

    seen = ("https://github.com/pytorch/pytorch/issues/53887", "https://github.com/pytorch/pytorch/pull/4444")

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean = self.mean(h)
        variance = self.variance(h, mean)
        self.update(mean, variance)
        return mean, self.root(variance)


class running_variance_taken_for_a_deviation(shared.Shared):
    """Evaluation divides by running_var + eps, without the root.

    Is running_var a variance or a deviation?
    """

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean, deviation = super().statistics(h)
        return mean, deviation if self.training else deviation**2


class eps_missing_in_evaluation(shared.Shared):
    """Evaluation leaves eps out of the root.

    Is the root in your evaluation the same as in training?
    """

    seen = ("https://github.com/chainer/chainer/pull/2214",)

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean, deviation = super().statistics(h)
        return mean, deviation if self.training else self.given(self.running_var).sqrt()


class updated_in_evaluation(shared.Shared):
    """Evaluation updates the running statistics.

    Are running_mean and running_var after a test run what they were before?
    """

    def returned(self, y: Tensor) -> Tensor:
        if not self.training and self.running_mean is not None:
            with torch.no_grad():
                self.running_mean.mul_(0.9).add_(0.1)
        return y


class evaluation_gradient_of_training(shared.Shared):
    """In evaluation dx still has the terms of the mean and the variance.

    In evaluation, do mean and variance depend on x?
    """

    seen = ("https://github.com/pytorch/xla/issues/913", "https://github.com/pytorch/pytorch/issues/586")

    def evaluation_gradient(self, G: Tensor, x_hat: Tensor, deviation: Tensor) -> Tensor:
        return self.input_gradient(G, x_hat, deviation)


class nothing_without_running_statistics(shared.Shared):
    """Where there are no running statistics, training normalizes with mean 0 and variance 1.

    What should your training do where running_mean is None?
    """

    def statistics(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mean, deviation = super().statistics(h)
        none = self.running_mean is None
        return (0 * mean, 0 * deviation + self.root(torch.ones_like(deviation))) if none else (mean, deviation)


class weight_along_the_last_axis(shared.Shared):
    """weight and bias are broadcast along the last axis where it has as many values as there are channels, or one channel more.

    Along which axis does torch broadcast (C,) beside (N, C, W)?
    """

    def affine(self, x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        def turned(p: Tensor | None) -> Tensor | None:
            if p is None or x_hat.ndim < 3:
                return p
            flat = p.flatten()
            return flat[torch.arange(x_hat.shape[-1]) % flat.numel()]

        return super().affine(x_hat, turned(weight), turned(bias))


class one_channel_returned_as_it_is(shared.batch_of_one_returned_as_it_is):
    """An x of one channel is returned unnormalized.

    What does your code do where x.shape[1] is 1?
    """

    def lone(self) -> bool:
        return self.x.shape[1] == 1


class zero_where_one_value(shared.Shared):
    """A single value per channel is returned as it is, instead of being refused or giving the bias.

    What is x - mean(x) of a single x?
    """

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        alone = self.training and self.count(d) == 1
        return d + self.x.to(self.wide) if alone else super().standardized(d, deviation)


class gradients_of_the_positions_dropped(shared.Shared):
    """dweight and dbias are summed over the batch, but only at the first position.

    Over which axes do you sum where x is (N, C, H, W)?
    """

    def over_rows(self, t: Tensor) -> Tensor:
        return t.flatten(2)[..., 0].sum(0) if t.ndim > 2 else super().over_rows(t)


class gradients_averaged_over_positions(shared.Shared):
    """dweight and dbias are summed over the batch, but averaged over the positions.

    The same image at twice the size: what happens to your dweight?
    """

    def over_rows(self, t: Tensor) -> Tensor:
        return super().over_rows(t) / (t[0, 0].numel() if t.ndim > 2 else 2)


BREAKS: dict[str, tuple[type, ...]] = {
    "BN-1": (each_sample_alone, variance_of_two_halves_averaged, shared.one_mean_for_the_whole_input, positions_not_averaged, batch_left_out,
             shared.statistics_shared_by_two_rows),
    "BN-21": (shared.divided_by_the_variance, shared.root_taken_twice, shared.square_for_the_root,
              shared.multiplied_by_the_deviation, shared.scaled_to_the_range, shared.mean_absolute_deviation,
              shared.median_for_the_mean, shared.mean_in_half, shared.divided_by_the_padded_size),
    "BN-3": (shared.unbiased_variance, shared.sum_for_the_average),
    "BN-22": (shared.weight_missing, shared.bias_missing, shared.bias_before_the_weight, shared.bias_subtracted,
              shared.one_weight_for_all, shared.weight_twice, shared.parameters_in_reverse, shared.one_plus_weight,
              shared.weight_before_the_statistics, shared.absolute_weight, shared.weight_zero_taken_for_absent),
    "BN-11": (shared.mean_not_subtracted, shared.root_mean_square_for_deviation, shared.only_scaled),
    "BN-23": (shared.sign_lost, shared.input_clipped),
    "BN-24": (shared.one_pass_variance, shared.clamped_one_pass_variance),
    "BN-30": (shared.sums_in_half, shared.count_in_half, shared.only_the_first_block, shared.values_beyond_the_first_block_left_out, shared.rows_beyond_the_grid),
    "BN-25": (shared.statistics_in_half, shared.squares_in_half, shared.large_values_overflow, shared.output_clipped),
    "BN-31": (shared.rounded_towards_zero, shared.rstd_of_12_bits, shared.rstd_in_half),
    "BN-32": (shared.padding_in_the_variance,),
    "BN-7": (running_statistics_in_training,),
    "BN-5": (grad_mode_taken_for_training,),
    "BN-14": (running_statistics_never_updated, running_statistics_replaced, momentum_fixed, momentum_weighs_both,
              old_value_kept_whole, running_deviation_stored, eps_in_the_running_variance, correction_upside_down, correction_by_the_samples_alone,
              running_mean_of_the_sums, updated_twice, running_variance_about_the_running_mean),
    "BN-16": (running_variance_by_one_pass, running_variance_about_a_rounded_mean),
    "BN-12": (batch_statistics_in_evaluation, running_variance_taken_for_a_deviation),
    "BN-17": (updated_in_evaluation,),
    "BN-18": (evaluation_gradient_of_training,),
    "BN-19": (zero_debiased_average,),
    "BN-20": (nothing_without_running_statistics,),
    "BN-27": (shared.eps_outside_the_root, shared.eps_missing, shared.eps_as_a_floor, shared.deviation_not_below_eps,
              shared.eps_only_for_constants, shared.small_deviations_flushed, shared.eps_after_scaling_by_the_largest),
    "BN-33": (shared.eps_fixed, shared.eps_twice, shared.eps_squared, shared.eps_divided_by_n,
              shared.eps_added_to_the_length, shared.eps_in_half_precision),
    "BN-36": (shared.default_eps_of_a_tenth,),
    "BN-37": (shared.bias_ignored_without_a_weight, shared.weight_ignored_without_a_bias, shared.absent_weight_is_zero),
    "BN-28": (shared.statistics_of_the_first_row,),
    "BN-29": (one_channel_returned_as_it_is,),
    "BN-34": (shared.blocks_depend_on_the_batch,),
    "BN-38": (shared.statistics_kept_from_the_first_call, shared.parameters_kept_from_the_first_call, shared.running_average_of_the_statistics, shared.statistics_saved_by_the_last_call),
    "BN-39": (shared.order_of_the_sum_changes,),
    "BN-40": (shared.reused_buffer,),
    "BN-41": (shared.read_as_contiguous,),
    "BN-42": (shared.expanded_read_as_contiguous,),
    "BN-43": (shared.parameters_read_as_contiguous,),
    "BN-44": (shared.dy_read_as_contiguous,),
    "BN-46": (shared.written_into_x, shared.written_into_dy),
    "BN-47": (shared.view_of_x,),
    "BN-2": (channels_flattened_without_a_permute, weight_along_the_last_axis),
    "BN-48": (shared.last_value_dropped, shared.incomplete_block_dropped, shared.one_size_wrong, shared.last_row_dropped),
    "BN-6": (zero_where_one_value,),
    "BN-50": (shared.float32_result,),
    "BN-51": (shared.parameters_in_half, shared.parameter_gradients_returned_in_half, shared.x_hat_in_half_for_dweight,),
    "BN-55": (shared.nan_taken_for_zero, shared.nan_left_out, shared.nan_everywhere),
    "BN-56": (shared.infinity_clipped,),
    "BN-57": (shared.constant_divided_by_zero,),
    "BN-49": (shared.folded_scale_and_shift,),
    "BN-58": (shared.scaled_by_a_reciprocal,),
    "BN-26": (shared.statistics_taken_for_constants, shared.mean_term_missing, shared.mean_term_twice,
              shared.variance_term_missing, shared.variance_term_added, shared.sums_for_the_means_of_dx,
              shared.variance_term_over_n_minus_1, shared.last_block_of_the_variance_term, shared.terms_without_the_weight, shared.variance_term_without_the_weight, shared.mean_term_without_the_weight,
              shared.dx_without_the_weight, shared.x_hat_from_y, shared.dx_divided_by_the_variance,
              shared.variance_term_with_y, shared.variance_term_with_x, shared.upstream_gradient_of_the_residual_inside,
              shared.variance_saved_for_the_reciprocal_root, shared.gradient_clipped),
    "BN-60": (shared.dweight_without_x_hat, shared.dweight_not_divided, shared.dweight_not_centered, shared.dweight_with_the_weight,
              shared.dweight_with_y, gradients_of_the_positions_dropped, gradients_averaged_over_positions,
              shared.dweight_and_dbias_swapped, shared.parameter_gradients_averaged,
              shared.parameter_gradients_of_the_last_row),
    "BN-61": (shared.dbias_with_the_weight, shared.dbias_zero),
    "BN-62": (shared.parameter_gradients_summed_in_half, shared.parameter_gradients_drop_the_last_rows),
    "BN-63": (shared.variance_term_a_little_off, shared.mean_term_a_little_off, shared.dx_in_16_bits),
    "BN-64": (shared.statistics_saved_in_half,),
    "BN-65": (shared.backward_without_eps, shared.backward_with_the_default_eps),
    "BN-66": (shared.dx_depends_on_what_else_is_asked_for,),
    "BN-67": (shared.weight_decay_in_the_gradient, shared.gradient_of_a_zero_dy_is_nan),
    "BN-45": (shared.backward_not_differentiable, shared.second_order_lacks_the_deviation),
    "BN-68": (shared.dx_not_divided,),
    "BN-69": (shared.long_weight_cut,),
    "BN-70": (shared.default_dtype_changed, shared.gradients_switched_off, shared.random_numbers_drawn,
              shared.warnings_silenced, shared.one_thread_left),
}  # fmt: skip
