"""A model of easy and hard sets from n trials: how much of the true set they hold, and how far two match."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from easiness.analysis.matching import Rule, match_groups
from easiness.analysis.mixing import shares_of_tail
from easiness.analysis.rates import fit_counts
from easiness.analysis.sides import SIDES, Side, Ties
from easiness.analysis.votes import Votes
from easiness.errors import BadInput
from easiness.lazy import Floats, optimize, special
from easiness.spec import Check, Stop, StoppingRule, Tail, at_least, check_within

MIN_TRIALS = 10
"""Trials that a forecast needs: two halves of `MIN_GROUP`."""

_STEPS_IN, _STEPS_OUT = 600, 400  # steps of the true order near the set, and outside of five times the set
_FARTHEST_CUT = 40.0  # in standard deviations of the finer score: beyond, all are in, or none
_LARGEST_SPREAD = 100.0  # of the finer score, in standard deviations of the examples: it says nothing
_SPLITS = 20  # choices of halves to average over
_PARTS = 5  # of the trials, left out in turn
_MODEL_ERROR = 0.15  # of the log odds of a rate: what simulations of other kinds were off by
_Z95 = 1.959963984540054
_FARTHEST = 10  # times as many trials as there are


class Interval(NamedTuple):
    """A number with the ends of its 95 % interval, NaN where it has none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class TailModel:
    """Steps of the true order of the examples, and how well n trials find the last ``fraction`` of them.

    ``weight`` [M] is the share of the examples in each step, ``probability`` [M] theirs to be right,
    ascending; ``place`` [M] is where the finer score puts them, standard normal; ``truth`` [M] is how much of
    each belongs to the true set. The finer score varies from trial to trial with standard deviation
    ``spread``; infinite where ties are left to chance.
    """

    weight: Floats
    probability: Floats
    place: Floats
    truth: Floats
    fraction: float
    spread: float

    def mean(self, values: Floats) -> float:
        return float(np.einsum("m,m", self.weight, values))

    def members(self, num_trials: int) -> Floats:
        """Probability of each [M] to be in the set of ``num_trials`` trials."""
        return self.within(*self.level(num_trials), num_trials)

    def level(self, num_trials: int) -> tuple[Floats, Floats, float]:
        """The last level that a set of ``num_trials`` trials reaches into, whatever the finer score.

        Probabilities [M] to have more right trials, and as many, and the share of the examples taken of it.
        """
        n, p = num_trials, self.probability

        def at_least(count: int) -> Floats:
            if count <= 0:
                return np.ones_like(p)
            return np.asarray(np.zeros_like(p) if count > n else special.betainc(count, n - count + 1, p))

        short = range(1, n + 1)
        level = bisect.bisect(short, False, key=lambda count: self.mean(at_least(count)) < self.fraction)
        above = at_least(level + 1)
        return above, at_least(level) - above, self.fraction - self.mean(above)

    def within(self, above: Floats, at: Floats, room: float, num_trials: int) -> Floats:
        """The probabilities of `members` [M] where the set of ``num_trials`` trials splits this `level`."""
        if math.isinf(self.spread):
            return above + at * min(room / max(self.mean(at), 1e-300), 1.0)
        steepness = math.sqrt(num_trials) / self.spread
        room = min(max(room, 0.0), self.mean(at))

        def above_cut(cut: float) -> Floats:
            return np.asarray(at * special.ndtr((self.place - cut) * steepness))

        far = _FARTHEST_CUT / steepness  # the noisier the finer score, the farther out cuts lie
        ends = self.place[0] - far, self.place[-1] + far
        return above + above_cut(
            optimize.brentq(lambda cut: self.mean(above_cut(cut)) - room, *ends, xtol=1e-15)
        )

    def match(self, num_trials: int, others: int | None = None) -> float:
        """Expected matching rate of sets from ``num_trials`` and from ``others`` trials, as many if None."""
        ours = self.members(num_trials)
        theirs = ours if others is None else self.members(others)
        return self.rate(ours, theirs)

    def rate(self, ours: Floats, theirs: Floats) -> float:
        """Expected matching rate of sets with these probabilities of `members` [M]."""
        return min(self.mean(ours * theirs) / self.fraction, 1.0)

    def share(self, num_trials: int) -> float:
        """Expected share of the true set that a set from ``num_trials`` trials holds."""
        return min(self.mean(self.members(num_trials) * self.truth) / self.fraction, 1.0)


def counted_tails(parts: Sequence[Votes], side: Side, fraction: float) -> list[TailModel]:
    """The models of sets by counts alone, ties left to chance: a closed form of the fitted `Rates` of each.

    The hard set is the easy one of how often trials are wrong: the grid of rates is symmetric.
    """
    fits = fit_counts([(votes.num_right, votes.num_trials) for votes in parts])
    around = 1 - min(5 * fraction, 0.9)
    edges = np.r_[np.linspace(0, around, _STEPS_OUT, endpoint=False), np.linspace(around, 1, _STEPS_IN + 1)]
    step, weight = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    models = []
    for rates in fits:
        population = rates.population if side == "easy" else rates.population[::-1]
        at = np.minimum(np.searchsorted(np.cumsum(population), step), len(population) - 1)
        truth = shares_of_tail(population, fraction, "easy")[at]
        models.append(
            TailModel(weight, rates.probability[at], special.ndtri(step), truth, fraction, math.inf)
        )
    return models


def refine(model: TailModel, rate: float, group_size: int) -> TailModel:
    """The model whose finer score makes sets of ``group_size`` trials match in ``rate``, as nearly as can be.

    The finer score orders examples as the probability to be right does, and those as well that are alike in
    it: it is what decides once all counts are the same, so that endless trials leave no ties.
    """
    inside = np.clip(np.cumsum(model.weight) - (1 - model.fraction), 0, model.weight)
    finer = replace(model, truth=inside / model.weight)
    level = finer.level(group_size)
    low, high = -math.log(_LARGEST_SPREAD), math.log(_LARGEST_SPREAD)
    for _ in range(24):
        middle = (low + high) / 2
        members = replace(finer, spread=math.exp(middle)).within(*level, group_size)
        low, high = (middle, high) if finer.rate(members, members) > rate else (low, middle)
    return replace(finer, spread=math.exp((low + high) / 2))


@dataclass(frozen=True, eq=False)
class Forecast:
    """A forecast of what more trials would give, for one side of the examples after ``epoch`` epochs.

    ``models`` are fitted to all ``num_trials`` trials, then to what is left where a part of them is left out.
    ``size`` is the number of examples in a set.
    """

    side: Side
    fraction: float
    ties: Ties
    epoch: int
    num_trials: int
    size: float
    models: tuple[TailModel, ...]

    def share(self, num_trials: int | None = None) -> Interval:
        """Share of the true set that the set from ``num_trials`` trials holds; those there are by default.

        The true set is that of endless trials. The interval holds it in 90 simulated runs of 100 or more
        (``tests/property/test_forecast_simulated.py``): a jackknife over the trials, what a set of this size
        varies by, and what the model itself is off by.
        """
        n = self.num_trials if num_trials is None else num_trials
        return self._interval(lambda model: model.share(n))

    def match(self, num_trials: int, others: int | None = None) -> Interval:
        """Matching rate of a set from ``num_trials`` trials and one from ``others``, as many if None.

        The interval is made as that of `share`.
        """
        return self._interval(lambda model: model.match(num_trials, others))

    @property
    def farthest(self) -> int:
        """Beyond this number of trials, ten times those there are, nothing is foretold."""
        return _FARTHEST * self.num_trials

    def trials_for(self, share: float) -> int | None:
        """Trials whose set is expected to hold this share of the true one; None beyond `farthest`."""
        return self._first(lambda n: self.models[0].share(n) >= share)

    def trials_to_show(self, share: float) -> int | None:
        """Trials after which the interval of `share` is expected to lie above; None beyond `farthest`.

        The jackknife's number for n trials shrinks as 1 / n.
        """

        def lies_above(n: int) -> bool:
            value, jackknife = self._log_odds(lambda model: model.share(n))
            variance = jackknife * self.num_trials / n + self._fixed_variance(special.expit(value))
            return bool(special.expit(value - _Z95 * math.sqrt(variance)) >= share)

        return self._first(lies_above)

    def _first(self, holds: Callable[[int], bool]) -> int | None:
        """The fewest trials that ``holds``, of more than there are unless these do: farther ahead, then back.

        A share need not grow with every trial: the cut may come to lie inside a large level.
        """
        before = 0 if holds(self.num_trials) else self.num_trials
        num = before + 1
        while not holds(num):
            if num >= self.farthest:
                return None
            before, num = num, min(2 * num, self.farthest)
        while num - before > 1:
            middle = (before + num) // 2
            before, num = (before, middle) if holds(middle) else (middle, num)
        return num

    def _fixed_variance(self, rate: float) -> float:
        """The variance of the log odds of a rate that stays with more trials; half an example is unsure."""
        least = min(0.5 / self.size, 0.5)
        share = min(max(rate, least), 1 - least)
        return _MODEL_ERROR**2 + 1 / (self.size * share * (1 - share))

    def _interval(self, of: Callable[[TailModel], float]) -> Interval:
        middle, jackknife = self._log_odds(of)
        reach = _Z95 * math.sqrt(jackknife + self._fixed_variance(special.expit(middle)))
        return Interval(*special.expit([middle, middle - reach, middle + reach]).tolist())

    def _log_odds(self, of: Callable[[TailModel], float]) -> tuple[float, float]:
        rates = np.clip([of(model) for model in self.models], 1e-6, 1 - 1e-6)
        value, *left_out = np.log(rates / (1 - rates)).tolist()
        return value, (len(left_out) - 1) * float(np.var(left_out))


def forecast(
    votes: Votes, *, side: Side = "hard", fraction: float = 0.1, ties: Ties = "refine", seed: int = 0
) -> Forecast | None:
    """Fit what sets of n trials would hold to the trials there are; None with fewer than `MIN_TRIALS`.

    None too at fraction 1, where all examples are in and no choice is left.

    ``expected`` follows in closed form from the distribution of the probability to be right (`fit_counts`).
    ``refine`` adds a finer score that decides inside the level at the cut; how much that varies is fitted to
    the matching rate of halves of the trials. The Spearman-Brown formula is not used: it takes the finer
    score to decide as much in many trials as it does in few, and was seen to be off by 0.1.
    """
    if ties == "strict":
        raise BadInput("ties strict: its sets differ in size from run to run; use expected or refine")
    n = votes.num_trials
    if n < MIN_TRIALS or fraction == 1:
        return None
    parts = [votes.rows(np.flatnonzero(np.arange(n) % _PARTS != part)) for part in range(_PARTS)]
    models = counted_tails([votes, *parts], side, fraction)
    if ties == "refine":
        halves = match_groups(
            votes,
            votes,
            Rule(side=side, fraction=fraction, ties=ties, seed=seed),
            max_splits=_SPLITS,
            num_replicates=0,
            by_class=False,
        )
        assert halves is not None
        # the rate is a mean over many halves of all trials: it anchors what is left, too
        models = [refine(one, halves.rate, halves.group_size) for one in models]
    size = fraction * votes.num_examples
    return Forecast(side, fraction, ties, votes.epoch, n, size, tuple(models))


FIRST_CHECK = MIN_TRIALS
"""Trials at the first check: the fewest that anything can be foretold from."""

MOST_EXAMPLES = 20_000
"""The most examples to judge by, drawn from more: that adds less than 0.01 to a standard error."""

_LEAST_GROWTH, _MOST_GROWTH = 1.2, 2.0  # from check to check, whatever was foretold


def stopping_rule(reliability: float, max_trials: int, fraction: float = 0.1) -> StoppingRule:
    check_within("reliability", reliability, f"({fraction}, 1)")  # chance reaches the fraction
    max_trials = at_least("max trials", max_trials, FIRST_CHECK)
    return StoppingRule(reliability=reliability, max_trials=max_trials, fraction=fraction, of="true set")


def check_trials(votes: Votes, rule: StoppingRule) -> Check:
    """Judge how much of both true sets the refined sets of these trials hold, and when to look again.

    The next number is the one that both sets are foretold to need for intervals above the bar: an even one,
    a fifth more than there are at least and twice as many at most, up to the cap. It depends on these trials
    alone, so that a run stops at the same number however it was interrupted.
    """
    some, num = votes.at_most(MOST_EXAMPLES), votes.num_trials
    both = (forecast(some, side=side, fraction=rule.fraction) for side in SIDES)
    forecasts = [one for one in both if one is not None]
    shares = (one.share() for one in forecasts)
    easy, hard = (Tail(rate=one.value, low=one.low, high=one.high) for one in shares)
    following = None
    if num < rule.max_trials and min(easy.low, hard.low) < rule.reliability:
        need = max(one.trials_to_show(rule.reliability) or rule.max_trials for one in forecasts)
        least, most = (2 * -(-round(num * growth) // 2) for growth in (_LEAST_GROWTH, _MOST_GROWTH))
        following = min(max(2 * -(-need // 2), least), most, rule.max_trials)
    return Check(
        trials=num,
        epoch=votes.epoch,
        group_size=num // 2,
        easy=easy,
        hard=hard,
        chance=rule.fraction,
        decided=True,
        next=following,
    )


def check_text(check: Check) -> str:
    """The shares that both sets hold with their intervals, the number of trials and the epoch, as text."""
    tails = " and ".join(
        f"{side} {tail.rate:.3f} [{tail.low:.3f}, {tail.high:.3f}]" for side, tail in _tails(check)
    )
    return f"share of the true sets {tails} after {check.trials} trials, epoch {check.epoch}"


def reason_to_stop(rule: StoppingRule, checks: tuple[Check, ...]) -> Stop | None:
    """Why to stop after these ``checks``, each at the number that the one before it named; None to go on."""
    last = checks[-1]
    below = " and ".join(side for side, tail in _tails(last) if not tail.low >= rule.reliability)
    if not below:
        sentence = f"{check_text(last)}: both intervals at or above {rule.reliability:g}"
        return Stop(rule=rule, checks=checks, reason="reliable", sentence=sentence)
    if last.next is not None:
        return None
    sentence = (
        f"stopped at the cap of {last.trials} trials: {check_text(last)}: "
        f"the interval of {below} is not wholly at or above {rule.reliability:g}"
    )
    return Stop(rule=rule, checks=checks, reason="cap", sentence=sentence)


def _tails(check: Check) -> tuple[tuple[Side, Tail], ...]:
    return ("easy", check.easy), ("hard", check.hard)
