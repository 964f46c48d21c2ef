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
