"""People who label, simulated: what they see, and which labels they get wrong.

What they see is what a logistic regression makes of features that no network of `wrong_labels_people.py`
learns from, taught by other examples. **skilled** ones were taught four fifths of all, and err where two
classes are about as likely. **hasty** ones were taught ten examples a class (25 of some), and a third of
their mistakes are slips. **mixing** ones cannot tell two pairs of classes apart. **slips** are of any class.
Each label of a **crowd** is by one of the four.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

import easiness as ez
from science.wrong_labels_runs import drawn, examples

PEOPLE = (
    ("clean", 0.0),
    ("slips", 0.1),
    ("slips", 0.25),
    ("skilled", 0.1),
    ("skilled", 0.2),
    ("hasty", 0.08),
    ("hasty", 0.2),
    ("hasty", 0.35),
    ("mixing", 0.06),
    ("crowd", 0.15),
)
FEATURES = {"trec": "hashed", "fsdd": "logmel"}
LESSONS = {"trec": 25, "cifar16": 25}  # examples a class that hasty people were taught
SEEN = {"cifar16": 6000}
STRENGTH = {"trec": 10, "cifar16": 1e-3, "imagenette16": 1e-3}


@cache
def shown(name, folder):
    """The examples that networks learn, with the true labels."""
    if name == "imagenette16":
        return pooled(_photos(folder), 14)
    return examples(name, folder).limit(SEEN.get(name, 10**6))


def _photos(folder):
    return replace(ez.load_dataset(str(folder / "imagenette224")), held_out=None)


def pooled(data, side):
    """Pictures of which squares of ``side`` pixels are one."""
    pictures = np.stack(data.values(np.arange(len(data))))
    num, size = len(pictures), pictures.shape[1] // side
    small = pictures.reshape(num, size, side, size, side, 3).mean((2, 4)).round().astype(np.uint8)
    return ez.load_dataset((small, data.labels))


def outlines(pictures):
    """Histograms of the directions of edges, and colors: what people look at in small pictures."""
    gray = pictures.astype(np.float32).mean(-1) / 255
    down, right = np.gradient(gray, axis=(1, 2))
    size, turn = np.hypot(right, down), (np.arctan2(down, right) % np.pi) / np.pi * 9
    edges = np.stack([np.where(turn.astype(int).clip(0, 8) == k, size, 0) for k in range(9)], -1)

    def cells(values, side):
        n = len(values)
        return values.reshape(n, 32 // side, side, 32 // side, side, -1).sum((2, 4)).reshape(n, -1)

    parts = np.sqrt(cells(edges, 4)), np.sqrt(cells(edges, 8)), cells(pictures / 255.0, 8) / 64
    return np.concatenate(parts, 1).astype(np.float32)


def looked_at(name, folder, runs):
    """The features of all examples [n, D] that people see."""
    if name == "cifar16":
        return outlines(examples("cifar32", folder).limit(SEEN[name]).array)
    if name == "imagenette16":
        return outlines(pooled(_photos(folder), 7).array)
    data = shown(name, folder)
    if name == "digits":
        return np.stack(data.values(np.arange(len(data)))).reshape(len(data), -1).astype(np.float32)
    from easiness.features import find_features, ready_features

    made = ready_features(find_features(FEATURES[name], data), data, runs / "features")["train"]
    return np.asarray(made, np.float32)


@cache
def perceived(name, folder, runs):
    """True labels [n], and probabilities [n, C] of the classes to skilled people and to hasty ones."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kept = runs / f"{name}-perceived.npz"
    if not kept.exists():
        x, y = looked_at(name, folder, runs), np.asarray(shown(name, folder).labels)
        model = LogisticRegression(C=STRENGTH.get(name, 1e-2), max_iter=100)
        model = model if name == "trec" else make_pipeline(StandardScaler(), model)
        skilled = cross_val_predict(model, x, y, cv=5, method="predict_proba")
        draw, hasty = np.random.default_rng(3), np.zeros_like(skilled)
        half = draw.permutation(len(y)) % 2
        for one in (0, 1):
            of_class = [np.flatnonzero((y == k) & (half != one)) for k in range(y.max() + 1)]
            taught = np.concatenate([draw.permutation(rows)[: LESSONS.get(name, 10)] for rows in of_class])
            hasty[half == one] = model.fit(x[taught], y[taught]).predict_proba(x[half == one])
        np.savez(kept, y=y, strong=skilled, weak=hasty)
    found = np.load(kept)
    return found["y"], found["strong"], found["weak"]


def mistaken(kind, rate, y, skilled, hasty, draw):
    """Labels [n] as people of a ``kind`` give them."""
    num = skilled.shape[1]
    if kind == "clean":
        return y.copy()
    if kind == "slips":
        wrong = draw.random(len(y)) < rate
        return np.where(wrong, (y + draw.integers(1, num, len(y))) % num, y)
    if kind == "skilled":
        return drawn(np.log(skilled + 1e-9), y, rate, draw)
    if kind == "hasty":
        labels = drawn(np.log(hasty + 1e-9) / 2, y, rate * 2 / 3, draw)
        slip = draw.random(len(y)) < rate / 3
        return np.where(slip & (labels == y), (y + draw.integers(1, num, len(y))) % num, labels)
    if kind == "mixing":
        return mixed(rate, y, skilled, draw)
    who, labels = draw.integers(0, 4, len(y)), y.copy()
    for number, one in enumerate(("skilled", "hasty", "mixing", "slips")):
        theirs = mistaken(one, min(rate, 0.1) if one == "mixing" else rate, y, skilled, hasty, draw)
        labels[who == number] = theirs[who == number]
    return labels


def mixed(rate, y, skilled, draw):
    """Labels [n] of two pairs of classes that are hard to tell apart."""
    num = skilled.shape[1]
    alike = np.stack([skilled[y == k].mean(0) for k in range(num)])
    alike = alike + alike.T
    np.fill_diagonal(alike, 0)
    pairs, used = [], set()
    for at in np.argsort(-alike, axis=None):
        a, b = divmod(int(at), num)
        if a < b and not {a, b} & used and len(pairs) < 2:
            pairs.append((a, b))
            used |= {a, b}
    inside = np.flatnonzero(np.isin(y, list(used)))
    log_p = np.full((len(inside), num), -60.0)
    for pair in pairs:
        of_pair = np.isin(y[inside], pair)
        for k in pair:
            log_p[of_pair, k] = np.log(skilled[inside][of_pair, k] + 1e-9) / 3
    labels = y.copy()
    labels[inside] = drawn(log_p, y[inside], rate * len(y) / len(inside), draw)
    return labels
