"""Pictures of what the specs say, drawn from data that is computed on the spot."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from figures import depth, distributions, rounding, sets, speed
from figures.style import DPI, STYLE
from harness import install
from harness.report import written

REMEDY = f"the pictures need matplotlib: {install('figures')}"

# What draws on an empty figure, by the stem of the file, in the order in which a learner may look at them.
PICTURES: dict[str, Callable[[Any], None]] = {
    "averaged_axes": sets.averaged_axes,
    "before_and_after": distributions.before_and_after,
    "skewness_is_kept": distributions.skewness_is_kept,
    "rounding_error": rounding.rounding_error,
    "gradient_norms": depth.gradient_norms,
    "stream_variance": depth.stream_variance,
}


def draw_all(directory: Path, progress: Callable[[str], None] = print) -> list[Path]:
    """Every picture as a PNG in `directory`, which is made where it is missing; `progress` gets a line for each."""
    paths = []
    for stem in PICTURES:
        _, png = drawn(stem)
        directory.mkdir(parents=True, exist_ok=True)
        paths.append(directory / f"{stem}.png")
        written(paths[-1], png)
        progress(str(paths[-1]))
    return paths


def draw_speed(timings: Sequence[Any], directory: Path) -> Path:
    """The picture of a benchmark's run, as a PNG in `directory`."""
    _, png = drawn_by(functools.partial(speed.share_of_copy, timings=timings))
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "share_of_copy.png"
    written(path, png)
    return path


def drawn(stem: str) -> tuple[Any, bytes]:
    """One of the pictures."""
    return drawn_by(PICTURES[stem])


def drawn_by(draw: Callable[[Any], None]) -> tuple[Any, bytes]:
    """A picture, as a matplotlib `Figure` and as a PNG; a reader's own settings of matplotlib change nothing in it."""
    try:
        import matplotlib  # type: ignore[import-not-found,unused-ignore]
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # type: ignore[import-not-found,unused-ignore]
        from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]
    except ImportError as e:
        raise ImportError(REMEDY) from e
    file = io.BytesIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        figure = Figure(dpi=DPI, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        # Without the version of matplotlib, the same picture is the same bytes.
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return figure, file.getvalue()
