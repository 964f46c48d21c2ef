"""Runs of which the true matching rate is known: does `--trials auto` stop only where it is reached?"""

from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis import Votes, check_trials, match_votes, schedule, stopped, stopping_rule
from easiness.spec import Check

NUM_EXAMPLES, NUM_RUNS, MAX_TRIALS = 300, 20, 24
BARS = (0.65, 0.7)  # the true rate of the hard set passes them between 10 and 16 trials

EASE = np.random.default_rng(0).normal(0, 2, NUM_EXAMPLES)


def simulated(rng: np.random.Generator, num_trials: int) -> Votes:
    """Trials with p_y = 1 / (1 + exp(-(ease + noise))), right where it is above 1/2."""
    p = 1 / (1 + np.exp(-(EASE + rng.normal(size=(num_trials, NUM_EXAMPLES)))))
    return Votes(p > 0.5, p, np.zeros(NUM_EXAMPLES, np.int64), np.arange(NUM_EXAMPLES), 1)


def first(votes: Votes, num: int) -> Votes:
    return Votes(votes.correct[:num], votes.p_label[:num], votes.labels, votes.ids, 1)


@pytest.fixture(scope="module")
def truth() -> dict[int, float]:
    """The smaller of both sides' mean matching rates between 100 fresh pairs of groups, by trials in both."""
    rng = np.random.default_rng(99)

    def rate(side, size):
        pairs = ((simulated(rng, size), simulated(rng, size)) for _ in range(100))
        return np.mean([match_votes(a, b, side=side, ties="refine").rate for a, b in pairs])

    return {num: min(rate("easy", num // 2), rate("hard", num // 2)) for num in schedule(MAX_TRIALS)}


@pytest.fixture(scope="module")
def runs() -> list[list[Check]]:
    """Every check of each run."""
    whole = [simulated(np.random.default_rng((1, run)), MAX_TRIALS) for run in range(NUM_RUNS)]
    return [[check_trials(first(votes, num)) for num in schedule(MAX_TRIALS)] for votes in whole]


def test_runs_that_stop_have_reached_the_bar(truth, runs) -> None:
    """At most one in twenty has not; by the rate without its interval many more would have stopped early."""
    reached, early, early_by_rate = 0, 0, 0
    for bar in BARS:
        rule = stopping_rule(bar, MAX_TRIALS)
        for checks in runs:
            ends = (stopped(rule, tuple(checks[: num + 1])) for num in range(len(checks)))
            end = next(end for end in ends if end is not None)
            if end.reason == "reliable":
                reached += 1
                early += truth[end.checks[-1].trials] < bar
            above = (check.trials for check in checks if min(check.easy.rate, check.hard.rate) >= bar)
            by_rate = next(above, None)
            early_by_rate += by_rate is not None and truth[by_rate] < bar
    assert reached >= 10
    assert early <= reached / 20
    assert early_by_rate >= 4
