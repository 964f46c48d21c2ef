"""scikit-learn's handwritten digits: 1797 grey pictures of 8 x 8 pixels, which need no download."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.sources.source import Source
from easiness.inputs import ArrayImages


def load_digits() -> Dataset:
    """The digits in scikit-learn's order, ids 0..1796; no held-out split.

    Stored intensities 0..16 become 0..255. The recipe default turns flips off: a mirrored digit is
    another shape.
    """
    rows = _rows()
    pixels, labels = rows[:, :-1].reshape(-1, 1, 8, 8), rows[:, -1].astype(np.int64)
    return Dataset(
        name="digits",
        source="digits",
        split="train",
        ids=np.arange(len(labels)),
        labels=labels,
        true_labels=labels,
        classes=tuple(str(digit) for digit in range(10)),
        stored=ArrayImages(np.rint(pixels * (255 / 16)).astype(np.uint8)),
        recipe_changes={"flip": 0.0},
    )


def _rows() -> npt.NDArray[np.float64]:
    """The 64 intensities of each picture and its label: from the file, since importing the library that
    carries it takes longer than everything else before a short run."""
    library = find_spec("sklearn")
    for folder in (library.submodule_search_locations or ()) if library else ():
        file = Path(folder, "datasets", "data", "digits.csv.gz")
        if file.exists():
            return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits as sklearn_digits

    pixels, labels = sklearn_digits(return_X_y=True)
    return np.column_stack([pixels, labels])


DIGITS = Source(
    form="digits",
    reads=lambda request: request.text == "digits",
    load=lambda _: load_digits(),
    names=("digits",),
)
