"""Runs whose true sets are known: does `--trials auto` stop only where the sets hold as much as asked?"""

from __future__ import annotations

import numpy as np
import pytest

from easiness.analysis import SIDES, Votes, check_trials, reason_to_stop, select, stopping_rule
from easiness.spec import Check, StoppingRule
from matching_by_weights import match_weights

pytestmark = pytest.mark.long

NUM_EXAMPLES, NUM_RUNS, MAX_TRIALS = 800, 22, 60
BARS = (0.78, 0.82)  # what the sets hold passes them between 10 and 40 trials

EASE = np.random.default_rng(0).normal(0, 2, NUM_EXAMPLES)


def simulated(rng: np.random.Generator, num_trials: int) -> Votes:
    """Trials with p_y = 1 / (1 + exp(-(ease + noise))), right where it is above 1/2."""
    p = 1 / (1 + np.exp(-(EASE + rng.normal(size=(num_trials, NUM_EXAMPLES)))))
    return Votes(p > 0.5, p, np.zeros(NUM_EXAMPLES, np.int64), np.arange(NUM_EXAMPLES), 1)


def first(votes: Votes, num: int) -> Votes:
    return votes.rows(np.arange(num))


def held(votes: Votes) -> float:
    """The share of its true set, by `EASE`, that the refined set of these trials holds: of the worse side."""
    counts, sure = votes.num_right, votes.mean_p_label
    return min(
        match_weights(
            select(counts, side=side, ties="refine", refine_by=sure, ids=votes.ids), select(EASE, side=side)
        ).rate
        for side in SIDES
    )


def carried_out(votes: Votes, rule: StoppingRule) -> tuple[str, list[Check]]:
    """Why a run stops, and its checks, each at the number that the one before it named."""
    checks = [check_trials(first(votes, 10), rule)]
    while (end := reason_to_stop(rule, tuple(checks))) is None:
        assert checks[-1].next is not None
        checks.append(check_trials(first(votes, checks[-1].next), rule))
    return end.reason, checks


@pytest.fixture(scope="module")
def runs() -> list[Votes]:
    return [simulated(np.random.default_rng((1, run)), MAX_TRIALS) for run in range(NUM_RUNS)]


def test_runs_that_stop_have_reached_the_bar(runs: list[Votes]) -> None:
    """At most one in twenty has not; by what is foretold without its interval many more would stop early."""
    reached, early, early_by_value = 0, 0, 0
    for bar in BARS:
        for votes in runs:
            reason, checks = carried_out(votes, stopping_rule(bar, MAX_TRIALS))
            if reason == "reliable":
                reached += 1
                early += held(first(votes, checks[-1].trials)) < bar
            above = (check.trials for check in checks if min(check.easy.rate, check.hard.rate) >= bar)
            by_value = next(above, None)
            early_by_value += by_value is not None and held(first(votes, by_value)) < bar
    assert reached >= 15
    assert early <= reached / 20
    assert early_by_value >= 3
