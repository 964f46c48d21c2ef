"""Wrong labels from one cross-validated matrix of probabilities, beside what cleanlab makes of it.

Matrices are of photos (CIFAR-10 by --cifar10, features of the packaged network, a regression), of questions
(TREC by --trec, TF-IDF, a regression) and of tables (scikit-learn's digits and made ones; a regression, a
forest, neighbours, a perceptron), each in five folds. Labels are made wrong: `uniform` gives an example any
other class, `pair` the next one, `confusable` draws from what another fold of the same model says of it. The
number is right within a third of it or two points. AP is less the best of cleanlab's four orders, and less
that of the label's own probability.

Cells that are finished are kept in --runs, so that the command goes on where it stopped.
"""

from __future__ import annotations

import sys
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
import easiness as ez
from kit.science import features_of, in_folds, kept, options, publish
from science.feature_labels import judged, judged_list, made_wrong

CELLS = [("clean", 0.0), *product(("uniform", "pair", "confusable"), (0.05, 0.2))]
SEEDS = (1, 2)  # 0 took part in choosing
TABLES = {"digits": None, "two classes": 2, "four": 4, "seven": 7}
MODELS = ("logistic", "forest", "neighbours", "perceptron")


def model_of(name):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "forest":
        return RandomForestClassifier(200, random_state=0)
    models = {
        "logistic": LogisticRegression(max_iter=300),
        "features": LogisticRegression(C=1e-3, max_iter=60),
        "neighbours": KNeighborsClassifier(30),
        "perceptron": MLPClassifier((64,), early_stopping=True, random_state=0),
    }
    return make_pipeline(StandardScaler(), models[name])


def sources(asked):
    """Inputs [K, D], classes [K] and models by name."""
    from sklearn.datasets import load_digits, make_classification
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    if asked.cifar10 is not None:
        data = ez.load_dataset(min(asked.cifar10.glob("train*.parquet")))
        yield (
            "photos",
            features_of(data, "auto", asked.runs)[0],
            data.labels,
            {"logistic": model_of("features")},
        )
    if asked.trec is not None:
        rows = pd.read_csv(asked.trec / "train.csv")
        x = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(rows["text"])
        y = pd.factorize(rows["label"], sort=True)[0]
        yield "questions", x, y, {"logistic": LogisticRegression(C=10, max_iter=200)}
    for seed, (name, num_classes) in enumerate(TABLES.items()):
        x, y = load_digits(return_X_y=True)
        if num_classes is not None:
            how = {"n_informative": 10, "n_classes": num_classes, "n_clusters_per_class": 1, "flip_y": 0}
            x, y = make_classification(3000, 20, class_sep=1.0 + 0.5 * (seed % 2), random_state=seed, **how)
        yield name, x, y, {one: model_of(one) for one in MODELS}


def cell(x, truth, model, kind, rate, seed):
    from cleanlab.count import num_label_issues
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    told = np.log(in_folds(model, x, truth, 77) + 1e-9) / 2 if kind == "confusable" else None
    labels = made_wrong(truth, kind, rate, told, seed)
    wrong, p = labels != truth, in_folds(model, x, labels, seed)
    found = ez.suspects(ez.record(probabilities=p, labels=labels), pictures=False, progress=False)
    ours, _ = judged_list(found, wrong)
    own = p[np.arange(len(labels)), labels]
    ways = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
    orders = {way: -get_label_quality_scores(labels, p, method=way) for way in ways}
    orders["filter"] = 2.0 * find_label_issues(labels, p, n_jobs=1) - own
    ap = {way: judged(wrong, order, 1 - own)["ap"] for way, order in orders.items()}
    near = max(wrong.mean() / 3, 0.02)
    return {
        "number off": bool(abs(found.share - wrong.mean()) > near),
        "cleanlab's off": bool(abs(num_label_issues(labels, p) / len(labels) - wrong.mean()) > near),
        "range off": not np.floor(found.low * len(p)) <= wrong.sum() <= np.ceil(found.high * len(p)),
        "calibration error": ours["error"],
        "AP less best": ours["ap"] - max(ap.values()) if rate else None,
        "AP less own": ours["ap"] - ap["self_confidence"] if rate else None,
    }


def main():
    asked, rows = options(__doc__, runs="probabilities", more={"--cifar10": None, "--trec": None}), []
    warnings.simplefilter("ignore")
    for (name, x, y, models), (kind, rate), seed in product(sources(asked), CELLS, SEEDS):
        for one, model in models.items():
            file = asked.runs / f"{name}-{one}-{kind}-{rate:g}-{seed}.json"
            found = kept(file, cell, x, y, model, kind, rate, seed)
            rows.append({"source": name, "model": one, "labels": kind, "rate": rate, "cells": 1} | found)
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    means = ("calibration error", "AP less best", "AP less own")
    how = {column: "mean" if column in means else "sum" for column in table.columns[4:]}
    shown = table.groupby(["labels", "rate", "model"], as_index=False).agg(how).round(3)
    publish(None, "probabilities", {}, (tuple(shown), [tuple(map(str, row)) for row in shown.to_numpy()]))


if __name__ == "__main__":
    main()
