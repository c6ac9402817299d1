"""The compatibility matrix: every adapter held to the specs, its record kept in results/, and the pages made of them.

`python -m harness.matrix run [ADAPTER ...]` runs them, each in a process of its own, and `python -m harness.matrix render`
writes MATRIX.md and results/matrix.html from the records alone.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from harness import ROOT, report
from harness.clauses import all_clauses
from harness.formats import FORMATS
from harness.implementations import ADAPTERS, adapter_names
from harness.norms import NORMS
from harness.render import Subject, held_of, mark, norm_title, short, subjects
from harness.report import Document, ReportError
from harness.verdict import Record

RESULTS = ROOT / "results"
PAGE, HTML = ROOT / "MATRIX.md", RESULTS / "matrix.html"
COLUMNS = tuple(f.name for f in fields(Record))
# Run where they are named: no package, and one that compiles for some two hours.
BY_NAME = ("reference", "torch_compile")
LONGEST = 600  # characters of a message that is kept


# -- records -----------------------------------------------------------------------------------------------------------


def packed(document: Document) -> str:
    """A report as it is kept: what all records share once, then a row for each, its message by its number in `texts`."""
    records, texts = document["records"], dict[str, int]()
    shared = {c: records[0][c] for c in COLUMNS if all(r[c] == records[0][c] for r in records)}
    columns = [c for c in COLUMNS if c not in shared]

    def value(record: dict[str, Any], column: str) -> Any:
        found = record[column]
        if found is None or column not in ("message", "worst"):
            return found
        if column == "worst":
            return float(f"{found:.4g}")
        return texts.setdefault(found.replace(f"{ROOT}/", "")[:LONGEST], len(texts))

    rows = [json.dumps([value(r, c) for c in columns], ensure_ascii=False, separators=(",", ":")) for r in records]
    head = {name: document[name] for name in ("schema", "suite", "environment")}
    head |= {"shared": shared, "columns": columns, "texts": list(texts)}
    return json.dumps(head, ensure_ascii=False, indent=0)[:-2] + ',\n"records": [\n' + ",\n".join(rows) + "\n]\n}\n"


def unpacked(path: Path) -> Document:
    """The report that a file of results/ keeps. Raises ReportError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        shared, columns, texts = (content.pop(name) for name in ("shared", "columns", "texts"))
        records = [{**shared, **dict(zip(columns, row, strict=True))} for row in content["records"]]
        for record in records:
            record["message"] = None if record["message"] is None else texts[record["message"]]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as e:
        raise ReportError(f"{path}: no record of a run: {type(e).__name__}: {e}") from e
    content["records"] = records
    return report.checked(content, path)


def kept() -> Document:
    """All that results/ has, as one report. Raises ReportError."""
    if not (paths := sorted(RESULTS.glob("*.json"))):
        raise ReportError(f"{RESULTS}: there is no record of a run: python -m harness.matrix run")
    return report.joined({f"results/{p.name}": unpacked(p) for p in paths})


# -- running -----------------------------------------------------------------------------------------------------------


def run(names: Sequence[str]) -> list[str]:
    """Holds each adapter to the specs and keeps its record; returns the names of those that gave none."""
    without = []
    RESULTS.mkdir(exist_ok=True)
    for number, name in enumerate(names, 1):
        print(f"{number}/{len(names)} {name} ...", flush=True)
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "report.json")
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                f"--impl={name}",
                f"--report={path}",
            ]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
            if path.is_file():
                document = report.read(path)
                document["environment"]["command"] = ["pytest", f"--impl={name}"]
                document["records"] = [r for r in document["records"] if r["implementation"] == name]
                report.written(RESULTS / f"{name}.json", packed(document).encode())
                said = [line for line in done.stdout.splitlines() if " bounds" in line or line.startswith("ERROR")][
                    -20:
                ]
            else:
                without.append(name)
                said = (done.stdout + done.stderr).strip().splitlines()[-5:]
        print(
            *(f"    {line}" for line in said),
            f"    exit status {done.returncode}, {time.perf_counter() - began:.0f} s",
            sep="\n",
        )
    return without


# -- the page ----------------------------------------------------------------------------------------------------------

INTRODUCTION = """# What real packages do

The norms of real packages, held to the specs of this project on a CPU. A declared deviation counts as one: what breaks a
Must clause is shown as ✗ whether its adapter knows of it or not. Each deviation is explained in [FINDINGS.md](FINDINGS.md).

Made by `make matrix` from the records in `results/`, which are those of real runs; `results/matrix.html`, made beside it, has every
verdict with its probe, its message and its cause. To look again at one package: `pytest --impl NAME`."""

GRADES = """What explains all errors of a norm, by dtype: *faithful*, one rounding at the end and as much again; *stable*, what every sound algorithm
achieves; *staged*, x_hat rounded to 16 bits on the way; *fast*, a one-pass variance; *lowp*, sums or statistics one
format down; *none*: in some place it is another formula, or its numbers overflow."""

CELLS = """✓ holds, ✗ does not, ! does not and only should, – not offered or nothing to check; four signs where the dtypes differ: {dtypes}."""


def markdown(document: Document) -> str:
    """The page, of the records alone."""
    shown = subjects([Record(**r) for r in document["records"]])
    environments = {r["file"]: r["environment"] for r in document["merged"]}
    order = ", ".join(f.short for f in FORMATS.values())
    blocks = [INTRODUCTION, "## Packages", *_packages(shown, environments), "## Which arithmetic", GRADES, _grades(shown), "## Conventions",
              "Where sound implementations differ, what each package takes:", _choices(shown), "## Clause by clause", CELLS.format(dtypes=order)]  # fmt: skip
    for norm in NORMS:
        blocks += [f"### {norm_title(norm)}", _clauses(norm, shown)]
    return "\n\n".join(blocks) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def described(name: str) -> str:
    """What an adapter's file says of itself in its first sentence; it is not imported."""
    text = ast.get_docstring(ast.parse((ADAPTERS / f"{name}.py").read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")


def linked(clause: str) -> str:
    """The clause's id, as a link to its text."""
    spec = all_clauses()[clause].spec
    slug = re.sub(r"[^\w\- ]", "", f"{clause} {all_clauses()[clause].title}".lower()).replace(" ", "-")
    return f"[{clause}](specs/{spec.name}#{slug})"


def _packages(shown: list[Subject], environments: dict[str, Any]) -> Iterator[str]:
    rows = []
    for s in shown:
        must, should = ("/".join(map(str, held_of(r for r in s.records if (r.level == "should") is of_should)))
                        for of_should in (False, True))  # fmt: skip
        environment = environments[f"results/{s.name}.json"]
        seconds = environment.get("seconds", {}).get(s.name, {"own": 0.0, "suite": 0.0})
        norms = ", ".join(norm_title(t.norm) for t in s.tallies if t.offered)
        rows.append([f"`{s.name}`", s.version, norms, must, should, f"{seconds['own']:.0f} + {seconds['suite']:.0f}", environment.get("date", "")])  # fmt: skip
    yield "\n".join(f"- `{s.name}` {described(s.name)}." for s in shown)
    yield ("*held*: clauses that hold in every dtype in which they were checked, of those that were. *seconds*: in the package's own calls "
           "(compilation included, where none was cached), and in the suite around them, on two cores.")  # fmt: skip
    yield table(["adapter", "version", "norms", "Must held", "Should held", "seconds", "date"], rows)


def _grades(shown: list[Subject]) -> str:
    rows = []
    for s in shown:
        found = {t.norm: t.grades for t in s.tallies if t.offered}
        cells = [" · ".join(f"{short(d)} {g}" for d, g in found.get(norm, {}).items() if g) for norm in NORMS]
        rows.append([f"`{s.name}`", *cells])
    return table(["adapter", *(norm_title(norm) for norm in NORMS)], rows)


def _choices(shown: list[Subject]) -> str:
    seen: dict[str, dict[str, dict[str, list[str]]]] = {}
    for s in shown:
        for r in s.records:
            if r.level == "choice" and r.choice:
                seen.setdefault(r.clause, {}).setdefault(r.choice, {}).setdefault(s.name, []).append(short(r.dtype))
    rows = []
    for clause in (c for c in all_clauses() if c in seen):
        for option, by_name in sorted(seen[clause].items(), key=lambda entry: (-len(entry[1]), entry[0])):
            everywhere = {n: {short(r.dtype) for s in shown if s.name == n for r in s.records if r.clause == clause and r.choice} for n in by_name}  # fmt: skip
            names = [f"`{n}`" + ("" if set(ds) == everywhere[n] else f" ({' '.join(ds)})") for n, ds in by_name.items()]
            rows.append([linked(clause), all_clauses()[clause].title, option, ", ".join(names)])
    return table(["clause", "", "option", "taken by"], rows)


def _clauses(norm: str, shown: list[Subject]) -> str:
    columns = [s for s in shown if any(r.norm == norm and r.outcome != "not_offered" for r in s.records)]
    cells = {(s.name, r.clause, r.dtype): r for s in columns for r in s.records if r.norm == norm}
    levels = {r.clause: r.level for r in cells.values()}
    rows = []
    for clause in (c for c in all_clauses() if c in levels):
        signs = [[mark(cells.get((s.name, clause, d)))[0] or "–" for d in FORMATS] for s in columns]
        title = all_clauses()[clause].title
        rows.append([linked(clause), title, levels[clause], *("".join(x) if len(set(x)) > 1 else x[0] for x in signs)])
    return table(["clause", "", "level", *(f"`{s.name}`" for s in columns)], rows)


def render() -> None:
    """Writes both pages. Raises ReportError."""
    document = kept()
    report.written(PAGE, markdown(document).encode())
    report.write(HTML, document)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `run`, `render`."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.matrix", description="The compatibility matrix of real packages."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    running = commands.add_parser("run", help="hold adapters to the specs and keep their records in results/")
    running.add_argument(
        "names", nargs="*", metavar="ADAPTER", help=f"those adapters; without any, all but {' and '.join(BY_NAME)}"
    )
    commands.add_parser("render", help="write MATRIX.md and results/matrix.html from the records in results/")
    given = parser.parse_args(arguments)
    if given.command == "render":
        try:
            render()
        except ReportError as e:
            raise SystemExit(str(e)) from e
        return 0
    if unknown := [name for name in given.names if name not in adapter_names()]:
        raise SystemExit(f"there is no adapter {unknown[0]!r}; there are {', '.join(adapter_names())}")
    without = run(given.names or [n for n in adapter_names() if n not in BY_NAME])
    if without:
        print(f"no record of {', '.join(without)}: what they need is installed by make matrix")
    return 1 if without else 0


if __name__ == "__main__":
    raise SystemExit(main())
