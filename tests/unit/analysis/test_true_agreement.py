"""The agreement without noise, of runs whose true sets are known."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import ndtr, ndtri

from easiness.analysis import (
    Agreement,
    GroupMatch,
    Measured,
    Rule,
    Side,
    Ties,
    Votes,
    agreement,
    match_groups,
    true_rate,
)
from easiness.analysis.bits import unpack

K, F = 1000, 0.1
RULE = Rule("hard", F, "refine")


def votes(p_right: npt.ArrayLike, num_trials: int = 10, seed: int = 0) -> Votes:
    """Trials in which an example is right with its probability [K], surer the farther from being wrong."""
    rng = np.random.default_rng(seed)
    far = ndtri(np.asarray(p_right, np.float64)).clip(-20, 20) + rng.standard_normal((num_trials, K))
    return Votes(far > 0, ndtr(far), np.zeros(K, np.int64), np.arange(K), 1)


EVENLY = (np.arange(K) + 0.5) / K
VOTES = votes(EVENLY)


def match(rate: float, replicates: npt.ArrayLike = (), **changes: object) -> GroupMatch:
    """A match of groups of five trials, and a ceiling if it exceeds chance: its interval is 0.02 wide."""
    plain = GroupMatch(
        rate=rate,
        group_size=5,
        num_splits=10,
        num_empty=0,
        interval=(rate - 0.01, rate + 0.01),
        bias=0.0,
        chance=F,
        class_chance=F,
        tie_mass=(0.0, 0.0),
        sizes=(K * F, K * F),
        decided=True,
        replicates=np.asarray(replicates, np.float64),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def measured(ceiling: GroupMatch, name: str = "a", said: Votes = VOTES) -> Measured:
    return Measured(name, said, ceiling)


def agreed(a: Votes, b: Votes, rule: Rule = RULE, *, same_trials: bool = False) -> Agreement:
    """The agreement with few replicates."""

    def matched(ours: Votes, theirs: Votes) -> GroupMatch:
        found = match_groups(ours, theirs, rule, max_splits=5, num_replicates=20, by_class=False)
        assert found is not None
        return found

    runs = (Measured("wide", a, matched(a, a)), Measured("deep", b, matched(b, b)))
    return agreement(*runs, matched(a, b), rule, same_trials=same_trials)


@pytest.mark.parametrize("ties", ["expected", "strict", "refine"])
def test_sets_that_every_trial_has_overlap_as_they_do(ties: Ties) -> None:
    """A hundred examples are wrong in every trial of a network, a hundred in those of another, 50 in both."""
    a, b = (votes(~((np.arange(K) >= first) & (np.arange(K) < first + 100))) for first in (0, 50))
    found = agreed(a, b, Rule("hard", F, ties))
    assert found.rate == pytest.approx(0.5, abs=0.01)
    assert found.low - 1e-9 <= 0.5 <= found.high + 1e-9


@pytest.mark.parametrize("side", ["easy", "hard"])
@pytest.mark.parametrize("ties", ["expected", "refine"])
def test_the_same_network_agrees_with_itself(side: Side, ties: Ties) -> None:
    p = 1 / (1 + np.exp(-np.linspace(-3, 3, K)))
    a, b = (votes(p, 20, seed) for seed in (1, 2))
    found = agreed(a, b, Rule(side, 0.3, ties))
    assert found.rate > 0.9
    assert found.high == 1


def test_networks_that_have_nothing_in_common_agree_by_chance() -> None:
    p = EVENLY
    found = agreed(votes(p), votes(np.random.default_rng(0).permutation(p), seed=1))
    assert found.rate == pytest.approx(F, abs=0.06)
    assert found.low < F < found.high


def test_which_run_comes_first_does_not_matter() -> None:
    a, b = votes(EVENLY), votes(EVENLY**2, seed=1)
    one, other = (agreed(*runs, Rule("hard", F, "expected")) for runs in ((a, b), (b, a)))
    assert (one.rate, one.low, one.high) == pytest.approx((other.rate, other.low, other.high), abs=2e-3)


def test_the_rate_alone_is_that_of_the_agreement() -> None:
    a, b = votes(EVENLY), votes(EVENLY**2, seed=1)
    assert true_rate(a, b, RULE) == agreed(a, b).rate


def test_without_replicates_there_is_no_interval() -> None:
    found = agreement(measured(match(0.5)), measured(match(0.5), "b"), match(0.3), RULE)
    assert 0 <= found.rate <= 1
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_noise_that_epochs_share_is_no_agreement() -> None:
    """What is hard early has nothing to do with what is hard late, yet trials err alike at both epochs."""
    rng = np.random.default_rng(0)
    noise, ease = rng.standard_normal((10, K)), rng.standard_normal((2, 1, K))
    early, late = (
        Votes(one + noise > 0, ndtr(one + noise), np.zeros(K, np.int64), np.arange(K), epoch)
        for epoch, one in enumerate(ease, start=1)
    )
    found = agreed(early, late, same_trials=True)
    assert found.low < F < found.high
    assert found.rate < agreed(early, late).rate


def test_counts_that_any_agreement_would_give_leave_it_open() -> None:
    """Nine in ten are nearly always right: which of them are easier is not to be seen in five trials."""
    rng = np.random.default_rng(0)
    hard = rng.random(K) < 0.1
    a, b = (votes(ndtr(np.where(hard, -0.7, 1.7) + 0.7 * rng.standard_normal(K)), 5, seed) for seed in (1, 2))
    rule = Rule("easy", F, "expected")
    steady = match(0.5, np.full(5, 0.5))
    found = agreement(measured(steady, "wide", a), measured(steady, "deep", b), steady, rule)
    assert found.reason == "counts of 5 trials hardly tell the easy examples of wide and deep apart"
    assert all(map(math.isnan, (found.rate, found.low, found.high)))
    assert math.isnan(true_rate(a, b, rule))
    assert 0.5 < true_rate(a, b, replace(rule, side="hard")) <= 1


def test_trials_that_order_ties_by_chance_do_so_each_for_itself() -> None:
    """All are right and equally sure: each trial has a tenth of its own, and no two the same."""
    said = Votes(np.ones((3, K), np.bool_), np.ones((3, K)), np.zeros(K, np.int64), np.arange(K), 1)
    sets = [{*np.flatnonzero(unpack(one, K))} for run in (0, 1) for one in RULE.each_trial(said, run)]
    assert [len(one) for one in sets] == [100] * 6
    for ours, theirs in itertools.combinations(sets, 2):
        assert len(ours & theirs) < 30


@pytest.mark.parametrize("ties", ["expected", "strict"])
def test_trials_count_what_they_are_right_about(ties: Ties) -> None:
    for run in (0, 1):
        sets = Rule("hard", F, ties).each_trial(VOTES, run)
        assert np.array_equal([unpack(one, K) for one in sets], VOTES.correct)


CEILING = match(0.5)


@pytest.mark.parametrize(
    ("a", "b", "pair", "reason"),
    [
        (CEILING, CEILING, match(0.3, num_empty=1), "some sets are empty"),
        (match(0.5, num_empty=2), CEILING, match(0.3), "some sets are empty"),
        (CEILING, CEILING, match(math.nan), "some sets are empty"),
        (CEILING, CEILING, match(0.3, sizes=(79.0, 100.0)), "sets are of 79 examples instead of 100"),
        (CEILING, match(0.5, sizes=(60.4, 60.4)), match(0.3), "sets are of 60 examples instead of 100"),
        (
            match(0.5, interval=(0.1, 0.9)),
            CEILING,
            match(0.3),
            "the ceiling of wide net is not shown to exceed chance",
        ),
        (
            CEILING,
            match(0.5, interval=(0.05, 0.9)),
            match(0.3),
            "the ceiling of deep net is not shown to exceed chance",
        ),
        (
            CEILING,
            match(0.5, interval=(math.nan, math.nan)),
            match(0.3),
            "the ceiling of deep net is not shown to exceed chance",
        ),
    ],
)
def test_why_there_is_none(a: GroupMatch, b: GroupMatch, pair: GroupMatch, reason: str) -> None:
    found = agreement(measured(a, "wide net"), measured(b, "deep net"), pair, RULE)
    assert found.reason == reason
    assert [math.isnan(value) for value in (found.rate, found.low, found.high)] == [True] * 3


def test_sets_of_four_fifths_are_large_enough() -> None:
    found = agreement(measured(CEILING), measured(CEILING, "b"), match(0.3, sizes=(80.0, 80.0)), RULE)
    assert found.reason is None


@pytest.mark.parametrize("ties", ["expected", "strict"])
def test_counts_that_tell_nothing_apart_are_left_out(ties: Ties) -> None:
    """More than three in four have the same count at the cut."""
    rule = Rule("easy", F, ties)
    for masses, name in (((0.8, 0.1), "wide"), ((0.1, 0.8), "deep")):
        wide, deep = (match(0.5, tie_mass=(mass, mass)) for mass in masses)
        found = agreement(measured(wide, "wide"), measured(deep, "deep"), match(0.3), rule)
        assert found.reason == f"counts of 5 trials hardly tell the easy examples of {name} apart"
        finer = agreement(measured(wide), measured(deep, "b"), match(0.3), replace(rule, ties="refine"))
        assert finer.reason is None
