"""What several models or runs over the same data say together of how likely each label is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from easiness.analysis.labels.mixture import LabelNoise

Values = npt.NDArray[np.float64]


def label_noise_together(noises: Sequence[LabelNoise]) -> LabelNoise:
    """The order and the probabilities of several models or runs as one, of K examples each.

    The order is a sum of their log odds, the probabilities are a mean, made monotone in that order. How much
    one counts goes by what its own probabilities say that it knows: the information about which labels are
    wrong, over that of the one that knows most, squared. Nothing is fitted to the data. Where two disagree
    the probability lies between: they are less sure than two can be that know equally much and err apart.
    """
    from sklearn.isotonic import IsotonicRegression

    known = np.array([information(noise.p_wrong) for noise in noises])
    best = int(known.argmax())
    if len(noises) == 1 or known[best] <= 0:
        return noises[best]
    weights = np.square(np.maximum(known, 0) / known[best])
    order: Values = sum(weight * noise.suspicion for weight, noise in zip(weights, noises, strict=True))
    mean = np.average([noise.p_wrong for noise in noises], axis=0, weights=weights)
    p_wrong: Values = IsotonicRegression(y_min=0, y_max=1).fit_transform(order, mean)
    return LabelNoise(p_wrong, order)


def information(p_wrong: Values) -> float:
    """How much probabilities [K] say of which labels are wrong: nats an example, 0 if all are the same."""
    return float(_entropy(p_wrong.mean()) - _entropy(p_wrong).mean())


def _entropy(p: Values | np.floating) -> Values:
    entropy: Values = -(xlogy(p, p) + xlogy(1 - p, 1 - p))
    return entropy
