"""What counts as out of bounds, worked out by hand, and what is then said."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from harness import comparison
from harness.comparison import Log, Output, Violation
from harness.formats import FORMATS
from harness.norms import Case, Expected

U = FORMATS["float32"].u
SMALL = np.array([[1.0, 2.0], [3.0, 4.0]])
CASE = Case("layer_norm", "a probe", "float32", SMALL, -SMALL, np.array([0.5, 1.5]), np.array([0.25, -1.0]), eps=0.0625)
LARGE = np.arange(100.0).reshape(4, 25)
INPUTS = "x = [[1, 2], [3, 4]], weight = [0.5, 1.5], bias = [0.25, -1], eps = 0.0625"


def _expected(value: Any, allowed: Any, low: Any = 0.0, dtype: str = "float32") -> Expected:
    value, low, allowed = np.broadcast_arrays(*np.atleast_1d(value, low, allowed))
    return Expected(value, low, allowed, dtype)


def _refused(message: str) -> Any:
    """A violation that says this and no more."""
    return pytest.raises(Violation, match=f"^{re.escape(message)}$")


RATIOS: dict[str, tuple[float, float, float, float, float]] = {  # got, value, low, allowed, and the ratio
    "within": (1.5, 1.0, 0.0, 1.0, 0.5),
    "at the bound": (0.0, 1.0, 0.0, 1.0, 1.0),
    "out": (-2.0, 1.0, 0.0, 1.0, 3.0),
    "the low part counts": (1.0, 1.0, 2e-20, 1e-20, 2.0),
    "the low part's sign counts": (1.5, 1.0, -0.25, 0.25, 3.0),
    "exact": (1.0, 1.0, 0.0, 0.0, 0.0),
    "inexact": (1.5, 1.0, 0.0, 0.0, math.inf),
    "nothing is claimed": (5.0, 1.0, 0.0, math.inf, 0.0),
    "nothing is claimed of a NaN": (math.nan, 1.0, 0.0, math.inf, 0.0),
    "an unknown bound": (5.0, 1.0, 0.0, math.nan, 0.0),
    "a NaN": (math.nan, 1.0, 0.0, 1.0, math.inf),
    "an infinity": (math.inf, 1.0, 0.0, 1.0, math.inf),
    "an overflow": (math.inf, 65503.0, 0.0, 1.0, 0.0),
    "an overflow below": (-math.inf, -65503.0, 0.0, 1.0, 0.0),
    "no overflow": (math.inf, 65502.0, 0.0, 1.0, math.inf),
    "no overflow below": (-math.inf, -65502.0, 0.0, 1.0, math.inf),
    "the other infinity": (-math.inf, 65503.0, 0.0, 1.0, math.inf),
    "the other infinity below": (math.inf, -65503.0, 0.0, 1.0, math.inf),
    "a NaN at the end": (math.nan, 65503.0, 0.0, 1.0, math.inf),
}


@pytest.mark.parametrize(("got", "value", "low", "allowed", "ratio"), RATIOS.values(), ids=RATIOS.keys())
def test_the_ratio_of_error_to_bound(got: float, value: float, low: float, allowed: float, ratio: float) -> None:
    """In float16, whose largest number is 65504."""
    seen = comparison.ratios(np.array([got]), _expected(value, allowed, low, "float16"))

    assert seen == pytest.approx([ratio], abs=0)


def test_a_log_keeps_the_worst() -> None:
    """The first of equals, and no error where nothing was claimed; the claims add up."""
    log = Log()

    for worst, probe, claims in ((9.0, "none", 0), (0.25, "a", 3), (0.5, "b", 4), (0.5, "c", 5), (0.125, "d", 6)):
        log.saw(worst, probe, claims)

    assert (log.worst, log.probe, log.claims) == (0.5, "b", 18)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (None, "None"),
        (np.array(1 / 3), "0.333333333"),
        (SMALL, "[[1, 2], [3, 4]]"),
        (np.arange(24.0), f"[{', '.join(map(str, range(24)))}]"),
        (np.full((2, 12), 1e6 / 3), f"[[{', '.join(['333333.333'] * 12)}], [{', '.join(['333333.333'] * 12)}]]"),
        (1e6 / 3 + np.arange(25.0), "[333333, 333334, 333335, ... 25 values, mean 3.333e+05, deviation 7.211]"),
    ],
    ids=["absent", "a number", "small", "the largest small", "two long lines", "large"],
)
def test_an_array_is_shown_on_one_line(array: Any, text: str) -> None:
    """Whole where it is small, else its beginning, size, mean and deviation."""
    assert comparison.shown(array) == text


def test_of_a_large_array_one_set_of_values_is_shown() -> None:
    """That of the place, which is named; small arrays are shown whole, and so are those of another shape."""
    case = CASE.but(x=LARGE, dy=2 * LARGE, weight=np.arange(30.0), bias=None, eps=None)

    said = comparison.inputs_shown(case, ("x", "dy", "weight", "bias"), (2, 7))

    assert said == (
        "x of shape (4, 25), about [2, 7] [50, 51, 52, ... 25 values, mean 62, deviation 7.211], "
        "dy of shape (4, 25), about [2, 7] [100, 102, 104, ... 25 values, mean 124, deviation 14.42], "
        "weight = [0, 1, 2, ... 30 values, mean 14.5, deviation 8.655], bias = None, eps = default"
    )


def test_without_a_place_an_array_is_shown_as_a_whole() -> None:
    """Its beginning, its size, its mean and its deviation; a small one is, whatever the place."""
    said = comparison.inputs_shown(CASE.but(x=LARGE))

    assert comparison.inputs_shown(CASE.but(x=LARGE[:, :6]), ("x",), (0, 1)).startswith("x = [[0, 1, 2, 3, 4, 5], [25,")
    assert said.startswith("x = [0, 1, 2, ... 100 values, mean 49.5, deviation 28.87], weight = [0.5, 1.5], bias = [")


OUT = "1 of 3 values out of bounds; worst at [1, 0]: got 3.5, expected 3, 2 times the bound 0.25\nshown by "


@pytest.mark.parametrize(
    ("name", "case", "inputs"),
    [
        ("y", CASE, INPUTS),
        ("running_mean", CASE, INPUTS),
        ("running_var", CASE, INPUTS),
        ("dx", CASE, "x = [[1, 2], [3, 4]], dy = [[-1, -2], [-3, -4]], weight = [0.5, 1.5], eps = 0.0625"),
        ("y", CASE.but(sublayer_output=SMALL[::-1]),
         INPUTS.replace(", eps", ", sublayer_output = [[3, 4], [1, 2]], eps")),
    ],
    ids=["y", "running mean", "running variance", "gradient", "y of DeepNorm"],
)  # fmt: skip
def test_a_value_out_of_bounds_is_shown(name: str, case: Case, inputs: str) -> None:
    """How many of those claimed, the worst place, got and expected, how far out, and the inputs."""
    truth = _expected(SMALL, np.array([[0.25, 0.25], [0.25, np.inf]]))
    got = SMALL + np.array([[0.25, -0.25], [0.5, 9.0]])

    with _refused(f"{name}: {OUT}{inputs}"):
        comparison.hold({name: Output(got, "float32")}, {name: truth}, case, Log())


def test_the_set_of_values_about_the_fault_is_shown() -> None:
    """Of a large x that of the worst place; none where the output has another shape than x."""
    case = CASE.but(x=LARGE, dy=LARGE, weight=np.ones(25), bias=np.zeros(25))
    y, dweight = LARGE.copy(), np.zeros(25)
    y[3, 1], dweight[4] = 0.0, 1.0

    with pytest.raises(Violation, match=r"x of shape \(4, 25\), about \[3, 1\] \[75, 76, 77, \.\.\. 25 values"):
        comparison.hold({"y": Output(y, "float32")}, {"y": _expected(LARGE, 1.0)}, case, Log())
    with pytest.raises(Violation, match=r"worst at \[4\].*\nshown by x = \[0, 1, 2, \.\.\. 100 values"):
        comparison.hold({"dweight": Output(dweight, "float32")}, {"dweight": _expected(np.zeros(25), 0.5)}, case, Log())


def test_every_output_out_of_bounds_is_said() -> None:
    """One after the other; what holds is not said, and an empty output holds."""
    outputs = {name: Output(np.array([value]), "float32") for name, value in (("y", 2.0), ("dx", 1.0), ("dbias", 3.0))}
    expected = {name: _expected(1.0, 0.5) for name in outputs}
    nothing = {"dweight": Output(np.zeros((0, 3)), "float32")}, {"dweight": _expected(np.zeros((0, 3)), 0.5)}

    with pytest.raises(Violation) as caught:
        comparison.hold(nothing[0] | outputs, nothing[1] | expected, CASE, Log())

    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["y", "shown by x = [[1, 2], [3, 4]], "
        "weight = [0.5, 1.5], bias = [0.25, -1], eps = 0.0625", "dbias", "shown by x = [[1, 2], [3, 4]], "
        "dy = [[-1, -2], [-3, -4]], weight = [0.5, 1.5], eps = 0.0625"]  # fmt: skip


def test_what_holds_is_logged() -> None:
    """The worst error, the probe's name, and the values claimed: those with a bound."""
    log = Log()
    truth = _expected(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.5, np.inf]))

    comparison.hold({"y": Output(np.array([2.0, 2.125, 9.0]), "float32")}, {"y": truth}, CASE, log)

    assert log == Log(1.0, "a probe", 2)


def test_shape_and_dtype_are_those_expected() -> None:
    """Each is named with what was expected; no dtypes stand for any."""
    got = Output(np.zeros((2, 3)), "float32")

    comparison.shape_and_dtype("y", got, (2, 3), ())
    comparison.shape_and_dtype("y", got, (2, 3), ("float16", "float32"))

    with _refused("y has shape (2, 3), expected (3, 2)"):
        comparison.shape_and_dtype("y", got, (3, 2), ())
    with _refused("y is float32, expected float16 or float64"):
        comparison.shape_and_dtype("y", got, (2, 3), ("float16", "float64"))
    with _refused("y has shape (2, 3), expected (2,)"):
        comparison.hold({"y": got}, {"y": _expected(np.zeros(2), 1.0)}, CASE, Log())


AGREEING = {  # one, other, and what is allowed
    "no further apart than allowed": (1.0, 1.5, 0.5),
    "the same, with nothing allowed": (1.0, 1.0, 0.0),
    "infinities": (math.inf, math.inf, 1.0),
    "NaNs": (math.nan, math.nan, 1.0),
    "nothing is claimed": (1.0, 5.0, math.inf),
    "nothing is claimed of a NaN": (math.nan, 5.0, math.inf),
}
DISAGREEING = {
    "further apart": (1.0, 2.0, 0.5),
    "different, with nothing allowed": (1.0, 1.5, 0.0),
    "infinities": (math.inf, -math.inf, 1.0),
    "a NaN": (math.nan, 1.0, 1.0),
    "the other a NaN": (1.0, math.nan, 1.0),
}


@pytest.mark.parametrize(("one", "other", "allowed"), AGREEING.values(), ids=AGREEING.keys())
def test_results_that_agree(one: float, other: float, allowed: float) -> None:
    """They are no further apart than is allowed, or equal, or both NaN; one value has a bound and is logged."""
    log = Log()

    comparison.agree("y", np.array([one, 1.0]), np.array([other, 1.25]), np.array([allowed, 1.0]), CASE, log, "")

    assert log.claims == 1 + math.isfinite(allowed)
    assert (log.worst, log.probe) == (1.0 if abs(one - other) == allowed != 0 else 0.25, "a probe")


@pytest.mark.parametrize(("one", "other", "allowed"), DISAGREEING.values(), ids=DISAGREEING.keys())
def test_results_that_disagree(one: float, other: float, allowed: float) -> None:
    """They are further apart, or one of them is NaN."""
    with pytest.raises(Violation, match=r"^y: 1 of 1 values out of bounds; worst at \[0\]: got .*, in the batch "):
        comparison.agree("y", np.array([one]), np.array([other]), np.array([allowed]), CASE, Log(), "in the batch")


def test_results_of_different_shapes_do_not_agree() -> None:
    """Not even where they could be broadcast; empty ones of one shape do."""
    one, other = np.zeros((1, 2)), np.zeros(2)

    comparison.agree("y", one[:0], one[:0], one[:0], CASE, Log(), "alone")
    comparison.same_bits("y", one[:0], one[:0], CASE, Log(), "alone")

    with _refused("y has shape (1, 2), but (2,) alone"):
        comparison.agree("y", one, other, one, CASE, Log(), "alone")
    with _refused("y has shape (1, 2), but (2,) alone"):
        comparison.same_bits("y", one, other, CASE, Log(), "alone")


def test_the_same_bits_are_logged() -> None:
    """As no error, with every value claimed; a NaN equals a NaN."""
    log, values = Log(), np.array([1.0, np.nan, np.inf])

    comparison.same_bits("y", values, values.copy(), CASE, log, "")

    assert log == Log(0.0, "a probe", 3)


@pytest.mark.parametrize("other", [4.0 + 2**-50, np.nan])
def test_other_bits_are_said(other: float) -> None:
    """How many, where first, both values, and the inputs."""
    twin = SMALL.copy()
    twin[1] = 9.0, other

    with _refused(f"y: 2 of 4 values differ; first at [1, 0]: 3, but 9 before\nshown by {INPUTS}"):
        comparison.same_bits("y", SMALL, twin, CASE, Log(), "before")
    with pytest.raises(Violation, match=r"^y: 2 of 4 values differ; first at \[1, 0\]: 9, but 3 before"):
        comparison.same_bits("y", twin, SMALL, CASE, Log(), "before")


# n values of size 1, no two equal, what all are off by in units of u, what x_hat's rounding errs by (in u), what is allowed for each
# (in u), and the ratio: of n values 6 deviations 1/sqrt(3) u sqrt(n), or n u if that is less, and the error before
# rounding, which is what is allowed less u.
BIASES = {
    "few values": (4, 0.5, 0.0, 1.0, 0.5),
    "many values": (144, 0.25, 0.0, 1.0, math.sqrt(3) / 2),
    "many values, off below": (144, -0.25, 0.0, 1.0, math.sqrt(3) / 2),
    "many values, rounded twice": (144, 0.25, math.sqrt(3), 1.0, math.sqrt(3) / 4),
    "few values, rounded twice": (1, 1.0, 1.0, 1.0, 0.5),
    "the error before rounding": (4, 2.0, 0.0, 4.0, 0.5),
    "what is allowed is less than u": (4, 0.5, 0.0, 0.5, 0.5),
}


def _row(n: int) -> tuple[Case, np.ndarray]:
    """A call of one set of n values, and n values that are ones but for the twelfth digit, so that none equal."""
    return CASE.but(x=np.zeros((1, n)), dy=np.zeros((1, n))), 1 + 2.0**-40 * np.arange(n)[None]


@pytest.mark.parametrize(("n", "off", "staged", "allowed", "ratio"), BIASES.values(), ids=BIASES.keys())
@pytest.mark.parametrize("direction", [1.0, -2.0])
def test_the_ratio_of_a_common_bias(n: int, off: float, staged: float, allowed: float, ratio: float, direction: float) -> None:  # fmt: skip
    """To what independent roundings explain, by hand; in another direction of another length the same."""
    log, (case, ones) = Log(), _row(n)
    truth = _expected(ones, allowed * U * ones)

    comparison.no_common_bias(ones + off * U, truth, staged * U * ones, direction * ones, case, log, "a gain")

    assert log.worst == pytest.approx(ratio, rel=1e-6)
    assert log.probe == "a probe"


@pytest.mark.parametrize(("n", "off", "ratio"), [(144, 0.5, "1.7"), (1, 2.0, "2"), (4, -4.0, "4"), (4, np.nan, "inf")])
def test_a_common_bias_is_said(n: int, off: float, ratio: str) -> None:
    """What all share, of which size, and how far out that is."""
    case, ones = _row(n)
    truth = _expected(ones, U * ones)

    with pytest.raises(Violation) as caught:
        comparison.no_common_bias(ones + off * U, truth, 0 * ones, ones, case, Log(), "a gain")

    assert str(caught.value) == (
        f"y: all values share a gain of {off * U:.3g} of their size, {ratio} times what rounding to nearest explains\n"
        f"shown by {comparison.inputs_shown(case)}"
    )


def test_equal_values_count_as_one_rounding() -> None:
    """144 of them may all be off by u; 72 pairs by 6 deviations 1/sqrt(3) u sqrt(72) 2; the same of what is staged."""
    alike, (case, distinct) = Log(), _row(144)
    pairs, twice = Log(), Log()
    equal, paired = np.ones((1, 144)), np.repeat(distinct[:, :72], 2, axis=1)

    comparison.no_common_bias(equal + 0.25 * U, _expected(equal, U), 0 * equal, equal, case, alike, "a gain")
    comparison.no_common_bias(paired + 0.25 * U, _expected(paired, U), 0 * equal, equal, case, pairs, "a gain")
    comparison.no_common_bias(
        paired + 0.25 * U, _expected(paired, U), math.sqrt(3) * U * equal, equal, case, twice, "a gain"
    )

    assert alike.worst == pytest.approx(0.25, rel=1e-6)
    assert pairs.worst == pytest.approx(math.sqrt(6) / 4, rel=1e-6)
    assert twice.worst == pytest.approx(math.sqrt(6) / 8, rel=1e-6)


def test_a_common_bias_is_relative_to_its_direction() -> None:
    """Values of either sign that are all too large; errors that cancel along the direction are no bias."""
    case, ones = _row(144)
    signs = ones * np.resize([1.0, -1.0], 144)
    truth = _expected(2 * signs, 2 * U)
    log = Log()

    comparison.no_common_bias(2 * signs + U, truth, 0 * signs, 2 * signs, case, log, "a gain")

    assert log.worst == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(Violation, match=f"^y: all values share a gain of {0.5 * U:.3g} of their size, 1.7 times "):
        comparison.no_common_bias(2 * signs * (1 + 0.5 * U), truth, 0 * signs, 2 * signs, case, log, "a gain")


def test_a_bias_of_one_set_is_a_bias() -> None:
    """Even where another set's is the opposite, so that over all values they cancel; the size is that set's."""
    ones = np.repeat(_row(144)[1], 3, axis=0)
    case = CASE.but(x=0 * ones, dy=0 * ones)
    truth = _expected(ones, U)

    with pytest.raises(Violation, match=f"^y: the values of a set share a gain of {-0.5 * U:.3g} of their size, 1.7 "):
        comparison.no_common_bias(
            ones + U * np.array([[0.25], [-0.5], [0.25]]), truth, 0 * ones, ones, case, Log(), "a gain"
        )


def test_no_common_bias_is_claimed_of_a_sum_without_a_bound() -> None:
    """One value's infinite bound takes it away; the low part of the truth counts."""
    log, (case, ones) = Log(), _row(4)

    comparison.no_common_bias(9 * ones, _expected(ones, np.array([[U, U, np.inf, U]])), ones, ones, case, log, "a gain")
    assert not log.worst

    comparison.no_common_bias(ones, _expected(ones, U, 0.5 * U), 0 * ones, ones, case, log, "a gain")
    assert log.worst == pytest.approx(0.5, rel=1e-6)

    log.worst = None
    comparison.no_common_bias(ones + 0.5 * U, _expected(ones, U, 0.5 * U), 0 * ones, ones, case, log, "a gain")
    assert log.worst == 0.0
