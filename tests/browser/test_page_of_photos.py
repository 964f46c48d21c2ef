"""Large photos as a person decides on them: in Chromium, from a file, with the network forbidden."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from easiness import Dataset, load_dataset
from easiness.report.page import write_report
from recording import believing, recorded

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

NUM = 12
SIZES = ((1280, 800), (390, 844))
PICTURE = "document.querySelector('#decide-shown img')"


def _written(folder: Path, data: Dataset) -> Path:
    """The page of a run that doubts every fifth label of 12."""
    believed = np.where(np.arange(NUM) % 5 == 0, 1 - data.labels, data.labels)
    run = recorded(folder / "run", believing(believed, 3, 2, sure=[[3], [6]]), data=data)
    write_report([run], folder / "report.html", source=data)
    return folder / "report.html"


@pytest.fixture(scope="module")
def of_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page beside 12 photos of 4,000 x 3,000 pixels."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for at in range(NUM):
        few = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
        path = folder / "photos" / ("a bird", "a fish")[at % 2] / f"#{at} 100%.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        few.resize((4000, 3000), Image.Resampling.BILINEAR).save(path, quality=70)
    return _written(folder, load_dataset(str(folder / "photos")))


@pytest.fixture(scope="module")
def of_arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 12 pictures of 700 x 500 pixels that are in no file."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (NUM, 5, 7, 3), np.uint8).repeat(100, 1).repeat(100, 2)
    return _written(tmp_path_factory.mktemp("arrays"), load_dataset((pictures, np.arange(NUM) % 2)))


def _begin(page: Page) -> None:
    page.locator("[data-decide-open]").press("Enter")
    page.locator("#decide-start").press("Enter")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_photo_is_shown_large_and_opens_its_file(
    open_page: Any, of_files: Path, width: int, height: int
) -> None:
    page = open_page(of_files, viewport={"width": width, "height": height})
    _begin(page)
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
        assert opened.value.evaluate("document.images[0].naturalWidth") == 4000
        opened.value.close()
    assert page.locator("#decide-count").inner_text() == "0 of 3 suspects decided"
    box = page.locator("#decide-shown img").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["width"] >= min(640, width - 60)
    assert page.evaluate("document.querySelector('#decide').scrollWidth") == width


def test_where_photos_have_moved_the_picture_is_enlarged(
    open_page: Any, of_files: Path, tmp_path: Path, troubles: list[str]
) -> None:
    text = of_files.read_text("utf-8")
    assert text.count('"near":{}') == 1
    (tmp_path / "report.html").write_text(text.replace('"near":{}', '"near":{"0":[[4,6],[5]]}'), "utf-8")
    page = open_page(tmp_path / "report.html", viewport={"width": 1280, "height": 800})
    _begin(page)
    page.locator("#decide-shown button").wait_for()
    page.keyboard.press("z")
    large = page.locator("#decide-shown img").bounding_box()
    assert [large[side] for side in ("x", "y", "width", "height")] == [0, 0, 1280, 800]
    page.keyboard.press("Escape")
    page.locator("#decide-shown button").click()
    assert page.locator("#decide-shown img").bounding_box() == large
    page.keyboard.press("k")
    page.keyboard.press("b")  # what is known of a file is not asked again
    assert page.locator("#decide-shown a").count() == 0
    near = page.locator("#decide-near a")
    assert near.count() == 3
    near.first.hover()
    near.last.focus()
    page.locator("#decide-near li > img").nth(1).wait_for()
    assert near.count() == 1
    assert len(page.context.pages) == 1
    assert set(troubles) == {"Failed to load resource: net::ERR_FILE_NOT_FOUND"}
    troubles.clear()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_picture_without_a_file_is_enlarged_in_the_page(
    open_page: Any, of_arrays: Path, width: int, height: int
) -> None:
    page = open_page(of_arrays, viewport={"width": width, "height": height})
    _begin(page)
    assert page.locator("#decide-shown a").count() == 0
    assert page.evaluate(f"{PICTURE}.naturalWidth") == 640
    small = page.locator("#decide-shown img").bounding_box()
    page.keyboard.press("z")
    large = page.locator("#decide-shown img").bounding_box()
    assert [large[side] for side in ("x", "y", "width", "height")] == [0, 0, width, height]
    page.keyboard.press("Escape")
    assert page.locator("#decide-shown img").bounding_box() == small
    page.locator("#decide-shown button").click()
    assert page.locator("#decide-shown img").bounding_box() == large
    page.keyboard.press("k")  # the next is as large as any
    assert page.locator("#decide-shown img").bounding_box() == small
    page.locator("#decide-help").click()
    assert "enlarge it" in (page.locator("#decide-begin").text_content() or "")
