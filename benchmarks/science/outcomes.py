"""Do rates, p_hard and bands of outcomes hold, and what do adaptive rollouts gain? CRUXEval's answers.

31 models answered 800 questions ten times each. Some of the rollouts of each model are held back, and what
the others foretell is held to them. Then rates are drawn from the mixtures that are fitted to all ten, so that
the truth is known, and rollouts of them in other numbers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.special import ndtr
from scipy.stats import binom

import easiness as ez
from easiness.analysis import fit_rates, select

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.science import calibration_error, options, publish

BAND, FRACTION = (0.2, 0.8), 0.1
BIN = 200  # items of a bin
HELD_BACK = (2, 4, 6, 8)  # rollouts that are seen, of ten
NUMBERS = (2, 4, 8, 16, "1 to 16")  # rollouts of an item that are drawn


def rollouts(folder):
    """Whether each rollout is right, by model: [items, rollouts] each."""
    table = folder / "cruxeval-output.csv.gz"
    runs = ez.record(table, progress=False)
    right = {}
    for run in runs:
        rows = run.outcomes.rows.assign(trial=run.outcomes.rows["trial"].astype(int))
        right[run.model] = rows.pivot(index="item", columns="trial", values="correct").to_numpy()
    return right


def numbers_of(num, size, draw):
    return draw.integers(1, 17, size) if num == "1 to 16" else np.full(size, num)


def count_shares(rates, num):
    """The probability [K, num + 1] of each number of right rollouts of ``num`` further ones."""
    of_point = binom.pmf(np.arange(num + 1), num, rates.probability[:, None])
    return (rates.posterior @ of_point)[rates.kind]


def foretold(right, seen, draw):
    """How well ``seen`` rollouts of each item foretell the others: a dict of numbers."""
    order = draw.permuted(np.tile(np.arange(right.shape[1]), (len(right), 1)), axis=1)
    mixed = np.take_along_axis(right, order, axis=1)
    known, rest = mixed[:, :seen].sum(axis=1), mixed[:, seen:]
    rates = fit_rates(np.full(len(right), float(seen)), known)
    count, num = rest.sum(axis=1).astype(int), rest.shape[1]
    shares = count_shares(rates, num)
    below = np.cumsum(shares, axis=1)
    at = np.arange(len(count))
    # a count is in the interval for as much of it as lies there: counts are few
    low, high = below[at, count] - shares[at, count], below[at, count]
    inside = np.clip(np.minimum(high, 0.95) - np.maximum(low, 0.05), 0, None) / np.maximum(high - low, 1e-12)
    share = rest.mean(axis=1)
    return {
        "off": calibration_error(rates.expected, share),
        "inside": inside.mean(),
        "error": ((rates.expected - share) ** 2).mean(),
        "raw": ((known / seen - share) ** 2).mean(),
    }


def off_in_bins(p, came):
    """How far a probability [R, K] is from what came, in bins of 200 items, each the mean over R draws."""
    order = np.argsort(p, axis=1)
    p, came = (np.take_along_axis(one, order, axis=1).reshape(len(one), -1, BIN) for one in (p, came))
    return (p - came).mean(axis=(0, 2))


def drawn(right, num, repeats, draw):
    """How far p_hard, p_easy and p_between are from the truth, in bins, where rates are of a fitted mixture."""
    size = len(right)
    mixture = fit_rates(np.full(size, float(right.shape[1])), right.sum(axis=1))
    step = mixture.places[1] - mixture.places[0]
    population = mixture.population / mixture.population.sum()
    names = ("p_hard", "p_easy", "p_between")
    p, came = ({name: np.empty((repeats, size)) for name in names} for _ in range(2))
    for at in range(repeats):
        places = draw.choice(mixture.places, size, p=population)
        true = ndtr(places + step * draw.uniform(-0.5, 0.5, size))  # anywhere in the cell of a point
        trials = numbers_of(num, size, draw)
        rates = fit_rates(trials.astype(float), draw.binomial(trials, true).astype(float))
        for side in ("hard", "easy"):
            p[f"p_{side}"][at] = rates.belongs(FRACTION, side)
            came[f"p_{side}"][at] = select(true, FRACTION, side)
        p["p_between"][at] = rates.between(*BAND)
        came["p_between"][at] = (true >= BAND[0]) & (true <= BAND[1])
    return {name: np.abs(off_in_bins(p[name], came[name])).max() for name in names}


def main():
    given = options(__doc__, "--data", more={"--repeats": 20, "--seed": 0})
    right = rollouts(given.data)
    streams = np.random.SeedSequence(given.seed).spawn(2)
    draw = np.random.default_rng(streams[0])
    rows = []
    for seen in HELD_BACK:
        every = [foretold(one, seen, draw) for one in right.values()]
        rows.append((str(seen), *(f"{np.mean([one[key] for one in every]):.3f}" for key in every[0])))
    print(rows)
    draw = np.random.default_rng(streams[1])
    worst = []
    for num in NUMBERS:
        every = [drawn(one, num, given.repeats, draw) for one in right.values()]
        worst.append((str(num), *(f"{max(one[key] for one in every):.3f}" for key in every[0])))
        print(worst[-1], flush=True)


if __name__ == "__main__":
    main()
