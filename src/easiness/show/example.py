"""An example as people see it: in words, as a picture and as a sound, for pages and notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import NamedTuple, Self

_LONGEST = 10_000  # letters of a text in a page
_STYLES = {
    "img": "display: block; max-width: 12em; max-height: 9em",
    "audio": "display: block; width: 16em; height: 2.5em",
    "div": "max-width: 36em; max-height: 12em; overflow-y: auto; text-align: start; white-space: pre-wrap; "
    "overflow-wrap: anywhere",
}
# as a browser shows none of them: the pictures that Unicode has of controls
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"} | {0x7F: 0x2421}


class ShownExample(NamedTuple):
    """An example in a page: its ``text``, and addresses for an ``img`` and an ``audio`` where it has them."""

    uri: str | None
    text: str
    sound: str | None = None

    @classmethod
    def of(cls, uri: str | None, text: str, sound: str | None) -> Self:
        """Everything at once, of a long text the beginning."""
        return cls(uri, _readable(text), sound)

    @property
    def size(self) -> int:
        """Bytes of its picture and its sound in a page."""
        return len(self.uri or "") + len(self.sound or "")

    def in_words(self) -> Self:
        """The same without its picture and its sound."""
        return self._replace(uri=None, sound=None)

    def html(self) -> str:
        """The elements for a notebook; every text is escaped, and nothing plays or loads by itself."""
        return "".join(self._elements())

    def _elements(self) -> Iterator[str]:
        text = html.escape(self.text)
        if self.uri is not None:
            yield f'<img style="{_STYLES["img"]}" src="{html.escape(self.uri)}" alt="{text}">'
        if self.sound is not None:
            source = html.escape(self.sound)
            yield f'<audio style="{_STYLES["audio"]}" controls preload="none" src="{source}"></audio>'
        if not self.size:
            yield f'<div dir="auto" style="{_STYLES["div"]}">{text}</div>'


def _readable(text: str) -> str:
    """The text with pictures of its control characters, and cut where it is very long."""
    more = f" … ({_LONGEST:,} of {len(text):,} letters)" if len(text) > _LONGEST else ""
    return text[:_LONGEST].translate(_CONTROLS) + more


class Embedded(str):
    """The text of a cell that a notebook shows as HTML."""

    html: str

    def __new__(cls, text: str, html: str) -> Self:
        """``html`` is shown as it is, so that every text in it has to be escaped."""
        made = super().__new__(cls, text)
        made.html = html
        return made
