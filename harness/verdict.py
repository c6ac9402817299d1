"""From test outcomes to records, one for each implementation, device, dtype and clause, and to the exit status."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import pytest

from harness import COMMAND, grades, languages, probes
from harness.boundary import Fault, Raised, frames_of, text_of
from harness.clauses import Clause, all_clauses
from harness.comparison import Violation
from harness.diagnosis import Diagnostician
from harness.formats import FORMATS
from harness.implementations import Implementation
from harness.subject import Subject
from harness.text import bounded

# Of several tests of one clause the one further left decides.
OUTCOMES = ("crash", "timeout", "error", "fail", "known_failure", "pass", "not_started", "not_offered")
BROKEN = ("crash", "timeout", "error", "fail")
UNCHECKED = ("not_offered", "not_started")


@dataclass
class Record:
    """One line of the report; its keys are those of the JSON document."""

    implementation: str
    version: str
    device: str
    dtype: str
    norm: str
    clause: str
    level: str
    outcome: str
    worst: float | None
    probe: str | None
    choice: str | None
    diagnosis: list[str]
    message: str | None
    grade: str | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.implementation, self.device, self.dtype, self.clause

    @property
    def fails_the_run(self) -> bool:
        return self.outcome in BROKEN and self.level != "should"


def _outcome(error: BaseException | None, subject: Subject) -> tuple[str, str | None]:
    """What the test's end means, and what to say about it."""
    if error is None:
        if subject.log.claims == 0:
            return "not_offered", "the bounds claim nothing about what it computes here"
        return "pass", None
    if isinstance(error, NotImplementedError):
        return "not_offered", text_of(error) or "NotImplementedError"
    if isinstance(error, Violation):
        return "fail", text_of(error)
    if isinstance(error, Fault):
        return error.outcome, text_of(error)
    frames = error.frames if isinstance(error, Raised) else frames_of(error)
    return "error", "\n".join([f"{type(error).__name__}: {text_of(error)}", *frames])


def judge(
    item: pytest.Item,
    report: pytest.TestReport,
    error: BaseException | None,
    subject: Subject,
    clause: Clause,
    siblings: int,
    diagnostician: Diagnostician,
    hints: int,
    language: str,
    hygiene: str,
) -> None:
    """Turns pytest's report of one test into a verdict: its record, its outcome for pytest, its message."""
    outcome, message = _outcome(error, subject)
    message = None if message is None else bounded(message)
    config, log = item.config, subject.log
    record = Record(
        subject.implementation.name,
        subject.implementation.version,
        subject.device,
        subject.dtype,
        subject.norm.name,
        clause.id,
        clause.level,
        outcome,
        log.worst if log.worst is None or log.worst < 1e308 else 1e308,
        log.probe,
        log.choice if outcome == "pass" else None,
        [],
        message,
        log.grade,
    )
    declared = subject.implementation.known_failure(clause.id, subject.device, subject.dtype)
    if isinstance(error, Violation) and declared is None:
        diagnosis = diagnostician.explain(subject, item.function, clause.id, error)  # type: ignore[attr-defined]
        record.diagnosis = diagnosis.names
        message = "\n".join([str(message), *diagnosis.lines(hints, language)])
        record.message = bounded(message)
    if message is not None and outcome in BROKEN:
        probe = f"   probe {log.probe}" if log.probe else ""
        again = f'{COMMAND}{_options(config, subject)} "{item.nodeid}"'
        indented = "\n".join("  " + line for line in bounded(message).splitlines())
        shown = f"{clause.id} {languages.title(clause.id, language)}   {subject.id}{probe}\n{indented}\n  {again}\n  {COMMAND} --explain {clause.id}"
        if config.option.tbstyle == "auto":  # any other style shows the whole traceback
            report.longrepr = shown
        else:
            report.sections.append(("clause", shown))
        if declared is not None:
            record.outcome = "known_failure"
            record.message = bounded(f"{subject.implementation.known_failures[declared]}\n{message}")
        if declared is not None or (clause.level == "should" and not config.option.strict_should):
            report.outcome = "skipped"
            report.wasxfail = message.splitlines()[0] if message else ""
        else:
            report.outcome = "failed"
    elif outcome == "not_offered":
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, message or "")
    report.user_properties.append(("normspec", {**asdict(record), "siblings": siblings}))
    if subject.own.replaced and hygiene not in ("", clause.id):
        report.user_properties.append(("normspec", {**asdict(_replaced(subject, hygiene)), "siblings": 1}))


def _options(config: pytest.Config, subject: Subject) -> str:
    """What the command needs to run one test again as it was run."""
    given = config.option
    options = [f"--impl {shlex.quote(subject.implementation.name)}"] if given.impl is not None else []
    options += [f"--seed {given.seed}"] if given.seed else []
    options += ["--isolate"] if given.isolate else []
    return "".join(f" {option}" for option in options)


def _replaced(subject: Subject, hygiene: str) -> Record:
    """The verdict on an implementation that replaces others' functions, whatever the check in which that was seen."""
    i, declared = subject.implementation, subject.implementation.known_failure(hygiene, subject.device, subject.dtype)
    message = f"it replaces {', '.join(subject.own.replaced)}"
    return Record(i.name, i.version, subject.device, subject.dtype, subject.norm.name, hygiene, all_clauses()[hygiene].level,
                  "fail" if declared is None else "known_failure", None, None, None, [], bounded(message))  # fmt: skip


def worse(one: Record, other: Record) -> Record:
    """Of what two tests of one clause say the worse, with the largest error, the choice and the arithmetic of both."""
    first, second = sorted((one, other), key=lambda r: OUTCOMES.index(r.outcome))
    return replace(
        first,
        worst=max((r.worst for r in (first, second) if r.worst is not None), default=None),
        choice=first.choice or second.choice,
        grade=grades.worst(first.grade, second.grade),
    )


STUDY = "reference"  # whose records those of the Study clauses are


def studied(report: pytest.TestReport, clause: Clause) -> None:
    """Turns pytest's report of a test about norms, not about an implementation, into a record."""
    outcome = "not_offered" if report.skipped else "fail" if report.failed else "pass"
    message = None if outcome == "pass" else bounded(report.longreprtext.strip().rpartition("\n")[2])
    record = Record(STUDY, "", "cpu", "float64", clause.norm or clause.spec.stem, clause.id, clause.level, outcome,
                    None, None, None, [], message)  # fmt: skip
    report.user_properties.append(("normspec", {**asdict(record), "siblings": 1}))


class Verdicts:
    """What the controlling process gathers from all reports."""

    def __init__(self, implementations: Iterable[Implementation]):
        self.implementations = list(implementations)
        self.records: dict[tuple[str, str, str, str], Record] = {}
        self.seen: dict[tuple[str, str, str, str], int] = {}
        self.siblings: dict[tuple[str, str, str, str], int] = {}
        self.seconds: dict[str, dict[str, float]] = {i.name: {"own": 0.0, "suite": 0.0} for i in self.implementations}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """pytest's hook: every report, those of other processes included."""
        for name, value in report.user_properties:
            if name == "normspec" and isinstance(value, dict):
                fields = dict(value)
                siblings = fields.pop("siblings")
                self._merge(Record(**fields), siblings)
            elif name == "normspec-seconds" and isinstance(value, dict):
                spent = self.seconds[value["implementation"]]
                spent["own"] += value["own"]
                spent["suite"] += max(0.0, report.duration - value["own"])

    def _merge(self, record: Record, siblings: int) -> None:
        key = record.key
        self.seen[key] = self.seen.get(key, 0) + 1
        self.siblings[key] = siblings
        other = self.records.get(key)
        if other is None:
            self.records[key] = record
            return
        self.records[key] = worse(other, record)

    @property
    def checked(self) -> bool:
        return any(r.outcome not in UNCHECKED for r in self.records.values())

    @property
    def studies(self) -> list[Record]:
        """The facts about norms, in the order of the specs."""
        order = list(all_clauses())
        return sorted((r for r in self.records.values() if r.level == "study"), key=lambda r: order.index(r.clause))

    def mended(self) -> dict[tuple[str, str, str, str], str]:
        """Declared known failures that hold, by the keys of their records: each must be taken out of KNOWN_FAILURES.

        On other data than the usual ones, which --seed draws, what is marginal may hold.
        """
        by_name = {i.name: i for i in self.implementations} if probes.SEED == 0 else {}
        found = {}
        for key, r in self.records.items():
            if r.implementation not in by_name:
                continue
            declared = by_name[r.implementation].known_failure(r.clause, r.device, r.dtype)
            if declared and r.outcome == "pass" and self.seen[key] == self.siblings[key]:
                found[key] = (
                    f"{r.implementation}: {declared} is declared in KNOWN_FAILURES, but {r.clause} holds in {r.dtype} on "
                    f"{r.device}: take it out"
                )
        return found

    def for_report(self, devices: list[str], dtypes: list[str]) -> list[Record]:
        """The same, in which a declared failure that holds is the error that fails the run."""
        said = self.mended()
        return [
            replace(r, outcome="error", message=said[r.key]) if r.key in said else r
            for r in self.complete(devices, dtypes)
        ]

    def complete(self, devices: list[str], dtypes: list[str]) -> list[Record]:
        """All records in the order of the specs, with those of the norms that are not offered."""
        records = dict(self.records)
        for i in self.implementations:
            for clause in all_clauses().values():
                if clause.level == "study" or not clause.norm or clause.norm in i.functions:
                    continue
                for device in (d for d in devices if d in i.devices):
                    for dtype in (d for d in dtypes if d in i.dtypes):
                        r = Record(i.name, i.version, device, dtype, clause.norm, clause.id, clause.level,
                                   "not_offered", None, None, None, [], f"{clause.norm} is not offered")  # fmt: skip
                        records.setdefault(r.key, r)
        order, formats = list(all_clauses()), list(FORMATS)
        names = [*(i.name for i in self.implementations), STUDY]
        return sorted(
            (r for r in records.values() if r.implementation in names),
            key=lambda r: (names.index(r.implementation), r.device, order.index(r.clause), formats.index(r.dtype)),
        )
