"""The short film of deciding labels in a report's page that the README shows, an animated WebP.

    python tools/docs/report_film.py REPORT.html FILM.webp

The report is that of docs/labels.md: `python benchmarks/science/labels_tutorial.py --out FOLDER` leaves it in
its folder. It needs Chromium and Playwright, as the browser tests do.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

_SIZE: ViewportSize = {"width": 1080, "height": 700}
_MOST_BYTES = 1_000_000
_PRESSED = "box-shadow: 0 0 0 3px #c8531f; background: #fbe9e2"  # the button whose key is pressed
_KEYS = "sssssussssss"


def _decided(page: Page) -> Iterator[tuple[bytes, int]]:
    """Pictures of the page with how long each is shown, in milliseconds."""
    yield page.screenshot(), 1800
    page.locator("[data-decide-open]").first.scroll_into_view_if_needed()
    page.locator("#labels").evaluate("part => part.scrollIntoView()")
    yield page.screenshot(), 1400
    page.locator("[data-decide-open]").first.click()
    page.locator("#decide-by").type("Ann")
    yield page.screenshot(), 1400
    page.keyboard.press("Enter")
    for number, key in enumerate(_KEYS):
        button = page.locator(f'#decide-acts [aria-keyshortcuts="{key}"]')
        yield page.screenshot(), 1500 if number < 2 else 700
        button.evaluate("(button, style) => button.setAttribute('style', style)", _PRESSED)
        yield page.screenshot(), 300
        button.evaluate("button => button.removeAttribute('style')")
        page.keyboard.press(key)
        if number == 9:  # ten are decided: what was foretold
            yield page.screenshot(), 2600
    page.keyboard.press("l")
    yield page.screenshot(), 2600


def main(report: Path, film: Path) -> None:
    """Decide some labels by keys, and keep what is seen."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(viewport=_SIZE, offline=True, reduced_motion="reduce").new_page()
        page.goto(report.resolve().as_uri())
        shots = [*_decided(page)]
        browser.close()
    first, *others = (Image.open(io.BytesIO(shot)).convert("RGB") for shot, _ in shots)
    times = [time for _, time in shots]
    first.save(
        film,
        save_all=True,
        append_images=others,
        duration=times,
        loop=0,
        quality=60,
        method=6,
        minimize_size=True,
    )
    print(film, film.stat().st_size, "bytes,", len(shots), "pictures,", sum(times) / 1000, "seconds")
    assert film.stat().st_size < _MOST_BYTES


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
