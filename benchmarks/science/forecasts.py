"""Do forecasts from ten trials hold at twenty and forty, and are memberships calibrated? On real networks.

Needs CIFAR-10: its runs of 40 trials are kept in `--runs`, so that it goes on where it was stopped.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from easiness import load_dataset, measure
from easiness.analysis import (
    SIDES,
    Rule,
    RunInPair,
    agreement,
    forecast,
    match_groups,
    membership,
    select,
    true_rate,
)
from easiness.analysis.mixing import binomial, shares_of_tail
from easiness.analysis.rates import fit_counts
from easiness.show import EASY, FAINT, HARD, INK, Curve, curves, picture_bytes

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import measured
from kit.science import PAIRED, options, publish
from science.standins_rates import correlation_of, rate_of

COLORS = {"easy": EASY, "hard": HARD}
SIZES = (3, 5, 7, 10, 14, 20)
FEW = 10  # trials that a forecast is made from


def draw(runs, calibrations):
    """Four panels: agreement of two runs, membership by count, its calibration, and a forecast."""
    votes = {name: run.votes() for name, run in runs.items()}
    last, of_last = [*votes.items()][-1]
    panels = {
        f"a  {' and '.join(votes)}, the hardest tenth": agreements(votes),
        f"b  {last}": memberships(of_last),
        "c  calibration": calibrated(calibrations),
        f"d  {last}, matching rate": foretold(of_last),
    }
    figure = curves(panels, (8.8, 6.6), x="", y="", columns=3, across=2)
    labels = ["trials in a group", f"trials that are right, of {of_last.num_trials}"]
    labels += ["membership foretold from 20 trials, and found by 20 others", "trials in each of two sets"]
    for axes, label in zip(figure.axes, labels, strict=True):
        axes.set(xlabel=label, ylim=(0, 1.02))
        axes.legend(frameon=False, fontsize=7.5)
    figure.legends.clear()
    return figure


def agreements(votes):
    """The hard sets of two networks: their match grows with the trials of a group, their agreement stays."""
    (name_a, a), (name_b, b) = votes.items()
    rule = Rule("hard", FRACTION, "refine")
    matches, found = [], []
    for size in SIZES:
        pair, ours, theirs = (
            match_groups(*two, rule, group_size=size, num_replicates=100) for two in ((a, b), (a, a), (b, b))
        )
        matches.append(pair.rate)
        found.append(agreement(RunInPair(name_a, a, ours), RunInPair(name_b, b, theirs), pair, rule))
    rates = np.array([one.rate for one in found])
    ends = [rates - [one.low for one in found], [one.high for one in found] - rates]
    yield Curve(SIZES, matches, "match", FAINT, line="--")
    yield Curve(SIZES, rates, "agreement", COLORS["hard"], errors=ends, band=True)
    yield Curve(SIZES, [FRACTION] * len(SIZES), "chance", INK, "", ":")


def memberships(votes):
    """How probably an example is among the easiest or hardest, by how many trials are right about it."""
    counts = votes.correct.sum(axis=0)
    found = membership(counts, votes.num_trials, FRACTION)
    share = np.bincount(counts, minlength=votes.num_trials + 1) / len(counts)
    yield Curve(np.arange(votes.num_trials + 1), share / share.max() / 2, "examples", FAINT, "")
    levels, at = np.unique(counts, return_index=True)
    for side, p in (("easy", found.p_easy), ("hard", found.p_hard)):
        yield Curve(levels, p[at], f"probably {side}", COLORS[side])


def calibrated(calibrations):
    """Membership foretold by twenty trials, against that of twenty others."""
    yield Curve([0, 1], [0, 1], color=FAINT, marker="")
    names = list(dict.fromkeys(name for name, _ in calibrations))
    for (name, side), bins in calibrations.items():
        points = np.array([(foretold, found) for _, _, foretold, found in bins])
        yield Curve(*points.T, f"{name}, {side}", COLORS[side], "os"[names.index(name)], "")


def foretold(votes):
    """Matching rates that the first ten trials foretell, and those that all of them show."""
    sizes = [*SIZES[1:], 28, 40]
    for side in SIDES:
        made = forecast(votes.rows(np.arange(FEW)), side=side, fraction=FRACTION)
        value, low, high = np.array([(one.value, one.low, one.high) for one in map(made.match, sizes)]).T
        name, ends = f"{side}, foretold from {FEW}", [value - low, high - value]
        yield Curve(sizes, value, name, COLORS[side], "", errors=ends, band=True)
        there = [size for size in sizes if 2 * size <= votes.num_trials]
        rates = [observed(votes, side, size) for size in there]
        yield Curve(there, rates, f"{side}, found", COLORS[side], line="")


NETWORKS = ("mlp_3", "wrn_16_1")
EXAMPLES, TRIALS, EPOCHS = 5000, 40, 6
FRACTION = 0.1
SPLITS = 60  # ways to split the trials in halves
BIN, FULL = 0.1, 100  # width of a bin of memberships, and examples from which it counts


def train(data, folder):
    how = {"epochs": EPOCHS, "trials": TRIALS, "keep_weights": False, **PAIRED}
    data = replace(data, held_out=None)
    return {network: measure(data, model=network, **how, out=folder / network) for network in NETWORKS}


def observed(votes, side, size):
    rule = Rule(side=side, fraction=FRACTION, ties="refine")
    return match_groups(votes, votes, rule, group_size=size, num_replicates=0).rate


def across(votes, rows, side):
    rest = np.setdiff1d(np.arange(votes.num_trials), rows)
    sets = []
    for some, seed in ((rows, 0), (rest, 1)):
        part = votes.rows(some)
        counts, p_label = part.num_right, part.mean_p_label
        sets.append(select(counts, FRACTION, side, "refine", p_label, part.ids, seed))
    return float((sets[0] * sets[1]).sum() / sets[0].sum())


def forecasts(votes, side):
    """Forecasts from each ten of the trials, beside what is found; the columns of `FORECASTS`."""
    tens = [np.arange(at, at + FEW) for at in range(0, votes.num_trials, FEW)]
    made = [forecast(votes.rows(rows), side=side, fraction=FRACTION) for rows in tens]
    found = {size: observed(votes, side, size) for size in (FEW // 2, FEW, 2 * FEW)}
    rows = []
    for size in (FEW, 2 * FEW):
        foretold = [one.match(size) for one in made]
        brown = [
            spearman_brown(observed(votes.rows(rows), side, FEW // 2), size / (FEW // 2)) for rows in tens
        ]
        rows.append((f"{2 * size} trials, halves of {size}", foretold, [found[size]] * len(made), brown))
    others = votes.num_trials - FEW
    shares = [one.match(FEW, others) for one in made]
    rows.append((f"{FEW} trials against {others}", shares, [across(votes, one, side) for one in tens], None))
    return rows


def spearman_brown(rate, times):
    r = correlation_of(rate, FRACTION)
    return float(rate_of(times * r / (1 + (times - 1) * r), FRACTION))


def calibration(votes, side):
    """Bins of the membership foretold from half of the trials: examples a split, foretold and found."""
    size = votes.num_trials // 2
    foretold, found = [], []
    for split in range(SPLITS):
        order = np.random.default_rng(split).permutation(votes.num_trials)
        ours, theirs = (votes.correct[rows].sum(axis=0) for rows in (order[:size], order[size:]))
        [rates] = fit_counts([(ours, size)])
        others = binomial(votes.num_trials - size, rates.probability)
        belongs = shares_of_tail(others @ rates.population, FRACTION, side)
        foretold.append((rates.posterior @ (belongs @ others))[ours])
        found.append(select(theirs, FRACTION, side))
    both = pd.DataFrame({"foretold": np.concatenate(foretold), "found": np.concatenate(found)})
    bins = both.groupby(np.minimum((both["foretold"] / BIN).astype(int), round(1 / BIN) - 1))
    means, nums = bins.mean(), bins.size()
    full = nums[nums >= FULL * SPLITS]
    return [(low * BIN, num / SPLITS, *means.loc[low]) for low, num in full.items()]


def drifts(run, side):
    last, rule = run.votes(run.epochs), Rule(side=side, fraction=FRACTION, ties="refine")
    return [true_rate(run.votes(epoch), last, rule, same_trials=True) for epoch in range(1, run.epochs)]


def rows_of(made):
    for network, side, name, foretold, found, brown in made:
        values = [one.value for one in foretold]
        held = [one.low <= there <= one.high for one, there in zip(foretold, found, strict=True)]
        errors = [
            f"{max(abs(value - there) for value, there in zip(of, found, strict=True)):.2f}" if of else ""
            for of in (values, brown)
        ]
        span = f"{min(values):.2f} to {max(values):.2f}"
        yield network, side, name, span, f"{np.mean(found):.2f}", *errors, f"{sum(held)} of {len(held)}"


COLUMNS = ("network", "set", "of", "forecast from ten", "found", "largest error", "by Spearman-Brown", "hold")


def main():
    asked = options(__doc__, "--data", runs="forecasts")
    runs = train(load_dataset(str(asked.data), limit=EXAMPLES), asked.runs)
    rows, calibrations = [], {}
    for network, run in runs.items():
        votes = run.votes()
        for side in SIDES:
            rows += rows_of([(network, side, *row) for row in forecasts(votes, side)])
            calibrations[network, side] = calibration(votes, side)
    bins = [
        (network, side, f"{low:.1f} to {low + BIN:.1f}", f"{num:.0f}", f"{foretold:.3f}", f"{found:.3f}")
        for (network, side), of_side in calibrations.items()
        for low, num, foretold, found in of_side
    ]
    drift = [
        (network, side, *(f"{rate:.2f}" for rate in drifts(run, side)))
        for network, run in runs.items()
        for side in SIDES
    ]
    tables = {
        "forecasts": (COLUMNS, rows),
        "memberships": (("network", "set", "forecast", "examples", "mean forecast", "found"), bins),
        "drift": (("network", "set", *(f"epoch {epoch}" for epoch in range(1, EPOCHS))), drift),
    }
    last = f"{4 * FEW} trials, halves of {2 * FEW}"
    shown = [(*row[:2], *row[3:]) for row in rows if row[2] == last]
    made = f"{measured()}, PyTorch {torch.__version__}"
    shown, figure = ((*COLUMNS[:2], *COLUMNS[3:]), shown), picture_bytes(draw(runs, calibrations), ".svg")
    publish(asked.docs, "forecasts", tables, shown, made=made, figure=figure)


if __name__ == "__main__":
    main()
