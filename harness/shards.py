"""Parts of one run, for several machines: what falls to each, and which of them a merged report lacks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from harness.clauses import all_clauses

FORM = r"[1-9]\d{0,3}/[1-9]\d{0,3}"
VARIES = (
    "--shard",
    "--report",
    "--junitxml",
    "--junit-xml",
    "-n",
    "--numprocesses",
)  # from one shard of a run to the next

Key = tuple[str, int, str]
Run = tuple[str, str, int]
TO_DO = pytest.StashKey[int]()  # how many tests all shards have together


def parsed(text: str) -> tuple[int, int]:
    """`2/3` as (2, 3). Raises UsageError."""
    index, count = map(int, text.split("/")) if re.fullmatch(FORM, text) else (0, 0)
    if not 1 <= index <= count:
        raise pytest.UsageError(f"--shard {text}: expected I/N, the I-th of N parts, as 1/3, 2/3 and 3/3; N up to 9999")
    return index, count


def key(item: pytest.Item) -> Key:
    """What is never divided: the tests of one clause of one implementation, whose verdicts are one record for each dtype."""
    marker, callspec = item.get_closest_marker("clause"), getattr(item, "callspec", None)
    clause = marker.args[0] if marker else getattr(getattr(item, "clause", None), "id", None)
    implementation = getattr(callspec.params.get("impl"), "implementation", None) if callspec else None
    name = getattr(implementation, "name", "")
    return (name, list(all_clauses()).index(clause), "") if clause in all_clauses() else (name, -1, item.nodeid)


def share(keys: Iterable[Key], index: int, count: int) -> set[Key]:
    """Every N-th, so that the clauses of a norm, which take as long as each other, are spread."""
    return set(sorted(set(keys))[index - 1 :: count])


# -- hooks -------------------------------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """pytest's hook: leaves this shard's part of what -k and -m chose."""
    if config.option.shard is None:
        return
    keys = {item: key(item) for item in items}
    mine = share(keys.values(), *parsed(config.option.shard))
    config.stash[TO_DO] = len(items)
    config.hook.pytest_deselected(items=[i for i in items if keys[i] not in mine])
    items[:] = [i for i in items if keys[i] in mine]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """pytest's hook: a process of pytest-xdist tells the one that has started it, which collects nothing itself."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["to_do"] = session.config.stash.get(TO_DO, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """pytest-xdist's hook, in the process that has started the others."""
    node.config.stash[TO_DO] = getattr(node, "workeroutput", {}).get("to_do", 0)


def has_others(config: pytest.Config) -> bool:
    """Whether a run that checks nothing may be one because other shards have all that there is to check."""
    return config.stash.get(TO_DO, 0) > 0 and not config.option.collectonly


# -- reports -----------------------------------------------------------------------------------------------------------


def of_run(session: pytest.Session, exitstatus: int) -> str | None:
    """The shard that the report of this run is; none where a part of it did not run, so that it will be missed."""
    stopped = session.shouldstop or session.shouldfail or exitstatus not in (0, 1, 5)
    return None if stopped else session.config.option.shard


def _undivided(command: Sequence[str]) -> str:
    """The command without what differs from shard to shard."""
    kept, value_follows = [], False
    for argument in command:
        if value_follows:
            value_follows = False
        elif argument.partition("=")[0] in VARIES:
            value_follows = "=" not in argument
        elif not re.fullmatch(r"-n(\d+|auto|logical)", argument):
            kept.append(argument)
    return shlex.join(kept)


def run_of(environment: Mapping[str, Any]) -> Run | None:
    """Which run a report is a shard of: what was called, where, and how many shards it has."""
    if "shard" not in environment:
        return None
    devices = ", ".join(f"{device}: {name}" for device, name in environment["devices"].items())
    count = int(environment["shard"].partition("/")[2])
    return _undivided(environment["command"]), f"Python {environment['python']}, {devices}", count


def missing(environments: Iterable[Mapping[str, Any]], checked: set[str]) -> list[str]:
    """What several reports lack to be whole runs, a sentence for each; `checked`: the implementations that were."""
    runs: dict[Run, set[int]] = {}
    implementations: dict[Run, set[str]] = {}
    for e in environments:
        if run := run_of(e):
            runs.setdefault(run, set()).add(int(e["shard"].partition("/")[0]))
            implementations.setdefault(run, set()).update(e.get("seconds", {}))
    said = []
    for (command, where, count), there in runs.items():
        absent = [i for i in range(1, count + 1) if i not in there]
        said += [f"shard {i}/{count} of {command} ({where}): no report" for i in absent]
        if not absent and not checked & implementations[command, where, count]:
            said.append(f"{command} ({where}): nothing was checked")
    return said
