"""Wrong answers to exercises/weights.py."""

import numpy as np

from mistakes.answers import wrong
from reference import weights


@wrong("WN-1", weights.weight_norm)
def drops_g(v, g):
    """v is divided by its length, and g is not used.

    How long is every row of your result? What is g for?

    w = g * v / |v|

    [3, 4] / 5 is [0.6, 0.8]; times 10 it is [6, 8]. The length is learned.
    """
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


@wrong("WN-1", weights.weight_norm)
def one_length_for_all_rows(v, g):
    """The length is taken over the whole matrix.

    Vectors are right, matrices are not. How many lengths has a matrix of two rows?

    w[row] = g[row] * v[row] / |v[row]|

    [3, 4, 0] has length 5 and [1, 2, 2] has 3; together they have sqrt(25 + 9) = 5.831.
    """
    return np.asarray(g)[..., None] * v / np.linalg.norm(v)


@wrong("WN-1", weights.weight_norm)
def lengths_of_the_columns(v, g):
    """The lengths are taken down the columns.

    Vectors are right, matrices are not. Along which axis does what one output is computed from lie?

    w[row] = g[row] * v[row] / |v[row]|, with |v[row]| over the last axis

    The row [3, 4, 0] has length 5; the first column, 3 and 1, has length 3.1623.
    """
    return np.asarray(g)[..., None] * v / np.linalg.norm(v, axis=0)


@wrong("WN-1", weights.weight_norm)
def divides_by_the_squared_length(v, g):
    """The root is missing: v is divided by v · v.

    What happens to your result when v is doubled?

    |v| = sqrt(sum(v²))

    9 + 16 = 25, whose root is 5: 10 * [3, 4] / 5 = [6, 8], not 10 * [3, 4] / 25 = [1.2, 1.6].
    """
    return np.asarray(g)[..., None] * v / (v**2).sum(axis=-1, keepdims=True)


@wrong("WN-1", weights.weight_norm_backward)
def forgets_the_projection(dweight, v, g):
    """dv is dweight times g / |v|: the length of v is treated as a constant.

    What is the product dv · v of your gradient? What does w do when v grows along itself?

    dv = g / |v| * (dweight - dg v / |v|)

    10 / 5 * [1, 0] = [2, 0]; without the part along v, 0.6 * [0.6, 0.8], it is 2 * [0.64, -0.48] = [1.28, -0.96].
    """
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return np.asarray(g)[..., None] / length * dweight, (dweight * v / length).sum(axis=-1)


@wrong("WN-1", weights.weight_norm_backward)
def forgets_to_divide_dg(dweight, v, g):
    """dg is dweight · v, as if v had length 1.

    w is g times a direction. How long is a direction?

    dg = dweight · v / |v|

    [1, 0] · [3, 4] = 3, divided by 5 it is 0.6.
    """
    return weights.weight_norm_backward(dweight, v, g)[0], (dweight * v).sum(axis=-1)


@wrong("WN-1", weights.weight_norm_backward)
def forgets_g_in_dv(dweight, v, g):
    """dv lacks the factor g.

    Your dv is right where g is 1. What is the derivative of g * direction by the direction?

    dv = g / |v| * (dweight - dg v / |v|)

    1 / 5 * [0.64, -0.48] = [0.128, -0.096] has to be 10 times as long.
    """
    dv, dg = weights.weight_norm_backward(dweight, v, 1.0)
    return dv, dg


@wrong("WN-2", weights.normalize_spectral)
def frobenius_for_spectral(weight):
    """The matrix is divided by its Frobenius norm, which counts every singular value.

    np.linalg.norm of a matrix is the root of the sum of all squares. Is that what it stretches a vector by?

    weight / s, with s the largest singular value

    diag(3, 4) stretches by 4 at most: 3 / 4 = 0.75. sqrt(9 + 16) = 5 gives 0.6.
    """
    return weight / np.linalg.norm(weight)


@wrong("WN-2", weights.normalize_spectral)
def divides_by_the_longest_row(weight):
    """The matrix is divided by the length of its longest row.

    Right for a diagonal matrix. Which vector does your other matrix stretch the most?

    weight / s, with s the largest |weight v| of all v of length 1

    v = [0, 1] becomes [4, 2, -4], of length 6. The longest row, [2, -4], has 4.4721.
    """
    return weight / np.linalg.norm(weight, axis=-1).max()


@wrong("WN-2", weights.normalize_spectral)
def forgets_the_root_of_the_eigenvalue(weight):
    """The matrix is divided by the largest eigenvalue of weightᵀ weight, which is the square of the singular value.

    What does your result become when the weight is doubled?

    s = sqrt(the largest eigenvalue of weightᵀ weight)

    diag(9, 16) has the eigenvalue 16, and s = 4: 3 / 4 = 0.75, not 3 / 16 = 0.1875.
    """
    return weight / np.linalg.eigvalsh(weight.T @ weight)[-1]


@wrong("WN-2", weights.normalize_frobenius)
def spectral_for_frobenius(weight):
    """The matrix is divided by its largest singular value, which is the spectral norm.

    How long is your result, read as one vector?

    weight / sqrt(sum of all squares)

    sqrt(9 + 16) = 5, not 4: diag(0.6, 0.8).
    """
    return weight / np.linalg.norm(weight, 2)


@wrong("WN-2", weights.normalize_rows)
def sums_absolute_values(weight):
    """The rows are divided by the sum of their absolute values.

    What is the sum of the squares of a row of your result?

    weight[row] / sqrt(sum(weight[row]²))

    [1, 4]: sqrt(1 + 16) = 4.1231 gives [0.2425, 0.9701]; 1 + 4 = 5 gives [0.2, 0.8].
    """
    return weight / abs(weight).sum(axis=-1, keepdims=True)


@wrong("WN-2", weights.standardize_rows)
def keeps_the_mean(weight, eps=1e-5):
    """The rows are divided by their standard deviation, and the mean stays.

    What is the mean of a row of your result?

    (weight - mean) / sqrt(variance + eps)

    [1, 3]: mean 2, variance 1, so [-1, 1], not [1, 3].
    """
    return weight / np.sqrt(weight.var(axis=-1, keepdims=True) + eps)


@wrong("WN-2", weights.standardize_rows)
def standardizes_the_columns(weight, eps=1e-5):
    """Mean and variance are taken down the columns.

    How many means has a matrix of two rows here?

    (weight - mean) / sqrt(variance + eps), with mean and variance over the last axis

    The row [2, 3, 5, 1, 4] has mean 3 and variance 2: (2 - 3) / 1.4142 = -0.7071. The column 2, 0 has mean 1.
    """
    return (weight - weight.mean(axis=0)) / np.sqrt(weight.var(axis=0) + eps)


@wrong("WN-2", weights.standardize_rows)
def unbiased_variance(weight, eps=1e-5):
    """The variance divides by n - 1.

    All your values are too small by one factor, sqrt((n - 1) / n). Which divisor did you use?

    variance = sum((weight - mean)²) / n

    [1, 3]: deviations -1 and 1, variance 2 / 2 = 1, not 2 / 1 = 2, which gives 0.7071.
    """
    deviation = weight - weight.mean(axis=-1, keepdims=True)
    return deviation / np.sqrt(weight.var(axis=-1, ddof=1, keepdims=True) + eps)


@wrong("WN-2", weights.power_iteration)
def forgets_the_length_of_v(weight, u, steps=1):
    """v is not divided by its length, so that sigma is multiplied by it.

    How long is v in your u · (weight v)?

    v = weightᵀ u / |weightᵀ u|, u = weight v / |weight v|, sigma = u · (weight v)

    v = [3, 4] / 5 = [0.6, 0.8] and weight v = [1.8, 3.2], of length 3.6715. With v = [3, 4] it is 18.3576.
    """
    for _ in range(steps):
        v = weight.T @ u
        u = weight @ v
        u = u / np.linalg.norm(u)
    return u @ weight @ v, u


@wrong("WN-2", weights.power_iteration)
def takes_one_step(weight, u, steps=1):
    """One step is taken, however many are asked for.

    Does your estimate come nearer with more steps?

    sigma = u · (weight v), after v = weightᵀ u / |weightᵀ u| and u = weight v / |weight v|, `steps` times

    First v = [0.6, 0.8], sigma 3.6715, then u = [0.4903, 0.8716], v = [0.3887, 0.9214], sigma 3.8655.
    """
    return weights.power_iteration(weight, u)


@wrong("GR-1", weights.clip_by_norm)
def clips_per_tensor(gradients, max_norm):
    """Every parameter's gradient is clipped by its own norm.

    One parameter is right, two are not. How many norms does the clause speak of?

    norm = sqrt(the sum of the squares of all values of all gradients)

    [3] and [4] share sqrt(9 + 16) = 5, so [0.6] and [0.8]. Alone they would become [1] and [1].
    """
    return [g * min(1.0, max_norm / np.linalg.norm(g)) for g in gradients]


@wrong("GR-1", weights.clip_by_norm)
def rescales_small_gradients(gradients, max_norm):
    """Gradients are brought to max_norm, also those that are shorter.

    What should happen to a gradient of norm 0.5 if 1 is allowed?

    g * max_norm / norm where norm > max_norm, else g

    [0.3, 0.4] has norm 0.5, less than 1: it stays. [0.6, 0.8] would be normalizing.
    """
    return [g * max_norm for g in weights.normalize_gradients(gradients)]


@wrong("GR-1", weights.clip_by_norm)
def clips_every_value(gradients, max_norm):
    """Every value is clipped for itself, which changes the direction.

    What was the ratio of the two values before, and what is it after?

    g * max_norm / norm where norm > max_norm, else g

    [3, 4] / 5 = [0.6, 0.8], still 3 to 4. Clipping by value gives [1, 1].
    """
    return weights.clip_by_value(gradients, max_norm)


@wrong("GR-1", weights.clip_by_norm)
def forgets_the_root(gradients, max_norm):
    """The norm is the sum of the squares, without the root.

    How long is your result? It should be max_norm.

    norm = sqrt(sum of all squares)

    sqrt(9 + 16) = 5: [3, 4] / 5 = [0.6, 0.8], not [3, 4] / 25 = [0.12, 0.16].
    """
    norm = sum((g**2).sum() for g in gradients)
    return [g * (max_norm / norm) if norm > max_norm else g for g in gradients]


@wrong("GR-1", weights.clip_by_value)
def clips_above_alone(gradients, max_value):
    """Large values are clipped, those far below zero are not.

    What becomes of -3?

    every value into [-max_value, max_value]

    3, 4, -3, 0.5 become 1, 1, -1, 0.5.
    """
    return [np.minimum(g, max_value) for g in gradients]


@wrong("GR-1", weights.normalize_gradients)
def leaves_small_gradients(gradients):
    """Gradients shorter than 1 are left as they are: that is clipping.

    How long are the gradients that you return?

    g / norm, whatever the norm is

    [0.3] and [0.4] have norm 0.5: divided by it, [0.6] and [0.8].
    """
    return weights.clip_by_norm(gradients, 1.0)


@wrong("GR-1", weights.normalize_gradients)
def normalizes_per_tensor(gradients):
    """Every parameter's gradient is divided by its own norm.

    Which of two parameters' gradients was the longer one before, and which is it after?

    g / sqrt(the sum of the squares of all values of all gradients)

    [0.3] and [0.4] share the norm 0.5: [0.6] and [0.8]. Alone they would become [1] and [1].
    """
    return [g / np.linalg.norm(g) for g in gradients]
