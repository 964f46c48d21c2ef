"""Do frequency and contradiction go along with easiness? On pictures, texts and sounds, and simulated.

Runs are trained where they are missing, by the recipe for short trainings.
Intervals are held to worlds whose truth is known, and counts of frequency to patterns that are planted.

The folder of the data has cifar10, imagenette224, trec and fsdd; without it simulations alone are made.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

import easiness as ez
from easiness.analysis import rank_regression
from easiness.analysis.rank_regression import _fit, _Levels
from easiness.engine import write_result
from easiness.show import with_interval
from easiness.studies.patterns import neighbourhood
from kit.pages import part
from kit.science import options, publish

HALF: dict[str, Any] = {"train_share": 0.5, "observe": "last"}
RUNS: dict[str, dict[str, Any]] = {
    "cifar10": {"model": "wrn_16_1", "epochs": 4, "trials": 10, "limit": 10_000, "observe": "last"},
    "imagenette224": {"model": "wrn_10_1", "epochs": 10, "trials": 12, "image_size": 64, **HALF},
    "trec": {"model": "bag", "epochs": 10, "trials": 20, **HALF},
    "fsdd": {"model": "mlp_3", "epochs": 10, "trials": 20, **HALF},
}
ASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("cifar10", "auto", {}),
    ("cifar10", "auto", {"score": "difficulty"}),
    ("imagenette224", "run:cifar10", {}),
    ("imagenette224", "auto", {}),
    ("trec", "hashed", {}),
    ("fsdd", "logmel", {}),
)
"""The run, the features and what else is asked; ``run:`` names another of the runs."""

_BOTH = ("frequency", "contradiction", "R²")
_ALL = (*_BOTH, "product", *(f"{one} within classes" for one in _BOTH), "most")  # that worlds have a truth of
NUM, TRIALS, REGIONS = 600, 10, 60


def standardized(values):
    ranks = np.unique(values, return_inverse=True, return_counts=True)
    middle = (np.cumsum(ranks[2]) - ranks[2] / 2)[ranks[1]]
    return (middle - middle.mean()) / middle.std()


WORLDS: dict[str, dict[str, Any]] = {
    "independent predictors": {},
    "correlated predictors": {"together": 0.8},
    "most examples always right": {"level": 4.0},
    "three trials": {"trials": 3},
    "two groups of examples": {"groups": 2.0},
    "heavy tails": {"tails": 1.5},
    "patterns with an ease of their own": {"of_region": 0.8},
    "trials that differ": {"of_trial": 0.8},
    "no effect, patterns with an ease of their own": {"effect": 0.0, "of_region": 0.8},
    "both count together": {"product": 0.3},
    "classes that differ": {"of_class": 0.5},
}
CLASSES = 5


def world(rng, num=NUM, regions=REGIONS, *, effect=0.6, together=0.3, level=0.5, trials=TRIALS, groups=0.0,
          tails=0.0, of_region=0.3, of_trial=0.2, product=0.0, of_class=0.0):  # fmt: skip
    """Which trials are right [trials, num] of examples in regions, their frequency and contradiction.

    A region belongs to the class that is its number modulo `CLASSES`, and classes differ in both and in ease.
    """
    region = rng.integers(regions, size=num)
    shared = rng.normal(size=(4, regions))[:, region]
    own = rng.standard_t(tails, size=(2, num)) if tails else rng.normal(size=(2, num))
    first = shared[0] + own[0] / 2 + of_class * (region % CLASSES)
    second = -together * first + np.sqrt(1 - together**2) * (shared[1] + own[1] / 2)
    second = np.round(standardized(second) * 10) / 10  # of fifty neighbours
    ease = effect * (standardized(first) - standardized(second)) + of_region * shared[2]
    ease += groups * (shared[3] > 0) + level + product * standardized(first) * standardized(second)
    ease += of_class * (region % CLASSES - CLASSES // 2)
    ease = ease + of_trial * (rng.normal(size=(trials, 1)) + rng.normal(size=(trials, regions))[:, region])
    return rng.random((trials, num)) < 1 / (1 + np.exp(-ease)), first, second, region


def regression(right, first, second, region, **options):
    scores = [np.delete(right, one, axis=0).sum(axis=0, dtype=float) for one in range(len(right))]
    return rank_regression(right.sum(axis=0, dtype=float), (first, second), region, without=scores, **options)


def rank_coefficients(outcome, predictors, within=None):
    """As `rank_regression`, without intervals: both coefficients, R squared, that of the product."""
    levels = [_Levels.of(one, within) for one in (outcome, *predictors)]
    return _fit(levels, np.ones(len(outcome)))[:4].tolist()


def truth(options):
    """The truth, from many examples over several sets of trials; see `_ALL`.

    The most that can be explained is the correlation with as many other trials.
    """
    found = []
    options = {"trials": TRIALS, **options}
    trials = options.pop("trials")
    for seed in range(8):
        rng = np.random.default_rng([seed, 1])
        right, first, second, region = world(rng, 20_000, 2_000, trials=2 * trials, **options)
        ours, theirs = right[:trials].sum(axis=0, dtype=float), right[trials:].sum(axis=0, dtype=float)
        everywhere = rank_coefficients(ours, (first, second))
        within = rank_coefficients(ours, (first, second), region % CLASSES)
        found.append([*everywhere, *within[:3], spearmanr(ours, theirs)[0]])
    return np.mean(found, axis=0)


def coverage(replicates):
    """The truth, the bias and the coverage of 95 % intervals in each world; see `_ALL`."""
    for name, shape in WORLDS.items():
        right = truth(shape)
        found = []
        for seed in range(replicates):
            rng = np.random.default_rng([seed, 2])
            trials, *others = world(rng, **shape)
            half = len(trials) // 2
            halves = [
                (trials[:half].sum(axis=0, dtype=float), trials[half : 2 * half].sum(axis=0, dtype=float))
            ]
            everywhere = regression(trials, *others, halves=halves, times=len(trials) / half)
            within = regression(trials, *others, within=others[-1] % CLASSES)
            values = [everywhere.first, everywhere.second, everywhere.r_squared, everywhere.product]
            values += [within.first, within.second, within.r_squared]
            found.append([*values, (everywhere.most, np.nan, np.nan)])
        yield name, *held(np.array(found), right)


def held(values, right):
    """The truth, the bias and the coverage of values with their ends [worlds, what, 3]."""
    draws = tuple(range(values.ndim - 2))
    share = ((values[..., 1] <= right) & (right <= values[..., 2])).mean(axis=draws)
    bias = (values[..., 0] - right).mean(axis=draws)
    true = np.broadcast_to(right, values[..., 0].shape).mean(axis=draws)
    with_ends = ~np.isnan(values[..., 1]).any(axis=draws)
    return [
        f"{a:.2f} ({b:+.3f})" + (f" {c:.2f}" if ends else "")
        for a, b, c, ends in zip(true, bias, share, with_ends, strict=True)
    ]


SIZES = np.repeat([8, 16, 32, 64, 128, 256], [24, 16, 12, 8, 6, 3])
"""Examples that carry each of the patterns planted."""


def planted(rng, patterns=None):
    """Features of examples with patterns of known frequency and contradiction, labels, both, and patterns.

    What belongs to the patterns is drawn by ``patterns``, where they are to stay what they are.
    """
    patterns = patterns or rng
    owner = patterns.permutation(np.arange(len(SIZES)) % 5)
    pattern = np.repeat(np.arange(len(SIZES)), SIZES)
    labels = owner[pattern]
    flipped = rng.random(len(pattern)) < patterns.choice([0, 0.1, 0.25, 0.4], len(SIZES))[pattern]
    labels[flipped] = rng.integers(5, size=flipped.sum())
    width = np.exp(0.2 * patterns.normal(size=len(SIZES)))[pattern, None]
    centres = patterns.normal(size=(len(SIZES), 64))[pattern]
    vectors = centres + width * rng.normal(size=(len(pattern), 64))
    same = np.unique(pattern * 5 + labels, return_inverse=True, return_counts=True)
    support = same[2][same[1]]
    return vectors.astype(np.float32), labels, support, 1 - support / SIZES[pattern], pattern


def from_features(rng, patterns, of_region, of_trial=0.2):
    """Values and ends [3, 3] of the regression on what is found in features of planted patterns."""
    vectors, labels, frequency, contradiction, pattern = planted(rng, patterns)
    around = neighbourhood(vectors, labels)
    ease = 0.5 + 0.6 * (standardized(frequency) - standardized(contradiction))
    ease = ease + of_region * patterns.normal(size=len(SIZES))[pattern]
    ease = ease + of_trial * rng.normal(size=(TRIALS, 1))
    ease += of_trial * rng.normal(size=(TRIALS, len(SIZES)))[:, pattern]
    right = rng.random(ease.shape) < 1 / (1 + np.exp(-ease))
    one = regression(right, around.frequency, around.contradiction, around.regions)
    return [one.first, one.second, one.r_squared]


def found_coverage(replicates):
    """As `coverage`, where frequency, contradiction and regions are found in features.

    Examples and trials are drawn anew, and in half of the worlds the patterns are, too. The truth is the mean
    over all draws, of the same patterns where they stay.
    """
    for of_region in (0.3, 0.8):
        draws = product(range(KEPT), range(max(replicates // KEPT, 2)))
        of_each = [
            from_features(np.random.default_rng([seed, 4, k]), np.random.default_rng([k, 5]), of_region)
            for k, seed in draws
        ]
        found = np.reshape(of_each, (KEPT, -1, 3, 3))  # [patterns, draws, what, value and ends]
        of_same = found[..., 0].mean(axis=1, keepdims=True)
        name = f"found in features, own ease {of_region:g}"
        for end, true in zip(ENDS, (of_same, found[..., 0].mean(axis=(0, 1))), strict=True):
            yield f"{name}, {end}", *held(found, true), *[""] * (len(_ALL) - len(_BOTH))


KEPT = 20  # sets of patterns
ENDS = ("the same patterns", "other patterns")


def ways(replicates):
    """Coefficients by the true values and by each way to count, where easiness follows either or both."""
    found: dict[str, list[list[Any]]] = {}
    for seed in range(replicates):
        rng = np.random.default_rng([seed, 3])
        vectors, labels, frequency, contradiction, _ = planted(rng)
        around = neighbourhood(vectors, labels)
        noise = 0.6 * rng.normal(size=len(labels))
        for at, (a, b) in enumerate(((0.6, 0.0), (0.0, 0.6), (0.4, 0.4))):
            ease = a * standardized(frequency) - b * standardized(contradiction) + noise
            pairs = {"the truth": (frequency, contradiction)}
            pairs |= {name: (count, around.contradiction) for name, count in around.others.items()}
            for name, pair in pairs.items():
                found.setdefault(name, [[], [], []])[at].append(rank_coefficients(ease, pair)[:2])
    for name, of_outcomes in found.items():
        means = [np.mean(one, axis=0) for one in of_outcomes]
        yield name, *(f"{frequency:+.2f}, {contradiction:+.2f}" for frequency, contradiction in means)


DATA = (
    *("data", "features", "score", "seen", "over", *_BOTH, "most", "product", "copies", "R² of the class"),
    "frequency, local units",
)


def real(asked):
    runs = {
        name: ez.measure(str(Path(asked.data, name)), out=asked.runs / name, progress=False, **how)
        for name, how in RUNS.items()
    }
    rows, others = [], []
    for name, features, more in ASKED:
        given = features.replace("run:", f"run:{asked.runs}/")
        found = ez.explain(runs[name], features=given, progress=False, **more).patterns
        knows = " (knows these labels)" if any("ImageNet" in one for one in found.notes) else ""
        local = found.ways[f"local {found.around.nearest}"]
        in_local_units = with_interval(*local.first, with_sign=True)
        for over, one in (("all", found.over_all), ("within classes", found.within)):
            rows.append(
                (
                    *(name, f"{features}{knows}", found.score, found.seen, over),
                    with_interval(*one.first, with_sign=True),
                    with_interval(*one.second, with_sign=True),
                    with_interval(*one.r_squared),
                    f"{one.most:.2f}",
                    f"{one.product.value:+.2f}, R² {one.with_product.value:.2f}",
                    f"{found.around.num_copies}",
                    f"{found.class_alone:.2f}",
                    in_local_units if over == "all" else "",
                )
            )
        counts = (
            ", ".join(with_interval(*one, with_sign=True) for one in (way.first, way.second))
            for way in found.ways.values()
        )
        others.append((f"{name}, {features}, {found.score}", *counts))
        if asked.figure and (name, more) == ("cifar10", {}):
            write_result(asked.figure, found)
    return rows, (("what", *found.ways), others)


SHOWN = (0, 1, 2, 5, 12, 6, 7, 8, 10)  # columns of the table on the page


def main():
    more = {"--data": None, "--runs": Path("runs/patterns"), "--replicates": 100, "--figure": None}
    asked = options(__doc__, more=more)
    tables, shown = {}, []
    if asked.data:
        rows, others = real(asked)
        tables = {"regression": (DATA, rows), "counts": others}
        shown = [part(DATA, [row for row in rows if row[4] == "all"], [DATA[at] for at in SHOWN])]
    truths = ("world", *(f"{one}: truth (bias) coverage" for one in _ALL))
    tables["simulations"] = truths, [*coverage(asked.replicates), *found_coverage(asked.replicates)]
    tables["counts-planted"] = COUNTS, list(ways(asked.replicates))
    publish(asked.docs, "patterns", tables, *shown)


COUNTS = ("unit of distance", "frequency alone", "contradiction alone", "both")


if __name__ == "__main__":
    main()
