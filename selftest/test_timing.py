"""Timing: what is reported is the device's time, who cheats gets no figure, and the options do what they say."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from running import Run, run

from harness import bridge, timing
from harness.benchmarks import Recorded
from harness.formats import FORMATS
from harness.implementations import Implementation, load, of_function
from harness.subject import Subject
from harness.timing import Budget, Call, Clock, Point, Refused, Timing

SMALL = Point("layer_norm", "forward", (256, 512), "float32", "cpu")
QUICK = Budget(seconds=0.05, rounds=5)


def _measured(function: Callable[..., Any], point: Point = SMALL, budget: Budget = QUICK) -> Timing:
    """What is found of a function on torch tensors."""
    subject = Subject(of_function("it", point.norm, function), point.norm, "cpu", point.dtype)
    subject.begin()
    return timing.measure(point, [subject], budget, timing.clock("cpu"))["it"]


# -- a device that works while the host goes on -----------------------------------------------------------------------


class FakeDevice:
    """A queue and a thread that works it off; `work_s`: how long each piece of work really took."""

    def __init__(self) -> None:
        self.queue: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self.work_s: list[float] = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while (job := self.queue.get()) is not None:
            job()

    def launch(self, job: Callable[[], None]) -> threading.Event:
        """Puts work into the queue and returns at once."""
        done = threading.Event()

        def run() -> None:
            job()
            done.set()

        self.queue.put(run)
        return done

    def stamp(self) -> tuple[threading.Event, list[float]]:
        """A moment in the queue."""
        at: list[float] = []
        return self.launch(lambda: at.append(time.perf_counter())), at

    def clock(self, other: FakeDevice | None = None) -> Clock:
        """Its events; other: another queue, which synchronize waits for as well."""

        def seconds(start: Any, end: Any) -> float:
            end[0].wait()
            return float(end[1][0] - start[1][0])

        def synchronize() -> None:
            self.launch(lambda: None).wait()
            if other is not None:
                other.launch(lambda: None).wait()

        return Clock("fake events", self.stamp, seconds, synchronize, lambda: self.launch(lambda: None), True)


class Promise:
    """An array of the fake device: there when its work is done."""

    def __init__(self, values: np.ndarray[Any, Any]):
        self.values, self.done = values, threading.Event()
        self.shape, self.dtype = values.shape, values.dtype
        self.done.set()


def _fake_implementation(device: FakeDevice, work_s: float, elsewhere: FakeDevice | None = None) -> Implementation:
    """LayerNorm whose work takes `work_s` on the fake device, or in another queue of it."""

    def layer_norm(x: Promise, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Promise:
        result = Promise(np.empty_like(x.values))

        def work() -> None:
            started = time.perf_counter()
            time.sleep(work_s)
            v = x.values.astype(np.float64)
            y = (v - v.mean(-1, keepdims=True)) / np.sqrt(v.var(-1, keepdims=True) + eps)
            gain, shift = (1.0 if weight is None else weight.values), (0.0 if bias is None else bias.values)
            result.values[...] = y * gain + shift
            device.work_s.append(time.perf_counter() - started)

        result.done = (elsewhere or device).launch(work)
        return result

    def from_numpy(array: Any, dtype: str, _: str) -> Promise:
        return Promise(np.array(array, FORMATS[dtype].numpy))

    def to_numpy(array: Any) -> Any:
        if isinstance(array, Promise):
            array.done.wait()
            return array.values.astype(np.float64)
        return np.asarray(array, np.float64)

    return Implementation("fake", "", {"layer_norm": layer_norm}, from_numpy, to_numpy, None, ("float32",), ("cpu",),
                          {}, False)  # fmt: skip


@pytest.fixture
def device() -> Iterator[FakeDevice]:
    """A fake device, stopped at the end."""
    made = FakeDevice()
    yield made
    made.queue.put(None)
    made.thread.join()


def test_an_asynchronous_device_is_timed_by_its_own_clock(device: FakeDevice) -> None:
    """The work that takes 3 ms, not its launch; what the sleeping thread adds on a busy machine is measured beside it."""
    point = Point("layer_norm", "forward", (8, 40), "float32", "cpu", "hot")
    subject = Subject(_fake_implementation(device, 3e-3), "layer_norm", "cpu", "float32")
    subject.begin()
    device.work_s.clear()

    found = timing.measure(point, [subject], Budget(seconds=0.1, rounds=15), device.clock())["fake"]

    assert not found.refused
    assert found.time_s >= 3e-3
    assert found.time_s == pytest.approx(float(np.median(device.work_s)), rel=0.1)


def test_work_in_another_queue_gets_no_figure(device: FakeDevice) -> None:
    """The device's clock sees none of it; the host does."""
    point = Point("layer_norm", "forward", (8, 40), "float32", "cpu", "hot")
    other = FakeDevice()
    subject = Subject(_fake_implementation(device, 3e-3, other), "layer_norm", "cpu", "float32")
    subject.begin()

    found = timing.measure(point, [subject], QUICK, device.clock(other))["fake"]
    other.queue.put(None)

    assert found.refused.startswith("the device worked on for ")


def test_the_host_s_clock_would_report_the_launch(device: FakeDevice) -> None:
    """The same device by the host's clock: less than a tenth of its work, and it is noticed."""
    point = Point("layer_norm", "forward", (8, 40), "float32", "cpu", "hot")
    subject = Subject(_fake_implementation(device, work_s := 0.1), "layer_norm", "cpu", "float32")
    subject.begin()

    found = timing.measure(point, [subject], QUICK, timing.clock("cpu"))["fake"]

    assert "it had not finished when it returned" in found.refused
    assert found.time_s < work_s / 10


# -- cheats -----------------------------------------------------------------------------------------------------------


def _cached_by_memory() -> Callable[..., Any]:
    """Returns the output of the first call with the same memory."""
    seen: dict[int, Any] = {}

    def layer_norm(x: Any, *rest: Any) -> Any:
        return seen.setdefault(x.data_ptr(), F.layer_norm(x, *rest))

    return layer_norm


def _first_call_only() -> Callable[..., Any]:
    """Computes at the first call of each shape and returns that for ever."""
    seen: dict[Any, Any] = {}

    def layer_norm(x: Any, *rest: Any) -> Any:
        if x.shape not in seen:
            seen[x.shape] = F.layer_norm(x, *rest)
        return seen[x.shape]

    return layer_norm


def _in_the_background() -> Callable[..., Any]:
    """Returns memory that a thread is still writing to."""

    def layer_norm(x: Any, *rest: Any) -> Any:
        y = torch.empty_like(x)

        def work() -> None:
            time.sleep(0.05)
            y.copy_(F.layer_norm(x, *rest))

        threading.Thread(target=work).start()
        return y

    return layer_norm


def _half_of_the_rows() -> Callable[..., Any]:
    """Reads the first half of the rows; the others get the bias."""

    def layer_norm(x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
        y = torch.zeros_like(x) if bias is None else bias.expand_as(x).clone()
        half = x.shape[0] // 2
        y[:half] = F.layer_norm(x[:half], shape, weight, bias, eps)
        return y

    return layer_norm


def _wrong_at_times() -> Callable[..., Any]:
    """Leaves the work out at every seventh call."""
    calls = [0]

    def layer_norm(x: Any, *rest: Any) -> Any:
        calls[0] += 1
        return F.layer_norm(x, *rest) if calls[0] % 7 else torch.zeros_like(x)

    return layer_norm


CHEATS = {
    "cached by memory": (_cached_by_memory, "it is wrong in a timed call"),
    "first call only": (_first_call_only, "it is wrong in a timed call"),
    "in the background": (_in_the_background, "it is wrong in a timed call"),
    "half of the rows": (_half_of_the_rows, "it is wrong in a timed call"),
    "wrong at times": (_wrong_at_times, "it is wrong in a timed call"),
}


@pytest.mark.parametrize(("cheat", "reason"), CHEATS.values(), ids=CHEATS.keys())
def test_who_cheats_gets_no_figure(cheat: Callable[[], Callable[..., Any]], reason: str) -> None:
    """And is told why."""
    found = _measured(cheat())

    assert reason in found.refused


def test_a_lazy_output_gets_no_figure(device: FakeDevice) -> None:
    """One that is computed when it is read: the first reading takes longer than the second."""
    call = _call(Timing(SMALL, "it", [1e-3], 1e-3))
    call.late = [(2e-3, 1e-4)] * 5

    with pytest.raises(Refused, match=r"waited for another 1\.9 ms"):
        timing._credible(Timing(SMALL, "it", [1e-3], 1e-3, 0.0), call)


def test_one_slow_reading_is_noise(device: FakeDevice) -> None:
    """All of them have to be slow."""
    call = _call(Timing(SMALL, "it", [1e-3], 1e-3))
    call.late = [(2e-3, 1e-4)] * 4 + [(1e-4, 1e-4)]

    timing._credible(Timing(SMALL, "it", [1e-3], 1e-3, 0.0), call)


def test_faster_than_a_copy_is_refused() -> None:
    """Above 1.1 times its bandwidth, with both figures."""
    call = _call(Timing(SMALL, "it", [1e-3], 1.2e-3))

    with pytest.raises(
        Refused, match=r"1\.20 times what a copy reaches here: it can't have read and written 1,052,672 bytes"
    ):
        timing._credible(Timing(SMALL, "it", [1e-3], 1.2e-3, 0.0, 1.19e-3), call)


def test_a_copy_that_varies_proves_nothing() -> None:
    """There is no figure either, but it is the machine's fault."""
    call = _call(Timing(SMALL, "it", [1e-3], 1.2e-3))

    with pytest.raises(Refused, match=r"the copy took 0\.5 to 1\.2 ms; something else uses this machine"):
        timing._credible(Timing(SMALL, "it", [1e-3], 1.2e-3, 0.0, 0.5e-3), call)


def _call(_: Timing) -> Call:
    subject = Subject(of_function("it", "layer_norm", F.layer_norm), "layer_norm", "cpu", "float32")
    subject.begin()
    call = Call(subject, SMALL, timing.random_case(SMALL, 0), timing.clock("cpu"))
    call.late = [(1e-4, 1e-4)] * 5
    return call


# -- sound ones -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("direction", ["forward", "forward+backward"])
@pytest.mark.parametrize(
    ("norm", "shape"),
    [("layer_norm", (64, 96)), ("rms_norm", (64, 96)), ("deep_norm", (64, 96)), ("batch_norm", (6, 8, 5, 4)),
     ("group_norm", (6, 8, 5, 4)), ("instance_norm", (6, 8, 5, 4)), ("batch_norm", (64, 24)), ("group_norm", (64, 24))],
)  # fmt: skip
@pytest.mark.parametrize("implementation", ["torch", "reference"])
def test_a_sound_norm_gets_a_figure(implementation: str, norm: str, shape: Any, direction: str, dtype: str) -> None:
    """In both directions, with tensors and with NumPy's arrays. The roof is a copy that is slow, so that noise is none."""
    from harness.clauses import all_clauses

    point = Point(norm, direction, shape, dtype, "cpu", "hot")
    subject = Subject(load(implementation, set(all_clauses())), norm, "cpu", dtype)
    subject.begin()
    call = Call(subject, point, timing.random_case(point, 0), timing.clock("cpu"))

    for shift in (0, 1, 7):
        call.prepare(shift)
        assert call.timed() > 0
        call.check()
    call.check_afterwards(1)


def test_channels_last_is_timed_as_such() -> None:
    """The tensors that the norm gets have that layout, moved on or not."""
    point = Point("batch_norm", "forward", (6, 8, 5, 4), "float32", "cpu", "hot", "channels-last")
    seen = []

    def batch_norm(x: Any, *rest: Any) -> Any:
        seen.append(x.is_contiguous(memory_format=torch.channels_last))
        return F.batch_norm(x, *rest)

    subject = Subject(of_function("it", "batch_norm", batch_norm), "batch_norm", "cpu", "float32")
    subject.begin()
    seen.clear()
    call = Call(subject, point, timing.random_case(point, 0), timing.clock("cpu"))
    call.prepare(2)
    call.timed()
    call.check()

    assert seen == [True]


def test_other_data_at_every_call() -> None:
    """In the same memory, with the same values in another order."""
    call = _call(Timing(SMALL, "it"))
    call.prepare(1)
    first, place = call.arrays["x"].clone(), call.arrays["x"].data_ptr()

    call.prepare(2)

    assert not torch.equal(call.arrays["x"], first)
    assert torch.equal(call.arrays["x"].roll(-1, 0), first)
    assert call.arrays["x"].data_ptr() == place


@pytest.mark.parametrize(
    ("norm", "direction", "shape", "dtype", "values"),
    [
        ("layer_norm", "forward", (3, 5), "float32", 2 * 15 + 2 * 5),
        ("layer_norm", "forward+backward", (3, 5), "float32", 2 * 15 + 2 * 5 + 3 * 15 + 4 * 5),
        ("rms_norm", "forward", (3, 5), "bfloat16", 2 * 15 + 5),
        ("deep_norm", "forward", (3, 5), "float64", 3 * 15 + 2 * 5),
        ("deep_norm", "forward+backward", (3, 5), "float32", 3 * 15 + 10 + 5 * 15 + 20),
        ("batch_norm", "forward", (2, 3, 4), "float32", 2 * 24 + 2 * 3 + 4 * 3),
        ("group_norm", "forward", (2, 3, 4), "float32", 2 * 24 + 2 * 3),
    ],
)
def test_the_bytes_that_have_to_be_moved(norm: str, direction: str, shape: Any, dtype: str, values: int) -> None:
    """Counted by hand: inputs and y; backward dy, the inputs again, the gradients."""
    size = {"float64": 8, "float32": 4, "bfloat16": 2}[dtype]

    assert Point(norm, direction, shape, dtype, "cpu").moved_bytes == values * size


def test_a_figure_is_bytes_over_the_median() -> None:
    """And its share the copy's time over it, or the empty call's where that is longer."""
    found = Timing(SMALL, "it", [1e-3, 2e-3, 9e-3], 1e-3, 1e-6)
    launched = Timing(SMALL, "it", [1e-3, 2e-3, 9e-3], 1e-3, 1.5e-3)

    assert found.time_s == 2e-3
    assert found.bandwidth == SMALL.moved_bytes / 2e-3
    assert found.share == pytest.approx(0.5)
    assert launched.share == pytest.approx(0.75)


def test_the_budget_ends_by_time_or_by_precision() -> None:
    """Not before its least number of rounds; by precision as soon as the margin is small enough."""
    steady, wild = [1.0, 1.001, 0.999, 1.0, 1.0], [1.0, 3.0, 0.2, 5.0, 1.0]

    assert not Budget(0.1, rounds=6).spent(9.0, [steady])
    assert Budget(0.1, rounds=5).spent(0.2, [steady, wild])
    assert not Budget(0.1, rounds=5).spent(0.19, [steady, wild])
    assert Budget(9.0, rounds=5, precision=0.01).spent(0.0, [steady])
    assert not Budget(9.0, rounds=5, precision=0.01).spent(0.0, [steady, wild])


def test_recorded_times_come_back_in_order() -> None:
    """As differences of stamps."""
    timer = Recorded()
    timer.times = iter([0.25, 0.5])

    assert [timer() - timer(), timer() - timer()] == [0.25, 0.5]


def test_torch_s_settings_are_kept() -> None:
    """A measurement leaves them as they were."""
    before = bridge.settings()

    _measured(F.layer_norm)

    assert bridge.settings() == before


# -- the command line -------------------------------------------------------------------------------------------------

SHORT = ("test_benchmarks.py", "--benchmark-enable", "--benchmark-only", "--benchmark-max-time=0.02", "-k",
         "layer_norm and float32 and forward-", "--benchmark-rows=64", "--benchmark-hidden=48", "--dtype=float32")  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run that is stored, and where."""
    folder = tmp_path_factory.mktemp("stored")
    return run(*SHORT, f"--benchmark-storage={folder}", "--benchmark-save=first", f"--benchmark-json={folder / 'r.json'}",
               f"--report={folder / 'report.json'}"), folder  # fmt: skip


def test_a_table_is_printed(stored: tuple[Run, Path]) -> None:
    """With time, bandwidth, share, and what they rest on."""
    result, _ = stored

    assert result.status == 0, result.printed
    (line,) = (x for x in result.stdout.splitlines() if x.startswith("layer_norm    forward "))
    assert "64x48" in line
    assert line.endswith("%")
    assert "rounds in turns with the copy" in result.stdout
    assert "timing adds " in result.stdout


def test_pytest_benchmark_s_json_has_the_share(stored: tuple[Run, Path]) -> None:
    """In extra_info; the statistics are those of the times measured."""
    content = json.loads((stored[1] / "r.json").read_text(encoding="utf-8"))

    (found,) = content["benchmarks"]
    info = found["extra_info"]
    assert info["moved_bytes"] == 4 * (2 * 64 * 48 + 2 * 48)
    assert info["bandwidth_bytes_per_s"] == pytest.approx(info["moved_bytes"] / found["stats"]["median"])
    assert info["rounds"] == found["stats"]["rounds"]
    assert content["machine_info"]["cpu_model"]


def test_the_report_has_the_figures(stored: tuple[Run, Path]) -> None:
    """By the schema."""
    import jsonschema

    from harness.report import SCHEMA

    content = json.loads((stored[1] / "report.json").read_text(encoding="utf-8"))

    jsonschema.validate(content, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [b["share_of_roof"] > 0 for b in content["benchmarks"]] == [True]


def test_a_stored_run_is_compared_with(stored: tuple[Run, Path]) -> None:
    """By pytest-benchmark's own option."""
    result = run(*SHORT, f"--benchmark-storage={stored[1]}", "--benchmark-compare=0001")

    assert result.status == 0, result.printed
    assert "Comparing against benchmarks from" in result.printed
    assert "0001_first" in result.stdout


def test_another_machine_s_run_is_refused(stored: tuple[Run, Path], tmp_path: Path) -> None:
    """Unless it is asked for."""
    (path,) = stored[1].glob("*/0001_first.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    content["machine_info"]["cpu_model"] = "Abacus 1"
    (tmp_path / path.parent.name).mkdir()
    (tmp_path / path.parent.name / path.name).write_text(json.dumps(content), encoding="utf-8")
    options = (*SHORT, f"--benchmark-storage={tmp_path}", "--benchmark-compare=0001")

    refused, asked = run(*options), run(*options, "--benchmark-any-machine")

    assert refused.status == 4
    assert "made on another machine: cpu_model 'Abacus 1' there" in refused.printed
    assert asked.status == 0, asked.printed


def test_several_implementations_are_timed_in_turns() -> None:
    """With a column that compares them with torch."""
    result = run(*SHORT, "--impl=torch", "--impl=reference")

    assert result.status == 0, result.printed
    assert result.stdout.count("layer_norm    forward ") == 2
    assert "beside torch" in result.stdout


def test_who_gets_no_figure_fails_and_who_offers_nothing_is_skipped(tmp_path: Path) -> None:
    """Each with its reason, in the table too."""
    (tmp_path / "zeros.py").write_text(
        "import torch\n\ndef layer_norm(x, *rest):\n    return torch.zeros_like(x)\n", encoding="utf-8")  # fmt: skip
    (tmp_path / "none.py").write_text(
        "def layer_norm(*_):\n    raise NotImplementedError('no kernel')\n", encoding="utf-8"
    )

    wrong, absent = (run(*SHORT, f"--impl={tmp_path / name}.py") for name in ("zeros", "none"))

    assert wrong.status == 1
    assert "no figure: it is wrong in a timed call" in wrong.stdout
    assert " error" not in wrong.stdout
    assert "not offered: no kernel" in absent.stdout
    assert absent.status == 0


def test_without_the_flags_the_benchmarks_only_run() -> None:
    """Every norm once in each direction, and no figure."""
    result = run("test_benchmarks.py", "-q")

    assert result.status == 0, result.printed
    assert "12 passed" in result.stdout
    assert "GB/s" not in result.stdout


def test_a_verdict_needs_no_benchmark() -> None:
    """With --impl and without --benchmark-enable none is collected."""
    result = run("test_benchmarks.py", "--impl=torch", "--collect-only", "-q")

    assert "test_speed" not in result.stdout


@pytest.mark.parametrize("option", ["--benchmark-rows=0", "--benchmark-hidden=-3"])
def test_a_size_that_is_none_is_refused(option: str) -> None:
    """In one line."""
    result = run("test_benchmarks.py", option)

    assert result.status == 4
    assert "expected a number of at least 1" in result.stderr
