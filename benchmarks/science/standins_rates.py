"""The agreement of cheap stand-ins from matching rates that were recorded, where the runs are not at hand.

`docs/results/standins.csv` has the rates of trials of eight epochs on 2,500 images of CIFAR-10 and their 95 %
intervals. Replicates of a rate are drawn from a normal distribution of that interval, independently of the
other two. So an interval of the agreement is rather too wide than too narrow: a bootstrap of the runs draws
the same trials for all.

    python benchmarks/science/standins_rates.py [--figure [docs/results/standins.svg]]
"""

from __future__ import annotations

import csv
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from easiness.analysis import Agreement, GroupMatch
from easiness.show.svg import EASY, FONT_SIZE, HARD, INK, picture_bytes, quiet

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import Report, parser
from science.normal_rates import without_noise

EXPENSIVE = "wrn_16_4"
SIDES = ("easy", "hard")
FRACTION, GROUP = 0.1, 5  # of the examples, trials


@dataclass(frozen=True)
class Match:
    """A stand-in against the expensive network, in groups of equal size.

    `ours` and `theirs` are the ceilings, of the expensive network and of the stand-in.
    """

    pair: GroupMatch
    ours: GroupMatch
    theirs: GroupMatch
    agreement: Agreement

    @property
    def interval(self):
        return self.agreement.low, self.agreement.high


@dataclass(frozen=True)
class Row:
    """One stand-in: a run, looked at after `epochs`; `cost` is relative to the expensive network's."""

    network: str
    pixels: int
    epochs: int
    cost: float
    by_side: dict[str, Match]

    @property
    def name(self):
        return f"{self.network} at {self.pixels} pixels after {self.epochs} epochs"


COLORS = {"easy": EASY, "hard": HARD}
MARKERS = ("o", "s", "D")  # by resolution, the full one first


def draw(rows, expensive, epochs):
    """The figure as SVG, of the rows; points of a run are joined, epochs beside them."""
    figure = Figure(figsize=(8.6, 4.8), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    resolutions = sorted({row.pixels for row in rows}, reverse=True)
    for axes, side in zip(panels, COLORS, strict=True):
        quiet(axes)
        axes.axhline(1, color=INK, linewidth=0.8, linestyle=":")
        for key in dict.fromkeys((row.network, row.pixels) for row in rows):
            points = [row for row in rows if (row.network, row.pixels) == key]
            points = [row for row in points if not math.isnan(row.by_side[side].agreement.rate)]
            if points:
                one_run(axes, points, side, MARKERS[resolutions.index(key[1])])
                name(axes, points, side)
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


def name(axes, points, side):
    """The epochs beside each point, and the network at the last."""
    for row in points:
        text = f"{row.network} ({row.epochs})" if row is points[-1] else f"({row.epochs})"
        axes.annotate(
            text,
            (row.cost, row.by_side[side].agreement.rate),
            xytext=(5, 3),
            textcoords="offset points",
            color=INK,
            fontsize=FONT_SIZE - 2,
            parse_math=False,
        )


MARGIN = 0.8  # agreement from which a stand-in counts as one
FIGURE = Path("docs/results/standins.svg")
DOCS = Path(__file__).resolve().parents[2] / "docs"


def within(rate, interval):
    """`0.61 (0.55 to 0.66)`, or what of it is defined."""
    if math.isnan(rate):
        return "undefined"
    low, high = interval
    return f"{rate:.2f}" + ("" if math.isnan(low) else f" ({low:.2f} to {high:.2f})")


def say(report, rows):
    """The table of rates between groups, the ceiling of each stand-in and the agreement; what it decides."""
    ceilings = [rows[0].by_side[side].ours for side in SIDES]
    report.whole(
        "standins",
        ("side", "stand-in", "pixels", "epochs", "cost", "M_AB", "M_BB", "agreement", "M_AA"),
        [
            (
                side,
                row.network,
                row.pixels,
                row.epochs,
                f"{row.cost:.3f}",
                within(one.pair.rate, one.pair.interval),
                within(one.theirs.rate, one.theirs.interval),
                within(one.agreement.rate, one.interval),
                within(ceiling.rate, ceiling.interval),
            )
            for side, ceiling in zip(SIDES, ceilings, strict=True)
            for row in rows
            for one in [row.by_side[side]]
        ],
    )
    report.say(
        "Does a cheap network find the examples that an expensive one finds easy or hard? An agreement of "
        f"{MARGIN} was wanted, 1 would be the very same.",
        "",
        *(verdict(rows, side) for side in SIDES),
        "",
    )


def verdict(rows, side):
    """How many stand-ins find the same examples as the network itself: whole intervals against the margin."""
    intervals = [row.by_side[side].interval for row in rows]
    good, bad = sum(low >= MARGIN for low, _ in intervals), sum(high < MARGIN for _, high in intervals)
    best = max(rows, key=lambda row: row.by_side[side].agreement.rate)
    one = best.by_side[side]
    return (
        f"- {side.capitalize()} sets: of {len(rows)} stand-ins {good} are above, {bad} below, the others "
        f"undecided. The best is {best.name} at cost {best.cost:.3f}: "
        f"{within(one.agreement.rate, one.interval)}."
    )


def save_figure(report, rows, path, epochs):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(draw(rows, EXPENSIVE, epochs))
    where = os.path.relpath(path.resolve(), DOCS)
    report.say(
        f"![Agreement of each stand-in with the expensive network against its relative cost]({where})", ""
    )


RECORDED = Path(__file__).resolve().parents[2] / "docs" / "results" / "standins.csv"
EPOCHS = 8  # of the expensive network
MEASURED = "date 2026-11-25, commit a5036c5, Intel(R) Xeon(R) Processor, 2 cores"  # the runs
REPLICATES = 20_000
Z95 = 1.96


def read(path):
    """The rows of the record, cheapest first, each with both sides."""
    found = {}
    rng = np.random.default_rng(np.random.SeedSequence(0))
    with path.open() as file:
        for line in csv.DictReader(file):
            key = line["network"], int(line["pixels"]), int(line["epochs"])
            row = found.setdefault(key, Row(*key, float(line["cost"]), {}))
            row.by_side[line["side"]] = matched(line, rng)
    return sorted(found.values(), key=lambda row: row.cost)


def matched(line, rng):
    """One side of a stand-in: the rates as recorded, and the agreement that follows from them."""
    rates = {name: tuple(float(line[name + end]) for end in ("", "_low", "_high")) for name in RATES}
    drawn = [
        np.clip(rate + (high - low) / (2 * Z95) * rng.standard_normal(REPLICATES), 0, 1)
        for rate, low, high in rates.values()
    ]
    value = float(without_noise(*(rate for rate, *_ in rates.values()), FRACTION))
    replicates = without_noise(*drawn, FRACTION)
    low, high = np.percentile(replicates[~np.isnan(replicates)], (2.5, 97.5)).tolist()
    groups = (recorded(*rate) for rate in rates.values())
    return Match(*groups, Agreement(value, min(low, value), max(high, value)))


RATES = ("m_ab", "m_aa", "m_bb")


def recorded(rate, low, high):
    """A matching rate of which no more is known than itself and its interval."""
    unknown = float("nan")
    pair = (unknown, unknown)
    return GroupMatch(rate, GROUP, 0, 0, (low, high), unknown, FRACTION, unknown, pair, pair, True)


def main():
    options = parser(__doc__)
    options.add_argument("--figure", type=Path, nargs="?", const=FIGURE, help=f"an SVG, {FIGURE} if unnamed")
    options = options.parse_args()
    report = Report("Cheap stand-ins", "python benchmarks/science/standins_rates.py --figure")
    rows = read(RECORDED)
    report.measured = MEASURED
    say(report, rows)
    if options.figure is not None:
        save_figure(report, rows, options.figure, EPOCHS)
    report.write(options.json)


if __name__ == "__main__":
    main()
