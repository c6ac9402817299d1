"""Smoothness: how fast a gradient changes from point to point, what step that allows, what the inputs' scale does to it.

Nesterov 2018, "Lectures on Convex Optimization", chapter 1.2: functions with a Lipschitz continuous gradient. Santurkar
et al. 2018, "How Does Batch Normalization Help Optimization?" (arXiv 1805.11604). Yang et al. 2019, "A Mean Field
Theory of Batch Normalization" (arXiv 1902.08129).
"""

import itertools

import numpy as np


def is_smooth(gradient, beta, points):
    """Whether |gradient(x) - gradient(y)| <= beta * |x - y| for every two of the points.

    gradient: a function from a point to an array of its shape.  points: (k, ...).  |.|: the root of the sum of squares.
    """
    return all(
        _length(gradient(x) - gradient(y)) <= beta * _length(x - y) for x, y in itertools.combinations(points, 2)
    )


def smoothness_constant(gradient, points):
    """The smallest beta that the points allow: the largest |gradient(x) - gradient(y)| / |x - y| of every two of them.

    gradient: a function from a point to an array of its shape.  points: (k, ...), no two of them equal.
    """
    return max(_length(gradient(x) - gradient(y)) / _length(x - y) for x, y in itertools.combinations(points, 2))


def _length(difference):
    return float(np.sqrt((difference**2).sum()))


def descend(gradient, x, step, steps):
    """Where gradient descent is after `steps` steps from x, each x <- x - step * gradient(x).

    gradient: a function from a point to an array of its shape.  x: an array or a number.
    """
    for _ in range(steps):
        x = x - step * gradient(x)
    return x


def converges(step, beta):
    """Whether gradient descent on beta / 2 * x² comes to 0 from anywhere: a step multiplies x by 1 - step * beta.

    step, beta: numbers, beta > 0.  Result: a bool.
    """
    return abs(1 - step * beta) < 1


def condition_number(x):
    """The largest eigenvalue of xᵀ x divided by the smallest: how unequally steep a linear model's squared error is.

    x: (samples, features), of full rank.  Result: a float >= 1, no unit.
    """
    eigenvalues = np.linalg.eigvalsh(x.T @ x)  # in ascending order
    return float(eigenvalues[-1] / eigenvalues[0])
