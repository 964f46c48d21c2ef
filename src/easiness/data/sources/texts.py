"""Tables with a column of texts: CSV and Parquet files of which each row is a text."""

from __future__ import annotations

from collections.abc import Sequence

from easiness.data.dataset import Dataset
from easiness.data.sources.groups import groups_in_table
from easiness.data.sources.source import Source
from easiness.data.tables import cells, kind, labels, splits, table
from easiness.data.tables.dataset import Examples, dataset_of_tables, read_tables
from easiness.errors import BadInput, printable, shorten
from easiness.gate import is_text, objects_in
from easiness.inputs import TEXT, StoredTexts, from_texts
from easiness.spec import LoadOptions


def texts_of_tables(
    name: str,
    source: str | None,
    tables: splits.Tables,
    options: LoadOptions,
    classes: Sequence[str] | None,
) -> Dataset:
    """The texts in the column ``--text`` of tables, else in the first with a usual name; as they are given.

    Ids are positions in the split.

    Raises:
        BadInput: there is no such column, it holds no texts, one is empty, or a label is wrong.
    """
    label = kind.label_column(options)
    given = labels.read_labels(tables.both(), label, classes)
    column = options.text or kind.text_column(list(tables.train.names), label) or TEXT.columns[0]
    if column == label:
        raise BadInput(f"--text {column}: holds the labels; name another, or the labels with --label")
    stored = [_texts(rows, column) for rows in tables.both()]
    others = [one for one in tables.train.names if one not in (column, label, "split", "id")]
    notes = _chosen(column, others) if options.text is None else ()
    return dataset_of_tables(name, source, tables, given, Examples(TEXT, tuple(stored), notes))


def _chosen(column: str, others: list[str]) -> tuple[str, ...]:
    """A note on which column holds the texts, where it was chosen by its name among others."""
    if not others:
        return ()
    rest = printable(shorten(map(repr, others), 5))
    return (f"the texts are the column {printable(column)!r} (--text names another); not used: {rest}",)


def _texts(rows: table.Table, column: str) -> StoredTexts:
    rows.check_column(column, "; name that of the texts with --text NAME")
    values = rows.column(column)
    if not is_text(values.type):
        raise BadInput(f"{rows.where}: column {column} holds {values.type} and no texts; name another")
    texts = ["" if text is None else text for text in objects_in(values).tolist()]
    if texts and all(cells.number_in(text.strip()) is not None for text in texts):
        raise BadInput(
            f"{rows.where}: column {column} holds numbers and no texts; name that of the texts with --text "
            f"NAME, or take the numbers with --inputs {column}"
        )
    return from_texts(texts, rows.where, lambda row: f"{rows.name_at(row)}: the {column}")


TEXTS = Source(
    form="a CSV or Parquet file of texts",
    reads=lambda request: kind.kind_of_table(request) == TEXT,
    load=lambda request: read_tables(request, texts_of_tables),
    takes_classes=True,
    takes=("columns", "text", "label", "encoding"),
    groups=groups_in_table,
)
