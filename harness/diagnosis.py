"""Why a check failed: known mistakes tried on the failing input, and where none fits, what can be said about the error.

A mistake is named where its own output reproduces the implementation's, within the bounds of two sound computations, and
cannot be taken for the truth there. Where the failing call is not wrong in itself (state, memory, errors, hygiene) the
whole test is run on the mistake, and both runs must leave the same trace.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from harness import bridge, comparison, languages, probes, symptoms
from harness.comparison import Call, Log, Output, Violation
from harness.formats import FORMATS, Array
from harness.implementations import of_function
from harness.norms import Expected
from harness.subject import Subject

SECONDS = 4.0  # for all failures of a run together
GRACE = 0.7  # seconds after which what is known is no longer tried either
FOR_PAIRS = 0.4  # of the time, at most: for one search of two mistakes at once
SECONDS_FOR_KNOWN = 0.1  # for each failure, when the time is used up: what explained others is tried
BITS = "values differ; first at"  # of a message about results that must be equal bit for bit
EVIDENCE = 3  # wrong calls that an explanation is held to, the smallest first
SYMPTOM = "seen: "  # before each sentence about an error that no mistake explains
SMALL = 50_000  # values: larger calls are looked at where there are no others


class Mistake(Protocol):
    """What is asked of a known mistake: see `mistakes.catalogue`."""

    name: str
    clause: str

    @property
    def sentence(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def dtypes(self) -> tuple[str, ...]: ...
    @property
    def function(self) -> Callable[..., Any]: ...
    def with_another(self, other: Any) -> Iterator[Callable[..., Any]]: ...
    def functions(self) -> Iterator[Callable[..., Any]]: ...
    def by_hand(self) -> str: ...


@dataclass(frozen=True)
class Cause:
    """Mistakes that together explain what is wrong; contradictions: calls beside the failing ones that they get otherwise."""

    mistakes: tuple[Any, ...]
    contradictions: int

    @property
    def name(self) -> str:
        return " + ".join(m.name for m in self.mistakes)


@dataclass
class Diagnosis:
    """What is said about a failure: the causes, best first, or else the symptoms."""

    causes: list[Cause] = field(default_factory=list)
    symptoms: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return list({frozenset(c.mistakes): c.name for c in reversed(self.causes)}.values())[::-1]

    def lines(self, hints: int = 1, language: str = "en") -> list[str]:
        """For the message: the likeliest cause with its sentence and `hints` steps of its hint."""
        seen = [SYMPTOM + symptom for symptom in self.symptoms]
        if not self.causes:
            return seen
        best = self.causes[0]
        sentences = {
            m.name: languages.said("mistakes", m.name, "sentence", m.sentence, language) for m in best.mistakes
        }
        said = [f"looks like {name}: {languages.continued(sentence)}" for name, sentence in sentences.items()]
        if len(said) > 1:
            said = [said[0], *("and " + s.removeprefix("looks like ") for s in said[1:])]
        for m in best.mistakes:
            question = languages.said("mistakes", m.name, "question", m.question, language)
            said += [
                f"hint: {step}" for step in (question, m.formula, m.by_hand() if hints > 2 else "")[:hints] if step
            ]
        if others := self.names[1:4]:
            said.append(f"or like {', '.join(others)}")
        return said + seen


class Exhausted(Exception):
    """The time for diagnosis is used up."""


class Diagnostician:
    """Explains the failures of a run; what explained one failure is tried first on the next.

    mistakes: the known mistakes of a norm, by its name.
    """

    def __init__(self, mistakes: Callable[[str], Sequence[Any]], seconds: float = SECONDS):
        self.mistakes, self.seconds = mistakes, seconds
        self.spent = 0.0
        self.found: dict[tuple[str, str], list[Cause]] = {}
        self.pairs_tried: set[tuple[Any, ...]] = set()
        self.portraits: dict[Subject, list[Evidence]] = {}
        self.settings = bridge.settings()

    def explain(self, subject: Subject, test: Callable[[Subject], None], clause: str, error: Violation) -> Diagnosis:
        """The diagnosis of a test that failed with `error` on `subject`; never raises."""
        if self.spent > self.seconds + GRACE:
            return Diagnosis()
        started, log, now = time.perf_counter(), subject.log, bridge.settings()
        self.deadline = started + max(0.0, self.seconds - self.spent)
        bridge.restore(self.settings)  # the implementation may have left others
        with warnings.catch_warnings(), np.errstate(all="ignore"), bridge.kept(), bridge.own_random_state():
            warnings.simplefilter("ignore")
            try:
                diagnosis = Diagnosis(self._best(subject, test, clause, error))
                if not diagnosis.causes:
                    diagnosis.symptoms = symptoms.sentences(subject, log.calls, self.deadline)
            except Exception as e:  # the failure itself is what counts
                diagnosis = Diagnosis(symptoms=[f"(the diagnosis failed: {type(e).__name__}: {e})"])
        if diagnosis.causes:
            known = self.found.setdefault((subject.implementation.name, subject.norm.name), [])
            if diagnosis.causes[0].mistakes not in [c.mistakes for c in known]:
                known.append(diagnosis.causes[0])
        subject.log = log
        bridge.restore(now)
        self.spent += time.perf_counter() - started
        return diagnosis

    def _best(self, subject: Subject, test: Callable[[Subject], None], clause: str, error: Violation) -> list[Cause]:
        """The causes by the first way that finds any."""
        calls = subject.log.calls
        wrong = sorted((e for call in calls if (e := Evidence(subject, call)).wrong), key=lambda e: e.call.case.x.size)
        wrong = [e for e in wrong if e.call.case.x.size <= SMALL] or wrong[:1]
        ways = [
            lambda: self._causes(subject, wrong, clause),
            lambda: self._by_rerun(subject, test, clause, error, calls),
            lambda: self._by_arithmetic(subject, wrong, clause),
            lambda: self._pairs(subject, wrong),
        ]
        if not wrong:
            ways = ways[1:2]
        elif BITS in str(error):
            ways = [ways[1], ways[0], *ways[2:]]
        try:
            return next((causes for way in ways if (causes := way())), [])
        except Exhausted:
            return []

    def _candidates(self, subject: Subject) -> list[Any]:
        """The mistakes of the norm that can be seen in this format."""
        return [m for m in self.mistakes(subject.norm.name) if subject.dtype in m.dtypes]

    # -- one mistake --------------------------------------------------------------------------------------------------

    def _causes(self, subject: Subject, wrong: list[Evidence], clause: str) -> list[Cause]:
        """Every mistake that explains the smallest wrong calls, best first; one, where those are large and it fits in all."""
        evidence, causes = wrong[:EVIDENCE], []
        portrait = self._portrait(subject)
        known = self.found.get((subject.implementation.name, subject.norm.name), [])
        until, self.deadline = self.deadline, self.deadline + SECONDS_FOR_KNOWN
        for before in known:
            cause = self._cause(subject, before.mistakes, evidence, portrait)
            if cause is not None and cause.contradictions <= before.contradictions:
                return [cause]
        self.deadline = until
        large = any(e.call.case.x.size > SMALL for e in evidence)
        for mistake in sorted(self._candidates(subject), key=lambda m: m.clause != clause):
            cause = self._cause(subject, (mistake,), evidence, portrait)
            if cause is not None:
                causes.append(cause)
                if large and not cause.contradictions:
                    break
        return sorted(causes, key=lambda c: c.contradictions)

    def _cause(
        self, subject: Subject, mistakes: tuple[Any, ...], evidence: list[Evidence], portrait: list[Evidence]
    ) -> Cause | None:
        """The mistakes as a cause, where they explain every call of the evidence."""
        if time.perf_counter() > self.deadline:
            raise Exhausted
        for function in _functions(mistakes):
            candidate = _candidate(subject, function)
            if all(e.explained_by(candidate) for e in evidence):
                candidate = _candidate(subject, function)
                return Cause(mistakes, sum(not e.fits(candidate) for e in portrait))
        return None

    def _portrait(self, subject: Subject) -> list[Evidence]:
        """What the implementation does on a few plain inputs: a mistake must not contradict it."""
        if subject not in self.portraits:
            kept, subject.log = subject.log, Log()
            plain, near_eps = subject.case(probes.PLAIN), subject.case(probes.NEAR_EPS)
            with_nan = plain.x.copy()
            with_nan.flat[5] = np.nan
            cases = [plain, subject.case(probes.THREE_VALUES), near_eps, subject.case(probes.MIXED_ROWS),
                     plain.but(x=plain.x[::-1].copy()), near_eps.but(eps=4.0), subject.case(probes.CONSTANT),
                     plain.but(x=with_nan)]  # fmt: skip
            runs: list[Callable[[], Any]] = [
                functools.partial(run, case) for case in cases for run in (subject.forward, subject.backward)
            ]
            if subject.implementation.torch:
                runs.append(lambda: subject.forward(plain, {"x": "sliced"}))
            for run in runs:
                if time.perf_counter() > self.deadline:
                    break
                with contextlib.suppress(Exception):  # what it refuses says nothing about the mistake
                    run()
            self.portraits[subject], subject.log = [Evidence(subject, call) for call in subject.log.calls], kept
        return self.portraits[subject]

    # -- two mistakes -------------------------------------------------------------------------------------------------

    def _pairs(self, subject: Subject, wrong: list[Evidence]) -> list[Cause]:
        """Two mistakes that explain the wrong calls together: each an output of its own, or both the same."""
        evidence = wrong[:1]
        key = (subject.implementation.name, subject.norm.name, tuple(sorted(evidence[0].wrong)))
        if key in self.pairs_tried:
            return []
        self.pairs_tried.add(key)
        portrait = self._portrait(subject)
        until = min(self.deadline, time.perf_counter() + FOR_PAIRS * self.seconds)
        candidates = self._candidates(subject)
        partial = [m for m in candidates if self._explains_some(subject, m, evidence[0])]
        likely = [(p, m) for p in partial for m in candidates if m is not p]
        causes = []
        for one, other in itertools.chain(likely, itertools.combinations(candidates, 2)):
            if time.perf_counter() > until:
                break
            if self._cause(subject, (one, other), evidence, []) is None:
                continue
            cause = self._cause(subject, (one, other), wrong[:EVIDENCE], portrait)
            if cause is not None:
                causes.append(cause)
                if cause.contradictions == 0:
                    break
        return sorted(causes, key=lambda c: c.contradictions)

    def _explains_some(self, subject: Subject, mistake: Any, evidence: Evidence) -> bool:
        """Whether a mistake explains one of several wrong outputs, or one of the terms of an only one: half of the error."""
        if time.perf_counter() > self.deadline:
            raise Exhausted
        return evidence.some_explained_by(_candidate(subject, mistake.function))

    # -- what no one can reproduce digit by digit ---------------------------------------------------------------------

    def _by_arithmetic(self, subject: Subject, wrong: list[Evidence], clause: str) -> list[Cause]:
        """Mistakes of arithmetic: the errors are within the bounds of a level that is not sound, and of the same outputs."""
        for level in ("fast", "lowp"):
            if not all(e.within(subject, level) for e in wrong):
                continue
            causes = []
            for mistake in self._candidates(subject):
                if mistake.level != level:
                    continue
                candidate = _candidate(subject, mistake.function)
                if all(e.spoilt_by(candidate) for e in wrong[:EVIDENCE]):
                    causes.append(Cause((mistake,), 0))
            if causes:
                return sorted(causes, key=lambda c: c.mistakes[0].clause != clause)
        return []

    # -- what is not wrong in itself ----------------------------------------------------------------------------------

    def _by_rerun(
        self, subject: Subject, test: Callable[[Subject], None], clause: str, error: Violation, calls: list[Call]
    ) -> list[Cause]:
        """The mistakes on which the same test leaves the same trace; of those that break this clause."""
        causes = []
        for mistake in self._candidates(subject):
            if mistake.clause != clause:
                continue
            if time.perf_counter() > self.deadline:
                raise Exhausted
            candidate = _candidate(subject, mistake.function)
            try:
                with bridge.kept():
                    test(candidate)
            except Violation as e:
                if _without_numbers(str(e)) != _without_numbers(str(error)):
                    continue
                if BITS not in str(error) and not _same_trace(subject, calls, candidate.log.calls):
                    continue
                causes.append(Cause((mistake,), 0))
            except Exception:  # it ends otherwise than the implementation did
                continue
        return causes


def _functions(mistakes: tuple[Any, ...]) -> Iterator[Callable[..., Any]]:
    """The norm with these mistakes, and its likes."""
    if len(mistakes) == 1:
        yield from mistakes[0].functions()
    else:
        yield from mistakes[0].with_another(mistakes[1])


class _Candidate(Subject):
    """A mistake in the place of the implementation: called alike, under the conventions that the implementation takes."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.own = contextlib.nullcontext()  # the suite's own code

    def arrays(self, case: Any, layouts: Mapping[str, str] | None = None) -> dict[str, Any]:
        arrays = super().arrays(case, layouts)
        if self.conventions.gain_is_one_plus_weight and arrays.get("weight") is not None:
            arrays["weight"] = arrays["weight"].double() + 1
        return arrays

    def call_raw(self, case: Any, arrays: Mapping[str, Any]) -> Any:
        if self.conventions.old_momentum:
            case = case.but(momentum=1 - case.momentum)
        return super().call_raw(case.but(eps=self.conventions.eps(case)), arrays)


def _candidate(subject: Subject, function: Callable[..., Any]) -> Subject:
    made = of_function("mistake", subject.norm.name, function)
    candidate = _Candidate(made, subject.norm.name, "cpu", subject.dtype)
    candidate.__dict__ |= {"conventions": subject.conventions, "lacks": subject.lacks}
    return candidate


class Evidence:
    """One call of the implementation, and which of its outputs are wrong."""

    def __init__(self, subject: Subject, call: Call):
        self.call, self.sets = call, _sets(subject, call)
        self.expected: dict[str, Expected] = {}
        self.wrong: list[str] = []
        for name, got in call.outputs.items():
            expected = subject.truth_of(call, name)
            if expected is None:
                continue
            self.expected[name] = expected
            if not comparison.holds(got.value, expected):
                self.wrong.append(name)

    def explained_by(self, candidate: Subject) -> bool:
        """Whether the candidate is wrong there too, and alike."""
        mine = self._outputs(candidate)
        return (
            mine is not None
            and all(n in mine and self._alike(n, mine[n]) and self._told_apart(n, mine[n]) for n in self.wrong)
            and all(
                comparison.holds(mine[n].value, self.expected[n])
                for n in self.expected
                if n in mine and n not in self.wrong
            )
        )

    def _told_apart(self, name: str, mine: Output) -> bool:
        """Whether the candidate can be told from the truth: wrong too, and much nearer to what came than the truth is."""
        got, expected = self.call.outputs[name].value, self.expected[name]
        if got.shape != expected.value.shape:
            return True
        ratio = comparison.ratios(got, expected)
        where = (ratio > 1) & np.isfinite(got) & np.isfinite(mine.value)
        from_truth, from_mine = abs(got - expected.value)[where].sum(), abs(got - mine.value)[where].sum()
        return not comparison.holds(mine.value, expected) and bool(from_mine <= from_truth / 2)

    def some_explained_by(self, candidate: Subject) -> bool:
        """Whether at least one wrong output is explained."""
        mine = self._outputs(candidate)
        return mine is not None and any(
            n in mine and self._alike(n, mine[n]) and self._told_apart(n, mine[n]) for n in self.wrong
        )

    def within(self, subject: Subject, level: str) -> bool:
        """Whether the wrong outputs are within the bounds of another level of arithmetic, where that claims anything."""
        conventions = replace(subject.conventions, level=level)
        if self.call.expected is not None:
            return False
        for name in self.wrong:
            wider = subject.norm.expected(self.call.case, conventions, name)
            if not comparison.holds(self.call.outputs[name].value, wider):
                return False
        return True

    def spoilt_by(self, candidate: Subject) -> bool:
        """Whether the candidate is wrong in the same outputs."""
        mine = self._outputs(candidate)
        return (
            mine is not None
            and [n for n in self.expected if n in mine and not comparison.holds(mine[n].value, self.expected[n])]
            == self.wrong
        )

    def fits(self, candidate: Subject) -> bool:
        """Whether all of its outputs are alike, the right ones too."""
        mine = self._outputs(candidate)
        return mine is not None and all(name in mine and self._alike(name, mine[name]) for name in self.expected)

    def _alike(self, name: str, mine: Output) -> bool:
        return apart(self.call.outputs[name].value, mine.value, self.expected[name], self.sets) <= 1

    def _outputs(self, candidate: Subject) -> Mapping[str, Output] | None:
        """The same call on the candidate; None where it is not possible, or raises."""
        call = self.call
        if call.expected is not None:
            return None
        try:
            with bridge.kept():
                if call.only is None:
                    return candidate.forward(call.case, call.layouts)
                return candidate.backward(call.case, call.layouts, call.only)
        except Exception:  # it refuses what the implementation did not
            return None


def _sets(subject: Subject, call: Call) -> Array:
    try:
        return subject.norm.sets(call.case)
    except ValueError:  # arrays that do not fit each other: nothing is true about them
        return np.zeros(0)


def apart(got: Array, mine: Array, expected: Expected, sets: Array) -> float:
    """The largest difference of two outputs in units of what two sound computations may differ by.

    The bounds are those of the truth; where the mistaken values of a set are larger than the true ones, so are they.
    """
    if got.shape != mine.shape or got.shape != expected.value.shape:
        return np.inf
    if got.size == 0:
        return 0.0
    u = FORMATS[expected.dtype].u
    size, true_size = abs(np.nan_to_num(mine, nan=0.0, posinf=0.0, neginf=0.0)), abs(expected.value)
    if got.shape == sets.shape:
        numbers = sets.astype(int)
        largest, true_largest = (_largest(t, numbers) for t in (size, true_size))
    else:
        largest, true_largest = size.max(), true_size.max()
    scale = np.maximum(1.0, largest / np.maximum(true_largest, 1e-300))
    allowed = 2 * expected.allowed * np.where(np.isfinite(scale), scale, 1.0) + 2 * u * size
    same = (got == mine) | (np.isnan(got) & np.isnan(mine))
    difference = np.where(same, 0.0, abs(got - mine))
    ratio = np.where(np.isnan(difference), np.inf, difference) / allowed
    ratio = np.where(np.isfinite(expected.allowed), ratio, 0.0)  # where nothing is claimed both are NaN, or neither is
    ratio = np.where(np.isnan(got) != np.isnan(mine), np.inf, ratio)
    return float(np.where(same, 0.0, ratio).max())


def _largest(t: Array, numbers: Any) -> Array:
    """The largest value of each element's set."""
    result = np.zeros(int(numbers.max()) + 1)
    np.maximum.at(result, numbers.ravel(), t.ravel())
    return result[numbers]


def _same_trace(subject: Subject, calls: list[Call], others: list[Call]) -> bool:
    """Whether two runs of a test made the same calls with the same results."""
    if len(calls) != len(others):
        return False
    for one, other in zip(calls, others, strict=True):
        if one.outputs.keys() != other.outputs.keys():
            return False
        for name, got in one.outputs.items():
            mine = other.outputs[name]
            if (got.dtype == subject.dtype) != (mine.dtype == subject.dtype):
                return False
            expected = subject.truth_of(one, name)
            if expected is None:  # it has to be the same
                expected = Expected(got.value, 0 * got.value, 1e-6 * abs(got.value), subject.dtype)
            if apart(got.value, mine.value, expected, _sets(subject, one)) > 1:
                return False
    return True


def _without_numbers(text: str) -> str:
    return re.sub(r"[-+]?\d[\d.]*(e[-+]?\d+)?|nan|inf", "#", text.partition("\nshown by")[0])
