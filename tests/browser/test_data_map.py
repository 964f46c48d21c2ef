"""The data map as a person uses it: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import easiness as ez
from easiness.store import Run
from recording import believing, recorded

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

EVIL = (
    "</script><img src=x onerror=\"document.title='evil'\">",
    "<!--<script>document.title='evil'</script>",
    'plain, "quoted"',
)
NUM = 60


def _recorded(folder: Path, *, trials: int = 3, epochs: int = 4, seed: int = 0) -> Run:
    """60 examples of three classes whose ids and names try to break out; the first five are mislabelled."""
    labels = np.arange(NUM) % 3
    ids = np.array([f"{EVIL[i % 3]}/{i:02d}" for i in range(NUM)], object)
    believed = np.where(np.arange(NUM) < 5, (labels + 1) % 3, labels)
    sure = 1.5 * np.arange(1, epochs + 1)[:, None] * np.linspace(1, 0.2, NUM)
    logits = believing(believed, trials, epochs, sure=sure, seed=seed)
    return recorded(folder, logits, labels, ids=ids, classes=EVIL)


@pytest.fixture(scope="module")
def written(made_once: Callable[..., Path]) -> dict[str, Path]:
    """Pages: of one run, of two, and of one with a single trial of one epoch."""
    folder = made_once("maps", _write_maps)
    return {name: folder / f"{name}.html" for name in ("one", "both", "flat")}


def _write_maps(folder: Path) -> None:
    folder.mkdir()
    one, two = _recorded(folder / "one"), _recorded(folder / "two", seed=1)
    ez.report(one, folder / "one.html")
    ez.report([one, two], folder / "both.html")
    ez.report(_recorded(folder / "flat", trials=1, epochs=1), folder / "flat.html")


@pytest.fixture(scope="module")
def opened(open_page: Any, written: dict[str, Path]) -> Page:
    """The page of one run, open for all tests, which start from its first view."""
    return open_page(written["one"], viewport={"width": 1280, "height": 900}, accept_downloads=True)


@pytest.fixture
def page(opened: Page) -> Page:
    view = opened.url.partition("#")[0] + "#data-map&"
    opened.evaluate(f"location.hash = 'top'; location.hash = {view.partition('#')[2]!r}")
    settle(opened)
    return opened


def settle(page: Page) -> None:
    """Wait until the view is drawn and in the address."""
    # by the page's own clock, whose timers end in order however busy the machine is: it writes after 150 ms
    page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 200))")


def said(page: Page, name: str) -> str:
    """The words of an element of the map once the view is drawn."""
    settle(page)
    return page.locator(f"#map-{name}").inner_text()


def rows(page: Page, column: int = 1) -> list[str]:
    settle(page)
    if column == 1:  # the ids, of which the last part is shown
        return page.locator("#map-body th button").evaluate_all("all => all.map(b => b.title)")
    return page.locator("#map-body tr").evaluate_all(f"all => all.map(r => r.cells[{column}].innerText)")


def numbers(page: Page, name: str) -> list[float]:
    settle(page)
    heads = page.locator("#map-head th").evaluate_all("all => all.map(h => h.innerText.trim())")
    (at,) = [i for i, head in enumerate(heads) if head.startswith(name)]
    return [float(text) for text in rows(page, at)]


def pixels(page: Page) -> str:
    settle(page)
    return page.evaluate("document.getElementById('map-points').toDataURL()")


def painted(page: Page) -> Any:
    """The map [height, width, 3], red, green and blue from 0 to 255."""
    picture = io.BytesIO(base64.b64decode(pixels(page).partition(",")[2]))
    return np.array(Image.open(picture).convert("RGB"), np.int64)


def colors(page: Page) -> int:
    """How many pixels of the map are strongly orange or blue, as points that pass the filters are."""
    image = painted(page)
    return int((np.abs(image[..., 0] - image[..., 2]) > 60).sum())


def drag_around(page: Page, corners: list[tuple[float, float]]) -> None:
    page.locator("#map-plot").scroll_into_view_if_needed()
    box = page.locator("#map-marks").bounding_box()
    assert box is not None
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in [*places[1:], places[0]]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()
    settle(page)


LOWER_HALF = [(0.01, 0.5), (0.99, 0.5), (0.99, 0.99), (0.01, 0.99)]


def test_the_first_view_has_all_examples(page: Page) -> None:
    assert page.locator("#data-map").is_visible()
    assert page.locator("nav a", has_text="Data map").count() == 1
    assert said(page, "shown") == "60 examples"
    assert said(page, "page") == "1 to 50 of 60"
    assert colors(page) > 300
    assert page.evaluate("document.title") == "Easy and hard examples: one"
    assert page.evaluate("[...document.images].filter(i => i.src.endsWith('x')).length") == 0


def test_another_score_colors_the_map_and_becomes_a_column(page: Page) -> None:
    before = pixels(page)
    page.select_option("#map-color", "aum")
    assert pixels(page) != before
    assert "aum" in said(page, "head")
    assert "High means easy" in said(page, "meaning")
    page.select_option("#map-color", "loss")
    settle(page)
    assert page.locator("#map-ramp").evaluate("e => e.classList.contains('turned')")


def test_filters_leave_what_they_say(page: Page) -> None:
    everything = colors(page)
    page.select_option("#map-label", label=EVIL[1])
    assert said(page, "shown") == "20 of 60 examples"
    assert set(rows(page, 2)) == {EVIL[1]}
    assert 0 < colors(page) < everything
    page.select_option("#map-suggested", label=EVIL[2])
    assert set(rows(page, 3)) == {EVIL[2]}
    assert said(page, "filtered") == "(2 in use)"
    page.locator("#map-reset").click()
    assert said(page, "shown") == "60 examples"
    page.select_option("#map-predicted", label=EVIL[0])
    page.select_option("#map-color", "confidence")
    page.fill("#map-least", "0.3")
    page.fill("#map-most", "0.7")
    found = numbers(page, "confidence")
    assert found
    assert all(0.3 <= one <= 0.7 for one in found)
    page.locator("#map-reset").click()
    page.fill("#map-search", "/1")
    assert sorted(one[-2:] for one in rows(page)) == [str(i) for i in range(10, 20)]
    page.fill("#map-search", "nowhere")
    settle(page)
    assert page.locator("#map-body").inner_text() == "No example passes the filters."
    page.fill("#map-search", f"{EVIL[1]}/04")
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator("#map-card .map-name").inner_text() == f"{EVIL[1]}/04"


def test_a_line_around_points_selects_them(page: Page) -> None:
    drag_around(page, LOWER_HALF)
    number = int(said(page, "selected").split()[0])
    page.locator("#map-only").check()
    chosen = numbers(page, "confidence")
    assert len(chosen) == number > 4
    assert max(chosen) < 0.52
    page.keyboard.down("Control")
    drag_around(page, [(0.01, 0.01), (0.99, 0.01), (0.99, 0.5), (0.01, 0.5)])
    page.keyboard.up("Control")
    assert said(page, "selected") == "60 selected"
    page.locator("#map-clear").click()
    assert said(page, "selected") == "0 selected"
    assert page.locator("#map-save").is_disabled()


def test_what_is_selected_is_copied_and_saved(page: Page) -> None:
    for at in (0, 1):
        page.locator("#map-body input").nth(at).check()
    chosen = rows(page)[:2]
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator("#map-copy").click()
    settle(page)
    assert sorted(page.evaluate("window.copied").split("\n")) == sorted(chosen)
    assert said(page, "said") == "Copied 2."
    with page.expect_download() as download:
        page.locator("#map-save").click()
    assert download.value.suggested_filename == "selected.csv"
    import pandas as pd

    assert sorted(pd.read_csv(download.value.path())["id"]) == sorted(chosen)
    page.evaluate("""() => {  // without a clipboard they are copied by hand
        navigator.clipboard.writeText = () => Promise.reject(new Error("not from a file"));
        const byHand = () => { window.byHand = document.activeElement.value; };
        document.addEventListener("copy", byHand, {once: true});
    }""")
    page.locator("#map-copy").click()
    settle(page)
    assert sorted(page.evaluate("window.byHand").split("\n")) == sorted(chosen)
    assert page.locator("#data-map textarea").count() == 0


def test_the_table_is_sorted_by_its_headers(page: Page) -> None:
    assert numbers(page, "difficulty") == sorted(numbers(page, "difficulty"), reverse=True)
    header = page.locator("#map-head button", has_text="variability")
    header.click()
    settle(page)
    assert page.locator("#map-head [aria-sort]").get_attribute("aria-sort") == "ascending"
    assert numbers(page, "variability") == sorted(numbers(page, "variability"))
    header.focus()
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator("#map-head [aria-sort]").get_attribute("aria-sort") == "descending"
    assert page.evaluate("document.activeElement.innerText") == "variability"
    shown = numbers(page, "variability")
    page.locator("#map-after").click()
    shown += numbers(page, "variability")
    assert len(shown) == NUM
    assert shown == sorted(shown, reverse=True)
    assert page.locator("#map-after").is_disabled()
    page.select_option("#map-color", "forgetting_events")  # undefined where no trial learned the example
    page.locator("#map-head button", has_text="forgetting events").click()
    settle(page)
    page.locator("#map-after").click()
    assert rows(page, 9)[-1] == "–"


def test_a_click_keeps_an_example_and_escape_lets_it_go(page: Page) -> None:
    card = page.locator("#map-card")
    assert "Point" in card.inner_text()
    name = rows(page)[0]
    page.locator("#map-body th button").first.click()
    settle(page)
    assert card.locator(".map-name").inner_text() == name
    assert "pinned" in (card.get_attribute("class") or "")
    for text in ("given label", "suggested label", "p wrong", "aum"):
        assert text in card.inner_text()
    assert card.locator("polyline.trial").count() == 3
    assert card.locator("polyline.mean").count() == 1
    card.locator("button", has_text="Add to the selection").click()
    assert said(page, "selected") == "1 selected"
    page.locator("#map-body th button").first.focus()
    page.keyboard.press("Escape")
    settle(page)
    assert "pinned" not in (card.get_attribute("class") or "")


def test_the_keyboard_walks_the_map_and_the_table(page: Page) -> None:
    page.locator("#map-marks").focus()
    page.keyboard.press("ArrowRight")  # the first of the table
    settle(page)
    name = page.locator("#map-card .map-name")
    first = name.inner_text()
    assert first == rows(page)[0]
    page.keyboard.press("ArrowUp")
    settle(page)
    assert name.inner_text() != first
    assert name.inner_text() in said(page, "spoken")
    page.keyboard.press("Escape")
    page.locator("#map-body th button").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.title") == rows(page)[1] == name.inner_text()
    page.keyboard.press("Enter")
    settle(page)
    assert page.url.count("pinned=") == 1
    tab_stops = page.locator("#map-body [tabindex='0']").count()
    assert tab_stops == 2  # of a row; arrows go to the others


def test_a_link_opens_the_same_view(page: Page, open_page: Any, written: dict[str, Path]) -> None:
    page.select_option("#map-color", "entropy")
    page.select_option("#map-label", label=EVIL[2])
    page.fill("#map-least", "0.05")
    page.fill("#map-search", "/")
    page.locator("#map-head button", has_text="p wrong").click()
    page.locator("#map-body input").nth(2).check()
    page.locator("#map-body input").nth(3).check()
    page.locator("#map-body th button").nth(1).click()
    settle(page)
    fragment = page.url.partition("#")[2]
    other = open_page(written["one"], viewport={"width": 1280, "height": 900})
    other.goto("about:blank")
    other.goto(f"{written['one'].as_uri()}#{fragment}")
    settle(other)
    for at in (1, 2, 3):
        assert rows(other, at) == rows(page, at)
    for control in ("color", "label", "least", "search"):
        value = f"document.getElementById('map-{control}').value"
        assert other.evaluate(value) == page.evaluate(value)
    assert said(other, "selected") == "2 selected"
    assert said(other, "card") == said(page, "card")
    assert other.locator("#map-marks").evaluate("e => Math.abs(e.getBoundingClientRect().top)") < 900
    other.evaluate("location.hash = 'data-map&label=0'")  # and follows a change of the address
    assert set(rows(other, 2)) == {EVIL[0]}
    assert said(other, "selected") == "0 selected"


@pytest.mark.parametrize(
    "fragment",
    [
        "color=__proto__&sort=constructor&run=7&label=-5&pinned=1e3&page=99999&least=x&most=Infinity",
        "selected=0-99999.x.-3.4-1.%00&search=%E0%A4%A",
        "color=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&label=99999999999999999999&run=-1",
    ],
)
def test_addresses_that_make_no_sense_do_nothing(page: Page, fragment: str) -> None:
    first = pixels(page)
    page.evaluate(f"location.hash = 'data-map&{fragment}'")
    settle(page)
    if "search" not in fragment:
        assert said(page, "shown") == "60 examples"
        assert pixels(page) == first
    assert said(page, "selected") == "0 selected"
    assert page.evaluate("document.title") == "Easy and hard examples: one"


def test_two_runs_have_a_choice_and_one_selection(open_page: Any, written: dict[str, Path]) -> None:
    page = open_page(written["both"], viewport={"width": 1280, "height": 900})
    page.locator("#map-body input").first.check()
    before = pixels(page)
    page.select_option("#map-run", label="two")
    assert pixels(page) != before
    assert said(page, "selected") == "1 selected"
    assert re.search(r"run=1\b", page.url)


def test_one_epoch_has_no_map_but_the_table(open_page: Any, written: dict[str, Path]) -> None:
    page = open_page(written["flat"], viewport={"width": 390, "height": 800})
    assert "One epoch was observed" in said(page, "flat")
    assert not page.locator("#map-plot").is_visible()
    page.locator("#map-body th button").first.click()
    settle(page)
    assert page.locator("#map-card circle.mean").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_the_page_is_as_it_would_be_without_a_map(
    open_page: Any, written: dict[str, Path]
) -> None:
    page = open_page(written["one"], java_script_enabled=False)
    assert not page.locator("#data-map").is_visible()
    assert not page.locator("nav a", has_text="Data map").is_visible()
    assert page.locator("#run1-accuracy").is_visible()


def test_a_finger_draws_once_it_is_told_to(open_page: Any, written: dict[str, Path]) -> None:
    page = open_page(written["one"], viewport={"width": 390, "height": 800}, has_touch=True)
    button = page.locator("#map-touch")
    assert button.is_visible()
    button.tap()
    assert button.get_attribute("aria-pressed") == "true"
    assert page.locator("#map-marks").evaluate("e => getComputedStyle(e).touchAction") == "none"
    page.evaluate("""() => {
        const marks = document.getElementById("map-marks");
        const box = marks.getBoundingClientRect();
        const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
        const send = (kind, [x, y]) => marks.dispatchEvent(new PointerEvent(kind, {
            pointerId: 1, isPrimary: true, pointerType: "touch", button: 0, bubbles: true,
            clientX: box.left + x * box.width, clientY: box.top + y * box.height}));
        marks.setPointerCapture = () => {};
        send("pointerdown", corners[0]);
        for (const corner of corners) send("pointermove", corner);
        send("pointerup", corners[3]);
    }""")
    assert said(page, "selected") == "60 selected"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_print_leaves_it_out_and_dark_has_other_colors(open_page: Any, written: dict[str, Path]) -> None:
    page = open_page(written["one"], viewport={"width": 768, "height": 800})
    light = pixels(page)
    page.emulate_media(color_scheme="dark")
    assert pixels(page) != light
    page.emulate_media(media="print")
    settle(page)
    assert not page.locator("#data-map").is_visible()


def window(page: Page) -> tuple[float, float, float]:
    """How close the view is, and where it begins: as the address has it."""
    settle(page)
    found = dict(re.findall(r"\b(zoom|x|y)=([\d.]+)", page.url))
    return float(found.get("zoom", 1)), float(found.get("x", 0)), float(found.get("y", 0))


def wheel(page: Page, x: float, y: float, down: int) -> None:
    box = page.locator("#map-marks").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.wheel(0, down)
    settle(page)


def test_the_wheel_comes_closer_to_what_it_is_over(page: Page) -> None:
    whole = pixels(page)
    page.locator("#map-plot").scroll_into_view_if_needed()
    page.keyboard.down("Control")
    for _ in range(5):
        wheel(page, 0.2, 0.2, -60)
    page.keyboard.up("Control")
    zoom, x, y = window(page)
    assert zoom == pytest.approx(np.exp(2), abs=0.01)
    assert 0 < x < 0.2  # near to the top left
    assert 0.6 < y < 1 - 1 / zoom + 1e-3
    assert pixels(page) != whole
    wheel(page, 0.2, 0.2, 20)  # alone it moves the map
    assert window(page)[::2] == (zoom, pytest.approx(y - 20 / (560 - 52) / zoom, abs=1e-3))  # type: ignore[comparison-overlap]
    page.locator("#map-whole").click()
    assert window(page) == (1, 0, 0)
    assert pixels(page) == whole
    before = page.evaluate("scrollY")
    wheel(page, 0.5, 0.5, 60)  # nothing is enlarged, so it moves the page
    assert page.evaluate("scrollY") > before


@pytest.fixture(scope="module")
def explained(made_once: Callable[..., Path], open_page: Any) -> Page:
    """A page of 120 texts, of which those of a speaker, whose name tries to break out, are wrong."""
    return open_page(made_once("explained", _write_explained) / "page.html", viewport=SIZE)


SIZE = {"width": 1280, "height": 900}


def _write_explained(folder: Path) -> None:
    folder.mkdir()
    labels, speakers = np.arange(120) % 2, np.array([EVIL[at % 4 > 1] for at in range(120)], object)
    data = ez.load_dataset((np.array([f"text {at}" for at in range(120)], object), labels))
    believed = np.where(speakers == EVIL[1], 1 - labels, labels)
    run = recorded(folder / "run", believing(believed, 4, 3, sure=2.0), data=data)
    rooms = [f"room {at % 10}" for at in range(120)]
    pd.DataFrame({"id": data.ids, "speaker": speakers, "room": rooms}).to_csv(
        folder / "speakers.csv", index=False
    )
    ez.report(run, folder / "page.html", metadata=folder / "speakers.csv", data=data)


def test_a_slice_shows_its_examples_behind_a_click(explained: Page) -> None:
    slices = explained.locator("#study-1 > details.class")
    assert slices.count() == 1
    assert EVIL[0] in slices.locator("h3").inner_text()
    assert not slices.locator("li").first.is_visible()
    slices.locator("summary").first.press("Enter")
    assert slices.locator("li").count() == 8
    assert slices.locator("li").first.is_visible()
    assert "error rate" in slices.locator("li").first.inner_text()


def test_the_map_has_the_colors_of_a_column(explained: Page) -> None:
    before = pixels(explained)
    explained.select_option("#map-color", "speaker")
    assert pixels(explained) != before
    names = explained.locator("#map-names button")
    assert {*names.all_inner_texts()} == {EVIL[0], EVIL[1]}
    assert said(explained, "meaning") == "A column by which hardness is explained."
    assert set(rows(explained, -1 + explained.locator("#map-head th").count())) == {EVIL[1]}  # the hardest
    assert not explained.locator("#map-ramp").is_visible()
    names.last.press("Enter")
    assert said(explained, "shown") == "60 of 120 examples"
    assert names.last.get_attribute("aria-pressed") == "true"
    assert explained.evaluate("document.title") != "evil"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_have_colors_of_their_own(explained: Page, scheme: Any) -> None:
    explained.emulate_media(color_scheme=scheme)
    explained.select_option("#map-color", "room")
    settle(explained)
    items = explained.locator("#map-names li").all_inner_texts()
    assert items == [*(f"room {at}" for at in range(8)), "other (2)"]  # of ten that are as frequent
    texts = explained.evaluate("""() => {
        const dots = [...document.querySelectorAll("#map-names li > *")].map((one) => [one, "::before"]);
        return [[document.body], ...dots].map((one) => getComputedStyle(...one).backgroundColor);
    }""")
    paper, *own = (np.array(re.findall(r"\d+", text), float) for text in texts)
    assert len({*texts}) == 10
    for one in own:  # points let a little of the paper through
        assert (np.abs(painted(explained) - (0.85 * one + 0.15 * paper)).max(axis=2) < 3).any()
