"""How large a step the smoothness of a loss allows."""

from typing import NamedTuple

import numpy as np


def after_descent(step: float, steps: int = 50, beta: float = 10.0, start: float = 1.0) -> float:
    """|x| after `steps` steps of gradient descent on beta / 2 * x^2, whose gradient is beta * x; in units of x.

    Nesterov 2004, "Introductory Lectures on Convex Optimization", sec. 1.2.3: it falls as long as step < 2 / beta.
    """
    x = start
    for _ in range(steps):
        x -= step * beta * x
    return abs(x)


def largest_stable_step(curvatures: tuple[float, ...] = (10.0,), steps: int = 2000, seed: int = 0) -> float:
    """The largest step with which gradient descent does not grow, found by bisection to 1 part in 10^6.

    On sum(curvatures / 2 * x^2) from a random start, over `steps` steps; in units of x squared per unit of loss. It is
    2 / beta, and beta, by Lipschitz continuity of the gradient, the largest curvature.
    """
    curvature = np.array(curvatures)
    start = np.random.default_rng(seed).standard_normal(curvature.size)

    def grows(step: float) -> bool:
        x = start.copy()
        for _ in range(steps):
            x -= step * curvature * x
            if np.abs(x).max() > 1e3 * np.abs(start).max():
                return True
        return bool((np.abs(x) > np.abs(start)).any())

    low, high = 0.0, 1.0
    while not grows(high):
        high *= 2
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if grows(middle) else (middle, high)
    return low


class Conditioning(NamedTuple):
    """Of least squares by gradient descent with the step 1 / beta."""

    condition_number: float
    steps: int  # until the loss is a millionth of the first one


def conditioning(x: np.ndarray, standardized: bool, most: int = 200_000) -> Conditioning:
    """What standardizing the columns of x, (rows, columns), does to least squares; the answer is 1 in every column.

    LeCun et al. 1998, "Efficient BackProp", sec. 4.3: the condition number of the Hessian, x.T @ x / rows, says how
    slowly gradient descent goes.
    """
    if standardized:
        x = (x - x.mean(axis=0)) / x.std(axis=0)
    hessian = x.T @ x / len(x)
    curvature = np.linalg.eigvalsh(hessian)
    error = -np.ones(x.shape[1])  # of weights that start at 0
    first = error @ hessian @ error
    for steps in range(most):
        if error @ hessian @ error <= 1e-6 * first:
            return Conditioning(float(curvature[-1] / curvature[0]), steps)
        error -= hessian @ error / curvature[-1]
    raise ValueError(f"not there after most={most} steps: a condition number of {curvature[-1] / curvature[0]:.3g}")
