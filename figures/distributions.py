"""What LayerNorm does to the values of a sample: it moves and scales them, and leaves the shape."""

import numpy as np

from figures.style import AFTER, BEFORE, BLACK, GREY
from notes import simple_model
from reference import layernorm


def before_and_after(figure):
    """Note 001's six panels on the right axes.

    A reader should see, above, that the bell is there before LayerNorm, that of the normal input, and that one sample
    has the same histogram after it as before; below, that it is per sample that mean and variance become 0 and 1, with
    the variance divided by n, and that per feature they do not.
    """
    figure.set_size_inches(12.6, 7.8)
    figure.suptitle(
        "LayerNorm on 100 samples of 50 features: the mean and the variance of each sample change, not its shape"
    )
    data = simple_model.statistics(seed=0)
    rows = [["all before", "all after", "one before"], ["all before", "all after", "one after"]]
    panels = figure.subplot_mosaic([*rows, *[["mean", "variance", "feature"]] * 2])

    for when, values, colour, what in (
        ("before", data.x_linear, BEFORE, "a bell, as the model's input is"),
        ("after", data.x_ln, AFTER, "still a bell"),
    ):
        axes = panels[f"all {when}"]
        axes.hist(values.ravel(), bins=40, density=True, alpha=0.75, color=colour, label=f"{values.size} values")
        normal_curve(axes, values)
        axes.set(title=f"All values {when}: {what}", xlabel="value", ylabel="density")
        _room_for_the_legend(axes)

    for when, values, colour in (
        ("before", data.single_sample_before, BEFORE),
        ("after", data.single_sample_after, AFTER),
    ):
        axes = panels[f"one {when}"]
        values = values.astype(np.float64)
        axes.hist(values, bins=12, color=colour, alpha=0.75, edgecolor="white")
        shape = f"skewness {skewness(values):.3f}, kurtosis {kurtosis(values):.3f}".replace("-", "\N{MINUS SIGN}")
        axes.set_title(f"Sample 0 {when}: {shape}", fontsize=9.5)
        axes.set(xlabel="value", ylabel="values", yticks=(0, 4, 8))

    sample = np.arange(len(data.x_linear))
    for what, before, after in (
        ("mean", data.mean_before_per_sample, data.mean_after_per_sample),
        ("variance", data.biased_var_before_per_sample, data.biased_var_after_per_sample),
    ):
        axes = panels[what]
        axes.plot(sample, before, "o", label="before", markersize=3.5, color=BEFORE)
        axes.plot(sample, after, "s", label="after", markersize=2.5, color=AFTER)
        axes.set(xlabel="sample", ylabel=f"{what} of the sample's 50 values")
        axes.margins(y=0.3)
        axes.legend(loc="upper left", ncols=2)
    panels["mean"].set_title("Mean per sample: 0 after")
    panels["variance"].set_title("Variance per sample, divided by n: 1 after")
    ruler = f"divided by n − 1, that of sample 0\nis {data.var_single_after:.4f} = 50/49 after"
    panels["variance"].text(50, 0.93, ruler, ha="center", va="top", fontsize=9)

    axes, feature = panels["feature"], np.arange(data.x_linear.shape[1])
    axes.bar(feature - 0.21, data.biased_var_before, width=0.42, label="before", color=BEFORE)
    axes.bar(feature + 0.21, data.biased_var_after, width=0.42, label="after", color=AFTER)
    axes.axhline(1, color=GREY, linewidth=1, linestyle="--")
    low, high = data.biased_var_after.min(), data.biased_var_after.max()
    axes.set_title(f"Not what LayerNorm controls:\nvariance per feature, {low:.2f} to {high:.2f} after")
    axes.set(xlabel="feature", ylabel="variance of its 100 values")
    axes.margins(y=0.25)
    axes.legend(loc="upper left", ncols=2)


def skewness_is_kept(figure):
    """Exponential data before and after LayerNorm, the axes aligned by mean and standard deviation.

    A reader should see the same lopsided histogram twice, with the same skewness, where a normal distribution of the
    same mean and variance would be a bell.
    """
    figure.set_size_inches(8, 6.6)
    figure.suptitle("LayerNorm keeps the shape: exponential data stays exponential")
    x = 3 * np.random.default_rng(0).standard_exponential((1, 20_000))
    y = layernorm.forward(x)
    limits = np.array([-2, 7])  # in standard deviations from the mean; nine of the values are further right
    for axes, name, when, values, colour in zip(
        figure.subplots(2, 1), "xy", ("before", "after"), (x, y), (BEFORE, AFTER), strict=True
    ):
        mean, deviation = values.mean(), values.std()
        edges = mean + np.linspace(*limits, 91) * deviation
        label = f"{values.size} values: skewness {skewness(values):.4f}"
        axes.hist(values.ravel(), bins=edges, density=True, alpha=0.75, color=colour, label=label)
        axes.set_xlim(*(mean + limits * deviation))
        normal_curve(axes, values)
        axes.set_title(f"{name}, {when} LayerNorm: mean {abs(mean):.3f}, variance {deviation**2:.3f}")
        axes.set(xlabel=f"value of {name}", ylabel="density")
        axes.legend(loc="upper right")


def skewness(values):
    """mean(d³) / mean(d²)^1.5 with d = values - mean: 0 for a symmetric shape, 2 for the exponential one."""
    d = values - values.mean()
    return (d**3).mean() / (d**2).mean() ** 1.5


def kurtosis(values):
    """mean(d⁴) / mean(d²)² with d = values - mean: 3 for the normal distribution."""
    d = values - values.mean()
    return (d**4).mean() / (d**2).mean() ** 2


def normal_curve(axes, values):
    """The normal density of the same mean and variance, from one limit of the axes to the other."""
    mean, deviation = values.mean(), values.std()
    x = np.linspace(*axes.get_xlim(), 400)
    density = np.exp(-(((x - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
    axes.plot(x, density, "--", color=BLACK, linewidth=1.4, label="normal, same mean and variance")


def _room_for_the_legend(axes):
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    axes.legend(loc="upper left")
