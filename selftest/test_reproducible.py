"""The same verdicts in any order, side by side and again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

import pytest
from running import ROOT, Run, reported

NARROW = ("-q", "test_rmsnorm.py", "--dtype=float32", "--dtype=bfloat16")
FILE = ROOT / "selftest" / "sound" / "llama_order.py"


class Shuffle:
    """Puts the tests into the order that a seed gives."""

    def __init__(self, seed: int):
        self.seed = seed

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        random.Random(self.seed).shuffle(items)


def verdicts(run: Run) -> dict[tuple[str, str], Any]:
    """What the report says of every clause and dtype, to the last digit."""
    keys = ("outcome", "worst", "probe", "choice", "message")
    return {(r["clause"], r["dtype"]): tuple(r[key] for key in keys) for r in run.records}


@pytest.fixture(scope="module")
def in_order() -> dict[tuple[str, str], Any]:
    return verdicts(reported(*NARROW, f"--impl={FILE}"))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_does_not_matter(in_order: dict[tuple[str, str], Any], seed: int) -> None:
    """Shuffled, every verdict is the one in order, its worst error and its message too."""
    shuffled = verdicts(reported(*NARROW, f"--impl={FILE}", plugins=(Shuffle(seed),)))

    assert shuffled == in_order


def test_several_processes_come_to_the_same_verdicts(in_order: dict[tuple[str, str], Any], tmp_path: Any) -> None:
    """Under `pytest -n 2` every record is there once, and says the same."""
    path = tmp_path / "report.json"
    command = [sys.executable, "-m", "pytest", *NARROW, "-n", "2", "-p", "no:cacheprovider", f"--impl={FILE}"]

    done = subprocess.run([*command, f"--report={path}"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    parallel = Run(0, "", "", json.loads(path.read_text(encoding="utf-8")))
    assert {k: v[0] for k, v in verdicts(parallel).items()} == {k: v[0] for k, v in in_order.items()}
    assert len(parallel.records) == len({(r["clause"], r["dtype"]) for r in parallel.records})
