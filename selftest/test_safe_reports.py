"""An implementation that says what could act: on a terminal, in JUnit's XML, in a report, on the page of a browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from running import ROOT

from harness import text
from harness.report import read

# What each text of the implementation says; a file's name can't have a slash, so that the folder's name begins it.
MARKUP = "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>\\\"><!-- {{ 7 * 7 }} ]]>"
CODES = "\\x1b[31mred\\x1b]0;title\\x07\\x00\\ud800\\u202e\\ufffe"
HOSTILE = f"""'''{MARKUP}'''
import sys

SAID = "{MARKUP}{CODES}"
DTYPES = ("float32",)
KNOWN_FAILURES = {{"RM-7": SAID}}
__version__ = SAID


def rms_norm(x, normalized_shape, weight=None, eps=None):
    print("out" * 30_000, SAID)
    print("err" * 30_000, SAID, file=sys.stderr)
    raise type("Own<b>Error", (Exception,), {{}})(SAID)
"""
PRINTABLE = re.compile(r"[^\n\t -~\x80-\ufffd]|[\x7f-\x9f\u202e\ud800-\udfff]|\[31m")


@dataclass
class Left:
    """What a run leaves."""

    status: int
    printed: str
    folder: Path

    def file(self, suffix: str) -> str:
        return (self.folder / f"run{suffix}").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=[["--tb=auto"], ["--tb=short", "-n", "1"]], ids=["one process", "several"])
def left(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A run of one clause that fails, one that is declared and all that pytest writes of them, with what was printed."""
    folder = tmp_path_factory.mktemp("run")
    file = folder / "<script>document.title='owned'<" / "script>.py"
    file.parent.mkdir()
    file.write_text(HOSTILE, encoding="utf-8", errors="surrogatepass")
    command = [
        sys.executable, "-m", "pytest", "test_rmsnorm.py", "-k", "test_statistics or test_eps_inside", f"--impl={file}", "-p", "no:cacheprovider", "-v", "-rA",
        *request.param, f"--junitxml={folder / 'run.xml'}", "-o", "junit_logging=all",
        *(f"--report={folder / 'run'}{suffix}" for suffix in (".json", ".html", ".md")),
    ]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    return Left(done.returncode, (done.stdout + done.stderr).decode(errors="surrogateescape"), folder)


def test_the_run_ends_as_any_other(left: Left) -> None:
    """A failure and a known one; pytest itself does not break on what it is told."""
    records = read(left.folder / "run.json")["records"]

    assert left.status == 1, left.printed
    assert {r["outcome"] for r in records if r["norm"] == "rms_norm"} == {"error", "known_failure"}
    assert "INTERNALERROR" not in left.printed


def test_the_terminal_gets_no_code_of_an_implementation(left: Left) -> None:
    """Neither from its messages nor from what it prints."""
    assert PRINTABLE.findall(left.printed) == []
    assert "Own_b_Error: <script>" in left.printed


def test_junit_s_file_is_xml(left: Left) -> None:
    """And says in text what the implementation said in markup."""
    tree = ElementTree.fromstring(left.file(".xml"))
    texts = [*tree.itertext(), *(value for e in tree.iter() for value in e.attrib.values())]

    assert {e.tag for e in tree.iter()} <= {"testsuites", "testsuite", "testcase", "properties", "property", "failure", "skipped",
                                            "system-out", "system-err"}  # fmt: skip
    assert any("<script>document.title='owned'</script>" in said for said in texts)
    assert [said for said in texts if "#x" in said] == []


def test_what_is_printed_is_bounded(left: Left) -> None:
    """Ninety thousand characters a call are neither shown nor kept; the end of them is, until the run has printed enough."""
    captured = [e.text or "" for e in ElementTree.fromstring(left.file(".xml")).iter() if e.tag.startswith("system-")]

    assert len(captured) > 2
    assert max(map(len, captured)) < 5 * text.MESSAGE_LIMIT
    assert any("outoutout <script>" in said for said in captured)
    assert any("errerrerr <script>" in said for said in captured)
    assert len(left.printed) < 500_000


def test_a_record_has_no_character_that_acts(left: Left) -> None:
    """Version, reason and message are cleaned before anything is made of them."""
    records = [r for r in read(left.folder / "run.json")["records"] if r["norm"] == "rms_norm"]

    assert {PRINTABLE.search(str(value)) for r in records for value in r.values()} == {None}
    assert all("{{ 7 * 7 }}" in r["message"] for r in records)


@pytest.mark.parametrize("limit", [20, 100, 4000])
def test_a_bounded_text_is_no_longer_than_its_bound(limit: int) -> None:
    """Whatever it is made of; the beginning is kept, of what was printed the end."""
    long = "start " + "\x1b[1m\r\n" * 3000 + " end"

    assert len(text.bounded(long, limit)) <= limit
    assert text.bounded(long, limit).startswith("start"[: limit - 20])
    assert text.ending(long, limit).endswith(" end")
    assert text.one_line(long, limit).isprintable()
