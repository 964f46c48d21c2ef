"""What axe-core finds in the pages: nothing serious, in either theme. `make axe` installs it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from easiness import open_run
from easiness.report.page import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

AXE = Path(__file__).parents[2] / "build/axe/node_modules/axe-core/axe.min.js"
FINDS = """async () => (await axe.run({resultTypes: ['violations']})).violations
  .filter(found => ['serious', 'critical'].includes(found.impact))
  .map(found => [found.id, found.nodes.map(node => node.html.slice(0, 200))])"""


@pytest.fixture(scope="module")
def pages(made_once: Callable[..., Path], measured: Path, studied: Path) -> dict[str, Path]:
    """The page of a run, of two runs, and of a study."""

    def write(folder: Path) -> None:
        folder.mkdir()
        run = open_run(measured)
        write_report([run], folder / "run.html")
        write_report([run, run], folder / "runs.html")

    folder = made_once("pages", write)
    return {"run": folder / "run.html", "runs": folder / "runs.html", "study": studied / "report.html"}


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed; `make axe` does")
@pytest.mark.parametrize("name", ["run", "runs", "study"])
def test_axe_finds_nothing_serious(open_page: Any, pages: dict[str, Path], name: str) -> None:
    # the page's own policy forbids the script that looks at it
    page = open_page(pages[name], viewport={"width": 390, "height": 800}, has_touch=True, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details:not(.zoom)').forEach(d => d.open = true)")
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(FINDS) == []
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="dark")
    if name != "study":
        use_the_map(page)
    assert page.evaluate(FINDS) == []
    if name == "run":
        for step in ("#decide-start", '[data-act="drop"]', "#decide-class", "#decide-show-list"):
            if step == "#decide-start":
                page.locator("[data-decide-open]").click()
                assert page.evaluate(FINDS) == []
            page.locator(step).click()
            assert page.evaluate(FINDS) == [], step


def use_the_map(page: Page) -> None:
    """Everything of it is in use: an example is kept, one selected, a part enlarged, a filter set."""
    page.locator("#map-closer").click()
    page.locator("#map-body th button").first.click()
    page.locator("#map-body input").first.check()
    page.locator("#map-only").check()
    page.fill("#map-most", "0.9")
    page.locator("#map-touch").click()
    page.wait_for_timeout(200)
    assert page.locator("#map-card.pinned").count() == 1
    assert page.locator("#map-whole").is_enabled()
    assert page.locator("#map-filtered").inner_text() == "(1 in use)"


@pytest.mark.parametrize("name", ["run", "runs", "study"])
def test_headings_landmarks_and_tables_are_in_order(
    open_page: Any, pages: dict[str, Path], name: str
) -> None:
    page = open_page(pages[name])
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert [page.locator(landmark).count() for landmark in ("header", "main")] == [1, 1]
    unnamed = "[...document.querySelectorAll('table')].filter(t => !t.caption?.textContent.trim())"
    assert page.evaluate(f"{unnamed}.length") == 0
    assert page.evaluate("document.querySelectorAll('th:not([scope])').length") == 0
    assert page.evaluate("[...document.querySelectorAll('img')].every(i => i.alt.length > 5)")
