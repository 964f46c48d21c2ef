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
_LARGEST_MISFIT = 0.045  # in a share of the true set, between the normal model and the counts themselves
_LARGEST_ERROR = 0.03  # of the formula, where counts are what the model of both runs makes them
_LARGEST_TIE = 0.75  # share of all examples at the level of the cut: beyond it their order is not known
_NOISE_STEPS = 48  # of the second of two correlated normals, given the first
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
    counts at the cut are so coarse that the formula does not hold.
    ``tests/property/test_agreement_simulated.py`` holds it to 0.05 of the truth, and the interval to hold it
    in 90 of 100 runs.
    """
    doubt = _doubt(a, b, pair, rule)
    if doubt is not None:
        return Agreement(reason=doubt)
    tails: list[TailModel] = []
    if rule.ties != "refine":  # else no level is cut, and simulations find the normal model good throughout
        tails = [counted_tail(run.votes, rule.side, rule.fraction) for run in (a, b)]
        for run, tail in zip((a, b), tails, strict=True):
            if _too_coarse(run, tail, pair.group_size):
                return Agreement(reason=_coarse(pair, rule, run.name))
    rates = [(one, np.array(one.rate)) for one in (pair, a.ceiling, b.ceiling)]
    replicates = [(one, one.replicates) for one in (pair, a.ceiling, b.ceiling)]
    num, fraction = a.votes.num_examples, rule.fraction
    found = _without_noise(*(_correlation(*one, num) for one in rates))
    drawn = _without_noise(*(_correlation(*one, num) for one in replicates))
    rate, error = float(_rate(found, fraction)), 0.0
    if tails:
        error = _formula_error(*tails, rate=rate, num_trials=pair.group_size)
        if abs(error) > _LARGEST_ERROR:
            return Agreement(reason=_coarse(pair, rule, f"{a.name} and {b.name}"))
    defined = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return Agreement(rate)
    if len(defined) < _DEFINED * len(drawn):
        return Agreement(reason="a ceiling is at chance in too many of the replicates")
    # before r* is kept within its bounds: replicates piled up there would seem biased, and the interval of a
    # full agreement would end below it
    ends = np.percentile(defined, (2.5, 97.5)) - (np.median(defined) - found)
    low, high = _rate(ends, fraction).tolist()
    low, high = low - max(error, 0), high - min(error, 0)
    return Agreement(rate, max(min(low, rate), 0.0), min(max(high, rate), 1.0))


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
    """Why the rates cannot be corrected, as far as they show it themselves; None where they can be."""
    if rule.fraction >= 1:
        return "sets hold every example"
    if pair.group_size == 1:
        return "groups of one trial have no interval"
    matches = (pair, a.ceiling, b.ceiling)
    if any(one.num_empty or math.isnan(one.rate) for one in matches):
        return "some sets are empty"
    smallest, asked = min(min(one.sizes) for one in matches), rule.fraction * a.votes.num_examples
    if smallest < _SMALLEST_SET * asked:
        return f"sets are of {smallest:.0f} examples instead of {asked:.0f}"
    for run in (a, b):
        if not run.ceiling.interval[0] > run.ceiling.chance:
            return f"the ceiling of {run.name} is not shown to exceed chance"
    return None


def _too_coarse(run: Measured, tail: TailModel, num_trials: int) -> bool:
    """Are the counts of a run so coarse at the cut that the normal model does not hold there?"""
    return max(run.ceiling.tie_mass) > _LARGEST_TIE or _misfit(tail, num_trials) > _LARGEST_MISFIT


def _coarse(pair: GroupMatch, rule: Rule, names: str) -> str:
    return f"counts of {pair.group_size} trials hardly tell the {rule.side} examples of {names} apart"


def _misfit(model: TailModel, num_trials: int) -> float:
    """How much more of the true set the normal model credits a set with than the counts themselves do."""
    r = np.maximum(correlation_of(model.match(num_trials), model.fraction, model.fraction), 0)
    return float(rate_of(np.sqrt(r), model.fraction)) - model.share(num_trials)


def _formula_error(a: TailModel, b: TailModel, *, rate: float, num_trials: int) -> float:
    """By how much the formula is off for two runs whose true orders are normal and match in ``rate``.

    The examples of each have the probabilities to be right that were fitted to its counts.
    """
    from scipy.special import ndtr, ndtri

    r = float(correlation_of(rate, a.fraction, a.fraction))
    noise = ndtri((np.arange(_NOISE_STEPS) + 0.5) / _NOISE_STEPS)
    places = ndtr(r * a.place[:, None] + np.sqrt(1 - r**2) * noise)
    at = np.minimum(np.searchsorted(np.cumsum(b.weight), places), len(b.weight) - 1)

    def overlap(ours: _Floats, theirs: _Floats) -> float:
        return a.mean(ours * theirs[at].mean(axis=1)) / a.fraction

    across = overlap(a.members(num_trials), b.members(num_trials))
    read = float(without_noise(across, a.match(num_trials), b.match(num_trials), a.fraction))
    return read - overlap(a.truth, b.truth)
