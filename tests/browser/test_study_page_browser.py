"""The page about a study as a person sees it: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from easiness.report.paper_page import Illustration, Part, StudyPage, render_study
from easiness.show.result import Section
from easiness.studies.paper.claims import Claim, Statistic

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
    part = Part("part", EVIL, LONG, [Illustration(EVIL, svg), Illustration(LONG, svg, [section])], [section])
    made = tmp_path_factory.mktemp("pages") / "made.html"
    made.write_text(render_study(StudyPage("A study", EVIL, [part], claims)), "utf-8")
    return {"digits": studied / "report.html", "made": made}


@pytest.mark.parametrize("name", ["digits", "made"])
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


def test_verdicts_are_told_apart_and_open_to_what_decides_them(
    open_page: Any, pages: dict[str, Path]
) -> None:
    page = open_page(pages["made"], viewport={"width": 1300, "height": 800})
    verdicts = page.locator("p.verdict")
    assert verdicts.all_inner_texts() == ["Holds", "Does not hold", "Undecided", "Not tested here"]
    colors = [verdict.evaluate("e => getComputedStyle(e).color") for verdict in verdicts.all()]
    assert len(set(colors[:3])) == 3
    table = page.locator(".claims details table").first
    assert not table.is_visible()
    page.locator("summary").first.press("Enter")
    assert table.is_visible()
    assert "0.400 to 0.600" in table.inner_text()


def test_names_are_shown_and_never_run(open_page: Any, pages: dict[str, Path]) -> None:
    page = open_page(pages["made"])
    assert page.title() == "A study"
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.images.length") == 0
    assert EVIL in page.locator(".claim-text").all_inner_texts()
    assert EVIL in page.locator("caption").all_text_contents()


def test_the_keyboard_skips_to_the_content_and_follows_links(open_page: Any, pages: dict[str, Path]) -> None:
    page = open_page(pages["digits"], viewport={"width": 400, "height": 800})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.locator("nav a", has_text="Claims").press("Enter")
    assert page.url.endswith("#claims")


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
