"""The properties that every norm has: written once, each given a clause of its own in the norms' test files."""

from __future__ import annotations

import contextlib
import functools
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from harness import bridge, comparison, probes
from harness.boundary import Fault
from harness.clauses import all_clauses
from harness.comparison import Call, Output, Violation
from harness.formats import rounded
from harness.norms import NORMS, Case, Expected, second_order
from harness.subject import Subject, without

Family = Callable[[Subject], None]


CLAUSES: dict[Family, dict[str, str]] = {}  # by property and norm


def holds(clause: str, family: Family) -> Family:
    """`family` as a test of `clause`."""
    CLAUSES.setdefault(family, {})[all_clauses()[clause].norm] = clause

    @pytest.mark.clause(clause)
    @functools.wraps(family)
    def test(impl: Subject) -> None:
        impl.declared = impl.implementation.known_failure(clause, impl.device, impl.dtype) is not None
        family(impl)

    return test


def _forward_and_backward(impl: Subject, cases: dict[str, Case]) -> None:
    """y and every gradient that there is, for each case."""

    def attempt(case: Case) -> None:
        impl.check(case, "y", *(() if impl.implementation.vjp is None else impl.gradients(case)))

    impl.collects({what: functools.partial(attempt, case) for what, case in cases.items()})


# -- values ------------------------------------------------------------------------------------------------------------


def formula(impl: Subject) -> None:
    """On ordinary data y is the formula's."""
    impl.check(impl.case(probes.PLAIN), "y")


def statistics(impl: Subject) -> None:
    """Where every set of values has a mean and a deviation of its own, each is normalized by its own."""
    impl.check(impl.case(probes.MIXED_ROWS), "y")


def divisor(impl: Subject) -> None:
    """With three values a divisor of n - 1 changes y by a fifth."""
    impl.check(impl.case(probes.THREE_VALUES), "y")


def affine(impl: Subject) -> None:
    """Weights that differ, of both signs and zero, and biases that differ, each meet their own feature."""
    case = impl.case(probes.PLAIN)
    impl.check_each(
        {"weights of both signs": case, "weights all zero": case.but(weight=np.zeros_like(case.weight))}, "y"
    )


@probes.drawn
def _lattice(norm: str, dtype: str) -> Case:
    """Values in eighths: they stay exact in every dtype when 4 is added or when they are multiplied by 4."""
    rng = probes.generator(8)
    x, arguments = NORMS[norm].arrange(rng.integers(-16, 16, (24, 35)) / 8)
    case = Case(norm, "lattice", dtype, x, x, **arguments)
    return case.but(
        weight=rounded(1 + 0.3 * rng.standard_normal(NORMS[norm].parameter_shape(case)), dtype),
        dy=rounded(rng.standard_normal(x.shape), dtype),
    )


def _compared(impl: Subject, case: Case, twin: Case, against: str) -> None:
    impl.agree("y", impl.forward(case)["y"], impl.forward(twin)["y"], case, against, twin)


def shift(impl: Subject) -> None:
    """Adding 4 to every x leaves y as it is."""
    case = without(_lattice(impl.norm.name, impl.dtype), impl.lacks)
    _compared(impl, case.but(x=case.x + 4), case, "without the shift")


def _scaled(case: Case, factor: float) -> Case:
    """x times `factor`, and eps times its square, so that eps weighs the same."""
    if case.eps is None:
        raise NotImplementedError("its eps is fixed")
    f = None if case.sublayer_output is None else case.sublayer_output * factor
    return case.but(x=case.x * factor, sublayer_output=f, eps=case.eps * factor**2)


def scale(impl: Subject) -> None:
    """x times 4 with eps times 16 leaves y as it is; x times -4 turns its sign."""
    case = without(_lattice(impl.norm.name, impl.dtype), impl.lacks)
    negative = _scaled(case, -4.0)

    def turned() -> None:
        y = impl.forward(negative)["y"]
        impl.agree("y", Output(-y.value, y.dtype), impl.forward(case)["y"], negative, "with the sign of x turned", case)

    impl.collects({"4 x": lambda: _compared(impl, _scaled(case, 4.0), case, "before scaling"), "-4 x": turned})


def far_from_zero(impl: Subject) -> None:
    """A mean thousands of deviations from zero costs no more digits than it must."""
    impl.check(impl.case(probes.FAR_FROM_ZERO), "y")


def long_rows(impl: Subject) -> None:
    """20,011 values are summed to the last, without stagnating; so are 5,002 times 6 and 70,002 times 3."""
    impl.check_each(impl.cases(probes.LONG, probes.MANY_ROWS, probes.MOST_ROWS), "y")


def magnitudes(impl: Subject) -> None:
    """Values whose squares overflow half precision, and one value 3,000 times the others, are computed as all others."""
    impl.check_each(impl.cases(probes.HUGE, probes.OUTLIER), "y")


def to_nearest(impl: Subject) -> None:
    """The errors of all values together average out: they share neither a gain nor a shift."""
    for probe in (probes.PLAIN, probes.WIDE):
        case = impl.case(probe)
        y = impl.forward(case)["y"]
        once = impl.norm.expected(case, replace(impl.conventions, staged=False), "y")
        comparison.shape_and_dtype("y", y, once.value.shape, ())
        staged = impl.expected(case, "y").allowed - once.allowed  # what rounding x_hat too may add to each value
        view = impl.norm.view(case, impl.conventions)
        weight, bias = (np.broadcast_to(t, view.x.shape).reshape(case.x.shape) for t in (view.weight, view.bias))
        comparison.no_common_bias(y.value, once, staged, once.value - bias, case, impl.log, "a gain")
        comparison.no_common_bias(y.value, once, staged, weight, case, impl.log, "a shift")


# -- any input ---------------------------------------------------------------------------------------------------------


@st.composite
def calls(draw: st.DrawFn, norm: str, dtype: str) -> Case:
    """Shapes, scales, means, eps and parameters, simplest first; the values are quarters, so that a person can read them."""
    m, n = draw(st.integers(1, 6)), draw(st.integers(2, 40))
    offset = draw(st.sampled_from([0, 1, -3, 16, 100]))
    exponent = draw(st.integers(-6, 6) if dtype == "float16" else st.integers(-30, 30))
    eps = draw(st.sampled_from([1e-5, 1e-3, 1e-8, 0.5]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    rows = (rng.integers(-8, 9, (m, n)) / 4 + offset) * 2.0**exponent
    x, arguments = NORMS[norm].arrange(rounded(rows, dtype))
    case = Case(norm, "found by search", dtype, x, x, eps=eps, **arguments)
    shape = NORMS[norm].parameter_shape(case)
    with_weight = draw(st.booleans())
    with_bias = with_weight and draw(st.booleans())  # a bias alone is a clause of its own
    return case.but(
        dy=rng.integers(-8, 9, x.shape) / 4.0,
        weight=rng.integers(-8, 9, shape) / 4.0 if with_weight else None,
        bias=rng.integers(-8, 9, shape) / 4.0 if with_bias else None,
    )


def _search(impl: Subject, names: Callable[[Case], tuple[str, ...]]) -> None:
    layouts = ("contiguous", *bridge.LAYOUTS) if impl.implementation.torch else ("contiguous",)

    @given(calls(impl.norm.name, impl.dtype), st.sampled_from(layouts))
    def every(case: Case, layout: str) -> None:
        impl.log.calls.clear()
        if layout != "contiguous":
            case = case.but(name=f"{case.name}, x {layout}")
        with contextlib.suppress(NotImplementedError):  # a parameter that it always has, say
            impl.check(case, *names(case), layouts={"x": layout} if layout != "contiguous" else None)

    # What is known to fail needs no smallest example, which costs a package that compiles for each shape hundreds of calls.
    if impl.declared:
        every = settings(phases=[phase for phase in settings().phases if phase is not Phase.shrink])(every)
    if settings.default is not None and (settings.default.derandomize or probes.SEED):
        # By a number of its own, for what Hypothesis derives from the source changes whenever that does.
        every = seed(zlib.crc32(f"{impl.norm.name} {impl.dtype} {probes.SEED}".encode()))(every)
    try:
        every()
    except Flaky as e:
        said = next((f": {error}" for error in getattr(e, "exceptions", ()) if isinstance(error, Violation)), "")
        raise Violation(f"the same call is right at one time, and at another it is not{said}") from e
    if impl.log.claims == 0:
        raise NotImplementedError("no input that the search tried was accepted")


def any_input(impl: Subject) -> None:
    """y is right for any shape, layout, scale, mean and eps, with a weight or a bias or without."""
    _search(impl, lambda case: ("y",))


def any_gradient(impl: Subject) -> None:
    """So are the gradients."""
    if impl.implementation.vjp is None:
        raise NotImplementedError("it has no vjp, and so no gradients")
    _search(impl, impl.gradients)


# -- eps ---------------------------------------------------------------------------------------------------------------


def eps_inside(impl: Subject) -> None:
    """Where eps is as large as the variance, its place decides y; x doubled with eps quadrupled changes nothing."""
    case = impl.case(probes.NEAR_EPS)
    doubled = _scaled(case, 2.0)
    impl.collects(
        {
            "eps like the variance": lambda: impl.check(case, "y"),
            "x doubled, eps quadrupled": lambda: _compared(impl, doubled, case, "before doubling"),
        }
    )


def eps_honoured(impl: Subject) -> None:
    """eps far below, near and far above the variance, none of them the default, each change y as they should."""
    case = impl.case(probes.NEAR_EPS)
    impl.check_each({f"eps = {eps:g}": case.but(eps=eps) for eps in (1e-10, 1e-7, 1e-2, 4.0)}, "y")


def _computed_or_refused(impl: Subject, case: Case, ordinary: Case) -> None:
    """y is right, or the call raises where an ordinary one does not; the choice says which."""
    impl.forward(ordinary)
    try:
        impl.forward(case)
    except (NotImplementedError, Violation, Fault):
        raise
    except Exception:
        impl.log.claims += 1
        impl.chooses("refused")
    else:
        impl.check(case, "y")
        impl.chooses("computed")


def eps_zero(impl: Subject) -> None:
    """eps = 0 gives the formula's y, or is refused."""
    case = impl.case(probes.PLAIN)
    _computed_or_refused(impl, case.but(eps=0.0), case)


def _zeros(case: Case) -> Case:
    f = None if case.sublayer_output is None else 0 * case.sublayer_output
    return case.but(x=0 * case.x, sublayer_output=f)


def eps_default(impl: Subject) -> None:
    """A call without eps uses one of the values that sound implementations use, which is read off y, and not 0."""
    case, options = impl.near_default_eps, impl.default_eps_options
    y = impl.forward(case)
    impl.log.claims += 1
    found = next((o for o, e in options.items() if impl.holds(case.but(eps=e), impl.conventions, "y", outputs=y)), None)
    if found is None:
        raise Violation(f"y fits no default eps among {', '.join(options)}\nshown by {comparison.inputs_shown(case)}")
    constant = _zeros(impl.case(probes.CONSTANT)).but(eps=None)
    if np.isnan(impl.forward(constant)["y"].value).any():
        raise Violation(
            f"without an eps zeros give NaN: the default is 0\nshown by {comparison.inputs_shown(constant)}"
        )
    impl.chooses(found)


# -- parameters --------------------------------------------------------------------------------------------------------


def absent_parameters(impl: Subject) -> None:
    """Without a weight the gain is 1, without a bias the shift is 0, together and each alone, for the gradients too."""
    case = impl.case(probes.PLAIN)
    cases = {"no weight": case.but(weight=None, bias=None)}
    if "bias" in impl.norm.inputs:
        neither = cases["no weight"]
        cases = {"neither": neither, "no bias": case.but(bias=None), "no weight": case.but(weight=None)}
    _forward_and_backward(impl, cases)


# -- independence ------------------------------------------------------------------------------------------------------


def _first_set(impl: Subject, case: Case) -> Any:
    """Which elements of x the first mean and variance are taken over."""
    return impl.norm.sets(case) == 0


def _elsewhere(impl: Subject, case: Case, changed: Case, against: str) -> dict[str, Output]:
    """y is the same outside the first set, whatever stands in the first set."""
    mask = _first_set(impl, case)
    got, other = impl.forward(changed), impl.forward(case)
    comparison.shape_and_dtype("y", got["y"], case.x.shape, ())
    comparison.shape_and_dtype("y", other["y"], case.x.shape, ())
    rest = {"y": Output(np.where(mask, other["y"].value, got["y"].value), got["y"].dtype)}
    impl.agree("y", rest["y"], other["y"], case, against)
    return got


def isolation(impl: Subject) -> None:
    """Other values in one set of statistics change nothing outside it."""
    case = impl.case(probes.MIXED_ROWS)
    changed = case.but(x=np.where(_first_set(impl, case), rounded(7 - 3 * case.x, impl.dtype), case.x))
    _elsewhere(impl, case, changed, "with other values in the first set")


def _alone(impl: Subject, case: Case) -> tuple[Case, tuple[Any, ...]]:
    """The first sample (in batch norm: channel) as a call of its own, and where it stands in the whole."""
    if impl.norm.name == "batch_norm":
        where: tuple[Any, ...] = (slice(None), slice(0, 1))
        weight, bias = (None if p is None else p[:1] for p in (case.weight, case.bias))
        return case.but(x=case.x[where], dy=case.dy[where], weight=weight, bias=bias), where
    where = (slice(0, 1),)
    f = None if case.sublayer_output is None else case.sublayer_output[where]
    return case.but(x=case.x[where], dy=case.dy[where], sublayer_output=f), where


def _batches(impl: Subject) -> list[Case]:
    """Batches whose first sample is tried alone: few and many values, more than one thread's share."""
    shapes = {
        "layer_norm": ((7, 35), (9, 4099), (9, 40000)),
        "batch_norm": ((35, 7), (4099, 9), (5, 9, 8000)),
        "group_norm": ((7, 6, 5), (9, 6, 700), (9, 6, 7000)),
        "instance_norm": ((7, 3, 35), (9, 3, 4099), (9, 2, 20000)),
    }
    arguments = {"num_groups": 3} if impl.norm.name == "group_norm" else {}
    return [impl.shaped("batch", *s, **arguments) for s in shapes.get(impl.norm.name, shapes["layer_norm"])]


def alone(impl: Subject) -> None:
    """A sample alone and the same sample in a batch give the same y."""
    case = _batches(impl)[0]
    single, where = _alone(impl, case)
    got, whole = impl.forward(single)["y"], impl.forward(case)["y"]
    impl.agree("y", got, Output(whole.value[where], whole.dtype), single, "in the batch")


def batch_bits(impl: Subject) -> None:
    """They are equal bit for bit."""
    for case in _batches(impl):
        single, where = _alone(impl, case)
        whole = impl.forward(case)["y"].value
        impl.same_bits(
            "y", impl.forward(single)["y"].value, whole[where], single, f"in a batch of shape {case.x.shape}"
        )


@functools.lru_cache(maxsize=64)
def _another(case: Case) -> Case:
    """Other values of the same shapes."""
    f = None if case.sublayer_output is None else case.sublayer_output[..., ::-1].copy()
    weight = None if case.weight is None else case.weight[..., ::-1].copy()
    x = rounded(3 - 2 * case.x[::-1], case.dtype)
    bias = None if case.bias is None else case.bias[..., ::-1].copy()
    return case.but(
        name=f"{case.name}, other values", x=x, sublayer_output=f, weight=weight, bias=bias, dy=case.dy[::-1].copy()
    )


def no_state(impl: Subject) -> None:
    """Neither an earlier call nor a later one, of the same shape with other values, shows in a result or a gradient."""
    case = impl.case(probes.MIXED_ROWS)
    other = _another(case)
    first = impl.forward(case)
    if impl.holds(case, impl.conventions, "y", outputs=first):  # else y is wrong without any earlier call
        impl.check(other, "y")
    else:
        impl.forward(other)
    impl.agree("y", impl.forward(case)["y"], first["y"], case, "at the first call")
    if impl.implementation.torch:
        _sees_an_optimizer_step(impl, case)
        _sees_another_batch(impl, case)
        if (elsewhere := impl.elsewhere(case)) is not None:
            impl.agree("y", elsewhere, first["y"], case, "where the suite is on the call stack")
    if impl.implementation.vjp is None:
        return
    arrays = impl.arrays(other)
    undisturbed = impl.backward(case)
    got = impl.backward(case, between=(other, arrays))
    for name in undisturbed:
        impl.agree(name, got[name], undisturbed[name], case, "without another call before the backward")


def repeated_bits(impl: Subject) -> None:
    """The same call gives the same bits, y and gradients."""
    case = _batches(impl)[-1]
    run = impl.forward if impl.implementation.vjp is None else impl.backward
    one, two = run(case), run(case)
    for name in one:
        impl.same_bits(name, two[name].value, one[name].value, case, "at the first call")


@functools.lru_cache(maxsize=64)
def _after_a_step(case: Case) -> Case:
    """The same call with other parameters."""
    stepped = {
        name: None if value is None else rounded(value * 1.25 + 0.5, case.format_of_parameters)
        for name, value in (("weight", case.weight), ("bias", case.bias))
    }
    return case.but(name=f"{case.name}, other parameters", **stepped)


def _sees_an_optimizer_step(impl: Subject, case: Case) -> None:
    """Other values written into the same weight and bias are the ones that count."""
    stepped, arrays = _after_a_step(case), impl.arrays(case)
    impl.forward(case, arrays=arrays)
    impl.overwrite(arrays, stepped, ("weight", "bias"))
    got, expected = impl.forward(stepped, arrays=arrays)["y"], impl.forward(stepped)["y"]
    impl.agree("y", got, expected, stepped, "with the parameters in new tensors")


def _sees_another_batch(impl: Subject, case: Case) -> None:
    """Other values written into the same x, where the last batch lay, are the ones that count."""
    inputs = tuple(name for name in ("x", "sublayer_output") if name in impl.norm.inputs)
    other, arrays = _another(case).but(weight=case.weight, bias=case.bias), impl.arrays(case)
    impl.forward(case, arrays=arrays)
    impl.overwrite(arrays, other, inputs)
    got, expected = impl.forward(other, arrays=arrays)["y"], impl.forward(other)["y"]
    impl.agree("y", got, expected, other, "with the same values in a new tensor")


def own_buffer(impl: Subject) -> None:
    """A result keeps its values when the next call is made."""
    case = impl.case(probes.MIXED_ROWS)
    y = impl.forward(case)["y"]
    impl.forward(_another(case))
    impl.same_bits("y", impl.output(y.raw).value, y.value, case, "before the next call")


# -- layout ------------------------------------------------------------------------------------------------------------

# Where an input's values stand in memory may choose another kernel: the data lie far enough from zero that one with a
# one-pass variance shows.
_OFFSET = {"float64": 2.0**24, "float32": 1024.0, "bfloat16": 8.0, "float16": 8.0}


@probes.drawn
def _tensors(norm: str, dtype: str) -> tuple[Case, ...]:
    """One tensor of three dimensions and one of four, which alone can be channels-last."""
    arguments = (("num_groups", 3),) if norm == "group_norm" else ()
    made = [probes.of_shape("layout", norm, dtype, shape, arguments) for shape in ((4, 6, 40), (2, 6, 5, 7))]
    return tuple(c.but(x=rounded(c.x + _OFFSET[dtype], dtype)) for c in made)


def _laid_out(impl: Subject, names: tuple[str, ...], layouts: tuple[str, ...]) -> None:
    """Every output is the same for every layout of the named inputs."""
    run = impl.forward if impl.implementation.vjp is None else impl.backward
    attempts = {}
    for case in (without(c, impl.lacks) for c in _tensors(impl.norm.name, impl.dtype)):
        if not impl.implementation.torch:
            raise NotImplementedError("memory layouts are tried on torch tensors alone")
        base = run(case)
        for layout in layouts:
            chosen = {
                name: layout
                for name in names
                if name in (*impl.differentiable(case), "dy") and bridge.has_layout(getattr(case, name).ndim, layout)
            }
            if not chosen:
                continue

            def attempt(case: Case = case, chosen: dict[str, str] = chosen, base: dict[str, Output] = base) -> None:
                got = run(case, chosen)
                for name in base:
                    impl.agree(name, got[name], base[name], case, f"for contiguous {', '.join(chosen)}")

            attempts[f"{layout}, {case.x.ndim}-D"] = attempt
    impl.collects(attempts)


def input_layouts(impl: Subject) -> None:
    """A transposed, sliced, padded, misaligned or channels-last input gives what its contiguous copy gives."""
    _laid_out(impl, ("x", "sublayer_output"), bridge.LAYOUTS)


def expanded_input(impl: Subject) -> None:
    """An input whose samples are one and the same memory gives what its copy gives."""
    (case, _) = _tensors(impl.norm.name, impl.dtype)
    case = _with_equal_samples(case, "x")
    run = impl.forward if impl.implementation.vjp is None else impl.backward
    got, base = run(case, {"x": "expanded"}), run(case)
    for name in base:
        impl.agree(name, got[name], base[name], case, "for a contiguous x")


@functools.lru_cache(maxsize=64)
def _with_equal_samples(case: Case, name: str) -> Case:
    value = getattr(case, name)
    return case.but(**{name: np.broadcast_to(value[:1], value.shape).copy()})


def gradient_layouts(impl: Subject) -> None:
    """So does an upstream gradient, also one that is expanded, as the gradient of a sum is."""
    (case, _) = _tensors(impl.norm.name, impl.dtype)
    equal = _with_equal_samples(case, "dy")

    def expanded() -> None:
        got, base = impl.backward(equal, {"dy": "expanded"}), impl.backward(equal)
        for name in base:
            impl.agree(name, got[name], base[name], equal, "for a contiguous dy")

    if impl.implementation.vjp is None:
        raise NotImplementedError("it has no vjp, and so no gradients")
    impl.collects({"layouts": lambda: _laid_out(impl, ("dy",), bridge.LAYOUTS), "expanded": expanded})


def parameter_layouts(impl: Subject) -> None:
    """So do a weight and a bias that are slices of something larger."""
    _laid_out(impl, ("weight", "bias"), ("sliced", "offset"))


def inputs_untouched(impl: Subject) -> None:
    """After forward and backward, x, the parameters and dy hold what they held."""
    case = impl.case(probes.MIXED_ROWS)
    arrays = impl.arrays(case)
    if impl.implementation.vjp is None:
        impl.forward(case, arrays=arrays)
    else:
        impl.backward(case, arrays=arrays)
    for name in (*impl.differentiable(case), "dy"):
        impl.same_bits(name, impl.output(arrays[name], name).value, getattr(case, name), case, "before the call")


def no_view(impl: Subject) -> None:
    """y has memory of its own."""
    if not impl.implementation.torch:
        raise NotImplementedError("memory is looked at in torch tensors alone")
    case = impl.case(probes.MIXED_ROWS)

    def attempt(case: Case) -> None:
        arrays = impl.arrays(case)
        y = impl.forward(case, arrays=arrays)["y"]
        impl.log.claims += 1
        if shared := impl.shares_memory(y.raw, arrays, impl.differentiable(case)):
            raise Violation(f"y is a view of {shared[0]}: writing to one changes the other")

    bare = functools.partial(attempt, case.but(weight=None, bias=None))
    impl.collects({"with parameters": functools.partial(attempt, case), "without": bare})


# -- shapes ------------------------------------------------------------------------------------------------------------


def dimensions(impl: Subject) -> None:
    """x of every number of dimensions, up to five."""
    last = {"layer_norm": 1, "rms_norm": 1, "deep_norm": 1, "instance_norm": 3}.get(impl.norm.name, 2)
    shape = {1: (7,), 2: (9, 6), 3: (9, 6, 5), 4: (4, 6, 5, 3), 5: (4, 6, 5, 3, 2)}
    arguments = {"num_groups": 2} if impl.norm.name == "group_norm" else {}
    _forward_and_backward(
        impl, {f"{d}-D": impl.shaped("shape", *s, **arguments) for d, s in shape.items() if d >= last}
    )


def several_normalized(impl: Subject) -> None:
    """normalized_shape of two and three dimensions: the statistics are taken over all of them."""
    two, three = impl.shaped("two", 5, 3, 4, normalized_ndim=2), impl.shaped("three", 5, 3, 4, 2, normalized_ndim=3)
    _forward_and_backward(impl, {"two": two, "three": three})


SIZES = (2, 127, 129, 1000, 1025, 4097, 8193, 65537)


def tails(impl: Subject) -> None:
    """Sizes about powers of two, where a block's last elements are easily lost; the last element is loud."""
    before = {"layer_norm": (3,), "rms_norm": (3,), "deep_norm": (3,)}.get(impl.norm.name, (2, 3))
    arguments = {"num_groups": 3} if impl.norm.name == "group_norm" else {}

    cases = {f"size {n}": _loud(impl.shaped("tail", *before, n, **arguments)) for n in SIZES}
    _forward_and_backward(impl, cases)


@functools.lru_cache(maxsize=256)
def _loud(case: Case) -> Case:
    x = case.x.copy()
    x[..., -1] = 40
    return case.but(x=x)


def empty_batch(impl: Subject) -> None:
    """A batch of no samples gives a y of no samples."""
    shape = {"layer_norm": (0, 6), "rms_norm": (0, 6), "deep_norm": (0, 6)}.get(impl.norm.name, (0, 6, 5))
    case = impl.shaped("empty", *shape, **({"num_groups": 3} if impl.norm.name == "group_norm" else {}))
    comparison.shape_and_dtype("y", impl.forward(case)["y"], shape, (impl.dtype,))
    impl.log.claims += 1


def single_value(impl: Subject) -> None:
    """Statistics of one value: y is the bias (in RMSNorm the sign), or the call is refused."""
    shape = {"batch_norm": (1, 6), "group_norm": (1, 6), "instance_norm": (2, 6, 1)}.get(impl.norm.name, (5, 1))
    arguments = {"num_groups": 6} if impl.norm.name == "group_norm" else {}
    _computed_or_refused(impl, impl.shaped("single", *shape, **arguments), impl.case(probes.PLAIN))


def constant_exactly(impl: Subject) -> None:
    """A constant far from zero whose sums are exact gives a y and a dweight of exactly 0."""
    # Few digits, so that 64 of them are summed without rounding, but more than one, so that a product rounds.
    constant = {"float16": 6e4, "bfloat16": rounded(1e8, "bfloat16")}.get(impl.dtype, 1e6)
    if impl.norm.name == "deep_norm" and impl.dtype == "float16":
        constant = 19200.0  # alpha * x + sublayer_output fits too

    def attempt(n: int) -> None:
        x, arguments = impl.norm.arrange(np.full((4, n), constant))
        case = Case(impl.norm.name, f"constant, {n} values", impl.dtype, x, x, **arguments)
        case = case.but(dy=rounded(probes.generator(n).standard_normal(x.shape), impl.dtype))
        try:
            y = impl.forward(case)["y"]
        except ValueError as e:  # a single value
            raise NotImplementedError(str(e)) from e
        impl.same_bits("y", np.where(y.value == 0, 0.0, y.value), np.zeros(x.shape), case, "by the definition")
        if impl.implementation.vjp is not None:
            weighted = case.but(
                weight=np.ones(impl.norm.parameter_shape(case)), bias=np.zeros(impl.norm.parameter_shape(case))
            )
            dweight = impl.backward(weighted)["dweight"].value
            impl.same_bits("dweight", dweight + 0.0, np.zeros_like(dweight), weighted, "by the definition")

    impl.collects({f"{n} values": functools.partial(attempt, n) for n in (1, 4, 64)})


# -- dtypes ------------------------------------------------------------------------------------------------------------


def output_dtype(impl: Subject) -> None:
    """y and dx have the shape and dtype of x, the parameters' gradients those of the parameters."""
    case = impl.case(probes.MIXED_ROWS)
    outputs = impl.forward(case)
    if impl.implementation.vjp is not None:
        with contextlib.suppress(NotImplementedError):
            outputs = impl.backward(case)
    impl.log.claims += 1
    for name, output in outputs.items():
        shape = case.x.shape if name == "y" else getattr(case, name[1:]).shape
        comparison.shape_and_dtype(name, output, shape, (impl.dtype,))


def _only_halves(impl: Subject) -> None:
    if not impl.halves:
        raise NotImplementedError("only 16-bit input differs from its parameters")


def mixed_values(impl: Subject) -> None:
    """16-bit x with a float32 weight and bias: y and the gradients are right."""
    _only_halves(impl)
    case = impl.case(probes.PLAIN, "float32")
    cases = {"training": case}
    if impl.norm.updates:  # float32 running statistics beside 16-bit x
        running = impl.with_running_statistics(case)
        cases = {**cases, "running statistics": running, "evaluation": running.but(training=False)}

    def attempt(case: Case) -> None:
        updates = impl.norm.updates if case.training and case.running_mean is not None else ()
        impl.check(case, "y", *updates)
        if impl.implementation.vjp is not None:
            impl.check(case, *impl.gradients(case))

    impl.collects({what: functools.partial(attempt, c) for what, c in cases.items()})


def mixed_dtype(impl: Subject) -> None:
    """y of 16-bit x with float32 parameters is either in x's dtype or in float32."""
    _only_halves(impl)
    y = impl.forward(impl.case(probes.PLAIN, "float32"))["y"]
    comparison.shape_and_dtype("y", y, impl.case(probes.PLAIN).x.shape, (impl.dtype, "float32"))
    impl.log.claims += 1
    impl.chooses("x's dtype" if y.dtype == impl.dtype else "float32")


def precision(impl: Subject) -> None:
    """float64 input is computed in float64, with eps in float64 or float32, or all of it in float32."""
    if impl.dtype != "float64":
        raise NotImplementedError("about float64 alone")
    impl.check(impl.case(probes.PLAIN), "y")
    c = impl.conventions
    impl.chooses(
        "float32" if c.internal == "float32" else "float64, eps as float32" if c.eps_dtype == "float32" else "float64"
    )


def rounding(impl: Subject) -> None:
    """16-bit y is rounded once, at the end, or x_hat is rounded too, before the weight."""
    _only_halves(impl)
    impl.check(impl.case(probes.PLAIN), "y")
    impl.chooses("x_hat, then y" if impl.conventions.staged else "once")


def gain(impl: Subject) -> None:
    """The weight is the gain, or the gain less 1."""
    impl.check(impl.case(probes.PLAIN), "y")
    impl.chooses("1 + weight" if impl.conventions.gain_is_one_plus_weight else "weight")


# -- special values ----------------------------------------------------------------------------------------------------


def nan(impl: Subject) -> None:
    """A NaN makes its own set of statistics NaN, all of it, and nothing else."""
    case = impl.case(probes.MIXED_ROWS)
    mask = _first_set(impl, case)
    x = case.x.copy()
    x[tuple(np.argwhere(mask)[len(np.argwhere(mask)) // 2])] = np.nan
    y = _elsewhere(impl, case, case.but(x=x), "without the NaN")["y"].value
    if not np.isnan(y[mask]).all():
        raise Violation(
            f"y: a NaN in x is swallowed: {int((~np.isnan(y[mask])).sum())} of the {int(mask.sum())} values that share "
            f"its statistics are not NaN\nshown by {comparison.inputs_shown(case.but(x=x))}"
        )


def infinity(impl: Subject) -> None:
    """An infinity stays in its own set of statistics, where y is not finite at its place."""
    case = impl.case(probes.MIXED_ROWS)
    where = tuple(np.argwhere(_first_set(impl, case))[1])
    for value in (np.inf, -np.inf):
        x = case.x.copy()
        x[where] = value
        y = _elsewhere(impl, case, case.but(x=x), "without the infinity")["y"].value
        if np.isfinite(y[where]):
            raise Violation(f"y is {y[where]:g} where x is {value}\nshown by {comparison.inputs_shown(case.but(x=x))}")


def constant(impl: Subject) -> None:
    """A constant row gives the bias, not NaN, whatever the constant."""
    impl.check(impl.case(probes.CONSTANT), "y")


def tiny(impl: Subject) -> None:
    """Values whose squares underflow, and subnormal ones, vanish beside eps."""
    impl.check(impl.case(probes.TINY), "y")


def overflow(impl: Subject) -> None:
    """Squares beyond the accumulator's range: y is right, or it overflows visibly, to NaN, infinity or zero."""
    if impl.dtype == "float16":
        raise NotImplementedError("float16's squares fit into float32")
    small = impl.case(probes.MIXED_ROWS).but(bias=None)
    factor = 2.0**600 if impl.dtype == "float64" and impl.conventions.internal == "float64" else 2.0**100
    f = None if small.sublayer_output is None else small.sublayer_output * factor
    y = impl.forward(small.but(x=small.x * factor, sublayer_output=f))
    impl.log.claims += 1
    if impl.holds(small.but(eps=0.0), impl.conventions, "y", outputs=y):
        impl.chooses("computed")
    elif (np.isfinite(y["y"].value) & (y["y"].value != 0)).any():
        raise Violation(f"x of {factor:.3g} gives finite values that are wrong: y = {comparison.shown(y['y'].value)}")
    else:
        impl.chooses("overflows")


# -- gradients ---------------------------------------------------------------------------------------------------------


def input_gradient(impl: Subject) -> None:
    """dx, on ordinary data and with three values, where every term weighs a third."""
    impl.check_each(impl.cases(probes.PLAIN, probes.THREE_VALUES), *impl.input_gradients)


def weight_gradient(impl: Subject) -> None:
    """dweight is the sum of dy * x_hat over all that the weight is broadcast over."""
    impl.check(impl.case(probes.PLAIN), "dweight")


def bias_gradient(impl: Subject) -> None:
    """dbias is the sum of dy over all that the bias is broadcast over."""
    impl.check(impl.case(probes.PLAIN), "dbias")


def gradient_sums(impl: Subject) -> None:
    """The parameters' gradients are summed over thousands of rows without stagnating, to the last."""
    cases = impl.cases(probes.MANY_ROWS, probes.LONG)
    names = [n for n in impl.gradients(cases["long"]) if n in ("dweight", "dbias")]
    impl.check_each(cases, *names)


def cancelling_gradient(impl: Subject) -> None:
    """Where dy lies in the span of 1 and x_hat, dx is the small rest that both terms leave."""
    impl.check(impl.case(probes.ALIGNED), *impl.input_gradients)


def saved_statistics(impl: Subject) -> None:
    """The backward uses mean and rstd as exact as the forward had them, at a mean of 50 deviations too."""
    case = impl.case(probes.SAVED_STATISTICS)
    impl.check(case, *impl.input_gradients, "dweight")


def extreme_gradients(impl: Subject) -> None:
    """Gradients of huge, tiny-deviation, constant and outlying values are as right as any."""
    cases = impl.cases(probes.HUGE, probes.NEAR_EPS, probes.CONSTANT, probes.OUTLIER, probes.FAR_FROM_ZERO)
    impl.check_each(cases, *impl.gradients(cases[probes.HUGE.name]))


def only_asked(impl: Subject) -> None:
    """A gradient asked for alone is the one that comes with all others."""
    case = impl.case(probes.MIXED_ROWS)
    together = impl.backward(case)

    def attempt(name: str) -> None:
        got = impl.backward(case, only=(name,))
        impl.agree(f"d{name}", got[f"d{name}"], together[f"d{name}"], case, "with all gradients asked for")

    impl.collects({name: functools.partial(attempt, name) for name in impl.differentiable(case)})


def zero_gradient(impl: Subject) -> None:
    """A dy of zeros gives gradients of zeros."""
    case = impl.case(probes.MIXED_ROWS)
    got = impl.backward(case.but(dy=0 * case.dy))
    for name in impl.gradients(case):
        impl.same_bits(name, got[name].value + 0.0, np.zeros_like(getattr(case, name[1:])), case, "by the definition")


def gradient_of_gradient(impl: Subject) -> None:
    """The gradient of sum(v * dx) with respect to x."""
    if impl.dtype not in ("float32", "float64") or impl.conventions.internal != "float64":
        raise NotImplementedError("no bound is derived for the second order of 16-bit formats")
    case = impl.case(probes.THREE_VALUES)
    v = rounded(probes.generator(2).standard_normal(case.x.shape), impl.dtype)
    output = impl.second_order(case, v)
    truth, allowed = second_order(impl.norm, case, impl.conventions, v)
    got, name = output, "the second-order gradient"
    expected = Expected(truth, np.zeros_like(truth), allowed, impl.dtype)
    impl.log.calls.append(Call(case, {name: got}, expected={name: expected}))
    comparison.agree(name, got.value, truth, allowed, case, impl.log, "expected")


# -- running statistics ------------------------------------------------------------------------------------------------


def _running(impl: Subject, **changes: Any) -> Case:
    """Few enough values for each statistic that n / (n - 1) shows in 16 bits."""
    return impl.with_running_statistics(impl.shaped("running", 4, 3, 2), **changes)


def running_update(impl: Subject) -> None:
    """After a batch both running statistics are what the rule says, under the conventions that are seen."""
    impl.check(_running(impl), "running_mean", "running_var")


def running_momentum(impl: Subject) -> None:
    """With the weights of old and new unequal, the running mean says which is which."""
    impl.check(_running(impl), "running_mean")
    impl.chooses("the old value" if impl.conventions.old_momentum else "the new batch")


def running_variance(impl: Subject) -> None:
    """With two to eight values for each statistic, the running variance says what was stored."""
    impl.check(_running(impl), "running_var")
    impl.chooses("biased" if impl.conventions.biased else "unbiased")


def running_far(impl: Subject) -> None:
    """At a mean of 100 deviations, with eight values, both running statistics keep their digits."""
    momentum = 0.0 if impl.conventions.old_momentum else 1.0  # nothing is left of the old value
    case = impl.with_running_statistics(impl.case(probes.SMALL_FAR_BATCH), momentum=momentum)
    impl.check(case, "running_mean", "running_var")


def batch_statistics(impl: Subject) -> None:
    """y in training is the batch's own, beside running statistics that are far from it."""
    impl.check(_running(impl), "y")


def _evaluated(impl: Subject) -> Case:
    return impl.with_running_statistics(impl.case(probes.MIXED_ROWS), training=False)


def evaluation(impl: Subject) -> None:
    """y in evaluation is that of the running statistics, not of the batch's."""
    impl.check(_evaluated(impl), "y")


def evaluation_leaves(impl: Subject) -> None:
    """The running statistics are the same bits after a call in evaluation."""
    case = _evaluated(impl)
    arrays = impl.arrays(case)
    impl.forward(case, arrays=arrays)
    for name in impl.norm.updates:
        impl.same_bits(name, impl.output(arrays[name], name).value, getattr(case, name), case, "before the call")


def evaluation_gradient(impl: Subject) -> None:
    """Every gradient in evaluation."""
    case = _evaluated(impl)
    impl.check(case, *impl.gradients(case))


def cumulative(impl: Subject) -> None:
    """Three batches with momentum 1, 1/2 and 1/3, each held to the truth from where the one before left off."""
    batches = [impl.shaped(f"batch {k}", 4, 3, 2) for k in (1, 2, 3)]
    mean, var = np.zeros(3), np.ones(3)
    for k, batch in enumerate(batches, 1):
        momentum = 1 - 1 / k if impl.conventions.old_momentum else 1 / k
        case = batch.but(running_mean=mean, running_var=var, momentum=momentum)
        outputs = impl.forward(case)
        impl.hold(outputs, case, *impl.norm.updates)
        mean, var = outputs["running_mean"].value, outputs["running_var"].value


def no_running(impl: Subject) -> None:
    """Without running statistics y in training is the same."""
    impl.check(impl.case(probes.MIXED_ROWS), "y")


def grad_flag(impl: Subject) -> None:
    """Training without gradients uses the batch's statistics, evaluation with gradients the running ones."""
    if not impl.implementation.torch:
        raise NotImplementedError("torch's grad mode is tried on torch tensors alone")

    def attempt(case: Case, grad: bool) -> None:
        impl.hold(impl.forward(case, grad=grad), case, "y")

    trained = functools.partial(attempt, _running(impl), False)
    evaluated = functools.partial(attempt, _evaluated(impl), True)
    impl.collects({"training under no_grad": trained, "evaluation with gradients": evaluated})


# -- errors, hygiene ---------------------------------------------------------------------------------------------------


def refuses_weight(impl: Subject) -> None:
    """A weight with one value too many is refused."""
    case = impl.case(probes.MIXED_ROWS)
    assert case.weight is not None
    long = case.but(weight=np.append(case.weight, 1.0), bias=None)
    impl.forward(case.but(bias=None))  # a weight that fits is taken
    impl.refuses("a weight that does not fit", lambda: impl.forward(long))


def refuses_shape(impl: Subject) -> None:
    """A normalized_shape that is not the end of x's shape is refused."""
    case = impl.case(probes.MIXED_ROWS)
    arrays = {k: v for k, v in impl.arrays(case).items() if k not in ("weight", "bias")}
    wrong = case.but(x=case.x[..., 1:], weight=None, bias=None)  # the shape that is told; the array has one more
    impl.call_raw(case, arrays)
    impl.refuses("a normalized_shape that does not fit", lambda: impl.call_raw(wrong, arrays))


def hygiene(impl: Subject) -> None:
    """Calls leave the process as they found it: settings, random states, flags, streams, and other modules' functions."""
    left = impl.left_behind(impl.case(probes.MIXED_ROWS))
    impl.log.claims += 1
    if left:
        raise Violation(f"a call changes {', '.join(left)}")
