"""What is said of stand-ins: tables, sentences and the place of the figure."""

from __future__ import annotations

import math
import os
from pathlib import Path

from science.standins_figure import draw

MARGIN = 0.8  # agreement from which a stand-in counts as one
EXPENSIVE = "wrn_16_4"
SIDES = ("easy", "hard")
FIGURE = Path("docs/results/standins.svg")
DOCS = Path(__file__).resolve().parents[2] / "docs"


def within(rate, interval):
    """`0.61 (0.55 to 0.66)`, or what of it is defined."""
    if math.isnan(rate):
        return "undefined"
    low, high = interval
    return f"{rate:.2f}" + ("" if math.isnan(low) else f" ({low:.2f} to {high:.2f})")


def tables(report, rows):
    """A table for each side: rates between groups, the ceiling of each stand-in, and the agreement."""
    for side in SIDES:
        ceiling = rows[0].by_side[side].ours
        report.say(
            f"**{side.capitalize()} sets.** The expensive network matches itself at M_AA = "
            f"{within(ceiling.rate, ceiling.interval)}.",
            "",
        )
        report.table(
            ("stand-in", "pixels", "epochs", "cost", "M_AB", "M_BB", "agreement"),
            [
                (
                    row.network,
                    row.pixels,
                    row.epochs,
                    f"{row.cost:.3f}",
                    within(one.pair.rate, one.pair.interval),
                    within(one.theirs.rate, one.theirs.interval),
                    within(one.agreement.rate, one.interval),
                )
                for row in rows
                for one in [row.by_side[side]]
            ],
        )


def sentence(rows, side):
    """Which stand-ins find the same examples as the network itself: whole intervals against the margin."""

    def text(row):
        one = row.by_side[side]
        return f"{row.name} at cost {row.cost:.3f}, {within(one.agreement.rate, one.interval)}"

    def listed(found):
        return "; ".join(map(text, found)) or "none"

    intervals = [(row, row.by_side[side].interval) for row in rows]
    good = [row for row, (low, _) in intervals if low >= MARGIN]
    bad = [row for row, (_, high) in intervals if high < MARGIN]
    undecided = len(rows) - len(good) - len(bad)
    return (
        f"{side.capitalize()} sets, agreement against a margin of {MARGIN} set before, cheapest first. "
        f"At or above it: {listed(good)}. Below it: {listed(bad)}. Undecided: the other {undecided}."
    )


def save_figure(report, rows, path, epochs):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(draw(rows, EXPENSIVE, epochs))
    where = os.path.relpath(path.resolve(), DOCS)
    report.say(
        f"![Agreement of each stand-in with the expensive network against its relative cost]({where})", ""
    )
