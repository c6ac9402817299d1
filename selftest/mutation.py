"""Mistakes put into the suite's own code, one at a time: how many of these mutants do its tests notice?

    python selftest/mutation.py [MODULE ...]

mutmut makes them and runs the tests that reach each; pyproject.toml says in which files and by which tests. It takes all
modules, or those named (`reference`, `harness.bounds`). Of the mutants of `reference/` at least 95 % must be noticed,
and those that are not stand in mutation_survivors.md, each with the reason why nothing can notice it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SURVIVORS = Path(__file__).with_name("mutation_survivors.md")
PACKAGE, LEAST = "reference", 0.95
NOTICED = ("killed", "timeout")
# The workers are forked, which threads of a library do not survive; two side by side, as in `make test`.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
WORKERS = 2


class Mutant(NamedTuple):
    """A line of a function, and what stands there instead."""

    function: str
    line: str
    instead: str


def mutmut(*arguments: str) -> str:
    """`mutmut ARGUMENTS` in the repository's root: what it prints. Ends the run if it fails."""
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout[-3000:]}\nmutmut {' '.join(arguments)} failed")
    return done.stdout


def module_of(name: str) -> str:
    """`reference.layernorm` of mutmut's `reference.layernorm.x_forward__mutmut_3`."""
    return name.rpartition(".")[0]


def shown(name: str) -> Mutant:
    """What a mutant of mutmut's changes."""
    function = re.sub(r"^x_?|__mutmut_\d+$", "", name.rpartition(".")[2]).replace("ǁ", ".").removeprefix(".")
    lines = re.findall(r"^([-+])(?!--|\+\+)(.*)$", mutmut("show", name), re.MULTILINE)
    line, instead = (" ".join(text.strip() for mark, text in lines if mark == wanted) for wanted in "-+")
    return Mutant(f"{module_of(name)}.{function}", line, instead)


def explained() -> set[Mutant]:
    """The rows of mutation_survivors.md: function, line, what stands there instead, and a reason, which none lacks."""
    rows = [
        line.strip("| ").split(" | ") for line in SURVIVORS.read_text(encoding="utf-8").splitlines() if line[:1] == "|"
    ]
    for row in rows:
        if len(row) != 4 or not all(row):
            sys.exit(f"{SURVIVORS.name}: expected | function | line | instead | why |, found {' | '.join(row)}")
    return {Mutant(*(cell.strip("`") for cell in row[:3])) for row in rows[2:]}


def main(modules: list[str]) -> int:
    """Make the mutants, run the tests, print what was noticed; 1 if that is too little."""
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    mutmut("run", "--max-children", str(WORKERS), *[f"{m}.*" for m in modules or ["reference", "harness"]])
    results = dict(re.findall(r"^ +(\S+): (.+)$", mutmut("results", "--all", "true"), re.MULTILINE))
    results = {
        name: s for name, s in results.items() if not modules or name.startswith(tuple(f"{m}." for m in modules))
    }

    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for name, status in results.items():
        for group in (module_of(name), *([f"{PACKAGE}, all"] if name.startswith(f"{PACKAGE}.") else [])):
            counts[group][status in NOTICED] += 1
    for group, noticed in sorted(counts.items()):
        print(f"{group:24} {noticed[True]:4} of {noticed.total():4} noticed {noticed[True] / noticed.total():7.1%}")
    print("`mutmut results` names those that were not; `mutmut show NAME` shows one")

    problems = []
    if (demanded := counts.get(f"{PACKAGE}, all")) and demanded[True] < LEAST * demanded.total():
        problems.append(f"less than {LEAST:.0%} of the mutants of {PACKAGE}/ were noticed")
    found = {shown(name) for name, s in results.items() if name.startswith(f"{PACKAGE}.") and s not in NOTICED}
    known = {mutant for mutant in explained() if module_of(mutant.function) in counts}
    problems += [f"survived, and {SURVIVORS.name} does not say why: {' | '.join(m)}" for m in sorted(found - known)]
    problems += [
        f"{SURVIVORS.name} lists what did not survive: take it out: {' | '.join(m)}" for m in sorted(known - found)
    ]
    for problem in problems:
        print(f"ERROR: {problem}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
