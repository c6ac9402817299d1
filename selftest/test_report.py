"""The report: it follows its schema, and adds up to the checklist that is printed."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from running import Run, reported, run

from harness import report
from harness.clauses import LEVELS, all_clauses
from harness.formats import FORMATS
from harness.render import subjects
from harness.report import SCHEMA, read, rendered
from harness.text import MESSAGE_LIMIT
from harness.verdict import BROKEN, OUTCOMES, Record

HERE = Path(__file__).resolve().parent
SYMBOLS = {"pass": "✓", "fail": "✗", "error": "✗", "known_failure": "k", "not_offered": "–"}
IMPLEMENTATIONS = [str(HERE / "wrong" / "one_pass_variance.py"), str(HERE / "sound" / "llama_order.py"), "torch"]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema, itself valid."""
    schema: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


@pytest.fixture(scope="module")
def done() -> Run:
    """A run with every outcome that a run in one process has: right, wrong, known, not offered, chosen, a Should."""
    files = ["test_layernorm.py", "test_rmsnorm.py"]
    return reported("-q", *files, "--dtype=float32", "--dtype=bfloat16", *(f"--impl={i}" for i in IMPLEMENTATIONS))


def test_a_report_follows_its_schema(done: Run, schema: dict[str, Any]) -> None:
    """Every key is there, and no other."""
    jsonschema.validate(done.report, schema)
    assert {r["outcome"] for r in done.records} >= {"pass", "fail", "known_failure", "not_offered"}


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "passed"},
        {"level": "may"},
        {"worst": "0.5"},
        {"worst": -1},
        {"clause": "LN-03"},
        {"message": "x" * (MESSAGE_LIMIT + 1)},
        {"diagnosis": "unbiased_variance"},
        {"surprise": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_schema_refuses_what_is_no_record(done: Run, schema: dict[str, Any], change: dict[str, Any]) -> None:
    """One value that does not belong, in one record, is enough."""
    changed = copy.deepcopy(done.report)
    assert changed is not None
    changed["records"][0].update(change)

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed, schema)


def test_the_schema_knows_every_level_and_outcome(schema: dict[str, Any]) -> None:
    """Those of the harness, and no other."""
    properties = schema["$defs"]["record"]["properties"]

    assert set(properties["level"]["enum"]) == set(LEVELS)
    assert set(properties["outcome"]["enum"]) == set(OUTCOMES)
    assert properties["message"]["maxLength"] == MESSAGE_LIMIT


def test_a_report_has_one_record_for_each_clause_and_dtype(done: Run) -> None:
    """Of each implementation every clause of every norm, also of those that it does not offer; no Study."""
    clauses = {c.id: c for c in all_clauses().values() if c.norm and c.level != "study"}
    expected = {(i, "cpu", d, c) for i in IMPLEMENTATIONS for d in ("float32", "bfloat16") for c in clauses}

    ran = [(r["implementation"], r["device"], r["dtype"], r["clause"]) for r in done.records]

    offered = {key for key in expected if key[0] != "torch" or clauses[key[3]].norm in ("layer_norm", "rms_norm")}
    assert len(ran) == len(set(ran))
    assert set(ran) == offered
    assert all((r["norm"], r["level"]) == (clauses[r["clause"]].norm, clauses[r["clause"]].level) for r in done.records)


def _printed(stdout: str) -> dict[tuple[str, str, str], str]:
    """The symbols of the checklist, by implementation, dtype and clause."""
    shorts = {f.short: name for name, f in FORMATS.items()}
    symbols: dict[tuple[str, str, str], str] = {}
    implementation, dtypes = "", []
    for line in stdout.splitlines():
        heading = re.fullmatch(r"\w+ · (\S+).* · cpu +((?:(?:f64|f32|bf16|f16) *)+)", line)
        row = re.fullmatch(r" . ([A-Z]+-\d+) +.{62} ((?:[✓✗!k–·] {0,4})+).*", line)
        if heading:
            implementation, dtypes = heading[1], [shorts[s] for s in heading[2].split()]
        elif row:
            symbols |= {(implementation, d, row[1]): s for d, s in zip(dtypes, row[2].split(), strict=True)}
    return symbols


def test_the_checklist_shows_what_the_report_says(done: Run) -> None:
    """Symbol by symbol, for every clause of the norms that are offered; a Should that does not hold is a !."""
    expected = {
        (r["implementation"], r["dtype"], r["clause"]): "!"
        if r["level"] == "should" and r["outcome"] in BROKEN
        else SYMBOLS[r["outcome"]]
        for r in done.records
        if r["message"] != f"{r['norm']} is not offered"
    }

    assert _printed(done.stdout) == expected


def test_the_last_line_counts_what_the_report_says(done: Run) -> None:
    """Clauses held of those that ran, failures, Shoulds, known failures and what is not offered."""
    ran = [r for r in done.records if r["message"] != f"{r['norm']} is not offered"]
    checked = {c: [r for r in ran if r["clause"] == c and r["outcome"] != "not_offered"] for c in all_clauses()}
    held = Counter(c.partition("-")[0] for c, rs in checked.items() if rs and all(r["outcome"] == "pass" for r in rs))
    total = Counter(c.partition("-")[0] for c, rs in checked.items() if rs)
    broken = Counter(r["level"] == "should" for r in ran if r["outcome"] in BROKEN)
    outcomes = Counter(r["outcome"] for r in ran)

    (line,) = [line for line in done.stdout.splitlines() if line.startswith("layernorm ")]

    assert f"layernorm {held['LN']}/{total['LN']} · rmsnorm {held['RM']}/{total['RM']} · " in line
    assert f" · {broken[False]} failed · {broken[True]} should · " in line
    assert f" · {outcomes['known_failure']} known failures · {outcomes['not_offered']} not offered · " in line
    assert line.endswith(f"next: {next(r['clause'] for r in ran if r['outcome'] in BROKEN and r['level'] != 'should')}")


def test_the_summary_of_a_page_counts_what_the_last_line_counts(done: Run) -> None:
    """Verdicts of the norms that are offered, of all implementations together."""
    tallies = [t for s in subjects([Record(**r) for r in done.records]) for t in s.tallies if t.offered]
    failed, should, known, none = (sum(t.counts[n] for t in tallies) for n in ("fail", "should", "known", "none"))

    (line,) = [line for line in done.stdout.splitlines() if line.startswith("layernorm ")]

    assert f" · {failed} failed · {should} should · {known} known failures · {none} not offered · " in line


def test_one_run_writes_as_many_reports_as_asked_for(tmp_path: Path) -> None:
    """Each as its suffix says; HTML and Markdown say what the JSON document says and nothing else."""
    paths = [tmp_path / f"run{suffix}" for suffix in (".json", ".html", ".md")]

    run("-q", "test_layernorm.py", "--dtype=float32", "-k", "test_divisor", *(f"--report={path}" for path in paths))

    content = read(paths[0])
    assert [r["outcome"] for r in content["records"]] == ["pass"]
    assert [path.read_text(encoding="utf-8") for path in paths] == [rendered(content, path.suffix) for path in paths]


def test_a_report_says_where_it_was_made(done: Run) -> None:
    """The command that makes it again, and the packages that matter."""
    assert done.report is not None
    environment = done.report["environment"]

    assert environment["command"][0] == "pytest"
    assert f"--impl={IMPLEMENTATIONS[0]}" in environment["command"]
    assert {"numpy", "torch", "pytest"} <= set(environment["packages"])
    assert set(environment["devices"]) == {"cpu"}


def test_the_worst_error_of_what_holds_is_no_larger_than_its_bound(done: Run) -> None:
    """And of what is out of bounds it is larger."""
    worst = {o: [r["worst"] for r in done.records if r["outcome"] == o and r["worst"] is not None] for o in OUTCOMES}

    assert 0 < max(worst["pass"]) <= 1
    assert max(worst["fail"]) > 1


def test_a_choice_says_which(done: Run) -> None:
    """Each Choice that passes, and nothing else."""
    assert all((r["choice"] is not None) == (r["level"] == "choice" and r["outcome"] == "pass") for r in done.records)


def test_a_choice_is_one_of_its_clause_s_options(done: Run) -> None:
    """As its spec spells them; the machine epsilon as a default eps has no one value."""
    chosen = {(r["clause"], r["choice"]) for r in done.records if r["choice"] and "finfo" not in r["choice"]}

    assert [(c, option) for c, option in chosen if f"`{option}`" not in all_clauses()[c].body] == []


# -- written whole or not at all ---------------------------------------------------------------------------------------

WRITING = """
import os, resource, sys
from pathlib import Path
from harness import report

{before}
try:
    report.write(Path(sys.argv[1]), {{"records": ["x" * 1_000_000]}})
except report.ReportError as e:
    print(e)
"""


def _written(path: Path, before: str) -> subprocess.CompletedProcess[str]:
    """What a process leaves that writes a megabyte there."""
    command = [sys.executable, "-c", WRITING.format(before=before), str(path)]
    return subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """One line says which report it was and why; no half of one is left."""
    (tmp_path / "run.json").write_text("before")

    done = _written(tmp_path / "run.json", "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))")

    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'run.json'}: it can't be written: File too large\n")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("run.json", "before")]


def test_a_process_that_dies_while_it_writes_leaves_what_was_there(tmp_path: Path) -> None:
    """The report has its name only when it is whole."""
    (tmp_path / "run.json").write_text("before")

    done = _written(tmp_path / "run.json", "os.chmod = lambda *_: os._exit(9)")

    assert done.returncode == 9
    assert (tmp_path / "run.json").read_text() == "before"
    assert [p.suffix for p in tmp_path.iterdir() if p.name != "run.json"] == [".part"]


def test_a_run_whose_report_can_t_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its last line; the checklist stands, other reports are written, and the run does not pass."""
    failing = str(tmp_path / "a.json")
    write = report.written
    monkeypatch.setattr(
        report, "written", lambda path, content: write(path / "no" if str(path) == failing else path, content)
    )

    done = run(
        "-q",
        "test_layernorm.py",
        "--dtype=float32",
        "-k",
        "test_divisor",
        f"--report={failing}",
        f"--report={tmp_path / 'b.md'}",
    )

    assert done.status == 4
    assert " ✓ LN-3 " in done.stdout
    assert done.stdout.splitlines()[-1] == f"ERROR: --report {failing}: it can't be written: No such file or directory"
    assert [p.name for p in tmp_path.iterdir()] == ["b.md"]
