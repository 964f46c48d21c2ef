"""Forecasts from 10 and from 30 trials, held to what more trials of known examples really give."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pytest
from simulation import KINDS, found_set, simulated, true_set

from easiness.analysis import SIDES, Interval, Ties, Votes, forecast
from matching_by_weights import overlap_rate

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


class Seen(NamedTuple):
    """How far a forecast is off, and whether its interval holds what came."""

    error: float
    held: bool


def _seen(foretold: Interval, came: float) -> Seen:
    return Seen(foretold.value - came, foretold.low <= came <= foretold.high)


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[Ties, int, str, str], list[Seen]]:
    """By policy, number of trials, kind, and what is foretold of which side: how each run came out."""
    found = defaultdict(list)
    for ties, num_trials, name in CASES:
        kind = KINDS[name]
        for run in range(NUM_RUNS):
            rng = np.random.default_rng((run, 7, num_trials))
            ease = rng.standard_normal(NUM_EXAMPLES)
            votes = simulated(ease, kind, 2 * max(AHEAD), rng)

            def part(first: int, last: int, votes: Votes = votes) -> Votes:
                return votes.rows(np.arange(first, last))

            for side in SIDES:
                ahead = forecast(part(0, num_trials), side=side, fraction=FRACTION, ties=ties)  # type: ignore[arg-type]
                assert ahead is not None

                def rate(first: int, last: int, side=side, ties=ties, part=part):
                    return found_set(part(first, last), side, FRACTION, ties)

                truth = true_set(ease, kind, side, FRACTION, ties)  # type: ignore[arg-type]
                key = (ties, num_trials, name)
                share = overlap_rate(rate(0, num_trials), truth)
                found[*key, f"share, {side}"].append(_seen(ahead.share(), share))
                for n in AHEAD:
                    match = overlap_rate(rate(0, n), rate(n, 2 * n))
                    found[*key, f"match of {n}, {side}"].append(_seen(ahead.match(n), match))
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
    outcomes, ties: Ties, num_trials: int, what: str
) -> None:
    held = [
        one.held
        for key, seen in outcomes.items()
        if key[:2] == (ties, num_trials) and key[3].startswith(what + ",")
        for one in seen
    ]
    assert len(held) >= 70
    assert np.mean(held) >= 0.9
