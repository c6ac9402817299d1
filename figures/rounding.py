"""How large the rounding errors of a LayerNorm are, in units of what a sound one may err by."""

import numpy as np
import torch
from torch.nn.functional import layer_norm

from figures.style import BLACK, BLUE, GREEN, RED
from harness import comparison, probes
from harness.implementations import of_function
from harness.subject import Subject
from mistakes.catalogue import of_norm

RATIOS = np.logspace(-1, 5, 37)  # from 1e5 on bounds are infinite: float32 has no digits left for the variance
ROWS, VALUES = 16, 512


def rounding_error(figure):
    """The error of y over |mean| / standard deviation, in float32, for three ways to take the variance.

    A reader should see that two passes, and torch, stay below the bound however far from zero the data is, and that
    mean(x²) - mean(x)² grows with the ratio, crosses the bound between 20 and 40 and ends in NaN.
    """
    figure.set_size_inches(9, 5.8)
    axes = figure.subplots()
    (one_pass,) = (m.function for m in of_norm("layer_norm") if m.name == "one_pass_variance")
    for name, function, colour, marker in (
        ("one pass, mean(x²) − mean(x)²", one_pass, RED, "o"),
        ("two passes, mean((x − mean)²)", two_passes, BLUE, "s"),
        ("torch.nn.functional.layer_norm", layer_norm, GREEN, "^"),
    ):
        errors = np.array([error_in_bounds(function, ratio) for ratio in RATIOS])
        axes.plot(RATIOS, np.where(np.isinf(errors), np.nan, errors), marker=marker, color=colour, label=name)
        if np.isinf(errors).any():
            nan = RATIOS[np.isinf(errors)]
            label = "one pass: a variance is negative, its y NaN"
            axes.plot(nan, np.full(nan.size, 1e6), "x", color=colour, markersize=7, label=label)
    axes.axhline(1, color=BLACK, linestyle="--", linewidth=1.4)
    axes.text(0.08, 1.2, "largest error of a sound implementation")
    axes.set(xscale="log", yscale="log", ylim=(1e-3, 3e6))
    axes.set_xlabel("|mean| / standard deviation of a row")
    axes.set_ylabel(f"largest error of {ROWS * VALUES} values y, in bounds")
    axes.set_title(f"LayerNorm in float32, {ROWS} rows of {VALUES} values: one pass loses the variance far from zero")
    axes.legend(loc="upper left")


def two_passes(x, normalized_shape, weight, bias, eps):
    """LayerNorm in the arithmetic of x: the mean first, then the mean of the squared deviations."""
    d = x - x.mean(-1, keepdim=True)
    return d * torch.rsqrt((d * d).mean(-1, keepdim=True) + eps) * weight + bias


def error_in_bounds(function, ratio):
    """The largest error of y in units of its bound where every row is `ratio` deviations from 0; infinite for NaN."""
    subject = Subject(of_function("drawn", "layer_norm", function), "layer_norm", "cpu", "float32")
    case = subject.case(far_from_zero(ratio))
    return comparison.ratios(subject.forward(case)["y"].value, subject.expected(case, "y")).max()


def far_from_zero(ratio):
    """Normal rows of deviation 1, whose mean is `ratio`."""

    def rows(rng, m, n, dtype):
        return ratio + rng.standard_normal((m, n))

    return probes.Probe(f"{ratio:.3g}-deviations-from-zero", ROWS, VALUES, rows)
