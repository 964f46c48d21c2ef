"""Several models or runs over the same data as one judge of how likely each label is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from easiness.analysis.labels.mixture import LabelNoise

Values = npt.NDArray[np.float64]


def label_noise_together(noises: Sequence[LabelNoise]) -> LabelNoise:
    """The order and the probabilities of several models or runs as one, of K examples each.

    The order is a sum of their log odds, the probabilities are a mean, made monotone in that order, by
    `weights_together`. Nothing is fitted to the data. Where two disagree the probability lies between: they
    are less sure than two can be that know equally much and err apart. One that claims more than it knows
    makes both worse than the other alone.
    """
    from sklearn.isotonic import IsotonicRegression

    weights = weights_together(noises)
    best = int(weights.argmax())
    if len(noises) == 1 or np.ptp(noises[best].p_wrong) == 0:
        return noises[best]
    order: Values = sum(weight * noise.suspicion for weight, noise in zip(weights, noises, strict=True))
    mean = np.average([noise.p_wrong for noise in noises], axis=0, weights=weights)
    p_wrong: Values = IsotonicRegression(y_min=0, y_max=1).fit_transform(order, mean)
    return LabelNoise(p_wrong, order)


def weights_together(noises: Sequence[LabelNoise]) -> Values:
    """How much each counts [n], 1 for the one that knows most.

    It goes by what its own probabilities say: the information about which labels are wrong, over that of the
    one that knows most, squared.
    """
    known = np.maximum([information(noise.p_wrong) for noise in noises], 0)
    most = known.max()
    weights: Values = np.square(known / most) if most > 0 else np.ones(len(noises))
    return weights


def information(p_wrong: Values) -> float:
    """How much probabilities [K] say of which labels are wrong: nats an example, 0 if all are the same."""
    return float(_entropy(p_wrong.mean()) - _entropy(p_wrong).mean())


def _entropy(p: Values | np.floating) -> Values:
    entropy: Values = -(xlogy(p, p) + xlogy(1 - p, 1 - p))
    return entropy
