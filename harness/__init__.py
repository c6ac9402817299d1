"""The machinery: it loads implementations, makes inputs, derives bounds, compares, and reports."""

import importlib
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = __name__.removesuffix("harness")  # "normspec." where the suite is installed as one package, "" in a checkout
# What a person types to run the suite again.
COMMAND = "pytest" if ROOT in (Path.cwd(), *Path.cwd().parents) else "normspec"


def part(name: str) -> ModuleType:
    """A module of the suite by its name in a checkout: `reference.layernorm`, `adapters.jax`, `test_rmsnorm`."""
    return importlib.import_module(PACKAGE + name)


def install(extra: str) -> str:
    """The command that installs what an extra of the project needs."""
    return f"pip install '{'normspec' if PACKAGE else '.'}[{extra}]'"
