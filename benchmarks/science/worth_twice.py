"""Forecasts of twice the labels, where the gain is known: simulated, and on parts of the data.

A part of the examples is taken for all there are. `more_labels` says what twice as many would gain on
average, and draws of twice as many what they do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from easiness.studies.keeping import Labelled, more_labels, right_by_neighbours
from easiness.studies.keeping.grid import FEWEST_OF_CLASS, SIZES
from easiness.studies.keeping.heads import right
from science.pool import DATA, as_heads_read, vectors_of
from science.worth_worlds import SEEDS, TRUTH, easy_ones

NUMBERS = (500, 2000, 5000, 10_000)
LUCK = 0.92  # correlation of the luck of a draw with that of draws from it, over sizes
PARTS, DRAWS, WRONG = (8, 4), 16, 0.3
NEIGHBOURS = "neighbours"


@dataclass(frozen=True)
class Rise:
    """Accuracy of n labels is ``ceiling - drop * (n / 500) ** -power``, ``slower`` in one half."""

    name: str
    ceiling: float
    drop: float
    power: float
    slower: float = 1.0
    tails: float = np.inf
    of_draw: float = 0.05  # spread of a draw of 500, in latent units

    def ability(self, num, part, easy):
        """The latent ability that gives this accuracy among examples so easy [n], ascending."""
        power = self.power / (self.slower if part else 1)
        accuracy = self.ceiling - self.drop * (num / NUMBERS[0]) ** -power
        return -np.quantile(easy, 1 - accuracy)


RISES = (
    Rise("square root", 0.95, 0.2, 0.5),
    Rise("slow", 0.95, 0.25, 0.25),
    Rise("fast", 0.95, 0.4, 1.5),
    Rise("nearly at the end", 0.9, 0.05, 0.7),
    Rise("two groups", 0.95, 0.25, 0.6, slower=4),
    Rise("heavy tails, noisy draws", 0.92, 0.25, 0.4, tails=2.5, of_draw=0.15),
)


def risen(rise, num, seed):
    """The forecast of twice the labels in one draw of a world, and the mean gain over draws."""
    rng = np.random.default_rng(seed)
    easy, part = easy_ones(rise, num, rng), rng.random(num) < 0.5
    many = np.sort(easy_ones(rise, TRUTH // 4, np.random.default_rng(0)))
    drawn = np.random.default_rng(1).standard_normal(100)
    found, true, luck = [], {}, rng.standard_normal()
    of_all = rise.of_draw * np.sqrt(NUMBERS[0] / NUMBERS[-1])
    for n in (*NUMBERS, 2 * NUMBERS[-1]):
        ability = [rise.ability(n, at, many) for at in (0, 1)]
        spread = rise.of_draw * np.sqrt(NUMBERS[0] / n)
        means = [1 - np.searchsorted(many, -(one + spread * drawn)) / len(many) for one in ability]
        true[n] = np.mean(means)
        if n not in NUMBERS:
            continue
        seeds, share = 1 if n == NUMBERS[-1] else SEEDS, n / NUMBERS[-1]
        draw = of_all * (np.sqrt(LUCK) * luck + np.sqrt(1 - LUCK) * rng.standard_normal())
        draw = draw + spread * np.sqrt(1 - share) * rng.standard_normal((seeds, 1))
        own = 0.15 * rng.standard_normal((seeds, num)) * np.sqrt(NUMBERS[0] / n)
        seen = np.where(part, ability[1], ability[0]) + easy + draw + own > 0
        found.append(np.broadcast_to(seen, (SEEDS, num)))
    return more_labels(NUMBERS, found, 0.1)[0], true[2 * NUMBERS[-1]] - true[NUMBERS[-1]]


HEADER = (
    "labels", "test examples", "draws", "said", "true gain", "off", "interval holds", "width",
    "shown above 0",
)  # fmt: skip


def rises(draws, num, rise):
    """A row of the page on twice the labels, in points."""
    return told(rise.name, num, [risen(rise, num, seed) for seed in range(draws)])


def told(name, num, seen):
    """The row of so many draws, each with what was said and the true gain."""
    said = [(twice, true) for twice, true in seen if twice is not None]
    if not said:
        return [name, f"{num:,}", str(len(seen)), "0", *[""] * 5]
    value, low, high = 100 * np.array([twice for twice, _ in said]).T
    true = 100 * np.array([true for _, true in said])
    held = (low <= true) & (true <= high)
    return [
        name, f"{num:,}", str(len(seen)), f"{len(said) / len(seen):.2f}", f"{true.mean():+.2f}",
        f"{(value - true).mean():+.2f}", f"{held.mean():.2f}", f"{(high - low).mean():.2f}",
        f"{(low > 0).mean():.2f}",
    ]  # fmt: skip


def on_parts(name, folder, runs, draws=DRAWS, by="heads"):
    """A row for each part of a data set, with its labels and with wrong ones, and what doublings gave."""
    some, test = as_heads_read(*vectors_of(name, folder, runs))
    chance = float(np.bincount(test.labels.numpy()).max() / len(test))
    for wrong in (0.0, WRONG):
        data = with_wrong(some, wrong)
        for one_of in PARTS:
            num = len(data) // one_of
            seen = [one_part(data, test, num, [draw, num], chance, by) for draw in range(draws)]
            now, half, twice = np.mean([one[1:] for one in seen], axis=0)
            labels = f"{name}, {num:,}{f', {wrong:.0%} wrong' if wrong else ''}"
            row = told(labels, len(test), [(one[0], twice - now) for one in seen])
            part = f"{(twice - now) / (now - half):.2f}" if now > half else ""
            yield [*row, f"{100 * (now - half):+.2f}", part]


PARTS_HEADER = (*HEADER, "gain of the last doubling", "next over last")


def with_wrong(some, rate):
    rng, labels = np.random.default_rng(0), some.labels.numpy()
    other = (labels + rng.integers(1, some.num_classes, len(labels))) % some.num_classes
    changed = np.where(rng.random(len(labels)) < rate, other, labels)
    return Labelled(some.x, torch.from_numpy(changed), some.groups, some.num_classes)


def near(seen, test):
    """Are nearest neighbours right about each other example? [n]"""
    return right_by_neighbours(seen, test, [np.arange(len(seen))])[0]


def one_part(data, test, num, seed, chance, by):
    """The forecast from one draw of so many, and the accuracy of it, of half of it and of twice as many."""
    rng, fit = np.random.default_rng(seed), near if by == NEIGHBOURS else right
    order = rng.permutation(len(data))
    own, fewest = data.part(order[:num]), FEWEST_OF_CLASS * data.num_classes
    sizes = sorted({n for n in (round(one * num) for one in SIZES) if n >= fewest} | {num // 2, num})
    found = [
        np.stack([fit(own.part(rng.permutation(num)[:n]), test) for _ in range(SEEDS)]) for n in sizes[:-1]
    ]
    found.append(np.broadcast_to(fit(own, test), (SEEDS, len(test))))
    twice = fit(data.part(order[: 2 * num]), test).mean()
    said = more_labels(sizes, found, chance)[0]
    return said, found[-1].mean(), found[-2].mean(), twice


def parts(folder, runs, draws=DRAWS, names=tuple(DATA), by="heads"):
    return [row for name in names for row in on_parts(name, folder, runs, draws, by)]
