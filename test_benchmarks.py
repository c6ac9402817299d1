"""Benchmarks: the time of every norm, and the share of a copy's bandwidth that it reaches (`--benchmark-enable`)."""

import pytest

from harness import benchmarks
from harness.timing import Timing


@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")  # where there is no figure
def test_speed(benchmark, timed):
    """A norm's call, and the call with its gradients; without --benchmark-enable it is made once and must be right."""
    if isinstance(timed, Timing):
        benchmarks.show(benchmark, timed)
    else:
        benchmarks.tried(benchmark, *timed)
