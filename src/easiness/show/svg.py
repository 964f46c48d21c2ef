"""Quiet axes, and SVG made to stand inside a page: its text stays text, its colors follow the page's."""

from __future__ import annotations

import hashlib
import html
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from easiness.lazy import Axes, Figure, Lazy

INK = "#3a3d42"
FAINT = "#c9ccd1"
EASY = "#0072b2"
HARD = "#d55e00"
TRAIN = "#007a5e"
LEFT_OUT = "#9a6b00"
HELD_OUT = "#a8487a"
# shades behind words, thinned by their opacity; they are the same in every theme, so that words on them
# can be read in `ON_WASH` (a last bit off the colors above, which a page changes)
EASY_WASH = "#0072b1"
HARD_WASH = "#d55e01"
ON_WASH = "#101214"

# A page may set these CSS variables, say for a dark theme; elsewhere the colors above hold.
_VARIABLES = {
    INK: "--plot-ink",
    FAINT: "--plot-faint",
    EASY: "--easy",
    HARD: "--hard",
    TRAIN: "--plot-train",
    LEFT_OUT: "--plot-left-out",
    HELD_OUT: "--plot-held-out",
    ON_WASH: "--plot-on-wash",
}

_MPL, _FIGURE = Lazy("matplotlib"), Lazy("matplotlib.figure")

_DPI = 160  # of the pictures in a figure
_WIDTH = 92  # CSS pixels of an inch in a notebook: text of a figure is then as large as that around it
# the ink is that of the notebook, light or dark
_STYLE = "--plot-ink: currentColor; --plot-faint: #8884; margin: 0.5em 0"
_USUAL, _LEAST = 1.28, 0.9  # CSS pixels of a point: where there is room, and where words can just be read

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_NO_SIGN = r"(?s)Glyph .* missing from font"

FONT_SIZE = 9.0
"""Points; a figure shown at its own width has text of this size."""


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """An empty figure of that many inches; ``options`` are those of matplotlib's."""
    figure: Figure = _FIGURE.Figure(figsize=(width, height), **options)
    return figure


def new_blank(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of that many inches, and axes which fill it and are not drawn."""
    figure = new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return figure, axes


def new_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A transparent figure of that many inches, with one pair of axes open at the top and right."""
    figure, (axes,) = new_panels(width, height)
    return figure, axes


def new_panels(
    width: float, height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, list[Axes]]:
    """The same with several pairs of axes, row by row; ``options`` are those of matplotlib's subplots."""
    figure = new_figure(width, height, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, **options).ravel().tolist()
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(FAINT)
        axes.tick_params(color=FAINT, labelcolor=INK, labelsize=FONT_SIZE, length=3)
        axes.xaxis.label.set(color=INK, fontsize=FONT_SIZE)
        axes.yaxis.label.set(color=INK, fontsize=FONT_SIZE)
        axes.set_axisbelow(True)
        axes.grid(axis="y", color=FAINT, linewidth=0.5)
    return figure, panels


def legend_above(axes: Axes, columns: int) -> None:
    """Name the labelled lines in a row above the axes."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        frameon=False,
        fontsize=FONT_SIZE,
        labelcolor=INK,
        borderaxespad=0.2,
        handlelength=2.2,
        columnspacing=1.4,
    )


def chance_line(axes: Axes, chance: float) -> None:
    """A dotted line at ``chance``, named to the right of the axes."""
    axes.axhline(chance, color=INK, linewidth=0.8, linestyle=":")
    axes.annotate(
        "chance",
        (1, chance),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        color=INK,
        fontsize=FONT_SIZE,
    )


def whole_ticks(axes: Axes) -> None:
    """Ticks of the x axis at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def row_axis(axes: Axes, shares: Sequence[float] = ()) -> None:
    """An x axis of whole numbers from 1, or of ``shares`` of the examples in log scale, each with a tick."""
    if not shares:
        axes.set_xlim(left=0.5)
        whole_ticks(axes)
        return
    axes.set_xscale("log")
    axes.set_xticks(list(shares), [f"{one:g}" for one in shares])
    axes.minorticks_off()
    axes.set_xlim(shares[0] / 1.2, shares[-1] * 1.2)
    axes.set_xlabel("share of the examples seen")


def to_svg(figure: Figure, *, key: str, label: str) -> str:
    """The figure as an ``<svg>`` element to put into a page; the same bytes for the same figure.

    Its CSS variables ``--width`` and ``--least`` are how wide it is best and at least shown.
    """
    text = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with _MPL.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}), _names_as_they_are(figure):
        figure.savefig(text, format="svg", dpi=_DPI, transparent=True, metadata=nothing)
    svg, label = (_NOT_IN_XML.sub(_escape, one) for one in (text.getvalue(), html.escape(label)))
    opening, body = re.search(r"<svg\b([^>]*)>(.*)", svg, re.DOTALL).groups()  # type: ignore[union-attr]
    view = re.search(r'viewBox="([^"]*)"', opening)
    assert view is not None, opening
    body = re.sub(r"<(metadata|style)\b.*?</\1>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{key}-", body)
    for color, variable in _VARIABLES.items():
        body = body.replace(color, f"var({variable}, {color})")
    points = float(view[1].split()[2])
    widths = f"--width:{_USUAL * points:.0f}px;--least:{_LEAST * points:.0f}px"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'class="plot" role="img" aria-label="{label}" style="{widths}" '
        f'viewBox="{view[1]}">{body.strip()}'
    )


def figure_html(figure: Figure, *, of: str, label: str) -> str:
    """A figure as an element of a notebook, with which it shrinks."""
    key = f"easiness-{hashlib.sha256(of.encode()).hexdigest()[:8]}"
    width = f"max-width: {_WIDTH * figure.get_figwidth():.0f}px"
    return f'<div style="{_STYLE}; {width}">{to_svg(figure, key=key, label=label)}</div>'


# what each format calls the program, what the figure is of, and what would differ from one time to the next
_METADATA = {
    ".png": ("Software", "Description", None),
    ".svg": ("Creator", "Description", "Date"),
    ".pdf": ("Creator", "Subject", "CreationDate"),
}


def picture_bytes(figure: Figure, suffix: str, dpi: int = 150, *, about: str | None = None) -> bytes:
    """The figure as a ``.png``, ``.svg`` or ``.pdf`` file; the same bytes for the same figure.

    Its metadata name the version of this package, and what is said ``about`` it.
    """
    file = io.BytesIO()
    program, subject, time = _METADATA[suffix]
    metadata: dict[str, Any] = {program: f"easiness {version('easiness')}"}
    if about is not None:
        metadata[subject] = about
    if time is not None:
        metadata[time] = None
    # type 42: the letters of a PDF stay letters, which journals ask for
    with _MPL.rc_context({"svg.hashsalt": "easiness", "pdf.fonttype": 42}), _names_as_they_are(figure):
        figure.savefig(file, format=suffix[1:], dpi=dpi, facecolor="white", metadata=metadata)
    if suffix == ".svg":
        return _NOT_IN_XML.sub(_escape, file.getvalue().decode()).encode()
    return file.getvalue()


@contextmanager
def _names_as_they_are(figure: Figure) -> Iterator[None]:
    """In the block no name is read as mathematics, and nobody is warned of letters that the font lacks."""
    for text in figure.findobj(_MPL.text.Text):
        text.set_parse_math(False)
    with _MPL.rc_context({"text.parse_math": False}), warnings.catch_warnings():  # of ticks to come
        warnings.filterwarnings("ignore", _NO_SIGN, UserWarning)
        yield


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
