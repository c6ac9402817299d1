"""Hostile implementations: whatever one does, the run ends soon, with the verdict that it must get and with all others."""

from __future__ import annotations

import ast
import contextlib
import json
import multiprocessing.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fresh import ROOT, Server, descendants, left_behind
from running import TEST_FILES, reported

HOSTILE = sorted((ROOT / "selftest" / "hostile").glob("*.py"))
LIMIT_S = 60

# What a file says at its head: the VERDICTS that it must get, by clause, each in float32 or in the format in brackets;
# IN_PROCESS the same where they are others without --isolate, None where the process can't survive; what the message or
# the command SAYS; the exit STATUS, if it is not 1.
HEAD = ("VERDICTS", "IN_PROCESS", "SAYS", "STATUS")


def _head(path: Path) -> dict[str, Any]:
    """Read, not run."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if (
            isinstance(node, ast.Assign | ast.AnnAssign)
            and isinstance(target, ast.Name)
            and target.id in HEAD
            and node.value
        ):
            found[target.id] = ast.literal_eval(node.value)
    return found


FACTS = {path: _head(path) for path in HOSTILE}
SURVIVED = [path for path in HOSTILE if FACTS[path].get("IN_PROCESS", {}) is not None]


def _tests() -> dict[str, str]:
    """The test of every clause."""
    found = {}
    for file in set(TEST_FILES.values()):
        for name, clause in re.findall(r'^(\w+) = holds\("(\w+-\d+)"', (ROOT / file).read_text(), re.MULTILINE):
            found[clause] = f"{file}::{name}"
    return found


TESTS = _tests()


def _verdicts(said: dict[str, str]) -> dict[tuple[str, str], str]:
    """The outcomes by clause and format."""
    matches = {key: re.fullmatch(r"([\w-]+?)(?:\[(\w+)\])?", key) for key in said}
    return {(m[1], m[2] or "float32"): said[key] for key, m in matches.items() if m}


def _arguments(path: Path, verdicts: dict[tuple[str, str], str]) -> list[str]:
    """The tests of the clauses on which it gets a verdict."""
    clauses, dtypes = (dict.fromkeys(key[i] for key in verdicts or {("RM-1", "float32"): ""}) for i in (0, 1))
    return ["-q", *(TESTS[clause] for clause in clauses), f"--impl={path}", *(f"--dtype={dtype}" for dtype in dtypes)]


def _assert_judged(path: Path, verdicts: dict[tuple[str, str], str], status: int, printed: str, report: Any) -> None:
    """The run got the verdicts, said why, and reported nothing of the suite's own."""
    records = report["records"] if report else []
    got = {(r["clause"], r["dtype"]): r["outcome"] for r in records if r["message"] != f"{r['norm']} is not offered"}
    assert got == verdicts, printed
    assert status == FACTS[path].get(
        "STATUS", int(any(outcome not in ("pass", "not_offered") for outcome in verdicts.values()))
    )
    messages = [str(r["message"]) for r in records if r["outcome"] not in ("pass",)]
    assert all(len(m) <= 5000 for m in messages)
    if any(v != "pass" for v in verdicts.values()) or not verdicts:
        assert FACTS[path].get("SAYS", "") in "\n".join([*messages, printed])
    assert "INTERNALERROR" not in printed
    assert "Traceback" not in printed
    assert len(printed) < 2_000_000


def _hold_isolated(path: Path, folder: Path) -> None:
    verdicts = _verdicts(FACTS[path]["VERDICTS"])
    before = set(descendants(os.getpid()))
    began = time.monotonic()

    hangs = "timeout" in verdicts.values() or path.stem == "hangs_at_import"
    limit_s = 2 if hangs else LIMIT_S / 2  # what does not hang may be slow, on a machine with much to do
    result = reported(*_arguments(path, verdicts), "--isolate", f"--call-timeout={limit_s:g}")

    assert time.monotonic() - began < LIMIT_S
    _assert_judged(path, verdicts, result.status, result.printed, result.report)
    assert list(folder.iterdir()) == []
    servers = ("multiprocessing.forkserver", "multiprocessing.resource_tracker")
    assert [c for c in left_behind(before).values() if not any(s in c for s in servers)] == []


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for all temporary files of this process."""
    multiprocessing.util.get_temp_dir()  # that of its server of processes, which stays
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("path", HOSTILE, ids=lambda p: p.stem)
def test_an_isolated_one_gets_its_verdict(path: Path, temporary: Path) -> None:
    """Within a minute, and neither a process nor a file is left."""
    _hold_isolated(path, temporary)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.mark.parametrize("path", SURVIVED, ids=lambda p: p.stem)
def test_one_in_process_gets_its_verdict(path: Path, server: Server) -> None:
    """In a process that it shares with the suite, where that can survive."""
    facts = FACTS[path]
    verdicts = _verdicts(facts["VERDICTS"] | facts.get("IN_PROCESS", {}))

    with tempfile.TemporaryDirectory() as folder:  # a short name: that of a socket in it may not be long
        report = Path(folder) / "report.json"
        ended = server.run([*_arguments(path, verdicts), *PLAIN, f"--report={report}"], Path(folder), LIMIT_S)
        said = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else None
        left = list((Path(folder) / "tmp").iterdir())

    _assert_judged(path, verdicts, ended.status, ended.output.decode(errors="replace"), said)
    assert ended.strays == []
    assert left == []


PLAIN = ("-p", "no:cacheprovider", "--assert=plain", "--device=cpu", "--lang=en")


# -- many, and none to the end -----------------------------------------------------------------------------------------

TWENTY = ("abort", "busy_loop", "crash_in_backward", "crash_on_long_rows", "deep_recursion", "exit_0", "lying_tensor", "message_of_markup",
          "message_raises", "raises_exit", "raises_keyboard_interrupt", "raises_skip", "refuses_everything", "replaces_the_comparison",
          "returns_none", "returns_nothing_at_all", "segfault", "sleeps", "sys_exit", "writes_into_every_file")  # fmt: skip


ASKED = ("RM-1", "RM-12", "RM-17", "RM-23", "RM-25", "RM-57")  # of all it takes minutes, and is no different


def test_twenty_at_once_have_one_complete_report(temporary: Path) -> None:
    """Every clause of every one has a verdict, each of them its own, and the run lasts no longer than their limits."""
    paths = [path for path in HOSTILE if path.stem in TWENTY]
    tests = [TESTS[clause] for clause in ASKED]

    result = reported("-q", *tests, *(f"--impl={p}" for p in paths), "--isolate", "--call-timeout=5", "--dtype=float32")

    assert len(paths) == 20
    assert result.status == 1
    for path in paths:
        records = {r["clause"]: r["outcome"] for r in result.records if r["implementation"] == str(path)}
        assert records.keys() >= set(ASKED)
        verdicts = _verdicts(FACTS[path]["VERDICTS"])
        assert {clause: records[clause] for clause, _ in verdicts} == {c: v for (c, _), v in verdicts.items()}, path
    assert list(temporary.iterdir()) == []


WAITS = """
import pathlib, time

def rms_norm(x, normalized_shape, weight=None, eps=None):
    pathlib.Path({begun!r}).touch()
    time.sleep(600)
"""


@pytest.mark.parametrize("options", [(), ("--isolate", "--call-timeout=600")], ids=["in_process", "isolated"])
def test_ctrl_c_ends_a_run_that_hangs(tmp_path: Path, options: tuple[str, ...]) -> None:
    """In seconds, with pytest's status of an interrupted run, and with all that it has started."""
    begun, path, mark = tmp_path / "begun", tmp_path / "waits.py", f"NORMSPEC_SELFTEST={tmp_path}"
    path.write_text(WAITS.format(begun=str(begun)))
    command = [sys.executable, "-m", "pytest", "-q", TESTS["RM-1"], f"--impl={path}", "--dtype=float32", *PLAIN]
    process = subprocess.Popen(
        [*command, *options],
        cwd=ROOT, env=os.environ | dict([mark.split("=")]), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    _wait_for(begun.exists)

    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    printed, _ = process.communicate(timeout=LIMIT_S)

    assert process.returncode == pytest.ExitCode.INTERRUPTED, printed
    assert "KeyboardInterrupt" in printed
    _wait_for(lambda: not _with_variable(mark))


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _with_variable(mark: str) -> list[str]:
    """The processes that were started with a variable in their environment."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if mark.encode() in environment.read_bytes().split(b"\0"):
                found.append(environment.parent.name)
    return found
