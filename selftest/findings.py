"""The findings: each has a script, which must still print what FINDINGS.md says. `python selftest/findings.py` runs them all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "FINDINGS.md"
# What an adapter's package needs before its script runs, where it is not what the script is about.
PRELUDES = {
    "liger": "import adapters.liger, torch\nif adapters.liger.COMPILED: torch.set_default_device('cuda')\n",
    "tinygrad": "import os; os.environ.setdefault('DEV', 'PYTHON')\n",  # so that no compiler is needed
}
ENTRY = re.compile(
    r"^### (?P<title>.+)\n\n"
    r"`(?P<adapter>\w+)` · (?P<package>[\w-]+) (?P<version>[\w.+-]+) · (?P<clauses>[A-Z]+-\d+(?:, [A-Z]+-\d+)*) · "
    r"(?P<dtypes>\w+(?:, \w+)*)(?P<machines>, on an? [^·]+)? · documented: (?P<documented>no|yes, .+?) · (?P<known>.+)\n\n"
    r"(?P<text>(?:.+\n)+)\n"
    r"```python\n(?P<script>(?:.+\n)+?)```\n\n```\n(?P<printed>(?:.*\n)+?)```\n",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Finding:
    """One deviation of one package; machines: those that show it, where others do not."""

    title: str
    adapter: str
    package: str
    version: str
    clauses: tuple[str, ...]
    dtypes: tuple[str, ...]
    machines: str | None
    documented: str
    known: str
    text: str
    script: str
    printed: str

    def run(self) -> str:
        """What its script prints, in a process and a folder of its own."""
        with tempfile.TemporaryDirectory() as folder:
            script = PRELUDES.get(self.adapter, "") + self.script
            Path(folder, "finding.py").write_text(script, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "finding.py"],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
            )
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr


def findings(text: str | None = None) -> Iterator[Finding]:
    """All of them, in the order of the page."""
    for match in ENTRY.finditer(PAGE.read_text(encoding="utf-8") if text is None else text):
        given = match.groupdict()
        lists = {name: tuple(given.pop(name).split(", ")) for name in ("clauses", "dtypes")}
        yield Finding(**given, **lists)  # type: ignore[arg-type]


def overview(chosen: Iterable[Finding]) -> str:
    """The table at the top of the page, of the entries below it."""
    rows = ["| package | what | clauses | dtypes |", "| --- | --- | --- | --- |"]
    for f in chosen:
        anchor = re.sub(r"[^\w\- ]", "", f.title.lower()).replace(" ", "-")
        rows.append(f"| {f.package} | [{f.title}](#{anchor}) | {', '.join(f.clauses)} | {', '.join(f.dtypes)} |")
    return "\n".join(rows)


def main() -> int:
    """Runs those of the adapters that are named, or all; says which print something else."""
    chosen = [f for f in findings() if f.adapter in sys.argv[1:] or not sys.argv[1:]]
    wrong = 0
    for finding in chosen:
        printed = finding.run()
        wrong += printed != finding.printed
        print("✓" if printed == finding.printed else "✗", f"{finding.package}: {finding.title}", flush=True)
        if printed != finding.printed:
            print(f"  printed  {printed.strip()[-500:]}\n  expected {finding.printed.strip()}")
    print(f"{len(chosen) - wrong} of {len(chosen)} print what FINDINGS.md says")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
