"""What a noisy channel makes of classes: the share of each true class that is given each label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln

Values = npt.NDArray[np.float64]

_STRENGTHS = np.geomspace(1, 3000, 17)  # examples' worth of the usual other class
_ALIKE = np.geomspace(20, 3000, 12)  # examples' worth of the usual rate of wrong labels, for each class
_FAINT = 1e-3


@dataclass(frozen=True)
class ChannelTable:
    """The share of each true class that is given each label, ``rates`` [true, given].

    Which label a wrong one is, is shrunk towards the usual wrong label by ``strength`` examples' worth: a lot
    where all classes are taken for the same others, hardly where each is taken for one of its own.
    """

    rates: Values
    strength: float

    @classmethod
    def of(cls, counts: Values, strength: float | None = None) -> ChannelTable:
        """From expected ``counts`` [true, given]; without a strength it is the likeliest one."""
        apart = ~np.eye(len(counts), dtype=bool)
        wrong = np.where(apart, counts, 0.0)
        in_class = wrong.sum(axis=1)
        usual = np.where(apart, wrong.sum(axis=0) + _FAINT * (wrong.sum() + 1), 0.0)
        usual /= usual.sum(axis=1, keepdims=True)
        if strength is None:
            fits = [_log_dirichlet(wrong[apart], usual[apart], in_class, one) for one in _STRENGTHS]
            strength = float(_STRENGTHS[int(np.argmax(fits))])
        which = (wrong + strength * usual) / (in_class + strength)[:, None]
        size = counts.sum(axis=1)
        rate = float(wrong.sum() / counts.sum())
        # half a wrong label in ten classes, so that one among a few hundred stays possible
        alike = _how_alike(in_class, size, rate)
        of_class = (in_class + alike * rate + 0.05) / (size + alike + 0.1)
        return cls(which * of_class[:, None] + np.diag(1 - of_class), strength)


def _how_alike(wrong: Values, size: Values, rate: float) -> float:
    """How many examples' worth of the usual ``rate`` each class has: as many as make the rates likeliest.

    Where few labels are wrong that says next to nothing, and classes are taken to be alike (a prior of the
    root of the strength).
    """
    usual = float(np.clip(rate, 1e-6, 1 - 1e-6))
    right, fits = size - wrong, []
    for strength in _ALIKE:
        a, b = strength * usual, strength * (1 - usual)
        fits.append(float((betaln(wrong + a, right + b) - betaln(a, b)).sum()) + np.log(strength) / 2)
    return float(_ALIKE[int(np.argmax(fits))])


def _log_dirichlet(counts: Values, usual: Values, totals: Values, strength: float) -> float:
    expected = strength * usual
    of_classes = gammaln(strength) - gammaln(strength + totals)
    return float(of_classes.sum() + (gammaln(counts + expected) - gammaln(expected)).sum())
