"""Vectors in a column of the table that the examples are read from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.features.source import GIVEN, FeatureKind, FeatureSource, Positions, Request, identity_of

PREFIX = "column:"


def of_column(request: Request) -> FeatureSource:
    """A column of lists of numbers, of the Parquet files or of the `datasets` table of the examples.

    Raises:
        BadInput: the data are from elsewhere, or have no such column.
    """
    column = request.after(PREFIX)
    values = {split: _digest(data, column) for split, data in request.data.splits.items()}
    identity = identity_of(form="column", values=values)
    return FeatureSource(request.text, identity, GIVEN, partial(_read, column))


def _read(column: str, split: Dataset, positions: Positions) -> Iterator[npt.NDArray[Any]]:
    return split.part(positions).column(column)


def _digest(split: Dataset, column: str) -> str:
    """SHA-256 (hex) of the values at single precision, row by row."""
    digest = hashlib.sha256()
    for part in split.column(column):
        digest.update(repr(part.shape[1:]).encode())
        digest.update(np.ascontiguousarray(part, "<f4").data)
    return digest.hexdigest()


COLUMN = FeatureKind(
    form=f"{PREFIX}NAME", reads=lambda text: text.startswith(PREFIX), find=of_column, names=(PREFIX,)
)
