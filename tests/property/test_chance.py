"""Ties everywhere and nothing in common: an honest matching rate is then at chance."""

import numpy as np
import pytest

from easiness.analysis import Rule, Side, Ties, Votes, match_groups, select
from matching_by_weights import match_weights

K, NUM_TRIALS, FRACTION, NUM_SEEDS = 1000, 3, 0.1, 200


def random_counts(seed: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.random.default_rng(seed).binomial(NUM_TRIALS, 0.6, (2, K))
    return a, b


def by_index(values: np.ndarray, side: Side) -> np.ndarray:
    """A rule that must not be used: the first examples among the tied belong, in both records alike."""
    order = np.argsort(-values if side == "easy" else values, kind="stable")
    weights = np.zeros(K)
    weights[order[: int(FRACTION * K)]] = 1
    return weights


def deviation(rates: list[float]) -> float:
    """Distance of the mean rate from chance in its standard errors."""
    return (np.mean(rates) - FRACTION) / (np.std(rates, ddof=1) / np.sqrt(len(rates)))


@pytest.mark.parametrize("side", ["easy", "hard"])
def test_expected_ties_stay_at_chance_where_index_order_does_not(side: Side) -> None:
    expected, hashed, indexed = [], [], []
    for seed in range(NUM_SEEDS):
        a, b = random_counts(seed)
        expected.append(match_weights(select(a, FRACTION, side=side), select(b, FRACTION, side=side)).rate)
        w_a = select(a, FRACTION, side=side, ties="refine", seed=2 * seed)
        w_b = select(b, FRACTION, side=side, ties="refine", seed=2 * seed + 1)
        hashed.append(match_weights(w_a, w_b).rate)
        indexed.append(match_weights(by_index(a, side), by_index(b, side)).rate)
    assert abs(deviation(expected)) < 4
    assert abs(deviation(hashed)) < 4
    assert np.mean(indexed) > 1.5 * FRACTION
    assert deviation(indexed) > 20


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
