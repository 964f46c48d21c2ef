"""Tables of numbers and categories: CSV and Parquet files of which each row is a vector."""

from __future__ import annotations

from collections.abc import Sequence

from easiness.data.dataset import Dataset
from easiness.data.sources.groups import groups_in_table
from easiness.data.sources.source import Source
from easiness.data.tables import cells, kind, labels, splits, table, vectors
from easiness.data.tables.dataset import Examples, dataset_of_tables, read_tables
from easiness.errors import BadInput, printable, shorten
from easiness.gate import is_text
from easiness.inputs import VECTOR, StoredVectors
from easiness.spec import LoadOptions

IDS = frozenset({"id", "index", "unnamed: 0", "", "__index_level_0__"})
"""Columns that count the rows, in small letters; pandas writes all but the first two."""
_OTHERWISE = "name the columns to use with --inputs, texts with --text and paths with --columns path=NAME"


def vectors_of_tables(
    name: str,
    source: str | None,
    tables: splits.Tables,
    options: LoadOptions,
    classes: Sequence[str] | None,
) -> Dataset:
    """The rows of tables as vectors: ``--inputs``, else all but the label and what counts or names the rows.

    Without ``--inputs`` a column of lists of numbers with a usual name (``embedding``) is used alone. Ids are
    positions in the split, or the texts of a column that names the rows. What was made of which columns is
    noted.
    """
    label = kind.label_column(options)
    given = labels.read_labels(tables.both(), label, classes)
    columns, notes = input_columns(tables.train, label, options)
    made = vectors.make_vectors(tables.train, tables.held_out, columns)
    stored = [StoredVectors(values, made.names) for values in made.values]
    examples = Examples(VECTOR, tuple(stored), (made.note, *notes), _named_by(tables, columns, options))
    return dataset_of_tables(name, source, tables, given, examples)


def input_columns(
    train: table.Table, label: str, options: LoadOptions
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that make vectors, and a note about those that do not."""
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
    notes = _left_out([name for name in names if name not in used], "it counts the rows")
    named = [name for name in used if _names_rows(train, name)]
    if len(named) == len(used):
        return tuple(used), notes
    notes += _left_out(named, "it has another text in each row")
    return tuple(name for name in used if name not in named), notes


def _names_rows(of: table.Table, name: str) -> bool:
    """Has the column another text in each row, as names of patients or files are?"""
    if name not in of.names or not is_text(of.column(name).type):
        return False
    texts = {text for text in cells.texts_in(of, name) if text is not None}
    return len(texts) == of.num_rows and all(cells.number_in(text) is None for text in texts)


def _named_by(tables: splits.Tables, columns: Sequence[str], options: LoadOptions) -> str:
    """The first column that names the rows of each split, where nobody has named the inputs."""
    rest = (
        [] if options.inputs else [one for one in tables.train.names if one not in (*columns, options.group)]
    )
    return next((one for one in rest if all(_names_rows(of, one) for of in tables.both())), "")


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
    load=lambda request: read_tables(request, vectors_of_tables),
    takes_classes=True,
    takes=("columns", "inputs", "label", "encoding"),
    groups=groups_in_table,
)
