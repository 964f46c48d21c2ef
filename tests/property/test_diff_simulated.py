"""The false-discovery rate of `diff`, held to pairs of versions in which it is known what changed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import false_discovery_control

from easiness.analysis import OfTrials, p_of_change

PAIRS, EXAMPLES, RATE = 200, 1000, 0.05


class World(NamedTuple):
    """Logits of the confidence: by example, with a spread over trials of its own, and what trials share.

    A share of the examples ``changed`` by ``by`` in the second version, up or down.
    """

    trials: tuple[int, int]
    changed: float
    by: float
    spread_of_spreads: float
    shared: float

    def draw(self, rng):
        """The trials of both versions, and which examples changed."""
        middle = rng.normal(1.5, 2.5, EXAMPLES)
        spread = 0.5 * np.exp(rng.normal(0, self.spread_of_spreads, EXAMPLES))
        changed = rng.random(EXAMPLES) < self.changed
        shift = np.where(changed, self.by * rng.choice([-1, 1], EXAMPLES), 0)

        def version(middle, num):
            shared = self.shared * rng.standard_normal((num, 1))
            return middle + shared + spread * rng.standard_normal((num, EXAMPLES))

        old, new = self.trials
        return version(middle, old), version(middle + shift, new), changed


WORLDS = {
    "ten trials": World((10, 10), 0.05, 1.5, 0.4, 0.0),
    "five trials": World((5, 5), 0.05, 2.0, 0.4, 0.05),
    "three trials": World((3, 3), 0.1, 2.5, 0.3, 0.05),
    "unequal": World((4, 12), 0.05, 2.0, 0.5, 0.0),
    "spreads apart": World((8, 8), 0.05, 2.0, 1.0, 0.0),
    "trials apart": World((8, 8), 0.05, 2.0, 0.4, 0.15),
    "nothing changed": World((5, 5), 0.0, 0.0, 0.4, 0.05),
}


def summed(logits):
    return OfTrials(logits.mean(0), logits.var(0, ddof=1), len(logits))


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
def test_of_those_said_to_have_changed_no_more_are_false_than_was_asked_for(world):
    rng = np.random.default_rng(np.random.SeedSequence([len(WORLDS), sum(world.trials)]))
    false, found = np.zeros(PAIRS), np.zeros(PAIRS)
    for pair in range(PAIRS):
        old, new, changed = world.draw(rng)
        said = false_discovery_control(p_of_change(summed(old), summed(new))) <= RATE
        false[pair] = (said & ~changed).sum() / max(said.sum(), 1)
        found[pair] = (said & changed).sum() / max(changed.sum(), 1)
    assert false.mean() <= RATE + 2 * false.std(ddof=1) / PAIRS**0.5
    if world.changed:
        assert found.mean() > 0.5


def test_it_holds_for_changes_larger_than_the_least_where_all_moved_a_little():
    rng = np.random.default_rng(0)
    false, found = [], []
    for _ in range(PAIRS):
        middle = rng.normal(0, 1.5, EXAMPLES)
        changed = rng.random(EXAMPLES) < 0.05
        little = 0.4 * rng.uniform(-1, 1, EXAMPLES)  # all move, by no more than what counts as none
        old = middle + 0.3 * rng.standard_normal((8, EXAMPLES))
        new = middle + np.where(changed, -2.5, little) + 0.3 * rng.standard_normal((8, EXAMPLES))
        said = false_discovery_control(p_of_change(summed(old), summed(new), 0.4)) <= RATE
        false.append((said & ~changed).sum() / max(said.sum(), 1))
        found.append((said & changed).sum() / max(changed.sum(), 1))
    assert np.mean(false) <= RATE
    assert np.mean(found) > 0.9
    assert expit(0.4) - expit(0) == pytest.approx(0.0987, abs=1e-4)  # about a tenth of confidence
