"""The wheel holds the suite as one package, `normspec`: no module of its user's can be taken for one of the suite's.

In a checkout the parts stand at the top level, as `reference`, `harness`, ...; here their imports are given the package's name.
"""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PARTS = ("adapters", "experiments", "figures", "harness", "mistakes", "notes", "reference", "specs")
IMPORT = re.compile(rf"^(\s*from )(?=(?:{'|'.join(PARTS)})\b)", re.MULTILINE)


class OnePackage(build_py):
    """Copies every part into the package."""

    def run(self):
        if self.editable_mode:
            super().run()
            return
        shutil.rmtree(self.build_lib, ignore_errors=True)  # nothing of an earlier build
        parts = [p for part in PARTS for p in (ROOT / part).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        own = [*(ROOT / "normspec").glob("*.py")]
        for path in [ROOT / "pyproject.toml", ROOT / "conftest.py", *ROOT.glob("test_*.py"), *parts, *own]:
            place = path.relative_to(ROOT / "normspec" if path in own else ROOT)
            target = Path(self.build_lib, "normspec", place)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            if path.suffix == ".py":
                target.write_text(IMPORT.sub(r"\1normspec.", path.read_text(encoding="utf-8")), encoding="utf-8")


setup(cmdclass={"build_py": OnePackage})
