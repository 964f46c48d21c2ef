"""Agreement without noise, held to the overlap of true sets that are known, for difficulty of any shape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from simulation import Floats, Kind, simulated

from easiness.analysis import SIDES, GroupMatch, Measured, Rule, Ties, Votes, agreement, match_groups, select
from matching_by_weights import overlap_rate

NUM, FRACTION = 2500, 0.1
CORRELATIONS = (0.2, 0.6, 0.95)
PLAIN = Kind(0.0, 1.0)

Pair = tuple[Floats, Floats]


def _normals(correlation: float, rng: np.random.Generator) -> Pair:
    ours, other = rng.standard_normal((2, NUM))
    return ours, correlation * ours + np.sqrt(1 - correlation**2) * other


def in_one_order(draw: Callable[[np.random.Generator], Floats]) -> Callable[..., Pair]:
    """Eases of this distribution, in orders as of two correlated normals."""

    def pair(correlation: float, rng: np.random.Generator) -> Pair:
        ours, theirs = (np.sort(draw(rng))[np.argsort(np.argsort(one))] for one in _normals(correlation, rng))
        return ours, theirs

    return pair


def in_common(draw: Callable[[np.random.Generator], Floats]) -> Callable[..., Pair]:
    """Sums of a part that both networks have and one of their own, each of this distribution."""

    def pair(correlation: float, rng: np.random.Generator) -> Pair:
        both, ours, theirs = draw(rng), draw(rng), draw(rng)
        share, rest = np.sqrt(correlation), np.sqrt(1 - correlation)
        return share * both + rest * ours, share * both + rest * theirs

    return pair


def same_groups(share: float) -> Callable[..., Pair]:
    """The same examples are hard for both; inside each group ease is normal."""

    def pair(correlation: float, rng: np.random.Generator) -> Pair:
        middle = np.where(rng.random(NUM) < share, -0.7, 2.2)
        ours, theirs = _normals(correlation, rng)
        return middle + 0.7 * ours, middle + 0.7 * theirs

    return pair


def grouped(share: float) -> Callable[[np.random.Generator], Floats]:
    def draw(rng: np.random.Generator) -> Floats:
        return np.where(rng.random(NUM) < share, -0.7, 2.2) + 0.7 * rng.standard_normal(NUM)

    return draw


SHAPES = {
    "normal": [in_one_order(lambda rng: 0.8 + 1.2 * rng.standard_normal(NUM))],
    "skewed": [
        in_one_order(lambda rng: 2.5 - rng.gamma(2, 1, NUM)),
        in_common(lambda rng: 1.5 - rng.gamma(2, 1, NUM)),
    ],
    "heavy tails": [
        in_one_order(lambda rng: 0.8 + 0.8 * rng.standard_t(3, NUM)),
        in_common(lambda rng: 0.5 + 0.8 * rng.standard_t(3, NUM)),
    ],
    "a tenth is hard": [in_one_order(grouped(0.1)), same_groups(0.1)],
    "7 % are hard": [in_one_order(grouped(0.07)), same_groups(0.07)],
}


class Seen(NamedTuple):
    error: float
    held: bool


def matched(a: Votes, b: Votes, rule: Rule) -> GroupMatch:
    found = match_groups(a, b, rule, max_splits=5, num_replicates=20, by_class=False)
    assert found is not None
    return found


def seen(
    shape: Callable[..., Pair], ties: Ties, num_trials: int, correlation: float, seed: int
) -> list[Seen | None]:
    """What two runs say of either side, held to the truth; None where they say nothing."""
    rng = np.random.default_rng((seed, num_trials))
    eases = shape(correlation, rng)
    a, b = (simulated(ease, PLAIN, num_trials, rng) for ease in eases)
    outcomes: list[Seen | None] = []
    for side in SIDES:
        rule = Rule(side, FRACTION, ties)
        runs = (Measured(name, one, matched(one, one, rule)) for name, one in (("a", a), ("b", b)))
        found = agreement(*runs, matched(a, b, rule), rule)  # type: ignore[arg-type, call-arg]
        truth = overlap_rate(*(select(ease, FRACTION, side) for ease in eases))
        told = found.reason is None
        outcomes.append(Seen(found.rate - truth, found.low <= truth <= found.high) if told else None)
    return outcomes


def check(
    names: list[str], ties: Ties, num_trials: int, correlations: tuple[float, ...] = CORRELATIONS
) -> None:
    for name in names:
        by_setting: dict[tuple[float, int], list[Seen]] = defaultdict(list)
        for seed, correlation in enumerate(correlations):
            for shape in SHAPES[name]:
                for side, one in enumerate(seen(shape, ties, num_trials, correlation, seed)):
                    if one is not None:
                        by_setting[correlation, side].append(one)
        all_seen = [one for some in by_setting.values() for one in some]
        errors = np.array([one.error for one in all_seen])
        assert len(errors) >= 3, name
        by_chance = 2 * errors.std() / np.sqrt(len(errors))
        assert abs(errors.mean()) < 0.03 + by_chance, (name, errors)
        assert np.mean([one.held for one in all_seen]) >= 0.9 - 1 / len(all_seen), (name, all_seen)


def test_it_is_the_true_agreement_whatever_the_shape() -> None:
    check(["a tenth is hard"], "refine", 10, (0.6,))


@pytest.mark.long
@pytest.mark.parametrize("num_trials", [5, 10, 40])
@pytest.mark.parametrize("ties", ["refine", "expected"])
def test_it_is_for_every_shape_or_blank(ties: Ties, num_trials: int) -> None:
    """In the mean within 0.03 of the truth; intervals hold it in nine of ten, of each shape."""
    check(list(SHAPES), ties, num_trials)
