"""Wrong answers to exercises/groupnorm.py."""

import numpy as np

from mistakes.answers import wrong
from reference import groupnorm
from reference.batchnorm import per_channel


def _grouped(x, num_groups, axes, weight, bias, eps):
    """The formula, with statistics over `axes` of x as (N, groups, channels of a group, positions)."""
    sets = x.reshape(x.shape[0], num_groups, x.shape[1] // num_groups, -1)
    return groupnorm.normalize(sets, axes, eps).reshape(x.shape) * per_channel(weight, x) + per_channel(bias, x)


@wrong("GI-1", groupnorm.forward)
def each_position_alone(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """Mean and variance are taken over the channels of a group at each position alone.

    How many values share a mean: C / G, or C / G times H times W?

    mean over axes 2 and 3 of x as (N, G, C / G, positions)

    The first group of the first sample holds 0, 1, 4, 9: mean 3.5, deviation 3.5, and the 0 becomes -1, the 1 becomes
    -0.7143. Position by position the means are 2 and 5, and both become -1.
    """
    return _grouped(x, num_groups, (2,), weight, bias, eps)


@wrong("GI-1", groupnorm.forward)
def each_channel_alone(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """Every channel is normalized alone, as InstanceNorm has it.

    Does the second channel of a group change the first one's y?

    mean over axes 2 and 3 of x as (N, G, C / G, positions)

    The first group of the first sample holds 0, 1, 4, 9: mean 3.5, deviation 3.5, y = -1, -0.7143, 0.1429, 1.5714. Its
    channels alone have means 0.5 and 6.5, and each becomes [-1, 1].
    """
    return groupnorm.instance_forward(x, weight, bias, eps)


@wrong("GI-1", groupnorm.normalize)
def the_other_axes(x, axes, eps=1e-5):
    """The statistics run over the axes that are not named.

    Along which axes does the mean of your result vanish?

    mean = x.mean(axis=axes, keepdims=True): `axes` are averaged away

    [[1, 10], [3, 40], [5, 10]] over axis 0: the columns' means are 3 and 20. Over the other axis the rows' means are 5.5,
    21.5 and 7.5, and every row becomes [-1, 1].
    """
    return groupnorm.normalize(x, tuple(set(range(x.ndim)) - set(axes)), eps)


@wrong("GI-1", groupnorm.normalize)
def all_axes(x, axes, eps=1e-5):
    """The statistics run over the whole input, whatever axes are named.

    How many means does your code compute for a table of two columns?

    mean = x.mean(axis=axes, keepdims=True)

    [[1, 10], [3, 40], [5, 10]] over axis 0: the columns' means are 3 and 20. Over both it is 11.5.
    """
    return groupnorm.normalize(x, tuple(range(x.ndim)), eps)


@wrong("GI-1", groupnorm.normalize)
def the_first_axis_alone(x, axes, eps=1e-5):
    """The statistics run over the first of the axes alone.

    How many values share a mean: are they counted along all axes named?

    mean = x.mean(axis=axes, keepdims=True), axes a tuple

    A table has one axis to average over, and comes out right. Over (N, H, W) of 4 images of 6 channels, 3 high and 2
    wide, 4 * 3 * 2 = 24 values share a mean; along the first axis alone they are 4.
    """
    return groupnorm.normalize(x, axes[:1], eps)


@wrong("GI-2", groupnorm.forward)
def channels_interleaved(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """Channel c belongs to group c % groups, not to group c // (C / groups).

    Which index is the slow one in your reshape: the group's, or the channel's within the group?

    x.reshape(N, G, C // G, ...): group = c // (C / G)

    1, 3, 10, 30 in two groups: 1 with 3 (mean 2) and 10 with 30 (mean 20) give [-1, 1, -1, 1]. 1 with 10 and 3 with 30
    give [-1, -1, 1, 1].
    """
    sets = x.reshape(x.shape[0], x.shape[1] // num_groups, num_groups, -1)
    y = groupnorm.normalize(sets, (1, 3), eps).reshape(x.shape)
    return y * per_channel(weight, x) + per_channel(bias, x)


@wrong("GI-2", groupnorm.forward)
def groups_of_two(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """Each channel is grouped with one neighbour, however many channels a group has.

    How many channels has a group when six channels are in two groups?

    channels of a group = C / G

    1, 3, 5, 10, 40, 10 in two groups of three: 1, 3, 5 have mean 3 and deviation 1.6330, -1.2247, 0, 1.2247. In pairs 1
    and 3 become -1 and 1.
    """
    return groupnorm.forward(x, x.shape[1] // 2, weight, bias, eps)


@wrong("GI-3", groupnorm.forward)
def groups_taken_for_channels_per_group(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """num_groups is taken for the number of channels in a group: the limits are swapped.

    With G = 1, how many means has a sample?

    channels of a group = C / G

    [[1, 3], [5, 7]], G = 1: one mean, 4, and deviation 2.2361: -1.3416, -0.4472, 0.4472, 1.3416. With one channel a group
    every channel becomes [-1, 1].
    """
    return groupnorm.forward(x, x.shape[1] // num_groups, weight, bias, eps)


@wrong("GI-3", groupnorm.forward)
def all_channels_together(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """All channels of a sample are normalized together, whatever the number of groups.

    With G = C, how many means has a sample?

    channels of a group = C / G

    [[1, 3], [5, 7]], G = 2: means 2 and 6, deviations 1, y = [[-1, 1], [-1, 1]]. Together they have mean 4, and the 1
    becomes -1.3416.
    """
    return groupnorm.forward(x, 1, weight, bias, eps)


@wrong("GI-4", groupnorm.forward)
def samples_together(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """Mean and variance are taken over the batch as well.

    Put a loud image behind the first one: does the first one's y change?

    mean over the channels and positions of a group, sample by sample

    [1, 3] has mean 2 and deviation 1: [-1, 1], whatever follows. With [100, 500] in the same mean, 151, the first sample
    becomes [-0.7302, -0.7204].
    """
    return _grouped(x, num_groups, (0, 2, 3), weight, bias, eps)


@wrong("GI-4", groupnorm.forward)
def statistics_of_the_first_sample(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """All samples are normalized with the mean and the deviation of the first.

    Where in your code does the sample's index enter the statistics?

    mean over the channels and positions of a group, sample by sample

    [1, 3] has mean 2 and deviation 1, [100, 500] mean 300 and deviation 200: both become [-1, 1]. With the first one's
    statistics the second becomes [98, 498].
    """
    sets = x.reshape(x.shape[0], num_groups, -1)
    first = sets[:1]
    y = (sets - first.mean(axis=2, keepdims=True)) / np.sqrt(first.var(axis=2, keepdims=True) + eps)
    return y.reshape(x.shape) * per_channel(weight, x) + per_channel(bias, x)


@wrong("GI-5", groupnorm.forward)
def weight_along_the_last_axis(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """weight and bias are broadcast along the last axis, not along the channels.

    Which index of y does your weight's index meet? Try a width that is not C.

    y[n, c, h, w] = x_hat[n, c, h, w] * weight[c] + bias[c]

    [[1, 3], [10, 30]], weight [1, 10]: channel 0 is x_hat [-1, 1] times 1, channel 1 is [-1, 1] times 10. Along the last
    axis both channels would be [-1, 10].
    """
    return groupnorm.forward(x, num_groups, 1.0, 0.0, eps) * weight + bias


@wrong("GI-5", groupnorm.forward)
def one_weight_for_each_group(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """The first weight and bias of a group serve all its channels.

    How many values has the weight: C, or G?

    y[n, c] = x_hat[n, c] * weight[c] + bias[c]

    Channel 1 is [3, 1] in a group of mean 2 and deviation 1: x_hat = [1, -1], times 2 plus 10 is [12, 8]. With channel
    0's weight 1 and bias 0 it would be [1, -1].
    """
    each = x.shape[1] // num_groups
    weight, bias = (np.repeat(p[::each], each) if np.ndim(p) else p for p in (weight, bias))
    return groupnorm.forward(x, num_groups, weight, bias, eps)


@wrong("GI-5", groupnorm.forward)
def bias_before_the_weight(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """The bias is added before the weight multiplies: (x_hat + bias) * weight.

    With a weight of 0, what should y be?

    y = x_hat * weight + bias

    Channel 1: x_hat = [1, -1], weight 2, bias 10: [2 + 10, -2 + 10] = [12, 8], not [(1 + 10) * 2, (-1 + 10) * 2] = [22, 18].
    """
    return groupnorm.forward(x, num_groups, weight, weight * bias, eps)


@wrong("GI-5", groupnorm.backward)
def weight_after_the_means(dy, x, num_groups, weight=1.0, eps=1e-5):
    """The weight multiplies at the end, after the means over the group were taken of dy alone.

    Through which channels' weights does dy of channel 0 reach dx of channel 1?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    G = [2, 0, 0, 0, 0]: dx of channel 1 is 2 * -0.1414 = -0.2828. Multiplied at the end it is 3 * -0.1414 = -0.4243.
    """
    dx, dweight, dbias = groupnorm.backward(dy, x, num_groups, 1.0, eps)
    return dx * per_channel(weight, x), dweight, dbias


@wrong("GI-5", groupnorm.backward)
def weight_missing_in_dx(dy, x, num_groups, weight=1.0, eps=1e-5):
    """dy is not multiplied by the weight.

    y = x_hat * weight + bias: what is the gradient of x_hat?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    G = [2, 0, 0, 0, 0]: the first value of dx is 2 * 0.4950 = 0.9899. With G = dy it is 0.4950.
    """
    return groupnorm.backward(dy, x, num_groups, 1.0, eps)


@wrong("GI-5", groupnorm.backward)
def statistics_taken_for_constants(dy, x, num_groups, weight=1.0, eps=1e-5):
    """dx is dy * weight / deviation: the mean and the variance are taken for constants.

    Move one value of a group: which other values of y move?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    G = [2, 0, 0, 0, 0], deviation 1.4142: the first value is 2 * (1 - 0.2 - 0.7071 * 0.1414) / 1.4142 = 0.9899, not
    2 / 1.4142 = 1.4142, and the others are not 0.
    """
    _, dweight, dbias = groupnorm.backward(dy, x, num_groups, weight, eps)
    sets = x.reshape(x.shape[0], num_groups, -1)
    dx_hat = (dy * per_channel(weight, x)).reshape(sets.shape)
    return (dx_hat / np.sqrt(sets.var(axis=2, keepdims=True) + eps)).reshape(x.shape), dweight, dbias


@wrong("GI-5", groupnorm.backward)
def positions_not_summed(dy, x, num_groups, weight=1.0, eps=1e-5):
    """dweight and dbias are summed over the samples only, and keep a value for each position.

    What is the shape of the weight, and what that of your dweight?

    dweight[c] = sum(dy * x_hat), dbias[c] = sum(dy), over all samples and positions

    dweight[0] = (-1 + 2) + (10 - 20) = -9. Over the samples only it is [-1 + 10, 2 - 20] = [9, -18].
    """
    dx = groupnorm.backward(dy, x, num_groups, weight, eps)[0]
    return dx, (dy * groupnorm.forward(x, num_groups, eps=eps)).sum(axis=0), dy.sum(axis=0)


@wrong("GI-5", groupnorm.backward)
def samples_not_summed(dy, x, num_groups, weight=1.0, eps=1e-5):
    """dweight and dbias are summed over the positions only, and keep a value for each sample.

    How many weights has a channel: one, or one for each sample?

    dweight[c] = sum(dy * x_hat), dbias[c] = sum(dy), over all samples and positions

    dweight[0] = (-1 + 2) + (10 - 20) = -9. Sample by sample it is 1 and -10.
    """
    dx, axes = groupnorm.backward(dy, x, num_groups, weight, eps)[0], tuple(range(2, x.ndim))
    return dx, (dy * groupnorm.forward(x, num_groups, eps=eps)).sum(axis=axes), dy.sum(axis=axes)


@wrong("GI-6", groupnorm.matrix_shape)
def groups_in_the_place_of_the_height(norm, n, c, h, w, num_groups=1):
    """GroupNorm's matrix is (s w g) x (g n), as the note has it.

    Does your matrix hold as many values as the images?

    GroupNorm: (s w h) x (g n), with s = c / g channels in a group

    n = 2, c = 6, w = 4, h = 5, g = 2, s = 3: 240 values. (3 * 4 * 5) x (2 * 2) = 60 x 4 = 240; (3 * 4 * 2) x (2 * 2) =
    24 x 4 = 96.
    """
    if norm == "group_norm":
        return c // num_groups * w * num_groups, num_groups * n
    return groupnorm.matrix_shape(norm, n, c, h, w, num_groups)


@wrong("GI-6", groupnorm.matrix_shape)
def groups_and_their_channels_swapped(norm, n, c, h, w, num_groups=1):
    """GroupNorm's matrix has a column for each channel of a group, not for each group.

    How many means has an image under GroupNorm: g, or c / g?

    GroupNorm: (s w h) x (g n), with s = c / g channels in a group

    n = 2, c = 6, w = 4, h = 5, g = 2, s = 3: 2 * 2 = 4 means, each of 240 / 4 = 60 values. (g w h) x (s n) = 40 x 6 holds
    240 values too, but 6 means.
    """
    return groupnorm.matrix_shape(norm, n, c, h, w, c // num_groups)


@wrong("GI-6", groupnorm.matrix_shape)
def rows_and_columns_exchanged(norm, n, c, h, w, num_groups=1):
    """The sets are the rows of the matrix, and the values of a set stand side by side.

    Which is normalized here, a row or a column?

    (values, sets): BatchNorm (n w h) x c

    n = 2, c = 6, w = 4, h = 5: BatchNorm has 2 * 4 * 5 = 40 values in each of 6 columns, (40, 6). (6, 40) has a row for each
    channel.
    """
    return groupnorm.matrix_shape(norm, n, c, h, w, num_groups)[::-1]


@wrong("GI-6", groupnorm.matrix_shape)
def batch_left_out(norm, n, c, h, w, num_groups=1):
    """The columns of BatchNorm and InstanceNorm are both the channels of one image.

    Over which of the two does the batch belong to the values that share a mean?

    BatchNorm: (n w h) x c. InstanceNorm: (w h) x (c n)

    n = 2, c = 6, w = 4, h = 5: InstanceNorm has 6 * 2 = 12 means, each of 4 * 5 = 20 values. BatchNorm has 6, each of
    2 * 4 * 5 = 40.
    """
    if norm in ("batch_norm", "instance_norm"):
        return w * h, c
    return groupnorm.matrix_shape(norm, n, c, h, w, num_groups)


@wrong("GI-7", groupnorm.of_one_value)
def zero_from_rmsnorm(norm, x, eps=1e-5):
    """RMSNorm gives 0 for a single value, as LayerNorm does.

    What does RMSNorm subtract?

    RMSNorm: x / sqrt(mean(x²) + eps)

    -2: mean square 4, root 2, y = -2 / 2 = -1. LayerNorm subtracts the mean, -2, and gives 0.
    """
    return groupnorm.of_one_value("layer_norm" if norm == "rms_norm" else norm, x, eps)


@wrong("GI-7", groupnorm.of_one_value)
def sign_lost(norm, x, eps=1e-5):
    """RMSNorm of a single value is 1.

    What is the root mean square of -2?

    RMSNorm: x / sqrt(mean(x²) + eps)

    -2: mean square 4, root 2, y = -2 / 2 = -1.
    """
    return abs(groupnorm.of_one_value(norm, x, eps))


@wrong("GI-7", groupnorm.of_one_value)
def zero_from_every_norm(norm, x, eps=1e-5):
    """BatchNorm and InstanceNorm give 0 in training, where torch raises.

    What would such a layer learn from 0, whatever x is?

    BatchNorm, InstanceNorm in training: ValueError

    -2 is its own mean: (-2 - -2) / sqrt(0 + eps) = 0 for every x. torch: "Expected more than 1 spatial element when
    training".
    """
    return groupnorm.of_one_value("rms_norm" if norm == "rms_norm" else "layer_norm", x, eps)


@wrong("GI-7", groupnorm.forward)
def remainder_cut_off(x, num_groups, weight=1.0, bias=0.0, eps=1e-5):
    """Channels that do not divide into the groups are put into a last, smaller group silently.

    Four channels in three groups: how many has each?

    ValueError where C % G is not 0

    4 = 3 * 1 + 1: three groups of one channel leave one over. Groups of two make two groups, not three.
    """
    each = -(-x.shape[1] // num_groups)
    parts = [x[:, start : start + each] for start in range(0, x.shape[1], each)]
    y = np.concatenate([groupnorm.forward(part, 1, eps=eps) for part in parts], axis=1)
    return y * per_channel(weight, x) + per_channel(bias, x)


@wrong("GI-8", groupnorm.instance_layer)
def weight_expected(x, training, weight=None, bias=None, running_mean=None, running_var=None, eps=1e-5):
    """The weight is used as if there always were one.

    What is torch.nn.InstanceNorm2d(4).weight?

    y = x_hat without a weight: affine=False is the default

    [[1, 3], [10, 30]] without a weight: [[-1, 1], [-1, 1]]. None.reshape(...) is an AttributeError.
    """
    y = groupnorm.instance_layer(x, training, None, None, running_mean, running_var, eps)
    y *= weight.reshape(-1, *(1,) * (x.ndim - 2))
    return y if bias is None else y + bias.reshape(-1, *(1,) * (x.ndim - 2))


@wrong("GI-8", groupnorm.instance_layer)
def running_statistics_by_default(x, training, weight=None, bias=None, running_mean=None, running_var=None, eps=1e-5):
    """Evaluation normalizes with running statistics in any case, mean 0 and variance 1 where none were given.

    Are there running statistics in torch.nn.InstanceNorm2d(4)?

    evaluation without running statistics: those of the input, as in training

    [[1, 3], [10, 30]] in evaluation: means 2 and 20, y = [[-1, 1], [-1, 1]]. With mean 0 and variance 1 y would be x.
    """
    if running_mean is None:
        running_mean, running_var = np.zeros(x.shape[1]), np.ones(x.shape[1])
    return groupnorm.instance_layer(x, training, weight, bias, running_mean, running_var, eps)


@wrong("GI-8", groupnorm.instance_layer)
def running_statistics_ignored(x, training, weight=None, bias=None, running_mean=None, running_var=None, eps=1e-5):
    """The input's own statistics normalize in evaluation, even where there are running ones.

    What are running statistics kept for?

    evaluation with running statistics: (x - running_mean) / sqrt(running_var + eps)

    Channel 1 is [10, 30]: with running mean 10 and variance 100 it becomes [0, 2], with its own mean 20 [-1, 1].
    """
    return groupnorm.instance_layer(x, True, weight, bias, None, None, eps)


@wrong("GI-8", groupnorm.instance_layer)
def running_statistics_in_training(x, training, weight=None, bias=None, running_mean=None, running_var=None, eps=1e-5):
    """Where there are running statistics they normalize in training too.

    What does the training flag choose?

    training: the input's own mean and variance

    Channel 1 is [10, 30], weight 2, in training: mean 20, deviation 10, y = [-2, 2]. With running mean 10 and variance
    100 it becomes [0, 4].
    """
    return groupnorm.instance_layer(x, False, weight, bias, running_mean, running_var, eps)


@wrong("GI-8", groupnorm.instance_update)
def biased_variance_stored(running_mean, running_var, x, momentum=0.1):
    """The variance that normalizes is stored as it is, divided by n.

    Are a channel's positions all the data there is, or a sample of them?

    running_var = (1 - momentum) * running_var + momentum * variance * n / (n - 1), n the number of positions

    [1, 3] has variance 1, corrected 1 * 2 / 1 = 2; [5, 5] has 0. Averaged (2 + 0) / 2 = 1: 0.9 * 1 + 0.1 * 1 = 1. Without the
    correction it is 0.9 * 1 + 0.1 * 0.5 = 0.95.
    """
    positions = tuple(range(2, x.ndim))
    mean, variance = x.mean(axis=positions).mean(axis=0), x.var(axis=positions).mean(axis=0)
    return (1 - momentum) * running_mean + momentum * mean, (1 - momentum) * running_var + momentum * variance


@wrong("GI-8", groupnorm.instance_update)
def statistics_of_the_batch(running_mean, running_var, x, momentum=0.1):
    """The variance is taken over the whole batch, as BatchNorm's is, so that it holds the differences between samples too.

    What is the variance of two pictures, one all black and one all white: of each, and of both together?

    running_var = (1 - momentum) * running_var + momentum * (the average of the samples' unbiased variances)

    [1, 3] has the unbiased variance 2, [5, 5] has 0, their average is 1: 0.9 * 1 + 0.1 * 1 = 1. Together 1, 3, 5, 5 have
    11 / 3 = 3.6667: 0.9 * 1 + 0.1 * 3.6667 = 1.2667.
    """
    return groupnorm.batchnorm.update(running_mean, running_var, x, momentum)


@wrong("GI-8", groupnorm.instance_update)
def sample_after_sample(running_mean, running_var, x, momentum=0.1):
    """The samples move the running statistics one after the other: a batch of 32 counts as 32 steps.

    How much of the old mean is left after one call?

    running = (1 - momentum) * running + momentum * (the average over the samples)

    From 0, with samples of means 2 and 5: 0.9 * 0 + 0.1 * 3.5 = 0.35. One after the other 0.2, then 0.9 * 0.2 + 0.1 * 5 = 0.68.
    """
    for i in range(x.shape[0]):
        running_mean, running_var = groupnorm.instance_update(running_mean, running_var, x[i : i + 1], momentum)
    return running_mean, running_var


@wrong("GI-8", groupnorm.instance_update)
def momentum_of_the_old_value(running_mean, running_var, x, momentum=0.1):
    """momentum weighs the old value, as in Keras and Flax, though the contract is torch's.

    Does your 0.1 multiply the past or the present?

    running = (1 - momentum) * running + momentum * batch

    From 0, with samples of means 2 and 5: 0.9 * 0 + 0.1 * 3.5 = 0.35, not 0.1 * 0 + 0.9 * 3.5 = 3.15.
    """
    return groupnorm.instance_update(running_mean, running_var, x, 1 - momentum)


@wrong("GI-8", groupnorm.instance_backward)
def terms_over_the_sample(dy, x, weight=1.0, eps=1e-5):
    """The backward takes its statistics over all channels of a sample, as LayerNorm's does.

    Over which values did the forward take the mean?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), over the positions of each channel

    Channel 0, [2, 3, 5, 1, 4], has mean 3 and deviation 1.4142: its first value is 0.4950. Over both channels the mean is 4.5
    and the deviation 2.6926.
    """
    return groupnorm.backward(dy, x, 1, weight, eps)


@wrong("GI-8", groupnorm.instance_backward)
def means_taken_for_constants(dy, x, weight=1.0, eps=1e-5):
    """dx is dy * weight / deviation: the mean and the variance are taken for constants.

    Move one value of a channel: which other values of y move?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    Channel 0: G = [1, 0, 0, 0, 0], deviation 1.4142: (1 - 0.2 - 0.7071 * 0.1414) / 1.4142 = 0.4950, not
    1 / 1.4142 = 0.7071, and the others are not 0.
    """
    return statistics_taken_for_constants(dy, x, x.shape[1], weight, eps)


@wrong("GI-8", groupnorm.instance_backward)
def weight_not_in_dx(dy, x, weight=1.0, eps=1e-5):
    """dy is not multiplied by the weight.

    y = x_hat * weight + bias: what is the gradient of x_hat?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    Channel 1 is twice channel 0, with a weight of 4: 4 * 0.4950 / 2 = 0.9899. Without the weight it is 0.2475.
    """
    return groupnorm.instance_backward(dy, x, 1.0, eps)


@wrong("GI-8", groupnorm.instance_backward)
def parameters_of_each_sample(dy, x, weight=1.0, eps=1e-5):
    """dweight and dbias are those of each sample, not summed over the batch.

    Every sample has statistics of its own. Has it a weight of its own, too?

    dweight[c] = sum(dy * x_hat), dbias[c] = sum(dy), over all samples and positions

    dweight[0] = (-1 + 2) + (10 - 20) = -9. Sample by sample it is 1 and -10.
    """
    return samples_not_summed(dy, x, x.shape[1], weight, eps)


@wrong("GI-8", groupnorm.instance_backward)
def parameters_of_each_position(dy, x, weight=1.0, eps=1e-5):
    """dweight and dbias are summed over the samples only, and keep a value for each position.

    What is the shape of the weight, and what that of your dweight?

    dweight[c] = sum(dy * x_hat), dbias[c] = sum(dy), over all samples and positions

    dweight[0] = (-1 + 2) + (10 - 20) = -9. Over the samples only it is [-1 + 10, 2 - 20] = [9, -18].
    """
    return positions_not_summed(dy, x, x.shape[1], weight, eps)


@wrong("GI-9", groupnorm.cross_norm)
def maps_swapped(a, b, training=True, active=True, eps=1e-5):
    """The maps themselves change places, patterns and all.

    Where in your first result is a's pattern, low, low, high, high?

    a' = (a - mean_a) / deviation_a * deviation_b + mean_b

    a = [0, 0, 2, 2]: mean 1, deviation 1; b has mean 10 and deviation 5. a' = [-1, -1, 1, 1] * 5 + 10 = [5, 5, 15, 15], not
    b = [5, 15, 5, 15].
    """
    return (b, a) if training and active else (a, b)


@wrong("GI-9", groupnorm.cross_norm)
def means_alone_swapped(a, b, training=True, active=True, eps=1e-5):
    """The means are swapped, the deviations stay.

    How far apart are the values of b, and how far those of your a'?

    a' = (a - mean_a) / deviation_a * deviation_b + mean_b

    a = [0, 0, 2, 2]: mean 1, deviation 1; b has mean 10 and deviation 5. a' = [-1, -1, 1, 1] * 5 + 10 = [5, 5, 15, 15];
    with the deviation 1 kept it is [9, 9, 11, 11].
    """
    if not (training and active):
        return a, b
    positions = tuple(range(2, a.ndim))
    mean_a, mean_b = (x.mean(axis=positions, keepdims=True) for x in (a, b))
    return a - mean_a + mean_b, b - mean_b + mean_a


@wrong("GI-9", groupnorm.cross_norm)
def variances_for_deviations(a, b, training=True, active=True, eps=1e-5):
    """The maps are divided and multiplied by variances, without the root.

    If the values are in metres, what is the unit of your a'?

    a' = (a - mean_a) / deviation_a * deviation_b + mean_b, deviation = sqrt(variance + eps)

    a = [0, 0, 2, 2]: mean 1, variance 1; b has mean 10 and variance 25. a' = [-1, -1, 1, 1] * 5 + 10 = [5, 5, 15, 15];
    with 25 for 5 it is [-15, -15, 35, 35].
    """
    if not (training and active):
        return a, b
    (mean_a, variance_a), (mean_b, variance_b) = (_style(x, tuple(range(2, x.ndim)), eps) for x in (a, b))
    return (a - mean_a) / variance_a * variance_b + mean_b, (b - mean_b) / variance_b * variance_a + mean_a


@wrong("GI-9", groupnorm.cross_norm)
def channels_share_their_style(a, b, training=True, active=True, eps=1e-5):
    """All channels of a map share one mean and one deviation.

    Two channels of unlike brightness: how many means does your code find in them?

    mean and deviation over the positions, for each sample and channel

    With one channel it is right. With two, a's channel 0 [0, 0, 2, 2] has mean 1 and channel 1 [10, 30, 30, 10] mean 20;
    together they have 10.5.
    """
    if not (training and active):
        return a, b
    (mean_a, variance_a), (mean_b, variance_b) = (_style(x, tuple(range(1, x.ndim)), eps) for x in (a, b))
    ratio = np.sqrt(variance_b / variance_a)
    return (a - mean_a) * ratio + mean_b, (b - mean_b) / ratio + mean_a


def _style(x, axes, eps):
    """Mean and variance + eps over `axes`."""
    return x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True) + eps


@wrong("GI-10", groupnorm.cross_norm)
def applied_in_evaluation(a, b, training=True, active=True, eps=1e-5):
    """The training flag is ignored: test images are restyled too.

    Is CrossNorm a norm, or an augmentation of the data?

    return a, b unless training and active

    a = [0, 0, 2, 2] in evaluation stays [0, 0, 2, 2], and does not become [5, 5, 15, 15].
    """
    return groupnorm.cross_norm(a, b, True, active, eps)


@wrong("GI-10", groupnorm.cross_norm)
def always_switched_on(a, b, training=True, active=True, eps=1e-5):
    """The flag `active` is ignored: every batch in training is restyled.

    Who decides in which batches styles are swapped?

    return a, b unless training and active

    a = [0, 0, 2, 2], training but not active: [0, 0, 2, 2], not [5, 5, 15, 15].
    """
    return groupnorm.cross_norm(a, b, training, True, eps)


@wrong("GI-10", groupnorm.cross_norm)
def taken_but_not_given(a, b, training=True, active=True, eps=1e-5):
    """a takes b's style, and b keeps its own: nothing is swapped.

    Where is a's style after your first call?

    a' has b's mean and deviation, b' has a's

    a = [0, 0, 2, 2] becomes [5, 5, 15, 15], b = [5, 15, 5, 15] becomes [0, 2, 0, 2]. Swapped again, a' takes mean 1 and
    deviation 1 back from b'. From a b that has kept mean 10 it would stay [5, 5, 15, 15].
    """
    return groupnorm.cross_norm(a, b, training, active, eps)[0], b


@wrong("GI-10", groupnorm.cross_norm)
def one_flag_is_enough(a, b, training=True, active=True, eps=1e-5):
    """It is active where one of the two flags is set: `or` stands for `and`.

    Both flags are there to switch it off. Does either of yours?

    return a, b unless training and active

    a = [0, 0, 2, 2], training but not active: [0, 0, 2, 2]; active in evaluation: [0, 0, 2, 2]. Not [5, 5, 15, 15].
    """
    on = training or active
    return groupnorm.cross_norm(a, b, on, on, eps)


@wrong("GI-10", groupnorm.cross_norm)
def flags_ignored(a, b, training=True, active=True, eps=1e-5):
    """Both flags are ignored: the maps are restyled in every call.

    What are the arguments `training` and `active` for?

    return a, b unless training and active

    a = [0, 0, 2, 2] with both flags off stays [0, 0, 2, 2], and does not become [5, 5, 15, 15].
    """
    return groupnorm.cross_norm(a, b, True, True, eps)


@wrong("GI-10", groupnorm.cross_norm)
def never_swaps(a, b, training=True, active=True, eps=1e-5):
    """The maps come back as they are, switched on or off.

    Does your function change anything?

    a' = (a - mean_a) / deviation_a * deviation_b + mean_b where training and active both hold

    a = [0, 0, 2, 2] has mean 1 and deviation 1, b mean 10 and deviation 5: switched on, a' = [5, 5, 15, 15].
    """
    return a, b


@wrong("GI-10", groupnorm.cross_norm)
def exchanged_when_switched_off(a, b, training=True, active=True, eps=1e-5):
    """Switched off, the maps come back in exchanged places.

    Which of the two results belongs to a?

    return a, b unless training and active: a first

    a = [0, 0, 2, 2] in evaluation stays [0, 0, 2, 2] and comes first; [5, 15, 5, 15] is b.
    """
    return groupnorm.cross_norm(a, b, training, active, eps) if training and active else (b, a)


@wrong("GI-10", groupnorm.cross_norm)
def normalized_when_switched_off(a, b, training=True, active=True, eps=1e-5):
    """Switched off, each map is normalized and gets no other's style, as if CrossNorm were a norm in evaluation.

    What does a network expect of a test image that was trained on images with a style of their own?

    return a, b unless training and active: as they are

    a = [0, 0, 2, 2] in evaluation stays [0, 0, 2, 2], and does not become [-1, -1, 1, 1].
    """
    if training and active:
        return groupnorm.cross_norm(a, b, training, active, eps)
    return groupnorm.instance_forward(a, eps=eps), groupnorm.instance_forward(b, eps=eps)
