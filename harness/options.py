"""The command line's options, as a pytest plugin that the installed project registers (pyproject.toml, `pytest11`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable

import pytest

from harness import ROOT

LANGUAGES = ("en", "zh")
DTYPES = "float64, float32, bfloat16, float16"
WITH_VALUE = ("--impl", "--device", "--dtype", "--report", "--explain", "--lang", "--figures", "--shard")


def pytest_addoption(parser: pytest.Parser) -> None:
    """pytest's hook: the options, in a group of their own in `--help`."""
    group = parser.getgroup("normspec", "holding an implementation to the specs")
    group.addoption("--impl", action="append", metavar="WHAT", help=(
        "hold WHAT to the specs instead of torch (repeatable): an adapter (jax), a module (torch.nn.functional), a "
        "file (my_kernels.py), or one norm alone (rms_norm=package.module:Class, layer_norm=my_kernels.py:fused); "
        "exercises, or a copy of that folder: the lessons, clause by clause"))  # fmt: skip
    group.addoption("--device", action="append", metavar="NAME", help="only this device (repeatable): cpu, cuda, ...")
    group.addoption("--dtype", action="append", metavar="NAME", help=f"only this dtype (repeatable): {DTYPES}")
    group.addoption("--strict-should", action="store_true", help="a SHOULD clause that does not hold fails the run")
    group.addoption("--isolate", action="store_true", help=(
        "call the implementation in a process of its own: a crash, a hang or a patched library costs one verdict, not the run"))  # fmt: skip
    group.addoption("--call-timeout", type=float, default=60.0, metavar="S", help=(
        "with --isolate: seconds that one call may take; its import twice as many (default: 60)"))  # fmt: skip
    group.addoption("--run-timeout", type=float, default=3600.0, metavar="S", help=(
        "with --isolate: seconds after which no further check is begun (default: 3600)"))  # fmt: skip
    group.addoption("--seed", type=int, default=0, metavar="N", help=(
        "other data in every check, and another order of the checks, for each N (default: 0, the usual ones)"))  # fmt: skip
    group.addoption("--report", action="append", metavar="PATH", help=(
        "write the result to PATH, by its suffix: .json, .html (a page with every verdict), .md (a summary for a job's page); "
        "repeatable; normspec merge joins several .json"))  # fmt: skip
    group.addoption("--shard", metavar="I/N", help=(
        "run the I-th of N parts, 2/3 say, a clause to each in turn; normspec merge joins their reports (.json) and names a part "
        "that is missing"))  # fmt: skip
    group.addoption("--hint", nargs="?", const="next", metavar="STEPS", help=(
        "add the next step of the hint to each failure that has a known cause, or so many: --hint=1 a question, --hint=2 "
        "the formula too, --hint=3 the numbers by hand too"))  # fmt: skip
    group.addoption("--explain", metavar="ID", help="print a clause of the specs (LN-3) and run nothing")
    group.addoption("--lang", choices=LANGUAGES, help=(
        "the language of statements, reasons and hints; without it the locale's, or English"))  # fmt: skip
    group.addoption("--benchmark-scale", choices=("small", "full"), default="small", help=(
        "with --benchmark-enable: how many shapes are timed, and how large (default: small, a minute)"))  # fmt: skip
    group.addoption("--benchmark-rows", type=int, metavar="N", help="time N rows instead of the scale's shapes")
    group.addoption("--benchmark-hidden", type=int, metavar="N", help="time rows of N values instead")
    group.addoption("--benchmark-cache", choices=("cold", "hot", "both"), default="cold", help=(
        "whether the caches are emptied before each call that is timed (default: cold)"))  # fmt: skip
    group.addoption("--benchmark-any-machine", action="store_true", help=(
        "let --benchmark-compare compare with a run of another machine"))  # fmt: skip
    group.addoption("--figures", metavar="DIR", help="draw the pictures into DIR and run nothing (needs matplotlib)")


def attached(arguments: Iterable[str]) -> list[str]:
    """`--impl X` as `--impl=X`, for each option that has a value."""
    result: list[str] = []
    waiting = ""
    for argument in arguments:
        if waiting:
            result.append(f"{waiting}={argument}")
            waiting = ""
        elif argument in WITH_VALUE:
            waiting = argument
        else:
            result.append(argument)
    return result + ([waiting] if waiting else [])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Generator[None, None, None]:
    """Starts again where pytest took an option's value for a test path.

    pytest looks for its configuration before it loads any plugin: the file in `--impl /elsewhere/my_kernels.py` is then
    no value yet but a path, and the configuration beside that file, none, is the one it takes. Written with `=` it can't
    be misread.
    """
    # `--hint test_layernorm.py` is a hint and a test file: what follows a bare --hint is not its value.
    args[:] = ["--hint=next" if a == "--hint" else a for a in args]
    given = list(early_config.invocation_params.args)
    misread = ROOT in (early_config.invocation_params.dir, *early_config.invocation_params.dir.parents) and (
        early_config.inipath is None or early_config.inipath.parent != ROOT
    )
    if misread and attached(given) != given and "PYTEST_XDIST_WORKER" not in os.environ:
        if sys.orig_argv[-len(given) :] != given:
            raise pytest.UsageError(
                f"write {' '.join(attached(given))}: pytest takes a path after a blank for a test path"
            )
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1 : -len(given)], *attached(given)])
    return (yield)
