"""The report as a person sees it: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import easiness as ez
from easiness import load_dataset, open_run
from lengths import long_but
from pixels import images_of
from recording import believing, recorded

pytestmark = pytest.mark.browser

EVIL = ("<script>document.title='evil'</script>", '"><img src=x onerror="document.title=\'evil\'">')


@pytest.fixture(scope="module")
def reports(made_once: Callable[..., Path], measured: Path) -> dict[str, Path]:
    """A page of one measured run, and one of two recorded runs with names that try to break out."""
    folder = made_once("reports", lambda folder: _write_reports(folder, measured))
    return {path.stem: path for path in folder.glob("*.html")}


def _write_reports(folder: Path, measured: Path) -> None:
    folder.mkdir()
    ez.report(open_run(measured), folder / "measured.html")
    labels = np.arange(40) % 2
    ids = np.array([f"{i}/{EVIL[i % 2]}" for i in range(40)], object)
    logits = believing(labels, 8, 3)
    runs = [
        recorded(folder / name, given, labels, ids=ids, classes=EVIL)
        for name, given in (("first", logits[:4]), ("second", logits[4:]))
    ]
    ez.report(runs, folder / "recorded.html")
    _write_suspects(folder)
    _write_classes(folder / "many", [f"n{label:08}" for label in range(1000)])
    _write_classes(folder / "long", ["x" * 120, "a dog that stands and points, " * 4, "an_old_name_" * 9])


def _write_classes(folder: Path, names: list[str]) -> None:
    labels = np.arange(2 * len(names)) % len(names)
    ids = np.array([f"{names[label]}/{at}.png" for at, label in enumerate(labels)], object)
    run = recorded(folder, believing(labels, 2, sure=3), labels, ids=ids, classes=names)
    ez.report(run, folder.with_suffix(".html"))


def _write_suspects(folder: Path) -> None:
    """A page of a run that doubts five of 100 labels, over data with copies in both splits."""
    digits = load_dataset("digits", limit=120)
    images, labels = images_of(digits).numpy()[:, 0], digits.labels.copy()
    images[7] = images[3]
    images[110:112] = images[:2]
    labels[110] = (labels[0] + 1) % 10
    given = labels[:100].copy()
    given[::20] = (given[::20] + 1) % 10
    np.savez(folder / "copies.npz", x=images[:100], y=given, x_test=images[100:], y_test=labels[100:])
    data = load_dataset(str(folder / "copies.npz"))
    run = recorded(folder / "doubting", believing(labels[:100], 4, 3, sure=[[4], [7], [10]]), data=data)
    ez.report(run, folder / "suspects.html", data=data)


@pytest.mark.long
@pytest.mark.parametrize("name", ["measured", "recorded", "suspects", "many", "long"])
def test_it_fits_every_screen_and_says_nothing_to_the_console(
    open_page: Any, fits: Any, has_two_themes: Any, reports: dict[str, Path], name: str
) -> None:
    page = open_page(reports[name], viewport={"width": 390, "height": 800})
    if name in ("many", "long"):
        assert page.locator("details.class").count() == (20 if name == "many" else 3)
        assert page.evaluate("document.documentElement.scrollHeight") < 20_000
    if name == "long":  # a name goes on behind a separator
        for place in (".class h3", ".jump", "figcaption .predicted", ".by-class", "#map-body td"):
            assert page.locator(f"{place} wbr").count() > 0, place
    fits(page)
    has_two_themes(page)


def test_pictures_and_figures_are_there(open_page: Any, reports: dict[str, Path]) -> None:
    page = open_page(reports["measured"])
    widths = page.evaluate("[...document.querySelectorAll('.class img')].map(i => i.naturalWidth)")
    assert widths == [8] * 100  # others are of suspects
    shown = page.evaluate("[...document.images].every(i => i.alt && i.clientWidth >= 40)")
    assert shown
    plots = page.locator("svg[role=img]")
    assert plots.count() == 5  # slices, accuracy, levels, reliability by epoch and by trials
    assert all(box and box["height"] > 100 for box in (plot.bounding_box() for plot in plots.all()))
    headings = page.locator("h2").all_inner_texts()
    for heading in (
        "What was found",
        "How it was measured",
        "Accuracy over epochs",
        "Distribution of easiness",
        "Noise ceiling",
    ):
        assert heading in headings


@pytest.mark.parametrize("width", long_but([390, 1280], [390]))
def test_suspects_stand_beside_their_pictures(open_page: Any, reports: dict[str, Path], width: int) -> None:
    page = open_page(reports["suspects"], viewport={"width": width, "height": 800})
    suspects = page.locator("#labels .suspects figure")
    assert suspects.count() == 5
    if width == 1280:  # what was found comes first, and then these
        assert suspects.first.bounding_box()["y"] + suspects.first.bounding_box()["height"] < 1500
    for one in suspects.all():
        picture, words = one.locator("img").bounding_box(), one.locator("figcaption").bounding_box()
        assert picture["width"] >= 60
        assert words["x"] >= picture["x"] + picture["width"]
        assert words["width"] >= 120
        assert words["x"] + words["width"] <= width
    pairs = page.locator("#labels .alike > li > div")
    assert pairs.count() > 0
    for pair in pairs.all():
        left, right = (img.bounding_box() for img in pair.locator("img").all())
        assert abs(left["y"] - right["y"]) < 1
        assert left["x"] + left["width"] <= right["x"]
    one = suspects.first
    small = one.locator("img").bounding_box()["width"]
    one.locator("summary").click()
    assert one.locator("img").bounding_box()["width"] > 2 * small
    one.locator("summary").click()
    for link in ("Labels to look at", "What can be left out"):
        assert page.locator("nav a", has_text=link).count() == 1


def test_the_keyboard_reaches_every_link_and_table(open_page: Any, reports: dict[str, Path]) -> None:
    page = open_page(reports["recorded"], viewport={"width": 390, "height": 800})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.locator("nav a", has_text="How to read this page").press("Enter")
    assert page.url.endswith("#reading")
    # to a fraction of a pixel
    assert -1 < page.evaluate("document.querySelector('#reading').getBoundingClientRect().top") < 400


def test_a_picture_is_enlarged_by_the_keyboard_and_goes_back(
    open_page: Any, reports: dict[str, Path]
) -> None:
    page = open_page(reports["measured"], viewport={"width": 1280, "height": 800})
    text = reports["measured"].read_text("utf-8")
    shown = page.evaluate("[...document.images].map(i => i.src)")
    assert all(text.count(uri) == shown.count(uri) for uri in shown)  # a suspect is there once more
    first, second = (page.locator(".class summary:has(img)").nth(at) for at in (0, 1))
    small = first.locator("img").bounding_box()
    first.focus()
    assert first.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    large = first.locator("img").bounding_box()
    assert large["width"] > 4 * small["width"]
    assert large["y"] >= 0
    assert large["y"] + large["height"] <= 800
    words = page.locator("figure:has(.zoom[open]) figcaption").inner_text()
    assert "of 3 trials are right; mean probability of its label" in words
    page.keyboard.press("Enter")
    assert first.locator("img").bounding_box()["width"] == small["width"]
    second.click()
    page.mouse.click(5, 5)  # anywhere
    assert page.locator(".zoom[open]").count() == 0


def test_folds_open_by_the_keyboard_by_links_and_on_paper(open_page: Any, reports: dict[str, Path]) -> None:
    page = open_page(reports["measured"], viewport={"width": 1280, "height": 800})
    folded = page.locator("details.folded")
    tables = page.locator("details.folded table")
    assert folded.count() >= 4
    assert not any(table.is_visible() for table in tables.all())
    page.emulate_media(media="print")
    assert all(table.bounding_box()["height"] > 20 for table in tables.all())
    page.emulate_media(media="screen")
    page.locator("details.folded > summary", has_text="Numbers").first.press("Enter")
    assert page.get_by_role("table", name="Accuracy over epochs").is_visible()
    page.evaluate("document.querySelectorAll('details.class').forEach(d => d.open = false)")
    page.locator(".jump a", has_text="7").press("Enter")
    opened = page.locator("details.class[open]")
    assert opened.count() == 1
    assert opened.locator("h3").inner_text() == "7"
