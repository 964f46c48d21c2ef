"""Which class is taken for which: among sound labels, and among wrong ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

Values = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

_STRENGTHS = np.geomspace(1, 3000, 17)
_FAINT = 1e-3  # of the whole mass, for a class that is hardly named


@dataclass(frozen=True)
class Rates:
    """Of each pair (given, other) the share of the given class's mass that goes to the other class.

    ``of_pair`` [pairs] is shrunk towards all other classes alike, by ``strength`` examples' worth.
    """

    of_pair: Values
    strength: float


class Pairs:
    """The pairs (label, rival) that occur, and what weights of examples say of them."""

    def __init__(self, labels: Positions, rivals: Positions, num_classes: int) -> None:
        """``labels`` and ``rivals`` [n] of the examples that have a rival, two classes or more."""
        self._num_classes = num_classes
        codes, self.pair_of = np.unique(labels * num_classes + rivals, return_inverse=True)
        self.label, self.rival = codes // num_classes, codes % num_classes

    def add_up(self, weights: Values) -> Values:
        """The sum of weights [n] for each pair."""
        total: Values = np.bincount(self.pair_of, weights, len(self.label)).astype(np.float64)
        return total

    def rates(self, mass: Values, given: Positions, other: Positions) -> Rates:
        """The rates for ``mass`` [pairs]; of each pair ``given`` and ``other`` [pairs] are the two ends.

        They are shrunk towards the share of each other class in the whole mass. How far is what makes the
        mass most likely (Dirichlet-multinomial): a lot where all classes are taken for the same others,
        hardly where each is taken for one of its own.
        """
        total = np.bincount(given, mass, self._num_classes)
        named = np.bincount(other, mass, self._num_classes) + _FAINT * (mass.sum() + 1)
        usual = named[other] / (named.sum() - named[given])
        likelihood = [
            float(
                (gammaln(s) - gammaln(s + total)).sum()
                + (gammaln(mass + s * usual) - gammaln(s * usual)).sum()
            )
            for s in _STRENGTHS
        ]
        strength = float(_STRENGTHS[int(np.argmax(likelihood))])
        return Rates((mass + strength * usual) / (total[given] + strength), strength)
