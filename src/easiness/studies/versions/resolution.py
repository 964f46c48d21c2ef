"""How far the confidence of one example has to move before the trials of two versions can show it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from easiness.analysis import NoiseOfChange, p_beyond

Values = npt.NDArray[np.float64]

CERTAIN = 1e-6
"""Confidences nearer to 0 or 1 than this are taken for this: single precision knows no more."""


def logit(p: Values) -> Values:
    """The logarithm of the odds of probabilities in (0, 1)."""
    return np.log(p) - np.log1p(-p)


def least_logits(middle: Values, at_least: float) -> Values:
    """A change of confidence by ``at_least`` around ``middle`` [C], in logits; infinite at the ends."""
    low, high = middle - at_least / 2, middle + at_least / 2
    inside = (low > 0) & (high < 1)
    low, high = np.where(inside, low, 0.5), np.where(inside, high, 0.5)
    return np.where(inside, logit(high) - logit(low), np.inf)


def smallest_shown(noise: NoiseOfChange, rate: float, at_least: float) -> float | None:
    """The smallest change of confidence, around a half, by which one example alone would be named.

    It is that of an example of median noise, where none of the others changed: its p-value times their
    number is then its adjusted one (Benjamini-Hochberg), which has to be ``rate`` or less.

    Returns:
        the change, in (0, 1); ``None`` where even one from 0 to 1 would not be named.
    """
    from scipy.optimize import brentq

    typical = NoiseOfChange(np.array([np.median(noise.error)]), noise.freedom)
    least = least_logits(np.array([0.5]), at_least)
    wanted = rate / len(noise.error)

    def excess(change: float) -> float:
        """Above 0 where a change is not shown; of logarithms, as p-values fall by powers of ten."""
        size = 2 * logit(np.array([(1 + change) / 2]))
        return float(np.log(max(p_beyond(size, typical, least)[0], 1e-300) / wanted))

    whole = 1 - 2 * CERTAIN
    if excess(whole) > 0:
        return None
    return float(brentq(excess, at_least, whole)) if excess(at_least) > 0 else at_least


def resolution_note(noise: NoiseOfChange, trials: tuple[int, int], rate: float, at_least: float) -> str:
    """A sentence for who is told that nothing changed: what could not have been seen."""
    change = smallest_shown(noise, rate, at_least)
    between = f"Between {trials[0]} and {trials[1]} trials"
    if change is None:
        return (
            f"{between} no change of a single example can be shown, not even one from 0 to 1: so few trials "
            "differ too much among themselves; measure more."
        )
    return (
        f"{between} a change of one example alone is shown from {change:.2f} on (around a confidence of 0.5, "
        "at median noise); to show smaller ones takes more trials."
    )
