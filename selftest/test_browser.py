"""A report in a real browser: what an implementation says runs nothing and moves nothing, whatever is clicked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from test_render import of_many, varied

from harness import render

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium: apt-get install chromium")

OWN = "document.documentElement.dataset.owned=1"
ATTACKS = {
    "what runs": f"</script><script>{OWN}</script><svg onload={OWN}>\"'><img src=x onerror={OWN}><details open ontoggle={OWN}>"
    f"<a href=javascript:{OWN}>a</a><base href=x><meta http-equiv=refresh content=99>{{{{ 7 * 7 }}}}${{7 * 7}}",
    "what ends": f"<!--<script>--></script><script>{OWN}</script></style></title></textarea></select></table></dialog></main><!--",
}
# Added to a page: opens all that opens, clicks all that can be clicked, and leaves what it saw as the page's only text.
VISITOR = """<script>
const seen = [], note = (what) => seen.push(what + " " + document.querySelectorAll("*").length);
addEventListener("error", (e) => seen.push("error " + e.message), true);
addEventListener("securitypolicyviolation", (e) => seen.push("refused " + e.blockedURI));
setTimeout(() => {
  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  for (const each of document.querySelectorAll("[data-r], .matrix td, .overview td a, a[href^='#']")) { each.click(); note("click"); }
  const search = document.querySelector("input[type=search]");
  search.value = "owned"; search.dispatchEvent(new Event("input", { bubbles: true })); note("search");
  setTimeout(() => {
    const tags = [...document.querySelectorAll("*")].map((e) => [e.tagName, ...e.getAttributeNames()].join(" "));
    document.body.textContent = JSON.stringify({ seen, tags, owned: document.documentElement.dataset.owned ?? null });
  }, 500);
}, 500);
</script></body>"""


POLICY = re.compile('<meta http-equiv="Content-Security-Policy"[^>]*>')


def visited(page: str, folder: Path) -> dict[str, Any]:
    """What the visitor saw; the page's policy, which would refuse the visitor, is taken out: what escaping does is seen."""
    shown = opened(POLICY.sub("", page).replace("</body>", VISITOR), folder)
    body = shown.partition("<body")[2].partition(">")[2].rpartition("</body>")[0]
    found: dict[str, Any] = json.loads(unescape(body))
    return found


def opened(page: str, folder: Path) -> str:
    """The page as it is when its scripts have run."""
    assert BROWSER is not None
    folder.mkdir()
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-first-run", f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=5000", "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.parametrize("content", [varied, of_many])
@pytest.mark.parametrize("said", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_browser_runs_nothing_of_a_report_s_texts(
    said: str, content: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    """The page has the elements of a harmless one, after each click too, and no script of a text has run."""
    harmless = visited(render.html(content("owned" + "x" * (len(said) - 5))), tmp_path / "harmless")

    attacked = visited(render.html(content(said)), tmp_path / "attacked")

    assert len(harmless["seen"]) > 10
    assert harmless["owned"] is None
    assert attacked == harmless


@pytest.mark.parametrize("said", [f"<script>{OWN}</script>", f"<img src=x onerror={OWN}>"], ids=["script", "handler"])
def test_the_visitor_sees_what_runs(said: str, tmp_path: Path) -> None:
    """Put in as markup, it does run: the test above can fail."""
    page = render.html(varied()).replace("<main>", f"<main>{said}")

    assert visited(page, tmp_path / "page")["owned"] == "1"


@pytest.mark.parametrize("said", [f"<script>{OWN}</script>", f"<img src=x onerror={OWN}>"], ids=["script", "handler"])
def test_the_page_s_policy_refuses_what_is_not_its_own(said: str, tmp_path: Path) -> None:
    """Where an escape were forgotten; the page's own script runs: it has shown the filters."""
    page = render.html(varied()).replace("<main>", f"<main>{said}")

    shown = opened(page, tmp_path / "page")

    assert "data-owned" not in shown
    assert re.search(r'<form id="filters">', shown)
