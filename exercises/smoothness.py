"""Smoothness: the exercises of specs/smoothness.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain SM-1` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401


def is_smooth(gradient, beta, points):
    """Whether |gradient(x) - gradient(y)| <= beta * |x - y| for every two of the points.

    gradient: a function from a point to an array of its shape.  points: (k, ...).  |.|: the root of the sum of squares.
    """
    raise NotImplementedError


def smoothness_constant(gradient, points):
    """The smallest beta that the points allow: the largest |gradient(x) - gradient(y)| / |x - y| of every two of them.

    gradient: a function from a point to an array of its shape.  points: (k, ...), no two of them equal.
    """
    raise NotImplementedError


def descend(gradient, x, step, steps):
    """Where gradient descent is after `steps` steps from x, each x <- x - step * gradient(x).

    gradient: a function from a point to an array of its shape.  x: an array or a number.
    """
    raise NotImplementedError


def converges(step, beta):
    """Whether gradient descent on beta / 2 * x² comes to 0 from anywhere: a step multiplies x by 1 - step * beta.

    step, beta: numbers, beta > 0.  Result: a bool.
    """
    raise NotImplementedError


def condition_number(x):
    """The largest eigenvalue of xᵀ x divided by the smallest: how unequally steep a linear model's squared error is.

    x: (samples, features), of full rank.  Result: a float >= 1, no unit.
    """
    raise NotImplementedError
