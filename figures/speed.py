"""What a benchmark has measured."""

from figures.style import BLUE, GREEN, GREY, ORANGE, RED

COLOURS = (BLUE, RED, GREEN, ORANGE, GREY)
MARKERS = {"float64": "D", "float32": "o", "bfloat16": "s", "float16": "^"}


def share_of_copy(figure, timings):
    """The share of a copy's bandwidth over the length of the row, one line per implementation and dtype.

    timings: `harness.timing.Timing`s; those with a figure, of norms that take rows. A reader should see how far each
    implementation stays below the copy, and from which length on it reaches what it can.
    """
    rowwise = [t for t in timings if not t.refused and len(t.point.shape) == 2]
    kinds = list(dict.fromkeys((t.point.norm, t.point.direction) for t in rowwise))
    columns = 2 if len(kinds) > 1 else 1
    lines = -(-len(kinds) // columns) or 1
    figure.set_size_inches(5.2 * columns, 0.8 + 3.4 * lines)
    figure.suptitle("Share of a copy's bandwidth")
    names = list(dict.fromkeys(t.name for t in rowwise))
    panels = figure.subplots(lines, columns, squeeze=False).flat
    for axes, (norm, direction) in zip(panels, kinds, strict=False):
        of_kind = [t for t in rowwise if (t.point.norm, t.point.direction) == (norm, direction)]
        for name, dtype in dict.fromkeys((t.name, t.point.dtype) for t in of_kind):
            shares = {t.point.shape: 100 * t.share for t in of_kind if (t.name, t.point.dtype) == (name, dtype)}
            points = sorted((shape[1], share) for shape, share in shares.items())
            axes.plot(*zip(*points, strict=True), color=COLOURS[names.index(name) % len(COLOURS)], marker=MARKERS[dtype],
                      linestyle="-" if dtype == "float32" else "--", label=f"{name} {dtype}")  # fmt: skip
        axes.set_title(f"{norm} {direction}")
        axes.set(xscale="log", xlabel="values in a row", ylabel="share of a copy, %", ylim=(0, 115))
        lengths = sorted({t.point.shape[1] for t in of_kind})
        axes.set_xticks(lengths, labels=[f"{n:,}" for n in lengths])
        axes.set_xticks([], minor=True)
        axes.axhline(100, color=GREY, linestyle=":")
        axes.legend(loc="upper left")
    for axes in panels:
        axes.remove()
