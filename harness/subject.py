"""One norm of one implementation on one device in one dtype: calling it, and holding what it returns to the truth."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
import pytest

from harness import bridge, comparison, grades, probes, state
from harness.boundary import INSIDE, VARIABLES, Boundary, Fault, text_of
from harness.comparison import Call, Log, Output, Violation
from harness.formats import FORMATS, HALVES, Array, rounded
from harness.implementations import Implementation
from harness.norms import NORMS, Case, Conventions, Expected
from harness.probes import Probe

C_NAMES = {"double": "float64", "float": "float32", "half": "float16"}  # as some packages print their dtypes
DEFAULT_EPS = (1e-5, 1e-6, 1e-8, 1e-12, 1e-3)


@contextmanager
def _quiet() -> Iterator[None]:
    """Warnings of an implementation are its own affair."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.filterwarnings("ignore", message=".*")  # a filter that no call installs
        yield


class Subject:
    """`impl` in the tests."""

    def __init__(self, implementation: Implementation, norm: str, device: str, dtype: str):
        self.implementation, self.norm, self.device, self.dtype = implementation, NORMS[norm], device, dtype
        self.log = Log()
        self.declared = False  # whether the clause that is being checked is a known failure
        self.own: Any = Boundary(implementation.name, implementation.replaced)  # `with self.own:` its code runs

    @property
    def id(self) -> str:
        return f"{self.implementation.name}-{self.device}-{self.dtype}"

    @property
    def halves(self) -> bool:
        return self.dtype in HALVES

    def begin(self) -> None:
        """A new test: nothing seen yet. What the conventions are is settled first, so that no test depends on another."""
        _ = self.conventions
        self.log = Log()

    # -- inputs -----------------------------------------------------------------------------------------------------

    def case(self, probe: Probe, param_dtype: str = "") -> Case:
        """The probe for this norm and dtype; the same object all through the run."""
        return without(probes.case(probe, self.norm.name, self.dtype, param_dtype), self.lacks)

    def cases(self, *chosen: Probe) -> dict[str, Case]:
        """Several probes by their names."""
        return {probe.name: self.case(probe) for probe in chosen}

    def shaped(self, name: str, *shape: int, **arguments: Any) -> Case:
        """Random data of a given shape."""
        return without(probes.of_shape(name, self.norm.name, self.dtype, shape, tuple(arguments.items())), self.lacks)

    @cached_property
    def lacks(self) -> tuple[str, ...]:
        """What no call of this implementation can have, a bias or an eps: all probes go without."""
        case = probes.case(probes.PLAIN, self.norm.name, self.dtype)
        for lacks in ((), ("bias",), ("eps",), ("bias", "eps")):
            try:
                self.forward(without(case, lacks))
                return lacks if "eps" not in lacks or self._with_fixed_eps(lacks) else ()
            except NotImplementedError:
                continue
            except Exception:  # the tests that call it will say what is wrong
                return ()
        return ()

    def _with_fixed_eps(self, lacks: tuple[str, ...]) -> Conventions | None:
        """The arithmetic and the eps of an implementation that takes none, if data of every scale leave one eps alone."""
        case = without(probes.case(probes.SCALES, self.norm.name, self.dtype), lacks)
        outputs = self.forward(case)
        for option in self._arithmetic_options():
            fixed = [Conventions(default_eps=e, **option) for e in {0.0, *self.default_eps_options.values()}]
            if len(found := [c for c in fixed if self.holds(case, c, "y", outputs=outputs)]) == 1:
                return found[0]
        return None

    # -- calls ------------------------------------------------------------------------------------------------------

    @contextmanager
    def calling(self, grad: bool | None = None) -> Iterator[None]:
        """The implementation's code runs within, in this grad mode if one is given."""
        with _quiet(), self.own, bridge.grad_mode(grad):
            yield

    def arrays(self, case: Case, layouts: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The case's arrays in the implementation's own type; `layouts` gives some of them another memory layout."""
        formats = {"weight": case.format_of_parameters, "bias": case.format_of_parameters,
                   "running_mean": case.format_of_parameters, "running_var": case.format_of_parameters}  # fmt: skip
        arrays = {}
        for name in dict.fromkeys((*self.norm.inputs, *self.norm.updates, "dy")):
            value = getattr(case, name)
            if value is None:
                continue
            with self.own:
                # a copy: what is written into the array must not be written into the truth
                arrays[name] = self.implementation.from_numpy(value.copy(), formats.get(name, case.dtype), self.device)
            if layouts and name in layouts:
                if not self.implementation.torch:
                    raise NotImplementedError("memory layouts are tried on torch tensors alone")
                laid_out = bridge.laid_out(arrays[name], layouts[name])
                arrays[name] = arrays[name] if laid_out is None else laid_out
        return arrays

    def overwrite(self, arrays: Mapping[str, Any], case: Case, names: tuple[str, ...]) -> None:
        """Writes the case's values into these arrays, torch tensors, as an optimizer does."""
        for name, updated in self.arrays(case).items():
            if name in names:
                arrays[name].copy_(updated)

    def output(self, raw: Any, name: str = "y") -> Output:
        """What came back, as float64 in memory of its own."""
        with self.own:
            raw = bridge.plain(raw)
            try:
                dtype, _ = text_of(raw.dtype), raw.shape
            except AttributeError as e:  # another one is a lazy array's refusal, which comes when it is looked at
                raise Violation(f"{name} is {type(raw).__name__}, expected an array") from e
            try:
                value = np.array(self.implementation.to_numpy(raw), dtype=np.float64)
            except Exception as e:
                said = f"{type(e).__name__}: {text_of(e)}"
                raise Violation(f"{name} is {type(raw).__name__}, which can't be read: {said}") from e
        dtype = dtype.rsplit(".", 1)[-1][:40]
        return Output(value, C_NAMES.get(dtype, dtype), raw)

    def _unpacked(self, returned: Any, arrays: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """y, and the updated running arrays: returned beside it, or updated in place."""
        if isinstance(returned, tuple) and self.norm.updates and len(returned) == 3:
            return returned[0], dict(zip(self.norm.updates, returned[1:], strict=True))
        return returned, {name: arrays[name] for name in self.norm.updates if name in arrays}

    def call_raw(self, case: Case, arrays: Mapping[str, Any]) -> Any:
        """The contract's call, and nothing around it."""
        with self.own:
            return self.norm.call(self.implementation.functions[self.norm.name], case, dict(arrays))

    def forward(
        self,
        case: Case,
        layouts: Mapping[str, str] | None = None,
        arrays: dict[str, Any] | None = None,
        grad: bool | None = None,
    ) -> dict[str, Output]:
        """y, and in training the updated running statistics.

        grad: torch's grad mode, where it is not to be as it is.
        """
        outputs = self.made_forward(case, layouts, arrays, grad)
        self.log.calls.append(Call(case, outputs, layouts))
        return outputs

    def made_forward(
        self, case: Case, layouts: Mapping[str, str] | None, arrays: dict[str, Any] | None, grad: bool | None
    ) -> dict[str, Output]:
        """The call of a forward."""
        with self.calling(grad):
            given = self.arrays(case, layouts) if arrays is None else arrays
            y, updates = self._unpacked(self.call_raw(case, given), given)
            if not case.training:
                updates = {}
            return {name: self.output(raw, name) for name, raw in {"y": y, **updates}.items()}

    def elsewhere(self, case: Case) -> Output | None:
        """y of a call in a thread of its own, on whose stack nothing of the suite stands; None if it can't be called in one."""
        with self.calling():
            function = self.implementation.functions[self.norm.name]
            arguments = self.norm.call(lambda *arguments: arguments, case, self.arrays(case))
            with ThreadPoolExecutor(1) as thread:
                error = (called := thread.submit(function, *arguments)).exception()
                if isinstance(error, Exception):  # it belongs to the thread that made its arrays
                    return None
            return self.output(called.result())

    def differentiable(self, case: Case) -> tuple[str, ...]:
        return tuple(name for name in self.norm.inputs if getattr(case, name) is not None)

    def backward(
        self,
        case: Case,
        layouts: Mapping[str, str] | None = None,
        only: tuple[str, ...] = (),
        arrays: dict[str, Any] | None = None,
        between: tuple[Case, dict[str, Any]] | None = None,
    ) -> dict[str, Output]:
        """y, and the gradients of sum(dy * y) with respect to the inputs (or to `only` some): dx, dweight, ...

        between: another call, with its arrays, that is made after the forward and before the backward.
        """
        outputs = self.made_backward(case, layouts, only, arrays, between)
        self.log.calls.append(Call(case, outputs, layouts, only))
        return outputs

    def made_backward(
        self,
        case: Case,
        layouts: Mapping[str, str] | None,
        only: tuple[str, ...],
        arrays: dict[str, Any] | None,
        between: tuple[Case, dict[str, Any]] | None,
    ) -> dict[str, Output]:
        """The calls of a forward and a backward."""
        vjp = self.implementation.vjp
        if vjp is None:
            raise NotImplementedError("it has no vjp, and so no gradients")
        names = only or self.differentiable(case)
        with self.calling():
            own = self.arrays(case, layouts) if arrays is None else arrays

            def function(*inputs: Any) -> Any:
                given = {**own, **dict(zip(names, inputs, strict=True))}
                y = self._unpacked(self.call_raw(case, given), given)[0]
                if between is not None:
                    self.call_raw(*between)
                return y

            y, gradients = vjp(function, [own[name] for name in names], own["dy"])
            raw = {"y": y, **{f"d{name}": g for name, g in zip(names, gradients, strict=True)}}
            if missing := [name for name, g in raw.items() if g is None]:
                raise Violation(f"{missing[0]} is absent: the output does not depend on {missing[0][1:]} for autograd")
            return {name: self.output(g, name) for name, g in raw.items()}

    def second_order(self, case: Case, v: Array) -> Output:
        """The gradient of sum(v * dx) with respect to x."""
        vjp = self.implementation.vjp
        if vjp is None:
            raise NotImplementedError("it has no vjp, and so no gradients")
        with self.calling():
            arrays = self.arrays(case)

            def dx(x: Any) -> Any:
                return vjp(lambda x: self.call_raw(case, {**arrays, "x": x}), [x], arrays["dy"])[1][0]

            try:
                _, (raw,) = vjp(dx, [arrays["x"]], self.implementation.from_numpy(v, self.dtype, self.device))
            except bridge.NoGradientError as e:
                raise Violation(f"the gradient can't be differentiated again: {e}") from e
            except NotImplementedError:  # is a RuntimeError too
                raise
            except RuntimeError as e:
                raise Violation(f"the gradient can't be differentiated again: {text_of(e)}") from e
            if raw is None:
                raise Violation("dx does not depend on x for autograd")
            return self.output(raw, "the second-order gradient")

    def shares_memory(self, raw: Any, arrays: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
        """Which of the named arrays an output has its memory in common with."""
        with self.own:
            return [name for name in names if bridge.memory_overlaps(bridge.plain(raw), arrays[name])]

    def left_behind(self, case: Case) -> list[str]:
        """What a forward and a backward, neither of them the first, leave changed in the process; what was replaced ever."""
        runs: list[Callable[..., Any]] = (
            [self.forward] if self.implementation.vjp is None else [self.forward, self.backward]
        )
        left: list[str] = []
        for run in runs:
            try:
                run(case)
                # A package may note something for itself at its first call; what a later one notes again, each one does. So
                # with what stays: a pool of threads grows once, and what is left behind at each call, at both of two.
                with state.without_variables(VARIABLES):
                    stays = [self._stays_after(run, case, left) for _ in range(2)]
                left += [what for what in stays[0] if what in stays[1]]
            except NotImplementedError:  # no gradients, say, for what was left behind took them
                left += self.own.left
                if not left and run == self.forward:
                    raise
        return list(dict.fromkeys([*left, *self.own.replaced]))

    def _stays_after(self, run: Callable[..., Any], case: Case, left: list[str]) -> list[str]:
        before = state.resources(INSIDE.folder)
        run(case)
        left += self.own.left
        return state.added(before, INSIDE.folder)

    # -- verdicts -----------------------------------------------------------------------------------------------------

    def expected(self, case: Case, name: str) -> Expected:
        """The truth of one output, and what is allowed on it, under the conventions that were seen."""
        return self.norm.expected(case, self.conventions, name)

    def truth_of(self, call: Call, name: str) -> Expected | None:
        """The truth of an output of a call that was made; None where the call is one that a norm refuses."""
        try:
            return call.expected[name] if call.expected else self.expected(call.case, name)
        except (ValueError, TypeError, AttributeError, KeyError, ZeroDivisionError):
            return None

    def check(self, case: Case, *names: str, layouts: Mapping[str, str] | None = None) -> None:
        """Every named output (y, dx, dweight, dbias, running_mean, ...) within its bound of the truth."""
        gradients = [name for name in names if name.startswith("d")]
        if missing := [name for name in gradients if getattr(case, name[1:]) is None]:
            raise NotImplementedError(f"it takes no {missing[0][1:]}")
        outputs = self.backward(case, layouts) if gradients else self.forward(case, layouts)
        self.hold(outputs, case, *names)

    def hold(self, outputs: Mapping[str, Output], case: Case, *names: str) -> None:
        """The same for outputs that are there already."""
        expected = {name: self.expected(case, name) for name in names}
        for name, truth in expected.items() if self.log.grade != "none" else ():
            found = grades.grade(self.norm, case, self.conventions, name, outputs[name], truth)
            self.log.grade = grades.worst(self.log.grade, found)
        comparison.hold(outputs, expected, case, self.log)

    def check_each(self, cases: Mapping[str, Case], *names: str) -> None:
        """The same for every case; the message says which of them do not hold."""
        self.collects({what: partial(self.check, case, *names) for what, case in cases.items()})

    def gradients(self, case: Case) -> tuple[str, ...]:
        return tuple(f"d{name}" for name in self.differentiable(case))

    @property
    def input_gradients(self) -> tuple[str, ...]:
        """dx, and in DeepNorm the sublayer output's."""
        return tuple(f"d{name}" for name in self.norm.inputs if name not in ("weight", "bias"))

    def agree(self, name: str, got: Output, other: Output, case: Case, against: str, twin: Case | None = None) -> None:
        """Two results that must be the same but for rounding: no further apart than both bounds together.

        `case` led to `got`; `twin` to `other`, where it is not the same case.
        """
        allowed = self.expected(case, name).allowed + self.expected(twin or case, name).allowed
        comparison.agree(name, got.value, other.value, allowed, case, self.log, against)

    def same_bits(self, name: str, got: Array, other: Array, case: Case, against: str) -> None:
        """Two results that must be equal bit for bit."""
        comparison.same_bits(name, got, other, case, self.log, against)

    def refuses(self, what: str, call: Callable[[], Any]) -> None:
        """The call raises an exception that says something; a silent result is a violation."""
        self.log.claims += 1
        try:
            call()
        except (NotImplementedError, Fault):
            raise
        except Violation as e:
            raise Violation(f"{what} is not refused; {e}") from e
        except Exception as e:
            if not str(e).strip():
                raise Violation(f"{what} is refused by {type(e).__name__} without a message") from e
            return
        raise Violation(f"{what} is not refused: it returns a result")

    def chooses(self, option: str) -> None:
        """The option that was seen, for a Choice."""
        self.log.choice = option

    # -- what sound implementations do differently ----------------------------------------------------------------

    def holds(
        self, case: Case, conventions: Conventions, *names: str, outputs: Mapping[str, Output] | None = None
    ) -> bool:
        """Whether the outputs are within bounds under these conventions."""
        outputs = self.forward(case) if outputs is None else outputs
        try:
            expected = {name: self.norm.expected(case, conventions, name) for name in names}
            comparison.hold(outputs, expected, case, Log())
        except Violation:
            return False
        return True

    @cached_property
    def conventions(self) -> Conventions:
        """What this implementation takes where sound ones differ: the first option that its outputs are within."""
        plain = Conventions(default_eps=self.norm.default_eps)
        if "eps" in self.lacks:
            found = self._with_fixed_eps(self.lacks)
        else:
            found = self._first(self._plain_case, plain, self._arithmetic_options(), "y")
        if found is None and self.halves and self._refuses(self._plain_case):
            found = replace(plain, staged=True)  # what it takes for the rest can't be seen there: the wider of both
        if found is None:  # y is wrong: whether it was computed in float32 shows all the same
            found = replace(plain, internal="float32" if self._all_float32() else "float64")
        if not self.norm.updates:
            return found
        options = [{"old_momentum": o, "biased": b} for o, b in product((False, True), repeat=2)]
        running = self.with_running_statistics(self.shaped("running", 4, 3, 2))
        return self._first(running, found, options, "running_mean", "running_var") or found

    @cached_property
    def near_default_eps(self) -> Case:
        """Data whose variance is near what eps is by default, and no eps."""
        case = self.case(probes.NEAR_EPS)
        f = None if case.sublayer_output is None else rounded(8 * case.sublayer_output, self.dtype)
        return case.but(eps=None, x=rounded(8 * case.x, self.dtype), sublayer_output=f)

    @property
    def default_eps_options(self) -> dict[str, float]:
        """The values of eps that sound implementations have by default."""
        limits = {f"finfo({d}).eps": 2 * FORMATS[d].u for d in ("float32", self.dtype)}
        return {**{f"{e:g}": e for e in DEFAULT_EPS}, **limits}

    @cached_property
    def _plain_case(self) -> Case:
        """Ordinary data; in evaluation, where the implementation does not train."""
        case = self.case(probes.PLAIN)
        if self.norm.updates:
            try:
                self.forward(case)
            except NotImplementedError:
                return self.with_running_statistics(case, training=False)
            except Exception:  # the tests that call it will say what is wrong
                return case
        return case

    def _refuses(self, case: Case) -> bool:
        try:
            self.forward(case)
        except NotImplementedError:
            return True
        except Exception:  # the tests that call it will say what is wrong
            pass
        return False

    def _all_float32(self) -> bool:
        """Whether float64 input gives a y of float32 numbers."""
        if self.dtype != "float64":
            return False
        try:
            y = self.forward(self._plain_case.but(weight=None, bias=None))["y"].value
        except Exception:  # the tests that call it will say what is wrong
            return False
        return bool((y == y.astype(np.float32)).all() and y.any())

    def _arithmetic_options(self) -> list[dict[str, Any]]:
        gains = (False, True) if self.norm.name in ("layer_norm", "rms_norm", "deep_norm") else (False,)
        internals: list[dict[str, Any]] = [{}]
        if self.dtype == "float64":
            internals += [{"eps_dtype": "float32"}, {"internal": "float32"}]
        if self.halves:
            internals += [{"staged": True}]
        return [{"gain_is_one_plus_weight": g, **i} for i, g in product(internals, gains)]

    def _first(self, case: Case, base: Conventions, options: list[dict[str, Any]], *names: str) -> Conventions | None:
        try:
            outputs = self.forward(case)
        except Exception:  # the tests that call it will say what is wrong
            return None
        if not set(names) <= set(outputs):
            return None
        candidates = (replace(base, **option) for option in options)
        return next((c for c in candidates if self.holds(case, c, *names, outputs=outputs)), None)

    def with_running_statistics(self, case: Case, **changes: Any) -> Case:
        """With a running mean and variance that no batch here has, and a momentum that is not one half."""
        return _with_running_statistics(case, tuple(changes.items()))

    def collects(self, attempts: Mapping[str, Callable[[], None]]) -> None:
        """Runs every attempt; fails with the first violation, and says which of them did not hold."""
        violations, refusals = {}, []
        for name, attempt in attempts.items():
            try:
                attempt()
            except Violation as e:
                violations[name] = str(e)
            except NotImplementedError as e:
                refusals.append(e)
        if violations:
            name, message = next(iter(violations.items()))
            raise Violation(
                f"{len(violations)} of {len(attempts)} do not hold ({', '.join(violations)}); {name}:\n{message}"
            )
        if refusals and len(refusals) == len(attempts):
            raise refusals[0]


@lru_cache(maxsize=1024)
def without(case: Case, lacks: tuple[str, ...]) -> Case:
    """The case, the same object each time, without these parameters."""
    return case.but(**dict.fromkeys(lacks)) if lacks else case


@lru_cache(maxsize=512)
def _with_running_statistics(case: Case, changes: tuple[tuple[str, Any], ...]) -> Case:
    channel = np.arange(case.x.shape[1]) % 8
    values: dict[str, Any] = {
        "running_mean": 0.25 + 0.5 * channel,
        "running_var": 0.5 + 0.25 * channel,
        "momentum": 0.25,
    }
    return case.but(**{**values, **dict(changes)})


SUBJECTS = pytest.StashKey[dict[str, list[Subject]]]()  # of a run, by norm
