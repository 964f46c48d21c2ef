"""Small and rare classes whose truth is known, and what heads and cleanlab say of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from feature_labels import judged, ranks_of

import easiness as ez
from easiness.studies.labels import cleaned

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
SEED, TRIALS, LEAST, FOLDS = 20261130, 20, 5, 5
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
    """How many linear discriminants in three folds are right on."""
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


def kept(file, make, only_kept=False):
    """What ``make`` finds, from the ``file`` that keeps it, or anew; else ``None``."""
    if not file.exists() and not only_kept:
        file.write_text(json.dumps(make(), indent=1))
    return json.loads(file.read_text()) if file.exists() else None


def by_heads(x, labels, wrong, model, out):
    """What `suspects` says, judged, what `labels` changes (none where it refuses), and p_wrong [K]."""
    shutil.rmtree(out, ignore_errors=True)
    asked = {"features": "inputs", "model": model, "trials": TRIALS, "jobs": 1}
    run = ez.measure((x, labels), **asked, out=out, progress=False)
    found = ez.suspects(run, pictures=False, progress=False)
    p_wrong = found.ranked.sort_values("id")["p_wrong"].to_numpy()
    low, high = np.floor(found.low * len(labels)), np.ceil(found.high * len(labels))
    said = {
        **judged(wrong, -ranks_of(found), p_wrong),
        "said": float(p_wrong.mean()),
        "low": found.low,
        "high": found.high,
        "holds": bool(low <= wrong.sum() <= high),
        "likely": float((p_wrong > 0.5).mean()),
    }
    try:
        done = cleaned(found.ranked, run.classes)
        said["changed"] = float((done.relabelled | done.dropped).mean())
    except ez.BadInput as refused:
        said["refused"] = str(refused)
    shutil.rmtree(out)
    return said, p_wrong, found.doubts[0]


def by_cleanlab(x, labels, wrong, truth):
    """Average precision of its scores, its count, and how many a logistic regression has right."""
    from cleanlab.count import num_label_issues
    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    p = cross_val_predict(LogisticRegression(max_iter=300), x, labels, cv=folds, method="predict_proba")
    scores = {
        name: judged(wrong, -get_label_quality_scores(labels, p, method=name), np.zeros(len(labels)))["ap"]
        for name in ("self_confidence", "normalized_margin")
    }
    right = float((p.argmax(axis=1) == truth).mean())
    return {"ap": scores, "said": float(num_label_issues(labels, p)) / len(labels), "right": right}


def draws_of(shape):
    num = shape[0] * shape[1]
    return 3 if num <= 250 else 1


def simulated(at, kind, rate, draw, runs):
    """What is found in a draw of a cell."""
    rng = np.random.default_rng(np.random.SeedSequence([SEED, at, draw, round(100 * rate), len(kind)]))
    x, truth = world(*SHAPES[at], rng)
    labels = planted(x, truth, kind, rate, rng)
    wrong = labels != truth
    found = {"num": len(wrong), "wrong": float(wrong.mean())}
    found["ridge"], _, _ = by_heads(x, labels, wrong, "ridge", runs / "heads")
    if draw == 0 and rate == LINEAR_AT and len(wrong) <= LINEAR_MOST:
        found["linear"], _, _ = by_heads(x, labels, wrong, "linear", runs / "heads")
    found["cleanlab"] = by_cleanlab(x, labels, wrong, truth)
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
    """Vectors [K, D] and classes [K] by name."""
    from sklearn.datasets import load_digits

    from easiness.features import find_features, ready_features

    x, y = load_digits(return_X_y=True)
    found = {"digits": (x.astype(np.float32), y)}
    if folder is not None:
        data = ez.load_dataset(folder / "trec" / "train.csv")
        texts = ready_features(find_features("auto", data), data, runs / "features")["train"]
        found["TREC"] = np.asarray(texts, np.float32), data.labels
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
