"""The cells of `wrong_labels.py`: labels made wrong in known ways, and the runs on them.

Noise is `uniform` (any other class), `pair` (the next class), `one pair` (labels of one class alone become
those of the next) or `confusable`: labels drawn from the softened predictions of another network, trained on
the other half of the data, so that which example is mislabelled, and as what, depends on the example.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

import easiness as ez
from kit.science import ALONE, made_wrong as any_wrong, pooled

TRIALS, HEADS = 5, 20
SOFT = 2.0  # temperature of the predictions that labels are drawn from
NOISES = (
    ("clean", 0.0),
    *product(("uniform", "pair"), (0.05, 0.2, 0.4)),
    ("one pair", 0.4),
    *product(("confusable",), (0.09, 0.18, 0.4)),
)
HARD = (("clean", 0.0), ("pair", 0.4), ("confusable", 0.09), ("confusable", 0.4))


@dataclass(frozen=True)
class Subject:
    """Data, the networks that learn in cells that choose and that judge, and the one that confuses."""

    name: str
    networks: tuple[str, str]
    confuses: str
    features: str
    ways: dict[str, tuple[tuple[str, float], ...]]


ALL = dict.fromkeys(("5 epochs", "10 epochs", "30 epochs", "train share", "features"), NOISES)
SUBJECTS = (
    Subject("digits", ("wrn_10_1", "mlp_3"), "mlp_2", "", dict.fromkeys([*ALL][:-1], NOISES)),
    Subject("trec", ("text_cnn", "bag"), "bag", "hashed", ALL),
    Subject("fsdd", ("wrn_10_1", "mlp_3"), "mlp_2", "logmel", ALL),
    Subject(
        "cifar16",
        ("wrn_10_1", "wrn_10_1"),
        "mlp_3",
        "auto",
        {"10 epochs": NOISES, "train share": HARD, "30 epochs": HARD, "5 epochs": HARD},
    ),
    Subject("cifar32", ("wrn_10_1", "wrn_16_1"), "wrn_10_2", "auto", {"10 epochs": HARD, "features": NOISES}),
)


@dataclass(frozen=True)
class Cell:
    """A subject with labels made wrong, learned in a way; whether it chooses the estimator or judges it."""

    subject: Subject
    noise: str
    rate: float
    way: str
    judges: bool

    @property
    def name(self) -> str:
        return (
            f"{self.subject.name}-{self.noise.replace(' ', '-')}-{self.rate:g}-{self.way.replace(' ', '-')}"
        )

    @property
    def seed(self) -> int:
        return zlib.crc32(self.name.encode())

    @property
    def network(self) -> str:
        return self.subject.networks[self.judges]


def cells() -> list[Cell]:
    """All, every other one of a subject's noises judging, so that each way and noise has both kinds."""
    found = []
    for at, subject in enumerate(SUBJECTS):
        for second, (way, noises) in enumerate(subject.ways.items()):
            for noise in noises:
                judges = (at + second + NOISES.index(noise)) % 2 == 1
                found.append(Cell(subject, *noise, way, judges))
    return found


def examples(name, data_folder):
    if name.startswith("cifar"):
        return replace(_cifar(data_folder, 0, int(name.removeprefix("cifar"))), held_out=None)
    return replace(ez.load_dataset(name if name == "digits" else str(data_folder / name)), held_out=None)


def _cifar(data_folder, shard, side):
    data = ez.load_dataset(sorted((data_folder / "cifar10").glob("train*.parquet"))[shard])
    if side == 32:
        return data
    return ez.load_dataset((pooled(data.array, 2), data.labels))


def confusing(subject, data, data_folder, runs):
    """Log probabilities [K, C] of each example by a network trained on others."""
    kept = runs / f"{subject.name}-confusing.npy"
    if kept.exists():
        return np.load(kept)
    log_p = np.zeros((len(data), data.num_classes))
    if subject.name.startswith("cifar"):  # there are others enough
        others = [(np.arange(len(data)), replace(_cifar(data_folder, 1, data.array.shape[1]), held_out=None))]
    else:
        halves = np.random.default_rng(0).permutation(len(data)) % 2
        others = [
            (np.flatnonzero(halves == half), data.part(np.flatnonzero(halves != half))) for half in (0, 1)
        ]
    for number, (rows, learned) in enumerate(others):
        judged = data.part(rows)
        run = ez.measure(
            replace(learned, held_out=replace(judged, split="test")),
            model=subject.confuses,
            trials=1,
            epochs=10,
            seed=99,
            keep_logits=True,
            out=runs / f"{subject.name}-confusing-{number}",
            **ALONE,
        )
        log_p[rows] = np.log(run.probabilities(split="held_out") + 1e-9)
    np.save(kept, log_p)
    return log_p


def drawn(log_p, y, rate, draw):
    """Labels [n] drawn from what is seen, the true class favoured until a share ``rate`` is wrong."""
    rows = np.arange(len(y))

    def told(favour):
        raised = log_p.copy()
        raised[rows, y] += favour
        return softmax(raised, axis=1)

    favour = brentq(lambda one: 1 - told(one)[rows, y].mean() - rate, -60, 60)
    return (told(favour).cumsum(1) > draw.random((len(y), 1))).argmax(1)


def made_wrong(labels, cell, log_p):
    """Labels [K] of which about the cell's share are wrong."""
    draw = np.random.default_rng(np.random.SeedSequence(cell.seed))
    num = int(labels.max()) + 1
    if cell.noise == "confusable":
        return drawn(log_p / SOFT, labels, cell.rate, draw)
    found = any_wrong(labels, cell.rate, draw, num, cell.noise.removeprefix("one "))
    return np.where((cell.noise != "one pair") | (labels == cell.seed % num), found, labels)


def cell_run(cell, data_folder, runs):
    """The true labels [K] and the run on those of the cell; trained where it is not there yet."""
    data = examples(cell.subject.name, data_folder)
    log_p = confusing(cell.subject, data, data_folder, runs) if cell.noise == "confusable" else None
    labels = made_wrong(data.labels, cell, log_p)
    kept = runs / f"{cell.name}.json"
    if not kept.exists():
        kept.write_text(json.dumps(np.asarray(data.labels).tolist()))
    settings = {"model": cell.network, "trials": TRIALS, "epochs": 10}
    if cell.way.endswith("epochs"):
        settings["epochs"] = int(cell.way.split()[0])
    elif cell.way == "train share":
        settings |= {"train_share": 0.8, "trials": 2 * TRIALS}
    else:
        settings = {"model": "ridge", "trials": HEADS, "features": [cell.subject.features]}
    run = ez.measure(
        replace(data, labels=labels),
        keep_logits=True,
        keep_weights=False,
        out=runs / cell.name,
        seed=cell.seed % 1000,
        **ALONE,
        **settings,
    )
    return np.asarray(data.labels), run
