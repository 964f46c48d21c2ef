from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from easiness.analysis import Votes, check_text, check_trials, stopped, stopping_rule
from easiness.analysis.enough import is_enough
from easiness.errors import BadInput
from easiness.spec import Check, Tail

K = 200


def made(num_trials: int, *, noisy_easy: bool = False, noisy_hard: bool = False) -> Votes:
    """The first half of the examples is always right, the rest never; by name, in an order that is noise."""
    rng = np.random.default_rng(3)
    p = np.tile(np.linspace(0.01, 0.99, K), (num_trials, 1))
    for part, noisy in ((slice(0, K // 2), noisy_easy), (slice(K // 2, K), noisy_hard)):
        if noisy:
            p[:, part] = rng.random((num_trials, K // 2))
    right = np.tile(np.arange(K) < K // 2, (num_trials, 1))
    return Votes(right, p, np.zeros(K, np.int64), np.arange(K), 7)


def graded(num_trials: int) -> Votes:
    """Examples of all grades of ease, right more often the easier they are."""
    rng = np.random.default_rng(num_trials)
    p = 1 / (1 + np.exp(-(np.linspace(-3, 3, K) + rng.normal(size=(num_trials, K)))))
    return Votes(p > 0.5, p, np.zeros(K, np.int64), np.arange(K), 7)


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
    found = check_trials(made(10), stopping_rule(0.8, 100))
    assert (found.trials, found.epoch, found.group_size, found.decided) == (10, 7, 5, True)
    for tail in (found.easy, found.hard):
        assert tail.rate > 0.99
        assert tail.low > 0.95
    assert found.chance == 0.1
    assert is_enough(found, 0.95)


def test_both_sets_count() -> None:
    """Twenty of a hundred noisy examples are drawn, none of which is harder than the others."""
    rule = stopping_rule(0.5, 100)
    for found, same, other in (
        (check_trials(made(10, noisy_hard=True), rule), "easy", "hard"),
        (check_trials(made(10, noisy_easy=True), rule), "hard", "easy"),
    ):
        assert getattr(found, same).rate > 0.99
        assert getattr(found, other).rate < 0.5
        assert not is_enough(found, 0.5)


def test_the_next_number_of_trials_is_foretold_within_a_fifth_and_twice_as_many() -> None:
    """Sets that agree need no more, ones that are noise as many as there may be."""
    assert check_trials(made(10), stopping_rule(0.8, 100)).next is None
    assert check_trials(made(10, noisy_hard=True), stopping_rule(0.8, 100)).next == 20
    assert check_trials(made(10, noisy_hard=True), stopping_rule(0.8, 15)).next == 15
    assert check_trials(made(10, noisy_hard=True), stopping_rule(0.8, 10)).next is None


@pytest.mark.long
@given(st.integers(10, 60), st.integers(10, 80), st.floats(0.3, 0.95))
@settings(max_examples=20, deadline=None)
def test_checks_go_on_to_the_cap_and_never_past_it(num: int, cap: int, reliability: float) -> None:
    if num > cap:
        num, cap = cap, num
    found = check_trials(graded(num), stopping_rule(reliability, cap))
    following = found.next
    if num == cap or is_enough(found, reliability):
        assert following is None
    else:
        assert following is not None
        assert num < following <= cap
        assert following == cap or (following % 2 == 0 and 1.2 * num - 1 <= following <= 2 * num + 2)


def test_the_whole_interval_counts() -> None:
    assert is_enough(check(20, 0.8, 0.9), 0.8)
    assert not is_enough(check(20, 0.79, 0.9), 0.8)
    assert not is_enough(check(20, 0.9, 0.79), 0.8)


def test_why_a_run_stops() -> None:
    rule = stopping_rule(0.8, 12)
    first, last = check(10, 0.5, 0.85, following=12), check(12, 0.7, 0.85)
    assert stopped(rule, (first,)) is None

    good = stopped(rule, (first, check(12, 0.8, 0.85)))
    assert good is not None
    assert good.reason == "reliable"
    assert [one.trials for one in good.checks] == [10, 12]
    assert good.sentence == (
        "share of the true sets easy 0.850 [0.800, 0.900] and hard 0.900 [0.850, 0.950] after 12 trials, "
        "epoch 3: both intervals at or above 0.8"
    )

    capped = stopped(rule, (first, last))
    assert capped is not None
    assert (capped.rule, capped.reason) == (rule, "cap")
    assert capped.sentence == (
        f"stopped at the cap of 12 trials: {check_text(last)}: the interval of easy is not wholly at or "
        "above 0.8"
    )
    both = stopped(rule, (check(12, 0.1, 0.2),))
    assert both is not None
    assert "the interval of easy and hard is not" in both.sentence


def test_easiness_that_is_undefined() -> None:
    none_right = Votes(
        np.zeros((10, 20), bool), np.full((10, 20), 0.1), np.zeros(20, np.int64), np.arange(20), 1
    )
    with pytest.raises(BadInput, match=r"classified correctly in .* 10 trials"):
        check_trials(none_right, stopping_rule(0.8, 100))


@pytest.mark.parametrize(
    ("reliability", "max_trials", "text"),
    [
        (0.1, 100, "reliability 0.1: must be above 0.1, which chance reaches, and below 1"),
        (-1, 100, "reliability -1: must be above 0.1"),
        (1, 100, "reliability 1: must be above 0.1"),
        (float("nan"), 100, "reliability nan: must be above 0.1"),
        (0.8, 9, "max trials 9: must be at least 10, since fewer give no forecast"),
        (0.8, 20.5, "max trials 20.5: must be a whole number"),
    ],
)
def test_rules_that_make_no_sense(reliability: float, max_trials: int, text: str) -> None:
    with pytest.raises(BadInput, match=f"^{text}"):
        stopping_rule(reliability, max_trials)
