"""The command `normspec`: the suite from any directory, with the options, exit status and reports of its pytest.

Installed, this package is the whole suite; in a checkout the suite stands around it.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HERE = Path(__file__).resolve().parent
INSTALLED = (HERE / "conftest.py").is_file()
SUITE = HERE if INSTALLED else HERE.parent
OPTIONS = f"{'normspec.' if INSTALLED else ''}harness.options"

given: list[str] | None = None  # what the command was called with, while it runs


def pytest_addoption(parser: Any, pluginmanager: Any) -> None:
    """pytest's hook: the suite's options in a run of its checkout, and none in a run of anybody else's tests."""
    if SUITE in (Path.cwd(), *Path.cwd().parents):
        pluginmanager.import_plugin(OPTIONS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the suite, or joins reports; returns the exit status."""
    global given
    command = list(sys.argv[1:] if arguments is None else arguments)
    options = import_module(OPTIONS)
    if command[:1] == ["merge"]:
        return int(import_module(OPTIONS.replace("options", "report")).main(command))
    if {"-h", "--help"} & set(command):
        print(_help(options))
        return 0
    import pytest

    sys.path.insert(0, str(Path.cwd()))  # --impl my_package.my_module
    suite = [f"--rootdir={SUITE}", "-c", str(SUITE / "pyproject.toml"), "-p", OPTIONS,
             "-W", "ignore::pytest.PytestAssertRewriteWarning", *_cache(command)]  # fmt: skip
    arguments = options.attached(command)
    chosen = [_test(argument) for argument in arguments]
    tests = [] if chosen != arguments else [str(t) for t in (SUITE / "specs", *sorted(SUITE.glob("test_*.py")))]
    given = command
    try:
        with tempfile.TemporaryDirectory(prefix="normspec-") as temporary:
            os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", temporary)
            return int(pytest.main([*suite, *chosen, *tests]))
    finally:
        given = None


def _cache(command: list[str]) -> list[str]:
    """pytest's options for a cache in this folder, which git ignores; for none, where nothing can be written."""
    cache = Path.cwd() / ".normspec_cache"
    try:
        cache.mkdir(exist_ok=True)
        (cache / ".gitignore").write_text("*\n")
    except OSError:
        return ["-p", "no:cacheprovider"]
    kept = [] if "no:cacheprovider" in command else ["-o", f"cache_dir={cache}"]
    return [*kept, f"--benchmark-storage=file://{cache / 'benchmarks'}"]


def _test(argument: str) -> str:
    """A test as a failure names it, test_layernorm.py::test_x[torch-cpu-float32], where it stands; else the argument."""
    return str(SUITE / argument) if re.match(r"test_\w+\.py(::|$)|specs/\w+\.md(::|$)", argument) else argument


def _help(options: Any) -> str:
    parser = argparse.ArgumentParser(
        prog="normspec",
        usage="normspec [options]\n       normspec merge FILE ... -o PATH",
        description="Holds implementations of normalization layers to their specification, clause by clause.",
        epilog="pytest's options work too: -k LN-3, -x, --lf, -n auto, --junitxml=PATH, --benchmark-enable --benchmark-only. "
        "Exit status: 0 every Must clause held and something ran; 1 one did not; 4 the command is wrong.",
    )
    group = SimpleNamespace(addoption=parser.add_argument)
    options.pytest_addoption(SimpleNamespace(getgroup=lambda *_: group))
    return parser.format_help()
