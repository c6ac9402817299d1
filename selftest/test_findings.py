"""FINDINGS.md: what it says of a package is what the package's record shows, and what its script prints."""

from __future__ import annotations

import importlib.util
import re

import pytest
from findings import PAGE, Finding, findings, overview

from harness.clauses import all_clauses
from harness.formats import FORMATS
from harness.matrix import RESULTS, unpacked

ALL = list(findings())
MODULES = {
    "onnx-reference": "onnx",
    "apache-tvm": "tvm",
    "dm-haiku": "haiku",
    "paddlepaddle": "paddle",
    "liger-kernel": "liger_kernel",
}
OF_EACH = pytest.mark.parametrize("finding", ALL, ids=lambda f: f.title[:60])


def test_every_entry_of_the_page_is_read() -> None:
    """By its headings; there are at least fifteen, of at least ten packages."""
    assert [f.title for f in ALL] == re.findall(r"^### (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(ALL) >= 15
    assert len({f.package for f in ALL}) >= 10


def test_each_stands_under_its_package() -> None:
    """And has a title of its own, by which the table above links to it."""
    page = PAGE.read_text(encoding="utf-8")
    headings = [(m.start(), m[1]) for m in re.finditer(r"^## (.+)$", page, re.MULTILINE)]
    above = [max((at, name) for at, name in headings if at < page.index(f"### {f.title}\n"))[1] for f in ALL]
    assert above == [f.package for f in ALL]
    assert len({f.title.lower() for f in ALL}) == len(ALL)


def test_the_overview_lists_them_all() -> None:
    """`overview` makes it of the entries."""
    assert overview(ALL) in PAGE.read_text(encoding="utf-8")


@OF_EACH
def test_it_is_about_must_clauses(finding: Finding) -> None:
    """No Should, and nothing that sound implementations do differently."""
    assert {all_clauses()[clause].level for clause in finding.clauses} == {"must"}


@OF_EACH
def test_the_record_of_the_package_shows_it(finding: Finding) -> None:
    """In the version that it names: each clause fails in one of the dtypes, and each dtype has a clause that fails.

    What some machines alone show a record of another one shows nothing of.
    """
    records = unpacked(RESULTS / f"{finding.adapter}.json")["records"]
    broken = {(r["clause"], r["dtype"]) for r in records if r["outcome"] in ("fail", "known_failure")}
    assert {r["version"].split("-")[0] for r in records} == {finding.version}
    assert set(finding.dtypes) <= set(FORMATS)
    shown = {clause for clause, dtype in broken if dtype in finding.dtypes}
    if finding.machines and shown.isdisjoint(finding.clauses):
        return
    assert shown >= set(finding.clauses)
    assert {dtype for clause, dtype in broken if clause in finding.clauses} >= set(finding.dtypes)


@OF_EACH
def test_its_script_is_five_lines_with_that_package_alone(finding: Finding) -> None:
    """And NumPy, or what the standard library has."""
    assert len(finding.script.splitlines()) <= 5
    assert "normspec" not in finding.script
    assert not re.search(r"(import|from) (harness|reference|adapters)\b", finding.script)


@OF_EACH
def test_its_script_prints_what_the_page_says(finding: Finding) -> None:
    """Where the package is installed; `python selftest/findings.py` in an environment that has them all runs every one."""
    module = MODULES.get(finding.package, finding.package.replace("-", "_"))
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{finding.package} is not installed")
    assert finding.run() == finding.printed


def test_every_known_issue_is_a_link_or_said_to_be_none() -> None:
    """Nobody is told that a thing is known without being told where."""
    assert {
        f.title for f in ALL if "](https://" not in f.known and f.known != "not reported as far as we looked"
    } == set()
    assert {f.title for f in ALL if f.documented != "no" and "](https://" not in f.documented} == set()
