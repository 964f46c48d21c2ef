"""scikit-learn's handwritten digits: 1797 grey pictures of 8 x 8 pixels, there without a download."""

from __future__ import annotations

import numpy as np

from easiness.data.dataset import Dataset
from easiness.data.stored import ArrayImages


def load_digits() -> Dataset:
    """The digits in scikit-learn's order, ids 0..1796; no held-out split.

    Stored intensities 0..16 become 0..255. The recipe default turns flips off: a mirrored digit is
    another shape.
    """
    from sklearn.datasets import load_digits as sklearn_digits

    bunch = sklearn_digits()
    labels = bunch.target.astype(np.int64)
    return Dataset(
        name="digits",
        source="digits",
        split="train",
        ids=np.arange(len(labels)),
        labels=labels,
        true_labels=labels,
        classes=tuple(str(name) for name in bunch.target_names),
        stored=ArrayImages(np.rint(bunch.images[:, None] * (255 / 16)).astype(np.uint8)),
        recipe_changes={"flip": 0.0},
    )
