"""Wrong answers to exercises/layernorm.py."""

from statistics import NormalDist

import numpy as np

from mistakes.answers import wrong
from reference import layernorm


def _deviation(x):
    return x - x.mean(axis=-1, keepdims=True)


def _variance(x):
    return (_deviation(x) ** 2).mean(axis=-1, keepdims=True)


# -- LN-1: the axis ----------------------------------------------------------------------------------------------------


@wrong("LN-1", layernorm.forward)
def axis_of_the_batch(x, weight=1.0, bias=0.0, eps=1e-5):
    """The mean and the variance are taken down the columns, as BatchNorm does.

    Your columns are standardized, not your rows. Which index names the token?

    mean = sum(x) / n over the last axis: x.mean(axis=-1, keepdims=True)

    [[1, 2], [3, 6]]: the mean of the first row is (1 + 2) / 2 = 1.5, not (1 + 3) / 2 = 2.
    """
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) * weight + bias


@wrong("LN-1", layernorm.forward)
def axis_not_kept(x, weight=1.0, bias=0.0, eps=1e-5):
    """The row's mean is subtracted from a column: the reduced axis was not kept.

    What is the shape of your mean, (rows, 1) or (rows,)? Which axis of x does it stand beside?

    x - x.mean(axis=-1, keepdims=True), and the variance alike

    [[1, 2], [3, 6]]: means 1.5 and 4.5. The first row is [1 - 1.5, 2 - 1.5] = [-0.5, 0.5], not [1 - 1.5, 2 - 4.5].
    """
    return (x - x.mean(axis=-1)) / np.sqrt(x.var(axis=-1) + eps) * weight + bias


@wrong("LN-1", layernorm.forward)
def one_mean_for_the_whole_input(x, weight=1.0, bias=0.0, eps=1e-5):
    """One mean and one variance are taken over the whole input.

    How many means does an input of two rows have, and how many did you compute?

    mean = sum(x) / n over the n features of one row

    [[1, 2], [3, 6]]: the rows have the means 1.5 and 4.5, not both 12 / 4 = 3.
    """
    return (x - x.mean()) / np.sqrt(x.var() + eps) * weight + bias


# -- LN-2: the formula -------------------------------------------------------------------------------------------------


@wrong("LN-2", layernorm.forward)
def divided_by_the_variance(x, weight=1.0, bias=0.0, eps=1e-5):
    """The deviation is divided by the variance, not by its root.

    In which unit is your y, if x is in metres?

    y = (x - mean) / sqrt(variance + eps)

    [2, 3, 5, 1, 4]: variance 2, so the first value is -1 / sqrt(2) = -0.7071, not -1 / 2 = -0.5.
    """
    return _deviation(x) / (_variance(x) + eps) * weight + bias


@wrong("LN-2", layernorm.forward)
def root_taken_twice(x, weight=1.0, bias=0.0, eps=1e-5):
    """The square root is taken of the standard deviation, which is a root already.

    Which of your variables is a variance, and which already is a standard deviation?

    sqrt(variance + eps), with variance = sum((x - mean)²) / n

    [2, 3, 5, 1, 4]: variance 2, deviation 1.4142; -1 / 1.4142 = -0.7071, not -1 / sqrt(1.4142) = -0.8409.
    """
    return _deviation(x) / np.sqrt(np.sqrt(_variance(x)) + eps) * weight + bias


@wrong("LN-2", layernorm.forward)
def scaled_to_the_range(x, weight=1.0, bias=0.0, eps=1e-5):
    """The row is scaled to 0 ... 1 by its smallest and its largest value.

    What is the mean of your output, and what its variance?

    y = (x - mean) / sqrt(variance + eps)

    [2, 3, 5, 1, 4]: (2 - 3) / sqrt(2) = -0.7071, not (2 - 1) / (5 - 1) = 0.25.
    """
    low, high = x.min(axis=-1, keepdims=True), x.max(axis=-1, keepdims=True)
    return (x - low) / (high - low + eps) * weight + bias


# -- LN-3: the divisor -------------------------------------------------------------------------------------------------


@wrong("LN-3", layernorm.forward)
def unbiased_variance(x, weight=1.0, bias=0.0, eps=1e-5):
    """The variance divides by n - 1.

    All your values are off by the same factor, sqrt((n - 1) / n). Which divisor did you use?

    variance = sum((x - mean)²) / n

    [1, 3]: mean 2, deviations -1 and 1, sum of squares 2, variance 2 / 2 = 1, not 2 / 1 = 2.
    """
    return _deviation(x) / np.sqrt(x.var(axis=-1, ddof=1, keepdims=True) + eps) * weight + bias


@wrong("LN-3", layernorm.forward)
def sum_for_the_average(x, weight=1.0, bias=0.0, eps=1e-5):
    """The sum of squares is not divided at all.

    What happens to your y if every feature stands twice in the row?

    variance = sum((x - mean)²) / n

    [1, 3]: the squares add up to 2, the variance is 2 / 2 = 1, and y is ±1, not ±1 / sqrt(2) = ±0.7071.
    """
    return _deviation(x) / np.sqrt((_deviation(x) ** 2).sum(axis=-1, keepdims=True) + eps) * weight + bias


# -- LN-4: the ruler ---------------------------------------------------------------------------------------------------


@wrong("LN-4", layernorm.forward)
def unbiased_until_var_reads_1(x, weight=1.0, bias=0.0, eps=1e-5):
    """The layer divides by n - 1, so that a ruler that does so too reads 1: LN-3 fails then.

    Which of the two divides by n - 1, the layer or the ruler?

    y.var(ddof=1) = n / (n - 1) * y.var(ddof=0)

    [2, 3, 5, 1, 4]: the squares of y add up to 5; 5 / 5 = 1 is its variance, and 5 / 4 = 1.25 is what the ruler reads.
    """
    return _deviation(x) / np.sqrt(x.var(axis=-1, ddof=1, keepdims=True) + eps) * weight + bias


@wrong("LN-4", layernorm.forward)
def rescaled_until_var_reads_1(x, weight=1.0, bias=0.0, eps=1e-5):
    """y is divided by its measured deviation once more, so that the ruler reads exactly 1.

    What is eps for, if your output has variance 1 whatever it is?

    y = (x - mean) / sqrt(variance + eps), and nothing after it: its variance is variance / (variance + eps)

    [2, 3, 5, 1, 4]: variance 2, so y has 2 / 2.00001 = 0.999995, and a ruler with n - 1 reads 1.249994, not 1.
    """
    x_hat = _deviation(x) / np.sqrt(_variance(x) + eps)
    return x_hat / x_hat.std(axis=-1, ddof=1, keepdims=True) * weight + bias


# -- LN-5: eps ---------------------------------------------------------------------------------------------------------


@wrong("LN-5", layernorm.forward)
def eps_missing(x, weight=1.0, bias=0.0, eps=1e-5):
    """eps is not added at all.

    What is the variance of a constant row, and what did you divide by?

    y = (x - mean) / sqrt(variance + eps)

    [-0.001, 0.001]: variance 1e-6, so y is ±0.001 / sqrt(1e-6 + 1e-5) = ±0.3015, not ±0.001 / 0.001 = ±1.
    """
    return _deviation(x) / np.sqrt(_variance(x)) * weight + bias


@wrong("LN-5", layernorm.forward)
def eps_outside_the_root(x, weight=1.0, bias=0.0, eps=1e-5):
    """eps is added to the standard deviation, not to the variance under the root.

    For x of 0.001, which is larger: the variance or eps? And which of them is larger outside the root?

    sqrt(variance + eps), not sqrt(variance) + eps

    [-0.001, 0.001]: sqrt(1e-6 + 1e-5) = 0.003317 and y = ±0.3015, not 0.001 + 0.00001 = 0.00101 and y = ±0.9901.
    """
    return _deviation(x) / (np.sqrt(_variance(x)) + eps) * weight + bias


@wrong("LN-5", layernorm.forward)
def eps_fixed(x, weight=1.0, bias=0.0, eps=1e-5):
    """eps is 1e-12, whatever the call asks for.

    Which eps does the call name, and which one does your code use?

    sqrt(variance + eps) with the eps that is given

    [-0.00001, 0.00001]: variance 1e-10, so y is ±1e-5 / sqrt(1e-10 + 1e-5) = ±0.0032; with 1e-12 it is ±0.995.
    """
    return _deviation(x) / np.sqrt(_variance(x) + 1e-12) * weight + bias


@wrong("LN-5", layernorm.forward)
def eps_as_a_floor(x, weight=1.0, bias=0.0, eps=1e-5):
    """eps is the least variance, max(variance, eps), not a summand.

    Where the variance is a tenth of eps, what stands under your root?

    variance + eps, not max(variance, eps)

    [-0.001, 0.001]: 1e-6 + 1e-5 = 1.1e-5 and y = ±0.3015, not 1e-5 and y = ±0.3162.
    """
    return _deviation(x) / np.sqrt(np.maximum(_variance(x), eps)) * weight + bias


# -- LN-6: weight and bias ---------------------------------------------------------------------------------------------


@wrong("LN-6", layernorm.forward)
def bias_before_the_weight(x, weight=1.0, bias=0.0, eps=1e-5):
    """The bias is added before the weight scales, so that it is scaled too.

    What is y where x_hat is 0: the bias, or something else?

    y = x_hat * weight + bias

    x_hat = [-1, 1]: [-1 * 2 + 10, 1 * 3 + 20] = [8, 23], not [(-1 + 10) * 2, (1 + 20) * 3] = [18, 63].
    """
    return (_deviation(x) / np.sqrt(_variance(x) + eps) + bias) * weight


@wrong("LN-6", layernorm.forward)
def one_weight_for_all(x, weight=1.0, bias=0.0, eps=1e-5):
    """The weight of the first feature is used for all of them.

    How many numbers does your weight hold, and which of them does the second feature get?

    y[i] = x_hat[i] * weight[i] + bias[i]

    The second feature: 1 * 3 + 20 = 23, not 1 * 2 + 20 = 22.
    """
    return _deviation(x) / np.sqrt(_variance(x) + eps) * np.ravel(weight)[0] + bias


@wrong("LN-6", layernorm.forward)
def absent_weight_is_zero(x, weight=0.0, bias=0.0, eps=1e-5):
    """A weight that is not given is 0, so that y is the bias. Some models do store the gain less 1 (RM-10), not this one.

    What does a fresh layer do to its input, before anything is learned?

    y = x_hat * weight + bias, where the weight begins as 1 and the bias as 0

    [1, 3] without a weight: [-1 * 1 + 10, 1 * 1 + 20] = [9, 21], not [10, 20].
    """
    return _deviation(x) / np.sqrt(_variance(x) + eps) * weight + bias


@wrong("LN-6", layernorm.forward)
def weight_and_bias_missing(x, weight=1.0, bias=0.0, eps=1e-5):
    """Neither the weight nor the bias is used: y is x_hat.

    Set all weights to 2 and all biases to 1: what changes in your y?

    y = x_hat * weight + bias

    x_hat = [-1, 1], weight [2, 3], bias [10, 20]: [-1 * 2 + 10, 1 * 3 + 20] = [8, 23], not [-1, 1].
    """
    return _deviation(x) / np.sqrt(_variance(x) + eps)


@wrong("LN-6", layernorm.forward)
def weight_missing(x, weight=1.0, bias=0.0, eps=1e-5):
    """The weight is not used; the bias is.

    Set all weights to 2 and all biases to 0: does your y double?

    y = x_hat * weight + bias

    x_hat = [-1, 1], weight [2, 3], bias [10, 20]: [-1 * 2 + 10, 1 * 3 + 20] = [8, 23], not [-1 + 10, 1 + 20] = [9, 21].
    """
    return _deviation(x) / np.sqrt(_variance(x) + eps) + bias


@wrong("LN-6", layernorm.forward)
def bias_missing(x, weight=1.0, bias=0.0, eps=1e-5):
    """The bias is not used; the weight is.

    Set all biases to 1: does your y move by 1?

    y = x_hat * weight + bias

    x_hat = [-1, 1], weight [2, 3], bias [10, 20]: [-1 * 2 + 10, 1 * 3 + 20] = [8, 23], not [-1 * 2, 1 * 3] = [-2, 3].
    """
    return _deviation(x) / np.sqrt(_variance(x) + eps) * weight


@wrong("LN-6", layernorm.forward)
def weight_and_bias_swapped(x, weight=1.0, bias=0.0, eps=1e-5):
    """x_hat is multiplied by the bias, and the weight is added.

    What is y where x_hat is 0: the weight or the bias?

    y = x_hat * weight + bias

    x_hat = [-1, 1], weight [2, 3], bias [10, 20]: [-1 * 2 + 10, 1 * 3 + 20] = [8, 23], not [-10 + 2, 20 + 3] = [-8, 23].
    """
    return _deviation(x) / np.sqrt(_variance(x) + eps) * bias + weight


# -- LN-7: shifts ------------------------------------------------------------------------------------------------------


@wrong("LN-7", layernorm.forward)
def mean_not_subtracted(x, weight=1.0, bias=0.0, eps=1e-5):
    """x is divided by the standard deviation, but the mean stays.

    Add 100 to the input: what should happen to y?

    y = (x - mean) / sqrt(variance + eps)

    102 in [102, 103, 105, 101, 104]: (102 - 103) / sqrt(2) = -0.7071, not 102 / sqrt(2) = 72.1249.
    """
    return x / np.sqrt(_variance(x) + eps) * weight + bias


@wrong("LN-7", layernorm.forward)
def only_scaled(x, weight=1.0, bias=0.0, eps=1e-5):
    """x is divided by its root mean square, as RMSNorm does.

    Add 100 to the input: which of your numbers change?

    variance = sum((x - mean)²) / n, and y = (x - mean) / sqrt(variance + eps)

    102 in [102, 103, 105, 101, 104]: (102 - 103) / sqrt(2) = -0.7071, not 102 / sqrt(10611) = 0.9902.
    """
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps) * weight + bias


# -- LN-8: scales ------------------------------------------------------------------------------------------------------


@wrong("LN-8", layernorm.forward)
def same_y_for_the_negative(x, weight=1.0, bias=0.0, eps=1e-5):
    """A row and its negative get the same y.

    Is the standard deviation ever negative? What does k = -10 do to x - mean?

    LayerNorm(k x) = sign(k) LayerNorm(x), eps aside

    -20 in [-20, -30, -50, -10, -40]: (-20 + 30) / sqrt(200) = 0.7071, not -0.7071.
    """
    sign = np.sign(x.mean(axis=-1, keepdims=True))
    return sign * _deviation(x) / np.sqrt(_variance(x) + eps) * weight + bias


@wrong("LN-8", layernorm.forward)
def sign_lost(x, weight=1.0, bias=0.0, eps=1e-5):
    """Every y is positive: the sign of x - mean is lost.

    What is y of a value below the mean?

    y = (x - mean) / sqrt(variance + eps), with the sign of x - mean

    20 in [20, 30, 50, 10, 40]: (20 - 30) / sqrt(200) = -0.7071, not 0.7071.
    """
    return np.abs(_deviation(x)) / np.sqrt(_variance(x) + eps) * weight + bias


@wrong("LN-8", layernorm.forward)
def eps_after_scaling_by_the_largest(x, weight=1.0, bias=0.0, eps=1e-5):
    """x is divided by its largest absolute value first, so that eps never counts.

    Multiply x by 0.001: is the variance still larger than eps?

    y = (x - mean) / sqrt(variance + eps), with the variance of x as it is

    0.001 * [2, 3, 5, 1, 4]: variance 2e-6, so y begins with -0.001 / sqrt(2e-6 + 1e-5) = -0.2887, not with -0.7071.
    """
    x = x / np.abs(x).max(axis=-1, keepdims=True)
    return _deviation(x) / np.sqrt(_variance(x) + eps) * weight + bias


# -- LN-9: the shape of the distribution -------------------------------------------------------------------------------


def _ranks(x):
    return np.argsort(np.argsort(x, axis=-1, kind="stable"), axis=-1, kind="stable")


@wrong("LN-9", layernorm.forward)
def ranks_for_the_values(x, weight=1.0, bias=0.0, eps=1e-5):
    """The values are replaced by their ranks: the output has a shape of its own.

    Four values of the row are equal. Are they in your output?

    y = (x - mean) / sqrt(variance + eps): mean 0 and variance 1, nothing more

    [0, 0, 0, 0, 10]: mean 2, variance (4 * 4 + 64) / 5 = 16, y = -2 / 4 = -0.5 four times and 8 / 4 = 2 once.
    """
    return layernorm.forward(_ranks(x).astype(np.float64), weight, bias, eps)


@wrong("LN-9", layernorm.forward)
def quantiles_of_the_normal_distribution(x, weight=1.0, bias=0.0, eps=1e-5):
    """The values are replaced by quantiles of the normal distribution, the smallest by the lowest, and so on.

    "Normalized" has two meanings. Which of them is in LayerNorm's formula?

    y = (x - mean) / sqrt(variance + eps): a shift and a scale, which keep skewness and kurtosis

    [0, 0, 0, 0, 10]: the skewness of x is (4 * (-2)³ + 8³) / 5 / 4³ = 1.5, and that of y must be 1.5 too, not 0.
    """
    quantile = np.vectorize(NormalDist().inv_cdf)
    return quantile((_ranks(x) + 0.5) / x.shape[-1]) * weight + bias


@wrong("LN-9", layernorm.standardized_moment)
def moment_not_divided(x, order):
    """The moment is not divided by a power of the standard deviation, and so changes with the scale of x.

    In which unit is your skewness, if x is in metres?

    mean((x - mean)^order) / sqrt(variance)^order

    [0, 0, 0, 0, 10]: (4 * (-2)³ + 8³) / 5 = 96; divided by sqrt(16)³ = 64 it is 1.5.
    """
    return (_deviation(x) ** order).mean(axis=-1)


@wrong("LN-9", layernorm.standardized_moment)
def excess_over_the_normal_distribution(x, order):
    """3 is subtracted from the kurtosis: this is the excess kurtosis.

    Which kurtosis does your function give a normal distribution, and which one does its docstring promise?

    mean((x - mean)⁴) / variance², without - 3

    [0, 0, 0, 0, 10]: (4 * 2⁴ + 8⁴) / 5 / 16² = 832 / 256 = 3.25, not 0.25.
    """
    return layernorm.standardized_moment(x, order) - 3 * (order == 4)


@wrong("LN-9", layernorm.standardized_moment)
def three_subtracted_from_every_moment(x, order):
    """3 is subtracted from the moment of every order, as if all were the excess kurtosis.

    Which skewness does your function give a normal distribution, and which one does its docstring promise?

    mean((x - mean)^order) / sqrt(variance)^order, without - 3

    [0, 0, 0, 0, 10]: the skewness is 96 / 64 = 1.5, not 1.5 - 3 = -1.5.
    """
    return layernorm.standardized_moment(x, order) - 3


@wrong("LN-9", layernorm.standardized_moment)
def power_missing(x, order):
    """The deviations are divided by the standard deviation and averaged, but not raised to the power.

    What is the mean of x - mean, whatever x is?

    mean((x - mean)^order) / sqrt(variance)^order

    [0, 0, 0, 0, 10]: (4 * (-2)³ + 8³) / 5 / 4³ = 96 / 64 = 1.5; without the power it is (4 * (-2) + 8) / 5 / 4 = 0.
    """
    return (_deviation(x) / np.sqrt(_variance(x))).mean(axis=-1)


@wrong("LN-9", layernorm.standardized_moment)
def power_of_the_deviation_missing(x, order):
    """The moment is divided by the standard deviation itself, not by a power of it.

    In which unit is your skewness, if x is in metres?

    mean((x - mean)^order) / sqrt(variance)^order

    [0, 0, 0, 0, 10]: (4 * (-2)³ + 8³) / 5 = 96; divided by 4³ = 64 it is 1.5, divided by 4 it would be 24.
    """
    return (_deviation(x) ** order).mean(axis=-1) / np.sqrt(_variance(x))[..., 0]


@wrong("LN-9", layernorm.standardized_moment)
def power_of_the_variance(x, order):
    """The moment is divided by a power of the variance: its root is missing.

    Which of your variables is a variance, and which is a standard deviation?

    mean((x - mean)^order) / sqrt(variance)^order

    [0, 0, 0, 0, 10]: variance 16, so 96 / sqrt(16)³ = 96 / 64 = 1.5, not 96 / 16³ = 0.0234.
    """
    return (_deviation(x) ** order).mean(axis=-1) / _variance(x)[..., 0] ** order


@wrong("LN-9", layernorm.standardized_moment)
def moment_about_zero(x, order):
    """The mean is not subtracted from x before the power is taken.

    Add 100 to x: does your skewness change? Does the shape of the distribution?

    mean((x - mean)^order) / sqrt(variance)^order

    [0, 0, 0, 0, 10]: (4 * (-2)³ + 8³) / 5 / 4³ = 1.5, not 10³ / 5 / 4³ = 3.125.
    """
    return (x**order).mean(axis=-1) / np.sqrt(_variance(x))[..., 0] ** order


@wrong("LN-9", layernorm.standardized_moment)
def moment_by_the_unbiased_variance(x, order):
    """The variance in the divisor divides by n - 1.

    You average the powers over n values. By what do you divide the squares?

    variance = sum((x - mean)²) / n

    [0, 0, 0, 0, 10]: the squares add up to 80; 80 / 5 = 16 and 96 / 4³ = 1.5, not 80 / 4 = 20 and 96 / sqrt(20)³ = 1.0733.
    """
    return (_deviation(x) ** order).mean(axis=-1) / x.std(axis=-1, ddof=1) ** order


# -- LN-10: a row alone ------------------------------------------------------------------------------------------------


@wrong("LN-10", layernorm.forward)
def running_average_of_the_statistics(x, weight=1.0, bias=0.0, eps=1e-5):
    """Mean and variance are averaged with those of earlier calls, as BatchNorm's running ones are.

    Whose statistics would a running mean hold, if every token has its own?

    mean and variance are those of the row at hand, in every call

    [5, 7, 6] alone: mean 6, y = [-1.2247, 1.2247, 0]. It is not 0.9 times the 5 of the call before, plus 0.1 * 6 = 5.1.
    """
    memory = running_average_of_the_statistics.memory
    mean, variance = x.mean(axis=-1, keepdims=True), _variance(x)
    if memory:
        mean, variance = 0.9 * memory["mean"] + 0.1 * mean, 0.9 * memory["variance"] + 0.1 * variance
    memory.update(mean=mean.mean(), variance=variance.mean())
    return (x - mean) / np.sqrt(variance + eps) * weight + bias


running_average_of_the_statistics.memory = {}


@wrong("LN-10", layernorm.forward)
def statistics_kept_from_the_first_call(x, weight=1.0, bias=0.0, eps=1e-5):
    """The first call's mean and variance are stored and used in all later calls, as in evaluation after training.

    Call it twice, with other values: does the second call look at its own x?

    mean and variance are those of the row at hand, in training and in evaluation

    [5, 7, 6] alone: (7 - 6) / sqrt(2 / 3) = 1.2247, not (7 - 5) / sqrt(14 / 3) = 0.9258 with the first call's 5 and 14 / 3.
    """
    memory = statistics_kept_from_the_first_call.memory
    if memory:
        return (x - memory["mean"]) / np.sqrt(memory["variance"] + eps) * weight + bias
    memory.update(mean=x.mean(axis=-1).mean(), variance=_variance(x).mean())
    return _deviation(x) / np.sqrt(_variance(x) + eps) * weight + bias


statistics_kept_from_the_first_call.memory = {}


@wrong("LN-10", layernorm.forward)
def batch_of_one_returned_as_it_is(x, weight=1.0, bias=0.0, eps=1e-5):
    """A batch of one row is returned as it is, as if there were nothing to take statistics of.

    How many values has one row: enough for a mean?

    The mean and the variance of a row are over its features, however many rows there are

    [5, 7, 6] alone: mean 6, variance 2 / 3, y = [-1.2247, 1.2247, 0], not [5, 7, 6].
    """
    if x.ndim > 1 and len(x) == 1:
        return x * weight + bias
    return _deviation(x) / np.sqrt(_variance(x) + eps) * weight + bias


# -- LN-11: no row looks at another ------------------------------------------------------------------------------------


@wrong("LN-11", layernorm.forward)
def statistics_over_tokens_too(x, weight=1.0, bias=0.0, eps=1e-5):
    """The mean and the variance are taken over tokens and features together: the past sees the future.

    Edit a later token. Did an earlier one change?

    mean = sum(x) / n over the n features of one token

    [[1, 3], [5, 7]]: the first token has mean 2 and y = [-1, 1]. With the mean of all, 4, it would be [-1.3416, -0.4472].
    """
    return (x - x.mean()) / np.sqrt(x.var() + eps) * weight + bias


@wrong("LN-11", layernorm.forward)
def statistics_of_the_tokens_so_far(x, weight=1.0, bias=0.0, eps=1e-5):
    """Every token is normalized with all tokens up to it: no future is seen, but the past is.

    Does the second token's y change if you edit the first?

    mean = sum(x) / n over the n features of one token

    [[1, 3], [5, 7]]: the second token has mean 6 and y = [-1, 1]; with the mean of both, 4, it would be [0.4472, 1.3416].
    """
    mean = np.array([[x[: i + 1].mean()] for i in range(len(x))])
    variance = np.array([[x[: i + 1].var()] for i in range(len(x))])
    return (x - mean) / np.sqrt(variance + eps) * weight + bias


# -- LN-12: digits -----------------------------------------------------------------------------------------------------


def _one_pass(x):
    return (x * x).mean(axis=-1, keepdims=True) - x.mean(axis=-1, keepdims=True) ** 2


@wrong("LN-12", layernorm.forward)
def one_pass_variance(x, weight=1.0, bias=0.0, eps=1e-5):
    """The variance is mean(x²) - mean(x)²: no digits are left where the mean is large.

    How far apart are float32 numbers near 10001², and how large is the variance that you look for?

    variance = sum((x - mean)²) / n: subtract the mean before squaring

    [10000, 10001, 10002]: deviations -1, 0, 1, variance 2 / 3. The squares are near 1e8, where float32 numbers are 8 apart.
    """
    return _deviation(x) / np.sqrt(_one_pass(x) + eps) * weight + bias


@wrong("LN-12", layernorm.forward)
def clamped_one_pass_variance(x, weight=1.0, bias=0.0, eps=1e-5):
    """The variance is mean(x²) - mean(x)², clamped at 0: the sign is mended, the lost digits are not.

    A variance of 0 for three different numbers: where did their differences go?

    variance = sum((x - mean)²) / n: subtract the mean before squaring

    [30000, 30001, 30002]: variance 2 / 3, y = ±1 / sqrt(0.6667) = ±1.2247; from 0 it is ±1 / sqrt(1e-5) = ±316.2.
    """
    return _deviation(x) / np.sqrt(np.maximum(_one_pass(x), 0) + eps) * weight + bias


# -- LN-13: 16 bits ----------------------------------------------------------------------------------------------------


@wrong("LN-13", layernorm.forward_16_bit)
def statistics_in_half(x, weight=1.0, bias=0.0, eps=1e-5):
    """Mean and variance are computed in x's own 16 bits.

    What is 300 * 300 in float16?

    forward(x.astype(np.float32), weight, bias, eps), and the cast back after it

    [300, -300]: 300² = 90,000 is infinite in float16, and 300 / infinity = 0; in float32 300 / sqrt(90,000) = 1.
    """
    return layernorm.forward(x, np.asarray(weight, x.dtype), np.asarray(bias, x.dtype), eps)


@wrong("LN-13", layernorm.forward_16_bit)
def float32_result(x, weight=1.0, bias=0.0, eps=1e-5):
    """y stays float32: the cast back is missing.

    What is y.dtype for a float16 x?

    y = forward(x.astype(np.float32), weight, bias, eps).astype(x.dtype)

    [300, -300] in float16 takes 4 bytes, and so must y = [1, -1]; in float32 it takes 8.
    """
    return layernorm.forward(x.astype(np.float32), weight, bias, eps)


@wrong("LN-13", layernorm.forward_16_bit)
def x_hat_rounded_before_the_weight(x, weight=1.0, bias=0.0, eps=1e-5):
    """x_hat is cast back before weight and bias are applied: y is rounded twice.

    How many casts to 16 bits does a value go through on its way to y?

    y = (x_hat * weight + bias) in float32, then one cast

    [1, 3, 8], weight 7: -1.01905 * 7 = -7.13334 is cast to -7.1328; cast first, -1.01953 * 7 = -7.13672.
    """
    x_hat = layernorm.forward(x.astype(np.float32), eps=eps).astype(x.dtype)
    return (x_hat.astype(np.float32) * weight + bias).astype(x.dtype)


# -- LN-14: the gradients ----------------------------------------------------------------------------------------------


def _mean(values):
    return values.mean(axis=-1, keepdims=True)


def _with_parameters(dx, dy, x, eps):
    """dx with the right gradients of weight and bias."""
    return dx, *layernorm.backward(dy, x, eps=eps)[1:]


@wrong("LN-14", layernorm.backward)
def statistics_taken_for_constants(dy, x, weight=1.0, eps=1e-5):
    """Mean and variance are taken for constants: dx is dy * weight / sqrt(variance + eps) alone.

    Move x[0] a little: which values of y change?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight

    dy = [1, 0, 0, 0, 0]: 1 - 0.2 - 0.1 = 0.7, and 0.7 / sqrt(2) = 0.495, not 1 / sqrt(2) = 0.7071.
    """
    _, rstd = layernorm.standardize(x, eps)
    return _with_parameters(dy * weight * rstd, dy, x, eps)


@wrong("LN-14", layernorm.backward)
def variance_term_missing(dy, x, weight=1.0, eps=1e-5):
    """The variance's part, x_hat * mean(G * x_hat), is not taken out of the gradient.

    Your dx sums to 0. Is it orthogonal to x_hat as well?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps)

    dy = [1, 0, 0, 0, 0]: mean(G * x_hat) = -0.7071 / 5 = -0.1414, times x_hat = -0.7071 it is 0.1: 1 - 0.2 - 0.1 = 0.7.
    """
    G, (_, rstd) = dy * weight, layernorm.standardize(x, eps)
    return _with_parameters(rstd * (G - _mean(G)), dy, x, eps)


@wrong("LN-14", layernorm.backward)
def mean_term_missing(dy, x, weight=1.0, eps=1e-5):
    """The mean's part, mean(G), is not taken out of the gradient.

    A shift of x changes nothing (LN-7). What must dx sum to, then?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps)

    dy = [1, 0, 0, 0, 0]: mean(G) = 0.2, and 1 - 0.2 - 0.1 = 0.7, not 1 - 0.1 = 0.9.
    """
    G, (x_hat, rstd) = dy * weight, layernorm.standardize(x, eps)
    return _with_parameters(rstd * (G - x_hat * _mean(G * x_hat)), dy, x, eps)


@wrong("LN-14", layernorm.backward)
def dx_without_the_weight(dy, x, weight=1.0, eps=1e-5):
    """dx is computed from dy, as if the weight were 1.

    What is the gradient of x_hat, if y = x_hat * weight + bias?

    G = dy * weight stands in the formula of dx, not dy

    dy = [1, 1, 1, 1, 1], weight = [1, 0, 0, 0, 0]: G = [1, 0, 0, 0, 0], and dx begins with 0.495; with dy it is 0.
    """
    return _with_parameters(layernorm.backward(dy, x, eps=eps)[0], dy, x, eps)


@wrong("LN-14", layernorm.backward)
def parameter_gradients_of_the_last_row(dy, x, weight=1.0, eps=1e-5):
    """dweight and dbias are those of the last row; the rows before it are forgotten.

    How many rows share one bias?

    dweight = sum(dy * x_hat) and dbias = sum(dy), over all rows

    dy = [[1, 2], [10, 20]]: dbias is [1 + 10, 2 + 20] = [11, 22], not [10, 20].
    """
    x_hat, _ = layernorm.standardize(x, eps)
    return layernorm.backward(dy, x, weight, eps)[0], (dy * x_hat)[-1], dy[-1]


@wrong("LN-14", layernorm.backward)
def eps_outside_the_root_in_the_backward(dy, x, weight=1.0, eps=1e-5):
    """The gradient is that of (x - mean) / (sqrt(variance) + eps), which divides by a variance of 0.

    What is the derivative of sqrt(variance) where the variance is 0?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps): nothing divides by the variance alone

    [3, 3, 3, 3], dy = [1, 0, 0, 0]: (1 - 0.25) / sqrt(1e-5) = 237.17; outside the root 0 / 0.
    """
    G, deviation, root = dy * weight, _deviation(x), np.sqrt(_variance(x))
    dx = (G - _mean(G)) / (root + eps) - deviation * _mean(G * deviation) / (root * (root + eps) ** 2)
    return _with_parameters(dx, dy, x, eps)


@wrong("LN-14", layernorm.backward)
def terms_without_the_weight(dy, x, weight=1.0, eps=1e-5):
    """The two terms that are taken out of dx are computed from dy, not from G = dy * weight.

    Which gradient arrives at x_hat: dy, or dy * weight?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps), with G = dy * weight in all three places

    dy of ones, weight [1, 0, 0, 0, 0]: mean(G) = 0.2 and dx begins with (1 - 0.2 - 0.1) / sqrt(2) = 0.495, not with (1 - 1) = 0.
    """
    x_hat, rstd = layernorm.standardize(x, eps)
    return _with_parameters(rstd * (dy * weight - _mean(dy) - x_hat * _mean(dy * x_hat)), dy, x, eps)


@wrong("LN-14", layernorm.backward)
def variance_term_added(dy, x, weight=1.0, eps=1e-5):
    """The term of the variance, x_hat * mean(G * x_hat), is added to dx, not subtracted.

    What is the sum of your dx * x_hat over a row?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps)

    dy = [1, 0, 0, 0, 0]: (1 - 0.2 - 0.1) / sqrt(2) = 0.495, not (1 - 0.2 + 0.1) / sqrt(2) = 0.6364.
    """
    G, (x_hat, rstd) = dy * weight, layernorm.standardize(x, eps)
    return _with_parameters(rstd * (G - _mean(G) + x_hat * _mean(G * x_hat)), dy, x, eps)


@wrong("LN-14", layernorm.backward)
def sums_for_the_means_of_dx(dy, x, weight=1.0, eps=1e-5):
    """The terms of dx are sums over the row, not means.

    Do the terms of your dx grow with the length of the row?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps): both means divide by n

    dy = [1, 0, 0, 0, 0]: (1 - 1 / 5 - 0.5 / 5) / sqrt(2) = 0.495, not (1 - 1 - 0.5) / sqrt(2) = -0.3536.
    """
    G, n, (x_hat, rstd) = dy * weight, x.shape[-1], layernorm.standardize(x, eps)
    return _with_parameters(rstd * (G - n * _mean(G) - x_hat * n * _mean(G * x_hat)), dy, x, eps)


@wrong("LN-14", layernorm.backward)
def dx_not_divided(dy, x, weight=1.0, eps=1e-5):
    """dx is not divided by the standard deviation.

    If x is in metres, what is the unit of your dx?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps)

    dy = [1, -2, 0, 0, 1]: nothing is taken away, variance 2, and dx begins with 1 / sqrt(2) = 0.7071, not with 1.
    """
    dx, dweight, dbias = layernorm.backward(dy, x, weight, eps)
    return dx * np.sqrt(_variance(x) + eps), dweight, dbias


@wrong("LN-14", layernorm.backward)
def dx_divided_by_the_variance(dy, x, weight=1.0, eps=1e-5):
    """dx is divided by the variance, not by its root.

    If x is in metres, what is the unit of your dx?

    dx = (G - mean(G) - x_hat * mean(G * x_hat)) / sqrt(variance + eps)

    dy = [1, -2, 0, 0, 1]: nothing is taken away, variance 2, and dx begins with 1 / sqrt(2) = 0.7071, not with 1 / 2 = 0.5.
    """
    dx, dweight, dbias = layernorm.backward(dy, x, weight, eps)
    return dx / np.sqrt(_variance(x) + eps), dweight, dbias


@wrong("LN-14", layernorm.backward)
def dweight_and_dbias_swapped(dy, x, weight=1.0, eps=1e-5):
    """dweight and dbias are returned in the wrong order.

    In which order does the docstring name the gradients, and in which order do you return them?

    return dx, dweight, dbias, with dweight = sum(dy * x_hat) and dbias = sum(dy)

    dy = [[1, 2], [10, 20]], x_hat = [[-1, 1], [1, -1]]: first dweight, [-1 + 10, 2 - 20] = [9, -18], then dbias, [11, 22].
    """
    dx, dweight, dbias = layernorm.backward(dy, x, weight, eps)
    return dx, dbias, dweight


@wrong("LN-14", layernorm.backward)
def parameter_gradients_over_the_features(dy, x, weight=1.0, eps=1e-5):
    """dweight and dbias are summed over the features: there is one number for each row.

    How many numbers does the weight hold, and how many your dweight?

    dweight = sum(dy * x_hat) and dbias = sum(dy), over all rows: one number for each feature

    dy = [[1, 2], [10, 20]]: dbias is [1 + 10, 2 + 20] = [11, 22], not [1 + 2, 10 + 20] = [3, 30].
    """
    x_hat, _ = layernorm.standardize(x, eps)
    return layernorm.backward(dy, x, weight, eps)[0], (dy * x_hat).sum(axis=-1), dy.sum(axis=-1)


@wrong("LN-14", layernorm.backward)
def parameter_gradients_over_the_first_axis(dy, x, weight=1.0, eps=1e-5):
    """dweight and dbias are summed over the first axis alone, which is not enough for an x of three dimensions.

    An x of shape (batch, time, features): what is the shape of your dbias, and what that of the bias?

    dweight = sum(dy * x_hat) and dbias = sum(dy), over all axes but the last

    x of shape (2, 2, 2): dbias is [1 + 10 + 100 + 1000, 2 + 20 + 200 + 2000] = [1111, 2222], not [[101, 202], [1010, 2020]].
    """
    x_hat, _ = layernorm.standardize(x, eps)
    return layernorm.backward(dy, x, weight, eps)[0], (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@wrong("LN-14", layernorm.backward)
def parameter_gradients_not_summed(dy, x, weight=1.0, eps=1e-5):
    """dweight and dbias are not summed: every row has its own.

    What is the shape of your dbias, and what that of the bias?

    dweight = sum(dy * x_hat) and dbias = sum(dy), over all rows

    dy = [[1, 2], [10, 20]]: dbias is [1 + 10, 2 + 20] = [11, 22], not [[1, 2], [10, 20]].
    """
    x_hat, _ = layernorm.standardize(x, eps)
    return layernorm.backward(dy, x, weight, eps)[0], dy * x_hat, dy


@wrong("LN-14", layernorm.backward)
def parameter_gradients_averaged(dy, x, weight=1.0, eps=1e-5):
    """dweight and dbias are means over the rows, not sums.

    The same batch twice in a row: what happens to your dweight?

    dweight = sum(dy * x_hat) and dbias = sum(dy), over all rows

    dy = [[1, 2], [10, 20]]: dbias is [1 + 10, 2 + 20] = [11, 22], not [11 / 2, 22 / 2] = [5.5, 11].
    """
    dx, dweight, dbias = layernorm.backward(dy, x, weight, eps)
    rows = dy.size // dy.shape[-1]
    return dx, dweight / rows, dbias / rows


@wrong("LN-14", layernorm.backward)
def dweight_without_x_hat(dy, x, weight=1.0, eps=1e-5):
    """dweight is sum(dy * x), with x in the place of x_hat.

    By what is the weight multiplied in the forward?

    y = x_hat * weight + bias, so that dweight = sum(dy * x_hat)

    dy = [[1, 2], [10, 20]], x = [[1, 3], [8, 2]]: x_hat = [[-1, 1], [1, -1]] and dweight begins with -1 + 10 = 9, not 1 + 80.
    """
    dx, _, dbias = layernorm.backward(dy, x, weight, eps)
    return dx, (dy * x).sum(axis=tuple(range(x.ndim - 1))), dbias


@wrong("LN-14", layernorm.backward)
def dweight_not_divided(dy, x, weight=1.0, eps=1e-5):
    """dweight is sum(dy * (x - mean)): the standard deviation is missing.

    Is what you multiply dy with of variance 1?

    dweight = sum(dy * x_hat), with x_hat = (x - mean) / sqrt(variance + eps)

    dy = [[1, 2], [10, 20]], x = [[1, 3], [8, 2]]: dweight begins with -1 / 1 + 10 * 3 / 3 = 9, not -1 + 10 * 3 = 29.
    """
    dx, _, dbias = layernorm.backward(dy, x, weight, eps)
    return dx, (dy * _deviation(x)).sum(axis=tuple(range(x.ndim - 1))), dbias


@wrong("LN-14", layernorm.backward)
def parameter_gradients_with_the_weight(dy, x, weight=1.0, eps=1e-5):
    """dweight and dbias are summed from G = dy * weight, not from dy.

    y is linear in the weight and in the bias: can its slope depend on the weight?

    dweight = sum(dy * x_hat) and dbias = sum(dy); G = dy * weight stands in dx alone

    x of shape (2, 2, 2), weight [2, 3]: dbias is [1111, 2222], not [2 * 1111, 3 * 2222] = [2222, 6666].
    """
    return layernorm.backward(dy, x, weight, eps)[0], *layernorm.backward(dy * weight, x, eps=eps)[1:]
