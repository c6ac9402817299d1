"""What can be said about a wrong output that no known mistake reproduces: where it is wrong, when, and in which way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import comparison
from harness.bounds import View
from harness.comparison import Call
from harness.formats import FORMATS, HALVES, Array, rounded
from harness.norms import Case, Expected
from harness.subject import Subject

MOST = 3  # sentences


@dataclass(frozen=True, eq=False)
class Wrong:
    """One output that is out of its bounds: what came, what is true, and which elements are wrong."""

    subject: Subject
    call: Call
    name: str
    got: Array
    expected: Expected
    mask: NDArray[np.bool_]

    @property
    def case(self) -> Case:
        return self.call.case

    @property
    def truth(self) -> Array:
        return self.expected.value

    @property
    def like_x(self) -> bool:
        return self.got.shape == self.case.x.shape

    @property
    def sets(self) -> Any:
        """The number of each element's set of statistics."""
        return self.subject.norm.sets(self.case).astype(int)

    @property
    def view(self) -> View:
        return self.subject.norm.view(self.case, self.subject.conventions)

    @property
    def moments(self) -> tuple[Array, Array]:
        """The mean (0 in RMSNorm) and the variance of each set, in the view's shape."""
        view = self.view
        if view.given is not None:
            return view.given
        mean = view.normalized.mean(axis=view.axes, keepdims=True) * view.center
        return mean, ((view.normalized - mean) ** 2).mean(axis=view.axes, keepdims=True)

    def close(self, value: Array) -> bool:
        """Whether `value` is what came, as far as twice the bounds tell; where the value is larger than the truth, wider."""
        scale = max(1.0, _largest(value) / max(_largest(self.truth), 1e-300))
        u = FORMATS[self.expected.dtype].u
        with np.errstate(all="ignore"):
            near = abs(self.got - value) <= 2 * self.expected.allowed * scale + 2 * u * abs(value)
        near |= ~np.isfinite(self.expected.allowed)
        return bool(near.all())


def _largest(t: Array) -> float:
    finite = abs(t[np.isfinite(t)])
    return float(finite.max()) if finite.size else 0.0


def sentences(subject: Subject, calls: Sequence[Call], deadline: float) -> list[str]:
    """What is known about the wrong outputs of a test's calls, most telling first; nothing where none is wrong in itself."""
    judged = [(call, _wrong_outputs(subject, call)) for call in calls]
    wrong, right = [w for w in judged if w[1]], [call for call, names in judged if not names]
    if not wrong:
        return []
    call, outputs = min(wrong, key=lambda w: w[0].case.x.size)
    when = list(_when([call for call, _ in wrong], right))
    how: list[str] = []
    for output in outputs[:2]:
        if time.perf_counter() < deadline + 0.5:
            said = list(_about(output))
            how += [f"{output.name} is wrong in {s}" if s.startswith("only ") else f"{output.name} {s}" for s in said]
    if outputs[0].name == "y" and time.perf_counter() < deadline:
        how = [*_grows_with_the_mean(subject), *how]
    few = len(wrong) <= len(right)  # then when it is wrong says more than how
    found = [*(w for w in when if few or w.startswith("only when")), *how, *when, *_which(call, outputs)]
    return list(dict.fromkeys(found))[: MOST + 1]


def _wrong_outputs(subject: Subject, call: Call) -> list[Wrong]:
    found = []
    for name, got in call.outputs.items():
        expected = subject.truth_of(call, name)
        if expected is not None and got.value.shape == expected.value.shape and got.value.size:
            mask = comparison.ratios(got.value, expected) > 1
            if mask.any():
                found.append(Wrong(subject, call, name, got.value, expected, mask))
    return found


# -- when ------------------------------------------------------------------------------------------------------------------

FEATURES: dict[str, Callable[[Call], Any]] = {
    "the layout of {}": lambda call: tuple(sorted((call.layouts or {}).items())),
    "the last dimension": lambda call: call.case.x.shape[-1] if call.case.x.ndim else 0,
    "the number of samples": lambda call: call.case.x.shape[0] if call.case.x.ndim else 0,
    "the number of dimensions": lambda call: call.case.x.ndim,
    "normalized dimensions": lambda call: call.case.normalized_ndim,
    "num_groups": lambda call: call.case.num_groups,
    "eps": lambda call: call.case.eps,
    "alpha": lambda call: call.case.alpha,
    "weight": lambda call: "absent" if call.case.weight is None else "given",
    "bias": lambda call: "absent" if call.case.bias is None else "given",
    "running_mean": lambda call: "absent" if call.case.running_mean is None else "given",
    "training": lambda call: call.case.training,
}


def _when(wrong: list[Call], right: list[Call]) -> Iterator[str]:
    """What the wrong calls of a test have in common and the right ones lack."""
    for name, feature in FEATURES.items():
        of_wrong, of_right = {feature(c) for c in wrong}, {feature(c) for c in right}
        if not right or of_wrong & of_right:
            continue
        if name == "the layout of {}":
            laid = {f"{what} is {layout}" for f in of_wrong for what, layout in f}
            if laid:
                yield f"only when {' or '.join(sorted(laid))}: right for the same values when it is contiguous"
            continue
        if name == "eps" and len(of_right) + len(of_wrong) < 3:
            continue
        if name == "the last dimension" and (block := _block(of_wrong, of_right)):
            yield f"only where {name} is no multiple of {block}: wrong at {_listed(of_wrong)}, right at {_listed(of_right)}"
        else:
            yield f"only where {name} is {_listed(of_wrong)}: right where it is {_listed(of_right)}"
        return


def _block(wrong: set[int], right: set[int]) -> int | None:
    """The largest power of two that divides the sizes beyond it that are right, and none of those that are wrong."""
    for block in (1024, 512, 256, 128, 64, 32, 16, 8, 4, 2):
        if (
            all(n % block for n in wrong)
            and min(wrong) > block
            and any(n % block == 0 for n in right)
            and all(n % block == 0 or n < block for n in right)
        ):
            return block
    return None


def _listed(values: set[Any]) -> str:
    shown = [f"{v:g}" if isinstance(v, float) else f"{v:,}" if isinstance(v, int) and not isinstance(v, bool) else str(v)
             for v in sorted(values, key=lambda v: (v is None, v))]  # fmt: skip
    return ", ".join(shown[:6]) + (", ..." if len(shown) > 6 else "")


def _which(call: Call, outputs: list[Wrong]) -> Iterator[str]:
    """Which outputs of the call are right, where some are."""
    names = [w.name for w in outputs]
    right = [name for name in call.outputs if name not in names]
    if right:
        yield f"{_and(names)} {'is' if len(names) == 1 else 'are'} wrong, {_and(right)} {'is' if len(right) == 1 else 'are'} right"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# -- where and how ---------------------------------------------------------------------------------------------------------


def _about(wrong: Wrong) -> Iterator[str]:
    """Where an output is wrong, and in which way."""
    yield from _where(wrong)
    with np.errstate(all="ignore"):
        for about in (_special, _factor, _gradient, _affine, _rows_missing, _placed, _size):
            said = next(iter(about(wrong)), None)
            if said:
                yield said
                return


def _axes(wrong: Wrong) -> list[tuple[str, Any]]:
    """The mask by rows and columns, or by samples, channels and positions."""
    mask, case = wrong.mask, wrong.case
    if not wrong.like_x:
        return [
            (
                "features" if wrong.subject.norm.name in ("layer_norm", "rms_norm", "deep_norm") else "channels",
                mask.reshape(-1),
            )
        ]
    if wrong.subject.norm.name in ("layer_norm", "rms_norm", "deep_norm"):
        rows = mask.reshape(-1, math.prod(case.x.shape[case.x.ndim - case.normalized_ndim :]))
        return [("rows", rows.any(1)), ("columns", rows.any(0))]
    samples = mask.reshape(*mask.shape[:2], -1)
    return [("samples", samples.any((1, 2))), ("channels", samples.any((0, 2))), ("positions", samples.any((0, 1)))]


def _where(wrong: Wrong) -> Iterator[str]:
    """`only the last 1 of 1025 columns`, `only rows after the first`."""
    for name, bad in _axes(wrong):
        n, index = bad.size, np.flatnonzero(bad)
        if n < 2 or index.size in (0, n):
            continue
        first, count = int(index[0]), int(index.size)
        together = count == index[-1] - first + 1
        if together and index[-1] == n - 1 and first == 1:
            yield f"only {name} after the first"
        elif together and index[-1] == n - 1:
            yield f"only the last {count:,} of {n:,} {name}"
        elif together and first == 0:
            yield f"only the first {count:,} of {n:,} {name}"
        elif together and count > 2:
            yield f"only {name} {first:,} to {int(index[-1]):,} of {n:,}"
        elif count > 2 and np.ptp(np.diff(index)) == 0:
            yield f"only every {_ordinal(int(index[1] - first))} of {n:,} {name}, from {first} on"
        elif count <= min(6, n // 3):
            yield f"only {name} {', '.join(map(str, index))} of {n:,}"


def _ordinal(n: int) -> str:
    return {2: "second", 3: "third"}.get(n, f"{n}th")


def _special(wrong: Wrong) -> Iterator[str]:
    """NaN, infinities, zeros; x itself; the result of another call."""
    got, bad = wrong.got, wrong.mask
    lost = bad & ~np.isfinite(got)
    if lost.any():
        what = "NaN" if np.isnan(got[lost]).all() else "infinite or NaN"
        where = ""
        if wrong.like_x:
            variance = np.broadcast_to(wrong.moments[1], wrong.view.x.shape).reshape(got.shape)
            if (variance[lost] == 0).all() and (variance[~lost] > 0).all():
                where = ", all of them where the variance is 0"
            elif variance[lost].max() < variance[~lost].min(initial=np.inf) if lost.sum() < lost.size else False:
                where = f", all of them where the variance is below {variance[~lost].min():.3g}"
        yield f"is {what} in {int(lost.sum()):,} of {got.size:,} values{where}"
        return
    if (got == 0).all():
        yield "is 0 everywhere"
    elif wrong.like_x and wrong.name == "y" and (got[bad] == wrong.case.x[bad]).all():
        yield "is x itself where it is wrong: not normalized"
    elif (got[bad] == 0).all():
        yield "is 0 where it is wrong"


def _named_factor(c: float, wrong: Wrong, within: float = 0.0) -> str:
    """sqrt((n - 1) / n) and its like, n being the number of values in a set."""
    case = wrong.case
    n = int((wrong.subject.norm.sets(case) == 0).sum())
    rows = case.x.size // max(1, math.prod(wrong.subject.norm.parameter_shape(case)))
    samples = case.x.shape[0] if case.x.ndim else 1
    known: dict[str, float] = {"2": 2.0, "1/2": 0.5, "-1": -1.0}
    if case.sublayer_output is not None and case.alpha:
        known |= {f"alpha = {case.alpha:g}": case.alpha, f"1 / alpha = 1/{case.alpha:g}": 1 / case.alpha}
    if n > 1:
        known |= {f"sqrt({n - 1}/{n})": ((n - 1) / n) ** 0.5, f"sqrt({n}/{n - 1})": (n / (n - 1)) ** 0.5}
        known |= {f"{n - 1}/{n}": (n - 1) / n, f"{n}/{n - 1}": n / (n - 1)}
    for name, k in (("n", n), ("rows", rows), ("samples", samples)):
        if k > 1:
            known |= {f"{name} = {k}": float(k), f"1 / {name} = 1/{k}": 1 / k}
            known |= {f"sqrt({name}) = sqrt({k})": k**0.5, f"1 / sqrt({name}) = 1/sqrt({k})": k**-0.5}
    limit = max(within, 4 * FORMATS[wrong.expected.dtype].u)
    return next((f" = {name}" for name, value in known.items() if abs(c - value) <= limit * abs(value)), "")


def _slope(g: Array, t: Array) -> float:
    return float((g * t).sum() / (t * t).sum()) if (t * t).sum() > 0 else np.nan


def _factor(wrong: Wrong) -> Iterator[str]:
    """One factor for all values, or one for each set, of the output or of what is left of it without the bias."""
    got, truth = wrong.got, wrong.truth
    bases: list[tuple[str, Array]] = [("is", np.zeros_like(truth))]
    if wrong.name == "y" and wrong.case.bias is not None and wrong.like_x:
        bias = np.broadcast_to(wrong.view.bias, wrong.view.x.shape).reshape(truth.shape)
        bases.append(("without the bias is", bias))
    for words, base in bases:
        g, t = got - base, truth - base
        c = _slope(g, t)
        if np.isfinite(c) and wrong.close(base + c * t) and f"{c:.4g}" != "1":
            yield f"{words} off by the constant factor {c:.4g}{_named_factor(c, wrong)}"
            return
        if not wrong.like_x:
            continue
        numbers = wrong.sets
        tt, gt = np.bincount(numbers.ravel(), (t * t).ravel()), np.bincount(numbers.ravel(), (g * t).ravel())
        each = np.where(tt > 0, gt / np.maximum(tt, 1e-300), 1.0)
        if wrong.close(base + each[numbers] * t) and tt.size > 1 and abs(each - 1).max() > 1e-4:
            seen = each[tt > 0]
            if np.ptp(seen) < 1e-3 * abs(seen.mean()) < np.inf and abs(seen.mean() - 1) > 1e-3:
                middle = float(seen[np.argsort(abs(seen - np.median(seen)))[0]])
                yield f"{words} off by the factor {middle:.4g}{_named_factor(middle, wrong, 1e-3)}, alike in each set but for eps"
                return
            yield f"{words} off by a factor of its own in each set, {each.min():.4g} to {each.max():.4g}{_implied(wrong, each)}"
            return


def _implied(wrong: Wrong, each: Array) -> str:
    """What a factor for each set says about variance + eps."""
    right, what = ("the mean is right, ", "variance") if wrong.view.center else ("", "mean square")
    if wrong.name != "y" or (each <= 0).any():
        return f": {right}the deviation is not" if right else ""
    view = wrong.view
    variance = np.broadcast_to(wrong.moments[1], view.x.shape).reshape(-1)
    first = np.unique(wrong.sets.ravel(), return_index=True)[1]
    variance = variance[first]
    implied = (variance + view.eps) / each**2  # the variance + eps that was divided by
    rest = implied - variance
    u = 64 * FORMATS[wrong.expected.dtype].u
    if np.ptp(rest) <= u * implied.max() and rest.mean() > 0:
        return f": as if eps were {rest.mean():.3g}, not {view.eps:.3g}"
    ratio = implied / (variance + view.eps)
    return f": {right}{what} + eps is {ratio.min():.3g} to {ratio.max():.3g} times what it should be"


def _gradient(wrong: Wrong) -> Iterator[str]:
    """The error of dx as a combination of G, 1 and x_hat."""
    if wrong.name not in ("dx", "dsublayer_output") or not wrong.like_x:
        return
    view = wrong.view
    x = view.normalized
    mean, variance = wrong.moments
    rstd = 1 / np.sqrt(variance + view.eps)
    x_hat = np.broadcast_to((x - mean) * rstd, x.shape)
    G = np.broadcast_to(view.weight * view.dy, x.shape)
    scale = wrong.case.alpha if wrong.name == "dx" and wrong.case.sublayer_output is not None else 1.0
    error = (wrong.got - wrong.truth).reshape(x.shape) / (rstd * (scale or 1.0))
    means = {"1": np.broadcast_to(G.mean(axis=view.axes, keepdims=True), x.shape),
             "x_hat": x_hat * (G * x_hat).mean(axis=view.axes, keepdims=True)}  # fmt: skip
    for name, part in means.items():
        c = _slope(error, part)
        if (
            np.isfinite(c)
            and wrong.close(wrong.truth + (c * part * rstd * scale).reshape(wrong.got.shape))
            and abs(c) > 0
        ):
            term = "mean(G)" if name == "1" else "x_hat * mean(G * x_hat)"
            if abs(c - 1) < 1e-2:
                yield f"lacks a component along {name}: the term {term} is missing"
            else:
                yield f"is off along {name}: it has {1 - c:.4g} times the term {term}"
            return
    # per set: any multiples of 1 and x_hat
    numbers = wrong.sets.ravel()
    e, h = error.ravel(), x_hat.ravel()
    count = np.bincount(numbers)
    fit = np.zeros_like(e)
    along = []
    for name, basis in (("1", np.ones_like(h)), ("x_hat", h)):
        bb = np.bincount(numbers, basis * basis)
        coefficient = np.bincount(numbers, e * basis) / np.maximum(bb, 1e-300)
        fit = fit + coefficient[numbers] * basis
        if abs(coefficient).max() > 1e-6 * abs(e).max():
            along.append(name)
    spread = np.broadcast_to(rstd, x.shape).ravel() * scale
    if count.max() > 2 and wrong.close(wrong.truth + (fit * spread).reshape(wrong.got.shape)):
        yield f"is off only along {_and(along)}: a term of the mean or of the variance is wrong, the rest is right"


def _affine(wrong: Wrong) -> Iterator[str]:
    """A shift for each set or column, or each set scaled and shifted."""
    if wrong.name != "y" or not wrong.like_x:
        return
    numbers, case = wrong.sets, wrong.case
    weight = np.broadcast_to(wrong.view.weight, wrong.view.x.shape).reshape(wrong.got.shape)
    bias = np.broadcast_to(wrong.view.bias, wrong.view.x.shape).reshape(wrong.got.shape)
    error = wrong.got - wrong.truth
    if case.bias is not None:
        c = _slope(error, bias)
        if np.isfinite(c) and wrong.close(wrong.truth + c * bias) and abs(c) > 0:
            yield f"is off by {c:.4g} times the bias"
            return
    flat = numbers.ravel()
    ww = np.bincount(flat, (weight * weight).ravel())
    shift = np.bincount(flat, (error * weight).ravel()) / np.maximum(ww, 1e-300)
    if wrong.close(wrong.truth + shift[numbers] * weight):
        yield f"has x_hat shifted by {shift.min():.3g} to {shift.max():.3g} in each set: the deviation is right, the mean is not"
        return
    x_hat = np.where(weight != 0, (wrong.truth - bias) / np.where(weight != 0, weight, 1), 0.0)
    target = np.where(weight != 0, (wrong.got - bias) / np.where(weight != 0, weight, 1), 0.0)
    seen = (weight != 0).astype(float).ravel()
    n, sx, sy = (np.bincount(flat, v) for v in (seen, x_hat.ravel() * seen, target.ravel() * seen))
    sxx, sxy = (np.bincount(flat, v) for v in (x_hat.ravel() ** 2 * seen, (x_hat * target).ravel() * seen))
    slope = (n * sxy - sx * sy) / np.where(n * sxx - sx * sx > 0, n * sxx - sx * sx, np.inf)
    offset = (sy - slope * sx) / np.maximum(n, 1)
    if n.max() > 2 and wrong.close((slope[numbers] * x_hat + offset[numbers]) * weight + bias):
        first = np.unique(flat, return_index=True)[1]
        if (weight.ravel() == weight.ravel()[first][numbers].ravel()).all():  # one weight for all of a set
            yield ("is scaled and shifted in each set as a whole: either its mean and deviation, or its weight and bias, are "
                   "those of another")  # fmt: skip
            return
        yield (f"has x_hat scaled by {slope.min():.3g} to {slope.max():.3g} and shifted in each set: mean and deviation are "
               "those of other values, weight and bias are right")  # fmt: skip
        return
    yield from _parameters(wrong, weight, bias)


def _parameters(wrong: Wrong, weight: Array, bias: Array) -> Iterator[str]:
    """x_hat is right, weight or bias is not: y = x_hat * a + b with a and b for each column."""
    shape = wrong.subject.norm.parameter_shape(wrong.case)
    axes = wrong.view.param_axes
    view_shape = wrong.view.x.shape
    x_hat = np.where(weight != 0, (wrong.truth - bias) / np.where(weight != 0, weight, 1), 0.0).reshape(view_shape)
    got = wrong.got.reshape(view_shape)
    n = math.prod(view_shape[a] for a in axes)
    if n < 3 or not shape or (weight == 0).any():
        return
    mx, my = x_hat.mean(axis=axes, keepdims=True), got.mean(axis=axes, keepdims=True)
    var = ((x_hat - mx) ** 2).mean(axis=axes, keepdims=True)
    if (var < 1e-3).any():  # without x_hat any gain fits
        return
    gain = ((x_hat - mx) * (got - my)).mean(axis=axes, keepdims=True) / np.where(var > 0, var, np.inf)
    shift = my - gain * mx
    if wrong.close((gain * x_hat + shift).reshape(wrong.got.shape)):
        yield "is x_hat times another weight plus another bias in each column: the statistics are right, the parameters are not"


def _rows_missing(wrong: Wrong) -> Iterator[str]:
    """A parameter's gradient that leaves out rows."""
    if wrong.name not in ("dweight", "dbias") or wrong.like_x:
        return
    view = wrong.view
    x = view.normalized
    mean, variance = wrong.moments
    terms = view.dy * ((x - mean) / np.sqrt(variance + view.eps) if wrong.name == "dweight" else 1.0)
    case = wrong.case
    terms = np.broadcast_to(terms, x.shape).reshape(case.x.shape)
    if wrong.subject.norm.name in ("layer_norm", "rms_norm", "deep_norm"):
        rows = terms.reshape(-1, *wrong.got.shape)
    else:
        rows = terms.reshape(*terms.shape[:2], -1).sum(-1)
    prefixes = np.cumsum(rows, axis=0)
    flat = prefixes.reshape(len(rows), -1)
    distance = abs(flat - wrong.got.reshape(-1)).max(axis=1)
    k = int(np.argmin(distance))
    if k < len(rows) - 1 and wrong.close(prefixes[k]):
        yield f"is the sum over the first {k + 1:,} of {len(rows):,} rows: the last {len(rows) - 1 - k:,} are left out"
    elif wrong.close(rows[-1]):
        yield "is that of the last row alone: rows overwrite each other's sum"


def _placed(wrong: Wrong) -> Iterator[str]:
    """The right values in the wrong places."""
    got, truth = np.sort(wrong.got.ravel()), np.sort(wrong.truth.ravel())
    if (
        np.isfinite(got).all()
        and abs(got - truth).max() <= 4 * np.sort(wrong.expected.allowed.ravel())[0] + 1e-12 * abs(truth).max()
    ):
        yield "has the right values in the wrong places: an index or a reshape is wrong"


def _size(wrong: Wrong) -> Iterator[str]:
    """How large the error is, against what arithmetic of fewer bits leaves."""
    error = abs(wrong.got - wrong.truth)
    largest = _largest(wrong.truth)
    relative = float(np.median(error[wrong.mask])) / largest if largest else np.inf
    for name in HALVES[::-1]:
        u = FORMATS[name].u
        if wrong.subject.halves and name != wrong.subject.dtype:
            continue
        if u / 16 <= relative <= 2 * u and FORMATS[wrong.expected.dtype].u <= u:
            yield f"errs by {relative:.2g} of its largest value, as arithmetic in {name} does"
            return
    if relative < 2**-16 and wrong.subject.dtype == "float64":
        yield f"errs by {relative:.2g} of its largest value, as arithmetic in float32 does"


def _grows_with_the_mean(subject: Subject) -> Iterator[str]:
    """An experiment: the same deviations about larger and larger means."""
    rng = np.random.default_rng(3)
    z = rng.standard_normal((24, 35))
    last = {"float64": 24, "float32": 11, "bfloat16": 5, "float16": 8}[subject.dtype]
    errors = {}
    for exponent in (0, last - 4, last):
        mean = 2.0**exponent
        x, arguments = subject.norm.arrange(rounded(z + mean, subject.dtype))
        case = Case(subject.norm.name, "means", subject.dtype, x, x, **arguments)
        try:
            y = subject.forward(case)["y"]
        except Exception:
            return
        expected = subject.expected(case, "y")
        errors[mean] = float(np.max(comparison.ratios(y.value, expected)))
    means = list(errors)
    if errors[means[0]] <= 1 and errors[means[2]] > 1 and errors[means[2]] > 4 * errors[means[1]]:
        yield (f"the error grows with |mean| / deviation like a one-pass variance: {errors[means[0]]:.2g} bounds at "
               f"{means[0]:g}, {errors[means[1]]:.2g} at {means[1]:g}, {errors[means[2]]:.2g} at {means[2]:g}")  # fmt: skip
