"""`--isolate`: an implementation in a process of its own, which may crash, hang or replace what it likes.

Here, where the verdicts are made, nothing of it is imported; only arrays and texts come back. Whatever ends the process
costs the check that was running, and the next one finds a new process.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import torch

from harness import PACKAGE, bridge, wire, worker
from harness.boundary import Boundary, Crash, Fault, Timeout, raised
from harness.comparison import Violation
from harness.formats import FORMATS
from harness.implementations import Implementation, NotFound
from harness.norms import NORMS
from harness.subject import Subject

TAIL = 2000  # characters of what a process printed last
# Faults in a row, with no answer between them, after which nothing more is tried: of a norm in one dtype, and of a norm.
ROW, ROW_OF_NORM = 3, 5


@dataclass
class Limits:
    """Seconds: for one call, and for all of a run."""

    call_s: float
    run_s: float
    began: float = 0.0

    @property
    def over(self) -> bool:
        return time.monotonic() > self.began + self.run_s


class Process:
    """The process of one implementation, started anew after whatever ended it."""

    def __init__(self, what: str, clause_ids: set[str], limits: Limits):
        self.what, self.clause_ids, self.limits = what, clause_ids, limits
        self.folder = tempfile.mkdtemp(prefix="normspec-")
        self.freed: list[int] = []
        self.number = 0
        self._process: Any = None
        try:
            self.described = self._start()
        except BaseException:
            self.close()
            raise

    # -- its life -----------------------------------------------------------------------------------------------------

    def _start(self) -> dict[str, Any]:
        """Starts it; what it says of the implementation. Raises NotFound, Crash and Timeout."""
        context = _context()
        self._connection, theirs = socket.socketpair()
        self._printed, printed = socket.socketpair()
        self._tail = bytearray()
        settings = {"folder": self.folder, "threads": torch.get_num_threads()}
        arguments = (theirs, printed, self.what, self.clause_ids, settings)
        self._process = context.Process(
            target=worker.main, args=arguments, daemon=True, name=f"normspec {self.what}"[:60]
        )
        with _without_interrupts(), _without_main():
            self._process.start()
        theirs.close()
        printed.close()
        self.freed.clear()
        threading.Thread(target=self._drain, args=(self._printed, self._tail), daemon=True).start()
        reply = self._receive(2 * self.limits.call_s, "while it was imported")
        if isinstance(reply.get("refused"), str):
            raise NotFound(reply["refused"])
        try:
            return _checked(reply["loaded"])
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise self._ended(Crash, f"it can't be understood: {e!r:.200}") from e

    @staticmethod
    def _drain(printed: socket.socket, tail: bytearray) -> None:
        """Keeps the last of what the process prints, so that it never waits for a reader."""
        with contextlib.suppress(OSError):
            while data := printed.recv(1 << 16):
                tail += data
                del tail[:-TAIL]

    def stop(self) -> None:
        """Ends it, and all that it has started."""
        if self._process is None or (pid := self._process.pid) is None:
            return
        strays = descendants(pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        for stray in (*strays, pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(stray, signal.SIGKILL)
        self._process.join(5)
        for connection in (self._connection, self._printed):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._process = None
        _adopted()

    def close(self) -> None:
        """Ends it for good."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ended(self, kind: type[Fault], what: str) -> Fault:
        """The fault, with what is known of it; the process is over."""
        if kind is Crash and self._process is not None:
            self._process.join(1)
            code = self._process.exitcode
            if code is not None:
                what = f"{_how(code)} {what}"
        self.stop()
        printed = self._tail.decode("utf-8", "replace").strip()
        return kind(f"its process {what}" + (f"\n  it printed last:\n{printed}" if printed else ""))

    # -- its answers --------------------------------------------------------------------------------------------------

    def ask(
        self, who: tuple[str, str, str], operation: str, arguments: tuple[Any, ...], named: dict[str, Any], doing: str
    ) -> Any:
        """What the operation of its Subject returns. Raises as that does, Crash and Timeout."""
        if self._process is None:
            try:
                self.described = self._start()
            except NotFound as e:
                raise Crash(f"its process could not be started again: {e}") from e
        self.number += 1
        freed, self.freed[:] = list(self.freed), []
        parts = wire.request((self.number, who, operation, arguments, named, freed))
        began = time.monotonic()
        try:
            wire.send(self._connection, parts, began + self.limits.call_s)
        except TimeoutError:
            raise self._ended(Timeout, f"did not read what it was asked {doing}") from None
        except OSError:
            raise self._ended(Crash, doing) from None
        reply = self._receive(self.limits.call_s, doing)
        Boundary.seconds[self.what] += time.monotonic() - began
        if reply.get("number") != self.number:
            raise self._ended(Crash, f"answered what was not asked {doing}")
        if poisoned := reply.get("poisoned"):
            raise self._ended(Crash, f"can't use its device any more {doing}: {poisoned!s:.500}")
        if (error := reply.get("error")) is not None:
            raise _exception(error)
        return reply["value"], [str(name)[:200] for name in reply.get("replaced") or []][:20]

    def _receive(self, limit_s: float, doing: str) -> dict[str, Any]:
        try:
            parts = wire.receive(self._connection, time.monotonic() + limit_s, self._process.sentinel)
            return wire.replied(parts, self.freed)
        except TimeoutError:
            said = f"gave no answer within {limit_s:g} s {doing} and was ended (--call-timeout)"
            raise self._ended(Timeout, said) from None
        except (EOFError, OSError):
            raise self._ended(Crash, doing) from None
        except wire.Garbled as e:
            raise self._ended(Crash, f"gave no answer that can be read {doing}: {e}") from None


def _checked(said: Any) -> dict[str, Any]:
    """A description as it has to be."""
    result = {name: str(said[name]) for name in ("name", "version")}
    lists = {name: [str(n) for n in said[name]] for name in ("norms", "dtypes", "devices")}
    if not set(lists["norms"]) <= set(NORMS) or not set(lists["dtypes"]) <= set(FORMATS):
        raise ValueError(lists)
    failures = {str(k): str(v) for k, v in dict(said["known_failures"]).items()}
    return {**result, **lists, "known_failures": failures, "torch": said["torch"] is True, "vjp": said["vjp"] is True}


def _exception(told: Any) -> Exception:
    """What was raised there, in a class of the suite."""
    kind, name, base, text = (str(told.get(k, ""))[:8000] for k in ("kind", "name", "base", "text"))
    if kind == "Violation":
        return Violation(text)
    if kind == "NoGradientError":
        return bridge.NoGradientError(text)
    if kind == "Fault":
        return Fault(text)
    return raised(name, base, text, [str(f)[:500] for f in told.get("frames") or []][:3])


def _how(code: int) -> str:
    if code >= 0:
        return f"ended by itself, with exit status {code},"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


# -- processes ---------------------------------------------------------------------------------------------------------


def _context() -> Any:
    """How processes are started: forked from one that has torch already and no implementation, or else anew."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{PACKAGE}harness.worker"])
    return context


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C is for the suite, which ends the processes itself: what is started within does not see it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """multiprocessing would run the script that started the suite again in each process, which has no need of it."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _parents() -> dict[int, int]:
    """The parent of every process, where the system tells."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            found[int(stat.parent.name)] = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
    return found


def descendants(pid: int) -> list[int]:
    """All that a process has started, directly or not; it adopts what its children leave behind."""
    parents = _parents()
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


KNOWN: set[int] = set()  # this process's own children


def adopt() -> None:
    """From here on what an ended process leaves behind becomes a child of this one, and is ended."""
    worker.become((worker.PR_SET_CHILD_SUBREAPER, 1))
    KNOWN.update(pid for pid, parent in _parents().items() if parent == os.getpid())


def _adopted() -> None:
    """Ends what was left behind by a process that had ended before: children of this one in a session of their own."""
    for pid in [p for p, parent in _parents().items() if parent == os.getpid()]:
        with contextlib.suppress(ProcessLookupError, PermissionError, ChildProcessError):
            if os.getsid(pid) not in (os.getsid(0), 0) and pid not in KNOWN:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


# -- what the suite sees -----------------------------------------------------------------------------------------------


def _absent(*_: Any) -> Any:
    raise RuntimeError("an isolated implementation is called in its own process alone")


PROCESSES: list[Process] = []  # of this run


def load(what: str, clause_ids: set[str], limits: Limits) -> Implementation:
    """As `implementations.load`, in a process of its own. Raises NotFound."""
    try:
        process = Process(what, clause_ids, limits)
    except Fault as e:
        raise NotFound(f"--impl {what}: it can't be imported: {' '.join(str(e).split())[:600]}") from e
    PROCESSES.append(process)
    said = process.described
    return Implementation(
        name=what, version=said["version"], functions=dict.fromkeys(said["norms"], _absent),
        from_numpy=_absent, to_numpy=_absent, vjp=_absent if said["vjp"] else None,
        dtypes=tuple(said["dtypes"]), devices=tuple(said["devices"]), known_failures=said["known_failures"],
        torch=said["torch"], process=process,
    )  # fmt: skip


def close() -> None:
    """Ends all processes of this run."""
    while PROCESSES:
        PROCESSES.pop().close()
    IsolatedSubject.in_a_row.clear()


def _remote(operation: str) -> Callable[..., Any]:
    def method(self: IsolatedSubject, *arguments: Any, **named: Any) -> Any:
        return self.ask(operation, arguments, named)

    return method


class IsolatedSubject(Subject):
    """A subject whose calls are made by its twin in the implementation's process."""

    arrays = _remote("arrays")
    overwrite = _remote("overwrite")
    output = _remote("output")
    call_raw = _remote("call_raw")
    made_forward = _remote("made_forward")
    made_backward = _remote("made_backward")
    second_order = _remote("second_order")
    elsewhere = _remote("elsewhere")
    shares_memory = _remote("shares_memory")
    left_behind = _remote("left_behind")

    # Of all subjects: how many faults came in a row, and the last of them.
    in_a_row: ClassVar[dict[tuple[str, ...], tuple[int, Fault]]] = {}
    down: Fault | None = None

    def begin(self) -> None:
        """As in every subject. A fault is that of one test: the next one starts anew, unless too many came in a row."""
        self.down = self._given_up()
        super().begin()
        if self.down is not None:  # what was to be settled first was not
            for name in ("conventions", "lacks"):
                self.__dict__.pop(name, None)
        self.down = self._given_up()

    def _given_up(self) -> Fault | None:
        """Why nothing more is tried, if so."""
        limits = self.implementation.process.limits
        if limits.over:
            return Timeout(f"not tried: the run has taken more than {limits.run_s:g} s (--run-timeout)")
        for who, most in ((self._who, ROW), (self._who[:2], ROW_OF_NORM)):
            count, last = self.in_a_row.get(who, (0, Fault()))
            if count >= most:
                return type(last)(f"not tried: {count} calls in a row ended without an answer; of the last {last}")
        return None

    @property
    def _who(self) -> tuple[str, str, str]:
        return self.implementation.name, self.norm.name, self.device + self.dtype

    def ask(self, operation: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """The same method of the twin."""
        if self.down is not None:
            raise self.down
        case = next((a for a in arguments if hasattr(a, "dy")), None)
        doing = f"during {operation.removeprefix('made_')} of {self.norm.name} in {self.dtype}"
        doing += f" on {case.name}, x of shape {case.x.shape}" if case is not None else ""
        who = self.norm.name, self.device, self.dtype
        try:
            value, replaced = self.implementation.process.ask(who, operation, arguments, named, doing)
        except Fault as e:
            if e.outcome != "error":
                self.down = e
                for key in (self._who, self._who[:2]):
                    self.in_a_row[key] = self.in_a_row.get(key, (0, e))[0] + 1, e
            raise
        finally:
            if self.down is None:
                for key in (self._who, self._who[:2]):
                    self.in_a_row.pop(key, None)
        self.own.replaced.update(dict.fromkeys(replaced))
        return value
