"""The page of outcomes as a person uses it: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import easiness as ez

pytestmark = [pytest.mark.browser, pytest.mark.long]

EVIL = "<script>document.title='evil'</script><img src=x onerror=\"document.title='evil'\"> & more"
OTHER = EVIL + "x" * 150
NUM = 120


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 items: of item i model A has i of 120 right, and B as many of the items of one group alone."""
    folder = tmp_path_factory.mktemp("outcomes")
    about = {
        "item": [EVIL if i == 0 else f"i{i}" for i in range(NUM)],
        "text": [f"{EVIL} number {i}" for i in range(NUM)],
        "group": [[EVIL, "even"][i % 2 == 0] for i in range(NUM)],
        "answer": EVIL,
    }
    first = pd.DataFrame({**about, "model": "A", "count": NUM, "correct": range(NUM)})
    second = first.assign(model=OTHER, correct=[i * (i % 2) for i in range(NUM)])
    runs = ez.record(pd.concat([first, second]), out=folder / "runs")
    ez.report(runs, folder / "page.html")
    return folder / "page.html"


def test_it_fits_every_screen(open_page: Any, fits: Any, has_two_themes: Any, page_file: Path) -> None:
    page = open_page(page_file)
    page.locator("#map-body button").first.click()
    fits(page)
    has_two_themes(page)
    assert page.title().startswith("Easy and hard items")


def test_items_are_sorted_searched_filtered_and_opened(open_page: Any, page_file: Path) -> None:
    page = open_page(page_file)

    def ids() -> list[str]:
        return page.locator("#map-body tr > th").all_inner_texts()

    assert page.locator("#map-shown").inner_text() == "120 items"
    assert ids()[0] == EVIL
    page.locator('[data-sort="rate"]').click()
    assert ids()[:2] == ["i119", "i117"]  # B has these right too
    assert page.locator('[aria-sort="descending"]').inner_text().startswith("rate")
    page.locator('[data-sort="rate"]').press("Enter")
    assert ids()[0] == EVIL
    page.locator('[data-sort="id"]').click()
    assert ids()[1:4] == ["i1", "i2", "i3"]
    page.locator("#map-after").click()
    assert page.locator("#map-page").inner_text() == "51 to 100 of 120"
    page.get_by_label("Rates of").select_option("A")
    page.locator('[data-sort="rate"]').click()
    assert ids()[:3] == ["i119", "i118", "i117"]
    page.get_by_label("group").select_option("even")
    assert page.locator("#map-shown").inner_text() == "60 of 120 items"
    assert ids()[:2] == ["i118", "i116"]
    page.get_by_label("Search").fill("NUMBER 116")
    assert ids() == ["i116"]
    page.locator("#map-body button").press("Enter")
    about = page.locator(".about").inner_text()
    assert f"{EVIL} number 116" in about
    assert f"240 × {EVIL} by 2 models" in about
    assert "A 116 of 120" in about
    assert f"{OTHER} 0 of 120" in about
    page.get_by_label("Search").fill("nothing has this")
    assert page.locator("#map-body").inner_text() == "No item passes the filters."
    assert page.title().startswith("Easy and hard items")  # nothing of the table ran
    assert page.locator("img").count() == 0


def test_cells_of_the_matrix_are_named_and_open_their_item(open_page: Any, page_file: Path) -> None:
    page = open_page(page_file)
    matrix, cell = page.locator("#map-matrix"), page.locator("#map-cell")
    assert matrix.evaluate("one => [one.width, one.height]") == [2, NUM]
    box = matrix.bounding_box()
    matrix.hover(position={"x": 1, "y": box["height"] - 1})
    assert cell.inner_text() == "i119, A: 119 of 120 right"
    assert matrix.get_attribute("title") == cell.inner_text()
    matrix.press("ArrowRight")
    assert cell.inner_text() == f"i119, {OTHER}: 119 of 120 right"
    column = matrix.evaluate("one => [...one.getContext('2d').getImageData(0, 0, 1, one.height).data]")
    hard, easy = column[:3], column[-4:-1]
    assert hard[0] > hard[2]  # orange
    assert easy[0] < easy[2]  # blue
    matrix.press("Enter")
    assert "number 119" in page.locator(".about").inner_text()
    assert page.evaluate("document.activeElement.textContent") == "i119"
