"""Sounds on the page as a person plays them: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import load_dataset, measure
from easiness.report.page import write_report
from recording import believing, recorded
from sounds import encoded, tone, write_sounds

pytestmark = [pytest.mark.browser, pytest.mark.long]

NUM = 40
COVERED = """() => [...document.querySelectorAll('#decide-acts button')].filter(button => {
  const { x, y, width, height } = button.getBoundingClientRect();
  const isCovered = part => !button.contains(document.elementFromPoint(x + part * width, y + height / 2));
  return button.checkVisibility() && [0.02, 0.5, 0.98].some(isCovered);
}).map(button => button.textContent)"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 40 tones of two classes, of which four are mislabelled."""
    folder = tmp_path_factory.mktemp("sounds")
    files = [encoded(tone(200 + 40 * at, 0.3 + 0.02 * at)) for at in range(NUM)]
    data = load_dataset(write_sounds(folder / "in", {"even": files[::2], "odd": files[1::2]}))
    believed = np.where(np.arange(NUM) % 10 == 0, 1 - data.labels, data.labels)
    run = recorded(folder / "run", believing(believed, 4, 3, sure=[[2], [4], [6]]), data=data)
    write_report([run], folder / "sounds.html", source=data)
    return folder / "sounds.html"


def test_it_fits_every_screen_and_says_nothing_to_the_console(
    open_page: Any, fits: Any, has_two_themes: Any, written: Path
) -> None:
    page = open_page(written, viewport={"width": 390, "height": 800})
    fits(page)
    has_two_themes(page)


def test_each_has_its_picture_and_a_player_that_waits(open_page: Any, written: Path) -> None:
    page = open_page(written, viewport={"width": 1280, "height": 800})
    players = page.locator("main audio")
    assert players.count() == page.locator("main figure img").count()
    assert players.count() > NUM
    ask = "all => all.map(a => [a.controls, a.autoplay, a.preload, a.paused, a.ariaLabel])"
    said = players.evaluate_all(ask)
    assert all(one[:4] == [True, False, "none", True] and one[4] for one in said)
    assert all(box and box["width"] > 130 for box in (one.bounding_box() for one in players.all()[:8]))


def test_one_plays_at_a_time(open_page: Any, written: Path) -> None:
    page = open_page(written)
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


def test_the_map_plays_what_is_chosen(open_page: Any, written: Path) -> None:
    page = open_page(written, viewport={"width": 1280, "height": 900})
    page.locator("#map-body th button").first.click()
    card = page.locator("#map-card")
    card.locator("audio").wait_for()
    assert card.locator("img").count() == 1
    assert page.evaluate("document.querySelector('#map-card audio').src.startsWith('data:audio/wav')")


def test_a_picture_is_enlarged_above_its_player(open_page: Any, written: Path) -> None:
    page = open_page(written, viewport={"width": 1280, "height": 800})
    figure = page.locator(".class figure").first
    small = figure.locator("img").bounding_box()["width"]
    figure.locator("summary").press("Enter")
    assert figure.locator("img").bounding_box()["width"] > 2 * small
    player = figure.locator("audio").bounding_box()
    at = [player["x"] + player["width"] / 2, player["y"] + player["height"] / 2]
    assert page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", at) == "AUDIO"


def _playing(page: Any, where: str = "#decide-shown") -> bool:
    return bool(page.locator(f"{where} .decide-sound.playing").count())


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_picture_of_a_sound_is_what_plays_it(
    open_page: Any, written: Path, width: int, height: int
) -> None:
    page = open_page(written, viewport={"width": width, "height": height})
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
    assert box["x"] + box["width"] <= width
    page.locator("#decide-help").click()
    page.locator("#decide-play-each").uncheck()
    page.reload()
    page.locator("[data-decide-open]").click()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    assert not _playing(page)
    page.locator("#decide-help").click()
    assert not page.locator("#decide-play-each").is_checked()


def test_those_near_it_play_and_cover_no_button(open_page: Any, tmp_path: Path) -> None:
    files = [encoded(tone(200 + 40 * at, 0.3)) for at in range(NUM)]
    data = load_dataset(write_sounds(tmp_path / "in", {"even": files[::2], "odd": files[1::2]}))
    run = measure(data, features="logmel", trials=5, out=tmp_path / "run", device="cpu")
    write_report([run], tmp_path / "near.html", source=data)
    page = open_page(tmp_path / "near.html", viewport={"width": 390, "height": 700})
    page.locator("[data-decide-open]").press("Enter")
    page.locator("#decide-start").press("Enter")
    assert page.locator("#decide-near .decide-sound").count() == 8
    assert page.evaluate(COVERED) == []
    page.locator("#decide-near .decide-sound").last.press("Enter")
    page.locator("#decide-near .playing").wait_for()
    assert not _playing(page)
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert page.locator("#decide-count").inner_text().startswith("2 of ")
