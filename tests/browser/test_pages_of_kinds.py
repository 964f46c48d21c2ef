"""Photos, sounds, rows and texts as a person sees and decides on them: in Chromium, without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import easiness as ez
from easiness import Dataset, load_dataset, measure
from recording import believing, recorded
from sounds import encoded, tone, write_sounds

pytestmark = [pytest.mark.browser, pytest.mark.long]

OF_PHOTOS = 12
PICTURE = "document.querySelector('#decide-shown img')"


def _written(folder: Path, data: Dataset) -> Path:
    """The page of a run that doubts every fifth label of 12."""
    believed = np.where(np.arange(OF_PHOTOS) % 5 == 0, 1 - data.labels, data.labels)
    run = recorded(folder / "run", believing(believed, 3, 2, sure=[[3], [6]]), data=data)
    ez.report(run, folder / "report.html", data=data)
    return folder / "report.html"


@pytest.fixture(scope="module")
def of_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page beside 12 photos of 1,600 x 1,200 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for at in range(OF_PHOTOS):
        few = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
        path = folder / "photos" / ("a bird", "a fish")[at % 2] / f"#{at} 100%.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        few.resize((1600, 1200), Image.Resampling.BILINEAR).save(path, quality=70)
    return _written(folder, load_dataset(str(folder / "photos")))


@pytest.fixture(scope="module")
def of_arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 12 pictures of 700 x 500 pixels that are in no file."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (OF_PHOTOS, 5, 7, 3), np.uint8).repeat(100, 1).repeat(100, 2)
    return _written(tmp_path_factory.mktemp("arrays"), load_dataset((pictures, np.arange(OF_PHOTOS) % 2)))


def test_a_photo_is_shown_large_and_opens_its_file(open_deciding: Any, of_files: Path, size: Any) -> None:
    page = open_deciding(of_files, viewport=size)
    assert page.evaluate(f"[{PICTURE}.naturalWidth, {PICTURE}.naturalHeight]") == [640, 480]
    link = page.locator("#decide-shown a")
    href = link.get_attribute("href")
    name = page.locator("#decide-name").inner_text().replace("#", "%23").replace("100%", "100%25")
    assert href == f"photos/{name}".replace(" ", "%20")
    opens = (lambda: page.keyboard.press("z"), link.click)
    for act in opens:
        with page.expect_popup() as opened:
            act()
        opened.value.wait_for_load_state()
        assert opened.value.url.endswith(href)
        assert opened.value.evaluate("document.images[0].naturalWidth") == 1600
        opened.value.close()
    assert page.locator("#decide-count").inner_text() == "0 of 3 suspects decided"
    box = page.locator("#decide-shown img").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size["width"]
    assert box["width"] >= min(640, size["width"] - 60)
    assert page.evaluate("document.querySelector('#decide').scrollWidth") == size["width"]


def test_a_picture_without_a_file_is_enlarged_in_the_page(
    open_deciding: Any, of_arrays: Path, size: Any
) -> None:
    page = open_deciding(of_arrays, viewport=size)
    assert page.locator("#decide-shown a").count() == 0
    assert page.evaluate(f"{PICTURE}.naturalWidth") == 640
    small = page.locator("#decide-shown img").bounding_box()
    page.keyboard.press("z")
    large = page.locator("#decide-shown img").bounding_box()
    assert [large[side] for side in ("x", "y", "width", "height")] == [0, 0, *size.values()]
    page.keyboard.press("Escape")
    assert page.locator("#decide-shown img").bounding_box() == small
    page.locator("#decide-shown button").click()
    assert page.locator("#decide-shown img").bounding_box() == large
    page.keyboard.press("k")  # the next is as large as any
    assert page.locator("#decide-shown img").bounding_box() == small
    page.locator("#decide-help").click()
    assert "enlarge it" in (page.locator("#decide-begin").text_content() or "")


SOUNDS = 40


@pytest.fixture(scope="module")
def page_of_sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 40 tones of two classes, of which four are mislabelled."""
    folder = tmp_path_factory.mktemp("sounds")
    files = [encoded(tone(200 + 40 * at, 0.3 + 0.02 * at)) for at in range(SOUNDS)]
    data = load_dataset(write_sounds(folder / "in", {"even": files[::2], "odd": files[1::2]}))
    believed = np.where(np.arange(SOUNDS) % 10 == 0, 1 - data.labels, data.labels)
    run = recorded(folder / "run", believing(believed, 4, 3, sure=[[2], [4], [6]]), data=data)
    ez.report(run, folder / "sounds.html", data=data)
    return folder / "sounds.html"


def test_each_has_its_picture_and_a_player_that_waits_and_plays_alone(
    open_page: Any, page_of_sounds: Path
) -> None:
    page = open_page(page_of_sounds, viewport={"width": 1280, "height": 900})
    players = page.locator("main audio")
    assert players.count() == page.locator("main figure img").count()
    assert players.count() > SOUNDS
    ask = "all => all.map(a => [a.controls, a.autoplay, a.preload, a.paused, a.ariaLabel])"
    said = players.evaluate_all(ask)
    assert all(one[:4] == [True, False, "none", True] and one[4] for one in said)
    assert all(box and box["width"] > 130 for box in (one.bounding_box() for one in players.all()[:8]))
    first, second, seconds = page.evaluate(
        """async () => {
          const [one, two] = document.querySelectorAll('audio');
          one.loop = two.loop = true;
          await one.play();
          await two.play();
          const said = [one.paused, two.paused, one.duration];
          two.pause();
          return said;
        }"""
    )
    assert (first, second) == (True, False)
    assert 0.3 <= seconds <= 1.2
    page.locator("#map-body th button").first.click()  # the map plays what is chosen
    card = page.locator("#map-card")
    card.locator("audio").wait_for()
    assert card.locator("img").count() == 1
    assert page.evaluate("document.querySelector('#map-card audio').src.startsWith('data:audio/wav')")
    figure = page.locator(".class figure").first  # a picture is enlarged above its player
    small = figure.locator("img").bounding_box()["width"]
    figure.locator("summary").press("Enter")
    assert figure.locator("img").bounding_box()["width"] > 2 * small
    player = figure.locator("audio").bounding_box()
    at = [player["x"] + player["width"] / 2, player["y"] + player["height"] / 2]
    assert page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", at) == "AUDIO"


def _playing(page: Any, where: str = "#decide-shown") -> bool:
    return bool(page.locator(f"{where} .decide-sound.playing").count())


def test_the_picture_of_a_sound_is_what_plays_it(open_page: Any, page_of_sounds: Path, size: Any) -> None:
    page = open_page(page_of_sounds, viewport=size)
    page.evaluate("addEventListener('play', e => e.target.loop = true, true)")
    page.locator("[data-decide-open]").press("Enter")
    assert page.locator("#decide audio[controls]").count() == 0
    page.locator("#decide-start").press("Enter")
    player = page.locator("#decide-shown .decide-sound")
    page.locator("#decide-shown .playing").wait_for()  # as it comes
    assert player.get_attribute("aria-label").startswith("Stop ")
    page.keyboard.press(" ")
    page.locator("#decide-shown .decide-sound:not(.playing)").wait_for()
    assert player.get_attribute("aria-label").startswith("Play ")
    page.keyboard.press(" ")
    page.locator("#decide-shown .playing").wait_for()
    player.click()
    page.locator("#decide-shown .decide-sound:not(.playing)").wait_for()
    player.focus()
    page.keyboard.press("Enter")
    page.locator("#decide-shown .playing").wait_for()
    page.keyboard.press(" ")
    page.locator("#decide-shown .decide-sound:not(.playing)").wait_for()
    page.keyboard.press("k")  # to the next, which plays
    page.keyboard.press("k")
    assert page.locator("#decide-count").inner_text().startswith("2 of ")
    page.locator("#decide-shown .playing").wait_for()
    box = player.bounding_box()
    assert min(box["width"], box["height"]) >= 44
    assert box["x"] + box["width"] <= size["width"]
    page.locator("#decide-help").click()
    page.locator("#decide-play-each").uncheck()
    page.reload()
    page.locator("[data-decide-open]").click()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    assert not _playing(page)
    page.locator("#decide-help").click()
    assert not page.locator("#decide-play-each").is_checked()


ROWS, WIDTH = 120, 34


@pytest.fixture(scope="module")
def page_of_rows(made_once: Callable[..., Path]) -> Path:
    """The page of a table of 34 numbers and a category, of which six labels are wrong."""
    return made_once("tables", _made) / "report.html"


def _made(folder: Path) -> None:
    folder.mkdir()
    draw = np.random.default_rng(0)
    labels = np.arange(ROWS) % 2
    values = draw.normal(size=(ROWS, WIDTH)).round(3) + 2 * labels[:, None]
    labels[::20] = 1 - labels[::20]
    names = [f"a measure with a rather long name {at}" for at in range(WIDTH)]
    rows = [",".join([*names, "colour", "label"])]
    for row, label in zip(values.tolist(), labels.tolist(), strict=True):
        rows.append(",".join([*map(str, row), draw.choice(["red", "<b>blue"]), ("no", "yes")[label]]))
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    data = load_dataset(str(folder / "table.csv"), label="label")
    run = measure(data, features="inputs", model="ridge", trials=5, out=folder / "run", device="cpu")
    ez.report(run, folder / "report.html", data=data)


def test_all_columns_are_there_beside_those_of_the_nearest(
    open_page: Any, page_of_rows: Path, size: Any
) -> None:
    page = open_page(page_of_rows, viewport=size)
    page.locator("[data-decide-open]").press("Enter")
    assert "Look at one row after another" in page.locator("#decide-begin").inner_text()
    page.locator("#decide-start").press("Enter")
    names = page.locator("#decide-shown thead th")
    assert names.count() == WIDTH + 1
    rows = page.locator("#decide-shown tbody tr")
    cells = rows.evaluate_all("all => all.map(row => [...row.cells].map(cell => cell.textContent))")
    assert {len(row) for row in cells} == {WIDTH + 2}
    label = page.locator("#decide-label").inner_text()
    other = "yes" if label == "no" else "no"
    near = [f"nearest {label}"] * 4 + [f"nearest {other}"] * 4
    assert [row[0] for row in cells[:10]] == [f"this: {label}", "unusual", *near]
    assert cells[10][0].startswith(f"pulls it to {other}: labelled {other}: its log odds would be ")
    unusual = [float(cell) for cell in cells[1][1:]]
    assert unusual == sorted(unusual, reverse=True)
    assert unusual[0] > 2
    assert page.locator("#decide-near").is_hidden()
    assert page.evaluate("document.querySelector('#decide b:not(.decide-text b)')") is None
    # the table scrolls, with the names of its rows in view, and the page does not
    assert page.evaluate("document.querySelector('#decide').scrollWidth") == size["width"]
    scroll = page.locator("#decide-shown .decide-scroll")
    assert scroll.evaluate("e => e.scrollWidth > 2 * e.clientWidth")
    scroll.focus()
    before = rows.first.locator("th").bounding_box()["x"]
    scroll.evaluate("e => (e.scrollLeft = e.scrollWidth)")
    assert rows.first.locator("th").bounding_box()["x"] == before
    assert names.last.bounding_box()["x"] < size["width"]
    switch = page.get_by_role("button", name="Most unusual columns first")
    assert switch.get_attribute("aria-pressed") == "true"
    switch.press("Enter")
    assert names.all_inner_texts()[:2] == [f"a measure with a rather long name {at}" for at in (0, 1)]
    assert page.evaluate("document.activeElement.textContent") == "Most unusual columns first"
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert page.locator("#decide-count").inner_text().startswith("2 of ")
    assert names.all_inner_texts()[-1] == "colour"
    page.reload()
    page.locator("[data-decide-open]").click()
    assert names.all_inner_texts()[-1] == "colour"


EVIL = (
    "</script><img src=x onerror=\"document.title='evil'\">",
    "<!--<script>document.title='evil'</script>",
    "quotes \" ' & &lt;b&gt;",
    "null \x00 and \x1b[31m",
    "שלום עולם, a text of two directions \u202e turned",
    "w" * 2000,
)
LONG = "a long text " * 60 + "with a needle at its end"
TEXTS = 60


@pytest.fixture(scope="module")
def page_of_texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 60 texts of three classes, of which the first five are mislabelled and two are the same."""
    folder = tmp_path_factory.mktemp("texts")
    labels = np.arange(TEXTS) % 3
    texts = [f"{(*EVIL, LONG)[at % 7]} {at}" for at in range(TEXTS)]
    texts[40] = texts[41]
    data = load_dataset((texts, labels))
    believed = np.where(np.arange(TEXTS) < 5, (labels + 1) % 3, labels)
    run = recorded(folder / "run", believing(believed, 4, 3, sure=[[2.5], [5], [7.5]]), data=data)
    ez.report(run, folder / "texts.html", data=data)
    return folder / "texts.html"


def settle(page: Any) -> None:
    # by the page's own clock, whose timers end in order however busy the machine is: it writes after 150 ms
    page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 200))")


@pytest.mark.parametrize("kind", ["sounds", "texts"])
def test_it_fits_every_screen_and_says_nothing_to_the_console(
    open_page: Any, fits: Any, has_two_themes: Any, kind: str, request: pytest.FixtureRequest
) -> None:
    page = open_page(request.getfixturevalue(f"page_of_{kind}"), viewport={"width": 390, "height": 800})
    fits(page)
    has_two_themes(page)


def test_texts_stay_text_and_stand_with_what_they_are_about(open_page: Any, page_of_texts: Path) -> None:
    page = open_page(page_of_texts, viewport={"width": 1280, "height": 900})
    assert page.title().startswith("Easy and hard examples")
    assert page.evaluate("[document.scripts.length, document.images.length]") == [4, 0]
    shown = page.locator(".words > p").all_inner_texts()
    assert any(text.startswith(EVIL[0]) for text in shown)
    assert any("null ␀ and ␛[31m" in text for text in shown)
    # in its own direction
    words = page.locator(".class .words > p", has_text="שלום").first
    assert words.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert page.locator(".class figcaption").first.evaluate("e => getComputedStyle(e).direction") == "ltr"
    # suspects and conflicts have theirs
    suspects = page.locator("#labels .suspects figure")
    assert suspects.count() >= 5
    assert suspects.locator(".words").count() == suspects.count()
    pair = page.locator("#labels .alike figure .words p").all_inner_texts()
    assert len(pair) > 2  # those that are nearly the same come behind
    assert pair[0] == pair[1]
    assert pair[0].endswith(" 41")
    # on paper all of it is there, and a browser finds what is folded
    words = page.locator(".class .words", has_text="needle").first
    folded = words.locator("p").bounding_box()["height"]
    page.emulate_media(media="print")
    assert words.locator("p").bounding_box()["height"] > folded
    assert not words.locator("summary").is_visible()
    page.emulate_media(media="screen")
    assert page.evaluate("window.find('needle at its end')")


def test_the_map_searches_texts_and_shows_them(open_page: Any, page_of_texts: Path) -> None:
    page = open_page(page_of_texts, viewport={"width": 1280, "height": 900})
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
