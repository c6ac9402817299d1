"""The matrix: pages made of the kept records alone, and records that keep what a run said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from running import ROOT

from harness import matrix, report
from harness.formats import FORMATS
from harness.implementations import adapter_names
from harness.matrix import PAGE, RESULTS, kept, markdown, packed, unpacked

OF_TORCH = {"torch", "torch_compile", "torch_decomp", "reference"}  # adapters that need nothing more
RECORD: dict[str, Any] = {
    "implementation": "p", "version": "1.2", "device": "cpu", "dtype": "float32", "norm": "layer_norm", "clause": "LN-3", "level": "must",
    "outcome": "fail", "worst": 2.5, "probe": "two-features", "choice": None, "diagnosis": ["unbiased_variance"], "message": "y is off", "grade": "none",
}  # fmt: skip


def document(*records: dict[str, Any]) -> report.Document:
    """A report with records that differ from RECORD in these fields."""
    environment = {
        "python": "3.11",
        "platform": "x",
        "packages": {},
        "devices": {},
        "threads": 1,
        "command": ["pytest"],
    }
    suite = {"name": "normspec", "version": "1"}
    return {"schema": 1, "suite": suite, "environment": environment, "records": [{**RECORD, **r} for r in records]}


def merged(*records: dict[str, Any]) -> report.Document:
    """The same as one of several."""
    return report.joined({"results/p.json": document(*records)})


# -- what is kept -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """All that results/ has."""
    return list(kept()["records"])


def test_the_page_is_what_the_records_say() -> None:
    """`python -m harness.matrix render` changes nothing."""
    assert PAGE.read_text(encoding="utf-8") == markdown(kept())


def test_every_adapter_has_a_record(records: list[dict[str, Any]]) -> None:
    """Those apart that a run has to name; sixteen packages at least."""
    names = {r["implementation"] for r in records}
    assert set(adapter_names()) - set(matrix.BY_NAME) <= names <= set(adapter_names())
    assert len(names) >= 16


def test_every_verdict_of_a_package_is_complete(records: list[dict[str, Any]]) -> None:
    """No clause ended in an error, a crash or a timeout."""
    assert {r["outcome"] for r in records} == {"pass", "fail", "known_failure", "not_offered"}


def test_every_record_is_its_adapters_own() -> None:
    """In its file, with the versions that the run had, and its day."""
    for path in sorted(RESULTS.glob("*.json")):
        content = unpacked(path)
        assert {r["implementation"] for r in content["records"]} == {path.stem}
        assert {"date", "seconds", "packages"} <= set(content["environment"])
        assert str(ROOT) not in path.read_text(encoding="utf-8")


def test_every_adapter_has_an_extra_of_its_name() -> None:
    """What is missing can be installed as the message says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name.replace("-", "_") for name in project["optional-dependencies"]}
    assert set(adapter_names()) - OF_TORCH <= extras


# -- how it is kept -----------------------------------------------------------------------------------------------------


def test_what_is_packed_can_be_unpacked(tmp_path: Path) -> None:
    """Every field of every record, long messages shortened and figures rounded."""
    given = document(
        {"worst": 1 / 3},
        {"clause": "LN-4", "message": None, "worst": None, "choice": "é|\n"},
        {"clause": "LN-5", "message": "x" * 2000},
    )
    path = tmp_path / "p.json"
    path.write_text(packed(given), encoding="utf-8")
    expected = [dict(r) for r in given["records"]]
    expected[0]["worst"], expected[2]["message"] = 0.3333, "x" * matrix.LONGEST
    assert unpacked(path)["records"] == expected


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": 1}', packed(document({}))[:-9], packed(document({})).replace('"must"', '"most"')],
)
def test_a_file_that_keeps_no_run_is_named(tmp_path: Path, text: str) -> None:
    """In one line."""
    path = tmp_path / "p.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(report.ReportError, match=rf"^{path}: .+$"):
        unpacked(path)


def test_pages_are_the_same_bytes_whenever_they_are_made() -> None:
    """In other processes, where sets and dictionaries of strings have another order."""
    code = (
        "from harness import matrix, report; from harness.render import html; import hashlib\n"
        "d = report.joined({f'results/{n}.json': matrix.unpacked(matrix.RESULTS / f'{n}.json') for n in ('torch', 'mlx')})\n"
        "print(hashlib.sha256((html(d) + matrix.markdown(d)).encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout


# -- what the page says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sign"),
    [
        ({}, "✗"),
        ({"outcome": "known_failure"}, "✗"),
        ({"outcome": "fail", "level": "should"}, "!"),
        ({"outcome": "known_failure", "level": "should"}, "!"),
        ({"outcome": "pass"}, "✓"),
        ({"outcome": "not_offered"}, "–"),
    ],
)
def test_a_declared_deviation_is_one(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], sign: str) -> None:
    """Of a Must as of a Should."""
    monkeypatch.setattr(matrix, "described", lambda name: name)
    row = next(
        line
        for line in markdown(
            merged({"clause": "LN-1", "outcome": "pass"}, *({**changes, "dtype": dtype} for dtype in FORMATS))
        ).splitlines()
        if line.startswith("| [LN-3]")
    )
    assert row.split(" | ")[-1] == f"{sign} |"


def test_dtypes_that_differ_have_a_sign_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the formats, what is missing included."""
    monkeypatch.setattr(matrix, "described", lambda name: name)
    page = markdown(
        merged({"dtype": "float64", "outcome": "pass"}, {}, {"dtype": "bfloat16", "outcome": "not_offered"})
    )
    assert "| ✓✗–– |" in page


def test_clauses_are_linked_to_their_headings() -> None:
    """As GitHub names them."""
    assert matrix.linked("LN-3") == "[LN-3](specs/layernorm.md#ln-3-the-variance-divides-by-n)"


# -- running ------------------------------------------------------------------------------------------------------------


def test_a_run_that_gives_no_report_leaves_the_record_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named, with the end of what the run said."""
    (tmp_path / "mlx.json").write_text("as it was")
    monkeypatch.setattr(matrix, "RESULTS", tmp_path)
    monkeypatch.setattr(
        matrix,
        "subprocess",
        SimpleNamespace(run=lambda *_, **__: SimpleNamespace(stdout="", stderr="ERROR: no mlx", returncode=4)),
    )
    assert matrix.run(["mlx"]) == ["mlx"]
    assert (tmp_path / "mlx.json").read_text() == "as it was"
    assert "ERROR: no mlx" in capsys.readouterr().out


def test_an_unknown_adapter_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With those that there are."""
    with pytest.raises(SystemExit, match=r"there is no adapter 'mxl'; there are .*mlx"):
        matrix.main(["run", "mxl"])


def test_json_of_results_can_be_read_by_anything() -> None:
    """Plain JSON, without NaN."""
    for path in RESULTS.glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
