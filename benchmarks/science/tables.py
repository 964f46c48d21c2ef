"""Wrong labels in tables: by boosted trees beside a regression, and by cleanlab on what scikit-learn says.

Tables are scikit-learn's own, and made ones whose truth is known. Labels are made wrong on purpose: `uniform`
gives an example any other class, `confusable` draws from what boosting and logistic regression say of it in
folds, the true class favoured by as much as is asked for. `suspects` has 20 trials of the default heads.
cleanlab has probabilities of a standardized logistic regression, of HistGradientBoostingClassifier() (which
gets categories and missing values as they are), each in five folds, and of our heads; its scores and its
filter are tried on each, and the best counts.

Cells that are finished are kept in --runs, so that the command goes on where it stopped.
"""

from __future__ import annotations

import shutil
import sys
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
import easiness as ez
from kit.pages import labels_text
from kit.science import in_folds, kept, options, publish
from science.feature_labels import by_cleanlab, judged, judged_list, made_wrong

CELLS = [("clean", 0.0), *((kind, rate) for kind in ("uniform", "confusable") for rate in (0.05, 0.2))]
TRIALS, SEED = 20, 1
OWN = ("breast_cancer", "wine", "iris", "digits")
MADE = ("interactions", "categories", "missing", "imbalance", "noise", "clusters", "skewed", "overlap")
CHOSEN = ("wine", "interactions", "imbalance", "clusters", "skewed", "overlap")
"""Tables whose other draws took part in choosing the constants of the heads and of the estimate."""


def table_of(name, seed):
    from sklearn import datasets

    rng = np.random.default_rng(seed)
    if name in OWN:
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        return columns(x[:900]), y[:900]
    if name == "interactions":
        x = rng.normal(size=(1000, 10))
        score = 3 * x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2])
        return columns(x[np.abs(score) > 0.15]), (score > 0).astype(int)[np.abs(score) > 0.15]
    if name in ("categories", "missing"):
        return with_categories(rng, 0.25 if name == "missing" else 0.05)
    if name == "imbalance":
        x = rng.exponential(size=(1200, 8))
        return columns(x), ((x[:, 0] > 1) & (x[:, 1] + 0.4 * x[:, 2] > 1.6)).astype(int)
    if name == "skewed":
        x = rng.normal(size=(700, 6))
        score = x @ [2, -1.5, 1, 0, 0, 0] + 0.3 * rng.normal(size=700)
        return columns(np.exp(1.2 * x) * 10.0 ** np.arange(-2, 4)), (score > 0).astype(int)
    if name == "overlap":
        y = rng.integers(0, 2, 1000)
        x = rng.normal(size=(1000, 6))
        x[:, 0] += 2.56 * y
        return columns(x), y
    num, width = (1000, 12) if name == "clusters" else (600, 50)
    more = {"n_classes": 3, "n_clusters_per_class": 1, "class_sep": 2.0, "n_redundant": 0}
    if name == "clusters":
        more = {"n_classes": 4, "n_clusters_per_class": 2, "class_sep": 1.8, "n_redundant": 2}
    x, y = datasets.make_classification(num, width, n_informative=6, flip_y=0, random_state=seed, **more)
    return columns(x), y


def columns(x):
    return pd.DataFrame(x, columns=[f"c{at}" for at in range(x.shape[1])])


def with_categories(rng, gone):
    """Three classes by a city, a kind and numbers, of which some are missing."""
    city, kind = rng.choice(list("ABCDEFGH"), 1200), rng.choice(["x", "y", "z"], 1200)
    numbers = rng.normal(size=(1200, 4))
    of_city = dict(zip("ABCDEFGH", 1.5 * rng.normal(size=8), strict=True))
    a = np.array([of_city[one] for one in city])
    of_y, of_z = 3 * (kind == "y") + numbers[:, 1] - 1, 3 * (kind == "z") * numbers[:, 2] - a / 2
    scores = np.stack([a + 1.5 * numbers[:, 0], of_y, of_z], axis=1)
    first, second = np.sort(scores, axis=1)[:, [-1, -2]].T
    frame = columns(numbers).mask(rng.random((1200, 4)) < gone)
    frame["city"], frame["kind"] = city, kind
    frame.loc[rng.random(1200) < gone, "kind"] = None
    clear = first - second > 0.3
    return frame[clear].reset_index(drop=True), scores.argmax(axis=1)[clear]


def by_others(frame, x, labels, seed):
    """Probabilities [K, C] by both of scikit-learn, and the seconds of processor time of boosting."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    raw = frame.astype(dict.fromkeys(frame.select_dtypes(exclude="number"), "category"))
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    found = {"logistic": in_folds(linear, x, labels, seed)}
    before = time.process_time()
    boosting = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    found["boosting"] = in_folds(boosting, raw, labels, seed)
    return found, time.process_time() - before


def cell(name, kind, rate, runs):
    frame, truth = table_of(name, SEED)
    file = runs / "table.csv"
    frame.assign(label=[f"k{one:02d}" for one in truth]).to_csv(file, index=False)
    x = ez.load_dataset(file).array
    told = by_others(frame, x, truth, SEED + 10)[0] if kind == "confusable" else {}
    log_p = np.log(sum(told.values()) / 2 + 1e-6) / 2 if told else None
    labels = made_wrong(truth, kind, rate, log_p, SEED + 100)
    wrong = labels != truth
    frame.assign(label=[f"k{one:02d}" for one in labels]).to_csv(file, index=False)
    before = time.process_time()
    out = runs / f"{name}-{kind}-{rate:g}"
    run = ez.measure(file, features="auto", trials=TRIALS, jobs=1, out=out, keep_logits=True, progress=False)
    seconds = time.process_time() - before
    found = ez.suspects(run, pictures=False, progress=False)
    ours, _ = judged_list(found, wrong)
    p, of_boosting = by_others(frame, x, labels, SEED)
    p |= {"ours": run.probabilities(left_out=True)}
    shutil.rmtree(out)
    return {
        "wrong": int(wrong.sum()),
        "num": len(wrong),
        **{key: getattr(found, key) for key in ("share", "low", "high", "leak")},
        "seconds": seconds,
        "seconds of boosting": of_boosting,
        "ours": ours,
        "cleanlab": {key: of_cleanlab(wrong, labels, one) for key, one in p.items()},
    }


def of_cleanlab(wrong, labels, p):
    """Average precision of the best of its scores and its filter, and how many its filter finds."""
    from cleanlab.filter import find_label_issues

    issue = find_label_issues(labels, p, n_jobs=1)
    by_filter = judged(wrong, 2.0 * issue - p[np.arange(len(labels)), labels], issue)
    found = [by_filter, *by_cleanlab(labels, p, wrong).values()]
    return {"ap": max(one["ap"] for one in found) if wrong.any() else None, "found": int(issue.sum())}


HEADER = ("table", "labels", "wrong", "said", "range", "suspects", "logistic", "boosting", "our p")
HEADER += ("less the best", "calibration error", "seconds", "of boosting", "missed")


def row_of(name, kind, rate, one):
    num, wrong = one["num"], one["wrong"]
    said, low, high = (one[key] * num for key in ("share", "low", "high"))
    best = max((way["ap"] for way in one["cleanlab"].values()), default=None) if wrong else None
    less = one["ours"]["ap"] - best if wrong else None
    missed = ["order"] if wrong and less < -0.01 else []
    missed += ["number"] if abs(said - wrong) > max(wrong / 4, 0.02 * num) else []
    missed += [] if np.floor(low) <= wrong <= np.ceil(high) else ["range"]
    missed += ["a leak was named"] if one["leak"] else []
    ap = [one["ours"]["ap"], *(one["cleanlab"][way]["ap"] for way in ("logistic", "boosting", "ours"))]
    return (
        name.replace("_", " "),
        labels_text(kind, rate),
        str(wrong),
        f"{said:.0f}",
        f"{np.floor(low):.0f} to {np.ceil(high):.0f}",
        *("" if value is None else f"{value:.3f}" for value in ap),
        "" if less is None else f"{less:+.3f}",
        f"{one['ours']['error']:.3f}",
        f"{one['seconds']:.1f}",
        f"{one['seconds of boosting']:.1f}",
        ", ".join(missed),
    )


MISSED = {
    "order": "order: over .01 of average precision below the best",
    "number": "number: off by more than a quarter and two points",
    "range": "range: does not hold the number",
    "leak": "a leak was named, where there is none",
}


def misses(rows):
    others = [row for row in rows if row[0] not in CHOSEN]
    for what, title in MISSED.items():
        asked = [[row for row in of if what != "order" or row[9]] for of in (rows, others)]
        yield title, *(f"{sum(what in row[-1] for row in of)} of {len(of)}" for of in asked)


def main():
    asked, rows = options(__doc__, runs="tables"), []
    warnings.simplefilter("ignore")
    for name, (kind, rate) in product((*OWN, *MADE), CELLS):
        file = asked.runs / f"{name}-{kind}-{rate:g}.json"
        one = kept(file, cell, name, kind, rate, asked.runs)
        rows.append(row_of(name, kind, rate, one))
        print(*rows[-1], sep=" | ", flush=True)
    header = ("missed", "all", "tables that took no part in choosing")
    publish(asked.docs, "tables", {"cells": (HEADER, rows)}, (header, list(misses(rows))))


if __name__ == "__main__":
    main()
