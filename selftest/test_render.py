"""Reports for people: nothing in them is markup, all of it can be found, and several become one without contradiction."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from markdown_it import MarkdownIt
from running import ROOT, run

from harness import render, report
from harness.clauses import all_clauses
from harness.formats import FORMATS
from harness.report import ReportError, main, merged, problem, read, write

Document = dict[str, Any]

ENVIRONMENT = {
    "python": "3.11.7", "platform": "Linux", "packages": {"numpy": "2.4"}, "devices": {"cpu": "x86"}, "threads": 2,
    "command": ["pytest", "--report", "a b.json"],
}  # fmt: skip
BENCHMARK = {
    "implementation": "torch", "norm": "layer_norm", "direction": "forward", "shape": [64, 768], "layout": "contiguous",
    "dtype": "float32", "device": "cpu", "cache": "cold", "refused": "", "rounds": 8, "time_s": 2e-5, "iqr_s": 1e-6,
    "moved_bytes": 393216, "bandwidth_bytes_per_s": 2e10, "roof_bytes_per_s": 4e10, "share_of_roof": 0.5,
}  # fmt: skip


def record(**fields: Any) -> Document:
    """A record of torch that holds, but for what is given."""
    return {
        "implementation": "torch", "version": "2.13.0", "device": "cpu", "dtype": "float32", "norm": "layer_norm",
        "clause": "LN-1", "level": "must", "outcome": "pass", "worst": 0.5, "probe": "plain", "choice": None,
        "diagnosis": [], "message": None, "grade": "stable", **fields,
    }  # fmt: skip


def document(*records: Document, **fields: Any) -> Document:
    """A report with these records."""
    suite = {"name": "normspec", "version": "0.1.0"}
    return {"schema": 1, "suite": suite, "environment": copy.deepcopy(ENVIRONMENT), "records": [*records], **fields}


def failed(**fields: Any) -> Document:
    return record(outcome="fail", worst=40.0, message="y: 8 of 8 values\nlooks like a mistake: b", **fields)


def varied(said: str = "said") -> Document:
    """Every outcome, level and section that a page has, with `said` in each text that an implementation can choose."""
    chosen = {
        "implementation": f"one {said}",
        "version": said,
        "device": said,
        "probe": said,
        "message": f"{said}\n{said}",
    }
    return document(
        record(**chosen),
        record(**chosen, clause="LN-3", outcome="fail", diagnosis=[said]),
        record(**chosen, clause="LN-12", outcome="error"),
        record(**chosen, clause="LN-22", outcome="known_failure"),
        record(**chosen, clause="LN-19", level="should", outcome="fail"),
        record(**chosen, clause="LN-20", level="choice", choice=said),
        record(**chosen, clause="LN-30", outcome="not_offered", worst=None, grade=None),
        record(**chosen, clause="LN-33", outcome="not_started"),
        record(**chosen, clause="RM-1", norm="rms_norm", outcome="not_offered"),
        record(implementation="other", version="", dtype="float64"),
        record(implementation="other", version="", dtype="bfloat16", norm="rms_norm", clause="RM-1"),
        record(implementation="reference", version="", level="study", clause="LN-4", outcome="fail", message=said),
        environment={**ENVIRONMENT, "platform": said, "packages": {f"a {said}": said}, "devices": {f"a {said}": said},
                     "command": ["pytest", said]},
        suite={"name": "normspec", "version": said},
        benchmarks=[{**BENCHMARK, "implementation": f"one {said}", "dtype": f"{said} 1", "device": said},
                    {**BENCHMARK, "implementation": f"one {said}", "dtype": f"{said} 2", "refused": said}],
    )  # fmt: skip


def of_many(said: str = "said") -> Document:
    """Five implementations, of which one declares, one fails, one fails in one dtype and one does not offer the norm."""
    return document(
        *(record(implementation=f"sound {said}", version=said, dtype=d, worst=0.25, probe=said) for d in FORMATS),
        *(record(implementation="declares", dtype=d, outcome="known_failure", message=f"{said}\n{d}") for d in FORMATS),
        *(record(implementation="fails", dtype=d, outcome="fail", grade="none", diagnosis=[said]) for d in FORMATS),
        *(record(implementation="in one", dtype=d, outcome="fail" if d == "float16" else "pass", grade="fast", message=said) for d in FORMATS),
        *(record(implementation="should", dtype=d, clause="LN-19", level="should", outcome="known_failure") for d in FORMATS),
        *(record(implementation="should", dtype=d) for d in FORMATS),
        *(record(implementation="sound other", norm="batch_norm", clause="BN-1", dtype=d, choice=said) for d in FORMATS),
        *(record(implementation="sound other", outcome="not_offered", dtype=d, message="not offered at all") for d in FORMATS),
    )  # fmt: skip


def as_torch() -> Document:
    """As long as torch's report: every clause in four dtypes, one in seven with a long message of its own."""
    clauses = [c for c in all_clauses().values() if c.norm and c.level != "study"]
    keys = [{"clause": c.id, "norm": c.norm, "level": c.level, "dtype": d} for c in clauses for d in FORMATS]
    return document(*(
        record(**key) if n % 7 else record(**key, outcome="known_failure", message=f"a reason\n{n} {'values ' * 150}")
        for n, key in enumerate(keys)))  # fmt: skip


VOID = {"meta", "br", "input", "img", "link", "hr"}


class Page(HTMLParser):
    """What a browser makes of a page: its tags, in order, with the names of their attributes; its texts; its ids."""

    def __init__(self, html: str):
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open and self.open[-1] == "script" else self.texts).append(data)

    def values(self, name: str) -> list[str]:
        """Of one attribute."""
        return [value for attribute, value in self.attributes if attribute == name]

    @property
    def data(self) -> Any:
        """What the page shows when asked."""
        return json.loads(self.scripts[0])

    @property
    def records(self) -> list[list[Any]]:
        """The records in it, group by group."""
        data, records = self.data, []
        texts = data["texts"]
        absent: list[Any] = [0, None, 0, 0, 0, [], []]
        for subject, clause, level, entries in data["groups"]:
            for bits, *entry in entries:
                told: list[Any] = [*entry, *absent[len(entry) :]]
                outcome, worst, probe, grade, choice, message, diagnosis = told
                said = "\n".join(texts[n] for n in message) if message else None
                records += [
                    [data["subjects"][subject], dtype, texts[clause], texts[level], texts[outcome], worst,
                     texts[probe], texts[grade], texts[choice], said, [texts[n] for n in diagnosis]]
                    for n, (dtype, _) in enumerate(data["dtypes"]) if bits >> n & 1
                ]  # fmt: skip
        return records


# -- data, not markup --------------------------------------------------------------------------------------------------

MARKUP = {
    "element": "<b>bold</b>",
    "end of the script": "</script><script>alert(1)</script>",
    "end of the style": "</style></title></textarea>",
    "handler": "\"><img src=x onerror='alert(1)'>",
    "comment": "<!-- <script>",
    "entity": "&lt;b&gt; &amp; &#60;",
    "template": "{{ 7 * 7 }}{% raw %}{# #}",
    "link": "[a](javascript:alert(1)) <https://example.org>",
    "Markdown": "| `code` ``` **bold** _i_ # h ~~s~~ $x$ ![i](u)",
    "blocks": "- a\n1. b\n# c\n===\n\n    d\n> e\n---\n| - |\n[f]: javascript:alert(1)\n[f] [^1]",
    "addresses": "@octocat @org/team #1 octo/repo#2 https://example.org www.example.org a@example.org javascript:alert(1)",
    "end of all": "</pre></code></p></summary></details></li></ul></table>\n\n<script>alert(1)</script>",
}


@pytest.mark.parametrize("content", [varied, of_many])
@pytest.mark.parametrize("said", MARKUP.values(), ids=MARKUP.keys())
def test_no_text_of_a_report_is_markup(said: str, content: Callable[[str], Document]) -> None:
    """The page has the same elements with the same attributes whatever its texts say."""
    plain, page = Page(render.html(content("said"))), Page(render.html(content(said)))

    assert page.tags == plain.tags
    assert page.unbalanced == []


@pytest.mark.parametrize("said", MARKUP.values(), ids=MARKUP.keys())
def test_every_text_of_a_report_is_on_the_page(said: str) -> None:
    """As it was written, markup or not."""
    page = Page(render.html(varied(said)))

    assert f"one {said} {said} on {said}" in page.texts
    assert f"{said}\n{said}" in [r[9] for r in page.records]


def test_the_data_of_a_page_can_not_end_their_element() -> None:
    """No sign in them begins a tag or a comment, and no line ends where JavaScript sees an end and JSON none."""
    page = Page(render.html(varied("</script><!--<script>\u2028")))

    assert re.findall("[<>&\u2028\u2029]", page.scripts[0]) == []
    assert "</script><!--<script>\ufffd" in page.data["texts"]


@pytest.mark.parametrize("content", [varied, of_many])
def test_a_page_s_policy_allows_its_own_script_alone(content: Callable[[], Document]) -> None:
    """By its hash, so that no other runs, were an escape forgotten."""
    page = Page(render.html(content()))
    _, script = page.scripts

    (policy,) = [value for value in page.values("content") if value.startswith("default-src")]

    own = b64encode(sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; script-src 'sha256-{own}'; style-src 'unsafe-inline'"


def blocks(markdown: str) -> list[Any]:
    """What a reader of Markdown makes of it: of an HTML block its tags, of any other its lines' first signs and cells.

    An HTML block begins with a tag, ends with an empty line, and no Markdown is read in it.
    """
    unescaped = re.sub(r"\\.", "", markdown)
    return [
        sorted(set(Page(block).tags)) if block.startswith("<") else
        [(line[:1], line.count("|"), sorted(set(re.findall(r"[`<*\[~$]|\b_", line)))) for line in block.splitlines()]
        for block in unescaped.strip().split("\n\n")
    ]  # fmt: skip


@pytest.mark.parametrize("said", [*MARKUP.values(), "a\n\n# b", "a\n\n</details>\n\n- c", "</pre></details>\n```"])
def test_no_text_of_a_report_is_markdown(said: str) -> None:
    """Blocks, lines, cells and elements are the same whatever its texts say."""
    plain, shown = render.markdown(varied("said")), render.markdown(varied(said))

    assert blocks(shown) == blocks(plain)
    assert Page(shown).unbalanced == []


GITHUB = MarkdownIt("commonmark").enable(
    ["table", "strikethrough"]
)  # what it reads; its addresses are looked for below


@pytest.mark.parametrize("said", MARKUP.values(), ids=MARKUP.keys())
def test_a_reader_of_markdown_finds_no_markup_in_a_text(said: str) -> None:
    """The page that it makes has the elements of a harmless one, and nothing in its texts is a mention or an address."""
    plain, shown = GITHUB.render(render.markdown(varied("said"))), GITHUB.render(render.markdown(varied(said)))

    read, expected = Page(shown), Page(plain)
    texts = unescape(re.sub(r"<(pre|code)>.*?</\1>|<.*?>", "", shown, flags=re.DOTALL))
    assert read.tags == expected.tags
    assert read.unbalanced == []
    assert re.findall(r"[@#]\w|www\.|://", texts) == []


FOREIGN = "\x1b[31mred\x1b[0m \x00 \x07 \x1b]0;title\x07 \x7f \x9b \ud800 \u202e \u2028 \r end"


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_no_control_character_is_left(suffix: str) -> None:
    """Colour codes, NUL, lone surrogates and marks of direction are replaced, in names as in messages."""
    text = report.rendered(varied(FOREIGN), suffix)

    assert re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]|\[31m", text) == []
    assert "\ufffdred\ufffd" in text
    assert text.encode().decode() == text


def test_a_message_of_control_characters_can_be_written_and_read_again(tmp_path: Path) -> None:
    """JSON keeps what the record says, to the character."""
    write(tmp_path / "a.json", varied(FOREIGN))

    assert read(tmp_path / "a.json") == varied(FOREIGN)


def test_the_text_of_a_clause_is_escaped() -> None:
    """It is the specs' own, and still text: only code, bold and the names of clauses on the page become elements."""
    assert (
        render._inline("**Must.** x < `a<b>` & LN-3, LN-999", ["LN-3"])
        == '<strong>Must.</strong> x &lt; <code>a&lt;b&gt;</code> &amp; <a href="#LN-3">LN-3</a>, LN-999'
    )


# -- the page ----------------------------------------------------------------------------------------------------------

CONTENTS = {
    "varied": varied(),
    "as torch's": as_torch(),
    "of many": of_many(),
    "empty": document(),
    "only timed": document(benchmarks=[BENCHMARK]),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_a_page_is_whole_in_itself(content: Document) -> None:
    """Every element is closed, every link leads to an id of the page, no id stands twice, nothing is loaded."""
    html = render.html(content)
    page = Page(html)

    links, ids = set(page.values("href")), page.values("id")

    assert (page.unbalanced, page.open) == ([], [])
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert all(link.startswith("#") for link in links)
    assert len(ids) == len(set(ids))
    assert {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object"} == set()
    assert page.values("src") == []
    assert (
        re.findall(
            r"@import|url\(|https?://|fetch\(|innerHTML", "".join([*page.scripts[1:], html.partition("</style>")[0]])
        )
        == []
    )


@pytest.mark.parametrize("content", [varied(), as_torch(), of_many()], ids=["varied", "as torch's", "of many"])
def test_every_record_can_be_found(content: Document) -> None:
    """All that a record of an offered norm says is on the page, under the place of its cell; each text stands once."""
    page = Page(render.html(content))

    shown = [[f"{r['implementation']} {r['version']}".rstrip() + f" on {r['device']}",
              *(r[name] for name in ("dtype", "clause", "level", "outcome", "worst", "probe", "grade", "choice", "message", "diagnosis"))]
             for r in content["records"] if r["message"] != "not offered at all" and (r["norm"], r["outcome"]) != ("rms_norm", "not_offered")]  # fmt: skip
    groups = page.data["groups"]
    assert sorted(map(repr, page.records)) == sorted(map(repr, shown))
    assert len({(subject, clause) for subject, clause, *_ in groups}) == len(groups)
    assert len(page.data["texts"]) == len(set(page.data["texts"]))
    assert {int(n) for n in page.values("data-r")} <= set(range(len(groups)))
    for norm, columns in page.data["columns"].items():
        rows = re.findall(r'class="matrix grid">.*?</table>', page.html.partition(f'id="m-{norm}"')[2], re.DOTALL)
        assert {row.count("<td") for row in rows[0].split("<tr data-level")[1:]} == {len(columns)}


def test_every_clause_of_a_page_says_what_it_says() -> None:
    """The text stands on the page, once."""
    page = Page(render.html(as_torch()))
    texts = "".join(page.texts)

    assert {c.id for c in all_clauses().values() if c.norm and c.level != "study"} <= set(page.values("id"))
    assert texts.count("It is the population variance; dividing by n - 1, as torch.var") == 1
    assert "\n>>> forward(np.array([[1.0, 3.0]]), 1.0, 0.0, eps=0.0)" in "\n" + texts


@pytest.mark.parametrize(
    ("fields", "sign"),
    [
        ({"outcome": "pass"}, "✓"),
        ({"outcome": "fail"}, "✗"),
        ({"outcome": "crash"}, "✗"),
        ({"outcome": "fail", "level": "should"}, "!"),
        ({"outcome": "known_failure"}, "k"),
        ({"outcome": "not_started"}, "·"),
    ],
)
def test_a_cell_has_a_sign_besides_its_colour(fields: Document, sign: str) -> None:
    """And the worst error in units of its bound."""
    html = render.html(document(record(**fields, worst=0.126)))

    (cell,) = re.findall(
        r"<td class=[^>]*>(.*?)</td>", html.partition('<section id="matrix">')[2].partition("</section>")[0]
    )

    assert cell == f"{sign} <small>0.13</small>"


def test_what_this_suite_does_not_know_is_shown_too() -> None:
    """A clause, a norm and a dtype of another version."""
    content = document(record(clause="XX-7", norm="other_norm", dtype="float8"))
    page = Page(render.html(content))

    assert {"other_norm", "float8", "XX-7"} <= set(page.texts)
    assert page.records[0][:3] == ["torch 2.13.0 on cpu", "float8", "XX-7"]
    assert "| other\\_norm | 1/1 |" in render.markdown(content)


def test_a_page_as_long_as_torch_s_is_small() -> None:
    """Half of what is asked for: no message stands twice."""
    content = as_torch()
    html = render.html(content)

    assert len(content["records"]) > 1400
    assert len(html.encode()) < 1_000_000
    assert html.count("values " * 150) == sum(r["message"] is not None for r in content["records"]) > 200


# -- the page of many ----------------------------------------------------------------------------------------------------


def cells(html: str, table: str) -> dict[str, str]:
    """The cells of a row by its clause, or of the overview by its implementation."""
    body = html.partition(f'class="{table} grid"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr[^>]*><th[^>]*>(.*?)</th>\s*(<td.*?)\s*</tr>", body, re.DOTALL)
    return {re.sub("<.*?>", "", head).split()[0]: row for head, row in rows}


def test_dtypes_that_agree_are_one_sign() -> None:
    """And others one for each, in their places; what is declared is as wrong as what is not, and marked."""
    row = cells(render.html(of_many()), "matrix")

    assert row["LN-1"].replace("\n", "") == (
        '<td>✓</td><td class="fail declared">✗</td><td class="fail">✗</td>'
        '<td class="each"><b>✓</b><b>✓</b><b>✓</b><b class="fail">✗</b></td><td>✓</td>'
    )
    assert row["LN-19"].count("<td></td>") == 4
    assert row["LN-19"].endswith('<td class="should declared">!</td>')


def test_the_overview_counts_the_musts() -> None:
    """Of each implementation and norm the worst sign, the Musts held and those that ran, the Shoulds, the arithmetic."""
    overview = cells(render.html(of_many()), "overview")

    def said(name: str) -> tuple[list[str], list[str]]:
        return re.findall(r'<td class="(.*?)"', overview[name]), re.sub("<.*?>", " ", overview[name]).replace(
            " /", "/"
        ).split()

    assert said("declares") == (["fail declared"], ["✗", "0/1", *["stable"] * 4])
    assert said("fails") == (["fail"], ["✗", "0/1", *["none"] * 4])
    assert said("should") == (["should declared"], ["!", "1/1", "1", "!", *["stable"] * 4])
    assert said("sound") == (["pass"], ["✓", "1/1", *["stable"] * 4])


def test_where_something_is_not_declared_that_is_the_sign() -> None:
    """A declaration of one clause hides no failure of another."""
    tally = render.Tally(
        "layer_norm", [render.Record(**r) for r in (record(outcome="known_failure"), failed(clause="LN-3"))]
    )

    assert tally.mark == ("✗", "fail")
    assert tally.must == (0, 2)


def test_an_error_is_as_hot_as_it_is_large() -> None:
    """In units of its bound; the colour of what is within bounds is its own."""
    shown = render.subjects(
        [render.Record(**record(dtype=d, worst=w)) for d, w in zip(FORMATS, (1.0, 1.1, 2e3, 1e308), strict=True)]
    )

    ((_, _, row),) = render._errors(shown)["rows"]

    assert row == [(1.0, "h0 first"), (1.1, "h1"), (2e3, "h3"), (1e308, "h4")]


def test_a_page_of_twenty_packages_is_small() -> None:
    """No message stands twice, what is not offered takes no room."""
    records = [{**r, "implementation": f"package {i}", "message": r["message"] and f"{r['message'][:600]} {i}"} for i in range(20) for r in as_torch()["records"]]  # fmt: skip
    html = render.html(document(*records))

    assert len(records) > 29_000
    assert len(html.encode()) < 5_000_000
    assert html.count("a reason") == 1 + 20  # with the messages, and as the cause of what does not hold of each package


def test_the_pictures_show_what_each_norm_standardizes() -> None:
    """After LayerNorm three samples have one outline, after BatchNorm three features."""
    samples, features = (dict(panels) for _, panels in render._pictures({"layer_norm"}))

    def apart(outlines: list[str]) -> bool:
        heights = [[-int(v) for v in re.findall(r"V(\d+)h8", d)] for d in outlines]
        peaks = [h.index(max(h)) for h in heights]
        return max(peaks) - min(peaks) > 2

    assert {when: (apart(samples[when]), apart(features[when])) for when in samples} == {
        "before": (True, True),
        "after LayerNorm": (False, True),
        "after BatchNorm": (True, False),
    }
    assert render._pictures({"rms_norm"}) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0.0, "0"),
        (0.126, "0.13"),
        (9.994, "9.99"),
        (34.2, "34"),
        (9059.0, "9059"),
        (5e8, "5e08"),
        (1e308, "1e308"),
    ],
)
def test_an_error_takes_five_characters(value: float | None, shown: str) -> None:
    """As short as it can be read."""
    assert render.figure(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(393216, "393 kB"), (1000.0, "1 kB"), (2e10, "20 GB"), (2e-5, "20 µB"), (0, "0 B")]
)
def test_a_quantity_has_three_digits(value: float, shown: str) -> None:
    """And its prefix."""
    assert render.quantity(value, "B") == shown


def test_the_roofline_has_a_point_for_each_figure() -> None:
    """At its share of a copy's bandwidth; none where there is no figure, for which the table has the reason."""
    slow = {**BENCHMARK, "implementation": "slow", "share_of_roof": 0.25, "moved_bytes": 3932160}
    refused = {name: BENCHMARK[name] for name in ("norm", "direction", "shape", "layout", "dtype", "device", "cache")}
    content = document(
        benchmarks=[BENCHMARK, slow, {**refused, "implementation": "quick", "refused": "faster than a copy"}]
    )

    (chart,) = render._charts(content["benchmarks"])
    page = Page(render.html(content))

    heights = {name: y for y, name in chart["down"]}
    assert [p[1] for p in chart["points"]] == [heights["50%"], heights["25%"]]
    assert [p[0] < q for p, q in zip(chart["points"], [chart["points"][1][0], chart["width"]], strict=True)] == [
        True,
        True,
    ]
    assert page.values("class").count("point s0") + page.values("class").count("point s1") == 2
    assert "no figure: faster than a copy" in page.texts


# -- the summary -------------------------------------------------------------------------------------------------------


def test_markdown_counts_clauses_and_verdicts() -> None:
    """One row for each norm; the arithmetic is that of the Musts, the one further from exact."""
    content = document(
        record(grade="faithful"), failed(dtype="bfloat16", grade="fast"), record(clause="LN-3"),
        failed(clause="LN-19", level="should", grade="none"), record(norm="rms_norm", clause="RM-1", outcome="not_offered"),
    )  # fmt: skip

    assert "\n".join(render.markdown(content).splitlines()[2:9]) == (
        "### ✗ torch 2.13.0 on cpu\n\n1 of 3 clauses hold · 1 failed · 1 should\n\n"
        "| norm | held | failed | should | known | not offered | worst | f32 | bf16 |\n"
        "| --- | --: | --: | --: | --: | --: | --: | --- | --- |\n"
        "| LayerNorm | 1/3 | 1 | 1 | 0 | 0 | 0.50 | stable | fast |"
    )


def test_what_fails_for_one_cause_stands_together() -> None:
    """What fails the run first, then the Shoulds, then what is known; the clauses of one mistake below its sentence."""
    first, second = failed(diagnosis=["a mistake"]), failed(clause="LN-3", diagnosis=["a mistake"])
    known = record(clause="LN-22", outcome="known_failure", message="a reason\ny: 1 of 2 values")
    of_norm = {**known, "clause": "RM-1", "norm": "rms_norm"}
    content = document(known, of_norm, failed(clause="LN-19", level="should"), failed(clause="LN-12"), first, second)

    found = render.findings(render.subjects([render.Record(**r) for r in content["records"]])[0])

    assert [(f.sign, f.where, f.cause, list(f.clauses)) for f in found] == [
        ("✗", "LayerNorm", "looks like a mistake: b", ["LN-1", "LN-3"]),
        ("✗", "LayerNorm", "y: 8 of 8 values", ["LN-12"]),
        ("!", "LayerNorm", "y: 8 of 8 values", ["LN-19"]),
        ("k", "LayerNorm, RMSNorm", "a reason", ["LN-22", "RM-1"]),
    ]


def test_markdown_is_bounded() -> None:
    """However much fails, however long it is called; and what is left out is counted."""
    clauses = list(all_clauses())[:200]
    everything = [failed(implementation=f"{'name' * 500}{i}", clause=c) for i in range(30) for c in clauses]
    content = document(*({**r, "message": f"{r['clause']}\n" + "word " * 700} for r in everything))

    text = render.markdown(content)

    assert 150_000 < len(text.encode()) < 200_000
    assert re.search(r"\n[1-9]\d* parts of this summary are left out", text)
    assert Page(text).unbalanced == []


# -- one of several ----------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Any:
    """Writes documents as a.json, b.json, ... and gives their paths."""

    def written(*contents: Document) -> list[Path]:
        paths = [tmp_path / f"{name}.json" for name, _ in zip("abcdef", contents, strict=False)]
        for path, content in zip(paths, contents, strict=True):
            write(path, content)
        return paths

    return written


def test_a_merged_report_has_the_records_of_all(files: Any) -> None:
    """In the order of a run, the facts last, by the schema; each run with its environment, each time with its file."""
    fact = record(implementation="reference", version="", level="study", clause="LN-4")
    other = {**ENVIRONMENT, "platform": "Darwin"}
    a, b = files(
        document(record(clause="LN-3"), record(), fact, benchmarks=[BENCHMARK]),
        document(
            fact, record(dtype="float64"), record(implementation="jax"), environment=other, benchmarks=[BENCHMARK]
        ),
    )

    content = merged([a, b])

    jsonschema.validate(content, json.loads(report.SCHEMA.read_text(encoding="utf-8")))
    assert [(r["implementation"], r["clause"], r["dtype"]) for r in content["records"]] == [
        ("torch", "LN-1", "float64"),
        ("torch", "LN-1", "float32"),
        ("torch", "LN-3", "float32"),
        ("jax", "LN-1", "float32"),
        ("reference", "LN-4", "float32"),
    ]
    assert content["merged"] == [{"file": str(a), "environment": ENVIRONMENT}, {"file": str(b), "environment": other}]
    assert content["benchmarks"] == [{"file": str(a), **BENCHMARK}, {"file": str(b), **BENCHMARK}]


def test_merging_in_two_steps_is_merging_at_once(files: Any, tmp_path: Path) -> None:
    """A merged report is a report."""
    a, b, c = files(
        document(record()),
        document(record(implementation="jax"), benchmarks=[BENCHMARK]),
        document(failed(clause="LN-3")),
    )
    write(tmp_path / "ab.json", merged([a, b]))

    assert merged([tmp_path / "ab.json", c]) == merged([a, b, c])
    assert merged([tmp_path / "ab.json", a]) == merged([a, b])
    assert merged([a, a]) == merged([a])


CONTRADICTIONS = {
    "outcome": ({"outcome": "fail"}, "outcome 'pass' in {a} and outcome 'fail' in {b}"),
    "version": ({"version": "2.8.0"}, "version '2.13.0' in {a} and version '2.8.0' in {b}"),
    "choice": ({"choice": "once"}, "choice None in {a} and choice 'once' in {b}"),
}


@pytest.mark.parametrize(("change", "said"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_reports_that_contradict_each_other_are_not_merged(files: Any, change: Document, said: str) -> None:
    """The message names the clause, both files and how many there are; with --last the later file's record stands."""
    a, b = files(document(record(), record(clause="LN-3")), document(record(**change), record(clause="LN-3", **change)))

    with pytest.raises(ReportError) as e:
        merged([a, b])
    content = merged([a, b], last=True)

    assert str(e.value).startswith("LN-1 of torch on cpu in float32 has " + said.format(a=a, b=b))
    assert str(e.value).endswith(" (1 more like it); with --last the later file's stands")
    assert content["records"] == read(b)["records"]


@pytest.mark.parametrize("worst", [0.2, None])
def test_of_the_same_outcome_the_larger_error_stands(files: Any, worst: float | None) -> None:
    """With the probe that shows it; the arithmetic is the one further from exact."""
    small, large = record(worst=worst, probe="tame", grade="fast"), record(worst=0.9, probe="far", grade="stable")
    a, b = files(document(small), document(large))

    assert merged([a, b])["records"] == merged([b, a])["records"] == [{**large, "grade": "fast"}]


FAULTS: dict[str, tuple[Any, str]] = {
    "an unknown outcome": (document(record(outcome="passed")), "records[0].outcome: 'passed' is not one of ['pass', "),
    "a number as text": (document(record(), record(worst="0.5")), "records[1].worst: '0.5' is not of type "),
    "a truth value": (document(environment={**ENVIRONMENT, "threads": True}), "environment.threads: True is not of type "),
    "an unknown key": (document(record(surprise=1)), "records[0]: "),
    "another format": (document(schema=2), "schema: "),
    "a text alone": (document(record(diagnosis="a")), "records[0].diagnosis: 'a' is not of type "),
    "a version that is none": (document(environment={**ENVIRONMENT, "packages": {"numpy": 2}}), "environment.packages.numpy: 2 is not"),
    "a list": ([], "the document: [] is not of type "),
    "no records": ({"schema": 1, "suite": {"name": "normspec", "version": "1"}, "environment": ENVIRONMENT}, "the document: 'records' is "),
}  # fmt: skip


@pytest.mark.parametrize("validator", ["jsonschema", "none"])
@pytest.mark.parametrize(("content", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_no_report_is_refused(
    tmp_path: Path, content: Any, said: str, validator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names file and field, with jsonschema and without."""
    (tmp_path / "a.json").write_text(json.dumps(content))
    monkeypatch.setitem(sys.modules, "jsonschema", jsonschema if validator == "jsonschema" else None)

    with pytest.raises(ReportError) as e:
        read(tmp_path / "a.json")

    assert str(e.value).startswith(f"{tmp_path / 'a.json'}: {said}")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("content", [varied(), as_torch()], ids=["varied", "as torch's"])
def test_what_is_a_report_is_read_without_jsonschema_too(
    tmp_path: Path, content: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that the schema allows is refused."""
    write(tmp_path / "a.json", content)
    monkeypatch.setitem(sys.modules, "jsonschema", None)

    assert read(tmp_path / "a.json") == content


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"worst": NaN}', b'{"worst": 1e999}', b"[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    """NaN and infinity, which Python reads, are none."""
    (tmp_path / "a.json").write_bytes(content)

    with pytest.raises(ReportError, match=r"a\.json: no JSON document: "):
        read(tmp_path / "a.json")


# -- the command line --------------------------------------------------------------------------------------------------


def test_what_can_t_be_merged_leaves_what_was_there(files: Any, tmp_path: Path) -> None:
    """One line, a status that is not 0, and neither a new file nor half of one."""
    a, b = files(document(record()), document(failed()))
    (tmp_path / "matrix.html").write_text("before")

    with pytest.raises(SystemExit) as e:
        main(["merge", str(a), str(b), "-o", str(tmp_path / "matrix.html")])

    assert str(e.value.code).startswith("LN-1 of torch on cpu in float32 has outcome")
    assert (tmp_path / "matrix.html").read_text() == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "b.json", "matrix.html"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{a}", "-o", "{a}.xyz"], "-o {a}.xyz: reports are written as .json, .html, .md, not as .xyz"),
        (["{a}", "-o", "{a}/missing/b.md"], "-o {a}/missing/b.md: there is no folder {a}/missing"),
        (["{a}.missing", "-o", "{a}.md"], "{a}.missing: No such file or directory"),
    ],
)
def test_a_wrong_command_is_one_line(files: Any, arguments: list[str], said: str) -> None:
    """What it rejects and what there is."""
    (a,) = files(document(record()))

    with pytest.raises(SystemExit) as e:
        main(["merge", *(argument.format(a=a) for argument in arguments)])

    assert e.value.code == said.format(a=a)


def test_a_folder_is_no_place_for_a_report(tmp_path: Path) -> None:
    """Its name may end as a report's does."""
    (tmp_path / "a.html").mkdir()

    assert problem(tmp_path / "a.html") == f"--report {tmp_path / 'a.html'}: it is a folder"


def test_without_jinja2_html_is_refused_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the remedy, and nothing has run; the other forms need nothing."""
    monkeypatch.setattr(report, "util", SimpleNamespace(find_spec=lambda name: None))

    result = run("-q", f"--report={tmp_path / 'a.html'}")

    (line,) = filter(None, result.printed.splitlines())
    assert line == f"ERROR: --report {tmp_path / 'a.html'}: HTML needs Jinja2: pip install '.[report]'"
    assert result.status == 4
    assert [problem(tmp_path / name) for name in ("a.json", "a.md")] == [None, None]


def test_the_same_reports_give_the_same_bytes(files: Any, tmp_path: Path) -> None:
    """In other processes, whose sets and dictionaries of objects are in another order."""
    a, b = files(varied(), document(failed(implementation="jax")))

    first, second = (made_elsewhere([a, b], tmp_path / f"{seed}.html", seed) for seed in ("1", "2"))

    assert first == second == report.rendered(merged([a, b]), ".html").encode()


def made_elsewhere(paths: list[Path], output: Path, seed: str) -> bytes:
    """What the command line writes."""
    command = [sys.executable, "-m", "harness.report", "merge", *map(str, paths), "-o", str(output)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, check=True)
    return output.read_bytes()
