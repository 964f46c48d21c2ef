"""The matching rate of two networks without the noise of few trials: corrected for attenuation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis.ceiling import GroupMatch
from easiness.analysis.matching import Rule
from easiness.analysis.tail_model import TailModel, counted_tail
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
    """The share of the true set that the normal model credits a set with, less what the counts do."""
    r = np.maximum(correlation_of(model.match(num_trials), model.fraction, model.fraction), 0)
    return float(rate_of(np.sqrt(r), model.fraction)) - model.share(num_trials)


def _formula_error(a: TailModel, b: TailModel, *, rate: float, num_trials: int) -> float:
    """The error of the formula for two runs whose true orders are normal and match in ``rate``.

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


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_HALVINGS = 40  # of an interval of length pi: 3e-12 is left


def overlap(correlation: npt.ArrayLike, f_a: npt.ArrayLike, f_b: npt.ArrayLike) -> _Floats:
    """Probability that X and Y both lie in their upper parts, of probabilities ``f_a`` and ``f_b``.

    X and Y are standard normal with this ``correlation`` in [-1, 1]. The derivative of the probability by
    the correlation is the density at the two cuts (Plackett 1954); it is integrated over the arcsine, in
    which it is smooth. Arguments broadcast against each other; fractions are in (0, 1).
    """
    from scipy.special import ndtri

    r, f_a, f_b = (np.asarray(one, np.float64) for one in (correlation, f_a, f_b))
    both = _overlap(np.arcsin(r), f_a, f_b, -ndtri(f_a), -ndtri(f_b))
    # exact at the ends, where the integral is good to 1e-5
    both = np.where(r == 1, np.minimum(f_a, f_b), both)
    return np.where(r == -1, np.maximum(f_a + f_b - 1, 0), both)


def _overlap(angle: _Floats, f_a: _Floats, f_b: _Floats, cut_a: _Floats, cut_b: _Floats) -> _Floats:
    half = angle[..., None] / 2
    sin = np.sin(half * (1 + _NODES))
    a, b = cut_a[..., None], cut_b[..., None]
    # (a^2 + b^2 - 2 a b s) / (2 (1 - s^2)), written so that nothing is lost where s nears 1 and a is b
    exponent = (a - b) ** 2 / (2 * np.maximum(1 - sin**2, 1e-300)) + a * b / (1 + sin)
    integral = (np.exp(-exponent) * _WEIGHTS).sum(axis=-1) * half[..., 0]
    both: _Floats = np.clip(f_a * f_b + integral / (2 * np.pi), 0, np.minimum(f_a, f_b))
    return both


def rate_of(correlation: npt.ArrayLike, fraction: float) -> _Floats:
    """The matching rate, in [0, 1], of the upper ``fraction`` of two normals with this correlation.

    ``fraction`` at a correlation of 0 and 1 at 1; NaN at fraction 1, where there is no choice.
    """
    if fraction >= 1:
        return np.full(np.shape(correlation), np.nan)
    return overlap(correlation, fraction, fraction) / fraction


def correlation_of(rate: npt.ArrayLike, f_a: npt.ArrayLike, f_b: npt.ArrayLike) -> _Floats:
    """The correlation of the bivariate normal whose upper parts overlap in ``rate`` of the larger one.

    0 where the rate is that of independent sets, 1 where one set holds the other, -1 where they are as
    far apart as can be; NaN for an undefined rate or a fraction outside (0, 1). Arguments broadcast.
    """
    from scipy.special import ndtri

    rate, f_a, f_b = np.broadcast_arrays(*(np.asarray(one, np.float64) for one in (rate, f_a, f_b)))
    defined = ~np.isnan(rate) & (f_a > 0) & (f_a < 1) & (f_b > 0) & (f_b < 1)
    f_a, f_b = np.where(defined, f_a, 0.5), np.where(defined, f_b, 0.5)
    joint = np.where(defined, rate, 0.5) * np.maximum(f_a, f_b)
    cut_a, cut_b = -ndtri(f_a), -ndtri(f_b)
    low, high = np.full(rate.shape, -np.pi / 2), np.full(rate.shape, np.pi / 2)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = _overlap(middle, f_a, f_b, cut_a, cut_b) < joint
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    found: _Floats = np.where(defined, np.sin((low + high) / 2), np.nan)
    return found
