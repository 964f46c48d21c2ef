"""Shared: Chromium, and a page opened in it with the network forbidden."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


# what is neither on the screen nor in something that scrolls to it
CUT = """() => [...document.querySelectorAll('main *, header *')].filter(e => {
  if (!e.checkVisibility() || !e.textContent.trim() || e.closest('svg, .unseen')) return false;
  for (let above = e; above; above = above.parentElement)
    if (getComputedStyle(above).overflowX === 'auto') return false;
  const box = e.getBoundingClientRect();
  return box.right > innerWidth + 1 || box.left < -1;
}).map(e => e.outerHTML.slice(0, 200))"""

# what scrolls sideways and cannot be scrolled by the keyboard, or has no name
UNREACHED = """() => [...document.querySelectorAll('*')].filter(
  e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'auto'
    && !e.querySelector('summary')
    && !(e.tabIndex === 0 && (e.ariaLabel || e.getAttribute('aria-labelledby')))
).map(e => e.outerHTML.slice(0, 200))"""


# words that are too small to read; those of figures are as large as the figure
SMALL = """() => [...document.querySelectorAll('body *')].filter(e => {
  if (!e.checkVisibility() || e.closest('.plot, .unseen, sub')) return false;
  const says = [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.textContent.trim());
  return says && parseFloat(getComputedStyle(e).fontSize) < 13;
}).map(e => e.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="session")
def fits() -> Callable[[Page], None]:
    """Asserts that all of a page, what is folded as well, is on screens of three widths or scrolls to it.

    No words are smaller than 13 pixels.
    """

    def call(page: Page) -> None:
        for opened in (False, True):
            if opened:
                unfold = "document.querySelectorAll('details:not(.zoom)').forEach(d => d.open = true)"
                page.evaluate(unfold)
            for width in (390, 768, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert page.evaluate(CUT) == [], width
                assert page.evaluate(UNREACHED) == [], width
                assert page.evaluate(SMALL) == [], width

    return call


@pytest.fixture(scope="session")
def has_two_themes() -> Callable[[Page], None]:
    """Asserts that a page follows the theme that is asked for."""

    def call(page: Page) -> None:
        found = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert found == ["rgb(253, 253, 251)", "rgb(22, 24, 27)"]

    return call


@pytest.fixture(scope="session")
def contexts() -> list[BrowserContext]:
    """Those that are open."""
    return []


@pytest.fixture(scope="session")
def troubles() -> list[str]:
    """What pages complained about or asked the network for: each test ends without any."""
    return []


@pytest.fixture(autouse=True)
def _closed(contexts: list[BrowserContext], troubles: list[str]) -> Iterator[None]:
    """What a test opens is closed after it; what its module shares stays open."""
    num = len(contexts)
    yield
    while len(contexts) > num:
        contexts.pop().close()
    found = troubles.copy()
    troubles.clear()
    assert found == []


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["desktop", "phone"])
def size(request: pytest.FixtureRequest) -> dict[str, int]:
    """The viewport of a desktop, and of a phone."""
    return dict(zip(("width", "height"), request.param, strict=True))


@pytest.fixture(scope="session")
def open_deciding(open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens a file, and the view of its page in which a person decides."""

    def call(path: Path, **options: Any) -> Page:
        page = open_page(path, **options)
        page.locator("[data-decide-open]").press("Enter")
        page.locator("#decide-start").press("Enter")
        return page

    return call


@pytest.fixture(scope="session")
def open_page(browser: Browser, contexts: list[BrowserContext], troubles: list[str]) -> Callable[..., Page]:
    """Opens a file; what its page complains about or asks the network for fails the test."""

    def call(path: Path, **options: Any) -> Page:
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request", lambda r: troubles.append(r.url) if not r.url.startswith(("file:", "data:")) else None
        )
        page.goto(path.as_uri())
        return page

    return call
