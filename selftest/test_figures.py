"""The pictures: each is written, shows something, says what it shows, and keeps its words apart."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import figures
from figures import distributions, sets


@pytest.fixture
def image() -> Any:
    """What reads a PNG."""
    return pytest.importorskip("matplotlib.image", reason="matplotlib is not installed")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Any]:
    """Every picture's file, with the figure that it was made of: they are drawn once."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    kept, draw = [], figures.drawn

    def drawn(stem: str) -> tuple[Any, bytes]:
        kept.append(draw(stem))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "drawn", drawn)
        paths = figures.draw_all(tmp_path_factory.mktemp("pictures") / "made", lambda line: None)
    return dict(zip(paths, (figure for figure, _ in kept), strict=True))


def test_every_picture_is_written(pictures: dict[Path, Any]) -> None:
    """Under its own name, and nothing else is left in the directory."""
    (directory,) = {path.parent for path in pictures}

    assert sorted(directory.iterdir()) == sorted(directory / f"{stem}.png" for stem in figures.PICTURES)


def test_no_picture_is_blank(pictures: dict[Path, Any], image: Any) -> None:
    """What is drawn of data is in colour, the rest in greys; and nothing touches the edge."""
    pixels = {path.stem: image.imread(path)[..., :3] for path in pictures}

    coloured = {stem: int((np.ptp(p, axis=-1) > 0.2).sum()) for stem, p in pixels.items()}
    margins = {stem: min(p[[0, -1]].min(), p[:, [0, -1]].min()) for stem, p in pixels.items()}

    # A line across an inch is 150 x 4 pixels.
    assert {stem: number for stem, number in coloured.items() if number < 10 * 150 * 4} == {}
    assert {stem: darkest for stem, darkest in margins.items() if darkest < 1} == {}


def test_all_axes_say_what_they_show(pictures: dict[Path, Any]) -> None:
    """A title for each that shows data, and a label for each scale."""
    shown = [(path.stem, axes) for path, figure in pictures.items() for axes in figure.axes if axes.has_data()]

    unlabelled = [(stem, axes.get_title()) for stem, axes in shown if not all(_said(axes))]

    assert {stem for stem, _ in shown} == set(figures.PICTURES)
    assert unlabelled == []


def _said(axes: Any) -> Iterator[str]:
    yield axes.get_title()
    if axes.axison:
        yield from (axes.get_xlabel(), axes.get_ylabel())


def test_words_are_inside_the_picture(pictures: dict[Path, Any]) -> None:
    """Titles, labels and notes end before the edge of the picture does."""
    cut = [text for figure in pictures.values() for text, box in _texts(figure) if not _inside(box, figure.bbox)]

    assert cut == []


def test_words_are_apart(pictures: dict[Path, Any]) -> None:
    """No title, label or note lies on another."""
    pairs = [pair for figure in pictures.values() for pair in itertools.combinations(_texts(figure), 2)]

    assert [(one, other) for (one, box), (other, other_box) in pairs if box.overlaps(other_box)] == []


def _texts(figure: Any) -> list[tuple[str, Any]]:
    """What is written in a picture beside the numbers of its scales, and the box that it takes."""
    texts = [figure._suptitle, figure._supxlabel]
    for axes in figure.axes:
        scales = (axes.xaxis.label, axes.yaxis.label) if axes.axison else ()
        legend = axes.get_legend().get_texts() if axes.get_legend() else ()
        texts += [axes.title, *scales, *axes.texts, *legend]
    return [(t.get_text(), t.get_window_extent()) for t in texts if t is not None and t.get_text()]


def _inside(box: Any, outer: Any) -> bool:
    return bool(box.x0 >= outer.x0 and box.x1 <= outer.x1 and box.y0 >= outer.y0 and box.y1 <= outer.y1)


SETS: dict[str, Any] = {
    "BatchNorm (training)": np.s_[:, -1, :],
    "InstanceNorm": np.s_[0, -1, :],
    "GroupNorm, 2 groups": np.s_[0, 3:, :],
    "LayerNorm of an image": np.s_[0, :, :],
    "LayerNorm of a token": np.s_[0, :, 0],
    "RMSNorm of a token": np.s_[0, :, 0],
}


@pytest.mark.parametrize(("title", "norm", "arguments", "order"), [panel[:4] for panel in sets.PANELS])
def test_the_set_in_colour_is_the_norms(title: str, norm: str, arguments: dict[str, int], order: Any) -> None:
    """The values of (sample, channel, position) that share their statistics with the one at the corner in sight."""
    expected = np.zeros(sets.SHAPE, dtype=bool)
    expected[SETS[title]] = True

    marked, number = sets.one_set(norm, arguments, order)

    assert (marked == expected).all()
    assert number * expected.sum() == expected.size


def test_skewness_and_kurtosis_are_the_moments() -> None:
    """Of 0, 0, 0, 1: 2 / sqrt(3) and 7 / 3, which no shift and no scale changes."""
    values = np.array([0.0, 0.0, 0.0, 1.0])

    shapes = [(distributions.skewness(v), distributions.kurtosis(v)) for v in (values, 3 * values - 5)]

    # powers of four values of size 1: a few roundings of 1e-16 each
    np.testing.assert_allclose(shapes, [(2 / np.sqrt(3), 7 / 3)] * 2, rtol=1e-14)


def test_a_picture_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its own nor a part of it; what was there before stays."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    (tmp_path / "broken.png").write_bytes(b"from before")
    monkeypatch.setattr(figures, "PICTURES", {"broken": _broken})

    with pytest.raises(ZeroDivisionError):
        figures.draw_all(tmp_path, lambda line: None)

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"from before"]


def _broken(figure: Any) -> None:
    figure.subplots().plot([0, 1], [1, 1 / 0])


def test_a_disk_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last step of writing fails, the part that was written is taken away."""
    monkeypatch.setattr(figures, "drawn", lambda stem: (None, b"a picture"))
    monkeypatch.setattr("os.replace", _fails)

    with pytest.raises(OSError, match="disk"):
        figures.draw_all(tmp_path, lambda line: None)

    assert list(tmp_path.iterdir()) == []


def _fails(*_: object) -> None:
    raise OSError("the disk is full")


def test_without_matplotlib_the_remedy_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what to install, and no directory is made."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(ImportError) as error:
        figures.draw_all(tmp_path / "made", lambda line: None)

    assert str(error.value) == "the pictures need matplotlib: pip install '.[figures]'"
    assert not (tmp_path / "made").exists()
