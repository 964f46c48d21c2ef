"""Forecasts, held to what more trials of known examples really give, and runs that stop by them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from simulation import KINDS, Outcome, found_set, simulated, true_set

from easiness import analysis
from easiness.spec import Check, StoppingRule
from matching_by_weights import match_weights, overlap_rate
from plans import logistic_votes

pytestmark = pytest.mark.long

NUM_EXAMPLES, NUM_RUNS, FRACTION = 1500, 6, 0.1
AHEAD = (10, 20, 40)  # trials to foretell the match of; as many more are simulated

CASES = [
    (ties, num_trials, name)
    for ties in ("refine", "expected")
    for num_trials in (10, 30)
    for name in KINDS
    if KINDS[name].counts or ties == "refine"
]


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[analysis.Ties, int, str, str], list[Outcome]]:
    """By policy, number of trials, kind, and what is foretold of which side: how each run came out."""
    found = defaultdict(list)
    for ties, num_trials, name in CASES:
        kind = KINDS[name]
        for run in range(NUM_RUNS):
            rng = np.random.default_rng((run, 7, num_trials))
            ease = rng.standard_normal(NUM_EXAMPLES)
            votes = simulated(ease, kind, 2 * max(AHEAD), rng)

            def part(first: int, last: int, votes: analysis.Votes = votes) -> analysis.Votes:
                return votes.rows(np.arange(first, last))

            for side in analysis.SIDES:
                ahead = analysis.forecast(part(0, num_trials), side=side, fraction=FRACTION, ties=ties)  # type: ignore[arg-type]
                assert ahead is not None

                def rate(first: int, last: int, side=side, ties=ties, part=part):
                    return found_set(part(first, last), side, FRACTION, ties)

                truth = true_set(ease, kind, side, FRACTION, ties)  # type: ignore[arg-type]
                key = (ties, num_trials, name)
                share = overlap_rate(rate(0, num_trials), truth)
                found[*key, f"share, {side}"].append(Outcome.of(*ahead.share(), share))
                for n in AHEAD:
                    match = overlap_rate(rate(0, n), rate(n, 2 * n))
                    found[*key, f"match of {n}, {side}"].append(Outcome.of(*ahead.match(n), match))
    return found  # type: ignore[return-value]


def test_forecasts_are_right_in_the_mean(outcomes) -> None:
    """Within 0.05 beyond what six runs of 150 examples a set leave to chance, and within 0.02 over all."""
    errors = {key: np.array([one.error for one in seen]) for key, seen in outcomes.items()}
    for key, off in errors.items():
        by_chance = 2 * off.std(ddof=1) / np.sqrt(NUM_RUNS)
        assert abs(off.mean()) < 0.05 + by_chance, (key, off.mean())
    for ties in ("refine", "expected"):
        for num_trials in (10, 30):
            means = [off.mean() for key, off in errors.items() if key[:2] == (ties, num_trials)]
            assert abs(np.mean(means)) < 0.02
            assert np.mean(np.abs(means)) < 0.02
    shares = [off.mean() for key, off in errors.items() if "share" in key[3]]
    assert np.abs(shares).max() < 0.05


@pytest.mark.parametrize("ties", ["refine", "expected"])
@pytest.mark.parametrize("num_trials", [10, 30])
@pytest.mark.parametrize("what", ["share", "match of 10", "match of 20", "match of 40"])
def test_intervals_hold_what_comes_nine_times_in_ten(
    outcomes, ties: analysis.Ties, num_trials: int, what: str
) -> None:
    held = [
        one.held
        for key, seen in outcomes.items()
        if key[:2] == (ties, num_trials) and key[3].startswith(what + ",")
        for one in seen
    ]
    assert len(held) >= 70
    assert np.mean(held) >= 0.9


NUM_STOPPED, NUM_STOPPING, MAX_TRIALS = 800, 22, 60
BARS = (0.78, 0.82)  # what the sets hold passes them between 10 and 40 trials

EASE = np.random.default_rng(0).normal(0, 2, NUM_STOPPED)


def share_held(votes: analysis.Votes) -> float:
    """The share of its true set, by `EASE`, that the refined set of these trials holds: of the worse side."""
    counts, sure = votes.num_right, votes.mean_p_label
    return min(
        match_weights(
            analysis.select(counts, side=side, ties="refine", refine_by=sure, ids=votes.ids),
            analysis.select(EASE, side=side),
        ).rate
        for side in analysis.SIDES
    )


def carried_out(votes: analysis.Votes, rule: StoppingRule) -> tuple[str, list[Check]]:
    """Why a run stops, and its checks, each at the number that the one before it named."""
    checks = [analysis.check_trials(votes.rows(np.arange(10)), rule)]
    while (end := analysis.reason_to_stop(rule, tuple(checks))) is None:
        assert checks[-1].next is not None
        checks.append(analysis.check_trials(votes.rows(np.arange(checks[-1].next)), rule))
    return end.reason, checks


def test_runs_that_stop_have_reached_the_bar() -> None:
    """At most one in twenty has not; by what is foretold without its interval many more would stop early."""
    runs = [logistic_votes(EASE, MAX_TRIALS, seed=(1, run)) for run in range(NUM_STOPPING)]
    reached, early, early_by_value = 0, 0, 0
    for bar in BARS:
        for votes in runs:
            reason, checks = carried_out(votes, analysis.stopping_rule(bar, MAX_TRIALS))
            if reason == "reliable":
                reached += 1
                early += share_held(votes.rows(np.arange(checks[-1].trials))) < bar
            above = (check.trials for check in checks if min(check.easy.rate, check.hard.rate) >= bar)
            by_value = next(above, None)
            early_by_value += by_value is not None and share_held(votes.rows(np.arange(by_value))) < bar
    assert reached >= 15
    assert early <= reached / 20
    assert early_by_value >= 3
