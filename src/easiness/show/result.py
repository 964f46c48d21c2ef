"""Results of one form, so that one writer, one page and any notebook can show each."""

from __future__ import annotations

import dataclasses
import html
import math
import re
import shutil
import textwrap
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from easiness.errors import printable
from easiness.lazy import Figure, pd
from easiness.regular_file import in_words
from easiness.show.svg import figure_html

if TYPE_CHECKING:
    from easiness.show.frames import Frame


_LONGEST_CELL = 10_000  # letters of a text in a page
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
        """The same with pictures of its control characters, of a long text the beginning."""
        more = f" … ({_LONGEST_CELL:,} of {len(text):,} letters)" if len(text) > _LONGEST_CELL else ""
        return cls(uri, text[:_LONGEST_CELL].translate(_CONTROLS) + more, sound)

    @property
    def size(self) -> int:
        """Bytes of its picture and its sound in a page."""
        return len(self.uri or "") + len(self.sound or "")

    def in_words(self) -> Self:
        """The same without its picture and its sound."""
        return self._replace(uri=None, sound=None)

    def html(self) -> str:
        """The elements for a notebook; every text is escaped, and nothing plays or loads by itself."""
        text, uri, sound = (html.escape(one or "") for one in (self.text, self.uri, self.sound))
        elements = f'<img style="{_STYLES["img"]}" src="{uri}" alt="{text}">' if uri else ""
        if sound:
            elements += f'<audio style="{_STYLES["audio"]}" controls preload="none" src="{sound}"></audio>'
        return elements or f'<div dir="auto" style="{_STYLES["div"]}">{text}</div>'


class HtmlCell(str):
    """The text of a cell that a notebook shows as HTML."""

    html: str

    def __new__(cls, text: str, html: str) -> Self:
        """``html`` is shown as it is, so that every text in it has to be escaped."""
        cell = super().__new__(cls, text)
        cell.html = html
        return cell


_LINE_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_TEXTS = ("reason", "text", "path")  # columns that are read from the left
_WIDE = 160  # columns, where there is no terminal
_LEAST = 20  # characters of a text that is cut
_MARKUP = re.compile(r"\\|<(?=[A-Za-z/!?])|(?<=\])\(")  # an escape, the start of a tag, of a target


@dataclass(frozen=True)
class Section:
    """A table with a title and a sentence on how to read it; the first row is its header.

    ``notices`` are what one has to know before one believes the table; each has a line of its own. Without
    a row below its header the sentence is all there is to say.
    """

    title: str
    note: str
    rows: list[list[str]]
    notices: tuple[str, ...] = ()


def sections_text(sections: Iterable[Section]) -> str:
    """Tables for a terminal, columns aligned; no name in them ends a line.

    Texts are cut to the width of the terminal, or to 160 columns where there is none. The note of the table
    before is not said again.
    """
    sections_to_print = [_visible(section) for section in sections]
    before = [None, *(section.note for section in sections_to_print)]
    return "\n\n".join(
        "\n".join(
            [
                section.title,
                *(f"{textwrap.fill(f'Note: {notice}', 100)}\n" for notice in section.notices),
                *([textwrap.fill(section.note, 100)] if section.note != before_note else []),
                *([f"\n{_columns_text(section.rows)}"] if len(section.rows) > 1 else []),
            ]
        )
        for section, before_note in zip(sections_to_print, before, strict=False)
    )


def sections_markdown(sections: Iterable[Section]) -> str:
    """The same tables as Markdown."""
    return "\n\n".join(
        "\n\n".join(
            [
                f"### {markdown_text(section.title)}",
                *(f"**Note:** {markdown_text(notice)}" for notice in section.notices),
                markdown_text(section.note),
                *([_markdown(section.rows)] if len(section.rows) > 1 else []),
            ]
        )
        for section in sections
    )


def sections_html(sections: Iterable[Section], lead: Iterable[str] = (), figure: str = "") -> str:
    """The same as HTML, below sentences ``said`` and a ``figure`` that is HTML; every text is escaped."""
    sentences = "".join(f"<li>{html.escape(text)}</li>" for text in lead)
    parts = (f"<ul>{sentences}</ul>" if sentences else "") + figure
    for section in sections:
        title, note = html.escape(section.title), html.escape(section.note)
        notices = "".join(
            f"<p><strong>Note:</strong> {html.escape(notice)}</p>" for notice in section.notices
        )
        table = _html(section.rows) if len(section.rows) > 1 else ""
        parts += f"<h4>{title}</h4>{notices}<p>{note}</p>{table}"
    # class names and ids are not to be read as mathematics
    return f'<div class="tex2jax_ignore mathjax_ignore">{parts}</div>'


def result_html(figure: Figure, sections: list[Section], lead: Iterable[str] = ()) -> str:
    """A result: the sentences ``said``, the figure, then the tables."""
    of = repr([[section.title, section.note, section.rows] for section in sections])
    return sections_html(sections, lead, figure_html(figure, of=of, label=sections[0].title))


def _html(rows: list[list[str]]) -> str:
    header, *body = ([getattr(cell, "html", None) or html.escape(cell) for cell in row] for row in rows)
    head = "".join(f"<th>{cell}</th>" for cell in header)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _visible(section: Section) -> Section:
    title, note, *notices = (
        printable(text.replace("\n", " ")) for text in (section.title, section.note, *section.notices)
    )
    rows = [[printable(cell) for cell in row] for row in section.rows]
    return Section(title, note, rows, tuple(notices))


def _columns_text(rows: list[list[str]]) -> str:
    texts = _texts(rows)
    widths = _cut([max(map(len, column)) for column in zip(*rows, strict=True)], texts)
    lines = []
    for row in rows:
        cells = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            text = cell if len(cell) <= width else f"{cell[: width - 1]}…"
            cells.append(text.ljust(width) if column in {0, *texts} else text.rjust(width))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _texts(rows: list[list[str]]) -> list[int]:
    return [column for column, name in enumerate(rows[0]) if name in _TEXTS]


def _cut(widths: list[int], texts: list[int]) -> list[int]:
    """Widths of columns that fit the terminal, as far as ``texts`` can be cut, the longest first."""
    over = sum(widths) + 2 * (len(widths) - 1) - shutil.get_terminal_size((_WIDE, 0)).columns
    for column in sorted(texts, key=widths.__getitem__, reverse=True):
        cut = max(0, min(over, widths[column] - _LEAST))
        widths[column] -= cut
        over -= cut
    return widths


def markdown_text(text: str) -> str:
    """Text for Markdown, in which a name is no tag, no link and no line of its own."""
    return _MARKUP.sub(r"\\\g<0>", _LINE_ENDS.sub(" ", text))


def _markdown(rows: list[list[str]]) -> str:
    header, *body = ([markdown_text(cell).replace("|", "\\|") for cell in row] for row in rows)
    to_the_left = {0, *_texts(rows)}
    sides = ["---" if column in to_the_left else "---:" for column in range(len(header))]
    lines = [header, sides, *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def without_nan(value: Any) -> Any:
    """JSON has no NaN: an undefined number is ``None``."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value


_LONGEST = 60  # characters of what one field holds
_LINE = 120  # characters of a line
_NOTHING = ("None", "False", "''", "[]", "()")


def in_a_line(value: Any, *, whole: bool = False) -> str:
    """The name of a dataclass with its fields that are numbers or names, or short lists or values of them.

    Where it is not to be ``whole``, without what is empty, off or not there, and cut where it is long.
    """
    line = f"{type(value).__name__}("
    for field in dataclasses.fields(value):
        text = _text(getattr(value, field.name), whole) if field.repr else None
        if text is None or (not whole and text in _NOTHING):
            continue
        if not whole and len(line) + len(field.name) + len(text) > _LINE:
            return f"{line}...)"
        line += f"{field.name}={text}, "
    return f"{line.removesuffix(', ')})"


def _text(value: Any, whole: bool) -> str | None:
    """The value as written in Python; a long text is cut, and anything larger is ``None``."""
    if isinstance(value, float):  # NumPy's as well, which would say so
        return f"{float(value):.6g}"
    if isinstance(value, str) and len(value) > _LONGEST:
        value = f"{value[:_LONGEST]}..."
    if value is None or isinstance(value, str | int):
        return repr(in_words(value) if isinstance(value, str) else value)
    if isinstance(value, list | tuple):
        texts = [_text(item, whole) for item in value]
        items = ", ".join(text or "" for text in texts)
        if None in texts or len(items) > _LONGEST:
            return None
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' * (len(texts) == 1)})"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        text = in_a_line(value, whole=whole)
        return text if len(text) <= _LONGEST and not text.endswith("()") else None
    return None


class Result(Protocol):
    """A value that can be shown: as rows, as a figure, and as titled tables to read.

    A class that names it as its base gives the first three and gets the others, which follow from them. Its
    ``repr`` is one short line, also where it is a dataclass, whose own would say everything.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__repr__" not in vars(cls):
            cls.__repr__ = in_a_line  # type: ignore[method-assign]

    @abstractmethod
    def table(self) -> pd.DataFrame:
        """Everything that was found, a row each: what goes into a file of rows."""

    def csv_rows(self) -> pd.DataFrame:
        """The rows of its CSV file: those of its table, unless a file of other ones is what it is for."""
        return self.table()

    @abstractmethod
    def figure(self) -> Figure:
        """The one figure that shows it."""

    def figures(self) -> Mapping[str, Figure]:
        """Every figure of its page, by caption."""
        return {"": self.figure()}

    def frames(self) -> Sequence[Frame]:
        """The tables with the types of their columns."""
        return ()

    def sections(self) -> list[Section]:
        """The tables to read, for a terminal, a page, Markdown or a notebook."""
        return [frame.section for frame in self.frames()]

    leads: bool = False
    """Its headline stands above its tables; else it is the last line, which is seen below a long table."""

    listing: str = ""
    """Name of the rows of its table where one wants just these: ``labels``. A command then prints them."""

    @property
    def headline(self) -> str:
        """The result in a sentence; the title of its first table unless it says otherwise."""
        return next((frame.title for frame in self.frames()), "")

    @property
    def notices(self) -> Sequence[str]:
        """Warnings to know before one believes it, each in a sentence."""
        return ()

    def printed_sections(self) -> list[Section]:
        """The tables that a command prints; all unless it says otherwise."""
        return self.sections()

    def in_words(self) -> str:
        """The text that a command prints."""
        tables = self.printed_sections()
        titles = {section.title.casefold() for section in tables or self.sections()}
        parts = [sections_text(tables), "" if self.headline.casefold() in titles else self.headline]
        return "\n\n".join(filter(None, reversed(parts) if self.leads else parts))

    def remarks(self) -> list[str]:
        """The headline and notices, but for those that a title or a note repeats, for Markdown and pages."""
        titles = "\n".join(f"{one.title}\n{one.note}" for one in self.sections()).casefold()
        return [text for text in (self.headline, *self.notices) if text and text.casefold() not in titles]

    def next_steps(self, outputs: Sequence[Path]) -> Sequence[str]:  # noqa: ARG002
        """Next steps once it was written to these files: a command or a sentence each."""
        return ()

    def drawings(self) -> Mapping[Path, Figure]:
        """Figures that a command writes beside that of the result, by the files they were asked for."""
        return {}

    def check(self) -> None:
        """Raise what a command is to end with once the result is shown, such as a bound that is passed."""
        return

    def own_file(self, suffix: str) -> bytes:
        """The content of a file of an ending that this result alone can be written in."""
        return suffix.encode()

    def in_full(self) -> str:
        """The name and settings of the result in a line, for the files that it is written to."""
        return in_a_line(self, whole=True) if is_dataclass(self) else repr(self)

    def document(self) -> Any:
        """The value of its JSON file: the rows of the table, with ``None`` where there is no number."""
        return [without_nan(row) for row in self.table().to_dict("records")]

    def markdown(self) -> str:
        """The text of its Markdown file."""
        lead = "".join(f"{markdown_text(text)}\n\n" for text in self.remarks())
        return f"{lead}{sections_markdown(self.sections())}\n"

    def _repr_html_(self) -> str:
        """Show what is said, the figure, then the tables, in a notebook."""
        return result_html(self.figure(), self.sections(), self.remarks())
