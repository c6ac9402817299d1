"""`pytest --benchmark-enable --benchmark-only`: pytest-benchmark's runs, with the times of `harness.timing` in them."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from harness import bridge, timing
from harness.formats import FORMATS
from harness.norms import NORMS
from harness.subject import SUBJECTS, Subject
from harness.timing import ROWWISE, Budget, Point, Timing

DTYPES = ("float32", "bfloat16")  # what is timed unless --dtype says otherwise
DIRECTIONS = ("forward", "forward+backward")
ROWS = {
    "small": [(1024, 768), (4096, 1024)],
    "full": [(1024, 768), (4096, 1024), (8192, 1024), (65536, 768), (4096, 4096), (4096, 8192), (4096, 16384)],
}
IMAGES = {"small": [(8, 64, 28, 28), (8, 64, 56, 56)], "full": [(32, 64, 56, 56), (8, 512, 28, 28)]}
TRIED = {"rows": (6, 40), "images": (3, 8, 5, 4)}  # without --benchmark-enable: that it runs
ROUNDS_S = {"small": 0.2, "full": 1.0}  # seconds for each that is timed, unless --benchmark-max-time is given

DISTURBED = 0.25  # the spread above which a figure is marked with a question mark
BUSY = 0.1  # the spread above which a table says that the machine was not quiet

TIMINGS = pytest.StashKey[dict[Point, dict[str, Timing]]]()


def enabled(config: pytest.Config) -> bool:
    """Whether figures are asked for; pytest-xdist's workers can't give any."""
    option = config.option
    parallel = hasattr(config, "workerinput") or bool(getattr(option, "numprocesses", None))
    return (option.benchmark_enable or not option.benchmark_disable) and not parallel


def is_one(item: pytest.Item) -> bool:
    """Whether a test is a benchmark."""
    return "benchmark" in getattr(item, "fixturenames", ())


# -- replaying ---------------------------------------------------------------------------------------------------------


class Recorded:
    """pytest-benchmark's timer: its stamps, subtracted, give the times that were measured in turns with all others."""

    def __init__(self) -> None:
        self.times: Iterator[float] = iter(())

    def __call__(self) -> Recorded:
        return self

    def __sub__(self, _: Recorded) -> float:
        return next(self.times)


recorded = Recorded()


# -- hooks -------------------------------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """pytest's hook: checks the options, and leaves the table to us unless pytest-benchmark's own is asked for."""
    config.stash[TIMINGS] = {}
    option = config.option
    for name in ("rows", "hidden"):
        value = getattr(option, f"benchmark_{name}")
        if value is not None and value < 1:
            raise pytest.UsageError(f"--benchmark-{name} {value}: expected a number of at least 1")
    # Its table has one line per test and no share of anything; it is shown where its own options ask for something.
    stored = ("compare", "save", "autosave", "json", "histogram", "verbose")
    layout = ("--benchmark-columns", "--benchmark-sort", "--benchmark-group-by", "--benchmark-name")
    asked = any(getattr(option, f"benchmark_{name}") for name in stored) or any(
        str(a).startswith(layout) for a in config.invocation_params.args
    )
    option.benchmark_quiet = option.benchmark_quiet or not asked


def points(config: pytest.Config, subjects: dict[str, list[Subject]]) -> list[Point]:
    """What is timed: each norm in both directions, at the shapes asked for, on each device, in each dtype."""
    option, wanted = config.option, enabled(config)
    found = []
    for norm in NORMS:
        axes = {(s.device, s.dtype): None for s in subjects.get(norm, [])}
        offered = list(dict.fromkeys(d for _, d in axes))
        dtypes = offered if option.dtype else [d for d in DTYPES if d in offered] or offered
        dtypes = dtypes if wanted else dtypes[:1]
        for shape, layout in _shapes(norm, option, wanted):
            for (device, dtype), direction in itertools.product(axes, DIRECTIONS):
                for cache in ("cold", "hot") if option.benchmark_cache == "both" else (option.benchmark_cache,):
                    if dtype in dtypes and (wanted or cache != "hot"):
                        found.append(Point(norm, direction, shape, dtype, device, cache, layout))
    return found


def _shapes(norm: str, option: Any, wanted: bool) -> list[tuple[tuple[int, ...], str]]:
    """The shapes of one norm, each with its layout in memory."""
    rowwise = norm in ROWWISE
    if not wanted:
        return [(TRIED["rows" if rowwise else "images"], "")]
    if option.benchmark_rows or option.benchmark_hidden:
        shape = (option.benchmark_rows or 4096, option.benchmark_hidden or 1024)
        return [(shape, "")] if norm != "instance_norm" else []
    if rowwise:
        return [(shape, "") for shape in ROWS[option.benchmark_scale]]
    layouts = ("", "channels-last") if option.benchmark_scale == "full" else ("",)
    return [(shape, layout) for shape in IMAGES[option.benchmark_scale] for layout in layouts]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """pytest's hook: one test for each point and implementation, those of a point side by side."""
    if "timed" not in metafunc.fixturenames:
        return
    subjects = metafunc.config.stash[SUBJECTS]
    parameters = []
    for point in points(metafunc.config, subjects):
        for s in subjects[point.norm]:
            if (s.device, s.dtype) == (point.device, point.dtype):
                group = f"{point.norm} {point.direction}"
                name = f"{point.id}-{s.implementation.name}"
                mark = pytest.mark.benchmark(timer=recorded, group=group)
                parameters.append(pytest.param((point, s), id=name, marks=mark))
    metafunc.parametrize("timed", parameters, indirect=True)


@pytest.fixture
def timed(request: pytest.FixtureRequest) -> Timing | tuple[Point, Subject]:
    """The times of one implementation at one point; without --benchmark-enable, the point and the implementation."""
    point, subject = request.param
    config = request.config
    if not enabled(config):
        return point, subject
    if point not in config.stash[TIMINGS]:
        beside = [s for s in config.stash[SUBJECTS][point.norm] if (s.device, s.dtype) == (point.device, point.dtype)]
        with bridge.kept():
            for s in beside:
                s.begin()
            timing.keep_freed_memory()
            config.stash[TIMINGS][point] = timing.measure(point, beside, budget(config), timing.clock(point.device))
    return config.stash[TIMINGS][point][subject.implementation.name]


def budget(config: pytest.Config) -> Budget:
    """From pytest-benchmark's own options."""
    option = config.option
    given = any(a.startswith("--benchmark-max-time") for a in map(str, config.invocation_params.args))
    seconds = float(option.benchmark_max_time) if given else ROUNDS_S[option.benchmark_scale]
    precision = option.benchmark_precision
    return Budget(
        seconds,
        int(option.benchmark_min_rounds),
        float(precision) if precision else None,
        float(option.benchmark_confidence),
    )


def show(benchmark: Any, found: Timing) -> None:
    """Hands the times to pytest-benchmark, with all that makes a figure of them. A refused one fails with its reason."""
    if found.not_offered:
        pytest.skip(f"{found.name}: {found.refused}")
    if found.refused:
        pytest.fail(f"no figure for {found.name} at {found.point.id}: {found.refused}", pytrace=False)
    benchmark.extra_info.update(figure_of(found))
    recorded.times = iter(found.times)
    benchmark.pedantic(lambda: None, rounds=len(found.times))


def figure_of(found: Timing) -> dict[str, Any]:
    """One line of the table as data."""
    point = found.point
    told = {"implementation": found.name, "norm": point.norm, "direction": point.direction, "shape": list(point.shape),
            "layout": point.layout or "contiguous", "dtype": point.dtype, "device": point.device, "cache": point.cache,
            "refused": found.refused}  # fmt: skip
    if found.refused:
        return told
    return {
        **told,
        "clock": timing.clock(point.device).kind,
        "allocator": timing.keep_freed_memory() if point.device == "cpu" else "the device's own",
        "rounds": len(found.times),
        "time_s": found.time_s,
        "iqr_s": found.iqr_s,
        "moved_bytes": point.moved_bytes,
        "bandwidth_bytes_per_s": found.bandwidth,
        "roof_bytes_per_s": found.roof,
        "share_of_roof": found.share,
        "launch_time_s": found.launch_time_s,
    }


def figures_of(config: pytest.Config) -> list[dict[str, Any]]:
    """All that this run has timed."""
    return [figure_of(t) for by_name in config.stash[TIMINGS].values() for t in by_name.values()]


def tried(benchmark: Any, point: Point, subject: Subject) -> None:
    """One call, not timed, whose output is right."""
    with bridge.kept():
        subject.begin()
    with bridge.kept():
        call = timing.Call(subject, point, timing.random_case(point, 0), timing.clock("cpu"))
        call.prepare(1)
        benchmark.pedantic(call.timed)
        call.check()


# -- machines ----------------------------------------------------------------------------------------------------------

SAME = ("cpu_model", "threads", "devices", "last_level_cache")  # what must agree for two runs to be compared


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """What a figure depends on and that stays as it is."""
    machine_info.update(machine(sorted({s.device for of_norm in config.stash[SUBJECTS].values() for s in of_norm})))


def machine(devices: list[str]) -> dict[str, Any]:
    """The machine: its processor, threads, caches and devices, with their drivers."""
    import cpuinfo  # type: ignore[import-untyped]

    found = {
        "cpu_model": cpuinfo.get_cpu_info().get("brand_raw", "unknown"),
        "threads": torch.get_num_threads(),
        "last_level_cache": timing.last_level_cache(),
        "torch": torch.__version__,
        "devices": {},
    }
    for device in devices:
        if device != "cpu" and hasattr(torch, device):
            module = getattr(torch, device)
            found["devices"][device] = {
                "name": module.get_device_name() if hasattr(module, "get_device_name") else device,
                "l2_cache": timing.l2_cache(device),
                "runtime": str(torch.version.cuda or ""),
            }
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_compare_machine_info(
    config: pytest.Config, machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    """Refuses to compare the figures of two machines."""
    other = compared_benchmark["machine_info"]
    differing = [
        f"{n} {other.get(n)!r} there, {machine_info[n]!r} here" for n in SAME if other.get(n) != machine_info[n]
    ]
    if differing and not config.option.benchmark_any_machine:
        raise pytest.UsageError(
            f"--benchmark-compare: that run was made on another machine: {'; '.join(differing)}; "
            "--benchmark-any-machine compares them all the same"
        )
    compared_benchmark["machine_info"] = machine_info  # judged; what else differs is no matter for a warning


# -- the table ---------------------------------------------------------------------------------------------------------

HEAD = f"{'norm':13} {'direction':16} {'shape':24} {'dtype':8} {'implementation':18} {'time':>10} {'IQR':>6} {'GB/s':>7} {'of copy':>8}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Our own table: time, bandwidth, the share of a copy's, and how it compares with torch where that ran too."""
    found = [t for by_name in config.stash[TIMINGS].values() for t in by_name.values()]
    if not found:
        return
    compared = len({t.name for t in found}) > 1
    terminalreporter.section("speed")
    terminalreporter.write_line(HEAD + ("   beside torch" if compared else ""), bold=True)
    for t in found:
        terminalreporter.write_line(line(t, config.stash[TIMINGS][t.point].get("torch") if compared else None))
    for text in footnotes(found):
        terminalreporter.write_line(text)
    if config.option.figures is not None:
        from figures import draw_speed

        terminalreporter.write_line(str(draw_speed(found, Path(config.option.figures))))


def line(t: Timing, torchs: Timing | None) -> str:
    """One line of the table."""
    p = t.point
    shape = p.size + ("" if p.cache == "cold" else f" {p.cache}")
    head = f"{p.norm:13} {p.direction:16} {shape:24} {FORMATS[p.dtype].short:8} {t.name[-18:]:18}"
    if t.refused:
        return f"{head} {'not offered' if t.not_offered else 'no figure'}: {t.refused}"
    spread = f"{100 * t.iqr_s / t.time_s:.0f}%" + ("?" if t.iqr_s > DISTURBED * t.time_s else " ")
    figures = f"{shown_s(t.time_s):>10} {spread:>7} {t.bandwidth / 1e9:6.1f} {100 * t.share:7.0f}%"
    beside = f"   {torchs.time_s / t.time_s:8.2f}x" if torchs and torchs is not t and not torchs.refused else ""
    return f"{head} {figures}{beside}".rstrip()


def shown_s(time_s: float) -> str:
    """A time in the unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if time_s * factor >= 1:
            return f"{time_s * factor:.3g} {unit}"
    return f"{time_s * 1e9:.3g} ns"


def footnotes(found: list[Timing]) -> Iterator[str]:
    """What the figures rest on."""
    good = [t for t in found if not t.refused]
    for device in dict.fromkeys(t.point.device for t in good):
        there = [t for t in good if t.point.device == device]
        rounds = [len(t.times) for t in there]
        described = machine([device])
        named = described["cpu_model"] if device == "cpu" else described["devices"].get(device, {}).get("name", device)
        yield (
            f"{device}: {named}, {torch.get_num_threads()} threads; a copy reaches up to {max(t.roof for t in there) / 1e9:.3g} GB/s; "
            f"{timing.clock(device).kind}, {min(rounds)} to {max(rounds)} rounds in turns with the copy, medians"
        )
    if any(t.point.device == "cpu" for t in good):
        cache = timing.last_level_cache() >> 20
        yield f"memory: {timing.keep_freed_memory()}; last-level cache {cache} MiB, emptied before each call unless hot"
    if good:
        fastest = min(t.time_s for t in good)
        yield f"timing adds {shown_s(timing.overhead_s())} to a call; the fastest here takes {shown_s(fastest)}"
        spread = statistics.median(t.iqr_s / t.time_s for t in good)
        if spread > BUSY:
            yield f"the times spread by {100 * spread:.0f} % (median IQR): something else uses this machine; measure again"
        if any(t.iqr_s > DISTURBED * t.time_s for t in good):
            yield f"?: the middle half of the times spreads by more than {100 * DISTURBED:.0f} %"
    yield "GB/s: the bytes that have to be moved, once each, per time; of copy: beside a copy of as many bytes in the same rounds"
