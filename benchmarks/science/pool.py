"""Whom to label next: what picks gain over random ones, and how often they are recommended for nothing.

FOLDER has cifar10, trec, fsdd and imagenette224. What `easiness next RUN --pool` does is replayed on them:
some labelled examples, all others a pool of which each rule picks some. *imbalanced*: the most frequent class
has twenty times as many examples as the rarest, in what is labelled and in the pool. *a fifth wrong*: one in
five of the new labels is another class, as people err.

In the simulation a rule *without advantage* prefers certain examples for no reason, the same ones in every
draw. *Coverage* is how often an interval of 97.5 % holds the true gain: the mean gain of its rule over as
many other worlds of the shape. *plain* takes draws as independent, which is not done: such intervals are too
narrow for a rule that always picks the same.

Cells that are finished are kept in --runs, so that the command goes on where it stopped.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
import torch

from easiness.analysis import paired_gain
from easiness.data import load_dataset
from easiness.studies.keeping import MARGIN, PICKS, RANDOM, RARE, LabelledVectors, best_rule, replay
from kit.pages import part, table
from kit.science import features_of, kept, options, publish

DATA = {"cifar10": "auto", "trec": "hashed", "fsdd": "logmel", "imagenette224": "auto"}
SETTINGS = ("as it is", "imbalanced", "a fifth wrong")
SHAPES = ("two groups", "imbalanced", "heavy tails", "wrong labels")
LEVEL, CLASSES, WIDEST = 0.975, 5, 512
SAME = ("the same 1", "the same 2")


def vectors_of(name, folder, runs):
    """Features and labels of both splits; of CIFAR-10 2,000 of 10,000 images are tested on."""
    source = sorted((folder / name).rglob("train*.parquet"))[0] if name == "cifar10" else folder / name
    data = load_dataset(source)
    x, apart = features_of(data, DATA[name], runs)
    if data.held_out is not None:
        return x, data.labels, apart, data.held_out.labels
    order = np.random.default_rng(0).permutation(len(x))
    test, own = order[: len(x) // 5], order[len(x) // 5 :]
    return x[own], data.labels[own], x[test], data.labels[test]


def as_heads_read(x, y, x_test, y_test):
    """Both splits around the mean, scaled to a length of one; of wide vectors the leading directions."""
    mean = x.mean(axis=0)
    length = np.sqrt(np.square(x - mean).sum(axis=1).mean())
    x, x_test = (x - mean) / length, (x_test - mean) / length
    if x.shape[1] > WIDEST:
        leading = np.linalg.eigh(x.T @ x)[1][:, -WIDEST:]
        x, x_test = np.ascontiguousarray(x @ leading), np.ascontiguousarray(x_test @ leading)
    num = int(y.max()) + 1
    return tuple(
        LabelledVectors(torch.from_numpy(a), torch.from_numpy(b), np.arange(len(b)), num)
        for a, b in ((x, y), (x_test, y_test))
    )


def imbalanced(some):
    labels, rng = some.labels.numpy(), np.random.default_rng(0)
    shares = 0.05 ** (np.arange(some.num_classes) / (some.num_classes - 1))
    return some.part(np.flatnonzero(rng.random(len(labels)) < shares[labels]))


def cell(name, setting, splits, asked):
    some, test = splits
    some = imbalanced(some) if setting == "imbalanced" else some
    wrong = 0.2 if setting == "a fifth wrong" else 0.0
    found = replay(some, test, asked.picks, seeds=asked.draws, wrong=wrong)
    rows, verdict = found.drop(columns="right").to_dict("records"), best_rule(found)
    print(
        name, setting, verdict, [(r["start"], r["rule"], round(100 * r["gain"], 1)) for r in rows], flush=True
    )
    return {"rows": rows, "verdict": verdict}


def world(shape, num, num_test, rng):
    """Examples and test examples of a world; all worlds of a shape have the same classes."""
    groups = 2 if shape == "two groups" else 1
    centres = 0.8 * np.random.default_rng(7).normal(size=(CLASSES, groups, 12))
    weights = 0.5 ** np.arange(CLASSES) if shape == "imbalanced" else np.ones(CLASSES)

    def draw(count):
        y = rng.choice(CLASSES, count, p=weights / weights.sum())
        group = (rng.random(count) < 0.15) * (groups - 1)
        spread = 0.3 + np.abs(rng.standard_t(2, (count, 1))) if shape == "heavy tails" else 1.0
        x = centres[y, group] + spread * rng.normal(size=(count, 12))
        if shape == "wrong labels":
            y = np.where(rng.random(count) < 0.2, (y + rng.integers(1, CLASSES, count)) % CLASSES, y)
        return x.astype(np.float32), y

    return as_heads_read(*draw(num), *draw(num_test))


def preferring(lots):
    return lambda _, judged, num: np.argsort(lots[judged.pool])[:num]


def simulated(shape, asked):
    """How often each rule is shown to beat random, and whether intervals hold the mean over worlds."""
    seen = []
    for number in range(2 * asked.worlds):
        rng = np.random.default_rng([number, SHAPES.index(shape)])
        some, test = world(shape, 240, 200, rng)
        rules = dict(PICKS)
        for name, lots in zip(SAME, rng.random((2, len(some))), strict=True):
            rules[name] = preferring(lots)
        found = replay(some, test, 30, rules, seeds=10, seed=number, starts=(50,))
        base = found[found["rule"] == RANDOM].set_index("start")["right"]
        if number < asked.worlds:
            pairs = zip(base[found["start"]], found["right"], strict=True)
            found[["plain low", "plain high"]] = [paired_gain(*pair, LEVEL).interval for pair in pairs]
        seen.append(found.assign(number=number, judges=number < asked.worlds))
    of_all = pd.concat(seen).replace({"rule": dict.fromkeys(SAME, "without advantage")})
    rows = []
    for (start, rule), own in of_all.groupby(["start", "rule"], sort=False):
        if rule in (RARE, MARGIN, "without advantage"):
            truth = 0.0 if rule == "without advantage" else own.loc[~own["judges"], "gain"].mean()
            row, own = {"start": start, "rule": rule, "truth": float(truth)}, own[own["judges"]]
            for of in ("", "plain "):
                low, high = own[f"{of}low"], own[f"{of}high"]
                row[f"{of}shown"] = own.loc[low > 0, "number"].nunique() / asked.worlds
                row[f"{of}coverage"] = float(((low <= truth) & (truth <= high)).mean())
            rows.append(row)
    print(shape, rows, flush=True)
    return rows


GAINS = ("data", "labels", "labelled before", "pool", "picked", "random", RARE, MARGIN, "recommended")


def gains(name, found):
    for setting, one in found.items():
        starts = sorted({row["start"] for row in one["rows"]})
        for start in starts:
            by = {row["rule"]: row for row in one["rows"] if row["start"] == start}
            random = by[RANDOM]
            counts = (f"{start:,}", f"{random['pool']:,}", f"{random['picks']}", f"{random['accuracy']:.3f}")
            rule = one["verdict"] if start == starts[-1] else ""
            yield name, setting, *counts, points(by[RARE]), points(by[MARGIN]), rule


def points(row):
    value, low, high = (100 * row[key] for key in ("gain", "low", "high"))
    text = f"{value:+.1f} ({low:.1f} to {high:.1f})"
    return f"**{text}**" if low > 0 else text


TRUTHS = {
    "worlds": "{shape}",
    "labelled before": "{start}",
    "rule": "{rule}",
    "true gain": "{gain:+.1f}",
    "shown to beat random": "{shown:.0%}",
    "coverage": "{coverage:.1%}",
    "plain: shown": "{plain shown:.0%}",
    "plain: coverage": "{plain coverage:.1%}",
}
SHOWN = (0, 2, 5, 6, 7, 8)  # columns of the table on the page


def main():
    more = {"--data": None, "--picks": 100, "--draws": 20, "--worlds": 100}
    asked = options(__doc__, runs="pool", more=more)
    torch.set_num_threads(1)
    real: dict[str, dict[str, Any]] = {name: {} for name in DATA if asked.data is not None}
    for setting in SETTINGS:
        for name, found in real.items():
            path = asked.runs / f"{name}-{setting.replace(' ', '-')}.json"
            splits = None if path.exists() else as_heads_read(*vectors_of(name, asked.data, asked.runs))
            found[setting] = kept(path, cell, name, setting, splits, asked)
    known = [
        row | {"shape": shape, "gain": 100 * row["truth"]}
        for shape in SHAPES
        for row in kept(asked.runs / f"known-{shape.replace(' ', '-')}.json", simulated, shape, asked)
    ]
    rows = [row for name, found in real.items() for row in gains(name, found)]
    tables = {"gains": (GAINS, rows), "known-truth": table(TRUTHS, known)}
    shown = [row for row in rows if row[1] == "as it is"]
    ends = [row for at, row in enumerate(shown) if row[8] or row[0] not in [one[0] for one in shown[:at]]]
    publish(asked.docs, "pool", tables, part(GAINS, ends, [GAINS[at] for at in SHOWN]))


if __name__ == "__main__":
    main()
