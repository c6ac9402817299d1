"""GroupNorm with one thing wrong: the clause that each mistake breaks."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mistakes import shared
from mistakes.batchnorm import (
    gradients_averaged_over_positions,
    gradients_of_the_positions_dropped,
    weight_along_the_last_axis,
)
from mistakes.steps import GroupNorm

NORM = GroupNorm


class channels_interleaved(shared.Shared):
    """Channel c belongs to group c % groups, not to group c // (C / groups).

    Which channels share a mean where 6 channels make 2 groups?
    """

    seen = ("https://github.com/tenstorrent/tt-metal/pull/56202",)

    def grouped(self, t: Tensor) -> Tensor:
        return super().grouped(t.unflatten(1, (-1, self.groups)).transpose(1, 2))

    def ungrouped(self, t: Tensor, x: Tensor) -> Tensor:
        return t.reshape(x.shape[0], self.groups, -1, *x.shape[2:]).transpose(1, 2).reshape(x.shape)


class groups_taken_for_channels_per_group(shared.Shared):
    """num_groups is taken for the number of channels in a group.

    Is 2 in GroupNorm(2, 6) the number of groups, or of channels in one?
    """

    seen = (
        "https://github.com/IAmSuyogJadhav/3d-mri-brain-tumor-segmentation-using-autoencoder-regularization/issues/12",
    )

    def grouped(self, t: Tensor) -> Tensor:
        groups = t.shape[1] // self.groups
        return t.reshape(t.shape[0], groups, math.prod(t.shape[1:]) // groups)


class each_channel_alone(shared.Shared):
    """Every channel is normalized alone, as InstanceNorm has it.

    Over how many channels is the mean taken where 6 channels make 2 groups?
    """

    def grouped(self, t: Tensor) -> Tensor:
        return t.flatten(2) if t.ndim > 2 else t[..., None]


class all_channels_together(shared.Shared):
    """All channels of a sample are normalized together, whatever the number of groups.

    If you multiply the last channel by 10, should the first change?
    """

    seen = ("https://github.com/brainpy/BrainPy/issues/765",)

    def grouped(self, t: Tensor) -> Tensor:
        return t.reshape(t.shape[0], 1, math.prod(t.shape[1:]))


class samples_together(shared.Shared):
    """Mean and variance are taken over the batch as well.

    If you add a loud second image, should the first change?
    """

    def total(self, t: Tensor) -> Tensor:
        return t.sum((0, 2), keepdim=True).expand(t.shape[0], -1, 1)

    def count(self, t: Tensor) -> int:
        return t.shape[0] * t.shape[2]


class each_position_alone(shared.Shared):
    """Mean and variance are taken over the channels of a group at each position alone.

    Over how many values is the mean taken where a group has 3 channels of 5 x 7?
    """

    def grouped(self, t: Tensor) -> Tensor:
        return t.reshape(t.shape[0], self.groups, t.shape[1] // self.groups, math.prod(t.shape[2:]))


class one_weight_for_each_group(shared.Shared):
    """The first weight and bias of a group serve all its channels.

    How many weights has GroupNorm(2, 6)?
    """

    seen = ("https://github.com/onnx/onnx/issues/5466", "https://github.com/apache/mxnet/issues/17139")

    def parameter(self, p: Tensor | None) -> Tensor | None:
        size = self.x.shape[1] // self.groups
        return super().parameter(None if p is None else p[torch.arange(p.numel()) // size * size])


class group_of_its_remainder_in_dweight(shared.Shared):
    """dweight takes x_hat of channel c from the statistics of group c % groups.

    Which group does channel 3 of 8 belong to where there are 2?
    """

    seen = ("https://github.com/tenstorrent/tt-metal/pull/56202",)

    def weight_gradient(self, dy: Tensor, x_hat: Tensor) -> Tensor:
        h = self.grouped(self.x.to(self.wide))
        mean = self.mean(h)
        deviation = self.root(self.variance(h, mean))
        other = torch.arange(self.x.shape[1]) % self.groups
        mean, deviation = (self.beside(t[:, other, 0], dy) for t in (mean, deviation))
        return super().weight_gradient(dy, (self.x.to(self.wide) - mean) / deviation)

    @staticmethod
    def beside(t: Tensor, x: Tensor) -> Tensor:
        return t.reshape(*t.shape, *(1,) * (x.ndim - 2))


class last_dimension_taken_for_all_positions(shared.Shared):
    """The terms of dx are divided by the channels of a group times the last dimension, though there are more positions.

    How many values has a group of 3 channels of 5 x 7?
    """

    seen = ("https://github.com/linkedin/Liger-Kernel/pull/1376", "https://github.com/flagos-ai/FlagGems/issues/5392")

    def mean_term(self, G: Tensor) -> Tensor:
        return super().mean_term(G) * self.count(G) / self.assumed()

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return super().variance_term(G, x_hat) * self.count(G) / self.assumed()

    def assumed(self) -> int:
        return self.x.shape[1] // self.groups * (self.x.shape[-1] if self.x.ndim > 2 else 1)


class terms_over_each_channel(shared.Shared):
    """The terms of dx are means over each channel's positions, not over the whole group.

    Over which values does the forward take its mean, and over which the backward?
    """

    def average_of_channels(self, t: Tensor) -> Tensor:
        channels = t.reshape(*t.shape[:2], self.x.shape[1] // self.groups, -1)
        return channels.mean(-1, keepdim=True).expand_as(channels).reshape(t.shape)

    def mean_term(self, G: Tensor) -> Tensor:
        return self.average_of_channels(G)

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return x_hat * self.average_of_channels(G * x_hat)


class variances_of_the_channels_averaged(shared.Shared):
    """A group's variance is the average of its channels' variances about their own means.

    Two channels, one all 0 and one all 2: what is the variance of both together?
    """

    def variance(self, h: Tensor, mean: Tensor) -> Tensor:
        channels = h.reshape(*h.shape[:2], self.x.shape[1] // self.groups, -1)
        return ((channels - channels.mean(-1, keepdim=True)) ** 2).mean((2, 3)).unsqueeze(-1)


class positions_not_counted_in_dx(shared.Shared):
    """The terms of dx are sums over the group divided by its channels alone, not by channels times positions.

    How many values has a group of 3 channels of 5 x 7?
    """

    def average_over_channels(self, t: Tensor) -> Tensor:
        return self.total(t) / (self.x.shape[1] // self.groups)

    def mean_term(self, G: Tensor) -> Tensor:
        return self.average_over_channels(G)

    def variance_term(self, G: Tensor, x_hat: Tensor) -> Tensor:
        return x_hat * self.average_over_channels(G * x_hat)


class remainder_cut_off(shared.Shared):
    """Channels that do not divide into the groups are put into a last, smaller group silently.

    What does your code do with 7 channels and 3 groups?
    """

    def check(self) -> None:
        while self.x.shape[1] % self.groups:
            self.groups -= 1
        super().check()


class one_group_returned_as_it_is(shared.Shared):
    """With one group x is returned unnormalized.

    What does your code do where num_groups is 1?
    """

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return d if self.groups == 1 else super().standardized(d, deviation)


class next_group_read(shared.Shared):
    """A group's block is rounded up to a power of two, and reads into the next group's channels.

    What does your mask stop at: the last channel, or the last one of the group?
    """

    seen = ("https://github.com/flagos-ai/FlagGems/issues/4984",)

    def total(self, t: Tensor) -> Tensor:
        size = t.shape[2]
        extra = 2 ** (size - 1).bit_length() - size
        following = torch.cat([t[:, 1:], torch.zeros_like(t[:, :1])], 1)[..., :extra]
        return super().total(t) + following.sum(2, keepdim=True)


class zero_where_one_value(shared.Shared):
    """A single value per group gives 1, times weight, plus bias.

    What is x - mean(x) of a single x?
    """

    def standardized(self, d: Tensor, deviation: Tensor) -> Tensor:
        return torch.ones_like(d) if self.count(d) == 1 else super().standardized(d, deviation)


BREAKS: dict[str, tuple[type, ...]] = {
    "GI-1": (each_channel_alone, variances_of_the_channels_averaged, all_channels_together, shared.one_mean_for_the_whole_input,
             shared.statistics_shared_by_two_rows),
    "GI-2": (channels_interleaved, next_group_read),
    "GI-3": (groups_taken_for_channels_per_group, one_group_returned_as_it_is),
    "GI-11": (each_position_alone, shared.divided_by_the_variance, shared.root_taken_twice, shared.square_for_the_root,
              shared.multiplied_by_the_deviation, shared.scaled_to_the_range, shared.mean_absolute_deviation,
              shared.median_for_the_mean, shared.mean_in_half),
    "GI-12": (shared.unbiased_variance, shared.sum_for_the_average),
    "GI-5": (one_weight_for_each_group, shared.weight_missing, shared.bias_missing, shared.bias_before_the_weight,
             shared.bias_subtracted, shared.one_weight_for_all, shared.weight_twice, shared.parameters_in_reverse,
             shared.one_plus_weight, shared.weight_before_the_statistics, shared.absolute_weight,
             shared.weight_zero_taken_for_absent),
    "GI-13": (shared.mean_not_subtracted, shared.root_mean_square_for_deviation, shared.only_scaled),
    "GI-14": (shared.sign_lost, shared.input_clipped),
    "GI-15": (shared.one_pass_variance, shared.clamped_one_pass_variance),
    "GI-21": (shared.sums_in_half, shared.count_in_half, shared.only_the_first_block, shared.values_beyond_the_first_block_left_out, shared.rows_beyond_the_grid),
    "GI-16": (shared.statistics_in_half, shared.squares_in_half, shared.large_values_overflow, shared.output_clipped),
    "GI-22": (shared.rounded_towards_zero, shared.rstd_of_12_bits, shared.rstd_in_half),
    "GI-23": (shared.divided_by_the_padded_size, shared.padding_in_the_variance),
    "GI-18": (shared.eps_outside_the_root, shared.eps_missing, shared.eps_as_a_floor, shared.deviation_not_below_eps,
              shared.eps_only_for_constants, shared.small_deviations_flushed, shared.eps_after_scaling_by_the_largest),
    "GI-24": (shared.eps_fixed, shared.eps_twice, shared.eps_squared, shared.eps_divided_by_n,
              shared.eps_added_to_the_length, shared.eps_in_half_precision),
    "GI-27": (shared.default_eps_of_a_tenth,),
    "GI-28": (shared.bias_ignored_without_a_weight, shared.weight_ignored_without_a_bias, shared.absent_weight_is_zero),
    "GI-19": (shared.statistics_of_the_first_row,),
    "GI-4": (samples_together, shared.batch_of_one_returned_as_it_is),
    "GI-25": (shared.blocks_depend_on_the_batch,),
    "GI-29": (shared.statistics_kept_from_the_first_call, shared.parameters_kept_from_the_first_call, shared.running_average_of_the_statistics, shared.statistics_saved_by_the_last_call),
    "GI-30": (shared.order_of_the_sum_changes,),
    "GI-31": (shared.reused_buffer,),
    "GI-32": (shared.read_as_contiguous,),
    "GI-33": (shared.expanded_read_as_contiguous,),
    "GI-34": (shared.parameters_read_as_contiguous,),
    "GI-35": (shared.dy_read_as_contiguous,),
    "GI-37": (shared.written_into_x, shared.written_into_dy),
    "GI-38": (shared.view_of_x,),
    "GI-20": (weight_along_the_last_axis, last_dimension_taken_for_all_positions),
    "GI-39": (shared.last_value_dropped, shared.incomplete_block_dropped, shared.one_size_wrong, shared.last_row_dropped),
    "GI-40": (shared.empty_batch_refused,),
    "GI-41": (zero_where_one_value,),
    "GI-43": (shared.float32_result,),
    "GI-44": (shared.parameters_in_half, shared.parameter_gradients_returned_in_half, shared.x_hat_in_half_for_dweight,),
    "GI-48": (shared.nan_taken_for_zero, shared.nan_left_out, shared.nan_everywhere),
    "GI-49": (shared.infinity_clipped,),
    "GI-50": (shared.constant_divided_by_zero,),
    "GI-42": (shared.folded_scale_and_shift,),
    "GI-51": (shared.scaled_by_a_reciprocal,),
    "GI-17": (terms_over_each_channel, positions_not_counted_in_dx, shared.statistics_taken_for_constants, shared.mean_term_missing, shared.mean_term_twice,
              shared.variance_term_missing, shared.variance_term_added, shared.sums_for_the_means_of_dx,
              shared.variance_term_over_n_minus_1, shared.last_block_of_the_variance_term, shared.terms_without_the_weight, shared.variance_term_without_the_weight, shared.mean_term_without_the_weight,
              shared.dx_without_the_weight, shared.x_hat_from_y, shared.dx_divided_by_the_variance,
              shared.variance_term_with_y, shared.variance_term_with_x, shared.upstream_gradient_of_the_residual_inside,
              shared.variance_saved_for_the_reciprocal_root, shared.gradient_clipped),
    "GI-53": (group_of_its_remainder_in_dweight, shared.dweight_without_x_hat, shared.dweight_not_divided, shared.dweight_not_centered,
              shared.dweight_with_the_weight, shared.dweight_with_y, gradients_of_the_positions_dropped,
              gradients_averaged_over_positions, shared.dweight_and_dbias_swapped, shared.parameter_gradients_averaged,
              shared.parameter_gradients_of_the_last_row),
    "GI-54": (shared.dbias_with_the_weight, shared.dbias_zero),
    "GI-55": (shared.parameter_gradients_summed_in_half, shared.parameter_gradients_drop_the_last_rows),
    "GI-56": (shared.variance_term_a_little_off, shared.mean_term_a_little_off, shared.dx_in_16_bits),
    "GI-57": (shared.statistics_saved_in_half,),
    "GI-58": (shared.backward_without_eps, shared.backward_with_the_default_eps),
    "GI-59": (shared.dx_depends_on_what_else_is_asked_for,),
    "GI-60": (shared.weight_decay_in_the_gradient, shared.gradient_of_a_zero_dy_is_nan),
    "GI-36": (shared.backward_not_differentiable, shared.second_order_lacks_the_deviation),
    "GI-61": (shared.dx_not_divided,),
    "GI-7": (remainder_cut_off,),
    "GI-62": (shared.long_weight_cut,),
    "GI-63": (shared.default_dtype_changed, shared.gradients_switched_off, shared.random_numbers_drawn,
              shared.warnings_silenced, shared.one_thread_left),
}  # fmt: skip
