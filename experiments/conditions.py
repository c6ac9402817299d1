"""The conditions under which an experiment gives the same bits every time on one machine."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def single_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` on one thread of torch: with more, sums are taken in an order that depends on their number."""

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return function(*args, **kwargs)
        finally:
            torch.set_num_threads(threads)

    return inside


def generator(seed: int) -> torch.Generator:
    """A source of random numbers of the experiment's own, so that torch's global one stays as it was."""
    return torch.Generator().manual_seed(seed)
