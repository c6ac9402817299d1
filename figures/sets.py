"""Which values of a tensor share a mean and a variance."""

from typing import Any

import numpy as np

from figures.style import BLACK, BLUE, GREY, ORANGE, PALE
from harness.norms import NORMS, Case

SAMPLES, CHANNELS, POSITIONS = 4, 6, 4
SHAPE = SAMPLES, CHANNELS, POSITIONS
DEEP = np.array([0.46, 0.34])  # one step along the samples, to the back

STANDARDIZED = r"$\hat{x} = \dfrac{x - \mathrm{mean}}{\sqrt{\mathrm{variance} + \mathrm{eps}}}$"
SCALED = r"$\hat{x} = \dfrac{x}{\sqrt{\mathrm{mean}(x^2) + \mathrm{eps}}}$"
# Title, norm, its arguments, where its own x has (sample, channel, position), what is averaged over, what has a set each.
PANELS: tuple[tuple[Any, ...], ...] = (
    ("BatchNorm (training)", "batch_norm", {}, (0, 1, 2), "N, H, W", "channel", STANDARDIZED),
    ("InstanceNorm", "instance_norm", {}, (0, 1, 2), "H, W", "sample and channel", STANDARDIZED),
    ("GroupNorm, 2 groups", "group_norm", {"num_groups": 2}, (0, 1, 2), "C / 2 neighbouring channels, H, W", "sample and group", STANDARDIZED),
    ("LayerNorm of an image", "layer_norm", {"normalized_ndim": 2}, (0, 1, 2), "C, H, W", "sample", STANDARDIZED),
    ("LayerNorm of a token", "layer_norm", {}, (0, 2, 1), "C", "sample and position", STANDARDIZED),
    ("RMSNorm of a token", "rms_norm", {}, (0, 2, 1), "C", "sample and position", SCALED),
)  # fmt: skip


def averaged_axes(figure):
    """One cube of values per norm, with one set of values that share their statistics in colour.

    A reader should see that the norms have one formula and differ in the set alone, and that RMSNorm has LayerNorm's
    set and another formula. The sets are those that the suite itself works with.
    """
    figure.set_size_inches(11.6, 8.4)
    figure.suptitle("The axes that each norm averages over: the values in colour are one set")
    for axes, (title, norm, arguments, order, over, one_per, formula) in zip(
        figure.subplots(2, 3).flat, PANELS, strict=True
    ):
        marked, sets = one_set(norm, arguments, order)
        _cube(axes, marked, ORANGE if norm == "rms_norm" else BLUE)
        axes.set_title(title, fontweight="bold")
        said = f"over {over}\n{sets} sets of {marked.sum()} values: one per {one_per}"
        axes.text(3.6, -5.3, said, ha="center", va="top", linespacing=1.4)
        axes.text(3.6, -7.0, formula, ha="center", va="top", fontsize=12)
    figure.supxlabel(
        "N samples, C channels (features), H × W positions of an image (tokens of a text).  "
        "DeepNorm: LayerNorm of a token, of alpha · x + sublayer(x).",
        fontsize=9.5,
        color=GREY,
    )


def one_set(norm, arguments, order):
    """Which values share the statistics of the front right upper one, as (sample, channel, position); how many sets."""
    x = np.zeros(SHAPE).transpose(order)
    numbers = NORMS[norm].sets(Case(norm, "cube", "float32", x, x, **arguments)).transpose(order)
    return numbers == numbers[0, -1, 0], len(np.unique(numbers))


def _cube(axes, marked, colour):
    """The three faces in sight: the front (sample 0), the right (the last channel) and the top (position 0)."""
    across, down = np.array([1.0, 0.0]), np.array([0.0, -1.0])
    for sample, channel, position in np.ndindex(SHAPE):
        corner = channel * across + position * down + sample * DEEP
        fill = colour if marked[sample, channel, position] else PALE
        if sample == 0:
            _tile(axes, corner, across, down, fill)
        if position == 0:
            _tile(axes, corner, across, DEEP, fill)
        if channel == CHANNELS - 1:
            _tile(axes, corner + across, DEEP, down, fill)
    bottom, right = POSITIONS * down, CHANNELS * across
    arrows = {"C": (bottom, bottom + right, (0, -0.4)), "H, W": (0 * down, bottom, (-0.7, 0)),
              "N": (bottom + right, bottom + right + SAMPLES * DEEP, (0.35, -0.2))}  # fmt: skip
    for name, (start, end, away) in arrows.items():
        start, end = start + 0.4 * np.array(away), end + 0.4 * np.array(away)
        axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY})
        axes.text(*((start + end) / 2 + np.array(away)), name, ha="center", va="center")
    axes.set(xlim=(-1.6, 8.8), ylim=(-8.8, 1.6), aspect="equal")
    axes.axis("off")


def _tile(axes, corner, one, other, fill):
    outline = np.array([corner, corner + one, corner + one + other, corner + other])
    axes.fill(*outline.T, facecolor=fill, edgecolor=BLACK, linewidth=0.6)
