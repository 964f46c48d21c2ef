"""Rows of a table as a person decides on them: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness import load_dataset, measure
from easiness.report.page import write_report

pytestmark = [pytest.mark.browser, pytest.mark.long]

NUM, WIDTH = 120, 34


@pytest.fixture(scope="module")
def written(made_once: Callable[..., Path]) -> Path:
    """The page of a table of 34 numbers and a category, of which six labels are wrong."""
    return made_once("tables", _made) / "report.html"


def _made(folder: Path) -> None:
    folder.mkdir()
    draw = np.random.default_rng(0)
    labels = np.arange(NUM) % 2
    values = draw.normal(size=(NUM, WIDTH)).round(3) + 2 * labels[:, None]
    labels[::20] = 1 - labels[::20]
    names = [f"a measure with a rather long name {at}" for at in range(WIDTH)]
    rows = [",".join([*names, "colour", "label"])]
    for row, label in zip(values.tolist(), labels.tolist(), strict=True):
        rows.append(",".join([*map(str, row), draw.choice(["red", "<b>blue"]), ("no", "yes")[label]]))
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    data = load_dataset(str(folder / "table.csv"), label="label")
    run = measure(data, features="inputs", trials=5, out=folder / "run", device="cpu")
    write_report([run], folder / "report.html", source=data)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_all_columns_are_there_beside_those_of_the_nearest(
    open_page: Any, written: Path, width: int, height: int
) -> None:
    page = open_page(written, viewport={"width": width, "height": height})
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
    assert [row[0] for row in cells] == [f"this: {label}", "unusual", *near]
    unusual = [float(cell) for cell in cells[1][1:]]
    assert unusual == sorted(unusual, reverse=True)
    assert unusual[0] > 2
    assert page.locator("#decide-near").is_hidden()
    assert page.evaluate("document.querySelector('#decide b:not(.decide-text b)')") is None
    # the table scrolls, with the names of its rows in view, and the page does not
    assert page.evaluate("document.querySelector('#decide').scrollWidth") == width
    scroll = page.locator("#decide-shown .decide-scroll")
    assert scroll.evaluate("e => e.scrollWidth > 2 * e.clientWidth")
    scroll.focus()
    before = rows.first.locator("th").bounding_box()["x"]
    scroll.evaluate("e => (e.scrollLeft = e.scrollWidth)")
    assert rows.first.locator("th").bounding_box()["x"] == before
    assert names.last.bounding_box()["x"] < width
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


# the contrast of what is under the mouse, as WCAG has it
CONTRAST = """() => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const of = (name) => {
    pen.fillStyle = getComputedStyle([...document.querySelectorAll(':hover')].at(-1))[name];
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data]
      .map((one) => (one / 255 <= 0.03928 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const [ink, paper] = [of('color'), of('backgroundColor')];
  return Math.max(ink, paper) / Math.min(ink, paper);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_buttons_are_read_under_the_mouse(open_page: Any, written: Path, scheme: str) -> None:
    page = open_page(written, color_scheme=scheme)
    page.locator("[data-decide-open]").press("Enter")
    page.locator("#decide-start").press("Enter")
    page.locator('[data-act="keep"]').click()
    page.keyboard.press("ArrowLeft")
    for name, pressed in (
        (".decide-table button", True),
        ('[data-act="keep"]', True),
        ('[data-act="drop"]', False),
    ):
        button = page.locator(name)
        button.hover(position={"x": 3, "y": 20})
        assert button.get_attribute("aria-pressed") == str(pressed).lower()
        assert page.evaluate(CONTRAST) > 4.5


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_list_says_what_is_most_unusual_of_each_row(
    open_page: Any, written: Path, width: int, height: int
) -> None:
    page = open_page(written, viewport={"width": width, "height": height})
    page.locator("[data-decide-open]").press("Enter")
    page.locator("#decide-start").press("Enter")
    first = page.locator("#decide-shown thead th").all_inner_texts()[:3]
    values = page.locator("#decide-shown tbody tr.this td").all_inner_texts()[:3]
    page.keyboard.press("l")
    rows = page.locator("#decide-rows button")
    told = ", ".join(f"{name}: {value}" for name, value in zip(first, values, strict=True))
    assert rows.first.locator(".decide-row-name small").text_content() == told
    # without pictures no column is kept for them, and a label stands in one line
    assert page.locator(".decide-row-picture:visible").count() == 0
    number, name = (rows.first.locator(f".decide-row-{one}").bounding_box() for one in ("number", "name"))
    assert name["x"] - number["x"] - number["width"] < 20
    assert rows.first.locator("bdi").bounding_box()["height"] < 25
    assert rows.first.locator("bdi").bounding_box()["width"] > 80
    assert page.evaluate("document.querySelector('#decide').scrollWidth") == width
