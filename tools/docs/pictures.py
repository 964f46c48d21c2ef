"""The pictures of the documentation: figures that commands draw, and reports as a browser shows them.

    python tools/docs/pictures.py [--work FOLDER]

It measures scikit-learn's digits with two networks (a few minutes; what the folder has is kept) and writes
docs/images/*.svg and *.png. Chromium and Playwright are needed.
"""

from __future__ import annotations

import argparse
import io
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 100_000
WIDTH = 1000  # pixels of the page as it is shown

# a folder of digits, some of them in the folder of another class, stands for `photos`
COMMANDS = (
    "measure digits --model mlp_3 --trials 10 --epochs 3 --out runs/digits",
    "measure digits --model wrn_10_1 --trials 10 --epochs 3 --out runs/wrn",
    "report runs/digits -o report.html",
    "compare runs/digits runs/wrn -o compare.svg",
    "paper perturb runs/digits --kind shuffle -o perturb.svg",
    "measure photos --model mlp_3 --trials 5 --epochs 20 --out runs/photos",
    "report runs/photos -o photos.html",
)
# the picture, its page, where on the page it begins, and how many pixels high it is
SHOTS = (
    ("report-levels.png", "report.html", "#run1-distribution", 600),
    ("report-gallery.png", "report.html", "#run1-galleries", 610),
    ("report-labels.png", "photos.html", "#labels", 700),
)


def carry_out(work: Path) -> None:
    """Run the commands in the folder; a run that is whole is read only."""
    if not (work / "photos").exists():
        runpy.run_path(str(ROOT / "benchmarks" / "science" / "labels_tutorial.py"))["plant"](work / "photos")
    for line in COMMANDS:
        command = [sys.executable, "-m", "easiness", *shlex.split(line)]
        subprocess.run(command, cwd=work, check=True)


@contextmanager
def opened(page: Path) -> Iterator[Any]:
    """The page in Chromium, light."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
        shown.goto(page.as_uri())
        yield shown
        browser.close()


def take(page: Any, start: str, height: int) -> bytes:
    """The page's whole width, from the top of an element on."""
    box = page.locator(start).bounding_box()
    clip = {"x": 0, "y": box["y"], "width": WIDTH, "height": height}
    return page.screenshot(full_page=True, clip=clip)


def save(taken: bytes, path: Path) -> None:
    """As a PNG of few colors, and few bytes."""
    image = Image.open(io.BytesIO(taken)).convert("RGB")
    image.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{path}: {path.stat().st_size} bytes; show less of the page")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("build/pictures"), help="folder of the runs")
    work = parser.parse_args().work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    carry_out(work)
    for name in ("compare.svg", "perturb.svg"):
        shutil.copy(work / name, IMAGES / name)
    for name, report, start, height in SHOTS:
        with opened(work / report) as page:
            save(take(page, start, height), IMAGES / name)


if __name__ == "__main__":
    main()
