"""What several runs over the same data say together of how likely each label is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from easiness.analysis.labels.mixture import LabelNoise

Values = npt.NDArray[np.float64]


def label_noise_together(noises: Sequence[LabelNoise]) -> LabelNoise:
    """The order and the probabilities of several runs as one, of K examples each.

    The order is a sum of the runs' log odds. How much one counts goes by what its own probabilities say that
    it knows: the information about which labels are wrong, over that of the run that knows most, squared.
    Nothing is fitted to the data. The probabilities are those of the run that knows most, made monotone in
    the new order: they are less sure than two runs can be that know equally much and err apart.
    """
    from sklearn.isotonic import IsotonicRegression

    known = np.array([information(noise.p_wrong) for noise in noises])
    best = int(known.argmax())
    if len(noises) == 1 or known[best] <= 0:
        return noises[best]
    order: Values = np.zeros(len(noises[0].p_wrong))
    for noise, share in zip(noises, np.maximum(known, 0) / known[best], strict=True):
        order += share**2 * noise.suspicion
    p_wrong: Values = IsotonicRegression(y_min=0, y_max=1).fit_transform(order, noises[best].p_wrong)
    return LabelNoise(p_wrong, order)


def information(p_wrong: Values) -> float:
    """How much probabilities [K] say of which labels are wrong: nats an example, 0 if all are the same."""
    return float(_entropy(p_wrong.mean()) - _entropy(p_wrong).mean())


def _entropy(p: Values | np.floating) -> Values:
    entropy: Values = -(xlogy(p, p) + xlogy(1 - p, 1 - p))
    return entropy
