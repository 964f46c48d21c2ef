"""Tables of numbers and categories: CSV and Parquet files of which each row is a vector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from easiness.data.dataset import Dataset
from easiness.data.sources.groups import groups_in_table
from easiness.data.sources.source import Source, SourceRequest
from easiness.data.sources.splits import Split, checked_dataset
from easiness.data.tables import cells, kind, labels, splits, vectors
from easiness.data.tables.table import Table
from easiness.errors import BadInput, printable, shorten
from easiness.inputs import VECTOR, StoredVectors

IDS = frozenset({"id", "index", "unnamed: 0", "", "__index_level_0__"})
"""Columns that count the rows, in small letters; pandas writes all but the first two."""
_OTHERWISE = "name the columns to use with --inputs, texts with --text and paths with --columns path=NAME"


def load_numbers(request: SourceRequest) -> Dataset:
    """The rows of tables as vectors: ``--inputs``, else all columns but the label and what counts the rows.

    Without ``--inputs`` a column of lists of numbers with a usual name (``embedding``) is used alone. Ids are
    positions in the split. What was made of which columns is noted.

    Raises:
        BadInput: a file cannot be read, a column is missing or cannot be used, or a label is wrong.
    """
    tables = splits.open_tables(request)
    label = kind.label_column(request)
    given = labels.read_labels(tables.train, tables.held_out, label, request.classes)
    columns, notes = _inputs(tables, label, request)
    made = vectors.make_vectors(tables.train, tables.held_out, columns)
    train = _split(tables.train, "train", made.train, made.names, given.train)
    held_out = None
    if tables.held_out is not None and made.held_out is not None and given.held_out is not None:
        held_out = _split(tables.held_out, tables.name, made.held_out, made.names, given.held_out)
    path = request.path
    data = checked_dataset(
        path.name if path.is_dir() else path.stem, str(path), train, held_out, classes=given.classes
    )
    return replace(data, notes=(made.note, *notes))


def _split(
    table: Table,
    name: str,
    values: npt.NDArray[np.float32],
    names: tuple[str, ...],
    given: npt.NDArray[np.int64],
) -> Split:
    return Split(
        name=name,
        where=table.where,
        stored=StoredVectors(values, names),
        ids=np.arange(table.num_rows),
        labels=given,
        name_at=table.name_at,
        kind=VECTOR,
    )


def _inputs(
    tables: splits.Tables, label: str, request: SourceRequest
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that make vectors, and a note about those that do not."""
    options, train = request.options, tables.train
    if options.inputs is not None:
        for name in options.inputs:
            train.check_column(name)
            if name == label:
                raise BadInput(
                    f"--inputs {name}: holds the labels; leave it out, or name others with --label"
                )
        return options.inputs, ()
    no_inputs = {label, options.group, (options.columns or {}).get("split", "split")}
    names = [name for name in train.names if name not in no_inputs]
    for name in VECTOR.columns:
        if name in names and cells.is_vectors(train.column(name).type):
            rest = [one for one in names if one != name]
            return (name,), _left_out(rest, f"{name} holds the vectors")
    used = [name for name in names if name.lower() not in IDS]
    if not used:
        raise BadInput(
            f"{train.where}: no column of numbers or categories beside {label} (its columns are "
            f"{shorten(train.names, 10)}); {_OTHERWISE}"
        )
    return tuple(used), _left_out([name for name in names if name not in used], "it counts the rows")


def _left_out(names: list[str], why: str) -> tuple[str, ...]:
    if not names:
        return ()
    named = printable(shorten(map(repr, names), 5))
    return (
        f"{'columns' if len(names) > 1 else 'column'} {named} not used, since {why} (--inputs names others)",
    )


NUMBERS = Source(
    form="a CSV or Parquet file of numbers and categories",
    reads=lambda request: kind.kind_of_table(request) == VECTOR,
    load=load_numbers,
    takes_classes=True,
    takes=("columns", "inputs", "label", "encoding"),
    groups=groups_in_table,
)
