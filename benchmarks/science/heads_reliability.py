"""Do reliability, p_easy and p_hard hold for heads? Runs of few trials, held to what hundreds of repeats say.

Of each data set many repeats are drawn: from all of them it is known how probably a head that has not seen an
example is right about it. The trials are cut into runs of 10, 20 and 40, whose votes are dealt out as a run
does: the j-th head that an example was left out by stands in row j.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import spearmanr
from sklearn.datasets import load_digits

from easiness.analysis import SIDES, Votes, forecast, membership, select, split_half
from easiness.heads import Deal, Moments, fit_ridge, sample_of
from easiness.spec import FeaturesRef, Heads

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.science import calibration_error, options, publish

SHARES, FRACTION, NUM = (0.05, 0.2, 0.8), 0.1, 500
LENGTHS = (10, 20, 40)  # trials of a run
MOST = 30  # runs of each length
HEADS = Heads(features=(FeaturesRef(name="x", identity="x"),), shares=SHARES)


def blobs(classes, width, apart, rng, *, tails=False):
    """Points around a center for each class; with tails some lie far out."""
    labels = np.arange(NUM) % classes
    noise = rng.standard_normal((NUM, width)) * (rng.gamma(0.7, 1 / 0.7, (NUM, 1)) if tails else 1)
    return (apart * rng.standard_normal((classes, width)))[labels] + noise, labels


def data_sets():
    rng = np.random.default_rng(0)
    x, y = load_digits(return_X_y=True)
    some = rng.permutation(len(y))[:NUM]
    x, y = x[some], y[some]
    other = np.where(rng.random(NUM) < 0.2, (y + rng.integers(1, 10, NUM)) % 10, y)
    return {
        "digits": (x, y),
        "digits, 20 % of the labels wrong": (x, other),
        "two groups": blobs(2, 10, 0.4, rng),
        "ten groups, heavy tails": blobs(10, 40, 0.5, rng, tails=True),
    }


def as_read(x, y):
    """Vectors as heads read them, and labels, as tensors."""
    rows = torch.nn.functional.normalize(torch.from_numpy(np.ascontiguousarray(x, np.float32)))
    return rows - rows.mean(dim=0), torch.from_numpy(y)


def right_of(rows, labels, seen):
    """Whether a head that learns from the ``seen`` rows is right about each [K]."""
    moments = Moments.of([(rows[seen], labels[seen])], int(labels.max()) + 1)
    few = sample_of(len(seen)) if len(seen) > rows.shape[1] else slice(None)
    head = fit_ridge(moments, rows[seen][few], labels[seen][few]).head
    return head(rows).argmax(dim=1) == labels


def asked(x, y, num_trials):
    """Whether heads are right, and whether they had not seen the example: [trials, shares, K] each."""
    rows, labels = as_read(x, y)
    right = np.zeros((num_trials, len(SHARES), len(y)), bool)
    left_out = np.zeros_like(right)
    for trial in range(num_trials):
        repeat, turn = divmod(trial, HEADS.folds)
        if turn == 0:
            dealt = Deal(y).partition(SHARES, 0, repeat)
        for row in range(len(SHARES)):
            seen = torch.from_numpy(dealt.positions(turn, row))
            right[trial, row] = right_of(rows, labels, seen).numpy()
        left_out[trial] = ~dealt.trained_on(turn)
    return right, left_out


def dealt_out(right, left_out):
    """The votes [n, K] of a run on which every example is heard of n times at least, as a run deals them."""
    num = int(left_out.sum(axis=0).min())
    order = np.argsort(~left_out, axis=0, kind="stable")[:num]
    return np.take_along_axis(right, order, axis=0)


def judge(right, left_out, y):
    truth = (right & left_out).sum(axis=0) / left_out.sum(axis=0)
    members = {side: select(truth, FRACTION, side) for side in SIDES}
    found = {}
    for length in LENGTHS:
        runs = min(len(right) // length, MOST)
        seen = defaultdict(list)
        counts = []
        for run in range(runs):
            some = slice(run * length, (run + 1) * length)
            correct = dealt_out(right[some], left_out[some])
            votes = Votes(correct, correct.astype(float), y, np.arange(len(y)), 1)
            num = votes.num_trials
            count = votes.correct.sum(axis=0)
            counts.append(count)
            seen["heard"].append(num)
            belongs = membership(count, num, FRACTION)
            for side, p in (("easy", belongs.p_easy), ("hard", belongs.p_hard)):
                seen[f"p_{side}"].append(p)
                seen[f"is_{side}"].append(members[side])
            if num >= 2:
                seen["said"].append(split_half(votes, fraction=FRACTION).spearman_brown)
                if run:  # the one before has no repeat in common with it
                    seen["came"].append(spearmanr(count, counts[-2]).statistic)
            if num < 10:
                continue
            for side in SIDES:
                ahead = forecast(votes, side=side, fraction=FRACTION, ties="expected").share()
                held = float(select(count, FRACTION, side) @ members[side]) / (FRACTION * len(y))
                seen["held"].append(ahead.low <= held <= ahead.high)
                seen["off"].append(ahead.value - held)
        heard = seen["heard"][0]
        # across runs a count of independent heads varies as a binomial does
        plain = heard * truth * (1 - truth) * (1 - 1 / max(runs * heard, 2))
        seen["spread"] = [np.var(counts, axis=0, ddof=1).sum() / plain.sum()]
        found[length] = dict(seen)
    return found


def calibration(seen, side):
    """The mean distance of a probability to how often it came true, in ten bins, weighted by examples."""
    p, came = np.concatenate(seen[f"p_{side}"]), np.concatenate(seen[f"is_{side}"])
    return calibration_error(p, came)


def bins(all_seen, side):
    """Rows of a table: mean probability and how often it came true, in five bins."""
    p = np.concatenate([np.concatenate(seen[f"p_{side}"]) for seen in all_seen])
    came = np.concatenate([np.concatenate(seen[f"is_{side}"]) for seen in all_seen])
    at = np.minimum((5 * p).astype(int), 4)
    of_bins = pd.DataFrame({"p": p, "came": came}).groupby(at).agg(["mean", "size"]).reindex(range(5))
    return ["–" if not num >= 100 else f"{p:.2f}: {came:.2f}" for p, num, came, _ in of_bins.to_numpy()]


def mean(values):
    return f"{np.nanmean(values):.3f}" if values else "–"


def main():
    asked_for = options(__doc__, more={"--repeats": 300})
    torch.set_num_threads(1)
    rows, of_length = [], defaultdict(list)
    for name, (x, y) in data_sets().items():
        right, left_out = asked(x, y, HEADS.folds * asked_for.repeats)
        for row, share in enumerate(SHARES):
            for length, seen in judge(right[:, row], left_out[:, row], y).items():
                of_length[length].append(seen)
                off = (f"{calibration(seen, side):.3f}" for side in SIDES)
                rows.append(
                    (name, f"{share:g}", str(length), str(seen["heard"][0]), mean(seen["spread"]), *off,
                     *(mean(seen.get(what)) for what in ("said", "came", "off", "held")))
                )  # fmt: skip
                print(" | ".join(rows[-1]), flush=True)
    told = [
        (f"p_{side}", str(length), *bins(all_seen, side))
        for side in SIDES
        for length, all_seen in of_length.items()
    ]
    publish(asked_for.docs, "heads-reliability", {"shares": (HEADER, rows)}, (BINS, told))


HEADER = (
    "data", "share", "trials", "heads heard", "variance of counts / binomial", "p_easy off", "p_hard off",
    "reliability: said", "came", "share of the true set: off", "interval holds it",
)  # fmt: skip
BINS = ("", "trials", *(f"{one / 5:g} to {(one + 1) / 5:g}" for one in range(5)))


if __name__ == "__main__":
    main()
