"""The agreement of cheap stand-ins from matching rates that were recorded, where the runs are not at hand.

`docs/results/standins.csv` has the rates of trials of eight epochs on 2,500 images of CIFAR-10 and their 95 %
intervals. Replicates of a rate are drawn from a normal distribution of that interval, independently of the
other two. So an interval of the agreement is rather too wide than too narrow: a bootstrap of the runs draws
the same trials for all.

    python benchmarks/science/standins_rates.py [--figure [docs/results/standins.svg]]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from easiness.show import EASY, FONT_SIZE, HARD, INK, picture_bytes, quiet

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import ROOT, Report, parser
from science.normal_rates import without_noise

DOCS = ROOT / "docs"
FIGURE = Path("docs/results/standins.svg")
MEASURED = "date 2026-11-25, commit a5036c5, Intel(R) Xeon(R) Processor, 2 cores"  # the runs
EXPENSIVE, EPOCHS, FRACTION = "wrn_16_4", 8, 0.1
MARGIN = 0.8  # agreement from which a stand-in counts as one
REPLICATES, Z95 = 20_000, 1.96
RATES = ("m_ab", "m_aa", "m_bb")
COLORS, MARKERS = {"easy": EASY, "hard": HARD}, ("o", "s", "D")  # by resolution, the full one first


def read(path):
    """The record, cheapest first, with the agreement that follows from the rates and its interval."""
    rng, table = np.random.default_rng(np.random.SeedSequence(0)), pd.read_csv(path)
    agreements = []
    for line in table.to_dict("records"):
        drawn = [
            np.clip(
                line[name]
                + (line[f"{name}_high"] - line[f"{name}_low"]) / (2 * Z95) * rng.standard_normal(REPLICATES),
                0,
                1,
            )
            for name in RATES
        ]
        value, found = (
            float(without_noise(*(line[name] for name in RATES), FRACTION)),
            without_noise(*drawn, FRACTION),
        )
        low, high = np.percentile(found[~np.isnan(found)], (2.5, 97.5)).tolist()
        agreements.append((value, min(low, value), max(high, value)))
    table[["agreement", "agreement_low", "agreement_high"]] = agreements
    return table.sort_values("cost", kind="stable")


def within(row, name):
    return f"{row[name]:.2f} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})"


def verdict(side, rows):
    """How many stand-ins find the same examples as the network itself: whole intervals against the margin."""
    good, bad = (rows["agreement_low"] >= MARGIN).sum(), (rows["agreement_high"] < MARGIN).sum()
    best = rows.loc[rows["agreement"].idxmax()]
    return (
        f"- {side.capitalize()} sets: of {len(rows)} stand-ins {good} are above, {bad} below, the others "
        f"undecided. The best is {best['network']} at {best['pixels']} pixels after {best['epochs']} epochs "
        f"at cost {best['cost']:.3f}: {within(best, 'agreement')}."
    )


def draw(table):
    """The figure as SVG: agreement against cost; points of a run are joined, epochs beside them."""
    figure = Figure(figsize=(8.6, 4.8), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    resolutions = sorted(table["pixels"].unique(), reverse=True)
    for axes, (side, color) in zip(panels, COLORS.items(), strict=True):
        quiet(axes)
        axes.axhline(1, color=INK, linewidth=0.8, linestyle=":")
        for (network, pixels), run in table[table["side"] == side].groupby(["network", "pixels"], sort=False):
            bars = run["agreement"] - run["agreement_low"], run["agreement_high"] - run["agreement"]
            marker = MARKERS[resolutions.index(pixels)]
            axes.errorbar(
                run["cost"], run["agreement"], bars, color=color, marker=marker, markersize=4.5,
                linewidth=0.8, elinewidth=0.8, capsize=2,
            )  # fmt: skip
            for row in run.to_dict("records"):
                text = (
                    f"{network} ({row['epochs']})"
                    if row["epochs"] == run["epochs"].max()
                    else f"({row['epochs']})"
                )
                at = {"xytext": (5, 3), "textcoords": "offset points", "fontsize": FONT_SIZE - 2}
                axes.annotate(text, (row["cost"], row["agreement"]), **at, color=INK, parse_math=False)
        axes.plot(1, 1, "*", color=INK, markersize=9)
        axes.set_xscale("log")
        axes.set_title(f"{side} sets (epochs in brackets)", color=INK, fontsize=FONT_SIZE + 1, loc="left")
        axes.set_xlabel(f"cost of a trial, relative to {EXPENSIVE} after {EPOCHS} epochs (★)")
        axes.set_xlim(table["cost"].min() / 1.5, 1.5)
    for at, pixels in enumerate(resolutions):
        panels[1].plot([], [], MARKERS[at], color=INK, markersize=4.5, label=f"{pixels} pixels")
    panels[1].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=FONT_SIZE)
    panels[0].set_ylabel("agreement")
    return picture_bytes(figure, ".svg")


def main():
    options = parser(__doc__)
    options.add_argument("--figure", type=Path, nargs="?", const=FIGURE, help=f"an SVG, {FIGURE} if unnamed")
    options = options.parse_args()
    report = Report("Cheap stand-ins", "python benchmarks/science/standins_rates.py --figure", MEASURED)
    table = read(DOCS / "results" / "standins.csv")
    header = ("side", "stand-in", "pixels", "epochs", "cost", "M_AB", "M_BB", "agreement", "M_AA")
    rows = [
        (side, *(row[key] for key in ("network", "pixels", "epochs")), f"{row['cost']:.3f}",
         *(within(row, name) for name in ("m_ab", "m_bb", "agreement", "m_aa")))
        for side in COLORS
        for row in table[table["side"] == side].to_dict("records")
    ]  # fmt: skip
    report.whole("standins", header, rows)
    report.say(
        "Does a cheap network find the examples that an expensive one finds easy or hard? An agreement of "
        f"{MARGIN} was wanted, 1 would be the very same.",
        "",
        *(verdict(side, table[table["side"] == side]) for side in COLORS),
        "",
    )
    if options.figure is not None:
        options.figure.parent.mkdir(parents=True, exist_ok=True)
        options.figure.write_bytes(draw(table))
        where = os.path.relpath(options.figure.resolve(), DOCS)
        report.say(
            f"![Agreement of each stand-in with the expensive network against its relative cost]({where})", ""
        )
    report.write(options.json)


if __name__ == "__main__":
    main()
