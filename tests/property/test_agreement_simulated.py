"""Agreement, gains and changes of simulated trials are held to the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit, ndtr, stdtrit
from simulation import Floats, Kind, Outcome, simulated

from easiness import analysis
from easiness.studies.versions import trials_needed
from lengths import long_but
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


def matched(a: analysis.Votes, b: analysis.Votes, rule: analysis.Rule) -> analysis.GroupMatch:
    found = analysis.match_groups(a, b, rule, max_splits=5, num_replicates=20, by_class=False)
    assert found is not None
    return found


def seen(
    shape: Callable[..., Pair], ties: analysis.Ties, num_trials: int, correlation: float, seed: int
) -> list[Outcome | None]:
    """The statements of two runs on either side, held to the truth; None where they say nothing."""
    rng = np.random.default_rng((seed, num_trials))
    eases = shape(correlation, rng)
    a, b = (simulated(ease, PLAIN, num_trials, rng) for ease in eases)
    outcomes: list[Outcome | None] = []
    for side in analysis.SIDES:
        rule = analysis.Rule(side, FRACTION, ties)
        runs = (analysis.RunInPair(name, one, matched(one, one, rule)) for name, one in (("a", a), ("b", b)))
        found = analysis.agreement(*runs, matched(a, b, rule), rule)  # type: ignore[arg-type, call-arg]
        truth = overlap_rate(*(analysis.select(ease, FRACTION, side) for ease in eases))
        told = found.reason is None
        outcomes.append(Outcome.of(found.rate, found.low, found.high, truth) if told else None)
    return outcomes


def check(
    names: list[str], ties: analysis.Ties, num_trials: int, correlations: tuple[float, ...] = CORRELATIONS
) -> None:
    for name in names:
        by_setting: dict[tuple[float, int], list[Outcome]] = defaultdict(list)
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
def test_it_is_for_every_shape_or_blank(ties: analysis.Ties, num_trials: int) -> None:
    """In the mean within 0.03 of the truth; intervals hold it in nine of ten, of each shape."""
    check(list(SHAPES), ties, num_trials, CORRELATIONS if num_trials < 40 else (0.2, 0.95))


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


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
@pytest.mark.parametrize(
    ("num_trials", "num_examples", "parts", "repeats", "most"),
    [(5, 300, 1, 600, 0.995), (10, 200, 1, 600, 0.995), (5, 2000, 1, 300, 0.995), (10, 300, 5, 300, 0.999)],
)
def test_an_interval_of_95_percent_covers_the_truth(world, num_trials, num_examples, parts, repeats, most):
    """Of ten trials each is tested on a fifth of the examples, too: two on each."""
    rng, truth, covered = np.random.default_rng(parts // 5), world.truth(), 0
    for _ in range(repeats):
        answers = world.draw(num_trials, num_examples, rng)
        if parts > 1:
            part = np.array([rng.permutation(num_examples) % parts for _ in range(num_trials // parts)])
            tested = (part[:, None] == np.arange(parts)[:, None]).reshape(num_trials, num_examples)
            answers = [np.ma.array(one, mask=~tested) for one in answers]
        low, high = analysis.paired_gain(*answers).interval
        covered += low <= truth <= high
    assert 0.92 <= covered / repeats <= most


def test_where_hardly_an_example_changes_it_covers_too_often_and_never_too_rarely():
    world, rng = World(4, 1.2, 0.1, 0.3, 0.1, 0.1, 0.5), np.random.default_rng(0)
    inside = [np.array(analysis.paired_gain(*world.draw(5, 100, rng)).interval) for _ in range(300)]
    assert np.mean([low <= world.truth() <= high for low, high in inside]) >= 0.95


def test_parts_of_one_size_are_a_mean_of_means():
    """By hand: gains of 1/2, 0, 1/2 on two examples each; between trials 1/36, within them 1/3 a cell."""
    before = np.ma.array(np.zeros((3, 6), bool), mask=np.arange(6) // 2 != np.arange(3)[:, None])
    gained = np.array([[1, 0, 0, 0, 0, 0], [0] * 6, [0, 0, 0, 0, 0, 1]], bool)
    after = np.ma.array(gained, mask=before.mask)
    found = analysis.paired_gain(before, after)
    assert found.value == pytest.approx(1 / 3)
    # of trials (1/12) / 3; of examples (4/3) / 5 / 6; of cells 1/3 / 6: at least that of the examples counts
    of_trials, of_examples, of_cells = 1 / 36, 4 / 3 / 30, 1 / 3 / 6
    variance = max(of_trials + of_examples - of_cells, of_examples)
    weight = of_trials**2 / 2 + of_examples**2 / 5 + of_cells**2 / 3
    margin = stdtrit(variance**2 / weight, 0.975) * variance**0.5
    assert found.interval == pytest.approx((1 / 3 - margin, 1 / 3 + margin))


RATE = 0.05


class Versions(NamedTuple):
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


VERSIONS = {
    "normal": Versions(),
    "heavy tails": Versions(tails=True),
    "two states of a tenth": Versions(two=0.1),
    "two states of three tenths": Versions(two=0.3),
    "two states of all": Versions(two=1.0),
    "two far states of all": Versions(two=1.0, jump=30.0, spread_of_spreads=0.3),
    "spreads apart": Versions(spread_of_spreads=1.0),
    "trials apart": Versions(shared=0.15),
}
PAIRS = {(2, 2): 60, (3, 3): 60, (3, 5): 20, (5, 5): 10, (10, 10): 10}
"""Pairs of versions for each number of trials: more trials have more ways to be dealt, and take longer."""


class Rates(NamedTuple):
    """Shares by pair of versions: of false ones among those named, and of the changed ones named.

    ``found_by_t`` is the latter of the t-test alone.
    """

    false: npt.NDArray[np.float64]
    found: npt.NDArray[np.float64]
    found_by_t: npt.NDArray[np.float64]


def rates(world, trials, changed, pairs, num=1000):
    rng = np.random.default_rng([*trials, int(100 * changed), pairs])
    found = Rates(*np.zeros((3, pairs)))
    for pair in range(pairs):
        old, new, did = world.draw(trials, changed, num, rng)
        tested = analysis.p_of_change(old, new)
        said = tested.q <= RATE
        found.false[pair] = (said & ~did).sum() / max(said.sum(), 1)
        found.found[pair] = (said & did).sum() / max(did.sum(), 1)
        found.found_by_t[pair] = (tested.discoveries & did).sum() / max(did.sum(), 1)
    return found


FEW = ("normal", "heavy tails", "two states of a tenth", "two far states of all")
SHORT = list(product(FEW, [(2, 2), (3, 3)], [15]))
ALL = [(world, trials, pairs) for world in VERSIONS for trials, pairs in PAIRS.items()]


@pytest.mark.parametrize(("world", "trials", "pairs"), long_but([*SHORT, *ALL], SHORT))
def test_of_those_said_to_have_changed_no_more_are_false_than_was_asked_for(world, trials, pairs):
    for changed in (0.0, 0.05):
        found = rates(VERSIONS[world], trials, changed, pairs)
        # within two standard errors of the simulation
        assert found.false.mean() <= RATE + 2 * found.false.std(ddof=1) / pairs**0.5
    lost = found.found_by_t.mean() - found.found.mean()
    if pairs == 15:
        assert "two" in world or found.found.mean() > found.found_by_t.mean() - 0.05 > 0.8
    elif min(trials) >= 5:
        assert lost < 0.02
        assert found.found.mean() > (0.3 if VERSIONS[world].two == 1 and trials == (5, 5) else 0.8)
    elif not VERSIONS[world].two and trials != (2, 2):
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
        said = analysis.p_of_change(old, new, 0.4).q <= RATE
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
        old, new, _ = VERSIONS[world].draw(trials, 0.05, 1000, rng)
        needed = trials_needed(analysis.p_of_change(old, new), trials, RATE, 0.0)
        if needed is not None:
            assert max(needed) <= 7
            old, new, _ = VERSIONS[world].draw(needed, 0.05, 1000, rng)
            named.append(analysis.p_of_change(old, new).q.min() <= RATE)
    assert np.mean(named) >= 0.6
