"""The report as a person sees it: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import load_dataset, open_run
from easiness.report.page import write_report
from easiness.store import Recorder

pytestmark = pytest.mark.browser

EVIL = ("<script>document.title='evil'</script>", '"><img src=x onerror="document.title=\'evil\'">')


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, measured: Path) -> dict[str, Path]:
    """A page of one measured run, and one of two recorded runs with names that try to break out."""
    folder = tmp_path_factory.mktemp("reports")
    write_report([open_run(measured)], folder / "measured.html")
    labels = np.arange(40) % 2
    ids = np.array([f"{i}/{EVIL[i % 2]}" for i in range(40)], object)
    rng = np.random.default_rng(0)
    runs = []
    for name in ("first", "second"):
        recorder = Recorder(folder / name, ids=ids, labels=labels, classes=EVIL)
        for seed in range(4):
            with recorder.trial(seed=seed) as trial:
                for _ in range(3):
                    trial.update(ids, rng.normal(size=(40, 2)) + 2 * np.eye(2)[labels])
                    trial.end_epoch()
        runs.append(recorder.run)
    write_report(runs, folder / "recorded.html")
    _write_suspects(folder)
    return {name: folder / f"{name}.html" for name in ("measured", "recorded", "suspects")}


def _write_suspects(folder: Path) -> None:
    """A page of a run that doubts five of 100 labels, over data with copies in both splits."""
    digits = load_dataset("digits", limit=120)
    images, labels = digits.images.numpy()[:, 0], digits.labels.copy()
    images[7] = images[3]
    images[110:112] = images[:2]
    labels[110] = (labels[0] + 1) % 10
    given = labels[:100].copy()
    given[::20] = (given[::20] + 1) % 10
    np.savez(folder / "copies.npz", x=images[:100], y=given, x_test=images[100:], y_test=labels[100:])
    data = load_dataset(str(folder / "copies.npz"))
    recorder = Recorder(
        folder / "doubting",
        ids=data.ids,
        labels=data.labels,
        classes=data.classes,
        fingerprint=data.fingerprint,
    )
    rng = np.random.default_rng(0)
    for seed in range(4):
        with recorder.trial(seed=seed) as trial:
            for epoch in range(3):
                trial.update(
                    data.ids, rng.normal(size=(100, 10)) + (4 + 3 * epoch) * np.eye(10)[labels[:100]]
                )
                trial.end_epoch()
    write_report([recorder.run], folder / "suspects.html", source=data)


@pytest.mark.parametrize("name", ["measured", "recorded", "suspects"])
@pytest.mark.parametrize("width", [390, 820, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen_and_says_nothing_to_the_console(
    open_page: Any, reports: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    page, troubles = open_page(reports[name], viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
    assert dark == (scheme == "dark")
    assert troubles == []


def test_pictures_and_figures_are_there(open_page: Any, reports: dict[str, Path]) -> None:
    page, _ = open_page(reports["measured"])
    widths = page.evaluate("[...document.images].map(i => i.naturalWidth)")
    assert widths == [8] * 100
    shown = page.evaluate("[...document.images].every(i => i.alt && i.clientWidth >= 40)")
    assert shown
    plots = page.locator("svg[role=img]")
    assert plots.count() == 4  # accuracy, levels, reliability by epoch and by trials
    assert all(box and box["height"] > 100 for box in (plot.bounding_box() for plot in plots.all()))
    headings = page.locator("h2").all_inner_texts()
    for heading in ("What was measured", "Accuracy over epochs", "Distribution of easiness", "Noise ceiling"):
        assert heading in headings


@pytest.mark.parametrize("width", [390, 1280])
def test_suspects_stand_beside_their_pictures(open_page: Any, reports: dict[str, Path], width: int) -> None:
    page, _ = open_page(reports["suspects"], viewport={"width": width, "height": 800})
    suspects = page.locator("#labels .suspects figure")
    assert suspects.count() == 5
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
    for link in ("Labels to look at", "What can be left out"):
        assert page.locator("nav a", has_text=link).count() == 1


def test_names_are_shown_and_never_run(open_page: Any, reports: dict[str, Path]) -> None:
    page, _ = open_page(reports["recorded"])
    assert page.title() == "Easy and hard examples: first, second"
    assert page.evaluate("[document.scripts.length, document.images.length]") == [2, 0]  # those of the map
    assert set(EVIL) <= set(page.locator("h4").all_inner_texts())


def test_the_keyboard_reaches_every_link_and_table(open_page: Any, reports: dict[str, Path]) -> None:
    page, _ = open_page(reports["recorded"], viewport={"width": 390, "height": 800})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    scrollable = "[...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1"
    scrollable += " && getComputedStyle(e).overflowX === 'auto')"
    assert page.evaluate(f"{scrollable}.length") > 0
    assert page.evaluate(f"{scrollable}.every(e => e.tabIndex === 0 && e.ariaLabel)")
    page.locator("nav a", has_text="How to read this page").press("Enter")
    assert page.url.endswith("#reading")
    # to a fraction of a pixel
    assert -1 < page.evaluate("document.querySelector('#reading').getBoundingClientRect().top") < 400
