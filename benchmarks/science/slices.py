"""Are slices that are harder found, others left alone, and do intervals hold? On worlds whose truth is known.

Worlds are simulated: a slice of 5 % is .15 harder, 40 columns explain nothing, one is the label. Beside are a
plain regression and SliceLine (Sagadeeva and Boehm 2021), where its package is: --field is its folder of
packages. Then columns of real data, and made-up ones beside how hard real examples are. What is finished is
kept in --runs.
"""

from __future__ import annotations

import inspect
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import false_discovery_control, t

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from easiness.analysis import make_slices, slice_effects
from kit.science import kept, options, publish

EFFECT, SHARE, SMALL, COLUMNS = 0.15, 0.05, 20, 40
PERMUTATIONS = 400
ROOM = 0.85  # of difficulties before a slice is harder, so that none is above 1
KINDS = ("others", "harder", "of 20", "slope", "pair")  # of slices
SLICELINE_DRAWS = 50
WEIGHT = 0.99  # SliceLine's alpha, of the error; below 0.96 no slice of 5 % has a positive score


class World(NamedTuple):
    """Examples, their difficulty, and how trials come to know it."""

    num: int = 4000
    trials: int = 5
    ease: str = "skewed"
    is_probability: bool = False
    classes: int = 1
    follows: float = 0.0  # how far columns go along with the class
    groups: int = 0
    luck: float = 0.0  # standard deviation of what a trial adds to a value of a column
    judges: float = 1.0  # share of the examples that a trial judges
    values: tuple[int, int] = (2, 8)  # of a column, at least and below
    planted: str = "slice"
    pairs: bool = False


WORLDS = {
    "skewed": World(),
    "two groups": World(ease="two groups"),
    "luck, 5 trials": World(luck=0.03),
    "10,000 examples": World(num=10_000),
    "one trial": World(trials=1, ease="logit"),
    "heavy tails, 3 trials": World(trials=3, ease="heavy", is_probability=True),
    "20 unequal classes": World(classes=20, follows=0.5),
    "groups": World(groups=400),
    "groups that columns follow": World(groups=400, follows=1.0),
    "slices of 20": World(num=1000, values=(40, 50)),
    "slices of 20, heavy, one trial": World(num=1000, trials=1, ease="heavy", values=(40, 50)),
    "luck, 3 trials": World(trials=3, luck=0.03),
    "40 % judged, 10 trials": World(trials=10, judges=0.4, luck=0.02, ease="two groups"),
    "pairs": World(planted="pair", pairs=True),
    "slopes": World(planted="slope", ease="logit"),
}
"""Constants were set on the first three and on others like them."""


def difficulty(kind, num, draw):
    """Chances to be wrong [num]."""
    if kind == "two groups":
        return np.where(draw.random(num) < 0.2, 0.9, 0.03)
    if kind == "heavy":
        return np.minimum(0.02 * (1 + draw.pareto(1.2, num)), 1)
    return expit(draw.normal(-1, 1.5, num)) if kind == "logit" else draw.beta(0.4, 1.6, num)


def null_columns(world, strata, group, draw):
    """Columns that explain nothing at equal class, three in four of them categories."""
    found = {}
    for at in range(COLUMNS):
        place = draw.random(world.num)
        if group is not None and at % 2 and world.follows:
            place = draw.random(world.groups)[group]
        elif at % 2:
            place = (1 - world.follows) * place + world.follows * strata / max(world.classes - 1, 1)
        num = int(draw.integers(*world.values))
        cuts = np.sort(draw.random(num - 1)) if world.values[0] < SMALL else np.arange(1, num) / num
        names = np.array([f"v{one}" for one in range(num)], object)
        found[f"c{at}"] = np.exp(place) if at % 4 == 3 else names[np.searchsorted(cuts, place)]
    return found


def simulated(world, draw, effect=EFFECT):
    """Values, columns, strata, groups, and the true effect of each (column, value) that has one."""
    strata = draw.integers(0, world.classes, world.num)
    group = (
        draw.choice(world.groups, world.num, p=draw.dirichlet(np.full(world.groups, 2.0)))
        if world.groups
        else None
    )
    hard = difficulty(world.ease, world.num, draw) * np.linspace(1, 0.1, world.classes)[strata]
    if group is not None:
        hard = 0.7 * hard + 0.3 * draw.beta(0.5, 1.5, world.groups)[group]
    columns, truth = null_columns(world, strata, group, draw), {}
    hard, rank = ROOM * hard, draw.permutation(world.num)
    if world.planted == "pair":
        one, other = draw.random((2, world.num)) < SHARE**0.5
        columns |= {"one": np.where(one, "old", "new"), "other": np.where(other, "old", "new")}
        hard, truth = hard + effect * (one & other), {("one x other", "old x old"): effect}
        truth |= {(name, "old"): effect * SHARE**0.5 for name in ("one", "other")}
        columns |= {name: columns[name].astype(object) for name in ("one", "other")}
    elif world.planted == "slope":
        columns["planted"] = np.exp(draw.normal(size=world.num))
        ranks = np.argsort(np.argsort(columns["planted"])) / (world.num - 1)
        hard, truth = hard + effect * ranks, {("planted", "slope"): effect}
    else:
        columns["planted"] = np.where(rank < SHARE * world.num, "yes", "no").astype(object)
        hard, truth = hard + effect * (columns["planted"] == "yes"), {("planted", "yes"): effect}
        if world.values[0] > SMALL:
            columns["small"] = np.where(rank >= world.num - SMALL, "yes", "no").astype(object)
            hard, truth = hard + effect * (columns["small"] == "yes"), truth | {("small", "yes"): effect}
    columns["label"] = np.array([f"class {one}" for one in strata], object)
    return in_trials(world, hard, columns, draw), columns, strata, group, truth


def in_trials(world, hard, columns, draw):
    """How hard each example was in each trial [N, K]; over trials the mean is that of ``hard``."""
    luck = np.zeros((world.trials, world.num))
    for values in [*columns.values()][3::4] if world.luck else ():
        at = pd.qcut(values, 4, labels=False) if values.dtype != object else pd.factorize(values)[0]
        luck += world.luck * draw.normal(size=(world.trials, at.max() + 1))[:, at]
    p = hard + np.clip(luck, -0.24, 0.24) * 4 * hard * (1 - hard)
    noise = draw.random(p.shape)
    values = p + (noise - 0.5) * p * (1 - p) if world.is_probability else (noise < p).astype(float)
    return np.where(draw.random(p.shape) < world.judges, values, np.nan)


def by_regression(values, slices, strata):
    """p-values of ordinary least squares on class and all single slices, as packages print them."""
    single = [one for one in slices if not one.within and one.column != "label"]
    x = np.hstack([np.stack([one.weights for one in single], 1), pd.get_dummies(strata).to_numpy(float)])
    y = np.nanmean(values, axis=0)
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    inverse = np.linalg.pinv(x.T @ x, hermitian=True)
    effect, freedom = inverse @ (x.T @ y), max(len(y) - np.linalg.matrix_rank(x.T @ x, hermitian=True), 1)
    error = np.sqrt(np.maximum(np.diag(inverse), 1e-12) * ((y - x @ effect) ** 2).sum() / freedom)
    p = dict(zip(map(id, single), 2 * t.sf(np.abs(effect / error), freedom), strict=False))
    return np.array([p.get(id(one), 1.0) for one in slices])


def by_sliceline(values, columns):
    """The column of the best of SliceLine's slices of one value; None where no score is above 0."""
    from sliceline.slicefinder import Slicefinder

    error = np.nanmean(values, axis=0)
    is_there = np.isfinite(error)
    bins = {name: one if one.dtype == object else pd.qcut(one, 4) for name, one in columns.items()}
    codes = {name: pd.factorize(one)[0] + 1 for name, one in bins.items() if name != "label"}
    table = pd.DataFrame(codes)[is_there]
    finder = Slicefinder(alpha=WEIGHT, k=1, max_l=1, min_sup=SMALL, verbose=False)
    finder.fit(table.to_numpy(), error[is_there])
    best = [
        name for row in finder.top_slices_ for name, one in zip(table, row, strict=True) if one is not None
    ]
    return best[0] if best else None


def held(told, slices, true):
    """How many intervals hold the truth, and how many there are, by kind of slice."""
    kind = np.array(
        ["slope" if one.value == "slope" else "pair" if one.within else "others" for one in slices]
    )
    kind[(kind == "others") & (true > 0)] = "harder"
    kind[(told.examples < 2 * SMALL) & np.isin(kind, ["others", "harder"])] = "of 20"
    holds, is_there = (told.low <= true) & (true <= told.high), np.isfinite(told.effect)
    return {one: [int(holds[at].sum()), int(at.sum())] for one in KINDS for at in [is_there & (kind == one)]}


def in_one(world, seed, effect, has_sliceline):
    """What is said of one draw of a world: of its planted slice, of those that are not, and of intervals."""
    draw = np.random.default_rng([seed, effect > 0])
    values, columns, strata, group, truth = simulated(world, draw, effect)
    slices = make_slices(columns, pairs=world.pairs)
    told = slice_effects(values, slices, strata, groups=group, seed=seed, permutations=PERMUTATIONS)
    keys = [(one.column, one.value) for one in slices]
    true = np.array([truth.get(key, 0.0) for key in keys])
    target, is_null = keys.index(next(iter(truth))), true == 0
    first = np.lexsort([-np.abs(told.effect), told.p_adjusted])[0]
    p = by_regression(values, slices, strata)
    best = by_sliceline(values, columns) if has_sliceline else ""
    by_label = [at for at, (column, _) in enumerate(keys) if column == "label"]
    return {
        "held": held(told, slices, true),
        "found": bool(told.is_named[target]),
        "first": bool(first == target and told.is_named[target]),
        "quiet": not told.is_named[is_null].any(),
        "label quiet": bool(np.isnan(told.effect[by_label]).all() and not told.is_named[by_label].any()),
        "regression first": bool(np.argmin(p) == target and p[target] * len(p) <= 0.05),
        "Holm quiet": bool(p[is_null].min() * len(p) > 0.05),
        "BH quiet": bool(false_discovery_control(p)[is_null].min() > 0.05),
        "SliceLine first": None if best == "" else best == keys[target][0],
        "SliceLine quiet": None if best == "" else best is None,
    }


def in_world(world, draws, has_sliceline):
    return {
        name: [in_one(world, seed, effect, has_sliceline and seed < SLICELINE_DRAWS) for seed in range(draws)]
        for name, effect in (("planted", EFFECT), ("none", 0.0))
    }


def summary(found):
    """A row of shares from the draws of a world."""
    planted, none = (pd.DataFrame(found[name]) for name in ("planted", "none"))
    row = {name: planted[name].mean() for name in ("found", "first", "regression first", "SliceLine first")}
    row |= {name: none[name].mean() for name in ("quiet", "Holm quiet", "BH quiet", "SliceLine quiet")}
    row["label quiet"] = (planted["label quiet"] & none["label quiet"]).mean()
    for kind in KINDS:
        holds, num = np.sum([one["held"][kind] for one in found["planted"]], axis=0)
        row[f"{kind} held"] = holds / num if num else np.nan
    return row


def main():
    asked = options(__doc__, runs="slices", more={"--data": None, "--field": None, "--draws": 60})
    if asked.field is not None:
        sys.path.append(str(asked.field))  # last, so that it has only what is not here
    has_sliceline = find_spec("sliceline") is not None
    if not has_sliceline:
        print("SliceLine is not here: left out; give the folder of its package with --field", flush=True)
    estimator = crc32(Path(inspect.getfile(slice_effects)).read_bytes())
    worlds = {}
    for name, world in WORLDS.items():
        file = asked.runs / f"{name}, {asked.draws}, {estimator:x}.json"
        worlds[name] = summary(kept(file, in_world, world, asked.draws, has_sliceline))
        print(name, {key: round(one, 3) for key, one in worlds[name].items()}, flush=True)


if __name__ == "__main__":
    main()
