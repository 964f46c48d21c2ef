"""Wrong tags: order, number and calibration beside cleanlab's, where the truth is known, and what tags cost.

Scenes of digits and pairs of TREC's questions have tags that are wrong at random, or forgotten as people do;
others are simulated. --field is the folder of cleanlab's packages, if it is not here; --runs keeps results.
"""

from __future__ import annotations

import inspect
import sys
import tempfile
import time
from functools import partial
from itertools import product
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import average_precision_score

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

import easiness as ez
from easiness.analysis import EstimatedNoise, tag_noise
from kit.pages import table
from kit.rounds import medians
from kit.science import ALONE, calibration_error, kept, options, publish
from science.tags_cells import KINDS, SHAPES, pairs, scenes, simulated

TRIALS, SEEDS, DRAWS = 10, (3, 4, 5), 20
FIRST = 100  # of simulated draws; constants were chosen by smaller ones, and by seeds 0 to 2
SUSPECT = 0.1  # probability to be wrong, from which on calibration is shown apart
COSTS, ROUNDS, OUTPUTS = ((5000, 512), (20_000, 512), (20_000, 1024)), 3, 10  # examples and features

COLUMNS = {"data": "{data}", "wrong": "{wrong:.1%}", "told": "{share:.1%}", "off": "{off:.3f}"}
COLUMNS |= {"suspects off": "{off, suspects:.3f}", "order": "{order:.2f}"}
COLUMNS |= {"cleanlab": "{order, cleanlab:.2f}"}


def measured(data, out):
    return ez.measure(data, features="inputs", model="ridge", trials=TRIALS, out=out, **ALONE)


def suspected(data):
    """What is said of all tags [K, T], and the log odds of heads that left each example out, on average."""
    with tempfile.TemporaryDirectory() as folder:
        said = ez.suspects(measured(data, Path(folder, "run")), above=0, pictures=False, progress=False)
    rows, values = said.table(), np.zeros((3, len(data), data.num_outputs))
    odds = np.where(rows["label"] == 1, rows["margin"], -rows["margin"])
    values[:, rows["id"], rows["tag"].astype(int)] = odds, rows["p_wrong"], -rows.index
    return values[0], EstimatedNoise(*values[1:].reshape(2, -1), "tags", said.low, said.high, (), None)


def of_cleanlab(labels, odds):
    """How suspicious cleanlab finds labels [K, T] by the same probabilities; None where it is not there."""
    try:
        from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class
    except ImportError as error:
        print(f"cleanlab is left out: {error}; install it, or name its folder by --field", flush=True)
        return None
    return -get_label_quality_scores_per_class([np.flatnonzero(row).tolist() for row in labels], expit(odds))


def judged(noise, labels, truth, other):
    """A row of what is said of labels [K, T], and the average precision of another order [K, T]."""
    wrong = (labels != truth).ravel()
    share, suspects = float(wrong.mean()), noise.p_wrong >= SUSPECT
    row = {
        "wrong": share,
        **{name: getattr(noise, name) for name in ("share", "low", "high")},
        "number": noise.share / share if share else np.nan,
        "holds": bool(noise.low <= share <= noise.high),
        "off": calibration_error(noise.p_wrong, wrong),
        "off, suspects": calibration_error(noise.p_wrong[suspects], wrong[suspects]),
    }
    for name, order in {"order": noise.suspicion, "order, cleanlab": other}.items():
        judges = share and order is not None
        row[name] = average_precision_score(wrong, order.ravel()) if judges else np.nan
    return row


def of_cell(make, seed):
    """A row for each kind of wrong labels; ``known`` is how well heads order examples by each tag."""
    cell, rows = make(seed), []
    for kind in KINDS:
        labels = cell.labels(kind, seed)
        odds, noise = suspected(ez.load_dataset((cell.x, labels), tags=True))
        known = average_precision_score(cell.truth, odds)
        row = judged(noise, labels, cell.truth, of_cleanlab(labels, odds))
        rows.append({"data": kind, "known": known, **row})
    return rows


def of_shape(shape, seed):
    """A row; what cleanlab orders by is the probability of the label."""
    odds, labels, truth = simulated(shape, seed)
    noise = tag_noise(odds.ravel(), labels.ravel(), np.tile(np.arange(shape.tags), shape.num), shape.tags)
    return [{"data": "simulated", **judged(noise, labels, truth, np.where(labels == 1, -odds, odds))}]


def of_costs():
    """Processor seconds of runs on features with classes, and with as many tags, in turn."""
    rows = []
    for num, width in COSTS:
        draw = np.random.default_rng(0)
        values = np.eye(OUTPUTS, dtype=np.int8)[draw.integers(OUTPUTS, size=(2, num))].max(axis=0)
        x = values @ draw.normal(size=(OUTPUTS, width)) + 3 * draw.normal(size=(num, width))
        ways, times = {"classes": values.argmax(axis=1), "tags": values}, {"classes": [], "tags": []}
        for one, name in product(range(ROUNDS + 1), ways):
            data = ez.load_dataset((x.astype(np.float32), ways[name]), tags=name == "tags")
            with tempfile.TemporaryDirectory() as folder:
                began = time.process_time()
                measured(data, Path(folder, "run"))
            times[name] += [time.process_time() - began][:one]  # the first round warms up
        rows.append({"data": f"{num:,} examples, {width} features", **medians(times)})
    return rows


def goals(rows, costs):
    """Rows: what, the goal, the worst and how many miss it."""
    held = [("cost over classes", "<=", 1.5, costs["tags"] / costs["classes"])]
    drawn = rows["known"].isna()
    for where, some in (("simulated, ", rows[drawn]), ("", rows[~drawn])):
        means = some.groupby(level=0, sort=False).mean()
        more, least = means["order"] - means["order, cleanlab"], -0.01 if where else 0.05
        held += [
            (f"{where}calibration", "<=", 0.05, means["off"]),
            (f"{where}range holds", ">=", 0.95, means["holds"]),
            (f"{where}number off", "<=", 1 / 3, (some["number"] - 1).abs()),
            (f"{where}order over cleanlab's", ">=", least, more),
        ]
    verdicts = []
    for what, way, limit, values in held[::-1]:
        sign, some = 1 if way == "<=" else -1, values.dropna()
        missed, at = int((sign * some > sign * limit).sum()), int(np.argmax(sign * some)) if len(some) else 0
        worst = f"{some.iloc[at]:.3f} ({some.index[at]})" if len(some) else ""
        verdict = f"**missed** by {missed} of {len(some)}" if missed else "met"
        verdicts.append((what, f"{'at most' if sign > 0 else 'at least'} {limit:.3g}", worst, verdict))
    return ("what", "goal", "worst", "verdict"), verdicts


def main():
    more = {"--field": None, "--seeds": SEEDS, "--draws": DRAWS}
    asked = options(__doc__, "--data", runs="tags", more=more)
    if asked.field is not None:
        sys.path.append(str(asked.field))  # last, so that it has only what is not here
    version = crc32(Path(inspect.getfile(tag_noise)).read_bytes())
    makers = {"scenes": scenes, "pairs": partial(pairs, asked.data, asked.runs)}
    tasks = [(name, seed, of_cell, makers[name]) for seed, name in product(asked.seeds, makers)]
    draws, rows = range(FIRST, FIRST + asked.draws), []
    tasks += [(name, seed, of_shape, SHAPES[name]) for name, seed in product(SHAPES, draws)]
    for name, seed, work, of in tasks:
        for row in kept(asked.runs / f"{name}, {seed}, {version:x}.json", work, of, seed):
            rows.append({**row, "data": f"{name}, {row['data']}".removesuffix(", simulated"), "seed": seed})
            print(rows[-1], flush=True)
    frames = {"all": pd.DataFrame(rows), "costs": pd.DataFrame(kept(asked.runs / "costs.json", of_costs))}
    held = goals(*(frame.set_index("data") for frame in frames.values()))
    of_data = frames["all"].dropna(subset="known").groupby("data", sort=False).mean().reset_index()
    whole = {name: (list(one), one.round(4).to_numpy().tolist()) for name, one in frames.items()}
    publish(asked.docs, "tags", whole, held, table(COLUMNS, of_data.to_dict("records")))


if __name__ == "__main__":
    main()
