"""The report as a person sees it: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import open_run
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
    return {name: folder / f"{name}.html" for name in ("measured", "recorded")}


@pytest.mark.parametrize("name", ["measured", "recorded"])
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


def test_names_are_shown_and_never_run(open_page: Any, reports: dict[str, Path]) -> None:
    page, _ = open_page(reports["recorded"])
    assert page.title() == "Easy and hard examples: first, second"
    assert page.evaluate("document.scripts.length + document.images.length") == 0
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
