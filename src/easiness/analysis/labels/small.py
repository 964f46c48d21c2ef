"""Classes whose labels are too few to judge, beside classes that are far larger."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from easiness.analysis.labels.mixture import LabelNoise

Positions = npt.NDArray[np.int64]

FEWEST = 20
"""Labels from which on a class is judged, where the others are far larger. Some draws of classes of 10 and 17
among 2,000 examples had more than a tenth of the sound labels called wrong, those of 25 hardly any."""
RARE = 0.1
"""The part of the median class up to which a class is far smaller than the others."""


def too_small(labels: Positions) -> Positions:
    """The classes whose labels [K] are too few to judge: below `FEWEST`, and `RARE` beside the others."""
    present, sizes = np.unique(labels, return_counts=True)
    return np.asarray(present[(sizes < FEWEST) & (sizes < RARE * np.median(sizes))], np.int64)


def pulled_to_prior(noise: LabelNoise, labels: Positions) -> tuple[LabelNoise, tuple[float, float]]:
    """The same with labels of classes that are `too_small` pulled towards the usual share of wrong ones.

    How far they keep their own probability goes by the square of their number. The second value is how much
    smaller and larger the share of wrong labels may be for them.
    """
    rare = np.isin(labels, too_small(labels))
    if not rare.any():
        return noise, (0.0, 0.0)
    sizes, share = np.bincount(labels)[labels[rare]], noise.share
    p_wrong, order = noise.p_wrong.copy(), noise.suspicion.copy()
    p_wrong[rare] = share + np.square(sizes / FEWEST) * (p_wrong[rare] - share)
    ranked = noise.suspicion.argsort(kind="stable")
    order[rare] = np.interp(p_wrong[rare], noise.p_wrong[ranked], noise.suspicion[ranked])
    in_rare = float(p_wrong[rare].sum()) / len(labels)
    return replace(noise, p_wrong=p_wrong, suspicion=order), (-in_rare, float(rare.mean()) - in_rare)
