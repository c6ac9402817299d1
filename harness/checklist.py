"""The end of every run: one line per clause, the dtypes as columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Any
from unicodedata import east_asian_width

from harness import languages
from harness.clauses import all_clauses
from harness.diagnosis import SYMPTOM
from harness.formats import FORMATS
from harness.grades import worst
from harness.norms import NORMS
from harness.verdict import BROKEN, Record, Verdicts

SYMBOLS = {"pass": "✓", "known_failure": "k", "not_offered": "–", "not_started": "·", **dict.fromkeys(BROKEN, "✗")}
TITLE_WIDTH = 62
SIGHTS = 3  # sentences about errors of unknown cause, for each norm


def symbol(record: Record) -> str:
    """One character for an outcome; a SHOULD that does not hold is no failure."""
    return "!" if record.level == "should" and record.outcome in BROKEN else SYMBOLS[record.outcome]


def _leading(symbols: list[str]) -> str:
    """The symbol of the whole line: the worst of its dtypes."""
    return next((s for s in "✗!k✓·" if s in symbols), "○")


def _remark(records: list[Record]) -> str:
    """What stands at the end of the line: the choice taken, why it is not offered, the known failure's reason."""
    if choices := {r.choice: None for r in records if r.choice}:
        if len(choices) == 1:
            return next(iter(choices))
        return ", ".join(f"{FORMATS[r.dtype].short}: {r.choice}" for r in records if r.choice)
    if cause := next((c for r in records if symbol(r) in "✗!" and (c := _cause(r))), None):
        return cause
    if any(symbol(r) == "!" for r in records):
        return "should"
    if any(r.outcome == "known_failure" for r in records):
        return "known failure"
    if all(r.outcome == "not_offered" for r in records):
        return f"not offered: {str(records[0].message).splitlines()[0]}"[:70]
    return ""


def _cause(record: Record) -> str:
    """`looks like unbiased_variance`, or the first that is known about the error."""
    if record.diagnosis:
        return f"looks like {record.diagnosis[0]}"
    said = _said(record, SYMPTOM)
    if not said and "values" not in (message := str(record.message or "").partition("\n")[0]) and "hold" not in message:
        return message  # it says itself what is wrong
    return said[0] if said else ""


def _said(record: Record, beginning: str) -> list[str]:
    """What the lines of a record's message say that begin so."""
    return [line.removeprefix(beginning) for line in str(record.message).splitlines() if line.startswith(beginning)]


def lines(verdicts: Verdicts, language: str = "en") -> Iterator[tuple[str, dict[str, Any]]]:
    """The checklist's lines, each with its colour for pytest's terminal writer."""
    run = [r for r in verdicts.complete([], []) if r.key in verdicts.records and r.level != "study"]
    yield from studies(verdicts.studies, language)
    for (name, device, norm), group in groupby(run, key=lambda r: (r.implementation, r.device, r.norm)):
        records = list(group)
        dtypes = [d for d in FORMATS if any(r.dtype == d for r in records)]
        heading = f"{NORMS[norm].title} · {name} {records[0].version}".rstrip() + f" · {device}"
        columns = " ".join(f"{FORMATS[d].short:4}" for d in dtypes)
        yield "", {}
        yield f"{heading:{TITLE_WIDTH + 11}}{columns}".rstrip(), {"bold": True}
        for clause, of_clause in groupby(records, key=lambda r: r.clause):
            by_dtype = {r.dtype: r for r in of_clause}
            symbols = {d: symbol(r) for d, r in by_dtype.items()}
            title = _fitted(languages.title(clause, language))
            cells = " ".join(f"{symbols.get(d, ' '):4}" for d in dtypes)
            leading = _leading(list(symbols.values()))
            colour = {"✗": {"red": True}, "!": {"yellow": True}, "k": {"yellow": True}}.get(leading, {})
            yield (
                f" {leading} {clause:6} {title} {cells}  {_remark(list(by_dtype.values()))}".rstrip(),
                colour,
            )
        if not any(r.outcome != "not_offered" for r in records):
            yield f" nothing of {norm} was checked", {"yellow": True}
        elif found := {d: worst(*(r.grade for r in records if r.dtype == d and r.level == "must")) for d in dtypes}:
            shown = ", ".join(f"{FORMATS[d].short} {level}" for d, level in found.items() if level)
            yield f"   arithmetic that explains its errors: {shown or 'not measured'}", {}
    yield from causes(run)
    yield from known_failures(run)
    yield "", {}
    for i in verdicts.implementations:
        if missing := [n for n in NORMS if n not in i.functions]:
            yield f"{i.name}: not offered: {', '.join(missing)}", {}
    for name, s in verdicts.seconds.items():
        if any(r.implementation == name for r in run):
            yield (
                f"{s['own'] + s['suite']:.0f} s: {s['own']:.0f} in the calls of {name}, {s['suite']:.0f} in the suite",
                {},
            )
    yield summary(verdicts), {"bold": True}


def _fitted(title: str) -> str:
    """The title in the width of its column."""
    while _width(title) > TITLE_WIDTH:
        title = title.removesuffix("…")[:-1] + "…"
    return title + " " * (TITLE_WIDTH - _width(title))


def _width(text: str) -> int:
    """The places that it takes; a Chinese character takes two."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def studies(records: list[Record], language: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The facts about norms that were tested: one line each."""
    for stem, group in groupby(records, key=lambda r: all_clauses()[r.clause].spec.stem):
        yield "", {}
        yield f"{stem} · what to know", {"bold": True}
        for r in group:
            remark = f"   {r.message}" if r.message else ""
            yield (f" {symbol(r)} {r.clause:6} {languages.title(r.clause, language)}{remark}",
                   {"red": True} if r.outcome in BROKEN else {})  # fmt: skip


def causes(run: list[Record]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What went wrong: each likely cause once, with its sentence, its hint and the clauses that it explains."""
    failed = [r for r in run if symbol(r) in "✗!"]
    if not failed:
        return
    yield "", {}
    yield "what went wrong", {"bold": True}
    for (_, norm), group in groupby(failed, key=lambda r: (r.implementation, r.norm)):
        records = list(group)
        explained: dict[str, list[Record]] = {}
        for r in records:
            explained.setdefault(_cause(r), []).append(r)
        unexplained = explained.pop("", [])
        with_a_name = {r.clause for r in records if r.diagnosis}
        for cause, of_cause in list(
            explained.items()
        ):  # what is seen of a clause whose cause is known in another format
            if not of_cause[0].diagnosis and {r.clause for r in of_cause} <= with_a_name:
                del explained[cause]
        by_weight = sorted(
            explained.items(), key=lambda item: (all(r.level == "should" for r in item[1]), -len(item[1]))
        )
        names = [item for item in by_weight if item[1][0].diagnosis]
        sights = [item for item in by_weight if not item[1][0].diagnosis]
        for cause, of_cause in [*names, *sights[:SIGHTS]]:
            first = of_cause[0]
            said = (_said(first, "looks like ") or [cause])[0].removesuffix(".")
            more = "".join(f", and {s.removesuffix('.')}" for s in _said(first, "and "))
            level = "; should" if all(r.level == "should" for r in of_cause) else ""
            head = f"{NORMS[norm].title}{' looks like' if first.diagnosis else ':'} {said}{more} ({_some(of_cause)}{level})"
            for line in textwrap.wrap(head, 118, initial_indent=" ", subsequent_indent="   "):
                yield line, {"red": True}
            for hint in _said(first, "hint: "):
                yield f"   hint: {hint}", {}
        if rest := [r for _, of_cause in sights[SIGHTS:] for r in of_cause] + unexplained:
            unknown = f"{NORMS[norm].title}: no known cause for {_some(rest)}; the messages say what is seen"
            yield from ((line, {}) for line in textwrap.wrap(unknown, 118, initial_indent=" ", subsequent_indent="   "))


def _some(records: list[Record], most: int = 8) -> str:
    """`LN-1, LN-2 and 3 more`: the clauses of the records."""
    clauses = list(dict.fromkeys(r.clause for r in records))
    return ", ".join(clauses[:most]) + (f" and {len(clauses) - most} more" if len(clauses) > most else "")


def known_failures(run: list[Record]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each declared reason once, with the clauses and dtypes that it stands for."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for r in run:
        if r.outcome == "known_failure":
            by_clause = reasons.setdefault(str(r.message).splitlines()[0], {})
            by_clause.setdefault(r.clause, []).append(FORMATS[r.dtype].short)
    if reasons:
        yield "", {}
        yield "known failures, as the implementation declares them", {"bold": True}
    for reason, by_clause in reasons.items():
        dtypes: dict[str, list[str]] = {}
        for clause, shorts in by_clause.items():
            dtypes.setdefault(" ".join(shorts), []).append(clause)
        where = "; ".join(f"{', '.join(ids)} [{shorts}]" for shorts, ids in dtypes.items())
        yield from (
            (line, {"yellow": True})
            for line in textwrap.wrap(where, 110, initial_indent=" k ", subsequent_indent="   ")
        )
        yield from (
            (line, {}) for line in textwrap.wrap(reason, 110, initial_indent="     ", subsequent_indent="     ")
        )


def summary(verdicts: Verdicts) -> str:
    """`layernorm 28/31 · rmsnorm 27/27 · worst error 0.61 bounds · next: LN-3`: clauses held of those that ran."""
    run = [r for r in verdicts.complete([], []) if r.key in verdicts.records and r.level != "study"]
    parts = []
    for norm in NORMS:
        by_clause: dict[str, list[Record]] = {}
        for r in run:
            if r.norm == norm and r.outcome != "not_offered":
                by_clause.setdefault(r.clause, []).append(r)
        if by_clause:
            held = sum(all(r.outcome == "pass" for r in records) for records in by_clause.values())
            parts.append(f"{norm.replace('_', '')} {held}/{len(by_clause)}")
    counts = {
        "failed": sum(r.fails_the_run for r in run),
        "should": sum(r.outcome in BROKEN and r.level == "should" for r in run),
        "known failures": sum(r.outcome == "known_failure" for r in run),
        "not offered": sum(r.outcome == "not_offered" for r in run),
    }
    parts += [f"{count} {name}" for name, count in counts.items() if count]
    if facts := verdicts.studies:
        parts.append(f"facts {sum(r.outcome == 'pass' for r in facts)}/{len(facts)}")
    if worst := max((r.worst for r in run if r.worst is not None and r.outcome == "pass"), default=None):
        parts.append(f"worst error of what holds {worst:.2f} bounds")
    if following := next((r.clause for r in [*run, *verdicts.studies] if r.fails_the_run), None):
        parts.append(f"next: {following}")
    return " · ".join(parts)
