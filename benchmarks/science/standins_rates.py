"""The agreement of cheap stand-ins from matching rates that were recorded, where the runs are not at hand.

`docs/results/standins.csv` has the rates of a run of `standins.py` and their 95 % intervals. Replicates of
a rate are drawn from a normal distribution of that interval, independently of the other two. So an interval
of the agreement is rather too wide than too narrow: a bootstrap of the runs draws the same trials for all.

    python benchmarks/science/standins_rates.py [--figure [docs/results/standins.svg]]
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from easiness.analysis import Agreement, GroupMatch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import Report, parser
from science.normal_rates import without_noise
from science.standins import FRACTION, GROUP, Match, Row
from science.standins_text import FIGURE, save_figure, say

RECORDED = Path(__file__).resolve().parents[2] / "docs" / "results" / "standins.csv"
EPOCHS = 8  # of the expensive network
MEASURED = "date 2026-11-25, commit a5036c5, Intel(R) Xeon(R) Processor, 2 cores"  # its runs, by standins.py
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
