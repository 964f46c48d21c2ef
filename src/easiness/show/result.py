"""What every study and a run's scores give, so that one writer, one page and any notebook can show it."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Protocol

from easiness.regular_file import in_words
from easiness.show.section import Section, defined, result_html, sections_markdown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


_LONGEST = 60  # characters of what one field holds
_LINE = 120  # characters of a line


def in_short(value: Any) -> str:
    """The name of a dataclass with its fields that are numbers or names, or short lists or values of them."""
    shown = ", ".join(f"{name}={text}" for name, text in _fields(value, in_short))
    return f"{type(value).__name__}({shown})"


def in_a_line(value: Any) -> str:
    """As `in_short`, without what is empty, off or not there, and cut where the line is long."""
    line = f"{type(value).__name__}("
    for name, text in _fields(value, in_a_line):
        if text in ("None", "False", "''", "[]", "()"):
            continue
        if len(line) + len(name) + len(text) > _LINE:
            return f"{line}...)"
        line += f"{name}={text}, "
    return f"{line.removesuffix(', ')})"


def _fields(value: Any, within: Callable[[Any], str]) -> Iterator[tuple[str, str]]:
    """The names and texts of the fields that have one."""
    for field in dataclasses.fields(value):
        text = _text(getattr(value, field.name), within) if field.repr else None
        if text is not None:
            yield field.name, text


def _text(value: Any, within: Callable[[Any], str]) -> str | None:
    """The value as written in Python; a long text is cut, and anything larger is ``None``."""
    if isinstance(value, float):  # NumPy's as well, which would say so
        return f"{float(value):.6g}"
    if isinstance(value, str) and len(value) > _LONGEST:
        value = f"{value[:_LONGEST]}..."
    if value is None or isinstance(value, str | int):
        return repr(in_words(value) if isinstance(value, str) else value)
    if isinstance(value, list | tuple):
        inner = [_text(item, within) for item in value]
        texts = [text for text in inner if text is not None]
        listed = ", ".join(texts)
        if len(texts) < len(inner) or len(listed) > _LONGEST:
            return None
        return f"[{listed}]" if isinstance(value, list) else f"({listed}{',' * (len(texts) == 1)})"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        text = within(value)
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

    @abstractmethod
    def figure(self) -> Figure:
        """The one figure that shows it."""

    @abstractmethod
    def sections(self) -> list[Section]:
        """The tables to read, for a terminal, a page, Markdown or a notebook."""

    def in_full(self) -> str:
        """The name and settings of the result in a line, for the files that it is written to."""
        return in_short(self) if is_dataclass(self) else repr(self)

    def document(self) -> Any:
        """The value of its JSON file: the rows of the table, with ``None`` where there is no number."""
        return [defined(row) for row in self.table().to_dict("records")]

    def markdown(self) -> str:
        """The text of its Markdown file."""
        return sections_markdown(self.sections()) + "\n"

    def _repr_html_(self) -> str:
        """What a notebook shows: the figure, then the tables."""
        return result_html(self.figure(), self.sections())
