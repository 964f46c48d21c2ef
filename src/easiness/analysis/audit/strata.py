"""Strata of a list of suspects, how many looks each is given, and who is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_LEAST = 0.95
"""Of the looks that a stratum would have by its size it has at least so many, so that probabilities that are
worth nothing cost no more than a twentieth."""

_EVEN = 0.2  # of the measure by which strata are cut, how much counts examples alike
_LOOKS_EACH = 12
_MOST = 8  # strata

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Strata:
    """Parts of a list of suspects from its top, H of them.

    ``sizes`` [H] count their examples, ``shares`` [H] are the parts of all looks that they are given, which
    sum to 1, and ``expected`` [H] is the share of wrong labels that was foretold of each.
    """

    sizes: Integers
    shares: Floats
    expected: Floats

    @property
    def ends(self) -> Integers:
        """How many examples are in a stratum and those above it [H]."""
        return self.sizes.cumsum()

    def turned(self) -> Strata:
        """The same of right labels in the place of wrong ones."""
        return Strata(self.sizes, self.shares, 1 - self.expected)

    def of(self, ranks: Integers) -> Integers:
        """The strata [n] of examples by their ranks, from 0."""
        return np.searchsorted(self.ends, ranks, side="right").astype(np.int64)


def stratify(p_wrong: Floats, looks: int) -> Strata:
    """Strata of examples with falling probabilities ``p_wrong`` [K] of wrong labels, for so many looks.

    They are cut where the standard deviations of single labels add up to equal parts (Dalenius and Hodges,
    1959), mixed with even ones, and get looks by size times standard deviation (Neyman, 1934), which one look
    more or less is added to as a variance. But each gets nearly as many as by its size alone.
    """
    deviation = np.sqrt(p_wrong * (1 - p_wrong)) + 1e-9
    measure = (1 - _EVEN) * deviation / deviation.mean() + _EVEN
    most = int(np.clip(looks // _LOOKS_EACH, 1, min(_MOST, len(p_wrong))))
    upto = measure.cumsum()
    inner = np.searchsorted(upto, upto[-1] * np.arange(1, most) / most)
    ends = np.unique([0, *inner.tolist(), len(p_wrong)])
    sizes = np.diff(ends).astype(np.int64)
    parts = np.split(p_wrong, ends[1:-1])
    variance = np.array([(part * (1 - part)).mean() for part in parts])
    by_size = sizes / sizes.sum()
    shares = _at_least(_LEAST * by_size, by_size * np.sqrt(variance + 1 / looks))
    return Strata(sizes, shares, np.array([part.mean() for part in parts]))


def _at_least(least: Floats, wanted: Floats) -> Floats:
    """Shares that sum to 1, in the proportions ``wanted`` where that is not below the ``least``."""
    fixed = np.zeros(len(least), np.bool_)
    while True:
        free = 1 - least[fixed].sum()
        shares: Floats = np.where(fixed, least, free * wanted / max(wanted[~fixed].sum(), 1e-300))
        below = ~fixed & (shares < least)
        if not below.any():
            return shares
        fixed |= below


def allocated(strata: Strata, looks: int) -> Integers:
    """Whole looks [H] that sum to ``looks``: at least one each where there are enough, at most all."""
    wanted, least = strata.shares * looks, int(looks >= len(strata.sizes))
    num = np.minimum(np.maximum(np.floor(wanted).astype(np.int64), 1), strata.sizes)
    while num.sum() > looks:
        num[np.where(num > least, num - wanted, -np.inf).argmax()] -= 1
    while num.sum() < looks:
        num[np.where(num < strata.sizes, wanted - num, -np.inf).argmax()] += 1
    return num


def draw_fixed(strata: Strata, looks: int, rng: np.random.Generator) -> Integers:
    """Ranks [looks] of examples drawn at random within each stratum, in an order to look at them.

    Every beginning of it has about the share of each stratum, and is a random draw from each.
    """
    first = strata.ends - strata.sizes
    ranks, keys = [], []
    for start, size, num in zip(first, strata.sizes, allocated(strata, looks), strict=True):
        ranks.append(start + rng.permutation(size)[:num])
        keys.append((np.arange(num) + rng.random()) / max(num, 1))
    return np.concatenate(ranks)[np.argsort(np.concatenate(keys), kind="stable")].astype(np.int64)


def draw_in_sequence(strata: Strata, looks: int, rng: np.random.Generator) -> Integers:
    """Ranks [looks] of examples drawn one by one from all that are left, in proportion to `weights`."""
    each = np.repeat(weights(strata), strata.sizes)
    return np.argsort(rng.exponential(size=len(each)) / each, kind="stable")[:looks].astype(np.int64)


def weights(strata: Strata) -> Floats:
    """The chance of one example of each stratum [H] to be drawn first."""
    return strata.shares / strata.sizes
