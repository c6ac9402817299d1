"""The end of a process that an implementation ran in: it comes soon, with the run's own exit status, and nothing is left."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing.util
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from harness import isolation
from harness.boundary import INSIDE

PATIENCE_S = 10  # for what an implementation wants to do at the end
COMMANDS = ("pytest", "py", "normspec", "__main__")


class Ending:
    """Of this process, if pytest is what it was started for."""

    status = 0  # of the outermost run
    _depth = 0  # a self-test runs pytest within pytest
    _watching = False

    def begin(self) -> None:
        """A run begins."""
        self._depth += 1

    def watch(self) -> None:
        """An implementation is about to be imported."""
        if INSIDE.folder is None:
            os.environ.setdefault(*isolation.worker.compiler_cache())
            INSIDE.folder = tempfile.mkdtemp(prefix="normspec-")
        if self._watching or self._depth > 1 or Path(sys.argv[0]).stem not in COMMANDS:
            return
        self._watching = True
        isolation.adopt()
        self._known = set(isolation.descendants(os.getpid()))
        atexit.register(self._clean)  # runs after what the implementation registers
        self._handlers = atexit._ncallbacks()
        threading._register_atexit(self._end)  # type: ignore[attr-defined]  # runs before threads are waited for

    def finish(self, status: int) -> None:
        """A run has come to its exit status."""
        if self._depth == 1:
            self.status = int(status)

    def close(self) -> None:
        """A run is over."""
        self._depth -= 1
        if INSIDE.folder is not None and not self._depth and not self._watching:
            shutil.rmtree(INSIDE.folder, ignore_errors=True)
            INSIDE.folder = None

    def _end(self) -> None:
        if self.status and atexit._ncallbacks() > self._handlers:  # which could end it with another
            self._leave()
        threading.Thread(target=self._leave, args=(PATIENCE_S,), daemon=True).start()

    def _leave(self, after_s: float = 0) -> None:
        time.sleep(after_s)
        self._end_processes()
        self._remove_files()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(self.status)

    def _clean(self) -> None:
        self._end_processes()
        with contextlib.suppress(Exception):  # it has files in the folder, and would look for them
            multiprocessing.util._exit_function()  # type: ignore[attr-defined]
        self._remove_files()

    def _end_processes(self) -> None:
        for pid in isolation.descendants(os.getpid()):
            if pid not in self._known:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)

    def _remove_files(self) -> None:
        if INSIDE.folder is not None:
            shutil.rmtree(INSIDE.folder, ignore_errors=True)


ENDING = Ending()
