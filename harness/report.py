"""A run as one JSON document, by the schema beside this file: made, read, merged with others, written.

`python -m harness.report merge a.json b.json -o matrix.html` makes one report of several.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata, util
from pathlib import Path
from typing import Any

from harness import COMMAND, PACKAGE, ROOT, grades, install, shards, verdict
from harness.clauses import all_clauses
from harness.formats import FORMATS
from harness.text import CUT, one_line
from harness.verdict import STUDY, UNCHECKED, Record

SCHEMA = Path(__file__).with_name("report.schema.json")
SUFFIXES = (".json", ".html", ".md")
REMEDY = f"HTML needs Jinja2: {install('report')}"

# Whose version a result may depend on, where it is in use: modules, and those whose package has another name.
PACKAGES = ("numpy", "torch", "pytest", "hypothesis", "transformers", "diffusers", "x_transformers", "jax", "jaxlib",
            "flax", "equinox", "keras", "onnx", "onnxruntime", "openvino", "mlx", "tinygrad", "triton")  # fmt: skip
RENAMED = {"haiku": "dm-haiku", "paddle": "paddlepaddle", "tvm": "apache-tvm", "liger_kernel": "liger-kernel"}

Document = dict[str, Any]


class ReportError(ValueError):
    """A file that is no report or can't be written, or reports that contradict each other; the message names file and field."""

    def __init__(self, message: str):
        super().__init__(one_line(message, 1000))


def problem(path: Path, option: str = "--report") -> str | None:
    """Why a report can't be written there, or None."""
    try:
        parent, is_folder = path.resolve().parent, path.is_dir()
    except (OSError, ValueError, RuntimeError) as e:  # too long, a NUL, a link to itself
        return f"{option} {path}: {e.strerror if isinstance(e, OSError) else e}"
    if path.suffix not in SUFFIXES:
        return f"{option} {path}: reports are written as {', '.join(SUFFIXES)}, not as {path.suffix or 'a file without a suffix'}"
    if path.suffix == ".html" and util.find_spec("jinja2") is None:
        return f"{option} {path}: {REMEDY}"
    if is_folder:
        return f"{option} {path}: it is a folder"
    if not parent.is_dir():
        return f"{option} {path}: there is no folder {parent}"
    if not os.access(parent, os.W_OK):
        return f"{option} {path}: {parent} can't be written to"
    return None


def environment(
    devices: list[str], arguments: list[str], seconds: dict[str, dict[str, float]], shard: str | None = None
) -> dict[str, Any]:
    """Where and when the run took place: packages, device names, thread counts, command line; whose time it took."""
    import torch

    packages = {}
    for module in sys.modules.keys() & {*PACKAGES, *RENAMED}:
        with contextlib.suppress(metadata.PackageNotFoundError):  # a checkout of the package, without a version
            packages[RENAMED.get(module, module)] = metadata.version(RENAMED.get(module, module))
    names = {"cpu": platform.processor() or platform.machine()}
    for device in devices:
        if device == "cuda":
            names[device] = torch.cuda.get_device_name()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted(packages.items())),
        "devices": {d: names.get(d, d) for d in devices},
        "threads": torch.get_num_threads(),
        "command": [COMMAND, *arguments],
        "seconds": {name: {whose: round(s, 1) for whose, s in spent.items()} for name, spent in seconds.items()},
        **({"shard": shard} if shard else {}),
    }


def document(
    records: list[Record],
    devices: list[str],
    arguments: list[str],
    benchmarks: list[dict[str, Any]],
    seconds: dict[str, dict[str, float]],
    shard: str | None = None,
) -> dict[str, Any]:
    """The whole report, by the schema; `benchmarks` only where there were any."""
    return {
        **({"benchmarks": benchmarks} if benchmarks else {}),
        "schema": 1,
        "suite": {"name": "normspec", "version": version()},
        "environment": environment(devices, arguments, seconds, shard),
        "records": [asdict(r) for r in records],
    }


def version() -> str:
    """The suite's own version."""
    pyproject = ROOT / "pyproject.toml"
    if sys.version_info >= (3, 11) and pyproject.is_file():
        import tomllib

        return str(tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version("normspec")


def rendered(content: Document, suffix: str) -> str:
    """The whole file, as its suffix says."""
    if suffix == ".json":
        return json.dumps(content, indent=1, allow_nan=False) + "\n"
    from harness.render import html, markdown

    return html(content) if suffix == ".html" else markdown(content)


def write(path: Path, content: Document) -> None:
    """The report, whole or not at all. Raises ReportError."""
    try:
        written(path, rendered(content, path.suffix).encode())
    except OSError as e:
        raise ReportError(f"{path}: it can't be written: {e.strerror}") from e


def written(path: Path, content: bytes) -> None:
    """The whole file or none: written beside its place, then moved there."""
    handle, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=".normspec-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


# -- reading -----------------------------------------------------------------------------------------------------------


def _number(text: str) -> float:
    """A number of a JSON document; Python would also read 1e999 and NaN, which JSON has not."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{_short(text)} is no number")
    return int(text) if text.lstrip("-").isdecimal() else value


def read(path: Path) -> Document:
    """A report that follows the schema. Raises ReportError."""
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text, parse_constant=_number, parse_float=_number, parse_int=_number)
    except OSError as e:
        raise ReportError(f"{path}: {e.strerror}") from e
    except (ValueError, RecursionError) as e:
        raise ReportError(f"{path}: no JSON document: {e}") from e
    return checked(content, path)


def checked(content: Any, path: Path) -> Document:
    """The document, if it follows the schema; `path` is where it comes from. Raises ReportError."""
    try:
        fault = next(_faults(content), None)
    except RecursionError:
        fault = "the document: lists or objects stand in each other too deep"
    if fault:
        raise ReportError(f"{path}: {fault}")
    document: Document = content
    return document


def _faults(content: Any) -> Iterator[str]:
    """What the schema refuses, with its field: `records[3].outcome: 'passed' is not one of ...`."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    try:
        import jsonschema
    except ImportError:
        yield from _plain_faults(content, schema, schema["$defs"], "")
        return
    for error in jsonschema.Draft202012Validator(schema).iter_errors(content):
        field = "".join(f"[{p}]" if isinstance(p, int) else f".{_short(p)}" for p in error.absolute_path).lstrip(".")
        yield f"{field or 'the document'}: {_short(error.message)}"


TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def _is(value: Any, kind: str) -> bool:
    """Whether JSON calls it so: 2.0 is an integer, and a truth value is no number."""
    whole = kind == "integer" and isinstance(value, float) and value.is_integer()
    return (isinstance(value, TYPES[kind]) or whole) and not isinstance(value, bool)


# What a rule may say of a value, and when that does not hold.
LIMITS: dict[str, Callable[[Any, Any], bool]] = {
    "minLength": lambda value, least: isinstance(value, str) and len(value) < least,
    "maxLength": lambda value, most: isinstance(value, str) and len(value) > most,
    "pattern": lambda value, form: isinstance(value, str) and not re.search(form, value),
    "minimum": lambda value, least: isinstance(value, int | float) and value < least,
    "maximum": lambda value, most: isinstance(value, int | float) and value > most,
    "exclusiveMinimum": lambda value, least: isinstance(value, int | float) and value <= least,
    "minItems": lambda value, least: isinstance(value, list) and len(value) < least,
    "uniqueItems": lambda value, _: isinstance(value, list) and len({json.dumps(v) for v in value}) < len(value),
    "const": lambda value, only: isinstance(value, bool) or value != only,
    "enum": lambda value, known: isinstance(value, bool) or value not in known,
}


def _plain_faults(value: Any, rule: Any, definitions: Any, field: str) -> Iterator[str]:
    """The same without jsonschema, for what the schema makes use of."""
    if "$ref" in rule:
        rule = definitions[rule["$ref"].rpartition("/")[2]]
    kinds = [rule["type"]] if isinstance(rule.get("type"), str) else rule.get("type", [])
    broken = next((name for name in LIMITS if name in rule and LIMITS[name](value, rule[name])), None)
    if kinds and not any(_is(value, k) for k in kinds):
        yield f"{field or 'the document'}: {_short(repr(value))} is not of type {' or '.join(kinds)}"
    elif broken in ("const", "enum"):
        yield f"{field}: {_short(repr(value))} is not one of {rule.get('enum', [rule.get('const')])}"
    elif broken:
        yield f"{field}: {_short(repr(value))} breaks {broken} {rule[broken]}"
    elif isinstance(value, dict):
        properties, others = rule.get("properties", {}), rule.get("additionalProperties")
        for key in rule.get("required", ()):
            if key not in value:
                yield f"{field or 'the document'}: {key!r} is missing"
        for key, entry in value.items():
            if key not in properties and others is False:
                yield f"{field or 'the document'}: {_short(repr(key))} was unexpected"
            else:
                inner = f"{field}.{_short(key)}".lstrip(".")
                yield from _plain_faults(entry, properties.get(key, others), definitions, inner)
    elif isinstance(value, list):
        for i, entry in enumerate(value):
            yield from _plain_faults(entry, rule["items"], definitions, f"{field}[{i}]")


def _short(text: str) -> str:
    return one_line(text if len(text) <= 200 else text[:190] + CUT)


# -- merging -----------------------------------------------------------------------------------------------------------

AGREE = ("version", "norm", "level", "outcome", "choice")  # in which two records of the same must not differ
AGREE_OF_SHARDS = AGREE[:3]


def merged(paths: Sequence[Path], last: bool = False) -> Document:
    """One document of several files. Raises ReportError."""
    return joined({str(path): read(path) for path in paths}, last)


def joined(documents: Mapping[str, Document], last: bool = False) -> Document:
    """One document of several, by their files: environments and timings stand side by side, the records as in one run.

    Where shards of a run are not among them, `missing` says which.

    A record that two files have must be the same in both, the error and the arithmetic apart, of which the worse stands;
    with `last` the later file's stands. In two shards of one run it may differ, as between two tests of one run: what an
    implementation does to others is noticed in any check. Raises ReportError.
    """
    environments = {f: [run["environment"] for run in d.get("merged", [d])] for f, d in documents.items()}
    divided = {file: {shards.run_of(e) for e in es} - {None} for file, es in environments.items()}
    records: dict[tuple[str, str, str, str], tuple[str, Record]] = {}
    contradictions = []
    for file, content in documents.items():
        for record in (Record(**r) for r in content["records"]):
            first, other = records.get(record.key, (file, record))
            of_one_run = record is not other and divided[first] & divided[file]
            names = AGREE_OF_SHARDS if of_one_run else AGREE
            differs = [name for name in names if getattr(record, name) != getattr(other, name)]
            if of_one_run and not differs:
                records[record.key] = file, verdict.worse(other, record)
            elif differs and not last:
                said = [f"{differs[0]} {getattr(r, differs[0])!r} in {f}" for f, r in ((first, other), (file, record))]
                contradictions.append(
                    f"{record.clause} of {' on '.join(record.key[:2])} in {record.dtype} has {' and '.join(said)}"
                )
            elif last or record is other:
                records[record.key] = file, record
            else:
                grade = grades.worst(record.grade, other.grade)
                file_of_worse, worse = max(
                    (first, other), (file, record), key=lambda r: -1.0 if r[1].worst is None else r[1].worst
                )
                worse.grade = grade
                records[record.key] = file_of_worse, worse
    if contradictions:
        more = f" ({len(contradictions) - 1} more like it)" if contradictions[1:] else ""
        raise ReportError(f"{contradictions[0]}{more}; with --last the later file's stands")
    runs = [run for file, content in documents.items() for run in content.get(
        "merged", [{"file": file, "environment": content["environment"]}])]  # fmt: skip
    timed = [{"file": file, **b} for file, content in documents.items() for b in content.get("benchmarks", [])]
    checked = {r.implementation for _, r in records.values() if r.outcome not in UNCHECKED}
    absent = shards.missing([e for es in environments.values() for e in es], checked)
    return {
        **({"missing": absent} if absent else {}),
        **({"benchmarks": _once(timed)} if timed else {}),
        "schema": 1,
        "suite": {"name": "normspec", "version": ", ".join(_once(d["suite"]["version"] for d in documents.values()))},
        "environment": runs[0]["environment"],
        "merged": _once(runs),
        "records": [asdict(r) for r in _in_order([r for _, r in records.values()])],
    }


def _once(values: Any) -> list[Any]:
    """Each value once, in the order in which they come first."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _in_order(records: list[Record]) -> list[Record]:
    """As a run has them: by implementation, the facts last, then device, clause and dtype."""
    names = _once(r.implementation for r in records)
    clauses, formats = list(all_clauses()), list(FORMATS)

    def place(r: Record) -> tuple[Any, ...]:
        clause = clauses.index(r.clause) if r.clause in clauses else len(clauses)
        dtype = formats.index(r.dtype) if r.dtype in formats else len(formats)
        facts = r.implementation == STUDY and r.level == "study"
        return facts, names.index(r.implementation), r.device, clause, r.clause, dtype, r.dtype

    return sorted(records, key=place)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `merge`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="normspec" if PACKAGE else "python -m harness.report", description="Reports of several runs as one."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("merge", help="one report of several, or the same one in another form", description=(
        "Joins the reports of several machines and packages into one, or renders a single one as HTML or Markdown."))  # fmt: skip
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a report that --report wrote as .json")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="PATH", help=(
        f"where the result is written, by its suffix: {', '.join(SUFFIXES)}"))  # fmt: skip
    command.add_argument("--last", action="store_true", help=(
        "where two files differ about the same clause the later one stands; without it that is an error"))  # fmt: skip
    given = parser.parse_args(arguments)
    if wrong := problem(given.output, "-o"):
        raise SystemExit(wrong)
    try:
        content = merged(given.files, given.last)
        write(given.output, content)
    except ReportError as e:
        raise SystemExit(str(e)) from e
    for said in content.get("missing", []):
        print(said, file=sys.stderr)
    return 1 if "missing" in content else 0


if __name__ == "__main__":
    raise SystemExit(main())
