"""Slices on simulated worlds whose truth is known: found, left alone, and held by their intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from easiness.analysis import Slice, SliceEffects, make_slices, slice_effects
from lengths import long_but

NUM, EFFECT, DRAWS = 3000, 0.15, 10


class World(NamedTuple):
    """Values of trials, slices, classes, groups, and the effects that are true."""

    values: Any
    slices: list[Slice]
    strata: Any
    groups: Any
    truth: Any


def world(kind: str, seed: int, planted: bool) -> World:
    """40 columns that explain nothing, and one whose twentieth is harder where it is ``planted``."""
    draw = np.random.default_rng([seed, 7])
    strata, groups = draw.integers(0, 5, NUM), None
    hard = np.linspace(0.05, 0.4, 5)[strata]  # classes of unequal ease
    if kind == "two groups":
        hard = np.where(draw.random(NUM) < 0.2, 0.8, 0.05)
    elif kind == "heavy tails":
        hard = np.minimum(0.02 * (1 + draw.pareto(1.2, NUM)), 0.85)
    elif kind == "groups":
        groups = draw.integers(0, 300, NUM)
        hard = 0.6 * hard + 0.4 * draw.beta(0.5, 1.5, 300)[groups]
    few = 100 if kind == "slices of 20" else 4
    columns = {f"c{at}": draw.integers(0, few, NUM).astype(str).astype(object) for at in range(40)}
    is_harder = draw.permutation(NUM) < NUM // 20
    columns["planted"] = np.where(is_harder, "yes", "no").astype(object)
    luck = 0.04 * draw.normal(size=(5, few))[:, columns["c0"].astype(int)] if kind == "luck" else 0
    values = (draw.random((5, NUM)) < np.clip(hard + EFFECT * is_harder * planted + luck, 0, 1)).astype(float)
    slices = make_slices(columns, least=10, pairs=planted and kind == "classes")
    truth = [EFFECT * planted * (one.column == "planted") for one in slices]
    return World(values, slices, strata, groups, np.array(truth))


def told(one: World) -> SliceEffects:
    return slice_effects(one.values, one.slices, one.strata, groups=one.groups, permutations=250)


KINDS = ("classes", "two groups", "heavy tails", "groups", "slices of 20", "luck")


@pytest.mark.parametrize("kind", long_but(KINDS[:4], "classes"))
def test_a_planted_slice_is_found_in_the_first_place(kind: str) -> None:
    """A slice of 5 % that is .15 harder, among 40 columns, of ``classes`` also among their pairs."""
    num = 0
    for seed in range(DRAWS):
        one = world(kind, seed, planted=True)
        effects = told(one)
        strength = np.abs(effects.effect) / (effects.high - effects.low)
        first = np.lexsort([-np.nan_to_num(strength), effects.p_adjusted])[0]
        num += bool(effects.is_named[first]) and one.slices[first].column == "planted"
    assert num >= 0.9 * DRAWS


@pytest.mark.parametrize("kind", long_but(KINDS, "two groups"))
def test_nothing_is_named_where_nothing_is_and_intervals_hold(kind: str) -> None:
    """None of 40 columns, but in one draw of ten by chance; and effects of 0 in 93 of 100 intervals."""
    quiet, holds = 0, []
    for seed in range(DRAWS):
        one = world(kind, seed, planted=False)
        effects = told(one)
        quiet += not effects.is_named.any()
        holds.append(((effects.low <= one.truth) & (one.truth <= effects.high))[np.isfinite(effects.effect)])
    assert quiet >= DRAWS - 1
    assert np.concatenate(holds).mean() >= 0.93
