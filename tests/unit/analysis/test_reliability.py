"""Sets that change as training goes on, sets that do not, and the shares of heads."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import spearmanr

from easiness import analysis
from easiness.errors import BadInput
from easiness.spec import Check, Tail
from plans import logistic_votes


def simulated(num_trials: int, num_examples: int = 300) -> analysis.Votes:
    rng = np.random.default_rng(5)
    p = np.clip(rng.random(num_examples) + rng.normal(0, 0.2, (num_trials, num_examples)), 0.01, 0.99)
    labels = np.arange(num_examples) % 3
    return analysis.Votes(rng.random(p.shape) < p, p, labels, np.arange(num_examples), 4)


def test_two_trials_by_hand() -> None:
    correct = np.array([[1, 1, 0, 0], [1, 0, 1, 0]], bool)
    run = analysis.Votes(correct, correct * 0.5, np.zeros(4, np.int64), np.arange(4), 2)
    half = analysis.split_half(run, fraction=0.5)
    assert half is not None
    assert (half.epoch, half.group_size, half.num_splits, half.chance) == (2, 1, 1, 0.5)
    assert half.rank_correlation == pytest.approx(0)
    assert half.easy == analysis.TailReliability(expected=0.5, refine=0.5, tie_mass=0)


def test_tails_are_the_ceilings_of_the_same_groups() -> None:
    run = simulated(6)
    half = analysis.split_half(run, 2)
    assert half is not None
    for side, tail in (("easy", half.easy), ("hard", half.hard)):
        for ties in ("expected", "refine"):
            rule = analysis.Rule(side=side, ties=ties)  # type: ignore[arg-type]
            m = analysis.match_groups(run, run, rule, group_size=2, max_splits=20)
            assert m is not None
            assert getattr(tail, ties) == m.rate
            assert tail.tie_mass == pytest.approx(sum(m.tie_mass) / 2)


def test_equally_easy_examples_have_no_rank_correlation() -> None:
    run = analysis.Votes(
        np.ones((2, 20), bool), np.full((2, 20), 0.9), np.zeros(20, np.int64), np.arange(20), 1
    )
    half = analysis.split_half(run)
    assert half is not None
    assert math.isnan(half.rank_correlation)
    assert math.isnan(half.spearman_brown)
    assert half.easy.expected == pytest.approx(half.chance)
    assert half.easy.tie_mass == 1


def test_reliability_grows_with_the_number_of_trials() -> None:
    table = analysis.reliability_by_trials(simulated(24))
    assert [half.group_size for half in table] == [1, 2, 3, 5, 7, 10, 12]
    correlations = [half.rank_correlation for half in table]
    assert correlations == sorted(correlations)
    # what is predicted for twice the size comes true
    assert table[3].spearman_brown == pytest.approx(table[5].rank_correlation, abs=0.03)


def test_sizes_at_which_a_group_has_nothing_right_are_left_out() -> None:
    votes = simulated(8)
    deaf = replace(votes, correct=votes.correct & (np.arange(8) != 3)[:, None])
    assert [half.group_size for half in analysis.reliability_by_trials(deaf)] == [2, 3, 4]
    with pytest.raises(BadInput, match="fraction 2"):
        analysis.reliability_by_trials(deaf, fraction=2)


def test_few_trials() -> None:
    assert analysis.reliability_by_trials(simulated(1)) == []
    assert analysis.split_half(simulated(1)) is None
    assert [half.group_size for half in analysis.reliability_by_trials(simulated(3))] == [1]
    with pytest.raises(BadInput, match="group size 2: must be at most 1"):
        analysis.split_half(simulated(3), 2)


def half_at(epoch: int, easy: float, hard: float) -> analysis.SplitHalf:
    half = analysis.split_half(simulated(2))
    assert half is not None
    return replace(
        half, epoch=epoch, easy=replace(half.easy, refine=easy), hard=replace(half.hard, refine=hard)
    )


def test_each_tail_has_its_best_epoch() -> None:
    halves = [half_at(1, 0.3, 0.5), half_at(2, 0.6, 0.4), half_at(3, 0.6, math.nan)]
    assert analysis.best_epoch(halves, "easy") == 2  # the first of equals
    assert analysis.best_epoch(reversed(halves), "easy") == 2
    assert analysis.best_epoch(halves, "hard") == 1
    assert analysis.best_epoch([half_at(1, math.nan, 0.1)], "easy") is None
    assert analysis.best_epoch([], "hard") is None


K = 500
RISING = np.linspace(-3, 3, K)


@pytest.mark.parametrize("side", ["easy", "hard"])
def test_sets_that_stay_do_not_go_on_changing_and_those_that_turn_round_do(side: analysis.Side) -> None:
    same, turned = (
        analysis.drift(logistic_votes(RISING, epoch=3), logistic_votes(e, epoch=4, seed=1), side=side)
        for e in (RISING, -RISING)
    )
    assert same is not None
    assert (same.side, same.epoch, same.last, same.decided) == (side, 3, 4, True)
    assert same.agreement.rate > 0.8
    assert same.agreement.high == 1
    assert not same.goes_on
    assert turned is not None
    assert turned.agreement.reason is None
    assert turned.agreement.rate < 0.05
    assert turned.agreement.high < 0.3
    assert turned.goes_on


def test_each_side_has_its_own() -> None:
    """The hardest fifth is shuffled, the rest stays."""
    shuffled = RISING.copy()
    shuffled[:100] = np.random.default_rng(0).permutation(shuffled[:100])
    shuffled[:100] *= 2
    early = RISING.copy()
    early[:100] *= 2
    easy, hard = (
        analysis.drift(logistic_votes(early), logistic_votes(shuffled, epoch=2, seed=1), side=side)
        for side in ("easy", "hard")
    )
    assert easy is not None
    assert hard is not None
    assert not easy.goes_on
    assert hard.goes_on


def test_few_trials_decide_nothing_and_undefined_votes_are_refused() -> None:
    found = analysis.drift(
        logistic_votes(RISING, 8), logistic_votes(-RISING, 8, epoch=2, seed=1), side="hard"
    )  # groups of four
    assert found is not None
    assert not found.decided
    assert not found.goes_on
    for num in (1, 8):
        assert (
            analysis.drift(logistic_votes(RISING, 1), logistic_votes(RISING, num, epoch=2), side="hard")
            is None
        )
    with pytest.raises(BadInput, match="epoch 1: no example"):
        analysis.drift(logistic_votes(np.full(K, -50.0)), logistic_votes(RISING, epoch=2), side="hard")


@pytest.mark.parametrize(
    ("agreement", "decided", "goes_on"),
    [
        (analysis.Agreement(0.5, 0.4, 0.6), True, True),
        (analysis.Agreement(0.89, 0.8, 0.94), True, True),
        (analysis.Agreement(0.89, 0.8, 0.95), True, False),  # not shown to change by more than a twentieth
        (analysis.Agreement(0.9, 0.88, 0.92), True, False),
        (analysis.Agreement(0.5, 0.4, 0.6), False, False),
        (analysis.Agreement(reason="some sets are empty"), True, False),
        (analysis.Agreement(0.5), True, False),  # without an interval nothing is shown
    ],
)
def test_when_sets_are_said_to_change(agreement: analysis.Agreement, decided: bool, goes_on: bool) -> None:
    assert analysis.Drift("hard", 3, 4, agreement, decided).goes_on is goes_on


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (range(1, 11), 7),
        ((5, 10), 5),
        ((9, 10), 9),  # none lies before the last quarter: the first there is
        ((8, 9, 10), 8),
        ((10,), None),
    ],
)
def test_the_epoch_before_the_last_quarter(epochs: tuple[int, ...], expected: int | None) -> None:
    assert analysis.before_last_quarter(tuple(epochs)) == expected


NUM, FRACTION = 4000, 0.1


def _votes(probability, num_trials, rng, *, of_repeat):
    """Trials that are right with a probability; where one of a repeat is, the next of it is less often.

    Within a repeat they are as little independent as can be: a draw in equal steps.
    """
    steps = np.arange(num_trials) % of_repeat / of_repeat
    start = np.repeat(rng.random((num_trials // of_repeat, len(probability))), of_repeat, axis=0)
    order = rng.permuted(steps.reshape(-1, of_repeat), axis=1).ravel()
    return (start + order[:, None]) % 1 < probability


@pytest.mark.parametrize("of_repeat", [1, 2])
def test_memberships_hold(of_repeat):
    rng = np.random.default_rng(0)
    probability = rng.beta(1.5, 0.7, NUM)
    for num_trials in (12, 40):
        counts = _votes(probability, num_trials, rng, of_repeat=of_repeat).sum(axis=0)
        belongs = analysis.membership(counts, num_trials, FRACTION)
        for side, p in zip(analysis.SIDES, (belongs.p_easy, belongs.p_hard), strict=True):
            true = analysis.select(probability, FRACTION, side)
            at = np.minimum((10 * p).astype(int), 9)
            off = sum(abs(p[at == one].sum() - true[at == one].sum()) for one in range(10)) / NUM
            assert off < 0.04, (side, num_trials, off)


def test_halves_say_how_far_another_run_agrees():
    """Halves that share repeats agree less than they would: what is said is hardly too much."""
    rng = np.random.default_rng(1)
    probability = rng.beta(1.5, 0.7, NUM)
    one, other = (_votes(probability, 20, rng, of_repeat=2) for _ in range(2))
    ids = np.arange(NUM)
    half = analysis.split_half(analysis.Votes(one, one.astype(float), np.zeros(NUM, int), ids, 1))
    came = spearmanr(one.sum(axis=0), other.sum(axis=0)).statistic
    assert half is not None
    assert came - 0.05 < half.spearman_brown < came + 0.01


EXAMPLES = 200


def made(num_trials: int, *, noisy_easy: bool = False, noisy_hard: bool = False) -> analysis.Votes:
    """The first half of the examples is always right, the rest never; by name, in an order that is noise."""
    rng = np.random.default_rng(3)
    p = np.tile(np.linspace(0.01, 0.99, EXAMPLES), (num_trials, 1))
    for part, noisy in ((slice(0, EXAMPLES // 2), noisy_easy), (slice(EXAMPLES // 2, EXAMPLES), noisy_hard)):
        if noisy:
            p[:, part] = rng.random((num_trials, EXAMPLES // 2))
    right = np.tile(np.arange(EXAMPLES) < EXAMPLES // 2, (num_trials, 1))
    return analysis.Votes(right, p, np.zeros(EXAMPLES, np.int64), np.arange(EXAMPLES), 7)


def check(trials: int, easy: float, hard: float, *, following: int | None = None) -> Check:
    """A check whose intervals begin at ``easy`` and ``hard`` and are 0.1 wide."""
    tails = [Tail(rate=low + 0.05, low=low, high=low + 0.1) for low in (easy, hard)]
    return Check(
        trials=trials,
        epoch=3,
        group_size=trials // 2,
        easy=tails[0],
        hard=tails[1],
        chance=0.1,
        decided=True,
        next=following,
    )


def test_trials_that_agree_are_reliable_at_once() -> None:
    found = analysis.check_trials(made(10), analysis.stopping_rule(0.8, 100))
    assert (found.trials, found.epoch, found.group_size, found.decided) == (10, 7, 5, True)
    for tail in (found.easy, found.hard):
        assert tail.rate > 0.99
        assert tail.low > 0.95
    assert found.chance == 0.1
    assert min(found.easy.low, found.hard.low) >= 0.95


def test_both_sets_count() -> None:
    """Twenty of a hundred noisy examples are drawn, none of which is harder than the others."""
    rule = analysis.stopping_rule(0.5, 100)
    for found, same, other in (
        (analysis.check_trials(made(10, noisy_hard=True), rule), "easy", "hard"),
        (analysis.check_trials(made(10, noisy_easy=True), rule), "hard", "easy"),
    ):
        assert getattr(found, same).rate > 0.99
        assert getattr(found, other).rate < 0.5
        assert min(found.easy.low, found.hard.low) < 0.5


def test_the_next_number_of_trials_is_foretold_within_a_fifth_and_twice_as_many() -> None:
    """Sets that agree need no more, ones that are noise as many as there may be."""
    assert analysis.check_trials(made(10), analysis.stopping_rule(0.8, 100)).next is None
    assert analysis.check_trials(made(10, noisy_hard=True), analysis.stopping_rule(0.8, 100)).next == 20
    assert analysis.check_trials(made(10, noisy_hard=True), analysis.stopping_rule(0.8, 15)).next == 15
    assert analysis.check_trials(made(10, noisy_hard=True), analysis.stopping_rule(0.8, 10)).next is None


@pytest.mark.long
@given(st.integers(10, 60), st.integers(10, 80), st.floats(0.3, 0.95))
@settings(max_examples=20, deadline=None)
def test_checks_go_on_to_the_cap_and_never_past_it(num: int, cap: int, reliability: float) -> None:
    if num > cap:
        num, cap = cap, num
    votes = logistic_votes(np.linspace(-3, 3, EXAMPLES), num, seed=num)
    found = analysis.check_trials(votes, analysis.stopping_rule(reliability, cap))
    following = found.next
    if num == cap or min(found.easy.low, found.hard.low) >= reliability:
        assert following is None
    else:
        assert following is not None
        assert num < following <= cap
        assert following == cap or (following % 2 == 0 and 1.2 * num - 1 <= following <= 2 * num + 2)


def test_why_a_run_stops() -> None:
    rule = analysis.stopping_rule(0.8, 12)
    first, last = check(10, 0.5, 0.85, following=12), check(12, 0.7, 0.85)
    assert analysis.reason_to_stop(rule, (first,)) is None

    good = analysis.reason_to_stop(rule, (first, check(12, 0.8, 0.85)))
    assert good is not None
    assert good.reason == "reliable"
    assert [one.trials for one in good.checks] == [10, 12]
    assert good.sentence == (
        "share of the true sets easy 0.850 [0.800, 0.900] and hard 0.900 [0.850, 0.950] after 12 trials, "
        "epoch 3: both intervals at or above 0.8"
    )

    capped = analysis.reason_to_stop(rule, (first, last))
    assert capped is not None
    assert (capped.rule, capped.reason) == (rule, "cap")
    assert capped.sentence == (
        f"stopped at the cap of 12 trials: {analysis.check_text(last)}: the interval of easy is not wholly "
        "at or above 0.8"
    )
    both = analysis.reason_to_stop(rule, (check(12, 0.1, 0.2),))
    assert both is not None
    assert "the interval of easy and hard is not" in both.sentence


@pytest.mark.parametrize(
    ("reliability", "max_trials", "text"),
    [
        (0.1, 100, r"reliability 0.1: not in \(0.1, 1\)"),
        (1, 100, "reliability 1: not in"),
        (float("nan"), 100, "reliability nan: not in"),
        (0.8, 9, "max trials 9: must be at least 10"),
        (0.8, 20.5, "max trials 20.5: must be a whole number"),
    ],
)
def test_rules_that_make_no_sense(reliability: float, max_trials: int, text: str) -> None:
    with pytest.raises(BadInput, match=f"^{text}"):
        analysis.stopping_rule(reliability, max_trials)
