"""From tables to a data set: what a kind of examples makes of their rows, and the labels beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.sources.source import SourceRequest
from easiness.data.sources.splits import Split, checked_dataset
from easiness.data.tables.cells import texts_in
from easiness.data.tables.labels import Labels
from easiness.data.tables.splits import Tables, open_tables
from easiness.data.tables.table import Table
from easiness.inputs import InputKind, Stored
from easiness.spec import LoadOptions

OfTables: TypeAlias = Callable[[str, str | None, Tables, LoadOptions, Sequence[str] | None], Dataset]
"""Makes a data set of its name and source, its tables, how they are loaded and the names of classes."""


class Examples(NamedTuple):
    """The rows of the splits as examples of a kind, and notes on how they were made.

    The column ``named_by`` has their ids; without it these are positions in each split.
    """

    kind: InputKind
    stored: tuple[Stored, ...]
    notes: tuple[str, ...] = ()
    named_by: str = ""


def read_tables(request: SourceRequest, make: OfTables) -> Dataset:
    """Make a data set by ``make`` from the files of tables that a request is for."""
    path = request.path
    name = path.name if path.is_dir() else path.stem
    return make(name, str(path), open_tables(request), request.options, request.classes)


def dataset_of_tables(
    name: str, source: str | None, tables: Tables, labels: Labels, examples: Examples
) -> Dataset:
    """The data set of these splits."""
    found = zip(tables.both(), ("train", tables.name), labels.values, examples.stored, strict=False)
    splits = [
        Split(
            name=split,
            where=table.where,
            stored=stored,
            ids=_ids(table, examples.named_by),
            labels=own,
            name_at=table.name_at,
            kind=examples.kind,
        )
        for table, split, own, stored in found
    ]
    held_out = splits[1] if len(splits) > 1 else None
    data = checked_dataset(name, source, splits[0], held_out, classes=labels.classes)
    if data.held_out is not None and tables.held_out is not None:
        data = replace(data, held_out=replace(data.held_out, columns=tables.held_out.vectors))
    return replace(data, notes=(*examples.notes, *labels.notes), columns=tables.train.vectors)


def _ids(table: Table, named_by: str) -> npt.NDArray[Any]:
    if not named_by:
        return np.arange(table.num_rows)
    return np.array(texts_in(table, named_by), object).astype(str)
