"""Perturbed texts in figures: each example under each level, and what all networks still read rightly."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from easiness.show import FONT_SIZE, INK
from easiness.studies.perturbation.figure import level_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 7.2  # inches
_LINE = 0.17  # inches
_LETTERS = 100  # in a line
_MOST_LINES = 2  # of a text

Line = tuple[float, str, dict[str, Any]]
"""Inches from the left, a text, and how it is written."""


def draw_texts(blocks: Sequence[tuple[str, Sequence[tuple[str, Sequence[tuple[str, str]]]]]]) -> Figure:
    """Blocks of a heading and groups, a group of a name and lines: what stands before a text, and the text.

    Long texts are shortened, and put on two lines at most.
    """
    lines: list[Line] = []
    for heading, groups in blocks:
        lines.append((0.0, heading, {"fontweight": "bold"}))
        for name, texts in groups:
            lines.append((0.0, name, {"fontstyle": "italic"}))
            for before, text in texts:
                first, *others = shortened(text)
                lines += [(0.15, before, {}), (0.95, first, {"beside": ""})]
                lines += [(0.95, other, {}) for other in others]
        lines.append((0.0, "", {}))
    return _drawn(lines)


def level_lines(levels: Sequence[float], texts: Sequence[str]) -> list[tuple[str, str]]:
    """A text at each level, behind the level."""
    return [(level_name(level), text) for level, text in zip(levels, texts, strict=True)]


def shortened(text: str) -> list[str]:
    """The lines of a text, at most two, the last of which ends in dots where there are more; one if empty."""
    lines = textwrap.wrap(text, _LETTERS, max_lines=_MOST_LINES, placeholder=" ...")
    return lines or [""]


def _drawn(lines: Sequence[Line]) -> Figure:
    from matplotlib.figure import Figure

    num = sum("beside" not in how for _, _, how in lines)
    figure = Figure(figsize=(_WIDTH, _LINE * (num + 1)))
    write = partial(figure.text, color=INK, fontsize=FONT_SIZE - 1, va="top", parse_math=False)
    at = 0
    for left, text, how in lines:
        at += "beside" not in how
        style = {name: value for name, value in how.items() if name != "beside"}
        write(0.02 + left / _WIDTH, 1 - (at - 0.5) / (num + 1), text, **style)
    return figure
