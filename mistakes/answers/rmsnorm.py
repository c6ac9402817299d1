"""Wrong answers to exercises/rmsnorm.py."""

import numpy as np

from mistakes.answers import wrong
from reference import rmsnorm


def _mean_square(x):
    return (x * x).mean(axis=-1, keepdims=True)


def _deviation(x):
    return x - x.mean(axis=-1, keepdims=True)


# -- RM-1: the formula -------------------------------------------------------------------------------------------------


@wrong("RM-1", rmsnorm.forward)
def mean_subtracted(x, weight=1.0, eps=1e-6):
    """The mean is subtracted and the variance taken about it: this is LayerNorm.

    Does your output sum to 0? Does that of RMSNorm?

    y = x / sqrt(mean(x²) + eps)

    [3, 4]: mean square 12.5, y = [3, 4] / 3.5355 = [0.8485, 1.1314], not [-0.5, 0.5] / 0.5 = [-1, 1].
    """
    return _deviation(x) / np.sqrt(_mean_square(_deviation(x)) + eps) * weight


@wrong("RM-1", rmsnorm.forward)
def root_missing(x, weight=1.0, eps=1e-6):
    """x is divided by the mean square, not by its root.

    In which unit is your y, if x is in metres?

    y = x / sqrt(mean(x²) + eps)

    [3, 4]: 3 / sqrt(12.5) = 0.8485, not 3 / 12.5 = 0.24.
    """
    return x / (_mean_square(x) + eps) * weight


@wrong("RM-1", rmsnorm.forward)
def sum_for_the_average(x, weight=1.0, eps=1e-6):
    """The squares are added up, not averaged: this is L2 normalization (RM-6).

    How many squares does your sum hold, and did you divide by that number?

    y = x / sqrt(sum(x²) / n + eps)

    [3, 4]: 3 / sqrt(25 / 2) = 0.8485, not 3 / sqrt(25) = 0.6.
    """
    return x / np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps) * weight


@wrong("RM-1", rmsnorm.forward)
def square_of_the_mean(x, weight=1.0, eps=1e-6):
    """The mean is squared, mean(x)², in the place of the mean of the squares, mean(x²).

    What is the mean of -1 and 1, and what is the mean of their squares?

    y = x / sqrt(mean(x²) + eps): square first, then average

    [3, 4]: (9 + 16) / 2 = 12.5 and 3 / sqrt(12.5) = 0.8485, not 3.5² = 12.25 and 3 / sqrt(12.25) = 0.8571.
    """
    return x / np.sqrt(x.mean(axis=-1, keepdims=True) ** 2 + eps) * weight


# -- RM-2: the weight --------------------------------------------------------------------------------------------------


@wrong("RM-2", rmsnorm.forward)
def weight_missing(x, weight=1.0, eps=1e-6):
    """The weight is not used.

    Set the weight to something other than 1: does your y change?

    y = x_hat * weight, feature by feature

    [3, 4], weight [2, 3]: [0.8485 * 2, 1.1314 * 3] = [1.6971, 3.3941], not [0.8485, 1.1314].
    """
    return x / np.sqrt(_mean_square(x) + eps) + 0 * weight


@wrong("RM-2", rmsnorm.forward)
def bias_of_one_tenth(x, weight=1.0, eps=1e-6):
    """A shift is added to y.

    What is y where x is 0? And who has taken out what the bias brings back?

    y = x_hat * weight, and nothing after it

    [0, 5, 0]: the first value is 0 * 2 = 0, not 0.1.
    """
    return x / np.sqrt(_mean_square(x) + eps) * weight + 0.1


@wrong("RM-2", rmsnorm.forward)
def one_weight_for_all(x, weight=1.0, eps=1e-6):
    """The weight of the first feature is used for all of them.

    How many numbers does your weight hold, and which of them does the second feature get?

    y[i] = x_hat[i] * weight[i]

    [3, 4], weight [2, 3]: the second value is 1.1314 * 3 = 3.3941, not 1.1314 * 2 = 2.2627.
    """
    return x / np.sqrt(_mean_square(x) + eps) * np.ravel(weight)[0]


# -- RM-3: the axis ----------------------------------------------------------------------------------------------------


@wrong("RM-3", rmsnorm.forward)
def one_root_for_the_whole_input(x, weight=1.0, eps=1e-6):
    """One root mean square is taken of the whole input.

    Multiply one row by 2: should its output change, or that of another row?

    mean(x²) = sum(x²) / n over the n features of one row

    [[3, 4], [6, 8]]: 3 / sqrt(25 / 2) = 0.8485, not 3 / sqrt(125 / 4) = 3 / 5.5902 = 0.5367.
    """
    return x / np.sqrt((x * x).mean() + eps) * weight


@wrong("RM-3", rmsnorm.forward)
def axis_of_the_batch(x, weight=1.0, eps=1e-6):
    """The root mean square is taken down the columns.

    Which axis of x holds the features of one token?

    mean(x²) = sum(x²) / n over the last axis

    [[3, 4], [6, 8]]: the mean square of the first row is (9 + 16) / 2 = 12.5, not (9 + 36) / 2 = 22.5.
    """
    return x / np.sqrt((x * x).mean(axis=0) + eps) * weight


@wrong("RM-3", rmsnorm.forward)
def axis_not_kept(x, weight=1.0, eps=1e-6):
    """A column is divided by the row's root mean square: the reduced axis was not kept.

    What is the shape of your root, (rows, 1) or (rows,)? Which axis of x does it stand beside?

    x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)

    [[3, 4], [6, 8]]: roots 3.5355 and 7.0711. 4 of the first row is divided by 3.5355, not by 7.0711.
    """
    return x / np.sqrt((x * x).mean(axis=-1) + eps) * weight


# -- RM-4: the bridge to LayerNorm -------------------------------------------------------------------------------------


@wrong("RM-4", rmsnorm.layernorm_by_rmsnorm)
def mean_not_subtracted(x, weight=1.0, bias=0.0, eps=1e-5):
    """RMSNorm of x itself is taken for LayerNorm: the mean stays.

    Is the mean of your row zero?

    RMSNorm(x - mean(x)) = LayerNorm(x)

    [2, 3, 5, 1, 4]: (2 - 3) / sqrt(2) = -0.7071, not 2 / sqrt(55 / 5) = 0.603.
    """
    return rmsnorm.forward(x, weight, eps) + bias


@wrong("RM-4", rmsnorm.layernorm_by_rmsnorm)
def mean_subtracted_afterwards(x, weight=1.0, bias=0.0, eps=1e-5):
    """The mean is subtracted from the output of RMSNorm: the root is still that of x with its mean.

    Your output has mean 0. Is its variance 1?

    RMSNorm(x - mean(x)): subtract before the squares are taken

    [2, 3, 5, 1, 4]: (2 - 3) / sqrt(2) = -0.7071, not (2 - 3) / sqrt(55 / 5) = -0.3015.
    """
    return _deviation(rmsnorm.forward(x, eps=eps)) * weight + bias


@wrong("RM-4", rmsnorm.layernorm_by_rmsnorm)
def bias_missing(x, weight=1.0, bias=0.0, eps=1e-5):
    """The bias is not added, as RMSNorm has none.

    What does LayerNorm have that RMSNorm has not?

    LayerNorm(x) = RMSNorm(x - mean(x)) + bias

    [1, 3], weight [2, 3], bias [10, 20]: [-1 * 2 + 10, 1 * 3 + 20] = [8, 23], not [-2, 3].
    """
    return rmsnorm.forward(_deviation(x), weight, eps)


# -- RM-5: scales and shifts -------------------------------------------------------------------------------------------


@wrong("RM-5", rmsnorm.forward)
def shift_taken_out(x, weight=1.0, eps=1e-6):
    """A shift of x changes nothing: the mean is subtracted, as in LayerNorm.

    Compare [3, 4] with [4, 5]: does your y change?

    y = x / sqrt(mean(x²) + eps)

    [4, 5]: mean square 20.5, y = [4, 5] / 4.5277 = [0.8835, 1.1043], not [-1, 1].
    """
    return _deviation(x) / np.sqrt(_mean_square(_deviation(x)) + eps) * weight


@wrong("RM-5", rmsnorm.forward)
def same_y_for_the_negative(x, weight=1.0, eps=1e-6):
    """A row and its negative get the same y.

    Is a root mean square ever negative? What does k = -10 do to x?

    RMSNorm(k x) = sign(k) RMSNorm(x), eps aside

    [-30, -40]: -30 / sqrt(1250) = -0.8485, not 0.8485.
    """
    return np.sign(x.mean(axis=-1, keepdims=True)) * x / np.sqrt(_mean_square(x) + eps) * weight


@wrong("RM-5", rmsnorm.forward)
def eps_after_scaling_by_the_largest(x, weight=1.0, eps=1e-6):
    """x is divided by its largest absolute value first, so that eps never counts.

    Multiply x by 0.001: is the mean square still larger than eps?

    y = x / sqrt(mean(x²) + eps), with the mean square of x as it is

    [0.003, 0.004], eps = 1e-5: 0.003 / sqrt(1.25e-5 + 1e-5) = 0.6325, not 0.8485.
    """
    x = x / np.abs(x).max(axis=-1, keepdims=True)
    return x / np.sqrt(_mean_square(x) + eps) * weight


# -- RM-6: the length --------------------------------------------------------------------------------------------------


@wrong("RM-6", rmsnorm.forward)
def length_of_one(x, weight=1.0, eps=1e-6):
    """x is divided by its length, as F.normalize does.

    How long is your y? How long is a row of n values which are all 1?

    y = x / sqrt(sum(x²) / n + eps), which has length sqrt(n)

    [3, 4]: [3, 4] / sqrt(25 / 2) has length 5 / 3.5355 = 1.4142; [3, 4] / 5 has length 1.
    """
    return x / np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps) * weight


@wrong("RM-6", rmsnorm.forward)
def mean_of_absolute_values(x, weight=1.0, eps=1e-6):
    """x is divided by the mean of |x|, not by the root of the mean square.

    For [3, 4], is your divisor 3.5 or 3.5355?

    y = x / sqrt(mean(x²) + eps)

    [3, 4]: 5 / sqrt(12.5) = 1.4142 is the length of y, not 5 / 3.5 = 1.4286.
    """
    return x / (np.abs(x).mean(axis=-1, keepdims=True) + eps) * weight


# -- RM-7: eps ---------------------------------------------------------------------------------------------------------


@wrong("RM-7", rmsnorm.forward)
def eps_outside_the_root(x, weight=1.0, eps=1e-6):
    """eps is added to the root, not to the mean square under it.

    For x of 0.001, how large is the mean square, and how large its root? Beside which of them does eps count?

    sqrt(mean(x²) + eps), not sqrt(mean(x²)) + eps

    [0.001, 0.001], eps = 1e-6: 0.001 / sqrt(1e-6 + 1e-6) = 0.7071, not 0.001 / (0.001 + 0.000001) = 0.999.
    """
    return x / (np.sqrt(_mean_square(x)) + eps) * weight


@wrong("RM-7", rmsnorm.forward)
def eps_added_to_the_sum(x, weight=1.0, eps=1e-6):
    """eps is added to the sum of the squares, and divided by n with it.

    Which comes first in your code, the division by n or the eps?

    sqrt(sum(x²) / n + eps), not sqrt((sum(x²) + eps) / n)

    [0.001, 0.001], eps = 1e-6: 0.001 / sqrt(2e-6 / 2 + 1e-6) = 0.7071, not 0.001 / sqrt(3e-6 / 2) = 0.8165.
    """
    return x / np.sqrt(((x * x).sum(axis=-1, keepdims=True) + eps) / x.shape[-1]) * weight


@wrong("RM-7", rmsnorm.forward)
def eps_missing(x, weight=1.0, eps=1e-6):
    """eps is not added at all, as in the paper.

    What is the root mean square of a row of zeros, and what did you divide by?

    y = x / sqrt(mean(x²) + eps)

    [0.001, 0.001], eps = 1e-6: 0.001 / sqrt(2e-6) = 0.7071, not 0.001 / 0.001 = 1; a row of zeros gives 0, not 0 / 0.
    """
    return x / np.sqrt(_mean_square(x)) * weight


# -- RM-8: the default eps ---------------------------------------------------------------------------------------------


@wrong("RM-8", rmsnorm.forward)
def default_eps_of_float32(x, weight=1.0, eps=2.0**-23):
    """Without an eps, y has float32's machine epsilon, 1.19e-7, as torch.nn.RMSNorm with eps=None.

    Which eps does your function's signature name, and which one the docstring?

    y = x / sqrt(mean(x²) + eps), with eps = 1e-6 where none is given

    1e-4 four times: 1e-4 / sqrt(1e-8 + 1e-6) = 0.0995, not 1e-4 / sqrt(1e-8 + 1.19e-7) = 0.2782.
    """
    return rmsnorm.forward(x, weight, eps)


@wrong("RM-8", rmsnorm.forward)
def default_eps_of_bfloat16(x, weight=1.0, eps=2.0**-7):
    """Without an eps, y has bfloat16's machine epsilon, 0.0078, beside which small inputs vanish.

    How large are the squares of x beside your eps?

    y = x / sqrt(mean(x²) + eps), with eps = 1e-6 where none is given

    1e-4 four times: 1e-4 / sqrt(1e-8 + 1e-6) = 0.0995, not 1e-4 / sqrt(1e-8 + 0.0078) = 0.0011.
    """
    return rmsnorm.forward(x, weight, eps)


@wrong("RM-8", rmsnorm.eps_of)
def mean_square_in_eps(x, y):
    """The mean square of x is left in the result: what is found is mean(x²) + eps.

    What stands under the root beside eps?

    eps = mean(x²) / mean(y²) - mean(x²)

    1e-8 / 0.0995037² = 1.01e-6, and less the mean square, 1e-8, it is 1e-6.
    """
    return (x**2).mean() / (y**2).mean()


@wrong("RM-8", rmsnorm.eps_of)
def squares_of_the_means(x, y):
    """The means are squared, mean(x)², in the place of the means of the squares, mean(x²).

    Which comes first in your code, the square or the mean? Are they the same for 0.001 and 0.003?

    eps = mean(x²) / mean(y²) - mean(x²): square first, then average

    [0.001, 0.003], y = [0.4, 1.2]: 5e-6 / 0.8 - 5e-6 = 1.25e-6, not 4e-6 / 0.64 - 4e-6 = 2.25e-6.
    """
    return x.mean() ** 2 / y.mean() ** 2 - x.mean() ** 2


# -- RM-9: the order of casts ------------------------------------------------------------------------------------------


@wrong("RM-9", rmsnorm.forward_bfloat16)
def x_hat_rounded_before_the_weight(x, weight=1.0, eps=1e-6):
    """x_hat is rounded before it is multiplied by the weight: this is LLaMA's order.

    Where does your code return to bfloat16: before the weight, or after it?

    y = round(x_hat * weight)

    The second value: 1.131371 * 1.5 = 1.697056, rounded 1.6953125; rounded first, 1.1328125 * 1.5 becomes 1.703125.
    """
    return rmsnorm.forward_bfloat16_llama(x, weight, eps)


@wrong("RM-9", rmsnorm.forward_bfloat16)
def not_rounded(x, weight=1.0, eps=1e-6):
    """y is not rounded to bfloat16 at all.

    How many significant bits has your y?

    y = round(x_hat * weight)

    1.697056 lies between 217 / 128 = 1.6953125 and 218 / 128 = 1.703125, and nearer to the first.
    """
    return rmsnorm.forward(x, weight, eps)


@wrong("RM-9", rmsnorm.forward_bfloat16_llama)
def rounded_after_the_weight_alone(x, weight=1.0, eps=1e-6):
    """x_hat is multiplied by the weight before it is rounded: this is the order of Gemma, OLMo 2 and torch.

    Where does your code return to bfloat16: before the weight, or after it?

    y = round(round(x_hat) * weight)

    The second value: 1.131371 is rounded to 1.1328125, times 1.5 it is 1.69921875, rounded 1.703125, not 1.6953125.
    """
    return rmsnorm.forward_bfloat16(x, weight, eps)


@wrong("RM-9", rmsnorm.forward_bfloat16_llama)
def product_left_in_float32(x, weight=1.0, eps=1e-6):
    """The product with the weight is not rounded, as where a float32 weight makes y float32.

    What is the dtype of a bfloat16 number times a float32 one?

    y = round(round(x_hat) * weight)

    The second value: 1.1328125 * 1.5 = 1.69921875 = 217.5 / 128 is no bfloat16 number; the even neighbour is 218 / 128.
    """
    return rmsnorm.round_to_bfloat16(rmsnorm.forward(x, eps=eps)) * weight


@wrong("RM-9", rmsnorm.round_to_bfloat16)
def rounded_towards_zero(x):
    """The bits that bfloat16 lacks are cut off: x is truncated, not rounded.

    Are your errors as often positive as negative?

    rint(fraction * 256) / 256 * 2^exponent: to the nearest, not towards 0

    1.13137 * 128 = 144.8, and the nearest is 145 / 128 = 1.1328125; cut off it is 144 / 128 = 1.125.
    """
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.trunc(fraction * 256) / 256, exponent)


@wrong("RM-9", rmsnorm.round_to_bfloat16)
def rounded_down(x):
    """x is rounded down to the next number of bfloat16, by floor.

    Are your errors as often positive as negative?

    rint(fraction * 256) / 256 * 2^exponent: to the nearest, not down

    1.13137 * 128 = 144.8, and the nearest is 145 / 128 = 1.1328125, not 144 / 128; -3.3 is -3.296875, not -3.3125.
    """
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.floor(fraction * 256) / 256, exponent)


@wrong("RM-9", rmsnorm.round_to_bfloat16)
def ties_away_from_zero(x):
    """A number half-way between two neighbours is rounded away from 0, not to the even one.

    What do you make of 128.5, and what of 129.5?

    np.rint rounds 128.5 to 128 and 129.5 to 130; floor(t + 1/2) makes 129 of the first

    1.00390625 = 128.5 / 128, and the even neighbour is 128 / 128 = 1, not 129 / 128 = 1.0078125.
    """
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.sign(fraction) * np.floor(np.abs(fraction) * 256 + 0.5) / 256, exponent)


@wrong("RM-9", rmsnorm.round_to_bfloat16)
def seven_bits(x):
    """x is rounded to 7 significant bits: the first one, which bfloat16 does not store, is not counted.

    bfloat16 stores 7 bits of the fraction. Which bit before them is always 1, and need not be stored?

    rint(fraction * 2^8) / 2^8 * 2^exponent, with a fraction of 1/2 to 1

    1.13137: from 1 to 2 the numbers are 1/128 apart, and 145 / 128 = 1.1328125; with 7 bits it is 72 / 64 = 1.125.
    """
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.rint(fraction * 128) / 128, exponent)


@wrong("RM-9", rmsnorm.round_to_bfloat16)
def multiples_of_one_128th(x):
    """x is rounded to multiples of 1/128, whatever its size.

    How far apart are bfloat16 numbers from 1 to 2, and how far from 1/2 to 1?

    rint(fraction * 256) / 256 * 2^exponent: the distance follows the size of x

    0.848528 * 256 = 217.2, and 217 / 256 = 0.84765625; the multiple of 1/128 is 109 / 128 = 0.8515625.
    """
    return np.rint(x * 128) / 128


@wrong("RM-9", rmsnorm.round_to_bfloat16)
def float16_for_bfloat16(x):
    """x is rounded to float16, which has 11 significant bits.

    How many bits are left for the fraction in bfloat16, which has as many for the exponent as float32?

    rint(fraction * 2^8) / 2^8 * 2^exponent: 8 significant bits

    1.13137 is 145 / 128 = 1.1328125 in bfloat16; in float16, whose numbers are 1/1024 apart there, it is 1.1318359375.
    """
    return x.astype(np.float16).astype(x.dtype)


@wrong("RM-9", rmsnorm.forward_bfloat16)
def y_rounded_towards_zero(x, weight=1.0, eps=1e-6):
    """y is truncated to bfloat16, not rounded to nearest.

    Are your errors as often positive as negative?

    y = round(x_hat * weight), to the nearest

    [3, 4] without a weight: 1.131371 * 128 = 144.8, and y ends with 145 / 128 = 1.1328125, not with 144 / 128 = 1.125.
    """
    return rounded_towards_zero(rmsnorm.forward(x, weight, eps))


@wrong("RM-9", rmsnorm.forward_bfloat16_llama)
def both_rounded_towards_zero(x, weight=1.0, eps=1e-6):
    """x_hat and its product with the weight are truncated to bfloat16, not rounded to nearest.

    Are your errors as often positive as negative?

    y = round(round(x_hat) * weight), both to the nearest

    The second value: 1.131371 is rounded to 1.1328125 and y is 1.703125; cut off it is 1.125, and 1.125 * 1.5 = 1.6875.
    """
    return rounded_towards_zero(rounded_towards_zero(rmsnorm.forward(x, eps=eps)) * weight)


# -- RM-10: the gain less 1 --------------------------------------------------------------------------------------------


@wrong("RM-10", rmsnorm.forward_one_plus_weight)
def weight_taken_for_the_gain(x, weight=0.0, eps=1e-6):
    """x_hat is multiplied by the weight itself: a fresh layer erases its input.

    What does a fresh Gemma layer, whose weight is 0, do to its input?

    y = x_hat * (1 + weight)

    [3, 4], weight [0, 0]: [0.8485 * 1, 1.1314 * 1], not [0, 0].
    """
    return rmsnorm.forward(x, weight, eps)


@wrong("RM-10", rmsnorm.forward_one_plus_weight)
def one_plus_weight_in_bfloat16(x, weight=0.0, eps=1e-6):
    """1 is added to the weight in bfloat16, where small weights are lost beside it.

    What is 1 + 0.001 in bfloat16, which has eight bits?

    y = x_hat * (1 + weight), added in float32

    [3, 4], weight [0.001, -0.001]: 0.8485 * 1.001 = 0.8494; in bfloat16 1.001 is 1, and 0.8485 stays.
    """
    return rmsnorm.forward(x, rmsnorm.round_to_bfloat16(1 + np.asarray(weight)), eps)


@wrong("RM-10", rmsnorm.forward_one_plus_weight)
def weight_added(x, weight=0.0, eps=1e-6):
    """The weight is added to x_hat, as x_hat * 1 + weight does without parentheses.

    Which is done first in a * 1 + b, the product or the sum?

    y = x_hat * (1 + weight)

    [3, 4], weight [1, 1]: [0.8485 * 2, 1.1314 * 2] = [1.6971, 2.2627], not [0.8485 + 1, 1.1314 + 1] = [1.8485, 2.1314].
    """
    return rmsnorm.forward(x, 1.0, eps) + weight


@wrong("RM-10", rmsnorm.forward_one_plus_weight)
def one_added_to_the_product(x, weight=0.0, eps=1e-6):
    """1 is added to x_hat * weight, not to the weight.

    What does a fresh layer, whose weight is 0, do to its input?

    y = x_hat * (1 + weight)

    [3, 4], weight [0, 0]: [0.8485 * 1, 1.1314 * 1], not [0.8485 * 0 + 1, 1.1314 * 0 + 1] = [1, 1].
    """
    return rmsnorm.forward(x, weight, eps) + 1


# -- RM-11: 16 bits ----------------------------------------------------------------------------------------------------


@wrong("RM-11", rmsnorm.forward_16_bit)
def squares_in_half(x, weight=1.0, eps=1e-6):
    """x is squared in its own 16 bits.

    What is 300 * 300 in float16?

    x.astype(np.float32) first, then its squares; y is cast back at the end

    [300, 400]: 300² = 90,000 is infinite in float16, and 300 / infinity = 0; in float32 300 / sqrt(125,000) = 0.8485.
    """
    return (x / np.sqrt(_mean_square(x) + np.asarray(eps, x.dtype)) * weight).astype(x.dtype)


@wrong("RM-11", rmsnorm.forward_16_bit)
def float32_result(x, weight=1.0, eps=1e-6):
    """y stays float32: the cast back is missing.

    What is y.dtype for a float16 x?

    y = forward(x.astype(np.float32), weight, eps).astype(x.dtype)

    [300, 400]: 0.848528 is 0.8486 in float16, whose numbers are 1/2048 apart there.
    """
    return rmsnorm.forward(x.astype(np.float32), weight, eps)


# -- RM-12: the gradients ----------------------------------------------------------------------------------------------


def _mean(values):
    return values.mean(axis=-1, keepdims=True)


@wrong("RM-12", rmsnorm.backward)
def statistics_taken_for_constants(dy, x, weight=1.0, eps=1e-6):
    """The root mean square is taken for a constant: dx is dy * weight / sqrt(mean(x²) + eps) alone.

    What is the product of your gradient with x, summed over the row?

    dx = (G - x_hat * mean(G * x_hat)) / sqrt(mean(x²) + eps), with G = dy * weight

    [3, 4], dy = [1, 0]: 1 - 3 * 3 / 25 = 0.64, and 0.64 / 3.5355 = 0.181, not 1 / 3.5355 = 0.2828.
    """
    return dy * weight * rmsnorm.reciprocal_rms(x, eps), rmsnorm.backward(dy, x, weight, eps)[1]


@wrong("RM-12", rmsnorm.backward)
def mean_term_subtracted(dy, x, weight=1.0, eps=1e-6):
    """dx loses mean(G), the term of LayerNorm's mean, though nothing is subtracted from x.

    What in the forward depends on the mean of x?

    dx = (G - x_hat * mean(G * x_hat)) / sqrt(mean(x²) + eps)

    [3, 4], dy = [1, 0]: (1 - 0.36) / 3.5355 = 0.181, not (1 - 0.36 - 0.5) / 3.5355 = 0.0396.
    """
    dx, dweight = rmsnorm.backward(dy, x, weight, eps)
    return dx - _mean(dy * weight) * rmsnorm.reciprocal_rms(x, eps), dweight


@wrong("RM-12", rmsnorm.backward)
def dx_without_the_weight(dy, x, weight=1.0, eps=1e-6):
    """dx is computed from dy, as if the weight were 1.

    What is the gradient of x_hat, if y = x_hat * weight?

    G = dy * weight stands in the formula of dx, not dy

    [3, 4], dy = [1, 1], weight = [1, 0]: G = [1, 0] and dx = [0.181, -0.1358]; with dy it is [0.0453, -0.0339].
    """
    return rmsnorm.backward(dy, x, 1.0, eps)


@wrong("RM-12", rmsnorm.backward)
def parameter_gradients_of_the_last_row(dy, x, weight=1.0, eps=1e-6):
    """dweight is that of the last row; the rows before it are forgotten.

    How many rows share one weight?

    dweight = sum(dy * x_hat) over all rows

    [[3, 4], [4, 3]], dy = [[1, 0], [0, 5]]: [1 * 0.8485 + 0, 0 + 5 * 0.8485] = [0.8485, 4.2426], not [0, 4.2426].
    """
    return rmsnorm.backward(dy, x, weight, eps)[0], (dy * x * rmsnorm.reciprocal_rms(x, eps))[-1]


@wrong("RM-12", rmsnorm.backward)
def zero_row_divided(dy, x, weight=1.0, eps=1e-6):
    """The part along x is taken out with the row's own length, which is 0 for a row of zeros.

    What is dx where x is 0?

    x_hat * mean(G * x_hat), where x_hat has eps under its root; not x * sum(G * x) / sum(x²)

    A row of zeros: x_hat = 0, nothing is taken out, dx = 1 / sqrt(1e-6) = 1000 times dy, not 0 / 0.
    """
    G, rrms = dy * weight, rmsnorm.reciprocal_rms(x, eps)
    dx = rrms * (G - x * _mean(G * x) / _mean_square(x))
    return dx, rmsnorm.backward(dy, x, weight, eps)[1]


@wrong("RM-12", rmsnorm.backward)
def term_without_the_weight(dy, x, weight=1.0, eps=1e-6):
    """The term that is taken out of dx is computed from dy, not from G = dy * weight.

    Which gradient arrives at x_hat: dy, or dy * weight?

    dx = (G - x_hat * mean(G * x_hat)) / sqrt(mean(x²) + eps), with G = dy * weight in both places

    [3, 4], dy = [1, 1], weight = [1, 0]: dx ends with (0 - 0.48) / 3.5355 = -0.1358, not (0 - 1.12) / 3.5355 = -0.3168.
    """
    rrms = rmsnorm.reciprocal_rms(x, eps)
    x_hat = x * rrms
    return rrms * (dy * weight - x_hat * _mean(dy * x_hat)), rmsnorm.backward(dy, x, weight, eps)[1]


@wrong("RM-12", rmsnorm.backward)
def term_along_x_added(dy, x, weight=1.0, eps=1e-6):
    """The part along x_hat is added to dx, not subtracted.

    What is the product of your gradient with x, summed over the row?

    dx = (G - x_hat * mean(G * x_hat)) / sqrt(mean(x²) + eps)

    [3, 4], dy = [1, 0]: (1 - 0.36) / 3.5355 = 0.181, not (1 + 0.36) / 3.5355 = 0.3847.
    """
    rrms = rmsnorm.reciprocal_rms(x, eps)
    G, x_hat = dy * weight, x * rrms
    return rrms * (G + x_hat * _mean(G * x_hat)), rmsnorm.backward(dy, x, weight, eps)[1]


@wrong("RM-12", rmsnorm.backward)
def sums_for_the_means_of_dx(dy, x, weight=1.0, eps=1e-6):
    """The term of dx is a sum over the row, not a mean.

    Does the term of your dx grow with the length of the row?

    dx = (G - x_hat * mean(G * x_hat)) / sqrt(mean(x²) + eps): the mean divides by n

    [3, 4], dy = [1, 0]: (1 - 0.8485 * 0.8485 / 2) / 3.5355 = 0.181, not (1 - 0.8485 * 0.8485) / 3.5355 = 0.0792.
    """
    rrms = rmsnorm.reciprocal_rms(x, eps)
    G, x_hat = dy * weight, x * rrms
    return rrms * (G - x_hat * (G * x_hat).sum(axis=-1, keepdims=True)), rmsnorm.backward(dy, x, weight, eps)[1]


@wrong("RM-12", rmsnorm.backward)
def dx_not_divided(dy, x, weight=1.0, eps=1e-6):
    """dx is not divided by the root mean square.

    If x is in metres, what is the unit of your dx?

    dx = (G - x_hat * mean(G * x_hat)) / sqrt(mean(x²) + eps)

    [3, 4], dy = [1, 0]: (1 - 0.36) / 3.5355 = 0.181, not 1 - 0.36 = 0.64.
    """
    dx, dweight = rmsnorm.backward(dy, x, weight, eps)
    return dx / rmsnorm.reciprocal_rms(x, eps), dweight


@wrong("RM-12", rmsnorm.backward)
def dx_divided_by_the_mean_square(dy, x, weight=1.0, eps=1e-6):
    """dx is divided by the mean square, not by its root.

    If x is in metres, what is the unit of your dx?

    dx = (G - x_hat * mean(G * x_hat)) / sqrt(mean(x²) + eps)

    [3, 4], dy = [1, 0]: (1 - 0.36) / sqrt(12.5) = 0.181, not (1 - 0.36) / 12.5 = 0.0512.
    """
    dx, dweight = rmsnorm.backward(dy, x, weight, eps)
    return dx * rmsnorm.reciprocal_rms(x, eps), dweight


@wrong("RM-12", rmsnorm.backward)
def dx_and_dweight_swapped(dy, x, weight=1.0, eps=1e-6):
    """dweight is returned first, and dx after it.

    In which order does the docstring name the gradients, and in which order do you return them?

    return dx, dweight: dx has the shape of x, dweight that of the weight

    [3, 4], dy = [1, 0]: first dx, [[0.181, -0.1358]], then dweight, [1 * 0.8485, 0 * 1.1314] = [0.8485, 0].
    """
    return rmsnorm.backward(dy, x, weight, eps)[::-1]


@wrong("RM-12", rmsnorm.backward)
def parameter_gradients_over_the_features(dy, x, weight=1.0, eps=1e-6):
    """dweight is summed over the features: there is one number for each row.

    How many numbers does the weight hold, and how many your dweight?

    dweight = sum(dy * x_hat) over all rows: one number for each feature

    x of shape (2, 2, 2), x_hat = 1 or -1: dweight is [1 + 10 - 100 + 1000, 2 - 20 + 200 + 2000], not [[3, -10], [100, 3000]].
    """
    x_hat = x * rmsnorm.reciprocal_rms(x, eps)
    return rmsnorm.backward(dy, x, weight, eps)[0], (dy * x_hat).sum(axis=-1)


@wrong("RM-12", rmsnorm.backward)
def parameter_gradients_over_the_first_axis(dy, x, weight=1.0, eps=1e-6):
    """dweight is summed over the first axis alone, which is not enough for an x of three dimensions.

    An x of shape (batch, time, features): what is the shape of your dweight, and what that of the weight?

    dweight = sum(dy * x_hat) over all axes but the last

    x of shape (2, 2, 2): dweight begins with 1 + 10 - 100 + 1000 = 911, not with [1 - 100, 2 + 200] = [-99, 202].
    """
    x_hat = x * rmsnorm.reciprocal_rms(x, eps)
    return rmsnorm.backward(dy, x, weight, eps)[0], (dy * x_hat).sum(axis=0)


@wrong("RM-12", rmsnorm.backward)
def parameter_gradients_not_summed(dy, x, weight=1.0, eps=1e-6):
    """dweight is not summed: every row has its own.

    What is the shape of your dweight, and what that of the weight?

    dweight = sum(dy * x_hat) over all rows

    [[3, 4], [4, 3]], dy = [[1, 0], [0, 5]]: [0.8485, 4.2426], one sum for each feature, not [[0.8485, 0], [0, 4.2426]].
    """
    return rmsnorm.backward(dy, x, weight, eps)[0], dy * x * rmsnorm.reciprocal_rms(x, eps)


@wrong("RM-12", rmsnorm.backward)
def parameter_gradients_averaged(dy, x, weight=1.0, eps=1e-6):
    """dweight is the mean over the rows, not the sum.

    The same batch twice in a row: what happens to your dweight?

    dweight = sum(dy * x_hat) over all rows

    [[3, 4], [4, 3]], dy = [[1, 0], [0, 5]]: [1 * 0.8485, 5 * 0.8485] = [0.8485, 4.2426], not half of it, [0.4243, 2.1213].
    """
    dx, dweight = rmsnorm.backward(dy, x, weight, eps)
    return dx, dweight / (dy.size // dy.shape[-1])


@wrong("RM-12", rmsnorm.backward)
def dweight_without_x_hat(dy, x, weight=1.0, eps=1e-6):
    """dweight is sum(dy * x), with x in the place of x_hat.

    By what is the weight multiplied in the forward?

    y = x_hat * weight, so that dweight = sum(dy * x_hat)

    [[3, 4], [4, 3]], dy = [[1, 0], [0, 5]]: [1 * 0.8485, 5 * 0.8485] = [0.8485, 4.2426], not [1 * 3, 5 * 3] = [3, 15].
    """
    return rmsnorm.backward(dy, x, weight, eps)[0], (dy * x).sum(axis=tuple(range(x.ndim - 1)))


@wrong("RM-12", rmsnorm.backward)
def dweight_with_the_weight(dy, x, weight=1.0, eps=1e-6):
    """dweight is sum(G * x_hat), with G = dy * weight: the weight is still in it.

    y is linear in the weight: can its slope depend on the weight?

    dweight = sum(dy * x_hat); G = dy * weight stands in dx alone

    x of shape (2, 2, 2), weight [2, 3]: dweight is [911, 2182], not [2 * 911, 3 * 2182] = [1822, 6546].
    """
    dx, dweight = rmsnorm.backward(dy, x, weight, eps)
    return dx, dweight * weight


# -- RM-13: the order of sums ------------------------------------------------------------------------------------------


@wrong("RM-13", rmsnorm.sum_in_order)
def sum_in_float64(values):
    """The sum is kept in float64, and no order shows.

    How many digits has your sum between two additions?

    sum = float32(sum + value), value by value

    [4096², 1, 1]: 16777216 + 1 = 16777216 in float32, twice; 16777218 comes only from the other end.
    """
    return float(np.float32(np.sum(values, dtype=np.float64)))


@wrong("RM-13", rmsnorm.sum_in_order)
def sum_in_the_dtype_of_the_values(values):
    """The sum has the dtype of the values, as sum(values) has: that of float64 values is in float64.

    What is the dtype of your sum, and what that of the values?

    sum = float32(sum + value), value by value, also where the values are float64

    [4096², 1, 1] in float64: sum(values) is 16777218; in float32 16777216 + 1 = 16777216, and + 1 again.
    """
    return float(sum(values))


@wrong("RM-13", rmsnorm.sum_in_order)
def partial_sums(values):
    """The sum is np.sum's, in float32 but in another order: it adds partial sums.

    Is every 1 of your sum added to 16777216, or are some added to each other first?

    sum = float32(sum + value), value by value, from the first to the last: as np.cumsum adds, not np.sum

    4096² and 200 ones: 16777216 + 1 = 16777216, 200 times; in 16777404 most ones have met each other first.
    """
    return float(np.sum(values, dtype=np.float32))


@wrong("RM-13", rmsnorm.sum_in_order)
def sum_from_the_right(values):
    """The sum begins with the last value.

    Which value does your sum begin with?

    sum = float32(sum + value), from the first value to the last

    [4096², 1, 1]: 16777216 + 1 = 16777216, and + 1 again; from the right it is 1 + 1 = 2, and 16777218.
    """
    return rmsnorm.sum_in_order(values[::-1])


@wrong("RM-13", rmsnorm.same_values)
def bits_compared(y, other, roundings=16):
    """The bits are compared, as torch.equal does: it fails wherever a sum is split in another way.

    Are 16777216 and 16777218 two results, or one result and a rounding?

    max|y - other| <= roundings * 2^-24 * max|other|

    They differ by 2, and 16 roundings of 16777218 are 16 * 1.
    """
    return bool((y == other).all())


@wrong("RM-13", rmsnorm.same_values)
def absolute_bound(y, other, roundings=16):
    """The bound is the same for large values and for small ones.

    How far apart are neighbouring float32 numbers near 1, and how far near 16777216?

    max|y - other| <= roundings * 2^-24 * max|other|: the bound grows with the values

    16777216 and 16777218 are neighbours in float32, and differ by 2; 1 and 1.0000001 are, and differ by 1.2e-7.
    """
    return bool(np.abs(y - other).max() <= roundings * 2.0**-24)


@wrong("RM-13", rmsnorm.same_values)
def bound_of_one_percent(y, other, roundings=16):
    """The bound is so wide that mistakes pass.

    Which of your rows would still pass with another eps?

    max|y - other| <= roundings * 2^-24 * max|other|

    1 and 1.001 differ by 0.001, which is 17,000 roundings: 16 of them are 0.00000095.
    """
    return bool(np.abs(y - other).max() <= 0.01 * np.abs(other).max())


@wrong("RM-13", rmsnorm.same_values)
def allclose_with_its_defaults(y, other, roundings=16):
    """The comparison is np.allclose, whose bound is 1e-5 of each value, and 1e-8.

    How many roundings to float32 are 1e-5?

    max|y - other| <= roundings * 2^-24 * max|other|

    1.000005 and 1 differ by 5e-6, which is 84 roundings: 16 of them are 9.5e-7, and allclose lets 1e-5 pass, 168 of them.
    """
    return bool(np.allclose(y, other))


@wrong("RM-13", rmsnorm.same_values)
def bound_of_each_value(y, other, roundings=16):
    """Each value has a bound of its own, 16 roundings of itself, not of the largest value.

    1 - 0.999 in float32: how large is the result, and how large may the roundings of 0.999 be beside it?

    max|y - other| <= roundings * 2^-24 * max|other|: the largest value decides

    [1, 0.001] and [1, 0.00100003] differ by 3e-8: 16 roundings of 1 are 9.5e-7, of 0.001 alone 9.5e-10.
    """
    return bool((np.abs(y - other) <= roundings * 2.0**-24 * np.abs(other)).all())


@wrong("RM-13", rmsnorm.same_values)
def absolute_value_missing(y, other, roundings=16):
    """The difference keeps its sign: where y is smaller than the other, everything passes.

    Exchange y and other: is your answer the same?

    max|y - other| <= roundings * 2^-24 * max|other|, with the absolute value of the difference

    1 and 1.001: |1 - 1.001| = 0.001 is more than 9.5e-7; without the absolute value -0.001 is less.
    """
    return bool((y - other).max() <= roundings * 2.0**-24 * np.abs(other).max())


@wrong("RM-13", rmsnorm.same_values)
def one_rounding_alone(y, other, roundings=16):
    """A single rounding is let pass, whatever the number of roundings that is given.

    Where does roundings stand in your code?

    max|y - other| <= roundings * 2^-24 * max|other|

    16777216 and 16777218 differ by 2, and 16777218 * 2^-24 = 1.0000001 is one rounding: 16 are 16.
    """
    return bool(np.abs(y - other).max() <= 2.0**-24 * np.abs(other).max())
