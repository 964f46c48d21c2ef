"""From tables to a data set: examples, labels, ids and groups are each a function of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.checks import Ids
from easiness.data.dataset import Columns, Dataset
from easiness.data.sources.splits import Split, dataset_of
from easiness.data.tables.columns import held_in, label_column, named_columns
from easiness.data.tables.examples import Examples, examples_in
from easiness.data.tables.labels import Labels, read_labels
from easiness.data.tables.table import INTEGER, Table, Tables, names_in, vectors_of
from easiness.errors import BadInput
from easiness.spec import LoadOptions


def dataset_of_tables(
    name: str, source: str | None, tables: Tables, options: LoadOptions, classes: Sequence[str] | None
) -> Dataset:
    """The rows of tables as labelled examples, of whatever kind they hold."""
    label = label_column(tables.train, options)
    _check_unused(tables.train, {**named_columns(options), "label": label}, options)
    held = held_in(tables.train, options)
    labels = read_labels(tables.both(), label, classes, is_list=held.is_list)
    examples = examples_in(tables, held, label, options)
    splits = splits_of(tables, examples, labels, options)
    data = dataset_of(name, source, splits, labels.classes, skip_unreadable=options.skip_unreadable)
    held_out = data.held_out
    if held_out is not None and tables.held_out is not None:
        held_out = replace(held_out, columns=_columns(tables.held_out, splits[1].ids))
    notes = (*examples.notes, *labels.notes)
    return replace(data, notes=notes, held_out=held_out, columns=_columns(tables.train, splits[0].ids))


def splits_of(tables: Tables, examples: Examples, labels: Labels, options: LoadOptions) -> list[Split]:
    """The splits of tables, of which the training one has the groups."""
    found = zip(
        tables.both(), ("train", tables.name), examples.found, examples.ids, labels.values, strict=False
    )
    return [
        Split(
            name=name,
            where=table.where,
            examples=stored,
            ids=_ids(table, options, ids),
            labels=own,
            name_at=table.name_at,
            kind=examples.kind,
            rows=table.rows if examples.in_rows else None,
            groups=_groups(table, options) if name == "train" else None,
        )
        for table, name, stored, ids, own in found
    ]


def _check_unused(table: Table, named: dict[str, str], options: LoadOptions) -> None:
    """Make sure that columns to do without are there, and not used for something else."""
    used = {"id": options.id, "text": options.text, "sound": options.sound, "group": options.group, **named}
    for column in options.without or ():
        table.check_column(column)
        use = next((use for use, name in used.items() if name == column), None)
        if use is not None or column in (options.inputs or ()):
            raise BadInput(
                f"--without {column}: is the column for --{use or 'inputs'}; leave one of them out"
            )


def _ids(table: Table, options: LoadOptions, usual: Ids) -> Ids:
    """The ids of rows in the column for them: integers, or texts where one is none."""
    if options.id is None:
        return usual
    names = names_in(table, options.id, "for --id")
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if first.setdefault(name, row) != row:
            raise BadInput(
                f"{table.name_at(row)}: the id {name!r:.80} is in {table.place_at(first[name])} already; "
                "name another column with --id, or leave it out"
            )
    if all(map(INTEGER.fullmatch, names)):
        return np.array(names, np.int64)
    return np.array(names, object)


def _groups(table: Table, options: LoadOptions) -> npt.NDArray[np.object_] | None:
    """The values in the column of examples of one origin: the patient, the film."""
    return None if options.group is None else np.array(names_in(table, options.group, "to group by"), object)


def _columns(table: Table, ids: Ids) -> Columns:
    """Reads vectors of rows by their ids."""

    def read(name: str, wanted: npt.NDArray[Any]) -> Any:
        rows = {one: row for row, one in enumerate(ids.tolist())}
        return vectors_of(table, name, np.array([rows[one] for one in wanted.tolist()], np.int64))

    return read


def unlabelled_rows(name: str, source: str, table: Table, examples: Examples, like: Dataset) -> Dataset:
    """The rows of a table as examples like others, whatever labels they may have."""
    options = like.load_options
    known = options.id if options.id in table.names else None
    options = options.model_copy(update={"group": None, "id": known})
    labels = Labels([np.zeros(table.num_rows, np.int64)], None)
    (split,) = splits_of(Tables(table), examples, labels, options)
    splits = [replace(split, name="pool")]
    data = dataset_of(name, source, splits, None, skip_unreadable=options.skip_unreadable, like=like)
    return replace(data, columns=_columns(table, split.ids))
