"""Whatever the suite is given, it answers in one line: the command, a spec, a report and an implementation, at random."""

from __future__ import annotations

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis.strategies as st
import jsonschema
import pytest
from hypothesis import example, given, settings
from running import ROOT, run
from test_render import BENCHMARK, ENVIRONMENT, Page, document, of_many, record, varied

from harness import clauses, report
from harness.clauses import SpecError, all_clauses
from harness.examples import examples
from harness.implementations import Implementation, NotFound, load
from harness.norms import NORMS
from harness.report import ReportError, rendered

THOROUGH = max(1, settings().max_examples // 15)  # so many times as much as without a profile
LONG = "x" * 5000
TEXT = st.text(st.characters(exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", " ", "-", "--", "=", ".", "..", "/", "//", "~", "a=b", "a/b", "a:b", "*", "[", "(", "%s", "{}", "\n", "é", "中文", "\u202e", "\x1b[31m",
     "\udc80", "ß", "０", LONG, f"{LONG}.py", f"{LONG}.json"]
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of all examples are written."""
    return tmp_path_factory.mktemp("fuzz")


# -- the command -------------------------------------------------------------------------------------------------------

VALUES = {
    "--impl": ["torch", "reference", "torch.nn.functional", "exercises", "specs", "conftest.py", "layer_norm=", "layer_norm=torch:nn",
               "rms_norm=torch.nn:RMSNorm", "=torch", "test_layernorm.py", "adapters", "adapters.nothing", "."],
    "--device": ["cpu", "cuda", "CPU", "cpu,cuda"],
    "--dtype": ["float32", "f32", "bf16", "float8", "FLOAT32"],
    "--report": ["a.json", "a.xyz", "json", ".json", "/proc/a.md", "conftest.py/a.json", "missing/a.html", "/dev/null"],
    "--hint": ["1", "2", "3", "4", "next", "-1"],
    "--explain": ["LN-3", "ln-3", "LN-03", "LN-", "XX-1", "LN-3 LN-4"],
    "--lang": ["en", "zh", "EN", "de"],
    "--shard": ["1/1", "2/3", "0/3", "4/3", "1/0", "a/b", "1/2/3", "1e1/10", "-1/2", "१/२", "99999/99999"],
    "--seed": ["0", "7", "-1", "1e3", str(2**70)],
    "--call-timeout": ["0", "-1", "nan", "inf", "1e-9"],
    "--run-timeout": ["0", "ten"],
    "--benchmark-scale": ["small", "full", "none"],
    "--benchmark-rows": ["0", "-1", "1", "1e3", "1.5"],
    "--benchmark-hidden": ["0", "8", "inf"],
    "--benchmark-cache": ["cold", "hot", "warm"],
    "--figures": ["pyproject.toml", "conftest.py/pictures"],  # nothing that could be drawn into
}  # fmt: skip
OPTION = st.sampled_from(list(VALUES)).flatmap(
    lambda name: st.tuples(
        st.just(name), st.sampled_from(VALUES[name]) | (st.nothing() if name == "--figures" else TEXT)
    )
)


@settings(max_examples=40 * THOROUGH)
@given(
    st.lists(OPTION, min_size=1, max_size=3),
    st.lists(st.sampled_from(["--strict-should", "--hint", "--benchmark-any-machine"]), max_size=1),
)
@example([("--impl", LONG)], [])
@example([("--report", f"{LONG}.json")], [])
def test_no_command_ends_in_a_traceback(options: list[tuple[str, str]], flags: list[str]) -> None:
    """It is obeyed or refused, with an exit status that says which."""
    arguments = [*(f"{name}={value}" for name, value in options), *flags]
    result = run("--collect-only", "-q", "test_layernorm.py", "-k", "LN-3", *arguments)

    assert result.status in (0, 4, 5)
    assert not re.search("Traceback|INTERNALERROR", result.printed)
    assert result.status != 4 or result.stderr.startswith("ERROR: ")


# -- a spec ------------------------------------------------------------------------------------------------------------

SPEC = (ROOT / "specs" / "smoothness.md").read_text(encoding="utf-8").splitlines()
GARBLED = TEXT | st.sampled_from(["## ", "## LN-3", "## LN-3 ", "## LN-03 a", "## ln-3 a", "# LayerNorm", "**Must.**", "**May.** a", "```", "```python",
                                  ">>>", ">>> 1 +", ">>>1", ">>> x\n1\n  ... y", "    >>> x", "...", "---", "\x0c", "#" * 50])  # fmt: skip
CHANGE = st.tuples(
    st.sampled_from(["drop", "double", "swap", "garble", "insert"]), st.integers(0, len(SPEC) - 1), GARBLED
)


def changed(lines: list[str], changes: list[tuple[str, int, str]]) -> str:
    """The text with each change made to one of its lines."""
    lines = list(lines)
    for what, place, text in changes:
        n = place % len(lines)
        lines[n : n + 1] = {
            "drop": [], "double": [lines[n], lines[n]], "swap": [lines[n - 1]], "garble": [lines[n][: place % 7] + text],
            "insert": [text, lines[n]],
        }[what] or [""]  # fmt: skip
    return "\n".join(lines)


@settings(max_examples=200 * THOROUGH)
@given(st.lists(CHANGE, max_size=5), st.sampled_from([b"", b"\xff", b"\n\n\xe4", b"\0"]), st.integers(0, 20000))
def test_a_spec_is_read_or_refused_by_its_line(
    folder: Path, changes: list[tuple[str, int, str]], bytes_: bytes, place: int
) -> None:
    """With its file; that clauses stand twice too, and what is no example."""
    content = changed(SPEC, changes).encode(errors="replace")
    (folder / "spec.md").write_bytes(content[:place] + bytes_ + content[place:])

    said = "spec.md:1"
    try:
        with mock.patch.object(clauses, "SPECS", folder):
            found = all_clauses.__wrapped__()
        for clause in found.values():
            examples(clause)
    except SpecError as e:
        said = str(e)

    assert re.fullmatch(r".*\bspec\.md:[1-9]\d*.*", said)


# -- a report ----------------------------------------------------------------------------------------------------------

SCALAR = st.sampled_from([None, True, False, 0, 1, -1, 2.0, 0.5, 1e-320, 1e308, -1e308, 10**308, 2**64, float("nan"), float("inf"), "", "pass",
                          "fail", "study", "must", "LN-3", "LN-3\n", "constructor", "1/2", "9999/9999", "2026-01-01", "\0", "\ud800", "</script>", "x" * 4001])  # fmt: skip
VALUE = (
    SCALAR
    | TEXT
    | st.recursive(SCALAR, lambda v: st.lists(v, max_size=3) | st.dictionaries(TEXT, v, max_size=3), max_leaves=5)
)
EDIT = st.tuples(
    st.sampled_from(["put", "like", "drop", "double", "add"]),
    st.lists(st.integers(0, 30), min_size=1, max_size=5),
    VALUE,
)
CONTENTS = [varied(), of_many(), document(record(norm="rms_norm", clause="RM-1"))]
LIKE: dict[type, list[Any]] = {
    str: ["a", "layer_norm", "float32", "LN-3", "1/2", "study", "fail", "x" * 3000, "\u2028", "<b>"],
    int: [1, 2, 10**9, 10**300], float: [0, 1e-320, 1e-9, 1.0, 1e300, 1e308, 10**300],
}  # fmt: skip


def edited(content: Any, edits: list[tuple[str, list[int], Any]]) -> Any:
    """The document with each edit made where its numbers lead."""
    content = copy.deepcopy(content)
    for what, way, value in edits:
        place, key = content, None
        for number in way:
            inner = place[key] if key is not None else place
            if not isinstance(inner, dict | list) or not inner:
                break
            place = inner
            key = list(place)[number % len(place)] if isinstance(place, dict) else number % len(place)
        if key is None:
            return value
        if what == "put":
            place[key] = value
        elif what == "like":
            known = LIKE.get(type(place[key]))
            place[key] = known[way[0] % len(known)] if known else value
        elif what == "drop":
            del place[key]
        elif isinstance(place, list):
            place.insert(way[0] % (len(place) + 1), copy.deepcopy(place[key]) if what == "double" else value)
        else:
            place[str(value)[:20] if what == "add" else f"{key} again"] = copy.deepcopy(place[key])
    return content


def _tried(path: Path) -> tuple[dict[str, Any] | None, str]:
    """The merged document, or what was said of the file."""
    try:
        return report.merged([path], last=True), ""
    except ReportError as e:
        return None, str(e)


@settings(max_examples=150 * THOROUGH)
@given(st.sampled_from(CONTENTS), st.lists(EDIT, max_size=4), st.sampled_from([b""] * 8 + [b"\xff", b"\xef\xbb\xbf", b"\0", b"[" * 3000, b'"', b"1e999", b"9" * 5000]),
       st.integers(0, 3000))  # fmt: skip
def test_a_report_is_merged_and_shown_or_refused_by_its_field(
    folder: Path, content: Any, edits: list[tuple[str, list[int], Any]], bytes_: bytes, place: int
) -> None:
    """Whether jsonschema is there or not; what is taken can be shown as HTML and as Markdown."""
    path = folder / "report.json"
    text = json.dumps(edited(content, edits)).encode()
    path.write_bytes(text[:place] + bytes_ + text[place:])

    found, said = _tried(path)
    with mock.patch.dict(sys.modules, {"jsonschema": None}):
        plain, plainly = _tried(path)

    assert plain == found
    assert (found is None) == bool(re.match(rf"{re.escape(str(path))}: \S.*", said)) == plainly.startswith(f"{path}: ")
    assert max(map(len, (said + plainly).splitlines()), default=0) < 2500
    if found is not None:
        jsonschema.validate(found, json.loads(report.SCHEMA.read_text(encoding="utf-8")))
        assert Page(rendered(found, ".html")).unbalanced == []
        assert rendered(found, ".md").startswith("## normspec ")


EXTREME = st.sampled_from([0, 1, 5e-324, 1e-320, 0.1, 10**18, 1e18, 1e19, 1e308, 10**308])
FIGURES = st.fixed_dictionaries({}, optional=dict.fromkeys(("rounds", "time_s", "iqr_s", "moved_bytes", "bandwidth_bytes_per_s", "roof_bytes_per_s", "share_of_roof", "launch_time_s"), EXTREME))  # fmt: skip
BARE = {name: BENCHMARK[name] for name in BENCHMARK if name not in ("rounds", "time_s", "iqr_s", "moved_bytes", "bandwidth_bytes_per_s",
                                                                    "roof_bytes_per_s", "share_of_roof")}  # fmt: skip


@settings(max_examples=60 * THOROUGH)
@given(EXTREME, EXTREME, st.lists(FIGURES, max_size=3), st.lists(EXTREME, max_size=3))
@example(1e308, 1, [], [])
@example(0, 10**308, [{"moved_bytes": 10**18}], [10**18])
@example(0, 1, [{"moved_bytes": 1, "share_of_roof": 0}, {"moved_bytes": 10**18, "share_of_roof": 1e18}], [])
def test_a_figure_is_shown_or_refused(
    folder: Path, worst: float, threads: int, figures: list[dict[str, Any]], shape: list[int]
) -> None:
    """However large or small it is, and whichever of them are there."""
    benchmarks = [{**BARE, **f, "shape": shape} for f in figures]
    content = document(record(worst=worst), benchmarks=benchmarks, environment={**ENVIRONMENT, "threads": threads})
    (folder / "figures.json").write_text(json.dumps(content))

    found, said = _tried(folder / "figures.json")

    assert (found is None) == (re.search(r"figures\.json: (benchmarks\[|environment\.threads: )", said) is not None)
    if found is not None:
        assert Page(rendered(found, ".html")).unbalanced == []
        assert "nan" not in rendered(found, ".md")


# -- an implementation -------------------------------------------------------------------------------------------------

EXPRESSION = st.sampled_from(
    ["None", "3", "''", "'float32'", "'cuda'", "()", "[]", "{}", "('float32',)", "('',)", "('\\x1b[31m',)", "['float32', 'float8']", "[[]]", "[None]", "(b'cpu',)", "{'cpu': 1}", "lambda *a: a",
     "iter(['cpu'])", "object()", "type", "float('nan')", "{'LN-3': 'reason'}", "{'LN-3': None}", "{3: 'reason'}", "{'LN-3[': 'reason'}", "{'LN-3[quux]': ''}",
     "{'LN-999': 'reason'}", "['LN-3']", "{'\\n': '\\x1b[31m\\ud800'}", "'1.0\\n\\x1b[31m'", "'v' * 10**6", "Odd()", "Odd", "torch.nn.LayerNorm", "Unsigned", "torch.zeros(2)",
     "torch.nn.functional.layer_norm"]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        *NORMS,
        "DTYPES",
        "DEVICES",
        "KNOWN_FAILURES",
        "from_numpy",
        "to_numpy",
        "vjp",
        "__version__",
        "__name__",
        "PACKAGE",
        "__getattr__",
    ]
)
ENDS = st.sampled_from(
    [""] * 12 + ["raise SystemExit", "raise SystemExit(3)", "raise GeneratorExit('a\\nb')", "raise Own('x' * 10**6)", "raise Odd()", "raise type('N\\n', (Exception,), {})",
     "import pytest; pytest.skip('no', allow_module_level=True)", "import pytest; pytest.exit('no')", "import nothing_of_that_name", "def layer_norm(:", "x = '", "\0", "é\udcff",
     "raise ImportError", "raise ImportError(name=3)", "raise SyntaxError", "raise SyntaxError(3)", "raise NotImplementedError", "raise MemoryError", "1 / 0", "print('\\ud800')",
     "def __getattr__(name): raise RuntimeError(name)", "def __getattr__(name): return name", "import sys; sys.modules[__name__] = 3", "def f(): f()\nf()", "(" * 5000]
)  # fmt: skip
HEAD = """import torch
import torch.nn.functional

class Own(BaseException): pass

class Odd(Exception):
    def __str__(self): raise RuntimeError("no text")
    __repr__ = __str__
    def __iter__(self): raise RuntimeError("no items")
    __len__ = __bool__ = __eq__ = __iter__
    __hash__ = None

class Unsigned(torch.nn.Module):
    __signature__ = 3

"""


def _loaded(what: str) -> None:
    """Loads it, or is told in one line why not."""
    before = dict(sys.modules)
    try:
        found = load(what, set(all_clauses()))
    except NotFound as e:
        said = str(e)
        assert said.startswith("--impl ")
        assert said.isprintable()
        assert len(said) <= 1000
    else:
        assert isinstance(found, Implementation)
        assert found.dtypes
        assert found.devices
        assert {type(name) for name in (*found.dtypes, *found.devices, found.version)} == {str}
        assert "".join((*found.dtypes, *found.devices, found.version)).isprintable()
    finally:
        for name in set(sys.modules) - set(before):
            if (getattr(sys.modules[name], "__file__", None) or "").startswith("/tmp"):
                del sys.modules[name]


@settings(max_examples=250 * THOROUGH)
@given(
    st.lists(st.tuples(NAMES, EXPRESSION), max_size=4),
    ENDS,
    st.sampled_from(["", "layer_norm={}:layer_norm", "rms_norm={}:Odd", "rms_norm={}:"]),
)
def test_a_file_is_an_implementation_or_refused(
    folder: Path, names: list[tuple[str, str]], end: str, form: str
) -> None:
    """Whatever stands in it."""
    lines = [HEAD, *(f"{name} = {value}" for name, value in names), end]
    path = folder / f"own_{len(names)}.py"
    path.write_text("\n".join(lines), encoding="utf-8", errors="surrogateescape")

    _loaded(form.format(path) or str(path))


WHAT = st.lists(st.sampled_from([*NORMS, "=", ":", ".", "..", "/", ".py", "torch", "jax", "adapters", "conftest", "tmp", "\0", "\n", " ", "exercises"]) | TEXT,
                max_size=5).map("".join)  # fmt: skip


@settings(max_examples=250 * THOROUGH)
@given(WHAT)
@example("a\0b.py")
@example(f"{LONG}.py")
@example("/tmp")
@example("layer_norm=/tmp:x")
def test_a_name_is_an_implementation_s_or_refused(what: str) -> None:
    """Whatever it is."""
    _loaded(what)
