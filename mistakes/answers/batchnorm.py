"""Wrong answers to exercises/batchnorm.py."""

from statistics import NormalDist

import numpy as np

from mistakes.answers import wrong
from reference import batchnorm
from reference.batchnorm import batch_axes, per_channel


def _normalized(x, axes, weight, bias, eps):
    """The formula, with statistics over `axes`."""
    variance = x.var(axis=axes, keepdims=True)
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(variance + eps) * per_channel(weight, x) + per_channel(
        bias, x
    )


@wrong("BN-1", batchnorm.forward)
def each_sample_alone(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """Mean and variance are taken over each sample's features, as LayerNorm has it.

    Which sums of your output are 0: those of the rows, or those of the columns?

    mean = x.mean(axis=0) for x of shape (N, C): one value per channel

    [[1, 10], [3, 30]]: the columns have means 2 and 20 and deviations 1 and 10, so y = [[-1, -1], [1, 1]]. The rows' means,
    5.5 and 16.5, give [[-1, 1], [-1, 1]].
    """
    return _normalized(x, tuple(range(1, x.ndim)), weight, bias, eps)


@wrong("BN-1", batchnorm.forward)
def one_mean_for_the_whole_input(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """One mean and one variance are taken over the whole input, not one for each channel.

    How many means does your code compute, and how many channels has x?

    mean = x.mean(axis=0) for x of shape (N, C), not x.mean()

    [[5, 10], [1, 20]]: the channels' means are 3 and 15, their deviations 2 and 5. The mean of all four, 9, with the
    deviation 7.1063 makes -0.5629 of the 5, which should be 1.
    """
    return _normalized(x, tuple(range(x.ndim)), weight, bias, eps)


@wrong("BN-2", batchnorm.forward)
def channels_flattened_without_a_permute(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """(N, C, H, W) is reshaped to (-1, C) without moving the channels to the end first.

    Print the first column of your matrix: do all its values come from channel 0?

    np.moveaxis(x, 1, -1).reshape(-1, C), and the way back after it

    0 ... 15 as (2, 2, 2, 2): channel 0 holds 0 to 3 and 8 to 11, mean 5.5. The first column of x.reshape(-1, 2) holds
    the even numbers, mean 7: (0 - 7) / 4.5826 = -1.5275.
    """
    rows = x.reshape(-1, x.shape[1])
    return _normalized(rows, 0, weight, bias, eps).reshape(x.shape)


@wrong("BN-2", batchnorm.statistics)
def means_of_a_bare_reshape(x):
    """(N, C, H, W) is reshaped to (-1, C) without moving the channels to the end first.

    Print the first column of your matrix: do all its values come from channel 0?

    mean = x.mean(axis=(0, 2, 3)): over all axes but the second

    0 ... 15 as (2, 2, 2, 2): channel 0 holds 0 to 3 and 8 to 11, whose mean is 44 / 8 = 5.5. The first column of
    x.reshape(-1, 2) holds the even numbers, 56 / 8 = 7.
    """
    rows = x.reshape(-1, x.shape[1])
    return rows.mean(axis=0), rows.var(axis=0)


@wrong("BN-2", batchnorm.forward)
def channels_last_assumed(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """The last dimension is taken for the channels.

    Which of x's dimensions do you not average over?

    mean = x.mean(axis=(0, 2, 3)) for x of shape (N, C, H, W)

    0 ... 15 as (2, 2, 2, 2): with the last axis as the channel, its first one holds the even numbers, mean 7; channel 0
    of (N, C, H, W) holds 0 to 3 and 8 to 11, mean 5.5.
    """
    return _normalized(x, tuple(range(x.ndim - 1)), weight, bias, eps)


@wrong("BN-2", batchnorm.forward)
def positions_not_averaged(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """Mean and variance are taken over the batch alone: every position gets statistics of its own.

    How many values share a mean in your code: N, or N times H times W?

    mean = x.mean(axis=(0, 2, 3)), one value per channel

    0 ... 15 as (2, 2, 2, 2): the first pixel is 0 in the first image and 8 in the second. Alone they have mean 4 and
    deviation 4, and give -1; with the whole channel, mean 5.5 and deviation 4.1533, the 0 gives -1.3242.
    """
    return _normalized(x, 0, weight, bias, eps)


@wrong("BN-2", batchnorm.forward)
def batch_left_out(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """Mean and variance are taken over the positions of each sample alone, as InstanceNorm has it.

    Does the second image change the first one's y in your code?

    mean = x.mean(axis=(0, 2, 3)): the 0 is the batch

    0 ... 15 as (2, 2, 2, 2): channel 0 of the first image holds 0, 1, 2, 3, mean 1.5, deviation 1.1180, and the 0 gives
    -1.3416. With the second image's 8 to 11 the mean is 5.5, the deviation 4.1533, and the 0 gives -1.3242.
    """
    return _normalized(x, tuple(range(2, x.ndim)), weight, bias, eps)


@wrong("BN-3", batchnorm.forward)
def unbiased_variance(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """The variance that normalizes divides by n - 1.

    Only one of the two variances is corrected: the one that normalizes, or the one that is stored?

    y = (x - mean) / sqrt(sum((x - mean)²) / n + eps)

    [1, 3]: sum of squares 2, variance 2 / 2 = 1, y = ±1. Divided by n - 1 = 1 the variance is 2, y = ±0.7071.
    """
    axes = batch_axes(x)
    deviation = np.sqrt(x.var(axis=axes, ddof=1, keepdims=True) + eps)
    return (x - x.mean(axis=axes, keepdims=True)) / deviation * per_channel(weight, x) + per_channel(bias, x)


@wrong("BN-3", batchnorm.update)
def biased_variance_stored(running_mean, running_var, x, momentum=0.1):
    """The variance that normalizes is stored as it is.

    Is the batch all the data there is, or a sample of them?

    running_var = (1 - momentum) * running_var + momentum * variance * n / (n - 1)

    [1, 3]: variance 1, corrected 1 * 2 / 1 = 2. From a running variance of 1: 0.9 * 1 + 0.1 * 2 = 1.1, not
    0.9 * 1 + 0.1 * 1 = 1.
    """
    mean, variance = batchnorm.statistics(x)
    return (1 - momentum) * running_mean + momentum * mean, (1 - momentum) * running_var + momentum * variance


@wrong("BN-3", batchnorm.update)
def correction_upside_down(running_mean, running_var, x, momentum=0.1):
    """The running variance is multiplied by (n - 1) / n, not by n / (n - 1).

    The values of a sample lie closer to its own mean than to the true one. Is the variance too small or too large then?

    running_var = (1 - momentum) * running_var + momentum * variance * n / (n - 1)

    [1, 3]: variance 1, corrected 1 * 2 / 1 = 2, stored 0.9 * 1 + 0.1 * 2 = 1.1. Upside down it is 1 / 2, stored 0.95.
    """
    mean, variance = batchnorm.statistics(x)
    n = x.size / x.shape[1]
    corrected = variance * (n - 1) / n
    return (1 - momentum) * running_mean + momentum * mean, (1 - momentum) * running_var + momentum * corrected


@wrong("BN-4", batchnorm.update)
def momentum_of_the_old_value(running_mean, running_var, x, momentum=0.1):
    """momentum weighs the old value, as in Keras, Flax and MXNet, though the contract is torch's.

    Does your 0.1 multiply the past or the present?

    running = (1 - momentum) * running + momentum * batch

    From 0, with a batch of mean 2 and momentum 0.1: 0.9 * 0 + 0.1 * 2 = 0.2, not 0.1 * 0 + 0.9 * 2 = 1.8.
    """
    return batchnorm.update(running_mean, running_var, x, 1 - momentum)


@wrong("BN-4", batchnorm.update)
def old_value_kept_whole(running_mean, running_var, x, momentum=0.1):
    """The batch is added to the old value, which keeps its weight of 1.

    Where do your running statistics end when all batches are equal?

    running = (1 - momentum) * running + momentum * batch

    Batches of mean 2, from 0: after one 0.2, after two 0.9 * 0.2 + 0.1 * 2 = 0.38, not 0.2 + 0.2 = 0.4.
    """
    mean, variance = batchnorm.update(0.0 * running_mean, 0.0 * running_var, x, momentum)
    return running_mean + mean, running_var + variance


@wrong("BN-4", batchnorm.update)
def running_statistics_replaced(running_mean, running_var, x, momentum=0.1):
    """The running statistics are those of the last batch: momentum is not used.

    What remains of the first batch in your statistics after the second?

    running = (1 - momentum) * running + momentum * batch

    From 0, with a batch of mean 2 and momentum 0.1: 0.9 * 0 + 0.1 * 2 = 0.2, not 2.
    """
    return batchnorm.update(running_mean, running_var, x, 1.0)


@wrong("BN-5", batchnorm.layer)
def grad_mode_taken_for_training(x, running_mean, running_var, training, grad_enabled=True, momentum=0.1, eps=1e-5):
    """Whether gradients are recorded decides what normalizes, not the training flag.

    What does your layer do in training under torch.no_grad()?

    statistics of the batch if training else running statistics

    [1, 3] in training, no gradients recorded, running mean 0 and variance 1: the batch's mean 2 and variance 1 give
    [-1, 1]. The running ones give [1, 3].
    """
    return batchnorm.layer(x, running_mean, running_var, grad_enabled, grad_enabled, momentum, eps)


@wrong("BN-5", batchnorm.layer)
def flag_of_another_framework(x, running_mean, running_var, training, grad_enabled=True, momentum=0.1, eps=1e-5):
    """torch.autograd.is_training() is asked, which is MXNet's autograd.is_training() under torch's name.

    Which module does your is_training come from?

    statistics of the batch if training else running statistics: the flag is an argument (in torch, module.training)

    [1, 3] in training should give [-1, 1], and gives AttributeError: module 'torch.autograd' has no attribute
    'is_training'.
    """
    import torch

    return batchnorm.layer(x, running_mean, running_var, torch.autograd.is_training(), grad_enabled, momentum, eps)


@wrong("BN-5", batchnorm.layer)
def running_statistics_in_training(x, running_mean, running_var, training, grad_enabled=True, momentum=0.1, eps=1e-5):
    """Training normalizes with the running statistics, and only updates them.

    What mean has your y in training?

    statistics of the batch if training else running statistics

    [1, 3] in training, running mean 0 and variance 1: the batch's mean 2 and variance 1 give [-1, 1], not [1, 3].
    """
    y = batchnorm.forward(x, eps=eps, mean=running_mean, variance=running_var)
    kept = batchnorm.update(running_mean, running_var, x, momentum) if training else (running_mean, running_var)
    return y, *kept


@wrong("BN-6", batchnorm.layer)
def zeros_returned(x, running_mean, running_var, training, grad_enabled=True, momentum=0.1, eps=1e-5):
    """A single value per channel in training gives 0, without a word.

    What is x - mean(x) of a single x?

    raise ValueError where N * H * W = 1 in training

    [[7, 2]]: the means are 7 and 2 themselves, y = [[0, 0]] whatever x is, and every gradient is 0.
    """
    if training and x.size == x.shape[1]:
        return np.zeros_like(x), running_mean, running_var
    return batchnorm.layer(x, running_mean, running_var, training, grad_enabled, momentum, eps)


@wrong("BN-6", batchnorm.layer)
def batch_of_one_refused(x, running_mean, running_var, training, grad_enabled=True, momentum=0.1, eps=1e-5):
    """A batch of one sample is refused, however many positions it has.

    How many values does a mean of yours average: is it N alone?

    raise ValueError where N * H * W = 1 in training

    [[[1, 3], [5, 5]]] is one sample with two positions: channel 0 has mean 2 and deviation 1, y = [-1, 1]; channel 1 is
    constant, y = [0, 0]. Nothing is to be refused.
    """
    if training and x.shape[0] == 1:
        raise ValueError("expected more than one sample in training")
    return batchnorm.layer(x, running_mean, running_var, training, grad_enabled, momentum, eps)


@wrong("BN-6", batchnorm.layer)
def refused_in_evaluation_too(x, running_mean, running_var, training, grad_enabled=True, momentum=0.1, eps=1e-5):
    """A single value per channel is refused in evaluation as well.

    Whose mean is subtracted in evaluation?

    raise ValueError where N * H * W = 1 in training; (x - running_mean) / sqrt(running_var + eps) in evaluation

    [[7, 2]] with running means 0 and variances 1: y = [[7, 2]] to within eps.
    """
    if x.size == x.shape[1]:
        raise ValueError("expected more than one value per channel")
    return batchnorm.layer(x, running_mean, running_var, training, grad_enabled, momentum, eps)


@wrong("BN-7", batchnorm.forward)
def statistics_of_the_first_batch(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """Mean and variance are kept from the first call, so that a sample's y never changes.

    Keep the sample and change its company: does your y change?

    mean and variance are those of the batch at hand, in every call in training

    1 with 3: mean 2, deviation 1, y = -1. 1 with 3 and 5: mean 3, deviation 1.6330, y = -1.2247; with the first call's
    statistics it stays -1.
    """
    memory = statistics_of_the_first_batch.memory
    if not memory:
        memory["mean"], memory["variance"] = batchnorm.statistics(x)
    return batchnorm.forward(x, weight, bias, eps, memory["mean"], memory["variance"])


statistics_of_the_first_batch.memory = {}


@wrong("BN-7", batchnorm.forward)
def neighbours_ignored(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """Every sample is normalized alone, so that its neighbours do not count.

    Call it on one sample and on a batch with that sample: may the results differ?

    mean = sum over all samples and positions of a channel / their number

    1 with 3: mean 2, deviation 1, y = -1. Alone, 1 has mean 1 and y = 0.
    """
    return _normalized(x, tuple(range(1, x.ndim)), weight, bias, eps)


@wrong("BN-7", batchnorm.forward)
def padding_left_out(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """Zeros are taken for padding and do not count.

    How does BatchNorm know which zeros are padding?

    mean = sum over all samples and positions of a channel / their number, padding included

    1, 3, 0, 5, 7, 0: mean 16 / 6 = 2.6667, variance 6.8889, and the 1 gives -0.6350. Without the zeros: mean 4, variance
    5, and -1.3416.
    """
    axes, kept = batch_axes(x), x != 0
    mean = x.mean(axis=axes, keepdims=True, where=kept)
    variance = x.var(axis=axes, keepdims=True, where=kept)
    return (x - mean) / np.sqrt(variance + eps) * per_channel(weight, x) + per_channel(bias, x)


@wrong("BN-8", batchnorm.undoing)
def statistics_of_the_rows(x, eps=1e-5):
    """The statistics are those of the samples, as if LayerNorm could be undone with them.

    How many samples have to share your one weight? And which of [1, 3] and [2, 6] would you give back for [-1, 1]?

    weight = sqrt(variance + eps), bias = mean, over the batch: one value per channel

    [[1, 10, 100], [3, 30, 500]]: the columns' means are 2, 20, 300, three values for three channels; the rows' are 37 and
    177.6667, two values that fit no channel.
    """
    return np.sqrt(x.var(axis=1) + eps), x.mean(axis=1)


@wrong("BN-8", batchnorm.undoing)
def variance_for_the_deviation(x, eps=1e-5):
    """The weight is the variance, not its root.

    BatchNorm has divided by something. What multiplies it away?

    weight = sqrt(variance + eps), bias = mean

    Channel 1 is 10, 30: mean 20, variance 100, x_hat = -1, 1. With weight 10: -10 + 20 = 10 and 10 + 20 = 30; with
    weight 100: -80 and 120.
    """
    mean, variance = batchnorm.statistics(x)
    return variance + eps, mean


@wrong("BN-8", batchnorm.undoing)
def eps_forgotten(x, eps=1e-5):
    """The weight is sqrt(variance), without eps.

    Exactly which number does BatchNorm divide by?

    weight = sqrt(variance + eps), bias = mean

    Channel 0 is 1, 3: mean 2, variance 1, and with eps = 3 x_hat = ±1 / sqrt(1 + 3) = ±0.5. Weight 2 restores
    -0.5 * 2 + 2 = 1; weight 1 gives 1.5.
    """
    mean, variance = batchnorm.statistics(x)
    return np.sqrt(variance), mean


@wrong("BN-9", batchnorm.forward)
def order_kept(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """All features are moved by one mean and divided by one deviation, so that their order stays.

    Do different features use the same mean and the same deviation?

    y[i, c] = (x[i, c] - mean[c]) / sqrt(variance[c] + eps)

    [[5, 10], [1, 20]]: 5 is above its column's mean 3 and becomes 1, 10 is below its column's 15 and becomes -1. With one
    mean of 9 for all, 5 stays below 10.
    """
    return _normalized(x, tuple(range(x.ndim)), weight, bias, eps)


@wrong("BN-9", batchnorm.forward)
def features_compared_within_the_sample(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """Each sample's features are normalized together: this is LayerNorm, which keeps their order.

    With whom does BatchNorm compare a value: with the sample's other features, or with the feature's other samples?

    y[i, c] = (x[i, c] - mean[c]) / sqrt(variance[c] + eps)

    [[5, 10], [1, 20]]: 5 is above its column's mean 3 and becomes 1, 10 is below its column's 15 and becomes -1. Within
    the row, mean 7.5, they become -1 and 1.
    """
    return _normalized(x, tuple(range(1, x.ndim)), weight, bias, eps)


@wrong("BN-10", batchnorm.forward)
def normal_scores(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """The values are replaced by the quantiles of a normal distribution, by rank: a bell is made of anything.

    How many distinct values go into your function, and how many come out?

    y = (x - mean) / sqrt(variance + eps), the same line for all values

    0, 0, 0, 1: mean 1 / 4, variance 3 / 16, deviation 0.4330. -0.25 / 0.4330 = -0.5774 three times, and
    0.75 / 0.4330 = 1.7321. The four normal scores are -1.1503, -0.3186, 0.3186 and 1.1503.
    """
    n = x.shape[0]
    scores = np.array([NormalDist().inv_cdf((rank + 0.5) / n) for rank in range(n)])
    ranks = x.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return scores[ranks] * weight + bias


@wrong("BN-10", batchnorm.forward)
def ends_drawn_in(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """x_hat is squashed by a tanh, as if large values did not fit a normal distribution.

    Is your y a straight line over x?

    y = (x - mean) / sqrt(variance + eps), the same line for all values

    0, 0, 0, 1: mean 1 / 4, deviation 0.4330, y = -0.5774 three times and 1.7321. After a tanh these would be -0.5207 and
    0.9390.
    """
    return np.tanh(_normalized(x, batch_axes(x), 1.0, 0.0, eps)) * per_channel(weight, x) + per_channel(bias, x)


@wrong("BN-11", batchnorm.forward)
def mean_not_subtracted(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """The mean is not subtracted: x is divided by its deviation, but not moved to 0.

    Add 7 to every value: what should become of y?

    y = (x - mean) / sqrt(variance + eps): the 7 is in x and in the mean

    [8, 10]: mean 9, deviation 1, y = [-1, 1], as for [1, 3]. Without the mean y is [8, 10].
    """
    variance = x.var(axis=batch_axes(x), keepdims=True)
    return x / np.sqrt(variance + eps) * per_channel(weight, x) + per_channel(bias, x)


@wrong("BN-11", batchnorm.backward)
def mean_term_missing(dy, x, weight=1.0, eps=1e-5, mean=None, variance=None):
    """dx lacks the term of the mean, so that a bias before BatchNorm gets a gradient.

    What is the sum of your dx over the batch?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    G = [1, 0, 0, 0, 0], mean(G) = 0.2, deviation 1.4142. The sum of dx is 0; without the term it is 1 / 1.4142 = 0.7071.
    """
    dx, dweight, dbias = batchnorm.backward(dy, x, weight, eps, mean, variance)
    rstd = 1 / np.sqrt(batchnorm.statistics(x)[1] + eps)
    lost = (dy * per_channel(weight, x)).mean(axis=batch_axes(x), keepdims=True) * per_channel(rstd, x)
    return dx + lost, dweight, dbias


@wrong("BN-11", batchnorm.backward)
def variance_term_missing(dy, x, weight=1.0, eps=1e-5, mean=None, variance=None):
    """dx lacks the term of the variance, so that the gradient is not at right angles to the weights before.

    What is sum(dx * x): does the loss change when x only grows?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    x = [2, 3, 5, 1, 4], G = [1, 0, 0, 0, 0]: x_hat[0] = -0.7071, mean(G * x_hat) = -0.1414. First value:
    (1 - 0.2 - 0.7071 * 0.1414) / 1.4142 = 0.4950, not (1 - 0.2) / 1.4142 = 0.5657.
    """
    axes = batch_axes(x)
    _, dweight, dbias = batchnorm.backward(dy, x, weight, eps, mean, variance)
    rstd = 1 / np.sqrt(batchnorm.statistics(x)[1] + eps)
    dx_hat = dy * per_channel(weight, x)
    return (dx_hat - dx_hat.mean(axis=axes, keepdims=True)) * per_channel(rstd, x), dweight, dbias


@wrong("BN-11", batchnorm.backward)
def dx_not_divided(dy, x, weight=1.0, eps=1e-5, mean=None, variance=None):
    """dx is not divided by the deviation: weights twice as large would get the same gradient.

    The function x -> y is flatter where x is spread more widely. Where is that in your dx?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    x = [2, 3, 5, 1, 4] has variance 2, 2 x has 8: the first value is 0.7 / 1.4142 = 0.4950, and for 2 x
    0.7 / 2.8284 = 0.2475. Undivided it is 0.7 in both.
    """
    dx, dweight, dbias = batchnorm.backward(dy, x, weight, eps, mean, variance)
    return dx * per_channel(np.sqrt(batchnorm.statistics(x)[1] + eps), x), dweight, dbias


@wrong("BN-12", batchnorm.forward)
def batch_statistics_in_evaluation(x, weight=1.0, bias=0.0, eps=1e-5, mean=None, variance=None):
    """Evaluation normalizes with the batch's own statistics.

    What does your layer answer when a single sample is asked for?

    y = (x - running_mean) / sqrt(running_var + eps) * weight + bias

    x = 5, running mean 3 and variance 4, weight 6, bias 5: (5 - 3) / 2 * 6 + 5 = 11. The batch's own mean is 5, and y
    the bias, 5.
    """
    return batchnorm.forward(x, weight, bias, eps)


@wrong("BN-12", batchnorm.fold)
def bias_not_scaled(weight_before, bias_before, mean, variance, weight=1.0, bias=0.0, eps=1e-5):
    """The bias before is added as it is: bias_before + bias - mean * scale.

    What happens to bias_before on its way through the normalization?

    scale = weight / sqrt(variance + eps), folded_bias = (bias_before - mean) * scale + bias

    scale = 6 / 2 = 3: (1 - 3) * 3 + 5 = -1. Unscaled it is 1 + 5 - 3 * 3 = -3, and at v = 1 the layer gives 3, not 5.
    """
    folded_weight, folded_bias = batchnorm.fold(weight_before, 0.0 * bias_before, mean, variance, weight, bias, eps)
    return folded_weight, folded_bias + bias_before


@wrong("BN-12", batchnorm.fold)
def variance_not_rooted(weight_before, bias_before, mean, variance, weight=1.0, bias=0.0, eps=1e-5):
    """The scale is weight / (variance + eps), without the root.

    If v is in metres, what is the unit of the running variance?

    scale = weight / sqrt(variance + eps)

    variance 4, weight 6: scale 6 / 2 = 3 and folded weight 3 * 2 = 6, not 6 / 4 * 2 = 3.
    """
    return batchnorm.fold(weight_before, bias_before, mean, (variance + eps) ** 2, weight, bias, 0.0)


@wrong("BN-12", batchnorm.fold)
def inputs_scaled(weight_before, bias_before, mean, variance, weight=1.0, bias=0.0, eps=1e-5):
    """The columns of weight_before are scaled, which belong to the inputs, not its rows, which belong to the channels.

    Which index of weight_before is the channel's?

    folded_weight[c, i] = weight_before[c, i] * scale[c]

    scale = [4 / sqrt(3 + 1), 10 / sqrt(24 + 1)] = [2, 2]: both rows of [[1, 2, 3], [4, 5, 6]] are doubled. Two scales
    do not fit the three inputs.
    """
    scale = weight / np.sqrt(variance + eps)
    return weight_before * scale, (bias_before - mean) * scale + bias


@wrong("BN-12", batchnorm.fold)
def mean_left_out(weight_before, bias_before, mean, variance, weight=1.0, bias=0.0, eps=1e-5):
    """The running mean does not come into the folded bias.

    Which of BatchNorm's four vectors does your folded layer not contain?

    folded_bias = (bias_before - mean) * scale + bias

    scale = 6 / 2 = 3: (1 - 3) * 3 + 5 = -1. Without the mean it is 1 * 3 + 5 = 8, and at v = 1 the layer gives 14, not 5.
    """
    return batchnorm.fold(weight_before, bias_before, 0.0 * mean, variance, weight, bias, eps)


@wrong("BN-12", batchnorm.fold)
def bias_left_out(weight_before, bias_before, mean, variance, weight=1.0, bias=0.0, eps=1e-5):
    """BatchNorm's own bias does not come into the folded one.

    What does BatchNorm do last?

    folded_bias = (bias_before - mean) * scale + bias

    scale = 6 / 2 = 3: (1 - 3) * 3 + 5 = -1. Without the 5 it is -6.
    """
    return batchnorm.fold(weight_before, bias_before, mean, variance, weight, 0.0, eps)


@wrong("BN-12", batchnorm.fold)
def eps_left_out(weight_before, bias_before, mean, variance, weight=1.0, bias=0.0, eps=1e-5):
    """The scale is weight / sqrt(variance), without eps.

    Exactly which number does the BatchNorm divide by that you fold away?

    scale = weight / sqrt(variance + eps)

    4 / sqrt(3 + 1) = 2 and 10 / sqrt(24 + 1) = 2. Without the 1 they are 2.3094 and 2.0412.
    """
    return batchnorm.fold(weight_before, bias_before, mean, variance, weight, bias, 0.0)


@wrong("BN-12", batchnorm.backward)
def training_terms_in_evaluation(dy, x, weight=1.0, eps=1e-5, mean=None, variance=None):
    """The gradient in evaluation has training's terms of the mean and the variance.

    Do the running statistics depend on x?

    dx = dy * weight / sqrt(running_var + eps) in evaluation

    x = 2, running mean 1 and variance 4, weight 6: dx = 1 * 6 / 2 = 3, and 0 where dy is 0. With the two terms the first
    value is 3 - 0.6 - 0.5 * 0.3 = 2.25, and the second -0.6 - 1 * 0.3 = -0.9.
    """
    axes = batch_axes(x)
    dx, dweight, dbias = batchnorm.backward(dy, x, weight, eps, mean, variance)
    if mean is not None:
        x_hat = (x - per_channel(mean, x)) / np.sqrt(per_channel(variance, x) + eps)
        dx = dx - dx.mean(axis=axes, keepdims=True) - x_hat * (dx * x_hat).mean(axis=axes, keepdims=True)
    return dx, dweight, dbias


@wrong("BN-12", batchnorm.backward)
def running_statistics_not_used_in_the_backward(dy, x, weight=1.0, eps=1e-5, mean=None, variance=None):
    """The backward takes the batch's statistics in evaluation too, though its forward took the running ones.

    Which mean and which variance made the y whose gradient you compute?

    dx = dy * weight / sqrt(running_var + eps), dweight = sum(dy * (x - running_mean) / sqrt(running_var + eps))

    x = 2, running mean 1 and variance 4, weight 6: dx = 1 * 6 / 2 = 3 and dweight = (2 - 1) / 2 = 0.5. With the batch's mean 3
    and variance 2 they are 6 * 0.4950 = 2.9698 and -0.7071.
    """
    return batchnorm.backward(dy, x, weight, eps)


@wrong("BN-13", batchnorm.time_step)
def last_step_reused(x, step, mean, variance, eps=1e-5):
    """A step beyond those of training gets the last one's statistics.

    Which step do the mean and the variance come from that you use at step 2?

    mean[step], variance[step], and IndexError where there are none

    Step 1 has mean 20 and deviation 10. At step 2, 100 and 300 become (100 - 20) / 10 = 8 and (300 - 20) / 10 = 28.
    """
    return batchnorm.time_step(x, min(step, len(mean) - 1), mean, variance, eps)


@wrong("BN-13", batchnorm.time_step)
def first_step_reused(x, step, mean, variance, eps=1e-5):
    """The steps are counted round: after the last one come the first one's statistics.

    Is the third word of a sentence distributed like the first?

    mean[step], variance[step], and IndexError where there are none

    There are two steps, and 2 % 2 = 0: step 0 has mean 2 and deviation 1, and makes 98 and 298 of 100 and 300.
    """
    return batchnorm.time_step(x, step % len(mean), mean, variance, eps)


@wrong("BN-13", batchnorm.time_step)
def steps_share_their_statistics(x, step, mean, variance, eps=1e-5):
    """All steps share one mean and one variance, the average over the steps.

    What mean has your y at the first step?

    mean[step], variance[step], and IndexError where there are none

    The average mean is 11, the average variance 50.5: at step 0, [1, 3] becomes [-1.4072, -1.1258] instead of [-1, 1].
    """
    return batchnorm.forward(x, eps=eps, mean=mean.mean(axis=0), variance=variance.mean(axis=0))
