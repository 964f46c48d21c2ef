"""The figure of `standins.py`: agreement against cost, easy and hard sets side by side."""

from __future__ import annotations

import math

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from easiness.show.svg import EASY, FONT_SIZE, HARD, INK, picture_bytes, quiet

COLORS = {"easy": EASY, "hard": HARD}
MARKERS = ("o", "s", "D")  # by resolution, the full one first

# where a label may stand: points to the right and up of its own, and its edges that are there
PLACES = (
    (5, 3, "left", "bottom"),
    (5, -3, "left", "top"),
    (-5, 3, "right", "bottom"),
    (-5, -3, "right", "top"),
    (7, 14, "left", "bottom"),
    (7, -14, "left", "top"),
    (-7, 14, "right", "bottom"),
    (-7, -14, "right", "top"),
)


def draw(rows, expensive, epochs):
    """The figure as SVG, for the rows of `standins.py`; points of a run are joined, epochs beside them."""
    figure = Figure(figsize=(8.6, 4.8), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    resolutions = sorted({row.pixels for row in rows}, reverse=True)
    labels = []
    for axes, side in zip(panels, COLORS, strict=True):
        quiet(axes)
        axes.axhline(1, color=INK, linewidth=0.8, linestyle=":")
        for key in dict.fromkeys((row.network, row.pixels) for row in rows):
            points = [row for row in rows if (row.network, row.pixels) == key]
            points = [row for row in points if not math.isnan(row.by_side[side].agreement.rate)]
            if points:
                one_run(axes, points, side, MARKERS[resolutions.index(key[1])])
                labels += [(axes, row, row.by_side[side], row is points[-1]) for row in points]
        axes.plot(1, 1, "*", color=INK, markersize=9)
        axes.set_xscale("log")
        axes.set_title(f"{side} sets (epochs in brackets)", color=INK, fontsize=FONT_SIZE + 1, loc="left")
        axes.set_xlabel(f"cost of a trial, relative to {expensive} after {epochs} epochs (★)")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(min(row.cost for row in rows) / 1.5, 1.5)
    panels[0].set_ylabel("agreement")
    resolution_key(panels[1], resolutions)
    place(figure, labels)
    return picture_bytes(figure, ".svg")


def resolution_key(axes, resolutions):
    axes.legend(
        handles=[
            Line2D(
                [], [], color=INK, marker=MARKERS[at], linestyle="", markersize=4.5, label=f"{side} pixels"
            )
            for at, side in enumerate(resolutions)
        ],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(resolutions),
        frameon=False,
        fontsize=FONT_SIZE,
        labelcolor=INK,
        borderaxespad=0.2,
        handletextpad=0.2,
        columnspacing=1.2,
    )


def one_run(axes, points, side, marker):
    """A run after fewer and after all epochs."""
    rates = [row.by_side[side].agreement.rate for row in points]
    intervals = [row.by_side[side].interval for row in points]
    bars = [
        # an interval that has its bias taken off need not hold the rate
        [
            0 if math.isnan(low) else max(0, rate - low)
            for rate, (low, _) in zip(rates, intervals, strict=True)
        ],
        [
            0 if math.isnan(top) else max(0, top - rate)
            for rate, (_, top) in zip(rates, intervals, strict=True)
        ],
    ]
    axes.errorbar(
        [row.cost for row in points],
        rates,
        yerr=bars,
        color=COLORS[side],
        marker=marker,
        markersize=4.5,
        linestyle="-",
        linewidth=0.8,
        elinewidth=0.8,
        capsize=2,
    )


def place(figure, labels):
    """Name the points, each where its name covers least of what is there: `network (epochs)` at the last."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    taken = {}
    for axes in figure.axes:
        x, y = axes.transData.transform((1, 1))
        taken[axes] = [Bbox.from_extents(x - 7, y - 7, x + 7, y + 7)]
    for axes, row, one, _ in labels:
        x, y = axes.transData.transform((row.cost, one.agreement.rate))
        taken[axes].append(Bbox.from_extents(x - 4, y - 4, x + 4, y + 4))
        if not math.isnan(one.interval[0]):
            ends = [axes.transData.transform((row.cost, end))[1] for end in one.interval]
            taken[axes].append(Bbox.from_extents(x - 1, ends[0], x + 1, ends[1]))
    for axes, row, one, last in sorted(labels, key=lambda label: not label[3]):
        frame = axes.get_window_extent(renderer)
        name = f"{row.network} ({row.epochs})" if last else f"({row.epochs})"
        tried = []
        for right, up, horizontal, vertical in PLACES:
            text = axes.annotate(
                name,
                (row.cost, one.agreement.rate),
                xytext=(right, up),
                textcoords="offset points",
                ha=horizontal,
                va=vertical,
                color=INK,
                fontsize=FONT_SIZE - 2,
                parse_math=False,
            )
            box = text.get_window_extent(renderer)
            covered = sum(area(Bbox.intersection(box, other)) for other in taken[axes])
            tried.append(
                (covered + 2 * (area(box) - area(Bbox.intersection(box, frame))), len(tried), text, box)
            )
        *_, chosen, box = min(tried, key=lambda one: one[:2])
        for *_, text, _ in tried:
            if text is not chosen:
                text.remove()
        taken[axes].append(box)


def area(box):
    return 0 if box is None else box.width * box.height
