"""Worlds with a slice that is harder, columns that explain nothing, and one that is the label."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

EFFECT, SHARE, SMALL = 0.15, 0.05, 20
ROOM = 0.85  # of difficulties before a slice is harder, so that none is above 1


class World(NamedTuple):
    """Examples, their difficulty, and how trials come to know it."""

    num: int = 4000
    trials: int = 5
    ease: str = "skewed"
    planted: str = "slice"
    is_probability: bool = False
    classes: int = 1
    follows: float = 0.0  # how far columns go along with the class, or with the group
    groups: int = 0
    luck: float = 0.0  # standard deviation of what a trial adds to a value, in a quarter of the columns
    judges: float = 1.0  # share of the examples that a trial judges
    values: tuple[int, int] = (2, 8)  # of a column, at least and below
    columns: int = 40


WORLDS = {
    "skewed": World(),
    "two groups": World(ease="two groups"),
    "luck, 5 trials": World(luck=0.05),
    "nothing harder, two groups": World(ease="two groups", planted="nothing"),
    "nothing harder, one trial": World(ease="logit", trials=1, planted="nothing"),
    "nothing harder, luck": World(trials=4, luck=0.05, planted="nothing"),
    "nothing harder, groups": World(groups=200, follows=1.0, planted="nothing"),
    "10,000 examples": World(num=10_000),
    "one trial": World(trials=1, ease="logit"),
    "heavy tails, 3 trials": World(trials=3, ease="heavy", is_probability=True),
    "20 unequal classes": World(classes=20, follows=0.5),
    "groups": World(groups=400),
    "groups that columns follow": World(groups=400, follows=1.0),
    "slices of 20": World(num=1000, values=(40, 50)),
    "slices of 20, heavy": World(num=1000, trials=1, ease="heavy", values=(40, 50)),
    "luck, 3 trials": World(trials=3, luck=0.05),
    "10 trials of 40 %": World(trials=10, judges=0.4, luck=0.02, ease="two groups"),
    "pairs of 10 columns": World(planted="pair", columns=8),
    "slopes": World(planted="slope", ease="logit"),
}
"""Constants were set on the first three, and on others like them; the rest were looked at afterwards."""


def difficulty(kind, num, draw):
    """Chances to be wrong [num]."""
    if kind == "two groups":
        return np.where(draw.random(num) < 0.2, 0.9, 0.03)
    if kind == "heavy":
        return np.minimum(0.02 * (1 + draw.pareto(1.2, num)), 1)
    return expit(draw.normal(-1, 1.5, num)) if kind == "logit" else draw.beta(0.4, 1.6, num)


def null_columns(world, strata, group, draw):
    """Columns that explain nothing at equal class: three in four categories, the rest numbers."""
    found = {}
    for at in range(world.columns):
        place = draw.random(world.num)
        if at % 2 and group is not None and world.follows:
            place = draw.random(world.groups)[group]
        elif at % 2:
            place = (1 - world.follows) * place + world.follows * strata / max(world.classes - 1, 1)
        num = int(draw.integers(*world.values))
        cuts = np.sort(draw.random(num - 1)) if num < SMALL else np.arange(1, num) / num
        names = np.array([f"v{one}" for one in range(num)], object)
        found[f"c{at}"] = np.exp(place) if at % 4 == 3 else names[np.searchsorted(cuts, place)]
    return found


def yes(where):
    return np.where(where, "yes", "no").astype(object)


def simulated(world, draw):
    """Values, columns, strata, groups, and true effects by (column, value), of the planted slice first."""
    strata, group = draw.integers(0, world.classes, world.num), None
    hard = difficulty(world.ease, world.num, draw) * np.linspace(1, 0.1, world.classes)[strata]
    if world.groups:
        group = draw.choice(world.groups, world.num, p=draw.dirichlet(np.full(world.groups, 2.0)))
        hard = 0.7 * hard + 0.3 * draw.beta(0.5, 1.5, world.groups)[group]
    columns, truth, hard = null_columns(world, strata, group, draw), {}, ROOM * hard
    rank = draw.permutation(world.num)
    if world.planted == "pair":
        one, other = draw.random((2, world.num)) < SHARE**0.5
        columns |= {"a": yes(one), "b": yes(other)}
        truth = {("a x b", "yes x yes"): EFFECT, **{(name, "yes"): EFFECT * SHARE**0.5 for name in "ab"}}
        hard = hard + EFFECT * (one & other)
    elif world.planted == "slope":
        columns["planted"], truth = np.exp(rank / world.num), {("planted", "slope"): EFFECT}
        hard = hard + EFFECT * rank / (world.num - 1)
    elif world.planted == "slice":
        slices = {"planted": rank < SHARE * world.num}
        slices |= {"small": rank >= world.num - SMALL} if world.values[0] > SMALL else {}
        for name, where in slices.items():
            columns[name], truth[name, "yes"], hard = yes(where), EFFECT, hard + EFFECT * where
    columns["label"] = np.array([f"class {one}" for one in strata], object)
    return in_trials(world, hard, columns, draw), columns, strata, group, truth


def in_trials(world, hard, columns, draw):
    """How hard each example was in each trial [N, K]; over all trials there could be the mean is ``hard``."""
    luck = np.zeros((world.trials, world.num))
    for values in [*columns.values()][::-4] if world.luck else ():
        at = pd.factorize(values if values.dtype == object else pd.qcut(values, 4))[0]
        luck += world.luck * draw.normal(size=(world.trials, at.max() + 1))[:, at]
    p, noise = hard + np.clip(luck, -0.24, 0.24) * 4 * hard * (1 - hard), draw.random(luck.shape)
    values = p + (noise - 0.5) * p * (1 - p) if world.is_probability else (noise < p).astype(float)
    return np.where(draw.random(p.shape) < world.judges, values, np.nan)
