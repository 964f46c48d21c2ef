"""The interval of a gain, held to gains that are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import ndtr, stdtrit

from easiness.analysis import paired_gain


class World(NamedTuple):
    """How far answers are from wrong: ``middle``, plus effects that are normal with these deviations.

    ``examples`` and ``trials`` are in both, ``on_examples`` and ``on_trials`` in what training by the other
    labels changes, beside its ``shift``; each answer has a ``noise`` of its own.
    """

    middle: float
    examples: float
    trials: float
    on_examples: float
    on_trials: float
    shift: float
    noise: float

    def truth(self) -> float:
        common = self.examples**2 + self.trials**2 + self.noise**2
        changed = common + self.on_examples**2 + self.on_trials**2
        return float(ndtr((self.middle + self.shift) / changed**0.5) - ndtr(self.middle / common**0.5))

    def draw(self, num_trials, num_examples, rng):
        def effects(of_examples, of_trials):
            return of_examples * rng.standard_normal(num_examples) + of_trials * rng.standard_normal(
                (num_trials, 1)
            )

        def noise():
            return self.noise * rng.standard_normal((num_trials, num_examples))

        common = self.middle + effects(self.examples, self.trials)
        changed = common + self.shift + effects(self.on_examples, self.on_trials)
        return common + noise() > 0, changed + noise() > 0


WORLDS = {
    "both": World(0.8, 1.5, 0.1, 0.5, 0.15, 0.2, 0.7),
    "no change": World(0.8, 1.5, 0.1, 0, 0, 0, 0.7),
    "trials differ": World(0.5, 1, 0.1, 0.1, 0.5, 0.3, 0.7),
    "examples differ": World(0.5, 1, 0.02, 1.5, 0.02, 0.1, 0.2),
    "little": World(1, 2, 0.05, 0.1, 0.05, 0.05, 0.2),
}
REPEATS = 600


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
@pytest.mark.parametrize(("num_trials", "num_examples"), [(5, 300), (10, 200), (5, 2000)])
def test_an_interval_of_95_percent_covers_the_truth(world, num_trials, num_examples):
    rng, truth = np.random.default_rng(0), world.truth()
    covered = 0
    for _ in range(REPEATS if num_examples < 1000 else REPEATS // 2):
        low, high = paired_gain(*world.draw(num_trials, num_examples, rng)).interval
        covered += low <= truth <= high
    assert 0.92 <= covered / (REPEATS if num_examples < 1000 else REPEATS // 2) <= 0.995


def test_where_hardly_an_example_changes_it_covers_too_often_and_never_too_rarely():
    world, rng = World(4, 1.2, 0.1, 0.3, 0.1, 0.1, 0.5), np.random.default_rng(0)
    inside = [np.array(paired_gain(*world.draw(5, 100, rng)).interval) for _ in range(300)]
    assert np.mean([low <= world.truth() <= high for low, high in inside]) >= 0.95


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
def test_an_interval_of_trials_on_parts_covers_the_truth(world):
    """Ten trials, each tested on a fifth of the examples: two on each."""
    rng, truth, covered = np.random.default_rng(1), world.truth(), 0
    for _ in range(REPEATS // 2):
        parts = np.array([rng.permutation(300) % 5 for _ in range(2)])
        left_out = (parts[:, None] == np.arange(5)[:, None]).reshape(10, 300)
        before, after = (np.ma.array(one, mask=~left_out) for one in world.draw(10, 300, rng))
        low, high = paired_gain(before, after).interval
        covered += low <= truth <= high
    assert 0.92 <= covered / (REPEATS // 2) <= 0.999


def test_parts_of_one_size_are_a_mean_of_means():
    """By hand: gains of 1/2, 0, 1/2 on two examples each; between trials 1/36, within them 1/3 a cell."""
    before = np.ma.array(np.zeros((3, 6), bool), mask=np.arange(6) // 2 != np.arange(3)[:, None])
    gained = np.array([[1, 0, 0, 0, 0, 0], [0] * 6, [0, 0, 0, 0, 0, 1]], bool)
    after = np.ma.array(gained, mask=before.mask)
    found = paired_gain(before, after)
    assert found.value == pytest.approx(1 / 3)
    # of trials (1/12) / 3; of examples (4/3) / 5 / 6; of cells 1/3 / 6: at least that of the examples counts
    of_trials, of_examples, of_cells = 1 / 36, 4 / 3 / 30, 1 / 3 / 6
    variance = max(of_trials + of_examples - of_cells, of_examples)
    weight = of_trials**2 / 2 + of_examples**2 / 5 + of_cells**2 / 3
    margin = stdtrit(variance**2 / weight, 0.975) * variance**0.5
    assert found.interval == pytest.approx((1 / 3 - margin, 1 / 3 + margin))
