"""Wrong answers to exercises/smoothness.py."""

import itertools

import numpy as np

from mistakes.answers import wrong
from reference import smoothness


@wrong("SM-1", smoothness.is_smooth)
def beta_in_the_squared_form(gradient, beta, points):
    """Both lengths are squared and beta is not.

    If a <= beta * b, what is a² at most?

    |gradient(x) - gradient(y)|² <= beta² * |x - y|²

    3 x between 2 and 0: 36 <= 9 * 4. With beta alone it is 36 <= 12, which is false.
    """
    return all(
        bool(((gradient(x) - gradient(y)) ** 2).sum() <= beta * ((x - y) ** 2).sum())
        for x, y in itertools.combinations(points, 2)
    )


@wrong("SM-1", smoothness.is_smooth)
def bounds_the_gradient(gradient, beta, points):
    """The length of the gradient is compared with beta, not its change: that bounds how steep the function is.

    Does x² / 2 have a largest gradient? Is it smooth?

    |gradient(x) - gradient(y)| <= beta * |x - y|

    x / 2 at 2 is 1, more than 0.5; but from 2 to 0 it changes by 1, which is 0.5 * 2.
    """
    return all(np.sqrt((gradient(x) ** 2).sum()) <= beta for x in points)


@wrong("SM-1", smoothness.is_smooth)
def asks_neighbours_alone(gradient, beta, points):
    """Every point is compared with the next one in the list, not with all others.

    How many pairs have three points?

    |gradient(x) - gradient(y)| <= beta * |x - y| for every two of the points

    x² on 3, -1, 4: 8 / 4 = 2, 15 / 5 = 3 and, between the first and the last, 7 / 1 = 7, more than 5.
    """
    return all(smoothness.is_smooth(gradient, beta, [x, y]) for x, y in itertools.pairwise(points))


@wrong("SM-1", smoothness.is_smooth)
def sums_of_absolute_values(gradient, beta, points):
    """The lengths are sums of absolute values, not roots of sums of squares.

    How long is [3, 4]?

    |a| = sqrt(sum(a²))

    [x, 2 y] from [0, 0] to [3, 4] changes by [3, 8], whose length is sqrt(73) = 8.5440, more than 1.65 * 5 = 8.25. Summed it
    is 11, less than 1.65 * 7 = 11.55.
    """
    return all(
        bool(abs(gradient(x) - gradient(y)).sum() <= beta * abs(x - y).sum())
        for x, y in itertools.combinations(points, 2)
    )


@wrong("SM-1", smoothness.is_smooth)
def compares_entry_by_entry(gradient, beta, points):
    """Single entries of the gradient's change and of the distance are compared, each or the largest, not length with length.

    Is the length of a vector one number, or one for each entry?

    |a| = sqrt(sum(a²)), one number

    [x, 2 y] from [0, 0] to [3, 4] changes by [3, 8]: sqrt(73) = 8.5440, no more than 1.75 * 5 = 8.75. The second entry alone,
    8, is more than 1.75 * 4 = 7.
    """
    return all(
        bool((abs(gradient(x) - gradient(y)) <= beta * abs(x - y)).all()) for x, y in itertools.combinations(points, 2)
    )


@wrong("SM-1", smoothness.is_smooth)
def strictly_smaller(gradient, beta, points):
    """The change has to be smaller than beta times the distance, and may not be equal to it.

    Is the best constant of 3 x one of yours?

    |gradient(x) - gradient(y)| <= beta * |x - y|

    3 x between 2 and 0: 6 <= 3 * 2 holds, 6 < 3 * 2 does not.
    """
    return all(
        bool(np.sqrt(((gradient(x) - gradient(y)) ** 2).sum()) < beta * np.sqrt(((x - y) ** 2).sum()))
        for x, y in itertools.combinations(points, 2)
    )


@wrong("SM-1", smoothness.smoothness_constant)
def returns_beta_squared(gradient, points):
    """The squared lengths are divided: that is the constant of the squared form.

    Is your result 3 for f = 1.5 x², whose second derivative is 3?

    beta = |gradient(x) - gradient(y)| / |x - y|, the largest of all pairs

    3 x between 2 and 0: 6 / 2 = 3. 36 / 4 = 9 is its square.
    """
    return smoothness.smoothness_constant(gradient, points) ** 2


@wrong("SM-1", smoothness.smoothness_constant)
def averages_the_pairs(gradient, points):
    """The mean over the pairs is taken, not the largest.

    Does the inequality hold for every pair with your beta?

    beta = max |gradient(x) - gradient(y)| / |x - y|

    x² on 3, -1, 4: 2, 7 and 3. The largest is 7, the mean 4.
    """
    pairs = list(itertools.combinations(points, 2))
    return sum(smoothness.smoothness_constant(gradient, pair) for pair in pairs) / len(pairs)


@wrong("SM-1", smoothness.smoothness_constant)
def sums_absolute_differences(gradient, points):
    """The distances are sums of absolute values, not roots of sums of squares.

    How far is [3, 4] from the origin?

    |a| = sqrt(sum(a²))

    The gradient changes by [3, 8], of length sqrt(73) = 8.544, over 5: 1.7088. Summed it is 11 / 7 = 1.5714.
    """
    return max(abs(gradient(x) - gradient(y)).sum() / abs(x - y).sum() for x, y in itertools.combinations(points, 2))


@wrong("SM-2", smoothness.converges)
def limit_of_1_over_beta(step, beta):
    """Steps above 1 / beta are refused: these overshoot the minimum, but end nearer than they began.

    By what does a step multiply x? Which of these numbers make it smaller?

    |1 - step * beta| < 1, that is 0 < step < 2 / beta

    step 0.19, beta 10: 1 - 1.9 = -0.9. The sign changes, the size goes down to 0.9 of it.
    """
    return 0 < step < 1 / beta


@wrong("SM-2", smoothness.converges)
def includes_the_limit(step, beta):
    """A step of 2 / beta itself is allowed.

    What is |1 - step * beta| there?

    |1 - step * beta| < 1

    step 0.25, beta 8: 1 - 2 = -1. x goes from 1 to -1 and back.
    """
    return abs(1 - step * beta) <= 1


@wrong("SM-2", smoothness.converges)
def forgets_that_steps_are_positive(step, beta):
    """Every step below 2 / beta is allowed, negative ones too.

    Where does a step of -0.1 go?

    |1 - step * beta| < 1, that is 0 < step < 2 / beta

    step -0.1, beta 10: 1 + 1 = 2. x doubles at every step.
    """
    return step < 2 / beta


@wrong("SM-2", smoothness.descend)
def climbs(gradient, x, step, steps):
    """The step is added: that goes up.

    Where does the gradient point to?

    x <- x - step * gradient(x)

    1 - 0.19 * 10 = -0.9, not 1 + 0.19 * 10 = 2.9.
    """
    return smoothness.descend(gradient, x, -step, steps)


@wrong("SM-2", smoothness.descend)
def keeps_the_first_gradient(gradient, x, step, steps):
    """The gradient is computed once and used for all steps.

    After the first step x is another. Is the gradient still the same?

    x <- x - step * gradient(x), with the new x each time

    1, -0.9, 0.81 ... after two steps. With the first gradient it is 1 - 2 * 1.9 = -2.8.
    """
    return x - steps * step * gradient(x)


@wrong("SM-2", smoothness.descend)
def one_step_too_many(gradient, x, step, steps):
    """One step more is taken than is asked for.

    Where are you after no step at all?

    x <- x - step * gradient(x), `steps` times

    From 1 with step 0.25 on 8 x: 1 after no step, -1 after one.
    """
    return smoothness.descend(gradient, x, step, steps + 1)


@wrong("SM-3", smoothness.smoothness_constant)
def generalizes_to_all_nets(gradient, points):
    """The points are standardized before anything is measured, as if a normalized net could not depend on their scale.

    What does BatchNorm divide by, and what happens to the gradient where that is small?

    beta = max |gradient(x) - gradient(y)| / |x - y|, on the points as they are

    Points a hundredth as large: BatchNorm divides by a hundredth, gradients are 100 times as long, 1.0607 becomes 10606.6.
    """
    return smoothness.smoothness_constant(gradient, points / points.std())


@wrong("SM-3", smoothness.condition_number)
def generalizes_to_all_inputs(x):
    """The largest mean square of a feature is divided by the smallest, as if standardized inputs were always at 1.

    Which entries of xᵀ x did you look at? Which tell about correlations?

    the largest eigenvalue of xᵀ x / the smallest

    [[1, 0.8], [0.8, 1]] has ones on its diagonal and the eigenvalues 1.8 and 0.2: 9, not 1.
    """
    squares = (x**2).sum(axis=0)
    return float(squares.max() / squares.min())


@wrong("SM-3", smoothness.condition_number)
def condition_of_x_itself(x):
    """The condition number of x is returned, the ratio of its singular values.

    Whose condition number decides about the step, that of x or that of the squared error?

    the largest eigenvalue of xᵀ x / the smallest: singular values squared

    Singular values 200 and 2: 100. Eigenvalues 40000 and 4: 10000.
    """
    return float(np.linalg.cond(x))


@wrong("SM-3", smoothness.condition_number)
def smallest_over_largest(x):
    """The smallest eigenvalue is divided by the largest.

    Is your result 1 or more?

    the largest eigenvalue of xᵀ x / the smallest

    40000 / 4 = 10000, not 4 / 40000 = 0.0001.
    """
    return 1 / smoothness.condition_number(x)
