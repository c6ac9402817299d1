"""A server of pytest runs: each in a process of its own, as from the command line, without the seconds that imports take."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness.isolation import adopt, descendants  # noqa: E402


@dataclass(frozen=True)
class Ended:
    """A run: its exit status (negative: the signal), its seconds, its output, and the processes that it left."""

    status: int
    seconds: float
    output: bytes
    strays: list[str]


def left_behind(before: set[int]) -> dict[int, str]:
    """This process's descendants that were not there before and don't end within a second, with their command lines."""
    deadline = time.monotonic() + 1
    while found := {
        pid: command for pid in descendants(os.getpid()) if pid not in before and (command := _command(pid))
    }:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return found


def _command(pid: int) -> str:
    """Its command line; none where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


class Server:
    """One process that has imported what every run imports, and forks."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, __file__], stdin=pipe, stdout=pipe, cwd=ROOT, text=True)

    def run(self, arguments: list[str], folder: Path, limit_s: float) -> Ended:
        """`pytest ARGUMENTS`, its temporary files in `folder`/tmp, and ended after `limit_s`."""
        (folder / "tmp").mkdir()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([arguments, str(folder), limit_s]) + "\n")
        self._process.stdin.flush()
        status, seconds, strays = json.loads(self._process.stdout.readline())
        return Ended(status, seconds, (folder / "output").read_bytes(), strays)

    def close(self) -> None:
        self._process.communicate(timeout=10)


def _serve() -> None:
    import hypothesis  # noqa: F401
    import pytest  # noqa: F401
    import torch

    import conftest  # noqa: F401

    del sys.modules["conftest"]

    adopt()  # what a run leaves behind becomes a child of this process
    torch.set_num_threads(1)
    for line in sys.stdin:
        arguments, folder, limit_s = json.loads(line)
        began = time.monotonic()
        if (child := os.fork()) == 0:
            _become_pytest(arguments, Path(folder))
        status = _waited(child, began + limit_s)
        seconds = time.monotonic() - began
        strays = left_behind(set())
        for pid in strays:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        print(json.dumps([status, seconds, list(strays.values())]), flush=True)


def _waited(child: int, deadline: float) -> int:
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGKILL


def _become_pytest(arguments: list[str], folder: Path) -> Any:
    """What `python -m pytest ARGUMENTS` does, from here on."""
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(folder / "output", os.O_WRONLY | os.O_CREAT)
    for number, file in ((0, nothing), (1, output), (2, output)):
        os.dup2(file, number)
    os.close(nothing)
    os.close(output)
    os.environ["TMPDIR"] = str(folder / "tmp")
    sys.argv = ["pytest", *arguments]
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
