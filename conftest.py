"""Wiring: fixtures and hooks, in the order in which they take effect; the options are those of `harness.options`."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

import normspec
from harness import (
    benchmarks,
    bridge,
    checklist,
    exercises,
    families,
    isolation,
    languages,
    lessons,
    probes,
    report,
    shards,
    state,
)
from harness.boundary import INTERRUPT, ORIGINALS, Boundary, forbid_exit, guard
from harness.clauses import Clause, SpecError, all_clauses
from harness.comparison import Violation
from harness.diagnosis import Diagnostician
from harness.ending import ENDING
from harness.examples import ExampleItem, SpecFile
from harness.exercises import Classroom, LessonFile, LessonItem
from harness.explain import explain, mistakes_of
from harness.formats import FORMATS
from harness.implementations import Implementation, NotFound, adapter_names, load
from harness.subject import SUBJECTS, Subject
from harness.text import made_safe
from harness.verdict import BROKEN, Verdicts, judge, studied
from mistakes.answers import answers
from mistakes.catalogue import catalogue, of_norm

pytest_plugins = [normspec.OPTIONS]

# A verdict must not depend on luck or on earlier runs: only the thorough profile draws new inputs at every run.
_COMMON: dict[str, Any] = {
    "report_multiple_bugs": False,
    "deadline": None,
    "database": None,
    "suppress_health_check": list(hypothesis.HealthCheck),
    # Which parts of an example matter is not shown, and takes seconds to find out.
    "phases": [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain],
}
# Hypothesis would also draw the constants that it finds in local modules: the suite's own, and an implementation's.
providers._get_local_constants = Constants
try:  # a run inside another one, as in selftest/, draws as that does
    hypothesis.settings.get_profile("thorough")
except hypothesis.errors.InvalidArgument:
    hypothesis.settings.register_profile("dev", max_examples=15, derandomize=True, **_COMMON)
    hypothesis.settings.register_profile("ci", max_examples=15, derandomize=True, **_COMMON)
    hypothesis.settings.register_profile("thorough", max_examples=1000, **_COMMON)
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

VERDICTS = pytest.StashKey[Verdicts]()
DIAGNOSTICIAN = pytest.StashKey[Diagnostician]()
AXES = pytest.StashKey[tuple[list[str], list[str]]]()
SIBLINGS = pytest.StashKey[int]()
CLASSROOM = pytest.StashKey[Classroom]()
LANGUAGE = pytest.StashKey[str]()
UNWRITTEN = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    option = config.option
    language = option.lang or languages.of_locale()
    if option.explain is not None:
        try:
            text = explain(option.explain, language, sys.stdout.isatty())
        except (KeyError, SpecError) as e:
            raise pytest.UsageError(e.args[0]) from e
        print(text)
        if known := mistakes_of(option.explain.upper(), catalogue(), answers(), language):
            print(
                "\n违反它的错误：" if language == "zh" else "\nmistakes that break it:",
                *(f"  {line}" for line in known),
                sep="\n",
            )
        return 0
    if option.figures is not None and not benchmarks.enabled(config):  # a benchmark draws what it has measured
        try:
            from figures import draw_all

            draw_all(Path(option.figures), print)
        except (ImportError, OSError) as e:
            raise pytest.UsageError(f"--figures {option.figures}: {e}") from e
        return 0
    return None


def pytest_configure(config: pytest.Config) -> None:
    ENDING.begin()
    state.PLUGINS.append(config.pluginmanager)
    config.add_cleanup(state.PLUGINS.pop)
    config.add_cleanup(ENDING.close)
    config.pluginmanager.register(benchmarks, "normspec-benchmarks")
    config.pluginmanager.register(shards, "normspec-shards")
    config.addinivalue_line("markers", "clause(id): the clause of the specs that the test holds an implementation to")
    config.stash[LANGUAGE] = config.option.lang or languages.of_locale()
    if config.option.hint not in (None, "next", "1", "2", "3"):
        raise pytest.UsageError(f"--hint={config.option.hint}: expected --hint, --hint=1, --hint=2 or --hint=3")
    for path in config.option.report or []:
        if problem := report.problem(Path(path)):
            raise pytest.UsageError(problem)
    if config.option.shard is not None:
        shards.parsed(config.option.shard)
    config.stash[DIAGNOSTICIAN] = Diagnostician(of_norm)
    probes.reseed(config.option.seed)
    forbid_exit()
    guard()
    config.add_cleanup(ORIGINALS.clear)
    INTERRUPT.watch()
    asked = list(dict.fromkeys(config.option.impl or ["torch"]))
    folders = [what for what in asked if what not in adapter_names() and lessons.is_folder(what)]
    if folders and config.option.benchmark_only:
        raise pytest.UsageError(f"--impl {folders[0]}: exercises are not timed")
    if folders and len(asked) > 1:
        raise pytest.UsageError(f"--impl {folders[0]}: exercises are held to the lessons alone, without another --impl")
    if config.option.isolate and (folders or benchmarks.enabled(config)):
        raise pytest.UsageError(
            f"--isolate: {'exercises are checked' if folders else 'norms are timed'} in this process"
        )
    if folders and config.option.shard is not None:
        raise pytest.UsageError(f"--shard {config.option.shard}: exercises are not divided")
    try:
        ids = set(all_clauses())
        implementations = [_loaded(config, what, ids) for what in asked if what not in folders]
    except (NotFound, SpecError) as e:
        raise pytest.UsageError(str(e)) from e
    if folders:
        classroom = Classroom(folders[0], answers(), config.stash[DIAGNOSTICIAN], config.stash[LANGUAGE])
        config.stash[CLASSROOM] = LessonFile.classroom = classroom
        implementations = [classroom.implementation]
        if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            config.args = ["specs"]  # the exercises are held to the specs' examples, which call the other tests
    devices, dtypes = _axes(config, implementations)
    config.stash[AXES] = devices, dtypes
    subjects: dict[str, list[Subject]] = {}
    for i in implementations if not folders else []:
        for norm in i.functions:
            subjects.setdefault(norm, []).extend(
                (Subject if i.process is None else isolation.IsolatedSubject)(i, norm, device, dtype)
                for device in devices if device in i.devices
                for dtype in dtypes if dtype in i.dtypes and bridge.supports(device, dtype)
            )  # fmt: skip
    config.stash[SUBJECTS] = subjects
    config.stash[VERDICTS] = Verdicts(implementations)
    config.pluginmanager.register(config.stash[VERDICTS], "normspec-verdicts")


LIMITS = pytest.StashKey[isolation.Limits]()


def _loaded(config: pytest.Config, what: str, ids: set[str]) -> Implementation:
    """In this process, or in one of its own."""
    if not config.option.isolate:
        if config.option.impl is not None:
            ENDING.watch()
        return load(what, ids)
    if not hasattr(os, "fork"):
        raise pytest.UsageError("--isolate: it needs Linux or macOS")
    option = config.option
    for name in ("call_timeout", "run_timeout"):
        if not getattr(option, name) > 0:
            raise pytest.UsageError(
                f"--{name.replace('_', '-')} {getattr(option, name):g}: expected seconds, more than 0"
            )
    if LIMITS not in config.stash:
        isolation.adopt()
        config.add_cleanup(isolation.close)
        config.stash[LIMITS] = isolation.Limits(option.call_timeout, option.run_timeout, time.monotonic())
    return isolation.load(what, ids, config.stash[LIMITS])


def _axes(config: pytest.Config, implementations: list[Implementation]) -> tuple[list[str], list[str]]:
    """The devices and dtypes of this run: all that there are, or those asked for."""
    found = list(dict.fromkeys([*bridge.devices(), *(d for i in implementations for d in i.devices)]))
    axes = []
    for option, known in (("device", found), ("dtype", list(FORMATS))):
        shorts = {f.short: f.name for f in FORMATS.values()}
        asked = [shorts.get(name, name) for name in getattr(config.option, option) or known]
        if unknown := [name for name in asked if name not in known]:
            raise pytest.UsageError(f"--{option} {unknown[0]}: there is no such {option}; there are {', '.join(known)}")
        axes.append([name for name in known if name in asked])
    for i in implementations:
        if not set(i.devices) & set(axes[0]) or not set(i.dtypes) & set(axes[1]):
            raise pytest.UsageError(
                f"--impl {i.name}: it supports {', '.join(i.dtypes)} on {', '.join(i.devices)}, "
                f"nothing of {', '.join(axes[1])} on {', '.join(axes[0])}"
            )
    return axes[0], axes[1]


def pytest_report_header(config: pytest.Config) -> str:
    if CLASSROOM in config.stash:
        return f"normspec: the exercises in {config.stash[CLASSROOM].folder}"
    names = [f"{i.name} {i.version}".strip() for i in config.stash[VERDICTS].implementations]
    devices, dtypes = config.stash[AXES]
    part = f", shard {config.option.shard}" if config.option.shard else ""
    return f"normspec: {', '.join(names)} on {', '.join(devices)} in {', '.join(dtypes)}{part}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    if file_path.suffix != ".md" or file_path.parent.name != "specs":
        return None
    if CLASSROOM in parent.config.stash:
        return LessonFile.from_parent(parent, path=file_path)
    # The examples are about the references: with --impl only that implementation is judged.
    return None if parent.config.option.impl else SpecFile.from_parent(parent, path=file_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "impl" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("clause")
    if marker is None or marker.args[0] not in all_clauses():
        raise pytest.UsageError(f"{metafunc.definition.nodeid} cites no clause of the specs: {marker and marker.args}")
    subjects = metafunc.config.stash[SUBJECTS].get(all_clauses()[marker.args[0]].norm, [])
    metafunc.parametrize("impl", subjects, ids=lambda s: s.id, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if CLASSROOM in config.stash:
        order = list(lessons.lesson_clauses())
        items[:] = sorted((i for i in items if isinstance(i, LessonItem)), key=lambda i: order.index(i.name))
        return
    offered = [i for i in items if not _not_offered(i) and (_wanted_benchmark(config, i) if benchmarks.is_one(i) else (
        not config.option.benchmark_only and not (config.option.impl and _subject(i) is None)))]  # fmt: skip
    keys = {i: (c.args[0], _subject(i).id) for i in offered if (c := i.get_closest_marker("clause")) and _subject(i)}  # type: ignore[union-attr]
    counts = Counter(keys.values())
    for item in offered:
        if clause := item.get_closest_marker("clause"):
            item.extra_keyword_matches.add(clause.args[0])  # -k LN-3
    for item, key in keys.items():
        item.stash[SIBLINGS] = counts[key]
    if config.option.seed:
        random.Random(config.option.seed).shuffle(offered)
    items[:] = offered


def _wanted_benchmark(config: pytest.Config, item: pytest.Item) -> bool:
    """Without --benchmark-enable torch's norms show that the benchmarks run; an implementation's verdict needs none."""
    return benchmarks.enabled(config) or not config.option.impl


def _subject(item: pytest.Item) -> Subject | None:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("impl") if callspec else None


def _not_offered(item: pytest.Item) -> bool:
    """The item that pytest makes of an empty parameter set: a norm that no implementation offers."""
    return "impl" in getattr(item, "fixturenames", ()) and not isinstance(_subject(item), Subject)


def _studied(item: pytest.Item) -> Clause | None:
    """The clause, where the test or example is about norms and not about an implementation."""
    marker = item.get_closest_marker("clause")
    clause = all_clauses()[marker.args[0]] if marker else item.clause if isinstance(item, ExampleItem) else None
    return clause if clause and clause.level == "study" else None


@pytest.fixture
def impl(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """One norm of one implementation on one device in one dtype; no call changes what the next test sees."""
    subject: Subject = request.param
    with bridge.kept():
        subject.begin()
    with bridge.kept():
        yield subject


def _hints(item: pytest.Item, clause: str) -> int:
    """How many steps of a hint to show: one, or as many as asked for; a bare --hint shows one more at each run."""
    asked, cache = item.config.option.hint, getattr(item.config, "cache", None)
    if asked is None or asked.isdecimal():
        return int(asked or 1)
    if cache is None:
        return 3
    key = f"normspec/hints/{','.join(item.config.option.impl or ['torch']).replace('/', '_')}/{clause}"
    shown = HINTS.setdefault(key, min(3, int(cache.get(key, 1)) + 1))
    cache.set(key, shown)
    return shown


HINTS: dict[str, int] = {}  # what this run shows


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    subject, marker, error = _subject(item), item.get_closest_marker("clause"), call.excinfo and call.excinfo.value
    if subject and isinstance(error, Violation | NotImplementedError) and item.config.option.tbstyle == "auto":
        # What is wrong is said in the message; a traceback through the suite would cost more than the check.
        call.excinfo = pytest.ExceptionInfo.from_exception(
            pytest.fail.Exception(pytrace=False).with_traceback(error.__traceback__)
        )
    result = yield
    if subject:
        name = subject.implementation.name
        spent = {"implementation": name, "own": Boundary.seconds.pop(name, 0.0)}
        result.user_properties.append(("normspec-seconds", spent))
    if isinstance(item, LessonItem):
        if call.when == "call":
            item.judged(result, error, _hints(item, item.clause.id) if error else 0)
        made_safe(result)
        return result
    if subject is None and call.when == "call" and (studied_clause := _studied(item)):
        studied(result, studied_clause)
    if subject and marker and (call.when == "call" or error is not None):
        clause = all_clauses()[marker.args[0]]
        judge(item, result, error, subject, clause, item.stash[SIBLINGS],
              item.config.stash[DIAGNOSTICIAN], _hints(item, clause.id), item.config.stash[LANGUAGE],
              families.CLAUSES.get(families.hygiene, {}).get(clause.norm, ""))  # fmt: skip
    if subject:
        made_safe(result)
    return result


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    record = next((value for name, value in getattr(report, "user_properties", ()) if name == "normspec"), None)
    if not isinstance(record, dict) or report.when != "call" or report.failed or record["outcome"] == "pass":
        return None
    name = record["outcome"].replace("_", " ")
    if record["outcome"] in BROKEN:
        return "should", "!", "SHOULD"
    return name, {"known_failure": "k", "not_offered": "-", "not_started": "·"}[record["outcome"]], name.upper()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    _finish(session, exitstatus)
    ENDING.finish(session.exitstatus)


def _finish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    verdicts = config.stash[VERDICTS]
    idle = exitstatus == 5 and shards.has_others(config)
    if hasattr(config, "workerinput") or not (verdicts.records or benchmarks.figures_of(config) or idle):
        return
    if idle:
        session.exitstatus = 0
    if exitstatus == 0 and (verdicts.mended() or any(r.fails_the_run for r in verdicts.records.values())):
        session.exitstatus = 1
    if verdicts.records and not verdicts.checked and exitstatus == 0 and not config.option.shard:
        session.exitstatus = 4  # of shards, merging looks at all together
    devices, dtypes = config.stash[AXES]
    for path in config.option.report or []:
        arguments = normspec.given or [str(a) for a in config.invocation_params.args]
        content = report.document(
            verdicts.for_report(devices, dtypes), devices, arguments, benchmarks.figures_of(config), verdicts.seconds,
            shards.of_run(session, exitstatus))  # fmt: skip
        try:
            report.write(Path(path), content)
        except report.ReportError as e:
            config.stash.setdefault(UNWRITTEN, []).append(f"ERROR: --report {e}")
            session.exitstatus = session.exitstatus or 4


def pytest_unconfigure(config: pytest.Config) -> None:
    for line in config.stash.get(UNWRITTEN, []):
        config.get_terminal_writer().line(line, red=True)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    verdicts = config.stash[VERDICTS]
    if not verdicts.checked and shards.has_others(config) and not benchmarks.figures_of(config):
        terminalreporter.write_line(f"shard {config.option.shard}: nothing to check: other shards may have something")
    if not verdicts.records:
        return
    if classroom := config.stash.get(CLASSROOM, None):
        terminalreporter.section("progress")
        records = {r.clause: r for r in verdicts.records.values()}
        key = f"{exercises.PASSED}{classroom.folder}"
        cache = getattr(config, "cache", None)
        before = set(cache.get(key, [])) if cache else set()
        for line, markup in exercises.progress(records, classroom, before):
            terminalreporter.write_line(line, **markup)
        now = {c for c, r in records.items() if r.outcome == "pass"}
        if cache:
            cache.set(key, sorted((before - set(records)) | now))
        return
    terminalreporter.section("checklist")
    for line, markup in checklist.lines(verdicts, config.stash[LANGUAGE]):
        terminalreporter.write_line(line, **markup)
    for line in verdicts.mended().values():
        terminalreporter.write_line(f"ERROR: {line}", red=True)
    if not verdicts.checked and not config.option.shard:
        terminalreporter.write_line(
            "ERROR: nothing was checked: every call was refused with NotImplementedError", red=True
        )
