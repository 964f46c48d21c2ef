"""Agreement without noise, held to the overlap of true sets that are known."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from simulation import KINDS, Floats, Kind, pair_of_eases, simulated, true_set

from easiness.analysis import (
    SIDES,
    Agreement,
    GroupMatch,
    Measured,
    Rule,
    Ties,
    Votes,
    agreement,
    match_groups,
)
from lengths import long_but
from matching_by_weights import overlap_rate

CORRELATIONS = (0.4, 0.8)
FRACTIONS = (0.05, 0.1, 0.3)
TIES: tuple[Ties, ...] = ("expected", "strict", "refine")


def policies(kind: Kind) -> tuple[Ties, ...]:
    return TIES if kind.counts else ("refine",)


def true_rate(ours: Floats, others: Floats, kind: Kind, rule: Rule) -> float:
    """The overlap of what endless trials would select."""
    sets = (true_set(ease, kind, rule.side, rule.fraction, rule.ties) for ease in (ours, others))
    return overlap_rate(*sets)


def matched(a: Votes, b: Votes, rule: Rule, max_splits: int, num_replicates: int) -> GroupMatch:
    found = match_groups(
        a,
        b,
        Rule(side=rule.side, fraction=rule.fraction, ties=rule.ties),
        max_splits=max_splits,
        num_replicates=num_replicates,
        by_class=False,
    )
    assert found is not None
    return found


def without_interval(votes: Votes, rule: Rule) -> Measured:
    """A run of so many examples that its ceiling needs no interval to be known."""
    ceiling = matched(votes, votes, rule, 5, 0)
    return Measured("run", votes, replace(ceiling, interval=(ceiling.rate, ceiling.rate)))


@pytest.mark.parametrize("num_trials", [8, 40])
@pytest.mark.parametrize("name", list(KINDS))
def test_it_is_the_true_agreement_or_blank(name: str, num_trials: int) -> None:
    """One run of 20,000 examples a setting: every value within 0.05, and the settings' mean within 0.02."""
    kind, number = KINDS[name], list(KINDS).index(name)
    rng = np.random.default_rng((1, num_trials, number))
    ours, weak = pair_of_eases(20_000, CORRELATIONS[0], rng)
    _, strong = pair_of_eases(20_000, 0, rng)
    strong = CORRELATIONS[1] * ours + np.sqrt(1 - CORRELATIONS[1] ** 2) * strong
    eases = (ours, weak, strong)
    votes = [simulated(ease, kind, num_trials, rng) for ease in eases]
    errors, blank = [], []
    for ties, fraction, side in itertools.product(policies(kind), FRACTIONS, SIDES):
        rule = Rule(side, fraction, ties)
        runs = [without_interval(one, rule) for one in votes]
        for other in (1, 2):
            found = agreement(runs[0], runs[other], matched(votes[0], votes[other], rule, 5, 0), rule)
            truth = true_rate(ours, eases[other], kind, rule)
            if found.reason is not None:
                blank.append((ties, fraction, side))
            else:
                assert found.rate == pytest.approx(truth, abs=0.05), (rule, CORRELATIONS[other - 1])
                errors.append(found.rate - truth)
    assert abs(np.mean(errors)) < 0.02
    assert not [setting for setting in blank if setting[0] == "refine"]
    if name == "heavy":  # the easiest of what is always right are nobody's to tell
        tenths = {(ties, fraction, "easy") for ties in ("expected", "strict") for fraction in (0.05, 0.1)}
        assert tenths <= set(blank)


def simulated_agreement(
    name: str, num_trials: int, rule: Rule, correlation: float, seed: int
) -> tuple[Agreement, float]:
    """What two runs of 700 examples say, with 60 replicates, and the truth."""
    kind = KINDS[name]
    rng = np.random.default_rng((2, seed, num_trials, list(KINDS).index(name)))
    ours, others = pair_of_eases(700, correlation, rng)
    a, b = (simulated(ease, kind, num_trials, rng) for ease in (ours, others))
    runs = (
        Measured(label, votes, matched(votes, votes, rule, 15, 60)) for label, votes in (("a", a), ("b", b))
    )
    found = agreement(*runs, matched(a, b, rule, 15, 60), rule)  # type: ignore[arg-type, call-arg]
    return found, true_rate(ours, others, kind, rule)


@pytest.mark.parametrize("ties", long_but(TIES, ("strict",)))
def test_intervals_hold_the_truth_nine_times_in_ten(ties: Ties) -> None:
    """Over kinds, numbers of trials, fractions, sides and correlations, full agreement among them."""
    held = []
    for seed, (name, num_trials, fraction, side) in enumerate(
        itertools.product(KINDS, (8, 40), FRACTIONS, SIDES)
    ):
        if ties in policies(KINDS[name]):
            correlations = (0.4, 0.8, 1.0)
            for correlation in correlations if ties != "refine" else correlations[seed % 3 :: 2]:
                rule = Rule(side, fraction, ties)
                found, truth = simulated_agreement(name, num_trials, rule, correlation, seed)
                if not np.isnan(found.low):
                    held.append(found.low - 1e-6 <= truth <= found.high + 1e-6)
    assert len(held) >= {"expected": 50, "strict": 20, "refine": 100}[ties]
    assert np.mean(held) >= 0.9
