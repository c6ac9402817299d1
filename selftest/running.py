"""Running the suite inside this process, as a person does from the command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
TEST_FILES = {
    "layer_norm": "test_layernorm.py",
    "rms_norm": "test_rmsnorm.py",
    "batch_norm": "test_batchnorm.py",
    "group_norm": "test_groupnorm.py",
    "instance_norm": "test_groupnorm.py",
    "deep_norm": "test_deepnorm.py",
}


@dataclass(frozen=True)
class Run:
    """What a run leaves: its exit status, what it prints, and its report."""

    status: int
    stdout: str
    stderr: str
    report: dict[str, Any] | None = None

    @property
    def printed(self) -> str:
        """All that it prints."""
        return self.stdout + self.stderr

    @property
    def records(self) -> list[dict[str, Any]]:
        """The report's records."""
        assert self.report is not None, self.printed
        records: list[dict[str, Any]] = self.report["records"]
        return records

    def clauses(self, *outcomes: str, **fields: str) -> set[str]:
        """The clauses with one of these outcomes, among the records whose fields are these."""
        chosen = (r for r in self.records if all(r[name] == value for name, value in fields.items()))
        return {r["clause"] for r in chosen if r["outcome"] in outcomes}


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Sums that do not depend on the machine's cores, and as many runs side by side as there are cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


# On the device that every machine has. No cache is written, nothing is captured or rewritten twice, and garbage is left
# to the outer run to collect.
FIXED = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "--device=cpu", "--lang=en", "--capture=no", "--assert=plain",
         "-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:unraisableexception")  # fmt: skip


def run(*arguments: str, plugins: tuple[object, ...] = ()) -> Run:
    """`pytest ARGUMENTS` in the repository's root; test files are named relative to it."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ),
        contextlib.chdir(ROOT),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        _one_thread(),
    ):
        for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):  # this run is one by itself
            os.environ.pop(name, None)
        status = pytest.main([*FIXED, *arguments], plugins)
    return Run(int(status), stdout.getvalue(), stderr.getvalue())


def reported(*arguments: str, plugins: tuple[object, ...] = ()) -> Run:
    """`pytest ARGUMENTS --report ...`, with what the report says; without tracebacks, which take most of the time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        result = run(*arguments, "--tb=no", "--report", str(path), plugins=plugins)
        report = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return Run(result.status, result.stdout, result.stderr, report)
