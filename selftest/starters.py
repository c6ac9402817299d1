"""The exercises: each reference with its bodies left blank. `python selftest/starters.py` writes exercises/."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness.lessons import LESSONS, references  # noqa: E402

HEAD = '''"""{title}: the exercises of specs/{lesson}.md.

Write the bodies. `pytest --impl exercises` says how far you are, `pytest --explain {first}` what a clause is about.
With `import torch` up here your functions are given tensors instead of arrays; `import layernorm` is your own file beside.
"""

import numpy as np  # noqa: F401
'''


def starter(lesson: str) -> str:
    """The file of a lesson, as a learner finds it."""
    title = (ROOT / "specs" / f"{lesson}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    parts = [HEAD.format(title=title, lesson=lesson, first=f"{next(iter(LESSONS[lesson]))}-1")]
    for function in references(lesson).values():
        source = textwrap.dedent(inspect.getsource(function))
        definition = ast.parse(source).body[0]
        assert isinstance(definition, ast.FunctionDef)
        contract = source.splitlines()[: definition.body[0].end_lineno]
        parts.append("\n".join([*contract, "    raise NotImplementedError"]) + "\n")
    return "\n\n".join(parts)


if __name__ == "__main__":
    for name in LESSONS:
        (ROOT / "exercises" / f"{name}.py").write_text(starter(name), encoding="utf-8")
