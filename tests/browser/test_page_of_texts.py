"""Texts on the page as a person reads, folds and finds them: in Chromium, with the network forbidden."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from easiness import load_dataset, measure
from easiness.report.page import write_report
from recording import believing, recorded

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

EVIL = (
    "</script><img src=x onerror=\"document.title='evil'\">",
    "<!--<script>document.title='evil'</script>",
    "quotes \" ' & &lt;b&gt;",
    "null \x00 and \x1b[31m",
    "שלום עולם, a text of two directions \u202e turned",
    "w" * 2000,
)
LONG = "a long text " * 60 + "with a needle at its end"
NUM = 60


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 60 texts of three classes, of which the first five are mislabelled and two are the same."""
    folder = tmp_path_factory.mktemp("texts")
    labels = np.arange(NUM) % 3
    texts = [f"{(*EVIL, LONG)[at % 7]} {at}" for at in range(NUM)]
    texts[40] = texts[41]
    data = load_dataset((texts, labels))
    believed = np.where(np.arange(NUM) < 5, (labels + 1) % 3, labels)
    run = recorded(folder / "run", believing(believed, 4, 3, sure=[[2.5], [5], [7.5]]), data=data)
    write_report([run], folder / "texts.html", source=data)
    return folder / "texts.html"


def settle(page: Page) -> None:
    # by the page's own clock, whose timers end in order however busy the machine is: it writes after 150 ms
    page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 200))")


def test_it_fits_every_screen_and_nothing_in_a_text_runs(
    open_page: Any, fits: Any, has_two_themes: Any, written: Path
) -> None:
    page = open_page(written, viewport={"width": 390, "height": 800})
    assert page.title().startswith("Easy and hard examples")
    assert page.evaluate("[document.scripts.length, document.images.length]") == [4, 0]
    shown = page.locator(".words > p").all_inner_texts()
    assert any(text.startswith(EVIL[0]) for text in shown)
    assert any("null ␀ and ␛[31m" in text for text in shown)
    fits(page)
    has_two_themes(page)


def test_long_texts_unfold_by_the_keyboard_without_a_script(open_page: Any, written: Path) -> None:
    page = open_page(written, viewport={"width": 1280, "height": 800}, java_script_enabled=False)
    words = page.locator(".class .words", has_text="needle").first
    folded = words.locator("p").bounding_box()["height"]
    control = words.locator("summary")
    control.focus()
    page.keyboard.press("Enter")
    assert words.locator("p").bounding_box()["height"] > 1.5 * folded
    page.keyboard.press("Enter")
    assert words.locator("p").bounding_box()["height"] == folded
    assert page.locator(".words", has_text="quotes").locator("summary").count() == 0


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_texts_near_one_stand_one_a_line(open_page: Any, tmp_path: Path, width: int, height: int) -> None:
    labels, draw = np.arange(NUM) % 2, np.random.default_rng(0)
    words = (
        ["sea", "wave", "boat", "fish", "salt", "harbour"],
        ["hill", "path", "goat", "stone", "hut", "snow"],
    )
    texts = [" ".join(draw.choice(words[label], 5)) for label in labels]
    labels[0] = 1
    data = load_dataset((texts, labels))
    run = measure(data, features="hashed", trials=5, out=tmp_path / "run", device="cpu")
    write_report([run], tmp_path / "near.html", source=data)
    page = open_page(tmp_path / "near.html", viewport={"width": width, "height": height})
    page.locator("[data-decide-open]").press("Enter")
    page.locator("#decide-start").press("Enter")
    for side in page.locator("#decide-near ul").all():
        boxes = [one.bounding_box() for one in side.locator("li").all()]
        assert len(boxes) == 4
        assert len({box["x"] for box in boxes}) == 1
        assert all(one["y"] + one["height"] <= two["y"] for one, two in pairwise(boxes))
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert page.locator("#decide-near ul").count() == 2


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_list_says_how_each_text_begins(open_page: Any, written: Path, width: int, height: int) -> None:
    page = open_page(written, viewport={"width": width, "height": height})
    page.locator("[data-decide-open]").press("Enter")
    page.locator("#decide-start").press("Enter")
    text = page.locator("#decide-shown .decide-text").inner_text()
    page.keyboard.press("l")
    told = page.locator("#decide-rows .decide-row-name small")
    assert told.first.text_content() == text[:200]
    assert told.count() == NUM
    assert max(len(one) for one in told.all_text_contents()) == 200
    assert all(one.bounding_box()["height"] < 50 for one in told.all()[:9])
    assert page.evaluate("document.querySelector('#decide').scrollWidth") == width
    assert page.title().startswith("Easy and hard examples")


def test_a_browser_finds_what_is_folded(open_page: Any, written: Path) -> None:
    page = open_page(written)
    assert page.evaluate("window.find('needle at its end')")


def test_text_runs_in_its_own_direction(open_page: Any, written: Path) -> None:
    page = open_page(written)
    words = page.locator(".class .words > p", has_text="שלום").first
    assert words.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert page.locator(".class figcaption").first.evaluate("e => getComputedStyle(e).direction") == "ltr"


def test_the_map_searches_texts_and_shows_them(open_page: Any, written: Path) -> None:
    page = open_page(written, viewport={"width": 1280, "height": 900})
    settle(page)
    assert page.locator("#map-head th").nth(2).inner_text() == "text"
    page.get_by_label("Search ids and texts").fill("NEEDLE at")
    settle(page)
    found = page.locator("#map-body tr")
    assert found.count() == 9  # every seventh, and the one that is another once more
    assert all("a long text" in text for text in found.all_inner_texts())
    found.first.locator("th button").click()
    settle(page)
    card = page.locator("#map-card .words")
    assert "needle at its end" in card.locator("p").text_content()
    folded = card.locator("p").bounding_box()["height"]
    card.locator("summary").press("Enter")
    assert card.locator("p").bounding_box()["height"] > folded
    page.get_by_label("Search ids and texts").fill("onerror=")
    settle(page)
    found.first.locator("th button").click()
    settle(page)
    assert card.locator("p").text_content().startswith(EVIL[0])
    assert page.evaluate("document.images.length") == 0
    assert page.title() != "evil"


def test_suspects_and_conflicts_have_their_texts(open_page: Any, written: Path) -> None:
    page = open_page(written, viewport={"width": 1280, "height": 900})
    suspects = page.locator("#labels .suspects figure")
    assert suspects.count() >= 5
    assert suspects.locator(".words").count() == suspects.count()
    pair = page.locator("#labels .alike figure .words p").all_inner_texts()
    assert len(pair) > 2  # those that are nearly the same come behind
    assert pair[0] == pair[1]
    assert pair[0].endswith(" 41")


def test_on_paper_all_of_a_text_is_there(open_page: Any, written: Path) -> None:
    page = open_page(written, viewport={"width": 1280, "height": 900})
    words = page.locator(".class .words", has_text="needle").first
    folded = words.locator("p").bounding_box()["height"]
    page.emulate_media(media="print")
    assert words.locator("p").bounding_box()["height"] > folded
    assert not words.locator("summary").is_visible()
