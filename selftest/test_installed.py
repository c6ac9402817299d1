"""The wheel: the whole suite as one package, with a command that runs from any directory, whatever is called there."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from running import ROOT

PARTS = {"adapters", "experiments", "figures", "harness", "mistakes", "notes", "reference", "specs"}
KERNELS = """
import reference, harness                      # the user's own
from torch.nn.functional import rms_norm

def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    import mistakes                            # and when it is called
    return harness.normalized(x, normalized_shape, weight, bias, eps + reference.NOTHING + mistakes.NONE)
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a wheel has."""
    folder = tmp_path_factory.mktemp("site")
    build = [
        sys.executable,
        "setup.py",
        "--quiet",
        "build",
        f"--build-base={folder / 'build'}",
        f"--build-lib={folder / 'lib'}",
    ]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return folder / "lib"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's project, with modules, options and tests of its own whose names are also the suite's."""
    (tmp_path / "my_kernels.py").write_text(KERNELS)
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "__init__.py").write_text("NOTHING = 0.0\n")
    (tmp_path / "harness.py").write_text("from torch.nn.functional import layer_norm as normalized\n")
    (tmp_path / "mistakes.py").write_text("NONE = 0.0\n")
    (tmp_path / "test_layernorm.py").write_text(
        "def test_own(request): assert request.config.getoption('--device') == 'mine'\n"
    )
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--device', default='mine')\n"
    )
    return tmp_path


def _run(command: list[str], project: Path, site: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    return subprocess.run(
        [sys.executable, "-P", "-m", *command], cwd=project, env=environment, capture_output=True, text=True
    )


def normspec(project: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, in that project."""
    return _run(["normspec", *arguments], project, site)


# -- what is in it ------------------------------------------------------------------------------------------------------


def test_nothing_but_the_package_is_installed(site: Path) -> None:
    """One name at the top level."""
    assert [p.name for p in site.iterdir()] == ["normspec"]


def test_all_that_the_suite_consists_of_is_installed(site: Path) -> None:
    """Every file of every part that git knows, the learner's pages and the self-tests apart."""
    listed = subprocess.run(
        ["git", "ls-files", *PARTS, "conftest.py", "test_*.py"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    expected = {Path(name) for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    assert expected
    assert expected <= {p.relative_to(site / "normspec") for p in site.rglob("*") if p.is_file()}


def test_every_import_of_its_own_has_the_packages_name(site: Path) -> None:
    """In every file, wherever the import stands."""
    imported = set()
    for path in site.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module))
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    assert "normspec.reference" in imported
    assert not {name for name in imported if name.split(".")[0] in PARTS | {"conftest"}}


# -- how it runs --------------------------------------------------------------------------------------------------------


def test_a_project_with_modules_of_the_same_names_gets_its_verdict(project: Path, site: Path) -> None:
    """The user's reference, harness and mistakes stay the user's, the suite's its own; the report names the command."""
    arguments = ["--impl", "my_kernels.py", "--dtype", "float32", "--report", "report.json", "-k", "LN-1 or RM-3", "-q"]
    done = normspec(project, site, *arguments)
    report = json.loads((project / "report.json").read_text())
    assert done.returncode == 0, done.stdout + done.stderr
    assert {r["outcome"] for r in report["records"] if r["clause"] in ("LN-1", "RM-3")} == {"pass"}
    assert report["environment"]["command"] == ["normspec", *arguments]


def test_a_failure_names_the_command_that_shows_it_again(project: Path, site: Path) -> None:
    """Exit status 1, and a line that can be pasted as it is."""
    (project / "harness.py").write_text("def normalized(x, *_): return 2 * x\n")
    done = normspec(project, site, "--impl", "my_kernels.py", "--dtype", "float32", "-k", "test_divisor", "-q")
    again = re.search(r'normspec --impl my_kernels.py "(test_layernorm.py::.*)"', done.stdout)
    assert done.returncode == 1
    assert "normspec --explain LN-3" in done.stdout
    assert again is not None, done.stdout
    assert normspec(project, site, "--impl", "my_kernels.py", again[1], "-q").stdout.count("1 failed")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--explain", "LN-3"], 0, "The variance divides by n"),
        (["--help"], 0, "--impl WHAT"),
        (["--impl", "nowhere.py"], 4, "--impl nowhere.py: there is no file nowhere.py"),
        (["merge", "none.json", "-o", "x.html"], 1, "none.json: No such file or directory"),
    ],
)
def test_the_command_line_is_that_of_pytest_in_a_checkout(
    project: Path, site: Path, arguments: list[str], status: int, said: str
) -> None:
    """The same words, the same exit status, no traceback."""
    done = normspec(project, site, *arguments)
    assert done.returncode == status
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_projects_own_tests_run_as_if_the_suite_were_not_there(project: Path, site: Path) -> None:
    """Its options do not get into anybody else's pytest."""
    done = _run(["pytest", "-q", "-p", "no:cacheprovider"], project, site)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_nothing_is_left_in_the_project_but_the_reports_and_one_cache(project: Path, site: Path) -> None:
    """The cache keeps itself out of git."""
    before = {p.name for p in project.iterdir()}
    normspec(project, site, "--impl", "my_kernels.py", "--dtype", "float32", "-k", "LN-1", "-q", "--report", "r.md")
    assert {p.name for p in project.iterdir()} - before == {"r.md", ".normspec_cache"}
    assert (project / ".normspec_cache" / ".gitignore").read_text()


def test_where_nothing_can_be_written_there_is_a_verdict_all_the_same(project: Path, site: Path) -> None:
    """Only the cache is missing."""
    (project / ".normspec_cache").write_text("a file, where the cache's folder would be")
    done = normspec(project, site, "--impl", "my_kernels.py", "--dtype", "float32", "-k", "LN-1", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ LN-1 " in done.stdout
