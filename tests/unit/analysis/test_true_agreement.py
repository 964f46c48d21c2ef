"""The agreement without noise, of runs whose true sets are known."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import ndtr, ndtri
from sklearn.metrics import cohen_kappa_score

from easiness.analysis import (
    Agreement,
    GroupMatch,
    Rule,
    RunInPair,
    Side,
    Ties,
    Votes,
    agreement,
    kappa,
    match_groups,
    true_rate,
)
from easiness.errors import BadInput
from plans import group_match

K, F = 1000, 0.1
RULE = Rule("hard", F, "refine")


def votes(p_right: npt.ArrayLike, num_trials: int = 10, seed: int = 0) -> Votes:
    """Trials in which an example is right with its probability [K], surer the farther from being wrong."""
    rng = np.random.default_rng(seed)
    far = ndtri(np.asarray(p_right, np.float64)).clip(-20, 20) + rng.standard_normal((num_trials, K))
    return Votes(far > 0, ndtr(far), np.zeros(K, np.int64), np.arange(K), 1)


EVENLY = (np.arange(K) + 0.5) / K
VOTES = votes(EVENLY)


def match(rate: float, replicates: npt.ArrayLike = (), **changes: Any) -> GroupMatch:
    """A match of groups of five trials, and a ceiling if it exceeds chance: its interval is 0.02 wide."""
    plain: dict[str, Any] = {"chance": F, "class_chance": F, "sizes": (K * F, K * F)}
    plain |= {"replicates": np.asarray(replicates, np.float64)}
    return group_match(rate, 0.01, **plain | changes)


def measured(ceiling: GroupMatch, name: str = "a", said: Votes = VOTES) -> RunInPair:
    return RunInPair(name, said, ceiling)


def agreed(a: Votes, b: Votes, rule: Rule = RULE, *, same_trials: bool = False) -> Agreement:
    """The agreement with few replicates."""

    def matched(ours: Votes, theirs: Votes) -> GroupMatch:
        found = match_groups(ours, theirs, rule, max_splits=5, num_replicates=20, by_class=False)
        assert found is not None
        return found

    runs = (RunInPair("wide", a, matched(a, a)), RunInPair("deep", b, matched(b, b)))
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


def test_noise_that_epochs_share_is_no_agreement() -> None:
    """Early difficulty has nothing to do with late difficulty, yet trials err alike at both epochs."""
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
    sets = [{*np.flatnonzero(one)} for run in (0, 1) for one in RULE.each_trial(said, run)]
    assert [len(one) for one in sets] == [100] * 6
    for ours, theirs in itertools.combinations(sets, 2):
        assert len(ours & theirs) < 30


CEILING = match(0.5)
NOT_SHOWN = "the ceiling of {} net is not shown to exceed chance"


@pytest.mark.parametrize(
    ("a", "b", "pair", "reason"),
    [
        (CEILING, CEILING, match(0.3, num_empty=1), "some sets are empty"),
        (match(0.5, num_empty=2), CEILING, match(0.3), "some sets are empty"),
        (CEILING, CEILING, match(math.nan), "some sets are empty"),
        (CEILING, CEILING, match(0.3, sizes=(79.0, 100.0)), "sets are of 79 examples instead of 100"),
        (CEILING, CEILING, match(0.3, sizes=(80.0, 80.0)), None),
        (CEILING, match(0.5, sizes=(60.4, 60.4)), match(0.3), "sets are of 60 examples instead of 100"),
        (match(0.5, interval=(0.1, 0.9)), CEILING, match(0.3), NOT_SHOWN.format("wide")),
        (CEILING, match(0.5, interval=(0.05, 0.9)), match(0.3), NOT_SHOWN.format("deep")),
        (CEILING, match(0.5, interval=(math.nan, math.nan)), match(0.3), NOT_SHOWN.format("deep")),
    ],
)
def test_why_there_is_none(a: GroupMatch, b: GroupMatch, pair: GroupMatch, reason: str | None) -> None:
    found = agreement(measured(a, "wide net"), measured(b, "deep net"), pair, RULE)
    assert found.reason == reason
    assert math.isnan(found.rate) == (reason is not None)
    assert [math.isnan(value) for value in (found.low, found.high)] == [True] * 2


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


def _answers(table: list[list[int]]) -> np.ndarray:
    """Two people's answers with these counts."""
    counts = np.array(table)
    return np.stack([np.repeat(one.ravel(), counts.ravel()) for one in np.indices(counts.shape)])


@pytest.mark.parametrize("table", [[[20, 5], [10, 15]], [[88, 14, 18], [10, 40, 10], [2, 6, 12]]])
def test_of_two_it_is_cohens(table):
    answers = _answers(table)
    found = kappa(answers)
    assert found is not None
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(cohen_kappa_score(*answers))
    assert found.num == answers.shape[1]
    assert found.agreement.value == pytest.approx(np.trace(table) / np.sum(table))


def test_of_more_it_is_fleiss():
    """14 people and 10 subjects, a published example: 0.210 (statsmodels 0.15.0: 0.20993)."""
    counts = [
        *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
        *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
    ]
    found = kappa(np.stack([np.repeat(np.arange(5), row) for row in counts], axis=1))
    assert found is not None
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(0.20993, abs=1e-5)
    assert found.agreement.value == pytest.approx(0.37802, abs=1e-5)


def test_it_is_undefined_where_all_answers_are_the_same_and_the_agreement_is_not():
    found = kappa(np.ones((2, 30), np.int64))
    assert found is not None
    assert found.kappa is None
    assert found.agreement.value == found.agreement.high == 1
    assert 0.85 < found.agreement.low < 0.95  # of 30 without one that differs, 0.90 (rule of three)
    assert kappa(np.ones((2, 0), np.int64)) is None


def test_few_who_all_agree_do_not_show_much():
    found = kappa(np.array([[0, 1, 1], [0, 1, 1]]))
    assert found is not None
    assert found.kappa is not None
    assert found.kappa.value == found.kappa.high == 1
    assert found.kappa.low < 0.3


def _confused(accuracy: float, num: int) -> np.ndarray:
    wrong = (1 - accuracy) / (num - 1)
    return np.full((num, num), wrong) + (accuracy - wrong) * np.eye(num)


@pytest.mark.parametrize(
    ("people", "usual", "accuracy"),
    [(2, (0.7, 0.3), 0.8), (2, (0.95, 0.05), 0.95), (3, (0.25,) * 4, 0.9), (4, (0.9, 0.1), 0.97)],
)
def test_the_intervals_cover(people, usual, accuracy):
    """People of a known confusion; what their kappa is follows from it."""
    prior, confusion = np.array(usual), _confused(accuracy, len(usual))
    joint = np.einsum("t,ta,tb->ab", prior, confusion, confusion)
    chance = np.sum((prior @ confusion) ** 2)
    truth = (np.trace(joint) - chance) / (1 - chance)
    rng, held, num = np.random.default_rng(0), [], 150
    for _ in range(num):
        classes = rng.choice(len(usual), 60, p=prior)
        drawn = rng.random((people, 60, 1)) > confusion.cumsum(axis=1)[classes]
        found = kappa(drawn.sum(axis=2))
        if found is not None and found.kappa is not None:
            pairs = (found.kappa, truth), (found.agreement, np.trace(joint))
            held.append([one.low <= true <= one.high for one, true in pairs])
    assert len(held) > 0.9 * num
    assert (np.mean(held, axis=0) > 0.9).all()  # of 150 at 95 %, fewer would be chance once in a hundred


@pytest.fixture
def three() -> Votes:
    return Votes(
        correct=np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], bool),
        p_label=np.array([[0.75, 0.5, 0.25, 0], [0.5, 0.25, 1, 0], [0, 0, 0.25, 0.5]], np.float32),
        labels=np.zeros(4, np.int64),
        ids=np.array(list("abcd")),
        epoch=7,
    )


def test_counts_and_means_over_trials(three: Votes) -> None:
    assert three.num_right.tolist() == [2, 1, 1, 0]
    np.testing.assert_allclose(three.mean_p_label, np.array([1.25, 0.75, 1.5, 0.5]) / 3)
    rows = [0] * 300 + [1]
    many = replace(three, correct=three.correct[rows], p_label=three.p_label[rows])
    assert many.num_right.tolist() == [301, 300, 1, 0]


def test_a_group_that_is_never_right_leaves_easiness_undefined(three: Votes) -> None:
    three.check_heard(np.array([[0, 2], [1, 1]]))
    with pytest.raises(BadInput, match=r"epoch 7: no example .* group of 2"):
        three.check_heard(np.array([[0, 1], [2, 2]]))


def test_sums_of_probabilities_do_not_depend_on_the_order_of_trials() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((9, 50))
    twice = np.concatenate([p, p[::-1]], axis=1)  # the same nine values per example, in two orders
    v = Votes(twice > 0, twice, np.zeros(100, np.int64), np.arange(100), 1)
    means = v.mean_p_label
    assert np.array_equal(means[:50], means[50:])
    assert means[:50] == pytest.approx(p.mean(axis=0), abs=1e-11)
