"""Writing a run as one JSON document, by the schema beside this file."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.verdict import Record

SCHEMA = Path(__file__).with_name("report.schema.json")
SUFFIXES = (".json",)


def problem(path: Path) -> str | None:
    """Why a report can't be written there, or None."""
    if path.suffix not in SUFFIXES:
        return f"--report {path}: reports are written as {', '.join(SUFFIXES)}, not as {path.suffix or 'a file without a suffix'}"
    if path.is_dir() or not path.resolve().parent.is_dir():
        return f"--report {path}: there is no folder {path.resolve().parent}"
    if not os.access(path.resolve().parent, os.W_OK):
        return f"--report {path}: {path.resolve().parent} can't be written to"
    return None


def environment(devices: list[str], arguments: list[str]) -> dict[str, Any]:
    """Where the run took place: packages, device names, thread counts, command line."""
    import torch

    packages = {}
    for name in ("numpy", "torch", "pytest", "hypothesis", "transformers", "jax", "flax", "onnxruntime"):
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    names = {"cpu": platform.processor() or platform.machine()}
    for device in devices:
        if device == "cuda":
            names[device] = torch.cuda.get_device_name()
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        "devices": {d: names.get(d, d) for d in devices},
        "threads": torch.get_num_threads(),
        "command": ["pytest", *arguments],
    }


def document(
    records: list[Record], devices: list[str], arguments: list[str], benchmarks: list[dict[str, Any]]
) -> dict[str, Any]:
    """The whole report, by the schema; `benchmarks` only where there were any."""
    return {
        **({"benchmarks": benchmarks} if benchmarks else {}),
        "schema": 1,
        "suite": {"name": "normspec", "version": version()},
        "environment": environment(devices, arguments),
        "records": [asdict(r) for r in records],
    }


def version() -> str:
    """The suite's own version."""
    pyproject = Path(__file__).resolve().parent.parent / "pyproject.toml"
    if sys.version_info >= (3, 11) and pyproject.is_file():
        import tomllib

        return str(tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version("normspec")


def write(path: Path, content: dict[str, Any]) -> None:
    """The whole file or none: written beside its place, then moved there."""
    handle, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, allow_nan=False)
            file.write("\n")
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
