"""Where the suite ends and an implementation begins: its code runs in here, and what it does to the process is undone."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import Any, ClassVar, NoReturn

from harness import ROOT, bridge, state
from harness.comparison import Violation

LONGEST = 4000  # characters of what an exception says
PRINTED, PRINTED_BY_ALL = 100_000, 500_000  # characters that one call may print, and all of a run; more is dropped


# -- what it raises ----------------------------------------------------------------------------------------------------


class Raised(Exception):
    """What an implementation raised, as plain text; the class has the name of the original's.

    frames: the lines of the implementation's own code that it came through, the last of them last.
    """

    frames: list[str]


class Fault(Exception):
    """What no check can take for an answer: the end of the process, a time limit, the attempt to end the run."""

    outcome = "error"


class Crash(Fault):
    """The implementation's process ended."""

    outcome = "crash"


class Timeout(Fault):
    """A call took longer than it may."""

    outcome = "timeout"


BASES = (NotImplementedError, ValueError, RuntimeError)  # that the checks tell apart
_NAME = type.__dict__["__name__"].__get__  # whatever a class of the implementation's says of itself
_TRACEBACK = BaseException.__dict__["__traceback__"].__get__
OURS = (Violation, bridge.NoGradientError, Fault, Crash, Timeout)


def text_of(what: Any) -> str:
    """What it says, bounded, as a plain string; a class of the implementation's own may do anything when it is asked."""
    try:
        return str.__getitem__(str(what), slice(0, LONGEST))
    except BaseException as e:
        if INTERRUPT.persons(e):
            raise
        return f"<its message raises {type(e).__name__}>"


@lru_cache(maxsize=256)
def _class(name: str, base: str) -> type[Raised]:
    """The same class each time, for Hypothesis tells failures apart by it."""
    return type(name, (Raised, *(b for b in BASES if b.__name__ == base)), {})


def raised(name: str, base: str, text: str, frames: list[str]) -> Exception:
    """An exception of the class `name`, which is a `base`, one of BASES, too, if it names one."""
    error = _class(re.sub(r"\W", "_", name)[:80] or "Exception", base)(text)
    error.frames = frames
    return error


def translated(error: BaseException) -> BaseException:
    """The exception in classes of the suite alone: nothing of the implementation's runs when it is looked at."""
    name, text = _NAME(type(error)), text_of(error)
    if type(error) in OURS:  # or the implementation's, with attributes of its own
        return type(error)(text)
    if not issubclass(type(error), Exception):
        return Fault(
            "\n".join([f"it raised {name}{text and ': '}{text}, which would have ended the run", *frames_of(error)])
        )
    return raised(name, base_of(error), text, frames_of(error))


def base_of(error: BaseException) -> str:
    """The name of the one of BASES that it is, or nothing."""
    return next((b.__name__ for b in BASES if issubclass(type(error), b)), "")


def owned(error: BaseException) -> BaseException:
    """The exception, translated, as one of the implementation's; a person's Ctrl-C goes on its way."""
    if INTERRUPT.persons(error):
        raise error
    return translated(error)


def frames_of(error: BaseException) -> list[str]:
    """The lines of the implementation's own code that an exception came through, the last of them last."""
    ours = (str(ROOT / "harness"), str(ROOT / "test_"), str(ROOT / "conftest"))
    own = [f for f in traceback.extract_tb(_TRACEBACK(error)) if not f.filename.startswith(ours)
           and "site-packages" not in f.filename and not f.filename.startswith((sys.prefix, sys.base_prefix))]  # fmt: skip
    return [f"  raised in {f.filename}:{f.lineno}: {f.line}"[:500] for f in own[-3:]]


class Interrupt:
    """Whether a KeyboardInterrupt is a person's, or was raised by an implementation."""

    came = False

    def watch(self) -> None:
        """From here on."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._handler)

    def persons(self, error: BaseException) -> bool:
        """Whether the error is a person's Ctrl-C."""
        return self.came and isinstance(error, KeyboardInterrupt)

    def _handler(self, *_: Any) -> None:
        self.came = True
        raise KeyboardInterrupt


INTERRUPT = Interrupt()


# -- what it prints ----------------------------------------------------------------------------------------------------


class Printed:
    """A stream that can't be closed and takes so much and no more; `empty` is "" or b""."""

    def __init__(self, stream: Any, empty: Any = ""):
        self._stream, self._empty, self._left = stream, empty, PRINTED

    def write(self, text: Any) -> int:
        kept = text[: min(self._left, INSIDE.left)]
        self._left -= len(kept)
        INSIDE.left -= len(kept)
        if len(kept):
            self._stream.write(kept)
        return len(text)

    def writelines(self, lines: Any) -> None:
        self.write(self._empty.join(lines))

    def close(self) -> None:
        pass

    @property
    def buffer(self) -> Printed:
        return Printed(self._stream.buffer, b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


# -- a call ------------------------------------------------------------------------------------------------------------

# Taken before any implementation is imported.
ORIGINALS: list[state.Originals] = []
VARIABLES: set[str] = set()  # of the environment


def guard() -> None:
    """Remembers what other modules hold, and lets a run print all that it may. Called before it imports an implementation."""
    INSIDE.left = PRINTED_BY_ALL
    ORIGINALS[:] = [state.Originals()]
    VARIABLES.clear()
    VARIABLES.update(os.environ)


def forbid_exit() -> None:
    """From here on os._exit(0) in a call is an error of that call, and does not end the run as if all were well."""
    leave, pid = os._exit, os.getpid()
    if hasattr(leave, "normspec"):
        return

    def _exit(status: int) -> NoReturn:
        if INSIDE.depth and os.getpid() == pid and threading.get_ident() == INSIDE.thread:
            raise SystemExit(f"os._exit({status})")
        leave(status)

    _exit.normspec = True  # type: ignore[attr-defined]
    os._exit = _exit


@dataclass
class Inside:
    """How many boundaries deep the process is in an implementation's code, in which thread, and what the first one found."""

    depth: int = 0
    thread: int = 0
    first: tuple[int, Any, Any] = (0, None, None)  # the recursion limit, the trace function, the profile function
    early: list[str] = field(default_factory=list)  # those of them that were changed
    folder: str | None = None  # for temporary files; the run removes it
    left: int = PRINTED_BY_ALL


INSIDE = Inside()


class Boundary:
    """`with boundary:` an implementation's code runs. Nested, the outermost counts.

    left: the settings that the last one changed.  replaced: the functions of others that were replaced, ever.
    """

    seconds: ClassVar[defaultdict[str, float]] = defaultdict(float)  # by implementation: spent in its own code

    def __init__(self, name: str, replaced: Iterable[str] = ()):
        self.name = name
        self.left: list[str] = []
        self.replaced: dict[str, None] = dict.fromkeys(replaced)

    def __enter__(self) -> None:
        INSIDE.depth += 1
        if INSIDE.depth == 1:
            self._output, self._settings = state.Output(), state.settings()
            INSIDE.thread = threading.get_ident()
            INSIDE.first, INSIDE.early = (sys.getrecursionlimit(), sys.gettrace(), sys.getprofile()), []
            self._folder, tempfile.tempdir = tempfile.tempdir, INSIDE.folder or tempfile.tempdir
            sys.stdout, sys.stderr = Printed(sys.stdout), Printed(sys.stderr)
            self._began = time.perf_counter()

    def __exit__(self, kind: Any, error: BaseException | None, where: TracebackType | None) -> None:
        # First of all: under a limit that low nothing could be called, and a trace function could change what follows.
        limit, trace, profile = INSIDE.first
        if sys.getrecursionlimit() != limit:
            sys.setrecursionlimit(limit)
            INSIDE.early.append("the recursion limit")
        if sys.gettrace() is not trace or sys.getprofile() is not profile:
            sys.settrace(trace)
            sys.setprofile(profile)
            INSIDE.early.append("the trace or profile function")
        known: BaseException | None = error
        if error is not None and INSIDE.depth == 1 and not INTERRUPT.persons(error):
            known = translated(error)  # in here still, for its class is the implementation's
        INSIDE.depth -= 1
        if not INSIDE.depth:
            self.seconds[self.name] += time.perf_counter() - self._began
            sys.stdout, sys.stderr = (s._stream if isinstance(s, Printed) else s for s in (sys.stdout, sys.stderr))
            tempfile.tempdir = self._folder
            replaced = [name for originals in ORIGINALS for name in originals.put_back()]
            self.replaced.update(dict.fromkeys(replaced))
            self.left = [
                *self._output.put_back(),
                *state.put_back(self._settings),
                *dict.fromkeys(INSIDE.early),
                *replaced,
            ]
        if known is not None and known is not error:
            raise known.with_traceback(where) from None
