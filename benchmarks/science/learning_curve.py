"""Does the learning curve predict what more examples give? Held to examples that were held back.

Of all vectors K are drawn, measured in ten trials, and what K and 2 K would give is forecast. That is held to
the mean accuracy, on all others, of heads that see K or 2 K of them.

    python benchmarks/science/learning_curve.py [--vectors NAME X.npy Y.npy] [--docs FILE.md]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

from easiness.analysis import TIMES, fit_curve, share_votes

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.science import publish
from science.heads_reliability import SHARES, as_read, asked, right_of

SIZES, TRIALS, WIDEST = (150, 300, 450, 800, 1250, 2500), 10, 256
WRONG = (0, 0.2)  # of the labels


def reduced(x):
    """The leading directions of wide vectors, so that this takes minutes."""
    if x.shape[1] <= WIDEST:
        return x
    x = x - x.mean(axis=0)
    return x @ np.linalg.eigh(x.T @ x)[1][:, -WIDEST:]


def in_turn(y, rng):
    """Positions in a random order of which any beginning has the classes as all have."""
    order = np.lexsort((rng.random(len(y)), y))
    sizes = np.bincount(y)
    rank = np.empty(len(y))
    rank[order] = np.arange(len(y)) - (np.cumsum(sizes) - sizes)[y[order]]
    return np.argsort((rank + rng.random(len(sizes))[y]) / sizes[y], kind="stable")


def truth(x, y, num, draws, rng):
    """The mean accuracy on all others of heads that see ``num`` examples, and its standard error."""
    rows, labels = as_read(x, y)
    orders = (torch.from_numpy(in_turn(y, rng)) for _ in range(draws))
    found = [float(right_of(rows, labels, one[:num])[one[num:]].float().mean()) for one in orders]
    return np.mean(found), np.std(found) / np.sqrt(draws)


def curve_of(x, y):
    right, left_out = asked(x, y, TRIALS)
    both = right & left_out
    counts = both.sum(axis=2), left_out.sum(axis=2)
    chance = float(np.bincount(y).max() / len(y))
    return fit_curve(share_votes(SHARES, chance, *counts, (both.sum(axis=0), left_out.sum(axis=0))), len(y))


def cell(x, y, num, draws, rng):
    """For each of `TIMES` the truth, how often intervals hold it, how wide and how far off they are."""
    true = [truth(x, y, num * times, draws, rng) for times in TIMES]
    found = [curve_of(x[some], y[some]) for some in (in_turn(y, rng)[:num] for _ in range(draws))]
    told = [one.ahead for one in found if not one.silent]
    seen = []
    for at, (value, error) in enumerate(true):
        ahead = [one[at].accuracy for one in told]
        held = np.mean([one.low - error <= value <= one.high + error for one in ahead])
        width = np.mean([one.high - one.low for one in ahead])
        seen.append((value, held, width, np.mean([one.value - value for one in ahead])))
    return seen, len(told)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vectors", nargs=3, action="append", default=[], metavar=("NAME", "X", "Y"))
    parser.add_argument("--draws", type=int, default=24)
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = {"digits, pixels": load_digits(return_X_y=True)}
    data |= {name: (np.load(x).astype(float), np.load(y)) for name, x, y in options.vectors}
    rows = []
    for name, (x, y) in data.items():
        x, y = reduced(x), y.astype(np.int64)
        for wrong in WRONG:
            rng = np.random.default_rng(int(100 * wrong))
            other = (y + rng.integers(1, y.max() + 1, len(y))) % (y.max() + 1)
            labels = np.where(rng.random(len(y)) < wrong, other, y)
            for num in [one for one in SIZES if 2.2 * one < len(y)]:
                seen, told = cell(x, labels, num, options.draws, rng)
                for times, (value, held, width, off) in zip(("K", "2 K"), seen, strict=True):
                    numbers = (f"{value:.3f}", f"{held:.2f}", f"{width:.3f}", f"{off:+.3f}")
                    rows.append((name, f"{wrong:.0%}", f"{num:,}", times, str(told), *numbers))
                    print(" | ".join(rows[-1]), flush=True)
    of_data = {}
    for row in rows:
        if row[3] == "2 K":
            of_data.setdefault(row[:2], []).append((*row[:3], *row[5:]))
    shown = [one for found in of_data.values() for one in (found[0], found[-1])]
    tables = {"cells": (HEADER, rows)}
    publish(options.docs, "learning-curve", tables, ((*HEADER[:3], *HEADER[5:]), shown))


HEADER = ("data", "wrong labels", "K", "forecast", "draws", "true", "interval holds it", "width", "off")


if __name__ == "__main__":
    main()
