"""A report for people: the JSON document as one HTML page, or as Markdown for a job's summary.

All that a report says is data. Characters that could act on a terminal or a page are replaced before anything else
happens; what is left is escaped where it is put into HTML or Markdown.
"""

from __future__ import annotations

import math
import re
import shlex
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from harness import grades
from harness.checklist import symbol
from harness.clauses import Clause, all_clauses
from harness.formats import FORMATS
from harness.norms import NORMS
from harness.text import cleaned
from harness.verdict import BROKEN, Record

TEMPLATES = Path(__file__).with_name("templates")
CLASSES = {"✗": "fail", "!": "should", "k": "known", "·": "unstarted", "✓": "pass", "–": "none"}  # worst first
HOT = (1, 10, 1e3, 1e6)  # errors in units of their bound; beyond each, the next colour
WIDE = 3  # implementations whose dtypes have a column each; of more, the dtypes of one share a cell
GRADES = {
    "faithful": "one rounding at the end, and as much again",
    "stable": "what every sound algorithm achieves",
    "staged": "x_hat is rounded to 16 bits on the way",
    "fast": "a one-pass variance",
    "lowp": "statistics or sums one format down",
    "none": "no arithmetic of the right formula",
}


# -- what HTML and Markdown both say -----------------------------------------------------------------------------------


@dataclass
class Tally:
    """One norm of one implementation, counted as at the end of a run; clauses, then single verdicts."""

    norm: str
    records: list[Record]
    held: int = 0
    total: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.held, self.total = held_of(self.records)
        signs = [CLASSES[symbol(r)] for r in self.records]
        self.counts = {name: signs.count(name) for name in CLASSES.values()}

    @property
    def offered(self) -> bool:
        return any(r.outcome != "not_offered" for r in self.records)

    @property
    def worst(self) -> float | None:
        """The largest error of what holds."""
        return max((r.worst for r in self.records if r.worst is not None and r.outcome == "pass"), default=None)

    @property
    def must(self) -> tuple[int, int]:
        """Clauses held, and all that ran, of those that can fail a run: the Musts and the Choices."""
        return held_of(r for r in self.records if r.level != "should")

    @property
    def should(self) -> int:
        """How many Shoulds do not hold."""
        held, total = held_of(r for r in self.records if r.level == "should")
        return total - held

    @property
    def mark(self) -> tuple[str, str]:
        """The worst of its marks; where one clause is declared and another is not, the latter's."""
        return min(map(mark, self.records), key=lambda m: (["✗", "!", "·", "✓", ""].index(m[0]), m[1]))

    @property
    def grades(self) -> dict[str, str | None]:
        """By dtype, the arithmetic that explains its errors."""
        return {d: grades.worst(*(r.grade for r in self.records if r.dtype == d and r.level == "must"))
                for d in dtypes(self.records)}  # fmt: skip


def held_of(records: Iterable[Record]) -> tuple[int, int]:
    """Of the clauses that ran, those that hold in every dtype, and all."""
    by_clause = _grouped((r for r in records if r.outcome != "not_offered"), lambda r: r.clause)
    return sum(all(r.outcome == "pass" for r in rs) for rs in by_clause.values()), len(by_clause)


def mark(record: Record | None) -> tuple[str, str]:
    """Sign and class among many: what is declared is as wrong as what is not; nothing for what is not offered."""
    sign = symbol(record) if record else "–"
    if record and sign == "k":
        return ("!", "should declared") if record.level == "should" else ("✗", "fail declared")
    return ("", "") if sign == "–" else (sign, "" if sign == "✓" else CLASSES[sign])


@dataclass
class Subject:
    """One implementation on one device: a column of the matrix, a section of the summary."""

    name: str
    version: str
    device: str
    records: list[Record] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".rstrip() + f" on {self.device}"

    @property
    def tallies(self) -> list[Tally]:
        return [Tally(norm, [r for r in self.records if r.norm == norm]) for norm in norms(self.records)]

    @property
    def verdict(self) -> tuple[str, str]:
        """The sign of the whole, and what there is to say about it in one line."""
        tallies = self.tallies
        counts = {name: sum(t.counts[name] for t in tallies if t.offered) for name in CLASSES.values()}
        said = [f"{sum(t.held for t in tallies)} of {sum(t.total for t in tallies)} clauses hold"]
        names = {
            "fail": "failed",
            "should": "should",
            "known": "known failures",
            "unstarted": "not started",
            "none": "not offered",
        }
        said += [f"{counts[name]} {shown}" for name, shown in names.items() if counts[name]]
        signs = [s for s, name in CLASSES.items() if counts[name]]
        return next(iter(signs), "–"), " · ".join(said)


@dataclass
class Finding:
    """What does not hold of one implementation for one cause."""

    sign: str
    records: list[Record]

    @property
    def where(self) -> str:
        """`LayerNorm, DeepNorm`."""
        return ", ".join(map(norm_title, norms(self.records)))

    @property
    def cause(self) -> str:
        first = self.records[0]
        return _cause(first)[0] or (str(first.message or "").strip().splitlines() or [first.outcome])[0]

    @property
    def hints(self) -> list[str]:
        return _cause(self.records[0])[1:]

    @property
    def clauses(self) -> dict[str, list[Record]]:
        return _grouped(self.records, lambda r: r.clause)


def _cause(record: Record) -> list[str]:
    """The cause that several records can share, and its hints: a known failure's reason, a mistake that it looks like."""
    lines = str(record.message or "").splitlines()
    if record.outcome == "known_failure":
        return lines[:1] or ["declared without a reason"]
    if not record.diagnosis:
        return [""]
    said = next((line for line in lines if line.startswith("looks like ")), f"looks like {record.diagnosis[0]}")
    return [said, *(line for line in lines if line.startswith("hint: "))]


def findings(subject: Subject, many: bool = False) -> list[Finding]:
    """What fails, then the Shoulds, then what is known, which among many stands with its like; of each the cause of most first."""
    found: dict[tuple[str, ...], Finding] = {}
    for r in subject.records:
        if CLASSES[symbol(r)] in ("fail", "should", "known"):
            known = r.outcome == "known_failure"
            cause = _cause(r)[0] if known else r.diagnosis[0] if r.diagnosis else r.clause
            key = symbol(r), "" if known else r.norm, cause
            found.setdefault(key, Finding(symbol(r), [])).records.append(r)
    return sorted(
        found.values(), key=lambda f: (list(CLASSES).index(mark(f.records[0])[0] if many else f.sign), -len(f.records))
    )


def subjects(records: list[Record]) -> list[Subject]:
    """What was held to the specs, in the order of the report; the Study facts are about norms."""
    found: dict[tuple[str, str, str], Subject] = {}
    for r in records:
        if r.level != "study":
            key = r.implementation, r.version, r.device
            found.setdefault(key, Subject(*key)).records.append(r)
    return list(found.values())


def norms(records: list[Record]) -> list[str]:
    """In their usual order; what this suite does not know comes last."""
    there = dict.fromkeys(r.norm for r in records)
    return [*(n for n in NORMS if n in there), *(n for n in there if n not in NORMS)]


def dtypes(records: list[Record]) -> list[str]:
    """As `norms`."""
    there = dict.fromkeys(r.dtype for r in records)
    return [*(d for d in FORMATS if d in there), *(d for d in there if d not in FORMATS)]


def norm_title(norm: str) -> str:
    """`LayerNorm`."""
    return NORMS[norm].title if norm in NORMS else norm


def short(dtype: str) -> str:
    """`f32`."""
    return FORMATS[dtype].short if dtype in FORMATS else dtype


def title(clause: str) -> str:
    """What it states; nothing where this suite does not have it."""
    return all_clauses()[clause].title if clause in all_clauses() else ""


def figure(value: float | None) -> str:
    """An error in units of its bound, in five characters or fewer."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}" if value < 9999.5 else f"{value:.0e}".replace("e+", "e")


def quantity(value: float, unit: str) -> str:
    """`15.7 MB`, `0.361 ms`: three digits."""
    power = max(-4, min(4, math.floor(math.log10(abs(value)) / 3 + 1e-9))) if value else 0
    return f"{value / 1000**power:.3g} {['', 'k', 'M', 'G', 'T', 'p', 'n', 'µ', 'm'][power]}{unit}"


def environments(content: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """Where the runs took place: of each its file, if it is one of several, and what to know of it."""
    runs = content.get("merged", [{"file": "", "environment": content["environment"]}])
    return [(run["file"], {
        **{name: run["environment"][name] for name in ("date", "shard") if name in run["environment"]}, "Python": run["environment"]["python"], "platform": run["environment"]["platform"],
        "packages": ", ".join(f"{n} {v}" for n, v in run["environment"]["packages"].items()),
        "devices": ", ".join(f"{d}: {n}" for d, n in run["environment"]["devices"].items()),
        "threads": str(run["environment"]["threads"]), "command": shlex.join(run["environment"]["command"]),
    }) for run in runs]  # fmt: skip


# -- HTML --------------------------------------------------------------------------------------------------------------


def html(content: dict[str, Any]) -> str:
    """The page, complete in itself."""
    import jinja2

    content = cleaned(content)
    records = [Record(**r) for r in content["records"]]
    shown = subjects(records)
    known = [c for c in dict.fromkeys(r.clause for r in records) if c in all_clauses()]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined)  # fmt: skip
    environment.filters["short"] = short
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    environment.globals.update(
        symbol=symbol, mark=mark, CLASSES=CLASSES, GRADES=GRADES, BROKEN=BROKEN, norm_title=norm_title, short=short,
        title=title, figure=figure, quantity=quantity, findings=findings)  # fmt: skip
    many = len(shown) > WIDE
    matrices = [_matrix(norm, shown, many) for norm in norms([r for s in shown for r in s.records])]
    numbers, data = _data(records, shown, matrices)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html").render(
        suite=content["suite"],
        missing=content.get("missing", []),
        environments=environments(content),
        subjects=shown,
        many=many,
        matrices=matrices,
        errors=_errors(shown),
        numbers=numbers,
        facts=_grouped((r for r in records if r.level == "study"), lambda r: norm_title(r.norm)),
        clauses=_grouped(
            ((c, _blocks(c, known)) for c in all_clauses().values() if c.id in known), lambda c: c[0].spec.stem
        ),
        benchmarks=content.get("benchmarks", []),
        charts=_charts(content.get("benchmarks", [])),
        pictures=_pictures({m["norm"] for m in matrices}),
        data=data,
        script=script,
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
    )


def _grouped(values: Iterable[Any], key: Callable[[Any], str]) -> dict[str, list[Any]]:
    """The values by their key, both in the order in which they come."""
    found: dict[str, list[Any]] = {}
    for value in values:
        found.setdefault(key(value), []).append(value)
    return found


def _matrix(norm: str, shown: list[Subject], many: bool) -> dict[str, Any]:
    """The cells of one norm: `rows` of (clause, level, cells), below `columns` of (subject's number, subject, dtypes).

    A cell is (number of its dtype among its subject's, record), or among many the marks of the subject's dtypes.
    """
    tallies = [Tally(norm, [r for r in s.records if r.norm == norm]) for s in shown]
    records = [r for t in tallies for r in t.records]
    columns = [(i, s, _checked(t.records) if many else dtypes(t.records))
               for i, (s, t) in enumerate(zip(shown, tallies, strict=True)) if t.offered]  # fmt: skip
    cells = {(i, r.clause, r.dtype): r for i, t in enumerate(tallies) for r in t.records}
    formats, order = dtypes(records), list(all_clauses())

    def row(clause: str) -> list[Any]:
        if not many:
            return [(n, cells.get((i, clause, d))) for i, _, ds in columns for n, d in enumerate(ds)]
        return [_marks({d: mark(cells.get((i, clause, d))) for d in ds}, formats) for i, _, ds in columns]

    return {
        "norm": norm,
        "tallies": tallies,
        "sound": sum(t.offered and t.must[0] == t.must[1] for t in tallies),
        "columns": columns,
        "places": [[i, d] for i, _, ds in columns for d in ([None] if many else ds)],
        "dtypes": formats,
        "missing": [s.title for s, t in zip(shown, tallies, strict=True) if not t.offered],
        "rows": [
            (c, level, row(c))
            for c, level in sorted(
                {r.clause: r.level for r in records}.items(),
                key=lambda x: order.index(x[0]) if x[0] in order else len(order),
            )
        ],
    }


def _checked(records: list[Record]) -> list[str]:
    """The dtypes in which anything ran."""
    return dtypes([r for r in records if r.outcome != "not_offered"])


def _marks(marks: dict[str, tuple[str, str]], formats: list[str]) -> list[tuple[str, str]]:
    """One where all dtypes agree, otherwise one for each of `formats`, in its place."""
    first, *others = dict.fromkeys(marks.values())
    return [marks.get(d, ("", "")) for d in formats] if others else [first]


def _errors(shown: list[Subject]) -> dict[str, Any]:
    """The largest error of each subject, norm and dtype in units of its bound, and how hot that is; no Shoulds."""
    records = [r for s in shown for r in s.records if r.worst is not None and r.level != "should"]
    columns = [(norm, dtypes([r for r in records if r.norm == norm])) for norm in norms(records)]

    def row(s: Subject) -> list[tuple[float | None, str]]:
        worst: dict[tuple[str, str], float] = {}
        for r in s.records:
            if r.worst is not None and r.level != "should":
                worst[r.norm, r.dtype] = max(r.worst, worst.get((r.norm, r.dtype), 0.0))
        found = [(worst.get((norm, d)), " first" * (d == ds[0])) for norm, ds in columns for d in ds]
        return [(w, ("" if w is None else f"h{sum(w > limit for limit in HOT)}") + first) for w, first in found]

    return {"columns": columns, "rows": [(i, s, row(s)) for i, s in enumerate(shown)]}


def _data(
    records: list[Record], shown: list[Subject], matrices: list[dict[str, Any]]
) -> tuple[dict[tuple[str, str, str], int], dict[str, Any]]:
    """What the page shows of a clause when asked, and the number of each (implementation, device, clause) in it.

    Each text stands once, named by its number, messages line by line. What ran alike in several dtypes stands once, with
    a bit for each dtype. A norm that an implementation does not offer has no cells, so nothing is kept of it.
    """
    texts: dict[str | None, int] = {None: 0}
    who = {(s.name, s.version, s.device): i for i, s in enumerate(shown)}
    formats = dtypes(records)
    numbers: dict[tuple[str, str, str], int] = {}
    groups: list[list[Any]] = []

    def number(text: str | None) -> int:
        return texts.setdefault(text, len(texts))

    offered = {(s.name, s.device, m["norm"]) for m in matrices for _, s, _ in m["columns"]}
    for r in records:
        if r.level != "study" and (r.implementation, r.device, r.norm) not in offered:
            continue
        key = r.implementation, r.device, r.clause
        if key not in numbers:
            numbers[key] = len(groups)
            subject = who.setdefault((r.implementation, r.version, r.device), len(who))
            groups.append([subject, number(r.clause), number(r.level), {}])
        entry = [number(r.outcome), None if r.worst is None else float(f"{r.worst:.3g}"), *map(number, (r.probe, r.grade, r.choice)),
                 [number(line) for line in r.message.split("\n")] if r.message is not None else 0, [number(d) for d in r.diagnosis]]  # fmt: skip
        while not entry[-1] and not isinstance(entry[-1], float):
            entry.pop()
        alike = groups[numbers[key]][3]
        alike[repr(entry)] = [alike.get(repr(entry), [0])[0] | 1 << formats.index(r.dtype), *entry]
    return numbers, {
        "texts": list(texts),
        "dtypes": [[d, short(d)] for d in formats],
        "subjects": [f"{name} {version}".rstrip() + f" on {device}" for name, version, device in who],
        "columns": {m["norm"]: m["places"] for m in matrices},
        "groups": [[*group[:3], list(group[3].values())] for group in groups],
    }


def _blocks(clause: Clause, known: list[str]) -> list[tuple[str, str]]:
    """The clause's text as (kind, text): `pre` is an example, `p` a paragraph that is HTML already."""
    blocks = []
    for part in re.split(r"(```.*?\n```)", clause.body, flags=re.DOTALL):
        if part.startswith("```"):
            blocks.append(("pre", part.partition("\n")[2].removesuffix("\n```")))
            continue
        for paragraph in filter(str.strip, re.split(r"\n\s*\n", part)):
            indented = paragraph.strip("\n").startswith("    ")
            blocks.append(("pre", paragraph.strip("\n")) if indented else ("p", _inline(paragraph.strip(), known)))
    return blocks


def _inline(text: str, known: list[str]) -> str:
    """A paragraph of a spec as HTML: code, bold, and links to other clauses of the page."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\b[A-Z]{2}-\d+\b", lambda m: f'<a href="#{m[0]}">{m[0]}</a>' if m[0] in known else m[0], text)


WIDTH, HEIGHT, GLYPHS = 460, 240, "●■▲◆○□△◇"


def _charts(benchmarks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rooflines: for each norm, direction and device the share of a copy's bandwidth over the bytes moved."""
    timed = [
        b for b in benchmarks if not b["refused"] and b.get("share_of_roof") is not None and b.get("moved_bytes", 0) > 0
    ]
    names = list(dict.fromkeys(b["implementation"] for b in timed))
    charts = _grouped(timed, lambda b: f"{norm_title(b['norm'])} {b['direction']} on {b['device']}")
    low = math.floor(math.log10(min((b["moved_bytes"] for b in timed), default=1)))
    high = max(low + 1, math.ceil(math.log10(max((b["moved_bytes"] for b in timed), default=1))))
    top = max(1.1, *(b["share_of_roof"] for b in timed)) if timed else 1.1

    def across(moved_bytes: float) -> float:
        return round(44 + (math.log10(moved_bytes) - low) / (high - low) * (WIDTH - 76), 1)

    def down(share: float) -> float:
        return round(HEIGHT - 34 - share / top * (HEIGHT - 50), 1)

    return [{
        "title": said, "width": WIDTH, "height": HEIGHT,
        "across": [(across(10.0**p), quantity(10.0**p, "B")) for p in range(low, high + 1)],
        "down": [(down(s), f"{s:.0%}") for s in (0, 0.25, 0.5, 0.75, 1)],
        "points": [(across(b["moved_bytes"]), down(b["share_of_roof"]), GLYPHS[names.index(b["implementation"]) % 8],
                    names.index(b["implementation"]) % 8, b) for b in points],
        "names": [(GLYPHS[n % 8], n % 8, name) for n, name in enumerate(names) if any(b["implementation"] == name for b in points)],
    } for said, points in sorted(charts.items())]  # fmt: skip


def _pictures(shown: set[str]) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """One batch before and after LayerNorm and BatchNorm: outlines of three of its samples, and of three features."""
    import numpy as np

    from reference import batchnorm, layernorm

    if not shown & {"layer_norm", "batch_norm"}:
        return []
    x = np.random.default_rng(0).gamma(2.0, size=(800, 800))  # lopsided, so that the shape can be seen to stay
    spread, shift = np.array([0.4, 1.0, 1.8]), np.array([-2.5, 0.0, 3.0])
    x[:3] = x[:3] * spread[:, None] + shift[:, None]
    x[:, 3:6] = x[:, 3:6] * spread + shift

    def outlines(values: Any) -> list[str]:
        heights = [np.histogram(v, 40, (-4, 12))[0] for v in values]
        top = max(int(h.max()) for h in heights)
        return ["M0 90" + "".join(f"V{90 - round(80 * int(n) / top)}h8" for n in h) + "V90" for h in heights]

    batches = {"before": x, "after LayerNorm": layernorm.forward(x), "after BatchNorm": batchnorm.forward(x)}
    return [
        ("Three samples", [(when, outlines(batch[:3])) for when, batch in batches.items()]),
        ("Three features", [(when, outlines(batch[:, 3:6].T)) for when, batch in batches.items()]),
    ]


# -- Markdown ----------------------------------------------------------------------------------------------------------

LIMIT = 190_000  # bytes: a job's summary may have 1 MiB, for all its steps together
LINES, WORDS = 6, 1000  # of a message
NAME = 120  # characters of a name
MISSING = 20  # shards that are named


def _inert(text: str) -> str:
    """One line in which nobody is mentioned and no address is linked.

    A page like GitHub's looks for these in what is left when all that is escaped is read; a space of no width divides them.
    """
    return re.sub(r"(?<=[@#])(?=\w)|(?<=www)(?=\.)|(?<=:)(?=//)", "\u200b", " ".join(text.split()), flags=re.IGNORECASE)


def _md(text: str, most: int = NAME) -> str:
    """One line of text that Markdown takes for nothing else."""
    line = _inert(text if len(text) <= most else text[: most - 1] + "…")
    return re.sub(r"[\\`*_\[\]{}()|#~@$!:]", r"\\\g<0>", escape(line, quote=False))


def _first_lines(message: str | None) -> str:
    """The beginning of a message, as HTML in which Markdown is not read: it has no empty line."""
    lines = [line for line in str(message or "").splitlines() if line.strip()]
    text = "\n".join(lines[:LINES])
    cut = " …" if len(text) > WORDS or len(lines) > LINES else ""
    return f"<pre>{escape(text[:WORDS])}{cut}</pre>"


def markdown(content: dict[str, Any]) -> str:
    """The summary, bounded: what does not fit is counted, not shown."""
    content = cleaned(content)
    records = [Record(**r) for r in content["records"]]
    shown = subjects(records)
    blocks: list[str] = []
    size = left_out = 0
    for block in [*_summaries(content, shown, records), *(b for s in shown for b in _details(s)), *_speed(content)]:
        size += len(block.encode()) + 2
        if size <= LIMIT:
            blocks.append(block)
        else:
            size -= len(block.encode()) + 2
            left_out += 1
    if left_out:
        blocks.append(
            f"{left_out} parts of this summary are left out, to keep it short: the report as .json or .html has them."
        )
    return "\n\n".join(blocks) + "\n"


def _summaries(content: dict[str, Any], shown: list[Subject], records: list[Record]) -> Iterator[str]:
    """A table for each implementation, and where it ran."""
    yield f"## normspec {_md(content['suite']['version'])}"
    if absent := content.get("missing", []):
        more = f" and {len(absent) - MISSING} more" if len(absent) > MISSING else ""
        yield f"✗ This report is not whole: {'; '.join(_md(said, 1000) for said in absent[:MISSING])}{more}"
    for s in shown:
        sign, said = s.verdict
        yield f"### {sign} {_md(s.title)}\n\n{said}"
        formats = dtypes(s.records)
        rows = [
            ["norm", "held", "failed", "should", "known", "not offered", "worst", *(_md(short(d)) for d in formats)]
        ]
        rows.append(["---", *["--:"] * 6, *["---"] * len(formats)])
        for t in s.tallies:
            found = t.grades
            rows.append([_md(norm_title(t.norm)), f"{t.held}/{t.total}", *(str(t.counts[n]) for n in ("fail", "should", "known", "none")),
                         figure(t.worst), *(found.get(d) or "" for d in formats)] if t.offered else [_md(norm_title(t.norm)), "not offered"])  # fmt: skip
        yield "\n".join("| " + " | ".join(row + [""] * (len(rows[0]) - len(row))) + " |" for row in rows)
    if facts := [r for r in records if r.level == "study"]:
        wrong = ", ".join(_md(f"{r.clause} {title(r.clause)}") for r in facts if r.outcome in BROKEN)
        yield f"Facts about norms: {sum(r.outcome == 'pass' for r in facts)} of {len(facts)} hold" + (
            f"; not {wrong}" if wrong else ""
        )
    for file, told in environments(content):
        yield "\n".join([*([f"**{_md(file)}**\n"] if file else []), "<ul>",
                         *(f"<li>{name}: <code>{escape(' '.join(text.split())[:2000])}</code></li>" for name, text in told.items()), "</ul>"])  # fmt: skip


def _details(s: Subject) -> Iterator[str]:
    """What does not hold: a part that opens for each cause, with the first lines of a message for each clause."""
    for f in findings(s):
        clauses = f.clauses
        ids = ", ".join(list(clauses)[:12]) + (f" and {len(clauses) - 12} more" if len(clauses) > 12 else "")
        head = f"{f.sign} {f.where}: {f.cause[: 2 * NAME]}{'…' if len(f.cause) > 2 * NAME else ''} ({ids}) · {s.title[:NAME]}"
        lines = [f"<details><summary>{escape(_inert(head))}</summary>"]
        for clause, rs in clauses.items():
            where = " ".join(short(r.dtype)[:NAME] for r in rs)
            lines.append(f"<p><b>{escape(clause)} {escape(title(clause))}</b> · {escape(_inert(where))}</p>")
            if f.sign != "k":
                lines.append(_first_lines(rs[0].message))
        if f.sign == "k":
            lines.append(_first_lines(f.records[0].message))
        yield "\n".join([*lines, "</details>"])


def _speed(content: dict[str, Any]) -> Iterator[str]:
    """What was timed."""
    if timed := content.get("benchmarks"):
        yield "### Speed"
        rows = ["| implementation | norm | direction | shape | dtype | device | cache | time | bandwidth | share of a copy's |",
                "| --- | --- | --- | --- | --- | --- | --- | --: | --: | --: |"]  # fmt: skip
        for b in timed[:200]:
            told = [b["implementation"], norm_title(b["norm"]), b["direction"], " × ".join(map(str, b["shape"])), b["dtype"], b["device"], b["cache"]]  # fmt: skip
            if b["refused"] or not {"time_s", "bandwidth_bytes_per_s", "share_of_roof"} <= set(b):
                figures = [f"no figure: {b['refused']}", "", ""]
            else:
                figures = [quantity(b["time_s"], "s"), quantity(b["bandwidth_bytes_per_s"], "B/s"), f"{b['share_of_roof']:.0%}"]  # fmt: skip
            rows.append("| " + " | ".join(map(_md, [*told, *figures])) + " |")
        yield "\n".join(rows)
        if len(timed) > 200:
            yield f"{len(timed) - 200} more timings are left out: the report as .json or .html has them."
