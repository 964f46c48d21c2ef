"""The page about a study as a person sees it: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness import open_run
from easiness.pages.paper_page import Illustration, StudyPart, render_study
from easiness.paper.claims import Claim, Statistic
from easiness.show import file_bytes
from easiness.show.result import Section
from recording import believing, recorded

pytestmark = [pytest.mark.browser, pytest.mark.long]

EVIL = "<script>document.title='evil'</script><img src=x onerror=\"document.title='evil'\"> & more"
LONG = "a-name-without-a-break-" * 8


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, studied: Path) -> dict[str, Path]:
    """The page of a study of digits, and one with names that are long or try to break out."""
    widths = "--width:2000px;--least:900px"
    svg = f'<svg class="plot" role="img" aria-label="wide" style="{widths}" viewBox="0 0 9 1"/>'
    decided = (Statistic(EVIL, 0.5, (0.4, 0.6), "above", 0.2), Statistic(LONG, 0.1, (0.0, 0.1), "above", 0.2))
    claims = [
        Claim("1", EVIL, LONG, decided[:1], note=EVIL),
        Claim("2", LONG, EVIL, decided, note=LONG),
        Claim("3", "open", "open", ()),
        Claim("4", "elsewhere", "elsewhere", (), not_tested=EVIL),
    ]
    rows = [[EVIL, *(f"column {i}" for i in range(20))], *([f"{LONG}{i}", *["0.123"] * 20] for i in range(3))]
    section = Section(EVIL, EVIL, rows)
    part = StudyPart(
        "part", EVIL, LONG, [Illustration(EVIL, svg), Illustration(LONG, svg, [section])], [section]
    )
    made = tmp_path_factory.mktemp("pages") / "made.html"
    made.write_text(render_study("A study", EVIL, [part], claims), "utf-8")
    run = recorded(made.parent / LONG[:99], believing(np.arange(40) % 2, 3), np.arange(40) % 2)
    drawn = ez.audit(run, looks=30).table().assign(action=["keep"] * 20 + [""] * 10, by=EVIL)
    drawn.to_csv(made.with_name("audit.csv"), index=False)
    certificate = ez.audit(run, decided=made.with_name("audit.csv"), certificate=True)
    made.with_name("certificate.html").write_bytes(file_bytes(certificate, ".html"))
    return {
        "digits": studied / "report.html",
        "made": made,
        "certificate": made.with_name("certificate.html"),
    }


@pytest.mark.parametrize("name", ["digits", "made", "certificate"])
def test_it_fits_every_screen_and_says_nothing_to_the_console(
    open_page: Any, fits: Any, has_two_themes: Any, pages: dict[str, Path], name: str
) -> None:
    page = open_page(pages[name])
    fits(page)
    has_two_themes(page)


def test_every_figure_is_shown_with_words_for_those_who_do_not_see_it(
    open_page: Any, pages: dict[str, Path], studied: Path
) -> None:
    page = open_page(pages["digits"], viewport={"width": 1300, "height": 800})
    shown = page.evaluate(
        "[...document.querySelectorAll('figure')].map(f => [f.querySelector('svg').clientWidth,"
        " f.querySelector('svg').ariaLabel, f.querySelector('figcaption').textContent])"
    )
    assert len(shown) == len(list((studied / "figures").iterdir()))
    assert all(width > 200 and len(words) > 10 and words != caption for width, words, caption in shown)
    assert len({caption for _, _, caption in shown}) == len(shown)
    titles = page.locator("h2").all_inner_texts()
    for title in ("Claims", "Matching between architectures (Table 1)", "Validation examples (Figure 5)"):
        assert title in titles


def test_names_are_shown_and_never_run(open_page: Any, pages: dict[str, Path]) -> None:
    page = open_page(pages["made"])
    assert page.title() == "A study"
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.images.length") == 0
    assert EVIL in page.locator(".claim-text").all_inner_texts()
    assert EVIL in page.locator("caption").all_text_contents()


def test_in_the_dark_no_figure_is_a_white_slab(open_page: Any, pages: dict[str, Path]) -> None:
    page = open_page(pages["digits"], color_scheme="dark")
    inks = page.evaluate("[...document.querySelectorAll('svg.plot text')].map(t => getComputedStyle(t).fill)")
    assert len(inks) > 100
    dark = [ink for ink in inks if sum(map(int, ink[4:-1].split(","))) < 300]
    assert dark == []
    fills = page.evaluate(
        "[...document.querySelectorAll('svg.plot path')].map(p => getComputedStyle(p).fill)"
    )
    assert "rgb(255, 255, 255)" not in fills


AXE = Path(__file__).parents[2] / "build/axe/node_modules/axe-core/axe.min.js"
FINDS = """async () => (await axe.run({resultTypes: ['violations']})).violations
  .filter(found => ['serious', 'critical'].includes(found.impact))
  .map(found => [found.id, found.nodes.map(node => node.html.slice(0, 200))])"""


@pytest.fixture(scope="module")
def looked_at(made_once: Callable[..., Path], measured: Path, studied: Path) -> dict[str, Path]:
    """The page of a run, of two runs, and of a study."""

    def write(folder: Path) -> None:
        folder.mkdir()
        run = open_run(measured)
        ez.report(run, folder / "run.html")
        ez.report([run, run], folder / "runs.html")

    folder = made_once("looked_at", write)
    return {"run": folder / "run.html", "runs": folder / "runs.html", "study": studied / "report.html"}


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed; `make axe` does")
@pytest.mark.parametrize("name", ["run", "runs", "study"])
def test_axe_finds_nothing_serious(open_page: Any, looked_at: dict[str, Path], name: str) -> None:
    # the page's own policy forbids the script that looks at it
    page = open_page(looked_at[name], viewport={"width": 390, "height": 800}, has_touch=True, bypass_csp=True)
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


def use_the_map(page: Any) -> None:
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
    open_page: Any, looked_at: dict[str, Path], name: str
) -> None:
    page = open_page(looked_at[name])
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert [page.locator(landmark).count() for landmark in ("header", "main")] == [1, 1]
    unnamed = "[...document.querySelectorAll('table')].filter(t => !t.caption?.textContent.trim())"
    assert page.evaluate(f"{unnamed}.length") == 0
    assert page.evaluate("document.querySelectorAll('th:not([scope])').length") == 0
    assert page.evaluate("[...document.querySelectorAll('img')].every(i => i.alt.length > 5)")
