"""What the place of the norm in a residual block does as the blocks get many."""

import numpy as np

from experiments import depth
from figures.style import BLUE, GREEN, GREY, ORANGE, RED

POST, PRE = {"color": RED, "marker": "^"}, {"color": BLUE, "marker": "o"}  # a placement looks the same in every picture
DEEP, SANDWICH = {"color": ORANGE, "marker": "D"}, {"color": GREEN, "marker": "s"}


def gradient_norms(figure):
    """The gradient of a feed-forward matrix at initialization, layer by layer and over the number of layers.

    A reader should see that under Pre-LN the gradient falls from the first layer to the last, and that of the last layer
    with the number of layers, as 1 / sqrt(layers); that under Post-LN the last layer's does not; and that DeepNorm's is
    the same in every layer, and the smallest.
    """
    figure.set_size_inches(11, 5.4)
    figure.suptitle("Gradient norms at initialization: large under Post-LN at any depth, small under DeepNorm")
    stacks, seeds = (3, 6, 12, 24), range(4)
    by_layer, last = figure.subplots(1, 2, sharey=True)
    for name, placement, style in (("Post-LN", "post", POST), ("Pre-LN", "pre", PRE), ("DeepNorm", "deepnorm", DEEP)):
        norms = [np.mean([depth.gradient_norms(n, placement, seed=s) for s in seeds], axis=0) for n in stacks]
        by_layer.plot(1 + np.arange(stacks[-1]), norms[-1], label=name, **style)
        last.plot(stacks, [of_stack[-1] for of_stack in norms], label=name, **style)
    last.plot(stacks, 1.3 / np.sqrt(stacks), "--", color=GREY, label="slope of 1 / √layers")
    by_layer.set_title(f"Every layer of {stacks[-1]}")
    by_layer.set(yscale="log", xlabel="layer, from the input", ylabel="norm of the gradient, mean of 4 seeds")
    last.set_title("The last layer")
    last.set(xscale="log", xlabel="layers", ylabel="norm of the gradient, mean of 4 seeds")
    last.set_xticks(stacks, labels=stacks)
    last.set_xticks([], minor=True)
    for axes in (by_layer, last):
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_tick_params(labelleft=True)
        axes.set_ylim(0.05, 4)
        axes.legend(loc="upper right", ncols=2)


def stream_variance(figure):
    """The variance of the residual stream over the number of blocks, for three places of the norm.

    A reader should see that Pre-LN and Sandwich grow alike, by 1 per block, and that Post-LN stays at 1.
    """
    figure.set_size_inches(8, 5.4)
    axes = figure.subplots()
    blocks = 2 ** np.arange(7)
    width = 256  # the variance is a mean over 64 rows of it, and within 3 % of 1 + blocks
    axes.plot(blocks, 1 + blocks, "--", color=GREY, label="1 + blocks")
    for name, placement, style in (
        ("Pre-LN: x + f(LN(x))", "pre", {**PRE, "linestyle": ""}),
        (
            "Sandwich: x + LN(f(LN(x)))",
            "sandwich",
            {**SANDWICH, "linestyle": "", "fillstyle": "none", "markersize": 11},
        ),
        ("Post-LN: LN(x + f(x))", "post", POST),
    ):
        variances = [depth.stream_variance(int(n), placement, width=width, seed=0) for n in blocks]
        axes.plot(blocks, variances, label=name, **style)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.yaxis.set_major_formatter("{x:.0f}")
    axes.set_xlabel("blocks (f: random linear maps that keep the variance)")
    axes.set_ylabel("variance of the residual stream (input: 1)")
    axes.set_title("The residual stream grows by 1 per block under Pre-LN and Sandwich, and stays 1 under Post-LN")
    axes.legend()
