"""How many labels are wrong where people of several kinds got them wrong: what hides, and what is said of it.

    python benchmarks/science/wrong_labels_people.py --data FOLDER [--runs FOLDER] [--docs docs/results]

People are those of `simulated_people.py`. `HIDDEN` is chosen on pictures of CIFAR-10 at 16 pixels that small
networks of this script learn, all trials at once, and on four trainings by `measure`. Other photos by such
networks judge it, and trainings by `measure` of labels, data or networks that took no part in choosing. Cells
that are finished are kept in --runs.
"""

from __future__ import annotations

import re
import sys
import zlib
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

import easiness as ez
from easiness.analysis import estimate_noise
from easiness.analysis.labels.estimate import _between
from kit.science import kept, options, publish
from science.simulated_people import PEOPLE, mistaken, perceived, shown
from science.wrong_labels import LEAST, SHARE

QUICK = {"cifar16": (1800, 900), "imagenette16": (1000,)}  # examples
CHOSE = {
    ("cifar16", "clean", 0.0),
    ("cifar16", "hasty", 0.2),
    ("cifar16", "slips", 0.25),
    ("trec", "hasty", 0.2),
}
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
    from easiness.studies.suspects.evidence import Course

    epochs, trials, num, classes = log_p.shape
    heard, rows = np.ones((trials, num), bool), np.arange(num)
    course = Course(labels, classes, heard, 3, epochs, left_out=False, of_heads=False)
    for epoch in range(epochs):
        for trial, told in enumerate(log_p[epoch]):
            own, others = told[rows, labels], told.copy()
            others[rows, labels] = -np.inf
            rival = others.argmax(1)
            seen = {"loss": -own, "margin": own - others[rows, rival], "prediction": told.argmax(1)}
            course.add(trial, seen | {"rival": rival}, None)
        course.end_epoch(epoch)
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
    """The estimate for labels that the networks of this script learn."""
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
    """The estimate for labels that networks of `measure` learn."""
    from easiness.studies.suspects.study import _judged

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


COLUMNS = (
    "data",
    "labels",
    "cell",
    "wrong",
    "stand out",
    "counted",
    "by",
    "estimated",
    "at least",
    "at most",
)
COLUMNS += ("missed",)


def missed(one):
    """Which goals a cell misses: the number within a quarter or two points, the range."""
    off = abs(one["estimated"] - one["wrong"]) > max(LEAST, SHARE * one["wrong"])
    return "number " * off + "range" * (not one["low"] <= one["wrong"] <= one["high"])


def row(cell, chooses, one):
    shares = [f"{one[key]:.1%}" for key in ("wrong", "margins", "transition", "estimated", "low", "high")]
    return *cell, "chose" if chooses else "judges", *shares[:3], one["by"], *shares[3:], missed(one).strip()


def main():
    asked = options(__doc__, "--data", runs="wrong-labels-people", more={"--cells": ".*"})
    where, cells = {"folder": asked.data, "runs": asked.runs}, {}
    for kind, rate in PEOPLE:
        for name, sizes in QUICK.items():
            for num in sizes:
                judge = partial(quick, name, kind, rate, num, **where)
                cells[f"{name}, {num}", f"{kind} {rate:.0%}"] = name == "cifar16", judge
        for name in NETWORKS:
            judge = partial(trained, name, kind, rate, **where)
            cells[name, f"{kind} {rate:.0%}"] = (name, kind, rate) in CHOSE, judge
    rows = []
    for cell, (chooses, judge) in cells.items():
        file = asked.runs / f"{' '.join(cell)}.json"
        if file.exists() or re.fullmatch(asked.cells, " ".join(cell)):
            rows.append(row(cell, chooses, kept(file, judge)))
            print(*rows[-1], flush=True)
    publish(asked.docs, "people", {"cells": (COLUMNS, rows)})


if __name__ == "__main__":
    main()
