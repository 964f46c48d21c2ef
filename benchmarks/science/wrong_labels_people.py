"""How many labels are wrong where people of several kinds got them wrong: what hides, and what is said of it.

`HIDDEN` is chosen on pictures of CIFAR-10 at 16 pixels that small
networks of this script learn, all trials at once, and on four trainings by `measure`. Other photos by such
networks judge it, and trainings by `measure` of labels, data or networks that took no part in choosing. Cells
that are finished are kept in --runs.

People see what a logistic regression makes of features that no network here learns from, taught by other
examples. **skilled** ones were taught four fifths of all, and err where two classes are about as likely.
**hasty** ones were taught ten examples a class (25 of some), and a third of their mistakes are slips.
**mixing** ones cannot tell two pairs of classes apart. **slips** are of any class. Each label of a **crowd**
is by one of the four.
"""

from __future__ import annotations

import re
import sys
import zlib
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

import easiness as ez
from easiness.analysis import estimate_noise
from easiness.analysis.labels.estimate import _between

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.pages import table
from kit.science import features_of, kept, made_wrong, options, pooled, publish
from science.wrong_labels import LEAST, SHARE
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
    if name == "imagenette16":
        return photos(folder, 14)
    return examples(name, folder).limit(SEEN.get(name, 10**6))


def photos(folder, side):
    """The photos, of which squares of ``side`` pixels are one."""
    data = replace(ez.load_dataset(str(folder / "imagenette224")), held_out=None)
    return ez.load_dataset((pooled(np.stack(data.values(np.arange(len(data)))), side), data.labels))


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
    if name == "cifar16":
        return outlines(examples("cifar32", folder).limit(SEEN[name]).array)
    if name == "imagenette16":
        return outlines(photos(folder, 7).array)
    data = shown(name, folder)
    if name == "digits":
        return np.stack(data.values(np.arange(len(data)))).reshape(len(data), -1).astype(np.float32)
    return features_of(data, FEATURES[name], runs)[0]


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
        return made_wrong(y, rate, draw, num)
    if kind == "skilled":
        return drawn(np.log(skilled + 1e-9), y, rate, draw)
    if kind == "hasty":
        labels = drawn(np.log(hasty + 1e-9) / 2, y, rate * 2 / 3, draw)
        return np.where(labels == y, made_wrong(y, rate / 3, draw, num), labels)
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


QUICK = {"cifar16": (1800, 900), "imagenette16": (1000,)}  # examples
CHOSE = {"cifar16": ("clean 0%", "hasty 20%", "slips 25%"), "trec": ("hasty 20%",)}
TRIALS, EPOCHS, BATCH = 5, 10, 64
HIDDEN_UNITS, RATE, BLUR = 128, 1e-3, 0.7
NETWORKS = {"digits": "mlp_2", "trec": "bag", "fsdd": "mlp_3", "cifar16": "wrn_10_1"}
MOST = {"trec": 2000, "cifar16": 1500}


def learned(x, labels, num_classes):
    """Log probabilities [epochs, trials, n, C] by networks of one hidden layer, all trials at once."""
    import torch

    draw = torch.Generator().manual_seed(0)
    x, y = torch.from_numpy(x), torch.from_numpy(labels)
    widths = (x.shape[1], HIDDEN_UNITS, num_classes)
    weights = [
        (torch.randn(TRIALS, a, b, generator=draw) * (2 / a) ** 0.5).requires_grad_()
        for a, b in pairwise(widths)
    ]
    biases = [torch.zeros(TRIALS, 1, b, requires_grad=True) for b in widths[1:]]
    steps = torch.optim.Adam(weights + biases, lr=RATE)
    total = EPOCHS * -(-len(x) // BATCH)
    falling = torch.optim.lr_scheduler.OneCycleLR(steps, RATE, total_steps=total)

    def logits(values):
        values = torch.baddbmm(biases[0], values, weights[0]).relu()
        return torch.baddbmm(biases[1], values, weights[1])

    found = []
    for _ in range(EPOCHS):
        order = torch.stack([torch.randperm(len(x), generator=draw) for _ in range(TRIALS)])
        for first in range(0, len(x), BATCH):
            at = order[:, first : first + BATCH]
            seen = x[at] + BLUR * torch.randn(*at.shape, x.shape[1], generator=draw)
            loss = torch.nn.functional.cross_entropy(logits(seen).flatten(0, 1), y[at].flatten())
            steps.zero_grad()
            (loss * TRIALS).backward()
            steps.step()
            falling.step()
        with torch.no_grad():
            found.append(logits(x.expand(TRIALS, *x.shape)).log_softmax(-1).numpy())
    return np.stack(found)


def course_of(log_p, labels):
    """The course of such trials for `suspects`, and after which epochs it follows them."""
    from easiness.studies.suspects.evidence import TrialCourse

    epochs, trials, num, classes = log_p.shape
    heard, rows = np.ones((trials, num), bool), np.arange(num)
    course = TrialCourse(labels, classes, heard, 3, epochs)
    for epoch in range(epochs):
        for trial, told in enumerate(log_p[epoch]):
            own, others = told[rows, labels], told.copy()
            others[rows, labels] = -np.inf
            rival = others.argmax(1)
            seen = {"loss": -own, "margin": own - others[rows, rival], "prediction": told.argmax(1)}
            course.add(trial, seen | {"rival": rival}, None)
        course.end_epoch()
    return course.end()[0], course.stages


def said_of(course, estimate, wrong):
    """The estimate for the labels, and which [K] are wrong, as plain values."""
    *_, margins, transition = _between(course.last, course.left_out)
    return {
        "wrong": float(wrong.mean()),
        "margins": margins,
        "transition": transition,
        "estimated": estimate.share,
        "low": estimate.low,
        "high": estimate.high,
        "by": estimate.by,
    }


def quick(name, kind, rate, num, folder, runs):
    cell = f"q-{name}-{kind}-{rate:g}-10-0-{num}"
    y, skilled, hasty = perceived(name, folder, runs)
    draw = np.random.default_rng(zlib.crc32(cell.encode()))
    x = shown(name, folder).array.reshape(len(y), -1).astype(np.float32)
    x = (x - x.mean(0)) / (x.std(0) + x.std() * 0.1)
    rows = np.sort(draw.choice(len(y), num, replace=False))
    labels = mistaken(kind, rate, y[rows], skilled[rows], hasty[rows], draw)
    log_p = learned(x[rows], labels, skilled.shape[1])
    course, stages = course_of(log_p, labels)
    found = estimate_noise(course)
    if found.to_read is not None:
        course, _ = course_of(log_p[: stages[found.to_read] + 1], labels)
        found = estimate_noise(course)
    return said_of(course, found, labels != y[rows])


def trained(name, kind, rate, folder, runs):
    from easiness.studies.suspects.study import judge as _judged

    y, skilled, hasty = perceived(name, folder, runs)
    rows, cell = np.arange(len(y)), f"{name}-{kind}-{rate:g}"
    if name != "digits":
        rows = rows[np.random.default_rng(5).permutation(len(y)) % 2 == 1][: MOST.get(name)]
    draw = np.random.default_rng(np.random.SeedSequence(zlib.crc32(cell.encode())))
    labels = mistaken(kind, rate, y[rows], skilled[rows], hasty[rows], draw)
    data = replace(shown(name, folder).part(rows), labels=labels)
    settings = {"epochs": EPOCHS, "seed": zlib.crc32(cell.encode()) % 1000, "keep_weights": False}
    where = {"out": runs / cell, "jobs": 1, "executor": "serial", "progress": False}
    run = ez.measure(data, model=NETWORKS[name], trials=TRIALS, **settings, **where)
    found = _judged(run, "train", run.observed[-1], False)
    return said_of(found.evidence.course, found.noise, labels != y[rows])


COLUMNS = {
    "data": "{data}",
    "labels": "{labels}",
    "cell": "{purpose}",
    "wrong": "{wrong:.1%}",
    "stand out": "{margins:.1%}",
    "counted": "{transition:.1%}",
    "by": "{by}",
    "estimated": "{estimated:.1%}",
    "at least": "{low:.1%}",
    "at most": "{high:.1%}",
    "missed": "{missed}",
}


def missed(one):
    """Which goals a cell misses: the number within a quarter or two points, the range."""
    off = abs(one["estimated"] - one["wrong"]) > max(LEAST, SHARE * one["wrong"])
    return ("number " * off + "range" * (not one["low"] <= one["wrong"] <= one["high"])).strip()


def main():
    asked = options(__doc__, "--data", runs="wrong-labels-people", more={"--cells": ".*"})
    where, cells = (asked.data, asked.runs), []
    for kind, rate in PEOPLE:
        labels = f"{kind} {rate:.0%}"
        for name, num in ((name, num) for name, sizes in QUICK.items() for num in sizes):
            cells.append((f"{name}, {num}", labels, name == "cifar16", quick, (name, kind, rate, num)))
        cells += [(one, labels, labels in CHOSE.get(one, ()), trained, (one, kind, rate)) for one in NETWORKS]
    found = []
    for data, labels, chooses, judge, cell in cells:
        file = asked.runs / f"{data} {labels}.json"
        if file.exists() or re.fullmatch(asked.cells, f"{data} {labels}"):
            one = kept(file, judge, *cell, *where)
            more = {"purpose": "chose" if chooses else "judges", "missed": missed(one)}
            found.append(one | more | {"data": data, "labels": labels})
            print(found[-1], flush=True)
    publish(asked.docs, "people", {"cells": table(COLUMNS, found)})


if __name__ == "__main__":
    main()
