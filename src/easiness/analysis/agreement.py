"""The matching rate of two networks without the noise of few trials."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis.bivariate import correlation_of, rate_of
from easiness.analysis.ceiling import GroupMatch
from easiness.analysis.forecast import TailModel, counted_tail
from easiness.analysis.matching import Rule
from easiness.analysis.votes import Votes

_Floats = npt.NDArray[np.float64]

_SMALLEST_SET = 0.8  # of k: smaller ones, under `strict`, are other sets than those asked for
_LARGEST_DOUBT = 0.045  # in a share of the true set, between the normal model and the counts themselves
_DEFINED = 0.9  # share of the replicates that must have a value for an interval


@dataclass(frozen=True)
class Agreement:
    """The matching rate that two networks would have with endless trials, in [0, 1], with a 95 % interval.

    NaN where it cannot be told, and ``reason`` says why.
    """

    rate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """One of two runs: what to call it, what its trials said, and its noise ceiling."""

    name: str
    votes: Votes
    ceiling: GroupMatch


def agreement(a: Measured, b: Measured, pair: GroupMatch, rule: Rule) -> Agreement:
    """Correct the match of two runs for attenuation by their noise ceilings (Spearman 1904).

    Each rate becomes the correlation r of a bivariate normal whose upper parts overlap in it;
    r* = r(M_AB) / sqrt(r(M_AA) r(M_BB)), kept within -1 and 1, becomes a rate at the fraction again. All
    three are of groups of one size, with sets drawn by ``rule``. The interval is that of r* in the
    replicates, with the shift of their median taken off.

    Blank where a ceiling is not shown to exceed chance, sets are empty or far smaller than asked for, or
    counts at the cut are so coarse that the model does not hold.
    ``tests/property/test_agreement_simulated.py`` holds it to 0.05 of the truth, and the interval to hold it
    in 90 of 100 runs.
    """
    doubt = _doubt(a, b, pair, rule)
    if doubt is not None:
        return Agreement(reason=doubt)
    rates = [(one, np.array(one.rate)) for one in (pair, a.ceiling, b.ceiling)]
    replicates = [(one, one.replicates) for one in (pair, a.ceiling, b.ceiling)]
    num, fraction = a.votes.num_examples, rule.fraction
    found = _without_noise(*(_correlation(*one, num) for one in rates))
    drawn = _without_noise(*(_correlation(*one, num) for one in replicates))
    rate = float(_rate(found, fraction))
    defined = drawn[~np.isnan(drawn)]
    if not len(drawn) or len(defined) < _DEFINED * len(drawn):
        return Agreement(rate)
    # before r* is kept within its bounds: replicates piled up there would seem biased, and the interval of a
    # full agreement would end below it
    ends = np.percentile(defined, (2.5, 97.5)) - (np.median(defined) - found)
    low, high = _rate(ends, fraction)
    return Agreement(rate, min(float(low), rate), max(float(high), rate))


def without_noise(m_ab: npt.ArrayLike, m_aa: npt.ArrayLike, m_bb: npt.ArrayLike, fraction: float) -> _Floats:
    """The rate of `agreement` from matching rates of sets of this ``fraction``; NaN where it has none."""
    r_ab, r_aa, r_bb = (correlation_of(rate, fraction, fraction) for rate in (m_ab, m_aa, m_bb))
    return _rate(_without_noise(r_ab, r_aa, r_bb), fraction)


def _correlation(one: GroupMatch, rates: _Floats, num_examples: int) -> _Floats:
    f_a, f_b = (size / num_examples for size in one.sizes)
    return correlation_of(rates, f_a, f_b)


def _without_noise(r_ab: _Floats, r_aa: _Floats, r_bb: _Floats) -> _Floats:
    """r*, which noise may take beyond -1 and 1; NaN where a ceiling is at chance or below."""
    above = (r_aa > 0) & (r_bb > 0)
    star: _Floats = r_ab / np.sqrt(np.where(above, r_aa * r_bb, np.nan))
    return star


def _rate(star: _Floats, fraction: float) -> _Floats:
    return rate_of(np.clip(star, -1, 1), fraction)


def _doubt(a: Measured, b: Measured, pair: GroupMatch, rule: Rule) -> str | None:
    """Why there is no agreement to be told; None where there is."""
    matches = (pair, a.ceiling, b.ceiling)
    if any(one.num_empty or math.isnan(one.rate) for one in matches):
        return "some sets are empty"
    smallest, asked = min(min(one.sizes) for one in matches), rule.fraction * a.votes.num_examples
    if smallest < _SMALLEST_SET * asked:
        return f"sets are of {smallest:.0f} examples instead of {asked:.0f}"
    for run in (a, b):
        if not run.ceiling.interval[0] > run.ceiling.chance:
            return f"the ceiling of {run.name} is not shown to exceed chance"
    if rule.ties == "refine":  # no level is cut, and simulations find the normal model good throughout
        return None
    size = pair.group_size
    for run in (a, b):
        if _misfit(counted_tail(run.votes, rule.side, rule.fraction), size) > _LARGEST_DOUBT:
            return f"counts of {size} trials hardly tell the {rule.side} examples of {run.name} apart"
    return None


def _misfit(model: TailModel, num_trials: int) -> float:
    """How much more of the true set the normal model credits a set with than the counts themselves do."""
    r = np.maximum(correlation_of(model.match(num_trials), model.fraction, model.fraction), 0)
    return float(rate_of(np.sqrt(r), model.fraction)) - model.share(num_trials)
