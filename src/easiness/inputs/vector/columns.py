"""Vectors as rows of the table that they were made of: its columns, and how unusual a value is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.inputs.vector.stored import VectorTraits

_TO_SD = 1.4826  # of a normal distribution, from the median distance of the median

_Floats = npt.NDArray[np.floating[Any]]


class Column(NamedTuple):
    """Values [K, n] in ``at`` of the vectors: of a number one, of a category one for each of ``texts``."""

    name: str
    at: slice
    texts: Sequence[str] = ()

    def text(self, value: _Floats) -> str:
        """What one [n] is to people."""
        if not self.texts:
            return f"{value[0]:.7g}"
        return self.texts[int(value.argmax())] if value.any() else ""

    def unusual(self, values: _Floats, usual: _Floats) -> _Floats:
        """How far each of ``values`` [m, n] is from what is ``usual`` [K, n], in standard deviations.

        Of numbers from their median, by the median distance from it. Of categories, and where most numbers
        are the same, as far as what is as rare of a normal distribution.
        """
        if not self.texts:
            middle = np.median(usual)
            scale = _TO_SD * np.median(np.abs(usual - middle))
            if scale > 0:
                return np.asarray(np.abs(values[:, 0] - middle) / scale)
        from scipy.special import ndtri

        same = [(usual == one).all(axis=1).mean() for one in values]
        with np.errstate(divide="ignore"):
            rare: _Floats = -ndtri(np.array(same) / 2)
        return rare


def columns_of(values: _Floats, traits: VectorTraits) -> list[Column]:
    """Columns of the table that vectors [K, D] were made of.

    Of a category they stand side by side, and one of them is 1.
    """
    names = map(traits.called, range(values.shape[1]))
    found, first = [], 0
    for name, group in groupby(names, lambda name: name.partition(": ")[0]):
        own = list(group)
        at = slice(first, first + len(own))
        first += len(own)
        texts = [one.partition(": ")[2] for one in own]
        part = values[:, at]
        if all(texts) and np.isin(part, (0, 1)).all() and (part.sum(axis=1) <= 1).all():
            found.append(Column(name, at, texts))
        else:
            found += [Column(one, slice(i, i + 1)) for i, one in enumerate(own, at.start)]
    return found
