"""The process of an implementation: it imports it, makes the calls that it is asked for, and answers with arrays.

What is right it is never told.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import importlib
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
from typing import Any

import torch

from harness import wire
from harness.boundary import INSIDE, Fault, base_of, guard, text_of, translated
from harness.bridge import NoGradientError
from harness.comparison import Violation
from harness.implementations import Implementation, NotFound, load
from harness.subject import Subject

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def become(*options: tuple[int, int]) -> None:
    """Sets Linux's options of this process (prctl); there are none elsewhere."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        for option, value in options:
            prctl(option, value, 0, 0, 0)


def main(
    connection: socket.socket, printed: socket.socket, what: str, clause_ids: set[str], settings: dict[str, Any]
) -> None:
    """Serves one implementation until the connection ends."""
    _alone(connection, printed)
    _settle(printed, settings)
    guard()
    try:
        implementation = load(what, clause_ids)
    except NotFound as e:
        wire.send(connection, wire.reply(None, _nothing, refused=str(e)))
        return
    wire.send(connection, wire.reply(None, _nothing, loaded=_described(implementation)))
    serve(connection, implementation)


def _alone(*connections: socket.socket) -> None:
    """Without what is the suite's: the files of its server of processes, and the way to ask it for more of them."""
    keep = {0, 1, 2, *(c.fileno() for c in connections)}
    for number in map(int, os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ()):
        if number not in keep:
            with contextlib.suppress(OSError):
                os.close(number)
    for module, server in (("forkserver", "_forkserver"), ("resource_tracker", "_resource_tracker")):
        getattr(importlib.import_module(f"multiprocessing.{module}"), server).__init__()
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # it may start some of its own


def _settle(printed: socket.socket, settings: dict[str, Any]) -> None:
    """A session of its own, which dies with the suite; what is printed goes to the suite, files to a folder that it removes."""
    os.setsid()
    become((PR_SET_PDEATHSIG, signal.SIGKILL), (PR_SET_CHILD_SUBREAPER, 1))
    for number in (1, 2):
        os.dup2(printed.fileno(), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, errors="replace") for number in (1, 2))
    faulthandler.enable()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # where memory runs out, this process ends and not the suite
    os.environ.setdefault(*compiler_cache())
    os.environ["TMPDIR"] = tempfile.tempdir = INSIDE.folder = settings["folder"]
    torch.set_num_threads(settings["threads"])


def compiler_cache() -> tuple[str, str]:
    """The variable that keeps torch's compiled code where other runs find it, and what torch's own default is like."""
    return "TORCHINDUCTOR_CACHE_DIR", os.path.join(tempfile.gettempdir(), f"torchinductor_{os.getuid()}")


def _nothing(_: Any) -> int:
    return 0


def _described(i: Implementation) -> dict[str, Any]:
    return {
        "name": i.name, "version": i.version, "norms": list(i.functions), "dtypes": list(i.dtypes), "devices": list(i.devices),
        "known_failures": i.known_failures, "torch": i.torch, "vjp": i.vjp is not None,
    }  # fmt: skip


def serve(connection: socket.socket, implementation: Implementation) -> None:
    """Answers request after request."""
    subjects: dict[tuple[str, str, str], Subject] = {}
    kept: dict[int, Any] = {}
    numbers = iter(range(1, 1 << 62))

    def keep(raw: Any) -> int:
        kept[number := next(numbers)] = raw
        return number

    while True:
        try:
            parts = wire.receive(connection)
        except (EOFError, OSError):
            return
        number, who, operation, arguments, named, freed = wire.requested(parts, kept)
        for n in freed:
            kept.pop(n, None)
        subject = subjects.get(who) or subjects.setdefault(who, Subject(implementation, *who))
        value, error = None, None
        try:
            value = getattr(subject, operation)(*arguments, **named)
        except BaseException as e:
            error = _told(e)
        subject.log.calls.clear()
        seconds = subject.own.seconds.pop(implementation.name, 0.0)
        replaced, poisoned = list(subject.own.replaced), _poisoned() if error else None
        parts = wire.reply(
            value, keep, number=number, error=error, seconds=seconds, replaced=replaced, poisoned=poisoned
        )
        try:
            wire.send(connection, parts)
        except OSError:
            return
        del value, parts


def _told(error: BaseException) -> dict[str, Any]:
    """An exception as data."""
    error = translated(error)
    kind = next((k.__name__ for k in (Violation, NoGradientError, Fault) if isinstance(error, k)), "Raised")
    name, base, text = type(error).__name__, base_of(error), text_of(error)
    return {"kind": kind, "name": name, "base": base, "text": text, "frames": getattr(error, "frames", [])}


def _poisoned() -> str | None:
    """What makes the device unusable for this process from now on, if anything: an error of a kernel stays with CUDA."""
    if not torch.cuda.is_initialized():
        return None
    try:
        torch.cuda.synchronize()
    except RuntimeError as e:
        return text_of(e)
    return None
