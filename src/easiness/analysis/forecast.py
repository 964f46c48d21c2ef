"""How much of the true easy or hard set a set from n trials holds, and how far two such sets match."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.analysis.ceiling import match_groups
from easiness.analysis.mixing import fit_mixing, shares_of_tail
from easiness.analysis.sides import Side, Ties
from easiness.analysis.votes import Votes
from easiness.errors import BadInput

_Floats = npt.NDArray[np.float64]

MIN_TRIALS = 10
"""Trials that a forecast needs: two halves of `MIN_GROUP`."""

_QUANTILES, _IN_SET = 1000, 100  # steps from hard to easy at the least, and those of them in a small set
_LARGEST_SPREAD = 100.0  # of the finer score, in standard deviations of the examples: it says nothing
_SPLITS = 20  # choices of halves to average over
_PARTS = 10  # of the trials, left out in turn
_MODEL_ERROR = 0.15  # of the log odds of a rate: what simulations of other kinds were off by
_Z95 = 1.959963984540054
_MOST_TRIALS = 10_000


class Interval(NamedTuple):
    """A rate in [0, 1] with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class TailModel:
    """Examples at equal steps of their true order, and how well n trials find the last ``fraction`` of them.

    ``probability`` [M] is theirs to be right, ascending; ``place`` [M] is where the finer score puts them,
    standard normal; ``truth`` [M] is how much of each belongs to the true set. The finer score varies from
    trial to trial with standard deviation ``spread``; infinite where ties are left to chance.
    """

    probability: _Floats
    place: _Floats
    truth: _Floats
    fraction: float
    spread: float

    def members(self, num_trials: int) -> _Floats:
        """Probability of each [M] to be in the set of ``num_trials`` trials."""
        from scipy.special import betainc, ndtr

        n, p = num_trials, self.probability

        def at_least(count: int) -> _Floats:
            if count <= 0:
                return np.ones_like(p)
            tail: _Floats = np.zeros_like(p) if count > n else betainc(count, n - count + 1, p)
            return tail

        # the level that the cut splits: the last that the set reaches into
        level = _last(lambda count: float(at_least(count).mean()) >= self.fraction, n)
        above = at_least(level + 1)
        at = at_least(level) - above
        room = self.fraction - float(above.mean())
        if math.isinf(self.spread):
            return above + at * min(room / max(float(at.mean()), 1e-300), 1.0)
        steepness = math.sqrt(n) / self.spread
        low, high = -40.0, 40.0  # where the finer score is cut
        for _ in range(60):
            middle = (low + high) / 2
            taken = float((at * ndtr((self.place - middle) * steepness)).mean())
            low, high = (middle, high) if taken > room else (low, middle)
        return np.asarray(above + at * ndtr((self.place - low) * steepness))

    def match(self, num_trials: int, others: int | None = None) -> float:
        """Expected matching rate of sets from ``num_trials`` and from ``others`` trials, as many if None."""
        ours = self.members(num_trials)
        theirs = ours if others is None else self.members(others)
        return min(float((ours * theirs).mean()) / self.fraction, 1.0)

    def share(self, num_trials: int) -> float:
        """Expected share of the true set that a set from ``num_trials`` trials holds."""
        return min(float((self.members(num_trials) * self.truth).mean()) / self.fraction, 1.0)


def _last(holds: Callable[[int], bool], limit: int) -> int:
    """The largest whole number in 0..limit that ``holds``, which 0 does and all up to the last do."""
    low, high = 0, limit + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def counted_tail(votes: Votes, side: Side, fraction: float) -> TailModel:
    """The model of sets by counts alone, ties left to chance: a closed form of the fitted `Mixing`."""
    from scipy.special import ndtri

    counts, num = votes.counts(votes.all_trials())[0], votes.num_trials
    # the hard set is the easy one of how often trials are wrong
    mixing = fit_mixing(counts if side == "easy" else num - counts, num)
    num_steps = max(_QUANTILES, math.ceil(_IN_SET / fraction))
    step = (np.arange(num_steps) + 0.5) / num_steps
    at = np.minimum(np.searchsorted(np.cumsum(mixing.population), step), len(mixing.population) - 1)
    truth = shares_of_tail(mixing.population, fraction, "easy")[at]
    return TailModel(mixing.probability[at], ndtri(step), truth, fraction, math.inf)


def refined(model: TailModel, rate: float, group_size: int) -> TailModel:
    """The model whose finer score makes sets of ``group_size`` trials match in ``rate``, as nearly as can be.

    The finer score orders examples as the probability to be right does, and those as well that are alike in
    it: it is what decides once all counts are the same.
    """
    finer = _with_finer(model)
    low, high = math.log(1 / _LARGEST_SPREAD), math.log(_LARGEST_SPREAD)
    for _ in range(24):
        middle = (low + high) / 2
        above = replace(finer, spread=math.exp(middle)).match(group_size) > rate
        low, high = (middle, high) if above else (low, middle)
    return replace(finer, spread=math.exp((low + high) / 2))


def _with_finer(model: TailModel) -> TailModel:
    """The model with the true set that a finer score leads to, where endless trials leave no ties."""
    num_steps = len(model.place)
    end = np.arange(num_steps) + 1.0
    return replace(model, truth=np.clip(end - (1 - model.fraction) * num_steps, 0, 1))


@dataclass(frozen=True, eq=False)
class Forecast:
    """What more trials would give, of one side of the examples after ``epoch`` epochs.

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

    def trials_for(self, share: float) -> int | None:
        """The fewest trials whose set is expected to hold this share of the true one; None beyond 10,000."""
        model = self.models[0]
        num = _last(lambda n: n == 0 or model.share(n) < share, _MOST_TRIALS) + 1
        return num if num <= _MOST_TRIALS else None

    def trials_to_show(self, share: float) -> int | None:
        """The fewest trials after which the interval of `share` is expected to lie above; None beyond 10,000.

        By then there are trials enough that the jackknife adds little to it.
        """
        odds = math.log(share / (1 - share)) + _Z95 * math.sqrt(self._fixed_variance(share))
        return self.trials_for(1 / (1 + math.exp(-odds)))

    def _fixed_variance(self, rate: float) -> float:
        """Of the log odds of a rate, what more trials do not take away; at most half an example is sure."""
        least = min(0.5 / self.size, 0.5)
        kept = min(max(rate, least), 1 - least)
        return _MODEL_ERROR**2 + 1 / (self.size * kept * (1 - kept))

    def _interval(self, of: Callable[[TailModel], float]) -> Interval:
        value, *left_out = (min(max(of(model), 1e-6), 1 - 1e-6) for model in self.models)
        odds = np.log(np.divide(left_out, np.subtract(1, left_out)))
        jackknife = (len(odds) - 1) / len(odds) * float(((odds - odds.mean()) ** 2).sum())
        middle = math.log(value / (1 - value))
        reach = _Z95 * math.sqrt(jackknife + self._fixed_variance(value))
        low, high = (1 / (1 + math.exp(-(middle + end))) for end in (-reach, reach))
        return Interval(value, low, high)


def forecast(
    votes: Votes, *, side: Side = "hard", fraction: float = 0.1, ties: Ties = "refine", seed: int = 0
) -> Forecast | None:
    """Fit what sets of n trials would hold to the trials there are; None with fewer than `MIN_TRIALS`.

    ``expected`` follows in closed form from the distribution of the probability to be right (`fit_mixing`).
    ``refine`` adds a finer score that decides inside the level at the cut; how much that varies is fitted to
    the matching rate of halves of the trials. The Spearman-Brown formula is not used: it takes the finer
    score to decide as much in many trials as it does in few, and was seen to be off by 0.1.

    Raises:
        BadInput: easiness is undefined in a half of the trials, the fraction is wrong, or ``ties`` is
            ``strict``, whose sets have no size of their own.
    """
    if ties == "strict":
        raise BadInput("ties strict: its sets differ in size from run to run; use expected or refine")
    n = votes.num_trials
    if n < MIN_TRIALS:
        return None
    model = counted_tail(votes, side, fraction)
    parts = [np.flatnonzero(np.arange(n) % _PARTS != part) for part in range(_PARTS)]
    left_out = [counted_tail(votes.rows(rows), side, fraction) for rows in parts]
    if ties == "refine":
        halves = match_groups(
            votes,
            votes,
            side=side,
            fraction=fraction,
            ties=ties,
            max_splits=_SPLITS,
            num_replicates=0,
            seed=seed,
        )
        assert halves is not None
        # the rate is a mean over many halves of all trials: it anchors what is left, too
        model, *left_out = (refined(one, halves.rate, halves.group_size) for one in (model, *left_out))
    size = fraction * votes.num_examples
    return Forecast(side, fraction, ties, votes.epoch, n, size, (model, *left_out))
