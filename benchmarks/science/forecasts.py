"""Do forecasts from ten trials hold at twenty and forty, and are memberships calibrated? On real networks.

Needs CIFAR-10: its runs of 40 trials are kept in `--runs`, so that it goes on where it was stopped.

    python benchmarks/science/forecasts.py --data cifar10-folder [--runs runs/forecasts] [--docs docs/results]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from easiness import compare, load_dataset
from easiness.analysis import SIDES, Rule, forecast, match_groups, membership, select, true_rate
from easiness.runs.carrying_out import carry_out
from easiness.runs.plan import make_plan
from easiness.show import rendered
from easiness.spec import Execution, Recording, Training

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.machine import measured
from kit.pages import head, markdown, whole, write_page
from science.forecasts_figure import FEW, draw
from science.normal_rates import correlation_of, rate_of

NETWORKS = ("mlp_3", "wrn_16_1")
EXAMPLES, TRIALS, EPOCHS = 5000, 40, 6
FRACTION = 0.1
SPLITS = 60  # ways to split the trials in halves
BIN, FULL = 0.1, 100  # width of a bin of memberships, and examples from which it counts


def train(data, folder):
    """The run of each network, trained as far as it is missing."""
    runs = {}
    for network in NETWORKS:
        plan = make_plan(
            data,
            Training(model=network, epochs=EPOCHS),
            TRIALS,
            recording=Recording(keep_weights=False, splits=("train",)),
        )
        run = carry_out(plan, folder / network, Execution(executor="processes", jobs=2, compile="off"))
        runs[network] = run.first(TRIALS)
    return runs


def observed(votes, side, size):
    """Mean matching rate of groups of `size` trials each, ties refined."""
    match = match_groups(
        votes, votes, Rule(side=side, fraction=FRACTION, ties="refine"), group_size=size, num_replicates=0
    )
    return match.rate


def across(votes, rows, side):
    """The match of the set of the trials at `rows` with that of all others."""
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
    """What the Spearman-Brown formula makes of a matching rate in groups so many times larger."""
    r = correlation_of(rate, FRACTION, FRACTION)
    return float(rate_of(times * r / (1 + (times - 1) * r), FRACTION))


def calibration(votes, side):
    """Bins of the membership foretold from half of the trials: examples a split, foretold and found."""
    size = votes.num_trials // 2
    foretold, found = [], []
    for split in range(SPLITS):
        order = np.random.default_rng(split).permutation(votes.num_trials)
        ours, theirs = (votes.correct[rows].sum(axis=0) for rows in (order[:size], order[size:]))
        further = membership(ours, size, FRACTION, further=votes.num_trials - size)
        foretold.append(further.p_easy if side == "easy" else further.p_hard)
        found.append(select(theirs, FRACTION, side))
    foretold, found = np.concatenate(foretold), np.concatenate(found)
    bins = np.minimum((foretold / BIN).astype(int), round(1 / BIN) - 1)
    return [
        (low * BIN, (bins == low).sum() / SPLITS, foretold[bins == low].mean(), found[bins == low].mean())
        for low in np.unique(bins)
        if (bins == low).sum() >= FULL * SPLITS
    ]


def drifts(run, side):
    """The agreement of the set after each epoch with that after the last, without noise."""
    last, rule = run.votes(run.epochs), Rule(side=side, fraction=FRACTION, ties="refine")
    return {
        epoch: true_rate(run.votes(epoch), last, rule, same_trials=True) for epoch in range(1, run.epochs)
    }


def rows_of(made):
    """Forecasts as rows of texts, and of how many intervals what was found is in."""
    rows, hold = [], []
    for network, side, name, foretold, found, brown in made:
        values = [one.value for one in foretold]
        held = [one.low <= there <= one.high for one, there in zip(foretold, found, strict=True)]
        errors = [
            f"{max(abs(value - there) for value, there in zip(of, found, strict=True)):.2f}" if of else ""
            for of in (values, brown)
        ]
        span = f"{min(values):.2f} to {max(values):.2f}"
        rows.append(
            (network, side, name, span, f"{np.mean(found):.2f}", *errors, f"{sum(held)} of {len(held)}")
        )
        hold += held
    return rows, hold


COLUMNS = ("network", "set", "of", "forecast from ten", "found", "largest error", "by Spearman-Brown", "hold")


def page(forecasts, hold, memberships, worst, drift, rates, made):
    """The page for the docs and its whole tables, from rows of texts and the text of `compare`."""
    command = "python benchmarks/science/forecasts.py --data FOLDER --docs docs/results"
    last = next(row[2] for row in forecasts[1:] if row[2] != forecasts[0][2])
    third = [row[4] for row in drift]
    errors = [(float(row[5]), float(row[6])) for row in forecasts if row[6]]
    text = f"""\
{head("Forecasts and memberships on CIFAR-10", command, made)}
Do forecasts from ten trials hold? Of 100 examples called hard with 97 %, are 97 hard?
{TRIALS} trials of {EPOCHS} epochs of each network on {EXAMPLES:,} images, class-balanced. Sets are the
easiest and the hardest {FRACTION:.0%} after the last epoch.

- **Forecasts hold**: {sum(hold)} of {len(hold)} intervals from ten trials have what was found in the forty.
  The largest error is at most that of the Spearman-Brown formula in {sum(a <= b for a, b in errors)} of
  {len(errors)} cases.
- **Memberships are calibrated**: the share that twenty trials forecast and the share that the twenty others
  find differ by at most
  {worst} (means of bins with {FULL} examples or more, over {SPLITS} ways to split the forty).
- **Sets drift**: the refined sets after epoch 3 [agree](../concepts.md#agreement) on {min(third)} to
  {max(third)} with those after epoch {EPOCHS}.

Matching rates of {last}, forecast from ten:

{markdown((*COLUMNS[:2], *COLUMNS[3:]), [(*row[:2], *row[3:]) for row in forecasts if row[2] == last])}

`hold` counts the intervals that have what was found.

![Agreement, membership by count, its calibration, and a forecast](forecasts.svg)

What is not certain: these are two networks on one data set, and the four groups of ten share the trials
that they are held against.
"""
    tables = {
        "forecasts": (COLUMNS, forecasts),
        "memberships": (("network", "set", "forecast", "examples", "mean forecast", "found"), memberships),
        "drift": (("network", "set", *(f"epoch {epoch}" for epoch in range(1, EPOCHS))), drift),
        "rates": whole(rates),
    }
    return text, tables


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", required=True, help="CIFAR-10 as Parquet or class folders")
    options.add_argument("--runs", type=Path, default=Path("runs/forecasts"))
    options.add_argument("--docs", type=Path, help="write forecasts.md and forecasts.svg into this folder")
    options = options.parse_args()
    runs = train(load_dataset(options.data, limit=EXAMPLES), options.runs)
    rows, calibrations = [], {}
    for network, run in runs.items():
        votes = run.votes()
        for side in SIDES:
            rows += [(network, side, *row) for row in forecasts(votes, side)]
            calibrations[network, side] = calibration(votes, side)
    bins = [
        (network, side, f"{low:.1f} to {low + BIN:.1f}", f"{num:.0f}", f"{foretold:.3f}", f"{found:.3f}")
        for (network, side), of_side in calibrations.items()
        for low, num, foretold, found in of_side
    ]
    drift = [
        (network, side, *(f"{rate:.2f}" for rate in drifts(run, side).values()))
        for network, run in runs.items()
        for side in SIDES
    ]
    rates = rendered(compare(list(runs.values())), ".md").decode()
    worst = max(abs(foretold - found) for of_side in calibrations.values() for *_, foretold, found in of_side)
    made = f"{measured()}, PyTorch {torch.__version__}"
    written, tables = page(*rows_of(rows), bins, f"{worst:.3f}", drift, rates, made)
    print(written)
    if options.docs is not None:
        write_page(options.docs / "forecasts.md", written, tables)
        figure = draw(runs, calibrations, FRACTION)
        figure.savefig(options.docs / "forecasts.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
