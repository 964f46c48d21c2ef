"""Matches of groups are those of plain weights, and at chance where ties are all there is."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from scipy.stats import spearmanr

from easiness.analysis import (
    SIDES,
    Rule,
    Side,
    Ties,
    Votes,
    match_groups,
    select,
    split_half,
    tie_mass,
)
from easiness.analysis.matching import disjoint_splits, mean_defined
from matching_by_weights import match_weights


def seen(num_trials: int, num: int, levels: int, seed: int, *, in_order: bool) -> Votes:
    """Random votes; with few ``levels`` the probabilities tie, too."""
    rng = np.random.default_rng(seed)
    ease = rng.random(num)
    correct = rng.random((num_trials, num)) < 0.1 + 0.8 * ease
    correct[:, ease.argmax()] = True  # a trial that is right about nothing has no easiness
    p_label = np.rint(rng.random((num_trials, num)) * levels) / levels
    labels = rng.integers(5, size=num)
    ids = np.array([f"{name}.png" for name in rng.permutation(num)], object)
    return Votes(correct, p_label, np.sort(labels) if in_order else labels, ids, 3)


def plain(
    a: Votes, b: Votes, side: Side, ties: Ties, fraction: float, size: int, seed: int
) -> dict[str, float]:
    """The means over the groups, from the weights that `select` gives each."""
    splits = disjoint_splits(a, b, size, max_splits=12, seed=seed)
    matches = []
    for rows in splits:
        weights, masses = [], []
        for votes, trials, hashed in zip((a, b), rows, (2 * seed, 2 * seed + 1), strict=True):
            counts, sure = votes.correct[trials].sum(axis=0), votes.p_label[trials].mean(axis=0)
            refine_by = sure if ties == "refine" else None
            weights.append(select(counts, fraction, side, ties, refine_by, votes.ids, hashed))
            masses.append(tie_mass(counts, fraction, side))
        matches.append(match_weights(*weights, a.labels, (masses[0], masses[1])))  # type: ignore[arg-type, call-arg]
    return {
        "rate": mean_defined(m.rate for m in matches),
        "chance": mean_defined(m.chance for m in matches),
        "class_chance": mean_defined(math.nan if m.class_chance is None else m.class_chance for m in matches),
        **{f"mass {i}": mean_defined(m.tie_mass[i] for m in matches) for i in (0, 1)},
        **{f"size {i}": mean_defined(m.sizes[i] for m in matches) for i in (0, 1)},
    }


@settings(max_examples=60, deadline=None)
@given(
    num=st.integers(20, 150),
    levels=st.sampled_from([1, 3, 1 << 30]),
    fraction=st.sampled_from([0.05, 0.3, 1.0]),
    size=st.integers(1, 3),
    ties=st.sampled_from(["expected", "strict", "refine"]),
    in_order=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_groups_match_as_their_weights_do(
    num: int, levels: int, fraction: float, size: int, ties: Ties, in_order: bool, seed: int
) -> None:
    a, b = (seen(6, num, levels, 2 * seed + run, in_order=in_order) for run in (0, 1))
    b = Votes(b.correct, b.p_label, a.labels, a.ids, 3)
    for ours, theirs in ((a, b), (a, a), (a, copy.copy(a))):
        for side in SIDES:
            how: dict[str, Any] = {"side": side, "ties": ties, "fraction": fraction, "seed": seed}
            found = match_groups(
                ours,
                theirs,
                Rule(**how),
                group_size=size,
                max_splits=12,
                num_replicates=3,
            )
            assert found is not None
            expected = plain(ours, theirs, size=size, **how)
            got = {
                "rate": found.rate,
                "chance": found.chance,
                "class_chance": found.class_chance,
                **{f"mass {i}": found.tie_mass[i] for i in (0, 1)},
                **{f"size {i}": found.sizes[i] for i in (0, 1)},
            }
            assert got == pytest.approx(expected, abs=1e-12, rel=0, nan_ok=True)


@pytest.mark.filterwarnings("ignore::scipy.stats.ConstantInputWarning")  # of a half that is all right
@settings(max_examples=30, deadline=None)
@given(num=st.integers(10, 150), size=st.integers(1, 4), seed=st.integers(0, 1000))
@example(num=11, size=1, seed=313)
@example(num=10, size=1, seed=396)  # of a trial that else is right about nothing
def test_ranks_of_halves_correlate_as_their_counts_do(num: int, size: int, seed: int) -> None:
    votes = seen(8, num, 1 << 30, seed, in_order=False)
    half = split_half(votes, size, fraction=0.2, max_splits=12)
    assert half is not None
    splits = disjoint_splits(votes, votes, size, max_splits=12, seed=0)
    rates = [
        spearmanr(votes.correct[a].sum(axis=0), votes.correct[b].sum(axis=0)).statistic for a, b in splits
    ]
    assert half.rank_correlation == pytest.approx(mean_defined(rates), abs=1e-12)


K, FRACTION, NUM_SEEDS = 1000, 0.1, 200


def deviation(rates: list[float]) -> float:
    """Distance of the mean rate from chance in its standard errors."""
    return (np.mean(rates) - FRACTION) / (np.std(rates, ddof=1) / np.sqrt(len(rates)))


def votes(seed: int, p_label: float | None = None) -> Votes:
    rng = np.random.default_rng(seed)
    p = rng.random((4, K)) if p_label is None else np.full((4, K), p_label)
    return Votes(rng.random((4, K)) < 0.6, p, np.arange(K) % 10, np.arange(K), 1)


@pytest.mark.parametrize("ties", ["expected", "refine"])
@pytest.mark.parametrize("p_label", [None, 1.0])
def test_unrelated_runs_match_at_chance(ties: Ties, p_label: float | None) -> None:
    # p_label 1 leaves every tie to the hash, which must then not be the same in both runs
    rates = [
        Rule(fraction=FRACTION, ties=ties, seed=s)
        .match_all(votes(2 * s, p_label), votes(2 * s + 1, p_label))
        .rate
        for s in range(NUM_SEEDS)
    ]
    assert abs(deviation(rates)) < 4


@pytest.mark.parametrize("ties", ["expected", "refine"])
def test_a_run_without_differences_between_examples_has_its_ceiling_at_chance(ties: Ties) -> None:
    runs = [votes(s) for s in range(60)]
    ceilings = [
        match_groups(run, run, Rule(fraction=FRACTION, ties=ties, seed=i), num_replicates=0, by_class=False)
        for i, run in enumerate(runs)
    ]
    assert abs(deviation([c.rate for c in ceilings if c is not None])) < 4
    assert all(c is not None and c.chance == FRACTION for c in ceilings)
