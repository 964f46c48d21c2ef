"""What further trials of items would tell: foretold from the distribution of their rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis.mixing import MOST_LEVELS, binomial, level_starts, ratio, shares_of_tail
from easiness.analysis.rates import Rates
from easiness.analysis.sides import Side

_Floats = npt.NDArray[np.float64]

_AHEAD = (1, 2, 4, 8)  # times the trials that there are
_FARTHEST = 10  # times, beyond which nothing is foretold
_HALVINGS = 8
_FINEST, _STEPS = (
    32,
    16,
)  # numbers of further trials that are told apart, and beyond them so many each doubling


def chances(more: int, probability: _Floats) -> _Floats:
    """The probability [L, G] of each number of right ones of ``more`` trials; of very many some at a time."""
    table = binomial(more, probability)
    return np.add.reduceat(table, level_starts(more)) if more >= MOST_LEVELS else table


@dataclass(frozen=True)
class RatesAhead:
    """The share of the truly easiest or hardest ``fraction`` that as many items hold, chosen by probability.

    ``shares`` are foretold for several ``times`` the trials of each item, the first of which, 1, are those
    that there are. ``enough`` times hold 90 %: None where ten times do not.
    """

    side: Side
    fraction: float
    times: tuple[int, ...]
    shares: tuple[float, ...]
    enough: float | None


def rates_ahead(
    rates: Rates, trials: _Floats, *, side: Side = "hard", fraction: float = 0.1, share: float = 0.9
) -> RatesAhead:
    """Foretell how much of the true tail is held with more trials, by the fit to those that there are.

    Args:
        rates: the fit.
        trials: the trials of each item [K] that it was fitted to.
        side: the tail.
        fraction: its share of the items, in (0, 1].
        share: the share of the tail that is enough.
    """

    def held(times: float) -> float:
        return _share_held(rates, trials, times, side, fraction)

    low, high = 1.0, float(_FARTHEST)
    if held(high) < share:
        enough = None
    elif held(low) >= share:
        enough = low
    else:
        for _ in range(_HALVINGS):
            middle = float(np.sqrt(low * high))
            low, high = (low, middle) if held(middle) >= share else (middle, high)
        enough = high
    return RatesAhead(side, fraction, _AHEAD, tuple(map(held, _AHEAD)), enough)


def _share_held(rates: Rates, trials: _Floats, times: float, side: Side, fraction: float) -> float:
    tail = rates.tail(fraction, side)
    num, inside = (np.concatenate(parts) for parts in zip(*_after(rates, trials, times, tail), strict=True))
    p = ratio(inside, num)
    order = np.argsort(-p)
    members = shares_of_tail(num[order] / num.sum(), fraction, "hard")
    return min(float((members * inside[order]).sum() / (fraction * num.sum())), 1.0)


def _after(rates: Rates, trials: _Floats, times: float, member: _Floats) -> Iterator[tuple[_Floats, _Floats]]:
    """The numbers of items that are alike after so many ``times`` the trials, and of members among them."""
    of_kind = np.zeros(len(rates.weight))
    of_kind[rates.kind] = trials
    more = np.rint(_rounded(of_kind * (times - 1)))
    for one in np.unique(more):
        joint = (rates.posterior * rates.weight[:, None])[more == one]
        table = chances(int(one), rates.probability).T
        yield (joint @ table).ravel(), ((joint * member) @ table).ravel()


def _rounded(more: _Floats) -> _Floats:
    """Numbers of trials, of which large ones are rounded, so that a few are told apart."""
    power = np.rint(np.log2(np.maximum(more, _FINEST)) * _STEPS) / _STEPS
    return np.where(more <= _FINEST, more, 2**power)
