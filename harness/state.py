"""What an implementation must leave as it found it: the process's settings, and other modules' functions. Noticed, and put back."""

from __future__ import annotations

import builtins
import contextlib
import gc
import math
import operator
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

import ml_dtypes
import numpy as np
import torch

from harness import PACKAGE, bridge

# -- settings ----------------------------------------------------------------------------------------------------------

SIGNALS = [s for s in (getattr(signal, name, None) for name in
           ("SIGINT", "SIGTERM", "SIGALRM", "SIGSEGV", "SIGABRT", "SIGFPE", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGPIPE")) if s]  # fmt: skip
LIMITED = (
    [
        getattr(resource, name)
        for name in ("RLIMIT_NOFILE", "RLIMIT_AS", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_FSIZE", "RLIMIT_CPU")
    ]
    if resource
    else []
)
CUDNN = ("enabled", "benchmark", "deterministic")
SMALL = np.float32(2.0**-130), np.float32(1.0)  # a subnormal number, and one that leaves it as it is


def _flushes() -> bool:
    return bool(np.multiply(*SMALL) == 0)


def _write_warnings(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def _environment() -> dict[Any, Any]:
    """The variables as they are kept: os.environ itself decodes each of them at each look."""
    return dict(os.environ._data)  # type: ignore[attr-defined]


def _write_environment(variables: dict[Any, Any]) -> None:
    """What was changed or removed; what a package adds for itself at its first call stays."""
    os.environ.update({os.fsdecode(name): os.fsdecode(value) for name, value in variables.items()})


def _directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it is gone
        return None


def _write_directory(path: str | None) -> None:
    if path is not None and os.path.isdir(path):
        os.chdir(path)


def _signals() -> tuple[Any, ...]:
    return tuple(map(signal.getsignal, SIGNALS))


def _write_signals(handlers: tuple[Any, ...]) -> None:
    if threading.current_thread() is threading.main_thread():
        for number, handler in zip(SIGNALS, handlers, strict=True):
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _write_cudnn(values: tuple[bool, ...]) -> None:
    for name, value in zip(CUDNN, values, strict=True):
        setattr(torch.backends.cudnn, name, value)


def _cuda_random() -> bytes:
    return torch.cuda.get_rng_state().numpy().tobytes() if torch.cuda.is_initialized() else b""


def _write_cuda_random(state: bytes) -> None:
    if state:
        torch.cuda.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _numpy_random() -> dict[str, Any]:
    state: dict[str, Any] = np.random.get_state(legacy=False)  # type: ignore[assignment]
    return {**state, "state": {**state["state"], "key": state["state"]["key"].tobytes()}}


def _write_numpy_random(state: dict[str, Any]) -> None:
    key = np.frombuffer(state["state"]["key"], np.uint32)
    np.random.set_state({**state, "state": {**state["state"], "key": key}})


def _write_device(device: torch.device) -> None:
    torch.set_default_device(None if device == torch.device("cpu") else device)


PLUGINS: list[Any] = []  # pytest's plugin managers


def _plugins() -> list[tuple[str, Any]]:
    return [pair for manager in PLUGINS[-1:] for pair in manager.list_name_plugin()]


def _write_plugins(plugins: list[tuple[str, Any]]) -> None:
    (manager,) = PLUGINS[-1:]
    known = dict(plugins)
    for name, plugin in manager.list_name_plugin():
        if plugin is not None and known.get(name) is not plugin:
            manager.unregister(plugin, name)
    for name, plugin in plugins:
        if plugin is not None and manager.get_plugin(name) is not plugin:
            manager.register(plugin, name)


def _timer() -> bool:
    """Whether an alarm is set, which ends the process."""
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0 if hasattr(signal, "setitimer") else False


def _write_timer(on: bool) -> None:
    if not on:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _limits() -> tuple[tuple[int, int], ...]:
    return tuple(map(resource.getrlimit, LIMITED)) if resource else ()


def _write_limits(limits: tuple[tuple[int, int], ...]) -> None:
    for number, (soft, hard) in zip(LIMITED, limits, strict=True):
        with contextlib.suppress(ValueError, OSError):  # a hard limit that was lowered can't be raised again
            resource.setrlimit(number, (soft, hard))


SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {  # how each is read and written
    "torch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "torch's grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's thread count": (torch.get_num_threads, torch.set_num_threads),
    "torch's deterministic mode": (torch.are_deterministic_algorithms_enabled, bridge.write_deterministic),
    "torch's float32 matmul precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "torch's autocast mode": (lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on)),
    "torch's flush-denormal mode": (_flushes, torch.set_flush_denormal),
    "torch's random state": (lambda: torch.get_rng_state().numpy().tobytes(),
                             lambda s: torch.set_rng_state(torch.frombuffer(bytearray(s), dtype=torch.uint8))),
    "CUDA's random state": (_cuda_random, _write_cuda_random),
    "cudnn's flags": (lambda: tuple(getattr(torch.backends.cudnn, name) for name in CUDNN), _write_cudnn),
    "Python's random state": (random.getstate, random.setstate),
    "NumPy's random state": (_numpy_random, _write_numpy_random),
    "NumPy's error handling": (np.geterr, lambda kinds: np.seterr(**kinds)),
    "the warnings filters": (lambda: list(warnings.filters), _write_warnings),
    "the working directory": (_directory, _write_directory),
    "the environment": (_environment, _write_environment),
    "the signal handlers": (_signals, _write_signals),
    "the garbage collector": (gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    "the alarm": (_timer, _write_timer),
    "the process's limits": (_limits, _write_limits),
    "pytest's plugins": (_plugins, _write_plugins),
    "torch's default device": (torch.get_default_device, _write_device),
}  # fmt: skip


def settings() -> list[Any]:
    """All of them, in the order of SETTINGS."""
    return [read() for read, _ in SETTINGS.values()]


def put_back(before: list[Any]) -> list[str]:
    """Gives every setting that is another now the value of before; returns their names."""
    changed = []
    for (name, (read, write)), value in zip(SETTINGS.items(), before, strict=True):
        if read() != value:
            changed.append(name)
            write(value)
    return changed


@contextmanager
def without_variables(known: set[str]) -> Iterator[None]:
    """Without the variables of the environment that are not known; they are back afterwards."""
    added = {name: os.environ.pop(name) for name in os.environ.keys() - known}
    try:
        yield
    finally:
        os.environ.update(added)


# -- what stays -----------------------------------------------------------------------------------------------------------


def resources(folder: str | None) -> dict[str, set[Any]]:
    """What stays when a call has returned: threads, processes, open files, temporary files in their folder."""
    children: set[str] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended
            children.update(task.read_text().split())
    files = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    return {"a thread": set(threading.enumerate()), "a process": children, "an open file": files,
            "a temporary file": set(os.listdir(folder)) if folder else set()}  # fmt: skip


def added(before: dict[str, set[Any]], folder: str | None) -> list[str]:
    """What there is more of, once what is over has had the time to end."""
    deadline = time.monotonic() + 0.2
    while grown := [what for what, now in resources(folder).items() if len(now) > len(before[what])]:
        gc.collect()
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return [f"{what} that stays" for what in grown]


# -- standard output ---------------------------------------------------------------------------------------------------


class Output:
    """Standard output and error as they are: streams, and the files behind them. They are put back if a call closes one."""

    def __init__(self) -> None:
        self.streams = sys.stdout, sys.stderr
        self.files = [os.dup(number) for number in (1, 2) if _is_open(number)]

    def put_back(self) -> list[str]:
        """As before; returns what was not."""
        changed = []
        for number, copy in zip((1, 2), self.files, strict=False):
            if not _is_open(number) or not os.path.sameopenfile(number, copy):
                changed.append(f"file descriptor {number}")
                os.dup2(copy, number)
            os.close(copy)
        if (sys.stdout, sys.stderr) != self.streams:
            changed.append("sys.stdout or sys.stderr")
            sys.stdout, sys.stderr = self.streams
        return changed


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


# -- other modules' functions ------------------------------------------------------------------------------------------

OWN = tuple(f"{PACKAGE}{name}" for name in ("harness", "reference", "mistakes"))
_CODE = operator.attrgetter("__code__")
LATER = {"torch.manual_seed"}  # which torch itself replaces when it first needs its compiler
# What calls the tests, and makes reports of what they do.
JUDGES = {f"{PACKAGE}conftest", "conftest", "_pytest.runner", "_pytest.reports", "_pytest.main", "_pytest.python", "pluggy._manager",
          "pluggy._hooks", "pluggy._callers"}  # fmt: skip


class Originals:
    """What numpy, torch, the built-ins and this suite's own modules hold: whatever replaces it is undone and named."""

    def __init__(self) -> None:
        own = [m for n, m in sys.modules.items() if n.startswith(OWN) or n in JUDGES]
        others = [
            builtins,
            math,
            os,
            np,
            np.linalg,
            ml_dtypes,
            torch,
            torch.nn.functional,
            torch.autograd,
            torch.Tensor,
        ]
        classes = [c for m in own for c in vars(m).values() if isinstance(c, type) and c.__module__ == m.__name__]
        self.held: list[tuple[Any, dict[str, Any]]] = [
            (place, dict(vars(place))) for place in (*own, *others, *classes)
        ]
        # The tables that the verdicts look things up in.
        tables = [t for m in own for t in vars(m).values() if type(t) is dict]
        self.tables = [(table, dict(table)) for table in tables]
        names = {m.__name__ for m in own}
        functions = {id(f): f for _, held in self.held for f in held.values()
                     if isinstance(f, FunctionType) and f.__module__ in names}  # fmt: skip
        self.functions = list(functions.values())
        self.code: list[CodeType] = list(map(_CODE, self.functions))

    def put_back(self) -> list[str]:
        """Undoes what was replaced or removed; returns the names, as `numpy.isfinite`."""
        return sorted({*self._names(), *self._entries(), *self._functions()})

    def _names(self) -> Iterator[str]:
        for place, held in self.held:
            now = vars(place)  # what is added comes last
            if len(now) >= len(held) and all(map(operator.is_, now.values(), held.values())):
                continue
            for name, value in held.items():
                if (name not in now or now[name] is not value) and f"{_name(place)}.{name}" not in LATER:
                    try:
                        setattr(place, name, value)
                    except (AttributeError, TypeError):  # what Python itself keeps, as __dict__ and __doc__ of a class
                        continue
                    yield f"{_name(place)}.{name}"
            held.update(
                {name: value for name, value in vars(place).items() if name not in held}
            )  # what was added is no harm

    def _entries(self) -> Iterator[str]:
        for table, held in self.tables:
            if len(table) >= len(held) and all(map(operator.is_, table.values(), held.values())):
                continue
            for key, value in held.items():
                if table.get(key, table) is not value:
                    table[key] = value
                    yield f"the entry {key!r:.40} of a table of the suite"

    def _functions(self) -> Iterator[str]:
        if all(map(operator.is_, map(_CODE, self.functions), self.code)):
            return
        for function, code in zip(self.functions, self.code, strict=True):
            if function.__code__ is not code:
                function.__code__ = code
                yield f"{function.__module__}.{function.__qualname__}"


def _has_state(value: Any) -> bool:
    """What the suite itself replaces as it goes: a collection, an object of a class of its own."""
    return isinstance(value, list | dict | set) or type(value).__module__.startswith(OWN)


def _name(place: ModuleType | type) -> str:
    return place.__name__ if isinstance(place, ModuleType) else f"{place.__module__}.{place.__qualname__}"
