"""The picture of a report that the README shows.

    python tools/docs/report_picture.py REPORT.html PICTURE.webp

It needs Chromium and Playwright, as the browser tests do.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

_SIZE: ViewportSize = {"width": 1280, "height": 700}
_PART = "#run1-class-3"
_MOST_BYTES = 150_000


def main(report: Path, picture: Path) -> None:
    """The window of a browser at the easiest and hardest examples of a class."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(viewport=_SIZE, device_scale_factor=1.25, offline=True).new_page()
        page.goto(report.resolve().as_uri())
        page.locator(_PART).evaluate("part => part.scrollIntoView()")
        shot = page.screenshot()
        browser.close()
    Image.open(io.BytesIO(shot)).save(picture, quality=80, method=6)
    print(picture, picture.stat().st_size, "bytes")
    assert picture.stat().st_size < _MOST_BYTES


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
