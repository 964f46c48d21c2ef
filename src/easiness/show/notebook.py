"""What a notebook shows of a figure and of tables: HTML that loads nothing; every text is escaped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from easiness.show.section import Section, sections_html
from easiness.show.svg import to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 92  # CSS pixels of an inch: text of a figure is then as large as that around it

# the ink is that of the notebook, light or dark
_STYLE = "--plot-ink: currentColor; --plot-faint: #8884; margin: 0.5em 0"


def figure_html(figure: Figure, *, of: str, label: str) -> str:
    """A figure as an element that shrinks with the notebook.

    Args:
        figure: to be drawn.
        of: what it is about, in whatever words: several figures may stand in one notebook.
        label: what it shows, for those who cannot see it.
    """
    key = f"easiness-{hashlib.sha256(of.encode()).hexdigest()[:8]}"
    width = f"max-width: {_WIDTH * figure.get_figwidth():.0f}px"
    return f'<div style="{_STYLE}; {width}">{to_svg(figure, key=key, label=label)}</div>'


def result_html(figure: Figure, sections: list[Section], said: Iterable[str] = ()) -> str:
    """A result: the sentences ``said``, the figure, then the tables."""
    of = repr([[section.title, section.note, section.rows] for section in sections])
    return sections_html(sections, said, figure_html(figure, of=of, label=sections[0].title))
