"""Rows of a table as people decide on them: every column, and how unusual its value is in the row's class."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.report.examples import Named
from easiness.report.quantized import Document

_MOST_COLUMNS = 200  # with more it is no table to read
_MOST_CELLS = 100_000  # of all rows of a page
_FEWEST = 20  # rows of a class that say what is usual in it; of fewer all rows do
_TO_SD = 1.4826  # of a normal distribution, from the median distance of the median
_MOST_UNUSUAL = 99.0

_Floats = npt.NDArray[np.floating[Any]]


class _Column(NamedTuple):
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


def table_of(data: Dataset, wanted: Sequence[Named], by_worth: Sequence[Named]) -> Document | None:
    """Names of columns, and of rows by their place in ``wanted`` the texts, and how unusual each is.

    ``None`` of what is no table. Where there are too many rows, the last ``by_worth`` are left out. Unusual
    is what is far from the rows of the same class among the training examples.
    """
    width = (data.traits.shape or (0,))[0]
    if data.kind.name != "vector" or not 0 < width <= _MOST_COLUMNS:
        return None
    every = _values(data)
    columns = _columns([data.traits.called(at) for at in range(width)], every)
    kept = set(by_worth[: _MOST_CELLS // len(columns)])
    places = {name: at for at, name in enumerate(wanted) if name in kept}
    texts, unusual = {}, {}
    for split, part in data.splits.items():
        ids = part.ids.tolist()
        at = np.array([i for i, one in enumerate(ids) if (split, one) in places], np.int64)
        for label in np.unique(part.labels[at]).tolist():
            of_class = at[part.labels[at] == label]
            usual = every[data.labels == label]
            usual = every if len(usual) < _FEWEST else usual
            values = _values(part, of_class)
            far = np.array([one.unusual(values[:, one.at], usual[:, one.at]) for one in columns]).T
            far = far.clip(0, _MOST_UNUSUAL).round(1)
            for i, value, of_row in zip(of_class.tolist(), values, far.tolist(), strict=True):
                place = places[split, ids[i]]
                texts[place] = [one.text(value[one.at]) for one in columns]
                unusual[place] = of_row
    return {"columns": [one.name for one in columns], "rows": texts, "unusual": unusual}


def _values(data: Dataset, at: npt.NDArray[np.int64] | None = None) -> _Floats:
    stored = data.stored if at is None else data.stored.subset(at)
    return np.stack(list(stored.map(lambda value: value)))


def _columns(names: Sequence[str], values: _Floats) -> list[_Column]:
    """Columns of the table that the vectors were made of: a category's stand side by side, one of them 1."""
    found, first = [], 0
    for name, group in groupby(names, lambda name: name.partition(": ")[0]):
        own = list(group)
        at = slice(first, first + len(own))
        first += len(own)
        texts = [one.partition(": ")[2] for one in own]
        part = values[:, at]
        if all(texts) and np.isin(part, (0, 1)).all() and (part.sum(axis=1) <= 1).all():
            found.append(_Column(name, at, texts))
        else:
            found += [_Column(one, slice(i, i + 1)) for i, one in enumerate(own, at.start)]
    return found
