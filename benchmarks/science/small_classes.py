"""Wrong labels where classes are small or rare: what `suspects` and `labels` say, where the truth is known.

Simulated cells have 5 to 200 classes of 5 to 500 examples, of one to four kinds each, as many of each class
or by a power law. The noise is such that discriminants in folds are right on the share that a cell asks for.
Labels are sound, or made wrong: `uniform` any other class, `alike` the one whose mean is nearest. Beside the
default heads are linear ones, and cleanlab on a logistic regression in five folds (`pip install
'easiness[bench]'`).

A rare class has 10 or 25 labels among up to 2,000 others: scikit-learn's digits, and TREC's questions where
--data has `trec/train.csv`. Processor time is compared with another version whose source is in --before.

Cells that are finished are kept in --runs, so that the command goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

import easiness as ez
from easiness.show import number
from easiness.studies.labels import clean
from kit.pages import labels_text, table
from kit.science import features_of, in_folds, kept, options, publish
from science.feature_labels import by_cleanlab, judged_list

# classes, examples of each, kinds, power of the law of their sizes, share that discriminants have right
SHAPES = (
    (5, 5, 1, 0.0, 0.95),
    (5, 40, 4, 0.0, 0.9),
    (5, 500, 2, 0.0, 0.85),
    (10, 20, 2, 0.7, 0.9),
    (10, 200, 1, 0.0, 0.8),
    (25, 10, 3, 0.0, 0.85),
    (25, 40, 1, 0.7, 0.9),
    (50, 5, 1, 0.0, 0.9),
    (50, 20, 4, 0.0, 0.95),
    (50, 60, 2, 0.7, 0.8),
    (100, 5, 2, 0.0, 0.9),
    (100, 20, 4, 0.0, 0.9),
    (100, 30, 1, 0.7, 0.95),
    (200, 8, 1, 0.0, 0.85),
)
PLANTED = (
    (("uniform", 0.05), ("alike", 0.1), ("uniform", 0.3)),
    (("alike", 0.05), ("uniform", 0.1), ("alike", 0.3)),
)
SEED, TRIALS, LEAST = 20261130, 20, 5
LINEAR_AT, LINEAR_MOST = 0.1, 1000  # of labels wrong, and examples: where linear heads are tried, too
RARE_DRAWS, RARE_SIZES, RARE_WRONG, AMONG = 10, (10, 25), (0.0, 0.4), 2000
COSTS = ((5_452, 384, 6, 3), (10_000, 1_280, 10, 3), (50_000, 1_280, 10, 1))
TIMED = """
import json, resource, sys, tempfile
import numpy as np, easiness as ez
num, width, classes = map(int, sys.argv[1:4])
draw = np.random.default_rng(1)
y = draw.integers(0, classes, num)
x = draw.standard_normal((classes, width), np.float32)[y] / 4 + draw.standard_normal((num, width), np.float32)
if len(sys.argv) > 4:
    x, y = (np.load(sys.argv[4])[key] for key in "xy")
def seconds():
    return sum(sum(resource.getrusage(of)[:2]) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
ez.suspects(ez.measure((x[:300], y[:300]), model="ridge", trials=10, out=tempfile.mkdtemp() + "/warm",
    progress=False), pictures=False, progress=False)
with tempfile.TemporaryDirectory() as folder:
    times = [seconds()]
    run = ez.measure((x, y), model="ridge", trials=20, jobs=1, out=folder + "/run", progress=False)
    times.append(seconds())
    ez.suspects(run, pictures=False, progress=False)
    times.append(seconds())
print(json.dumps({"heads": times[1] - times[0], "suspects": times[2] - times[1]}))
"""


def world(classes, examples, kinds, power, right, rng):
    """Vectors [K, D] of length one, and their true classes [K]."""
    weights = np.arange(1.0, classes + 1) ** -power
    sizes = np.maximum(np.round(classes * examples * weights / weights.sum()).astype(int), LEAST)
    truth = rng.permutation(np.repeat(np.arange(classes), sizes))
    width = int(rng.choice([32, 64, 128]))
    spectrum = np.arange(1.0, width + 1) ** -0.25
    places = rng.normal(size=(classes, 1, width)) + (kinds > 1) * rng.normal(size=(classes, kinds, width))
    own = (places * spectrum)[truth, rng.integers(0, kinds, len(truth))]
    noise = rng.normal(size=own.shape) * spectrum
    if rng.random() < 0.5:  # half of the worlds have tails
        noise *= np.sqrt(5 / rng.chisquare(5, (len(truth), 1)))
    least, most = 0.05, 20.0
    for _ in range(7):
        scale = np.sqrt(least * most)
        least, most = (scale, most) if share_right(own + scale * noise, truth) > right else (least, scale)
    x = own + least * noise
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), truth


def share_right(x, truth):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import cross_val_predict

    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    return float((cross_val_predict(model, x, truth, cv=3) == truth).mean())


def planted(x, truth, kind, rate, rng):
    """Labels [K] of which a share ``rate`` is wrong; each class keeps two or more."""
    from scipy.optimize import linear_sum_assignment

    num = int(truth.max()) + 1
    means = np.stack([x[truth == one].mean(axis=0) for one in range(num)])
    far = np.square(means).sum(axis=1)[:, None] - 2 * means @ means.T + np.square(means).sum(axis=1)
    alike = linear_sum_assignment(far + 1e6 * np.eye(num))[1]  # each class is alike to one: none is overrun
    while True:
        labels, at = truth.copy(), rng.choice(len(truth), round(rate * len(truth)), replace=False)
        if kind == "uniform":
            labels[at] = (truth[at] + rng.integers(1, num, len(at))) % num
        if kind == "alike":
            labels[at] = alike[truth[at]]
        if np.bincount(labels, minlength=num).min() >= 2:
            return labels


def by_heads(x, labels, wrong, model, out):
    """The judgement of `suspects`, what `labels` changes (none where it refuses), and p_wrong [K]."""
    shutil.rmtree(out, ignore_errors=True)
    asked = {"features": "inputs", "model": model, "trials": TRIALS, "jobs": 1}
    run = ez.measure((x, labels), **asked, out=out, progress=False)
    found = ez.suspects(run, pictures=False, progress=False)
    told, p_wrong = judged_list(found, wrong)
    low, high = np.floor(found.low * len(labels)), np.ceil(found.high * len(labels))
    said = {
        **told,
        "said": float(p_wrong.mean()),
        "low": found.low,
        "high": found.high,
        "holds": bool(low <= wrong.sum() <= high),
        "likely": float((p_wrong > 0.5).mean()),
    }
    try:
        done = clean(found.ranked, run.classes)
        said["changed"] = float((done.is_relabelled | done.is_dropped).mean())
    except ez.BadInput as refused:
        said["refused"] = str(refused)
    shutil.rmtree(out)
    return said, p_wrong, found.doubts[0]


def by_logistic(x, labels, wrong, truth):
    from cleanlab.count import num_label_issues
    from sklearn.linear_model import LogisticRegression

    p = in_folds(LogisticRegression(max_iter=300), x, labels)
    scores = {name: one["ap"] for name, one in by_cleanlab(labels, p, wrong).items()}
    right = float((p.argmax(axis=1) == truth).mean())
    return {"ap": scores, "said": float(num_label_issues(labels, p)) / len(labels), "right": right}


def simulated(at, kind, rate, draw, runs):
    rng = np.random.default_rng(np.random.SeedSequence([SEED, at, draw, round(100 * rate), len(kind)]))
    x, truth = world(*SHAPES[at], rng)
    labels = planted(x, truth, kind, rate, rng)
    wrong = labels != truth
    found = {"num": len(wrong), "wrong": float(wrong.mean())}
    found["ridge"], _, _ = by_heads(x, labels, wrong, "ridge", runs / "heads")
    if draw == 0 and rate == LINEAR_AT and len(wrong) <= LINEAR_MOST:
        found["linear"], _, _ = by_heads(x, labels, wrong, "linear", runs / "heads")
    found["cleanlab"] = by_logistic(x, labels, wrong, truth)
    return found


def rare(x, truth, size, share, draw, runs):
    """The same of a class of ``size`` labels, of which a ``share`` is wrong."""
    rng = np.random.default_rng(np.random.SeedSequence([SEED, size, round(100 * share), draw]))
    one, num_wrong = draw % (int(truth.max()) + 1), round(share * size)
    own = rng.permutation(np.flatnonzero(truth == one))[: size - num_wrong]
    others = rng.permutation(np.flatnonzero(truth != one))[:AMONG]
    at = np.concatenate([own, others])
    labels = truth[at].copy()
    labels[len(own) : len(own) + num_wrong] = one
    wrong = labels != truth[at]
    said, p_wrong, too_few = by_heads(x[at], labels, wrong, "ridge", runs / "heads")
    said |= {
        "sound": len(own),
        "called wrong": int((p_wrong[: len(own)] > 0.5).sum()),
        "found": int((p_wrong[(labels == one) & wrong] > 0.5).sum()),
        "bad": num_wrong,
        "named": bool(too_few),
        "number": float(p_wrong.sum()),
    }
    return said


def vectors(folder, runs):
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    found = {"digits": (x.astype(np.float32), y)}
    if folder is not None:
        data = ez.load_dataset(folder / "trec" / "train.csv")
        found["TREC"] = features_of(data, "auto", runs)[0], data.labels
    return found


def cost(shape, before, trec, runs):
    """Processor seconds of heads and of `suspects`, now and before, by turns."""
    num, width, classes, _ = shape
    more = []
    if trec is not None and trec[0].shape == (num, width):
        np.savez(runs / "trec.npz", x=trec[0], y=trec[1])
        more = [str(runs / "trec.npz")]
    sources = {"now": str(Path(ez.__file__).parents[1])} | ({"before": str(before)} if before else {})
    found = {"real": bool(more)}
    for name, source in sources.items():
        command = [sys.executable, "-c", TIMED, *map(str, (num, width, classes)), *more]
        first = os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])
        made = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": first}, stdout=subprocess.PIPE, check=True
        )
        found[name] = json.loads(made.stdout.splitlines()[-1])
    return found


def summed(draws):
    """A cell, as means of its draws; with what it missed."""
    flat = pd.json_normalize(draws, sep=" ").rename(columns=lambda name: name.removeprefix("ridge "))
    one, wrong = flat.mean(numeric_only=True).to_dict(), flat["wrong"].mean()
    near = flat["share"].abs() <= (flat["wrong"] / 4).clip(lower=0.02)
    changed = flat["changed"].fillna(0).max() if "changed" in flat else 0.0
    one |= {"draws": len(flat), "number": near.mean(), "most": flat["said"].max(), "changes": changed}
    missed = []
    if wrong:
        one["cleanlab ap"] = max(value for key, value in one.items() if key.startswith("cleanlab ap "))
        one["less"] = one["ap"] - one["cleanlab ap"]
        missed += ["order"] if one["less"] < -0.01 else []
    else:
        missed += ["says more than 1 %"] if one["most"] > 0.01 else []
        missed += ["changes more than 0.2 %"] if changed > 0.002 else []
    missed += ["number"] if one["number"] <= 0.5 else []
    missed += ["range"] if one["holds"] <= 0.5 else []
    missed += ["calibration"] if one["error"] > 0.03 else []
    return one | {"missed": ", ".join(missed)}


CELLS = {
    "classes": "{shape[0]}",
    "examples of each": "{shape[1]}",
    "kinds": "{shape[2]}",
    "power": "{shape[3]}",
    "labels": "{labels}",
    "draws": "{draws}",
    "wrong": "{wrong:.1%}",
    "said": "{said:.1%}",
    "low": "{low:.1%}",
    "high": "{high:.1%}",
    "number right": "{number:.1f}",
    "range holds": "{holds:.1f}",
    "above .5": "{likely:.1%}",
    "changed at most": "{changes:.1%}",
    "calibration error": "{error:.3f}",
    "suspects": "{ap:.3f}",
    "cleanlab's best": "{cleanlab ap:.3f}",
    "linear heads, first draw": "{linear ap:.3f}",
    "cleanlab's count": "{cleanlab said:.1%}",
    "logistic is right": "{cleanlab right:.1%}",
    "missed": "{missed}",
}
GROUPS = {"5 to 10": (5, 10), "25 to 50": (25, 50), "100 to 200": (100, 200), "all": (5, 200)}


def group_row(name, cells):
    """Cells with a number of classes: of sound labels, then of all, then of wrong ones."""
    least, most = GROUPS[name]
    of = pd.DataFrame([one for one in cells if least <= one["shape"][0] <= most])
    clean, less = of[of["wrong"] == 0], of["less"].dropna()
    return (
        name,
        f"{clean['said'].mean():.1%}, {clean['most'].max():.1%}",
        f"{clean['cleanlab said'].mean():.1%}",
        *(f"{of[key].sum():.3g}/{len(of)}" for key in ("number", "holds")),
        f"{of['error'].mean():.3f}, {of['error'].max():.3f}",
        f"{less.mean():+.3f}, {less.min():+.3f}",
    )


GROUP = ("classes", "sound: said", "cleanlab says", "number right", "range holds", "error")
GROUP += ("AP less cleanlab's",)
RARE = {
    "data": "{name}",
    "labels": "{size}",
    "wrong": "{share:.0%}",
    "sound above .5": "{called wrong} of {sound}",
    "wrong above .5": "{found wrong}",
    "range holds": "{holds} of {num}",
    "named": "{named} of {num}",
}
ON_PAGE = ("data", "labels", "sound above .5", "if 40 % wrong", "wrong above .5", "range holds", "named")
COST = ("examples", "heads before", "heads now", "ratio", "suspects before", "suspects now")


def of_rare(name, size, share, draws):
    keys = ("sound", "bad", "called wrong", "found", "holds", "named")
    one = {key: sum(draw[key] for draw in draws) for key in keys}
    found = f"{one['found']} of {one['bad']}" if one["bad"] else ""
    return one | {"name": name, "size": size, "share": share, "num": len(draws), "found wrong": found}


def rare_pair(sound, wrong):
    """The row of the page of a class whose labels are sound, or of which some are wrong."""
    held, num = (sound[key] + wrong[key] for key in ("holds", "num"))
    _, rows = table(RARE, (sound, wrong))
    cells = (*rows[0][:2], rows[0][3], *rows[1][3:5], f"{held} of {num}", rows[0][6])
    return tuple(cell.replace(" of ", "/") for cell in cells)


def cost_row(shape, turns):
    name = f"{shape[0]:,}x{shape[1]:,}" + (" TREC" if turns[0]["real"] else "")

    def median(version, key):
        return np.median([one[version][key] for one in turns]) if version in turns[0] else np.nan

    before, now, *suspects = (median(of, key) for key in ("heads", "suspects") for of in ("before", "now"))
    return name, *(number(one) for one in (before, now, now / before, *suspects))


def main():
    asked = options(__doc__, runs="small-classes", more={"--data": None, "--before": None})
    warnings.simplefilter("ignore")  # classes with fewer examples than folds
    cells, rares, costs = [], [], []

    def told(file, find, *arguments):
        return kept(asked.runs / f"{file}.json", find, *arguments, asked.runs)

    for at, shape in enumerate(SHAPES):
        for kind, rate in (("clean", 0.0), *PLANTED[at % 2]):
            draws = [
                told(f"simulated-{at}-{kind}-{rate:g}-{draw}", simulated, at, kind, rate, draw)
                for draw in range(3 if shape[0] * shape[1] <= 250 else 1)
            ]
            cells.append(summed(draws) | {"shape": shape, "labels": labels_text(kind, rate)})
            print(cells[-1], flush=True)
    found = vectors(asked.data, asked.runs)
    for (name, data), size, share in product(found.items(), RARE_SIZES, RARE_WRONG):
        file = f"rare-{name}-{size}-{share:g}"
        draws = [told(f"{file}-{draw}", rare, *data, size, share, draw) for draw in range(RARE_DRAWS)]
        rares.append(of_rare(name, size, share, draws))
    for shape in COSTS:
        turns = [
            told(f"cost-{shape[0]}-{turn}", cost, shape, asked.before, found.get("TREC"))
            for turn in range(shape[-1])
        ]
        costs.append(cost_row(shape, turns))
    groups = [group_row(name, cells) for name in GROUPS]
    pairs = [rare_pair(*rares[at : at + 2]) for at in range(0, len(rares), 2)]
    tables = {"cells": table(CELLS, cells), "rare": table(RARE, rares), "cost": (COST, costs)}
    publish(asked.docs, "small-classes", tables, (GROUP, groups), (ON_PAGE, pairs))


if __name__ == "__main__":
    main()
