"""What every study and a run's scores give, so that one writer, one page and any notebook can show it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Protocol

from easiness.show.in_short import in_a_line, in_short
from easiness.show.section import Section, defined, result_html, sections_markdown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


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
