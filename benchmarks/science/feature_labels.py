"""Wrong labels among 5,000 and 10,000 images of CIFAR-10, from features: by heads, and by what others do.

Labels are made wrong on purpose: `uniform` gives an example any other class, `pair` the next one, and
`confusable` draws labels from the predictions of another network, trained on other images, the true class
favoured by as much as is asked for. `suspects` has 20 trials of ridge heads. The others have, on the same
features: the share of other labels among 50 nearest neighbours, a logistic regression cross-validated in five
folds (plain, C = 1, as in cleanlab's tutorials; or of standardized features, C = 0.001), and of its
probabilities the label's own, cleanlab's two scores, and its filter.

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

sys.path.insert(0, str(Path(__file__).parents[1]))
import easiness as ez
from kit.pages import labels_text, table
from kit.science import (
    calibration_error,
    features_of,
    in_folds,
    kept,
    made_wrong as any_wrong,
    options,
    publish,
)
from science.wrong_labels_runs import drawn

SIZES = (5_000, 10_000)
CELLS = [("clean", 0.0)] + [
    (kind, rate) for kind in ("uniform", "pair", "confusable") for rate in (0.05, 0.2, 0.4)
]
NEIGHBOURS = 50
LOGISTIC = {"plain": (1.0, False), "standardized": (1e-3, True)}


def images_of(folder, shard):
    files = sorted(Path(folder).glob("train*.parquet"))
    data = ez.load_dataset(files[shard])
    return data.array, data.labels


def told_by_another(folder, runs):
    """Log probabilities [10,000, C] of the first shard by a network trained on the second."""
    file = runs / "other.npy"
    if not file.exists():
        data = ez.load_dataset(images_of(folder, 1), held_out=images_of(folder, 0))
        how = {"model": "wrn_10_1", "trials": 1, "epochs": 10, "keep_logits": True}
        run = ez.measure(data, **how, out=runs / "other", progress=False)
        np.save(file, np.log(run.probabilities(split="held_out") + 1e-9))
    return np.load(file)


def made_wrong(labels, kind, rate, log_p, seed):
    draw = np.random.default_rng(seed)
    if kind == "clean":
        return labels.copy()
    if kind == "confusable":
        return drawn(log_p, labels, rate, draw)
    return any_wrong(labels, rate, draw, int(labels.max()) + 1, kind)


def judged(wrong, order, p_wrong):
    """Average precision of an order, calibration error in ten bins, and how far the expected share is off."""
    from sklearn.metrics import average_precision_score

    error = calibration_error(p_wrong, wrong)
    precision = average_precision_score(wrong, order) if wrong.any() else None
    return {"ap": precision, "error": error, "share": float(p_wrong.mean() - wrong.mean())}


def judged_list(found, wrong):
    rank = found.ranked["id"].to_numpy().argsort()
    p_wrong = found.ranked["p_wrong"].to_numpy()[rank]
    return judged(wrong, -rank, p_wrong), p_wrong


def by_heads(x, labels, wrong, out):
    before = time.process_time()
    run = ez.measure((x, labels), model="ridge", trials=20, out=out, progress=False)
    found = ez.suspects(run, pictures=False, progress=False)
    seconds = time.process_time() - before
    return {**judged_list(found, wrong)[0], "seconds": seconds}


def by_cleanlab(labels, p, wrong):
    """Judges both of cleanlab's scores of probabilities [K, C], by name; rows with NaN tell nothing."""
    from cleanlab.rank import get_label_quality_scores

    p = np.where(np.isnan(p).any(axis=1, keepdims=True), 1 / p.shape[1], p)
    scores = ("self_confidence", "normalized_margin")
    quality = {name: get_label_quality_scores(labels, p, method=name) for name in scores}
    return {name: judged(wrong, -one, 1 - one) for name, one in quality.items()}


def by_others(x, labels, wrong):
    from cleanlab.filter import find_label_issues
    from sklearn.linear_model import LogisticRegression

    rows, found = np.arange(len(labels)), {}
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    near = unit @ unit.T
    np.fill_diagonal(near, -2)
    nearest = np.argpartition(-near, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    share = (labels[nearest] != labels[:, None]).mean(axis=1)
    found["50 neighbours"] = judged(wrong, share, share)
    for name, (strength, standardized) in LOGISTIC.items():
        used = (x - x.mean(axis=0)) / x.std(axis=0) if standardized else x
        model = LogisticRegression(C=strength, max_iter=100, tol=1e-2)
        before = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it may not have converged, as in the tutorials
            p = in_folds(model, used, labels)
        seconds = time.process_time() - before
        own = p[rows, labels]
        found[f"logistic, {name}: p"] = {**judged(wrong, -own, 1 - own), "seconds": seconds}
        scores = by_cleanlab(labels, p, wrong)
        found |= {f"cleanlab, {name}: {score}": one for score, one in scores.items()}
        issue = find_label_issues(labels, p, n_jobs=1)
        found[f"cleanlab, {name}: filter"] = judged(wrong, 2.0 * issue - own, issue.astype(float))
    return found


def cell(size, kind, rate, x, truth, log_p, runs):
    labels = made_wrong(truth[:size], kind, rate, log_p[:size], seed=size)
    wrong = labels != truth[:size]
    out = runs / f"heads-{size}-{kind}-{rate:g}"
    found = {"wrong": float(wrong.mean()), "suspects": by_heads(x[:size], labels, wrong, out)}
    shutil.rmtree(out, ignore_errors=True)
    print(size, kind, rate, {k: v and round(v, 3) for k, v in found["suspects"].items()}, flush=True)
    return found | by_others(x[:size], labels, wrong)


COLUMNS = {
    "labels": "{labels}",
    "wrong": "{wrong:.1%}",
    "suspects": "{suspects[ap]:.3f}",
    "logistic p": "{logistic:.3f}",
    "50 neighbours": "{50 neighbours[ap]:.3f}",
    "cleanlab's best": "{best}",
    "suspects less cleanlab": "{less:+.3f}",
    "calibration error": "{suspects[error]:.3f}",
    "expected share": "{expected:.1%}",
}


def rows_of(found, size):
    for kind, rate in CELLS:
        one = found[size, kind, rate]
        expected = one["wrong"] + one["suspects"]["share"]
        more = {"labels": labels_text(kind, rate), "expected": expected, "best": ""}
        if rate:
            ap = {name: of["ap"] for name, of in one.items() if name != "wrong"}
            best = max((name for name in ap if name.startswith("cleanlab")), key=ap.get)
            more["logistic"] = max(ap[name] for name in ap if name.startswith("logistic"))
            more["best"] = f"{ap[best]:.3f} ({best.removeprefix('cleanlab, ')})"
            more["less"] = ap["suspects"] - ap[best]
        yield one | more


def main():
    asked = options(__doc__, "--cifar10", runs="feature-labels")
    data = ez.load_dataset(min(asked.cifar10.glob("train*.parquet")))
    x, log_p = features_of(data, "auto", asked.runs)[0], told_by_another(asked.cifar10, asked.runs)
    truth = data.labels
    found = {
        one: kept(asked.runs / "{}-{}-{:g}.json".format(*one), cell, *one, x, truth, log_p, asked.runs)
        for one in ((size, *labels) for size, labels in product(SIZES, CELLS))
    }
    tables = {f"{size}-images": table(COLUMNS, rows_of(found, size)) for size in SIZES}
    header, rows = tables[f"{SIZES[1]}-images"]
    small = [(row[0], row[2], row[5].split(" ")[0], *row[6:]) for row in rows]
    publish(asked.docs, "feature-labels", tables, ((header[0], header[2], *header[5:]), small))


if __name__ == "__main__":
    main()
