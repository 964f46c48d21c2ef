"""The agreement of cheap stand-ins from matching rates that were recorded, where the runs are not at hand.

`docs/results/standins.csv` has the rates of trials of eight epochs on 2,500 images of CIFAR-10 and their 95 %
intervals. Replicates of a rate are drawn from a normal distribution of that interval, independently of the
other two. So an interval of the agreement is rather too wide than too narrow: a bootstrap of the runs draws
the same trials for all.

    python benchmarks/science/standins_rates.py [--figure]
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.integrate import cumulative_trapezoid
from scipy.special import ndtri

from easiness.show import EASY, FONT_SIZE, HARD, INK, Curve, curves, picture_bytes, with_interval

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import ROOT, Report, parser

DOCS = ROOT / "docs"
FIGURE = "results/standins.svg"
MEASURED = "date 2026-11-25, commit a5036c5, Intel(R) Xeon(R) Processor, 2 cores"  # the runs
EXPENSIVE, EPOCHS, FRACTION = "wrn_16_4", 8, 0.1
MARGIN = 0.8  # agreement from which a stand-in counts as one
REPLICATES, Z95 = 20_000, 1.96
RATES = ("m_ab", "m_aa", "m_bb")
COLORS, MARKERS = {"easy": EASY, "hard": HARD}, ("o", "s", "D")  # by resolution, the full one first


@cache
def _curve(fraction):
    """Correlations of two standard normals, and how much of their upper ``fraction`` they have in common.

    The derivative of the probability that both lie there by the correlation is the density at the cuts
    (Plackett 1954); it is integrated over the arcsine, in which it is smooth.
    """
    angle = np.linspace(-np.pi / 2, np.pi / 2, 20_001)
    density = np.exp(-(ndtri(fraction) ** 2) / np.maximum(1 + np.sin(angle), 1e-300)) / (2 * np.pi)
    return np.sin(angle), cumulative_trapezoid(density, angle, initial=0) / fraction


def rate_of(correlation, fraction):
    """The matching rate of the upper ``fraction``, at most one half, of two normals with this correlation."""
    return np.interp(correlation, *_curve(fraction))


def correlation_of(rate, fraction):
    """The correlation of two normals whose upper ``fraction`` match at this rate."""
    return np.interp(rate, *_curve(fraction)[::-1])


def without_noise(m_ab, m_aa, m_bb, fraction):
    """The match of two sets without noise, from theirs and those of each with itself (Spearman 1904).

    Each rate becomes the correlation of two normals; r* = r_ab / sqrt(r_aa r_bb) becomes a rate again. NaN
    where one of the sets does not repeat above chance.
    """
    r_ab, r_aa, r_bb = (correlation_of(rate, fraction) for rate in (m_ab, m_aa, m_bb))
    above = (r_aa > 0) & (r_bb > 0)
    return rate_of(np.clip(r_ab / np.sqrt(np.where(above, r_aa * r_bb, np.nan)), -1, 1), fraction)


def read(path):
    """The record, cheapest first, with the agreement that follows from the rates and its interval."""
    rng, table = np.random.default_rng(np.random.SeedSequence(0)), pd.read_csv(path)
    agreements = []
    for line in table.to_dict("records"):
        spread = [(line[f"{name}_high"] - line[f"{name}_low"]) / (2 * Z95) for name in RATES]
        drawn = [
            np.clip(line[name] + one * rng.standard_normal(REPLICATES), 0, 1)
            for name, one in zip(RATES, spread, strict=True)
        ]
        value = float(without_noise(*(line[name] for name in RATES), FRACTION))
        low, high = np.nanpercentile(without_noise(*drawn, FRACTION), (2.5, 97.5)).tolist()
        agreements.append((value, min(low, value), max(high, value)))
    table[["agreement", "agreement_low", "agreement_high"]] = agreements
    return table.sort_values("cost", kind="stable")


def within(row, name):
    return with_interval(*(row[f"{name}{end}"] for end in ("", "_low", "_high")))


def verdict(side, rows):
    good, bad = (rows["agreement_low"] >= MARGIN).sum(), (rows["agreement_high"] < MARGIN).sum()
    best = rows.loc[rows["agreement"].idxmax()]
    return (
        f"- {side.capitalize()} sets: of {len(rows)} stand-ins {good} are above, {bad} below, the others "
        f"undecided. The best is {best['network']} at {best['pixels']} pixels after {best['epochs']} epochs "
        f"at cost {best['cost']:.3f}: {within(best, 'agreement')}."
    )


def draw(table):
    resolutions, panels = sorted(table["pixels"].unique(), reverse=True), {}
    runs = list(table.groupby(["side", "network", "pixels"], sort=False))
    for side, color in COLORS.items():
        panel = panels[f"{side} sets (epochs in brackets)"] = [Curve([1], [1], marker="*")]
        for (_, _, pixels), run in (one for one in runs if one[0][0] == side):
            errors = run["agreement"] - run["agreement_low"], run["agreement_high"] - run["agreement"]
            marker = MARKERS[resolutions.index(pixels)]
            panel.append(Curve(run["cost"], run["agreement"], "", color, marker, errors=np.array(errors)))
    label = f"cost of a trial, relative to {EXPENSIVE} after {EPOCHS} epochs (★)"
    figure = curves(panels, (8.6, 4.8), x=label, y="agreement")
    for axes, side in zip(figure.axes, COLORS, strict=True):
        axes.axhline(1, color=INK, linewidth=0.8, linestyle=":")
        for (_, network, _), run in (one for one in runs if one[0][0] == side):
            for row in run.to_dict("records"):
                last = row["epochs"] == run["epochs"].max()
                text = f"{network} ({row['epochs']})" if last else f"({row['epochs']})"
                at = {"xytext": (5, 3), "textcoords": "offset points", "fontsize": FONT_SIZE - 2}
                axes.annotate(text, (row["cost"], row["agreement"]), **at, color=INK, parse_math=False)
        axes.set(xscale="log", xlim=(table["cost"].min() / 1.5, 1.5))
    for at, pixels in enumerate(resolutions):
        axes.plot([], [], MARKERS[at], color=INK, markersize=4.5, label=f"{pixels} pixels")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=FONT_SIZE)
    return picture_bytes(figure, ".svg")


def main():
    options = parser(__doc__)
    options.add_argument("--figure", action="store_true", help=f"draw {FIGURE}")
    options = options.parse_args()
    report = Report("Cheap stand-ins", "python benchmarks/science/standins_rates.py --figure", MEASURED)
    table = read(DOCS / "results" / "standins.csv")
    columns = ("side", "network", "pixels", "epochs", "cost", "m_ab", "m_bb", "agreement", "m_aa")
    shown = table.assign(cost=table["cost"].map("{:.3f}".format))
    for name in (*RATES, "agreement"):
        shown[name] = [within(row, name) for row in table.to_dict("records")]
    rows = shown.sort_values("side", kind="stable")[[*columns]].to_numpy().tolist()
    header = ("side", "stand-in", *columns[2:5], "M_AB", "M_BB", "agreement", "M_AA")
    report.whole("standins", header, rows)
    report.say(
        "Does a cheap network find the examples that an expensive one finds easy or hard? An agreement of "
        f"{MARGIN} was wanted, 1 would be the very same.",
        "",
        *(verdict(side, table[table["side"] == side]) for side in COLORS),
        "",
    )
    if options.figure:
        (DOCS / FIGURE).write_bytes(draw(table))
        what = "Agreement of each stand-in with the expensive network against its relative cost"
        report.say(f"![{what}]({FIGURE})", "")
    report.write(options.json)


if __name__ == "__main__":
    main()
