"""How far two quantities go along with a third, by ranks: standardized coefficients with intervals.

Ranks have average ranks for ties, are centred and have a standard deviation of one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis.tail_model import Interval
from easiness.lazy import Floats, Integers, special

REPLICATES = 400
_SHUFFLES = 200
_LEVEL = 0.975  # of each side of an interval


@dataclass(frozen=True)
class RankRegression:
    """The ranks of an outcome on those of two predictors, ``first`` and ``second`` (standardized).

    ``r_squared`` is the share of the variance of the ranks that both explain, in 0..1, and ``by_chance`` what
    it is at most, 95 times in 100, where predictors are dealt to the examples at random. With ``product``,
    the coefficient of the product of both ranks beside them, it is ``with_product``. ``together`` is the
    correlation of the two predictors' ranks. ``most`` is the r_squared that the best of predictors could have
    given the noise of the outcome: its reliability, NaN where that is not known. ``fit`` [K] are the ranks
    that the two explain, standardized, and ``left`` [K] what of the outcome's is left.
    """

    first: Interval
    second: Interval
    product: Interval
    r_squared: Interval
    with_product: Interval
    together: float
    by_chance: float
    most: float
    fit: Floats
    left: Floats


def rank_regression(
    outcome: Floats,
    predictors: tuple[npt.NDArray[np.number], npt.NDArray[np.number]],
    regions: Integers,
    *,
    without: Sequence[Floats] = (),
    halves: Sequence[tuple[Floats, Floats]] = (),
    times: float = 2,
    within: Integers | None = None,
    seed: int = 0,
) -> RankRegression:
    """Regress the ranks of ``outcome`` [K] on those of two predictors [K each].

    Intervals are for other examples and other trials. Examples are drawn anew by whole ``regions``: what is
    alike has a like outcome, so that single examples would make intervals too narrow. The variance of the
    trials is a jackknife over the outcomes ``without`` some of them; both are added, and the quantile is that
    of Student's t with the degrees of freedom that they have together (Satterthwaite).

    Args:
        outcome: finite numbers.
        predictors: two of them, finite.
        regions: number of the region of each example [K], from 0.
        without: the outcome [K] without a group of trials at a time, the groups equally large; with fewer
            than two the trials are taken as they are.
        halves: pairs of outcomes [K] of disjoint halves of the trials, for ``most``.
        times: how many times the trials of a half there are in all: more than 2 where their number is odd.
        within: class of each example [K], to compare it with its own class alone: ranks are within classes.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    levels = [_Levels.of(one, within) for one in (outcome, *predictors)]
    once = np.ones(len(outcome))
    values = _fit(levels, once)
    num = int(regions.max()) + 1
    draws = rng.multinomial(num, np.full(num, 1 / num), size=REPLICATES)
    replicates = [_fit(levels, one) for row in draws if (one := row[regions].astype(np.float64)).any()]
    of_examples = np.var(replicates, axis=0, ddof=1)
    of_trials = np.array([_fit([_Levels.of(one, within), *levels[1:]], once) for one in without])
    reach = _reach(of_examples, of_trials)
    ends = zip(values, values - reach, values + reach, strict=True)
    first, second, r_squared, product, with_product = (Interval(*map(float, one)) for one in ends)
    ranks, x, z = (one.ranks(once) for one in levels)
    fit = first.value * x + second.value * z
    return RankRegression(
        first=first,
        second=second,
        product=product,
        r_squared=_as_share(r_squared),
        with_product=_as_share(with_product),
        together=float((x * z).mean()),
        by_chance=_by_chance(ranks, x, z, within, rng),
        most=reliability(halves, within, times),
        fit=fit,
        left=ranks - fit,
    )


def class_share(outcome: Floats, classes: Integers) -> float:
    """The share of the variance of the ranks of ``outcome`` [K] that its class alone explains, in 0..1."""
    ranks = _Levels.of(outcome, None).ranks(np.ones(len(outcome)))
    sizes = np.bincount(classes)
    means = np.bincount(classes, ranks) / np.maximum(sizes, 1)
    return float((means**2 * sizes).sum() / len(ranks))


def reliability(
    halves: Sequence[tuple[Floats, Floats]], within: Integers | None = None, times: float = 2
) -> float:
    """Reliability of ranks of an outcome, by halves of its trials (Spearman and Brown); NaN without any."""
    if not halves:
        return math.nan
    correlations = []
    for pair in halves:
        both = np.isfinite(pair).all(axis=0)
        inside = None if within is None else within[both]
        x, y = (_Levels.of(one[both], inside).ranks(np.ones(int(both.sum()))) for one in pair)
        correlations.append((x * y).mean())
    correlation = float(np.mean(correlations))
    of_all = times * correlation / (1 + (times - 1) * correlation) if correlation > 0 else 0.0
    return min(of_all, 1.0)


@dataclass(frozen=True)
class _Levels:
    """The values of K examples as ``level`` [K], which count from 0, class by class; ``owner`` of each level.

    They are all that ranks need, whatever weight an example has.
    """

    level: Integers
    owner: Integers
    classes: Integers

    @classmethod
    def of(cls, values: npt.NDArray[np.number], within: Integers | None) -> _Levels:
        classes = np.zeros(len(values), np.int64) if within is None else within
        number = np.unique(values, return_inverse=True)[1].astype(np.int64)
        keys, level = np.unique(classes * (number.max() + 1) + number, return_inverse=True)
        return cls(level.astype(np.int64), keys // (number.max() + 1), classes)

    def ranks(self, weights: Floats) -> Floats:
        """Standardized ranks [K] of examples of these weights, 0 where all are equal."""
        per_level = np.bincount(self.level, weights, len(self.owner))
        of_class = np.bincount(self.owner, per_level)
        below = np.cumsum(of_class) - of_class
        middle = np.cumsum(per_level) - per_level / 2 - below[self.owner]
        deviations = middle / np.where(of_class > 0, of_class, 1)[self.owner] - 0.5
        scale = math.sqrt(float(per_level @ deviations**2) / weights.sum())
        return np.asarray((deviations / scale if scale > 0 else 0 * deviations)[self.level])


def _fit(levels: Sequence[_Levels], weights: Floats) -> Floats:
    y, x, z = (one.ranks(weights) for one in levels)
    share = weights / weights.sum()
    both = x * z - float(share @ (x * z))
    both /= math.sqrt(float(share @ both**2)) or 1.0
    columns = np.stack([x, z, both])
    moments, along = (columns * share) @ columns.T, (columns * share) @ y
    two = _solve(moments[:2, :2], along[:2])
    three = _solve(moments, along)
    return np.array([*two, two @ along[:2], three[2], three @ along])


def _solve(moments: Floats, along: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(moments, along, rcond=1e-10)[0])


def _reach(of_examples: Floats, without: Floats) -> Floats:
    num = len(without)
    of_trials = without.var(axis=0) * (num - 1) if num > 1 else np.zeros_like(of_examples)
    total = of_examples + of_trials
    freedom = np.full_like(total, 1e6)
    np.divide(total**2 * (num - 1), of_trials**2, out=freedom, where=of_trials**2 > 1e-6 * total**2)
    return np.asarray(special.stdtrit(freedom, _LEVEL) * np.sqrt(total))


def _as_share(share: Interval) -> Interval:
    return share._replace(low=max(share.low, 0.0), high=min(share.high, 1.0))


def _by_chance(y: Floats, x: Floats, z: Floats, within: Integers | None, rng: np.random.Generator) -> float:
    """R squared that 95 of 100 deals of both predictors stay below; within classes where they are given."""
    moments = np.array([[1.0, (x * z).mean()], [(x * z).mean(), 1.0]])
    shares = []
    for _ in range(_SHUFFLES):
        order = rng.permutation(len(y))
        if within is not None:
            order[np.argsort(within, kind="stable")] = order[np.argsort(within[order], kind="stable")]
        along = np.array([(x * y[order]).mean(), (z * y[order]).mean()])
        shares.append(float(along @ _solve(moments, along)))
    return float(np.quantile(shares, 0.95))
