"""Wrong tags: order, number and calibration beside cleanlab's, where the truth is known, and what tags cost.

Scenes of digits and pairs of TREC's questions have tags that are wrong at random, or forgotten as people do;
heads and people are simulated besides. Where cleanlab is in another environment, --field is its folder of
packages. Results are kept in --runs, so that the command goes on where it stopped.
"""

from __future__ import annotations

import inspect
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import average_precision_score

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

import easiness as ez
from easiness.analysis import tag_noise
from easiness.data import TAG_STATES, Tags
from kit.pages import table
from kit.rounds import medians
from kit.science import ALONE, calibration_error, kept, options, publish
from science.tags_cells import KINDS, SHAPES, pairs, scenes, simulated

TRIALS, SEEDS, FIRST_DRAW = 10, (3, 4, 5), 100
"""Trials of a run, seeds, and the first of simulated draws; constants of the estimate are of smaller ones."""
SUSPECT = 0.1  # probability to be wrong, from which on calibration is shown apart
COSTS, ROUNDS, OUTPUTS = ((5000, 512), (20_000, 512), (20_000, 1024)), 3, 10  # examples and features


def of_tags(x, values):
    """A data set of features [K, D] with tags [K, T]."""
    tags = Tags(tuple(map(str, range(values.shape[1]))), values.astype(np.int8))
    strata, data = tags.strata, ez.load_dataset((x, np.arange(len(x)) % 2))
    return replace(data, tags=tags, labels=strata, true_labels=strata, classes=TAG_STATES)


def measured(data):
    """What heads that left each example out say of its tags [K, T], on average."""
    from easiness.studies.suspects.evidence import gather

    with tempfile.TemporaryDirectory() as out:
        run = ez.measure(data, features="inputs", model="ridge", trials=TRIALS, out=Path(out, "run"), **ALONE)
        evidence = gather(run, "train").course.last.of_labels
    return (evidence.margin * (2 * evidence.labels - 1)).reshape(data.tags.values.shape)


def of_cleanlab(labels, odds):
    """How suspicious cleanlab finds each label [K, T] by the same probabilities; None where it is not there."""
    try:
        from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class
    except ImportError as error:
        print(f"cleanlab is left out: {error}; install it, or name its folder by --field", flush=True)
        return None
    given = [np.flatnonzero(row).tolist() for row in labels]
    return -get_label_quality_scores_per_class(given, expit(odds))


def judged(odds, labels, truth, other):
    """A row of what is said of labels [K, T], and the average precision of another order [K, T]."""
    num_tags, wrong = labels.shape[1], (labels != truth).ravel()
    noise = tag_noise(odds.ravel(), labels.ravel(), np.tile(np.arange(num_tags), len(labels)), num_tags)
    share, suspects = float(wrong.mean()), noise.p_wrong >= SUSPECT
    orders = {"order": noise.suspicion, "order, cleanlab": None if other is None else other.ravel()}
    return {
        "share": share,
        "told": noise.share,
        "low": noise.low,
        "high": noise.high,
        "number": noise.share / share if share else None,
        "holds": bool(noise.low <= share <= noise.high),
        "off": calibration_error(noise.p_wrong, wrong),
        "off, suspects": calibration_error(noise.p_wrong[suspects], wrong[suspects]),
        **{
            name: average_precision_score(wrong, one) if share and one is not None else None
            for name, one in orders.items()
        },
    }


def of_cell(make, seed):
    """A row for each kind of wrong labels; ``known`` is how well heads order examples by each tag."""
    cell, rows = make(seed), []
    for kind in KINDS:
        labels = cell.labels(kind, seed)
        odds = measured(of_tags(cell.x, labels))
        known = average_precision_score(cell.truth, odds, average="macro")
        row = judged(odds, labels, cell.truth, of_cleanlab(labels, odds))
        rows.append({"kind": kind, "known": known, **row})
    return rows


def of_shape(shape, draws):
    """A row for each draw; what cleanlab orders by is the probability of the label."""
    rows = []
    for seed in range(FIRST_DRAW, FIRST_DRAW + draws):
        odds, labels, truth = simulated(shape, seed)
        rows.append(judged(odds, labels, truth, np.where(labels == 1, -odds, odds)))
    return rows


def of_costs():
    """Processor seconds of runs on features with classes, and with as many tags, in turn."""
    rows = []
    for num, width in COSTS:
        draw = np.random.default_rng(0)
        values = np.eye(OUTPUTS, dtype=np.int8)[draw.integers(OUTPUTS, size=(2, num))].max(axis=0)
        x = values @ draw.normal(size=(OUTPUTS, width)) + 3 * draw.normal(size=(num, width))
        x = x.astype(np.float32)
        of = {"classes": ez.load_dataset((x, values.argmax(axis=1))), "tags": of_tags(x, values)}
        times = {name: [] for name in of}
        with tempfile.TemporaryDirectory() as folder:
            for one in range(ROUNDS + 1):
                for name, data in of.items():
                    began, out = time.process_time(), Path(folder, f"{name} {one}")
                    ez.measure(data, features="inputs", model="ridge", trials=TRIALS, out=out, **ALONE)
                    times[name] += [time.process_time() - began][:one]  # the first round warms up
        rows.append({"data": f"{num:,} examples, {width} features", **medians(times)})
    return rows


def goals(found, drawn, costs):
    """Rows: what, the goal, the worst and how many miss it."""
    means, of_shapes = (one.groupby("data", sort=False).mean(numeric_only=True) for one in (found, drawn))
    of_seeds = found.set_index(found["data"] + ", seed " + found["seed"].astype(str))["number"]
    held = (
        ("average precision, less cleanlab's", ">=", 0.05, means["order"] - means["order, cleanlab"]),
        ("simulated: the same", ">=", -0.01, of_shapes["order"] - of_shapes["order, cleanlab"]),
        ("number told off the true one", "<=", 1 / 3, (of_seeds - 1).abs()),
        ("simulated: the same", "<=", 1 / 3, (of_shapes["number"] - 1).abs()),
        ("its range holds", ">=", 0.95, means["holds"]),
        ("simulated: the same", ">=", 0.95, of_shapes["holds"]),
        ("calibration error of p_wrong", "<=", 0.05, means["off"]),
        ("simulated: the same", "<=", 0.05, of_shapes["off"]),
        ("cost of tags over that of classes", "<=", 1.5, costs["tags"] / costs["classes"]),
    )
    rows = []
    for what, way, limit, values in held:
        sign, values = 1 if way == "<=" else -1, values.astype(float).dropna()
        missed = int((sign * values > sign * limit).sum())
        worst = (sign * values).idxmax() if len(values) else None
        told = "" if worst is None else f"{values[worst]:.3f} ({worst})"
        verdict = f"**missed** by {missed} of {len(values)}" if missed else "met"
        rows.append((what, f"{'at most' if sign > 0 else 'at least'} {limit:.3g}", told, verdict))
    return ("what", "goal", "worst", "verdict"), rows


COLUMNS = {
    "data": "{data}",
    "wrong": "{share:.1%}",
    "told": "{told:.1%}",
    "range": "{low:.1%} to {high:.1%}",
    "told / wrong": "{number:.2f}",
    "off": "{off:.3f}",
    "off, suspects": "{off, suspects:.3f}",
    "order": "{order:.2f}",
    "order, cleanlab": "{order, cleanlab:.2f}",
}


def main():
    more = {"--field": None, "--seeds": SEEDS, "--draws": 20}
    asked = options(__doc__, "--data", runs="tags", more=more)
    if asked.field is not None:
        sys.path.append(str(asked.field))  # last, so that it has only what is not here
    version = f"{crc32(Path(inspect.getfile(tag_noise)).read_bytes()):x}"
    found, drawn = [], []
    for seed in asked.seeds:
        for name, make in {"scenes": scenes, "pairs": partial(pairs, asked.data, asked.runs)}.items():
            rows = kept(asked.runs / f"{name}, {seed}, {version}.json", of_cell, make, seed)
            found += [{"data": f"{name}, {row.pop('kind')}", "seed": seed, **row} for row in rows]
            print(pd.DataFrame(found[-len(KINDS) :]).to_string(index=False), flush=True)
    for name, shape in SHAPES.items():
        rows = kept(asked.runs / f"{name}, {asked.draws}, {version}.json", of_shape, shape, asked.draws)
        drawn += [{"data": name, **row} for row in rows]
    costs = kept(asked.runs / "costs.json", of_costs)
    tables = {"cells": pd.DataFrame(found), "simulated": pd.DataFrame(drawn), "costs": pd.DataFrame(costs)}
    held = goals(tables["cells"], tables["simulated"], tables["costs"].set_index("data"))
    means = (tables[name].groupby("data", sort=False).mean().reset_index() for name in ("cells", "simulated"))
    small = [table(COLUMNS, one.to_dict("records")) for one in means]
    whole = {name: (list(one), one.round(4).to_numpy().tolist()) for name, one in tables.items()}
    publish(asked.docs, "tags", whole, held, *small)


if __name__ == "__main__":
    main()
