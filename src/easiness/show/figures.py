"""Plots of results on quiet axes, as pictures, and as SVG made to stand inside a page.

What a plot shows is computed before, and it only draws. Text of an SVG stays text, and its colors follow the
page's.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.lazy import Axes, Figure, Floats

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

_DPI = 160  # of the pictures in a figure
_WIDTH = 92  # CSS pixels of an inch in a notebook: text of a figure is then as large as that around it
# the ink is that of the notebook, light or dark
_STYLE = "--plot-ink: currentColor; --plot-faint: #8884; margin: 0.5em 0"
_SHOWN, _LEAST = 1.28, 0.9  # CSS pixels of a point: where there is room, and where words can just be read

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_NO_SIGN = r"(?s)Glyph .* missing from font"

FONT_SIZE = 9.0
"""Points; a figure shown at its own width has text of this size."""


def new_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A transparent figure of that many inches, with one pair of axes open at the top and right."""
    figure, (axes,) = new_panels(width, height)
    return figure, axes


def new_panels(
    width: float, height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, list[Axes]]:
    """The same with several pairs of axes, row by row; ``options`` are those of matplotlib's subplots."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, **options).ravel().tolist()
    for axes in panels:
        quiet(axes)
    return figure, panels


def quiet(axes: Axes) -> None:
    """Open the axes at the top and right, in ink and faint lines."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(color=FAINT, labelcolor=INK, labelsize=FONT_SIZE, length=3)
    axes.xaxis.label.set(color=INK, fontsize=FONT_SIZE)
    axes.yaxis.label.set(color=INK, fontsize=FONT_SIZE)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)


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
    import matplotlib as mpl

    text = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}), _names_as_they_are(figure):
        figure.savefig(text, format="svg", dpi=_DPI, transparent=True, metadata=nothing)
    svg, label = (_NOT_IN_XML.sub(_escaped, one) for one in (text.getvalue(), html.escape(label)))
    opening, body = re.search(r"<svg\b([^>]*)>(.*)", svg, re.DOTALL).groups()  # type: ignore[union-attr]
    view = re.search(r'viewBox="([^"]*)"', opening)
    assert view is not None, opening
    body = re.sub(r"<(metadata|style)\b.*?</\1>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{key}-", body)
    for color, variable in _VARIABLES.items():
        body = body.replace(color, f"var({variable}, {color})")
    points = float(view[1].split()[2])
    widths = f"--width:{_SHOWN * points:.0f}px;--least:{_LEAST * points:.0f}px"
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
    import matplotlib as mpl

    file = io.BytesIO()
    program, subject, time = _METADATA[suffix]
    metadata: dict[str, Any] = {program: f"easiness {version('easiness')}"}
    if about is not None:
        metadata[subject] = about
    if time is not None:
        metadata[time] = None
    # type 42: the letters of a PDF stay letters, which journals ask for
    with mpl.rc_context({"svg.hashsalt": "easiness", "pdf.fonttype": 42}), _names_as_they_are(figure):
        figure.savefig(file, format=suffix[1:], dpi=dpi, facecolor="white", metadata=metadata)
    if suffix == ".svg":
        return _NOT_IN_XML.sub(_escaped, file.getvalue().decode()).encode()
    return file.getvalue()


@contextmanager
def _names_as_they_are(figure: Figure) -> Iterator[None]:
    """In the block no name is read as mathematics, and nobody is warned of letters that the font lacks."""
    import matplotlib as mpl
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    with mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():  # of ticks to come
        warnings.filterwarnings("ignore", _NO_SIGN, UserWarning)
        yield


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def dots_and_mean(values: Floats, mean: Sequence[float], label: str, each: str = "trials") -> Figure:
    """Values [n] as dots, above their ``mean`` with the ends of its interval, which may be NaN."""
    figure, axes = new_axes(5.2, 1.6 + 0.12 * len(values))
    axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
    axes.plot(values, np.arange(len(values)), "o", color=INK, markersize=4, label=each)
    value = mean[0]
    low, high = (np.nan_to_num(end, nan=value) for end in mean[1:])
    axes.errorbar(
        [value],
        [-1.5],
        xerr=[[value - low], [high - value]],
        fmt="D",
        color=EASY,
        markersize=5,
        capsize=3,
        label="mean, with its 95 % interval" if len(values) > 1 else "mean",
    )
    axes.set_yticks([])
    axes.set_ylim(-2.5, len(values))
    axes.set(xlabel=label)
    legend_above(axes, 2)
    return figure


def dots_with_intervals(
    names: Sequence[str], series: Mapping[str, tuple[Sequence[Sequence[float]], str]], label: str
) -> Figure:
    """Draw a dot with its interval (value, low and high) for each name, the first on top, in each series.

    A series has a name and a color. What is not there is NaN.
    """
    figure, axes = new_axes(5.2, 1.2 + 0.35 * len(names))
    for row, (name, (found, color)) in enumerate(series.items()):
        values, low, high = np.array(found, np.float64).T
        places = np.arange(len(names)) + 0.24 * (row - (len(series) - 1) / 2)
        axes.hlines(places, low, high, color=color, linewidth=3, alpha=0.5)
        axes.plot(values, places, "o", color=color, label=name)
    axes.set_yticks(range(len(names)), list(names), parse_math=False)
    axes.set(xlabel=label, ylim=(len(names) - 0.5, -0.5))
    if len(series) > 1:
        legend_above(axes, len(series))
    return figure


def bars(names: Sequence[str], series: Mapping[str, tuple[Sequence[float], str]], label: str) -> Figure:
    """Draw a bar for each name, the first on top, in each of the series, which have a name and a color."""
    figure, axes = new_axes(5.2, 1.2 + 0.3 * len(names))
    height = 0.8 / len(series)
    for row, (name, (lengths, color)) in enumerate(series.items()):
        places = np.arange(len(names)) + height * (row - (len(series) - 1) / 2)
        axes.barh(places, lengths, 0.9 * height, color=color, label=name)
    axes.set_yticks(range(len(names)), list(names), parse_math=False)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xlabel=label)
    if len(series) > 1:
        legend_above(axes, len(series))
    return figure


@dataclass(frozen=True, eq=False)
class Curve:
    """Points at ``x`` and ``y``, joined by a ``line``; ``errors`` are the lengths of bars, [n] or [2, n].

    With ``band`` these are a band around the line.
    """

    x: Any
    y: Any
    label: str = ""
    color: str = INK
    marker: str = "o"
    line: str = "-"
    errors: Any = None
    filled: bool = True
    band: bool = False


def draw_curve(axes: Axes, one: Curve) -> None:
    """Draw a curve, whose errors may be NaN."""
    errors = None if one.errors is None else np.maximum(np.nan_to_num(one.errors), 0)
    if one.band and errors is not None:
        low, high = (np.asarray(one.y) + sign * end for sign, end in zip((-1, 1), errors, strict=True))
        axes.fill_between(one.x, low, high, color=one.color, alpha=0.15, linewidth=0)
        errors = None
    thin = one.line == ":"
    axes.errorbar(
        one.x,
        one.y,
        errors,
        color=one.color,
        marker=one.marker,
        markersize=9 if one.marker == "*" else 3.5 if thin else 4.5,
        markerfacecolor=one.color if one.filled else "none",
        linestyle=one.line,
        linewidth=1.3 if thin else 1.8,
        elinewidth=1,
        capsize=2.5,
        label=one.label,
    )


def curves(
    panels: Mapping[str, Sequence[Curve]],
    size: tuple[float, float],
    *,
    x: str,
    y: str,
    columns: int = 3,
    across: int | None = None,
) -> Figure:
    """Curves in panels by their titles, all or ``across`` beside each other; their names stand above.

    All have one y axis.
    """
    figure, first = new_axes(*size)
    across = across or len(panels)
    grid = figure.add_gridspec(-(-len(panels) // across), across)
    first.set_subplotspec(grid[0])
    others = [figure.add_subplot(grid[at], sharey=first) for at in range(1, len(panels))]
    for at, (axes, (title, drawn)) in enumerate(zip([first, *others], panels.items(), strict=True)):
        quiet(axes)
        for one in drawn:
            draw_curve(axes, one)
        axes.set_title(title, fontsize=FONT_SIZE, color=INK)
        axes.set(xlabel=x, ylabel="" if at % across else y)
        axes.tick_params(labelleft=at % across == 0)
    handles, labels = first.get_legend_handles_labels()
    if labels:
        figure.legend(
            handles, labels, loc="outside upper left", ncols=columns, frameon=False, fontsize=FONT_SIZE,
            labelcolor=INK,
        )  # fmt: skip
    return figure


def pictures(rows: Sequence[Sequence[npt.NDArray[Any]]], titles: Sequence[str], most: float) -> Figure:
    """Rows of gray pictures [height, width], black at ``-most`` and white at ``most``, below ``titles``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.4 + 0.9 * len(titles), 0.5 + 0.9 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), len(titles), squeeze=False)
    for shown, panels in zip(rows, grid, strict=True):
        for values, axes in zip(shown, panels, strict=True):
            axes.imshow(values, cmap="gray", vmin=-most, vmax=most, interpolation="nearest")
            axes.set_axis_off()
    for title, axes in zip(titles, grid[0], strict=True):
        axes.set_title(title, fontsize=FONT_SIZE, color=INK)
    return figure
