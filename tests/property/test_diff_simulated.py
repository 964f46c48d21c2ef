"""The false-discovery rate of `diff`, held to pairs of versions in which it is known what changed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit

from easiness.analysis import p_of_change
from easiness.studies.versions.notes import trials_needed

RATE = 0.05


class World(NamedTuple):
    """Logits of the confidence: by example, with a spread over trials of its own, and what trials share.

    Noise is ``normal`` or of ``heavy tails`` (t, 3 degrees of freedom). A share of the examples has ``two``
    states: in a fifth of the trials it is by ``jump`` spreads elsewhere, as one that is learned then. A share
    ``changed`` by ``jump`` spreads in the second version, up or down: as much as trials jump.
    """

    two: float = 0.0
    tails: bool = False
    jump: float = 8.0
    spread_of_spreads: float = 0.4
    shared: float = 0.05

    def draw(self, trials, changed, num, rng):
        """The trials of both versions, and which examples changed."""
        old, total = trials[0], sum(trials)
        spread = 0.5 * np.exp(rng.normal(0, self.spread_of_spreads, num))
        noise = rng.standard_t(3, (total, num)) / 3**0.5 if self.tails else rng.standard_normal((total, num))
        side = rng.choice([-1, 1], num) * (rng.random(num) < self.two)
        noise += self.jump * side * (rng.random((total, num)) < 0.2)
        values = rng.normal(1.5, 2.5, num) + spread * noise + self.shared * rng.standard_normal((total, 1))
        did = rng.random(num) < changed
        values[old:] += np.where(did, self.jump * spread * rng.choice([-1, 1], num), 0)
        return values[:old], values[old:], did


WORLDS = {
    "normal": World(),
    "heavy tails": World(tails=True),
    "two states of a tenth": World(two=0.1),
    "two states of three tenths": World(two=0.3),
    "two states of all": World(two=1.0),
    "two far states of all": World(two=1.0, jump=30.0, spread_of_spreads=0.3),
    "spreads apart": World(spread_of_spreads=1.0),
    "trials apart": World(shared=0.15),
}
PAIRS = {(2, 2): 60, (3, 3): 60, (3, 5): 20, (5, 5): 10, (10, 10): 10}
"""Pairs of versions for each number of trials: more trials have more ways to be dealt, and take longer."""


class Rates(NamedTuple):
    """Of pairs of versions: the share of false ones among those named, and of the changed ones named.

    ``found_by_t`` is the latter of the t-test alone.
    """

    false: npt.NDArray[np.float64]
    found: npt.NDArray[np.float64]
    found_by_t: npt.NDArray[np.float64]

    def check_false(self):
        """At most as many as asked for, within two standard errors of the simulation."""
        assert self.false.mean() <= RATE + 2 * self.false.std(ddof=1) / len(self.false) ** 0.5


def rates(world, trials, changed, pairs, num=1000):
    rng = np.random.default_rng([*trials, int(100 * changed), pairs])
    found = Rates(*np.zeros((3, pairs)))
    for pair in range(pairs):
        old, new, did = world.draw(trials, changed, num, rng)
        tested = p_of_change(old, new)
        said = tested.q <= RATE
        found.false[pair] = (said & ~did).sum() / max(said.sum(), 1)
        found.found[pair] = (said & did).sum() / max(did.sum(), 1)
        found.found_by_t[pair] = (tested.named & did).sum() / max(did.sum(), 1)
    return found


@pytest.mark.parametrize("trials", [(2, 2), (3, 3)])
@pytest.mark.parametrize("world", ["normal", "heavy tails", "two states of a tenth", "two far states of all"])
def test_of_few_trials_no_more_are_false_than_was_asked_for(world, trials):
    for changed in (0.0, 0.05):
        found = rates(WORLDS[world], trials, changed, 15)
        found.check_false()
    if world in ("normal", "heavy tails"):
        assert found.found.mean() > found.found_by_t.mean() - 0.05 > 0.8


@pytest.mark.long
@pytest.mark.parametrize("trials", PAIRS)
@pytest.mark.parametrize("world", WORLDS)
def test_of_those_said_to_have_changed_no_more_are_false_than_was_asked_for(world, trials):
    for changed in (0.0, 0.05):
        found = rates(WORLDS[world], trials, changed, PAIRS[trials])
        found.check_false()
    lost = found.found_by_t.mean() - found.found.mean()
    if min(trials) >= 5:
        assert lost < 0.02
        assert found.found.mean() > (0.3 if WORLDS[world].two == 1 and trials == (5, 5) else 0.8)
    elif not WORLDS[world].two and trials != (2, 2):
        assert lost < 0.02


def test_it_holds_for_changes_larger_than_the_least_where_all_moved_a_little():
    rng = np.random.default_rng(0)
    false, found = [], []
    for _ in range(20):
        middle = rng.normal(0, 1.5, 1000)
        changed = rng.random(1000) < 0.05
        little = 0.4 * rng.uniform(-1, 1, 1000)  # all move, by no more than what counts as none
        old = middle + 0.3 * rng.standard_normal((8, 1000))
        new = middle + np.where(changed, -2.5, little) + 0.3 * rng.standard_normal((8, 1000))
        said = p_of_change(old, new, 0.4).q <= RATE
        false.append((said & ~changed).sum() / max(said.sum(), 1))
        found.append((said & changed).sum() / max(changed.sum(), 1))
    assert np.mean(false) <= RATE
    assert np.mean(found) > 0.9
    assert expit(0.4) - expit(0) == pytest.approx(0.0987, abs=1e-4)  # about a tenth of confidence


@pytest.mark.parametrize(
    ("trials", "world"), [((2, 2), "two states of a tenth"), ((3, 5), "two states of all")]
)
def test_as_many_trials_as_are_asked_for_name_examples(trials, world):
    rng = np.random.default_rng(1)
    named: list[bool] = []
    while len(named) < 5:
        old, new, _ = WORLDS[world].draw(trials, 0.05, 1000, rng)
        needed = trials_needed(p_of_change(old, new), trials, RATE, 0.0)
        if needed is not None:
            assert max(needed) <= 7
            old, new, _ = WORLDS[world].draw(needed, 0.05, 1000, rng)
            named.append(p_of_change(old, new).q.min() <= RATE)
    assert np.mean(named) >= 0.6
