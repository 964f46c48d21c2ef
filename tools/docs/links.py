"""What is wrong with built pages: links that lead nowhere, and whatever the network is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# what a browser fetches by itself, as against links that a reader follows
FETCHED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "video": "src"}
LINK_TYPES = {"stylesheet", "preload", "preconnect", "icon", "prefetch", "modulepreload"}


class Page(HTMLParser):
    """The anchors of a page, its links, and what it fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag names."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link" and LINK_TYPES & set(found.get("rel", "").split()):
            self.fetched.append(found.get("href", ""))
        elif tag in FETCHED and FETCHED[tag] in found:
            self.fetched.append(found[FETCHED[tag]])


def troubles(site: Path) -> list[str]:
    """A line for each link without a target, and for each font, script, style or picture from elsewhere."""
    pages = {path.resolve(): Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    return [f"{path.relative_to(site.resolve())}: {text}" for path in pages for text in of_page(path, pages)]


def of_page(path: Path, pages: dict[Path, Page]) -> Iterator[str]:
    page = pages[path]
    from_root = path.name == "404.html"  # served in the place of any page: its links start at the site's root
    for address in page.fetched:
        if is_elsewhere(address):
            yield f"fetches {address}"
        elif not from_root and not address.startswith("data:") and not target(path, address).is_file():
            yield f"{address} does not exist"
    for address in page.links:
        if is_elsewhere(address) or from_root:
            continue
        to = target(path, address)
        if not to.is_file():
            yield f"{address} does not exist"
        elif to in pages and unquote(urlsplit(address).fragment) not in pages[to].anchors | {"", "__top"}:
            yield f"{address}: no such anchor"


def is_elsewhere(address: str) -> bool:
    """Is it on another host, or no page at all?"""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "mailto")


def target(path: Path, address: str) -> Path:
    """The file that an address of the page means."""
    name = unquote(urlsplit(address).path)
    to = (path.parent / name).resolve() if name else path
    return to / "index.html" if to.is_dir() else to
