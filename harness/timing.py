"""Timing norms: every call on data that it has not seen, in turn with a copy of as many bytes.

A norm moves bytes and computes little, so what says how good it is, is the share of the bandwidth that a copy reaches on the
same machine, in the same minutes, with the same bytes, dtype and state of the cache. All that is compared runs in turns, round
by round, so that a drift of the machine hits all of it.
"""

from __future__ import annotations

import ctypes
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness import comparison
from harness.boundary import owned
from harness.comparison import Log, Output, Violation
from harness.formats import FORMATS, Array, rounded
from harness.norms import NORMS, Case
from harness.subject import Subject

SETS = 12  # sets of statistics (rows, channels, samples) whose values are compared with the truth at every call
WARMUP = 3
ROWWISE = ("layer_norm", "rms_norm", "deep_norm")  # whose sets of statistics are rows
IMPOSSIBLE = 1.1  # the share of a copy's bandwidth above which the measurement is wrong, not the norm fast
LATE_ROUNDS = 5
LATE = 0.5  # the part of its time that an output may still be waited for when the call has returned


class Refused(Exception):
    """There is no figure; the message says why."""


# -- clocks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clock:
    """How time is taken on a device.

    stamp: marks a moment, in the device's own queue where it has one.  seconds: what lies between two stamps, waiting
    for them.  synchronize: waits for all that was launched.  flush: evicts the caches.  asynchronous: calls return before
    the work is done.
    """

    kind: str
    stamp: Callable[[], Any]
    seconds: Callable[[Any, Any], float]
    synchronize: Callable[[], None]
    flush: Callable[[], Any]
    asynchronous: bool


@cache
def clock(device: str) -> Clock:
    """The best clock of a device: its own events, or the host's after waiting for it."""
    if device == "cpu":
        memory = torch.empty(2 * last_level_cache(), dtype=torch.uint8)
        return Clock("host time", time.perf_counter, lambda a, b: b - a, _nothing, lambda: memory.fill_(1), False)
    memory = torch.empty(max(256 << 20, 2 * l2_cache(device)), dtype=torch.uint8, device=device)
    module = getattr(torch, device)

    def flush() -> Any:
        return memory.fill_(1)

    def event() -> Any:
        made = module.Event(enable_timing=True)
        made.record()
        return made

    def between(start: Any, end: Any) -> float:
        end.synchronize()
        return float(start.elapsed_time(end)) * 1e-3

    def waited() -> float:
        module.synchronize()
        return time.perf_counter()

    if hasattr(getattr(module, "Event", None), "elapsed_time"):
        return Clock("device events", event, between, module.synchronize, flush, True)
    return Clock("host time after synchronize", waited, lambda a, b: b - a, module.synchronize, flush, True)


def _nothing() -> None:
    pass


@cache
def last_level_cache() -> int:
    """The size of the CPU's largest cache in bytes; 64 MiB where it can't be read."""
    sizes = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        sizes.append(int(text.rstrip("KMG")) * {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1], 1))
    return max(sizes, default=64 << 20)


def l2_cache(device: str) -> int:
    """The size of a device's largest cache in bytes; 0 where it can't be read."""
    properties = getattr(getattr(torch, device, None), "get_device_properties", lambda _: None)(0)
    return int(getattr(properties, "L2_cache_size", 0))


@cache
def keep_freed_memory() -> str:
    """Lets the C library keep large blocks that are freed, and says what was done.

    Otherwise glibc maps an output of 32 MiB anew at every call and page faults take more time than the norm: LayerNorm of
    4096 x 4096 values 68 ms instead of 18 ms. It is what `MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=2147483647` does.
    """
    mmap_max, trim_threshold, largest = -4, -1, 2**31 - 1  # malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None or not (mallopt(mmap_max, 0) and mallopt(trim_threshold, largest)):
        return "as the C library has it: page faults of fresh outputs are part of the time"
    return "freed blocks are kept (mallopt), so that no page faults are timed"


# -- what is timed -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """One line of the table. direction: forward, or forward+backward.  cache: cold or hot."""

    norm: str
    direction: str
    shape: tuple[int, ...]
    dtype: str
    device: str
    cache: str = "cold"
    layout: str = ""  # in memory: contiguous, or "channels-last"

    @property
    def size(self) -> str:
        """`32x64x56x56`, with the layout where it is not the usual one."""
        return "x".join(map(str, self.shape)) + (f"-{self.layout}" if self.layout else "")

    @property
    def id(self) -> str:
        return "-".join((self.norm, self.direction, self.size, self.dtype, self.device, self.cache))

    @property
    def backward(self) -> bool:
        return self.direction != "forward"

    @property
    def values(self) -> int:
        """The number of values of x."""
        return math.prod(self.shape)

    @property
    def moved_bytes(self) -> int:
        """What has to be read and written, once each: the compulsory traffic of the norm.

        Forward: the inputs and y. Backward: dy and the inputs again, and the gradients. DeepNorm has two inputs of x's
        size. Parameters and statistics count too.
        """
        inputs = 2 if self.norm == "deep_norm" else 1
        norm = NORMS[self.norm]
        size = self.shape[-1] if self.norm in ROWWISE else self.shape[1]
        parameters = size * sum(name in norm.inputs for name in ("weight", "bias"))
        statistics = 4 * size if self.norm == "batch_norm" else 0  # the running ones are read and written
        values = (inputs + 1) * self.values + parameters + statistics
        if self.backward:
            values += (2 * inputs + 1) * self.values + 2 * parameters
        return values * itemsize(self.dtype)


def itemsize(dtype: str) -> int:
    """The bytes of one value."""
    return int(np.dtype(FORMATS[dtype].numpy).itemsize)


def random_case(point: Point, seed: int, scale: float = 1.0) -> Case:
    """A call of the point on random data; scale: the size of x."""
    rng, norm = np.random.default_rng(seed), NORMS[point.norm]

    def draw(shape: tuple[int, ...], scale: float = 1.0) -> Array:
        return rounded(scale * rng.standard_normal(shape, dtype=np.float32), point.dtype)

    extra: dict[str, Any] = {}
    if point.norm == "deep_norm":
        extra = {"sublayer_output": draw(point.shape, scale), "alpha": 1.5}
    if point.norm == "group_norm":
        extra = {"num_groups": math.gcd(32, point.shape[1])}
    if point.norm == "batch_norm":
        channels = point.shape[1]
        extra = {"running_mean": np.zeros(channels), "running_var": np.ones(channels)}
    case = Case(point.norm, "benchmark", point.dtype, draw(point.shape, scale), draw(point.shape), **extra)
    shape = norm.parameter_shape(case)
    bias = draw(shape) if "bias" in norm.inputs else None
    return case.but(weight=rounded(1 + 0.25 * draw(shape), point.dtype), bias=bias)


MOVING = ("x", "dy", "sublayer_output")  # what has x's shape


class Call:
    """One implementation at one point: its arguments, moved on before each call, and the truth about some of its output."""

    def __init__(self, subject: Subject, point: Point, case: Case, clock: Clock):
        self.name, self.subject = subject.implementation.name, subject
        self.point, self.case, self.clock = point, case, clock
        self.whole = point.norm == "batch_norm"  # a set of statistics is a channel, over all of the batch
        count = case.x.shape[1] if self.whole else math.prod(case.x.shape[:-1]) if self._rows else case.x.shape[0]
        self.picked = np.unique(np.linspace(0, count - 1, min(SETS, count)).astype(int))
        self.part = self._part(case)
        self.arrays = self._arrays(case)
        self.times: list[float] = []
        self.late: list[tuple[float, float]] = []
        self.result: Any = None
        self.shift = 0
        if subject.implementation.torch:
            self.sources = {name: self.arrays[name].clone() for name in MOVING if name in self.arrays}
            if point.backward:
                for name in subject.differentiable(case):
                    self.arrays[name].requires_grad_()

    def _arrays(self, case: Case) -> dict[str, Any]:
        layout = self.point.layout
        return self.subject.arrays(case, dict.fromkeys(MOVING, layout) if layout else None)

    @property
    def _rows(self) -> bool:
        return self.point.norm in ROWWISE

    def _part(self, case: Case) -> Case:
        """The call on the picked sets alone, whose truth is theirs."""
        if self.whole:
            of_channels = {n: getattr(case, n)[self.picked] for n in ("weight", "bias", "running_mean", "running_var")}
            return case.but(**{n: self._pick(getattr(case, n), 0) for n in ("x", "dy")}, **of_channels)
        return case.but(**{n: self._pick(v, 0) for n in MOVING if (v := getattr(case, n)) is not None})

    def _pick(self, array: Any, shift: int) -> Any:
        """The picked sets of an array that was moved on by `shift` along its first axis; a tensor or an array."""
        first = array.shape[0]
        if self.whole:
            picked = array[:, self.picked]
            return picked[(np.arange(first) + shift) % first]
        if self._rows:
            rows, per_first = array.reshape(-1, array.shape[-1]), math.prod(array.shape[1:-1])
            return rows[(self.picked + shift * per_first) % rows.shape[0]]
        return array[(self.picked + shift) % first]

    # -- a round ------------------------------------------------------------------------------------------------------

    def prepare(self, shift: int) -> None:
        """Other data than at the last call, in the same memory where the package's arrays can be written to."""
        self.result = None
        self.shift = shift
        if self.subject.implementation.torch:
            with torch.no_grad():
                for name, source in self.sources.items():
                    k = shift % source.shape[0]
                    self.arrays[name][k:].copy_(source[: source.shape[0] - k])
                    self.arrays[name][:k].copy_(source[source.shape[0] - k :])
        else:
            moved = {n: np.roll(v, shift, axis=0) for n in MOVING if (v := getattr(self.case, n)) is not None}
            self.arrays = self._arrays(self.case.but(**moved))
        self.function = self._function()

    def _function(self) -> Callable[[], Any]:
        """What is timed, and nothing else: the norm's call with its arguments bound, or the call and its gradients."""
        implementation, norm = self.subject.implementation, self.subject.norm
        function, arguments = implementation.functions[norm.name], list[Any]()
        norm.call(lambda *given: arguments.extend(given), self.case, self.arrays)
        if not self.point.backward:
            return lambda: function(*arguments)
        names = self.subject.differentiable(self.case)
        inputs, dy = [self.arrays[n] for n in names], self.arrays["dy"]
        if implementation.torch:

            def forward_and_backward() -> Any:
                y = function(*arguments)
                y = y[0] if isinstance(y, tuple) else y
                if not y.requires_grad:
                    raise NotImplementedError("its output carries no gradient")
                return y, *torch.autograd.grad(y, inputs, dy)

            return forward_and_backward
        if implementation.vjp is None:
            raise NotImplementedError("it has no vjp, and so no gradients")
        vjp, places = implementation.vjp, [next(i for i, a in enumerate(arguments) if a is x) for x in inputs]

        def called(*given: Any) -> Any:
            full = list(arguments)
            for i, value in zip(places, given, strict=True):
                full[i] = value
            y = function(*full)
            return y[0] if isinstance(y, tuple) else y

        def by_vjp() -> Any:
            y, gradients = vjp(called, inputs, dy)
            return y, *gradients

        return by_vjp

    def timed(self) -> float:
        """One call, from the moment it is made to the moment its result is there."""
        function, stamp = self.function, self.clock.stamp
        start = stamp()
        result = function()
        wait(result)
        end = stamp()
        self.result = result
        return self.clock.seconds(start, end)

    def outputs(self) -> dict[str, Any]:
        """What the last call returned, by name."""
        names = ("y", *(f"d{n}" for n in self.subject.differentiable(self.case))) if self.point.backward else ("y",)
        result = self.result if isinstance(self.result, tuple) else (self.result,)
        return dict(zip(names, result, strict=False))

    def check(self) -> None:
        """The picked sets of y and of the gradients of x's shape against the truth. Raises Refused."""
        names = [n for n in self.outputs() if n == "y" or n[1:] in MOVING]
        self._held({n: self._picked_of(n) for n in names}, self.part, "in a timed call")

    def _picked_of(self, name: str) -> Output:
        raw = self.outputs()[name]
        if raw is None or tuple(getattr(raw, "shape", ())) != self.point.shape:
            raise Refused(f"{name} has shape {tuple(getattr(raw, 'shape', ()))}, expected {self.point.shape}")
        to_numpy = self.subject.implementation.to_numpy
        chosen = raw if self.subject.implementation.torch else to_numpy(raw)
        picked = self._pick(chosen, self.shift)
        return Output(np.array(to_numpy(picked) if picked is not chosen and self.subject.implementation.torch else picked,
                               dtype=np.float64), str(raw.dtype).rsplit(".", 1)[-1])  # fmt: skip

    def _held(self, outputs: dict[str, Output], part: Case, when: str) -> None:
        # Statistics or sums one format down make a norm inexact (its clauses say so), not its time worthless.
        granted = replace(self.subject.conventions, level="lowp")
        expected = {n: self.subject.norm.expected(part, granted, n) for n in outputs}
        flat = {n: Output(o.value.reshape(expected[n].value.shape), o.dtype) for n, o in outputs.items()}
        try:
            comparison.hold(flat, expected, part, Log())
        except Violation as e:
            raise Refused(f"it is wrong {when}: {str(e).splitlines()[0]}") from e

    def check_afterwards(self, seed: int) -> None:
        """A call on fresh data, not timed: y and every gradient, those of the parameters with them. Raises Refused.

        dy is 0 outside the picked sets, so that the parameters' gradients are theirs alone.
        """
        case = random_case(self.point, seed, scale=3e-3)  # a variance like eps, which has to be there
        if not self.whole:
            dy = np.zeros_like(case.dy).reshape(-1, case.dy.shape[-1]) if self._rows else np.zeros_like(case.dy)
            dy[self.picked] = case.dy.reshape(dy.shape)[self.picked]
            case = case.but(dy=dy.reshape(case.dy.shape))
        kept = self.case, self.arrays
        self.case, self.arrays, self.shift = case, self._arrays(case), 0
        if self.subject.implementation.torch and self.point.backward:
            for name in self.subject.differentiable(case):
                self.arrays[name].requires_grad_()
        self.function = self._function()
        self.timed()
        part = self._part(case)
        outputs = {n: self._picked_of(n) for n in self.outputs() if n == "y" or n[1:] in MOVING}
        for name in (n for n in self.outputs() if n in ("dweight", "dbias")):
            raw = self.outputs()[name]
            value = np.array(self.subject.implementation.to_numpy(raw), dtype=np.float64)
            outputs[name] = Output(value[self.picked] if self.whole else value, str(raw.dtype).rsplit(".", 1)[-1])
        self._held(outputs, part, "on data that was not timed")
        self.case, self.arrays = kept

    def outlast(self) -> None:
        """How long a call takes until all of the device is idle, and by the device's clock: other queues are not in that."""
        self.clock.synchronize()
        start = time.perf_counter()
        taken = self.timed()
        self.clock.synchronize()
        self.late.append((time.perf_counter() - start, taken))

    def read_twice(self) -> None:
        """How long the first reading of y takes after a call, and the second: what is waited for was not done."""
        y = self.outputs()["y"]
        times = []
        for _ in range(2):
            start = time.perf_counter()
            self.subject.implementation.to_numpy(y)
            times.append(time.perf_counter() - start)
        self.late.append((times[0], times[1]))


def wait(result: Any) -> None:
    """Until a result is there, for packages that return a promise of one."""
    for part in result if isinstance(result, tuple) else (result,):
        if (ready := getattr(part, "block_until_ready", None)) is not None:
            ready()


# -- measuring ---------------------------------------------------------------------------------------------------------


@dataclass
class Timing:
    """What was found at one point for one implementation. Times in seconds, bandwidths in bytes a second.

    refused: why there is no figure, or empty.
    """

    point: Point
    name: str
    times: list[float] = field(default_factory=list)
    roof_time_s: float = math.nan
    launch_time_s: float = math.nan
    best_roof_time_s: float = 0.0  # the fastest tenth of the copies
    refused: str = ""
    not_offered: bool = False

    def refuse(self, error: BaseException) -> None:
        """There is no figure, for this reason. A person's Ctrl-C is none, and goes on."""
        error = error if isinstance(error, Refused) else owned(error)
        self.not_offered = isinstance(error, NotImplementedError)
        ours = isinstance(error, Refused | NotImplementedError) and str(error)
        self.refused = str(error) if ours else f"{type(error).__name__}: {error}".splitlines()[0][:300]

    @property
    def time_s(self) -> float:
        return statistics.median(self.times)

    @property
    def iqr_s(self) -> float:
        """The width of the middle half of the times."""
        low, high = np.percentile(self.times, [25, 75])
        return float(high - low)

    @property
    def bandwidth(self) -> float:
        return self.point.moved_bytes / self.time_s

    @property
    def roof(self) -> float:
        """The bandwidth that can be had: a copy's of as many bytes, or what an empty call leaves of it."""
        return self.point.moved_bytes / max(self.roof_time_s, self.launch_time_s)

    @property
    def share(self) -> float:
        return self.bandwidth / self.roof


@dataclass(frozen=True)
class Budget:
    """When to stop: after `seconds` for each that is timed and at least `rounds` rounds, or at a relative `precision`."""

    seconds: float = 1.0
    rounds: int = 5
    precision: float | None = None
    confidence: float = 0.99

    def spent(self, elapsed: float, times: Sequence[Sequence[float]]) -> bool:
        if len(times[0]) < self.rounds:
            return False
        if self.precision and all(_margin(t, self.confidence) <= self.precision for t in times):
            return True
        return elapsed >= self.seconds * len(times)


def _margin(times: Sequence[float], confidence: float) -> float:
    """The relative margin of error of the mean, as pytest-benchmark has it."""
    z = statistics.NormalDist().inv_cdf(0.5 + confidence / 2)
    return z * statistics.stdev(times) / math.sqrt(len(times)) / statistics.fmean(times)


class _Copy:
    """The roof: a copy that moves as many bytes as the norm has to."""

    def __init__(self, point: Point, clock: Clock):
        values = max(1, point.moved_bytes // (2 * itemsize(point.dtype)))
        self.source = torch.ones(values, dtype=getattr(torch, point.dtype), device=point.device)
        self.target, self.clock, self.times = torch.empty_like(self.source), clock, list[float]()

    def prepare(self, shift: int) -> None:
        self.source[: 1 << 10].fill_(shift % 7)

    def timed(self) -> float:
        start = self.clock.stamp()
        self.target.copy_(self.source)
        end = self.clock.stamp()
        return self.clock.seconds(start, end)


class _Launch(_Copy):
    """The least that a call costs: a copy of one value."""

    def __init__(self, point: Point, clock: Clock):
        super().__init__(point, clock)
        self.source, self.target = self.source[:1], self.target[:1]


def measure(point: Point, subjects: Sequence[Subject], budget: Budget, clock: Clock) -> dict[str, Timing]:
    """All implementations at one point, in turns with the copy; a refused one has its reason."""
    case = random_case(point, 0)
    timings = {s.implementation.name: Timing(point, s.implementation.name) for s in subjects}
    calls: dict[str, Call] = {}
    for s in subjects:
        try:
            call = Call(s, point, case, clock)
            for k in range(WARMUP):
                call.prepare(k)
                call.timed()
                call.read_twice()
                call.check()
            call.late.clear()  # the first readings pay for the memory that they read into
            calls[call.name] = call
        except BaseException as e:
            timings[s.implementation.name].refuse(e)
    copy, launch = _Copy(point, clock), _Launch(point, clock)
    for _ in range(WARMUP):
        copy.timed()
        launch.timed()
    started, turn = time.perf_counter(), 0
    while not (turn and budget.spent(time.perf_counter() - started, [copy.times, *(c.times for c in calls.values())])):
        runners: list[Any] = [copy, launch, *calls.values()]
        for runner in runners[turn % len(runners) :] + runners[: turn % len(runners)]:
            try:
                runner.prepare(WARMUP + turn)
                if point.cache == "cold":
                    clock.flush()
                runner.times.append(runner.timed())
                if isinstance(runner, Call):
                    # In turns: what is promised has to be waited for, what is still written is wrong when looked at at once.
                    if turn % 2 and len(runner.late) < LATE_ROUNDS and not clock.asynchronous:
                        runner.read_twice()
                    runner.check()
            except BaseException as e:
                timings[runner.name].refuse(e)
                del calls[runner.name]
        turn += 1
    for name, call in calls.items():
        timing = timings[name]
        timing.times = call.times
        timing.roof_time_s, timing.launch_time_s = statistics.median(copy.times), statistics.median(launch.times)
        timing.best_roof_time_s = float(np.percentile(copy.times, 10))
        try:
            call.check_afterwards(1)
            while len(call.late) < LATE_ROUNDS:
                if clock.asynchronous:
                    call.outlast()
                else:
                    call.timed()
                    call.read_twice()
            _credible(timing, call)
        except BaseException as e:
            timing.refuse(e)
    return timings


def _credible(timing: Timing, call: Call) -> None:
    """Raises Refused where the figure can't be one."""
    waited = min(
        (first - second for first, second in call.late), default=0.0
    )  # noise would have to hit every one of them
    if waited > max(LATE * timing.time_s, 1e-3 if call.clock.asynchronous else 2e-4):
        raise Refused(
            f"the device worked on for {1e3 * waited:.3g} ms when its queue was done"
            if call.clock.asynchronous
            else f"it had not finished when it returned: its output was waited for another {1e3 * waited:.3g} ms, "
            f"after {1e3 * timing.time_s:.3g} ms"
        )
    if timing.share > IMPOSSIBLE:
        raise Refused(
            f"{timing.bandwidth / 1e9:.3g} GB/s is {timing.share:.2f} times what a copy reaches here: "
            + (
                f"it can't have read and written {timing.point.moved_bytes:,} bytes"
                if timing.time_s * IMPOSSIBLE < timing.best_roof_time_s
                else f"the copy took {1e3 * timing.best_roof_time_s:.3g} to {1e3 * timing.roof_time_s:.3g} ms; "
                "something else uses this machine, measure again"
            )
        )


def overhead_s(rounds: int = 2000) -> float:
    """What timing adds to a call on the host: the median time of a call that does nothing."""
    host, times = clock("cpu"), list[float]()
    for _ in range(rounds):
        start = host.stamp()
        wait(())
        times.append(host.seconds(start, host.stamp()))
    return statistics.median(times)
