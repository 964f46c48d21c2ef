"""From tables to a data set: examples, labels, ids and groups are each a function of a table."""

from __future__ import annotations

import os
import posixpath
import shlex
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from easiness import inputs
from easiness.data.dataset import Dataset, Ids
from easiness.data.other_targets import BOXES
from easiness.data.sources.file_blobs import FileBlobs, FileFacts, TextFiles
from easiness.data.sources.source import Split, dataset_of
from easiness.data.tables import table as cells
from easiness.data.tables.labels import read_labels
from easiness.data.tables.table import INTEGER, Names, Table, Tables, names_in, usable
from easiness.data.tables.tag_cells import read_tags
from easiness.data.tables.vectors import input_columns, make_vectors, named_by
from easiness.errors import BadInput, nearest, printable, shorten
from easiness.gate import is_text
from easiness.inputs import IMAGE, KINDS, SOUND, TEXT, VECTOR, Blobs, InputKind, StoredExamples, StoredVectors
from easiness.lazy import Integers
from easiness.regular_file import at_home
from easiness.spec import LoadOptions, read_names

SUFFIXES = frozenset({".txt"})
COLUMNS = ("path", "label", "split")
LABEL = "label"
PATHS = ("path", "filename", "file", "image", *SOUND.columns)
_LIST_COLUMNS = frozenset({"id", "class", "split", "was", "action"})  # columns that `keep` and `labels` write
_TYPES = {"image": "Image", "sound": "Audio"}  # of columns, as the library `datasets` calls them

Form: TypeAlias = Literal["texts", "vectors", "files", "bytes"]


class ExampleColumn(NamedTuple):
    """How a table holds its examples, and in which column; vectors are in several.

    The kind is ``None`` for files that tell it by their suffix.
    """

    form: Form
    kind: InputKind | None
    name: str = ""


def named_columns(options: LoadOptions) -> dict[str, str]:
    """The names of columns that are others than usual; the label's by either of two options."""
    columns, label = options.columns or {}, options.label
    if label is None:
        return columns
    if columns.get("label", label) != label:
        raise BadInput(f"--label {label}: --columns label={columns['label']} says another; give one of them")
    return {**columns, "label": label}


def label_columns(table: Table, options: LoadOptions) -> tuple[str, ...]:
    """The column of the labels: as named (of tags several), ``label``, or the one of labels of `datasets`."""
    by_type = [name for name, of in table.features.items() if of.get("_type") == "ClassLabel"]
    usual = by_type[0] if len(by_type) == 1 and LABEL not in table.names else LABEL
    name = named_columns(options).get("label", usual)
    several = options.tags and "," in name and name not in table.names
    return (checked_names("--label", name) if several else None) or (name,)


def example_column(table: Table, options: LoadOptions) -> ExampleColumn:
    kinds = [name for name in ("text", "sound", "inputs") if getattr(options, name) is not None]
    if len(kinds) > 1:
        one, other, *_ = kinds
        raise BadInput(f"--{one} {getattr(options, one)}: --{other} names other examples; give one of them")
    if options.text is not None:
        return ExampleColumn("texts", TEXT, options.text)
    if options.inputs is not None:
        return ExampleColumn("vectors", VECTOR)
    if options.sound is not None:
        table.check_column(options.sound)
        return ExampleColumn("files" if is_text(table.kind(options.sound)) else "bytes", SOUND, options.sound)
    path = (options.columns or {}).get("path")
    if path is not None:
        table.check_column(path, "; name that of the paths with --columns path=NAME")
        return ExampleColumn("files", None, path)
    return _by_names(table, label_columns(table, options), options)


def _by_names(table: Table, labels: Names, options: LoadOptions) -> ExampleColumn:
    names = [name for name in table.names if name not in (*labels, *(options.without or ()))]
    for kind in KINDS:
        if kind.files is None:
            continue
        by_type = [name for name in names if table.features.get(name, {}).get("_type") == _TYPES[kind.name]]
        usual = [name for name in kind.columns if name in (by_type or names)]
        usual = [name for name in usual if not is_text(table.kind(name))]
        if len(by_type) > 1 and not usual:
            columns = f"{len(by_type)} columns of {kind.files.noun}s ({shorten(sorted(by_type))})"
            raise BadInput(f"{table.where}: {columns}; leave out all but one with --without")
        if by_type or usual:
            return ExampleColumn("bytes", kind, (by_type if len(by_type) == 1 else usual)[0])
    path = next((name for name in PATHS if name in names and is_text(table.kind(name))), None)
    if path is not None and table.root is not None:
        return ExampleColumn("files", None, path)
    text = text_column(names)
    if text is not None:
        return ExampleColumn("texts", TEXT, text)
    if "id" in names and ({*names} <= _LIST_COLUMNS or "class" in names):
        remedy = f"give the data that it was made from, with --labels {shlex.quote(table.where)}"
        raise BadInput(f"{table.where}: a list of ids and labels, without examples; {remedy}")
    if not {*usable(table)} & {*names}:
        columns = f"(its columns are {', '.join(table.names)})"
        remedy = "name one with --text, --sound or --inputs"
        raise BadInput(f"{table.where}: no column of images, sounds, texts or numbers {columns}; {remedy}")
    return ExampleColumn("vectors", VECTOR)


def text_column(names: Sequence[str]) -> str | None:
    return next((name for name in TEXT.columns if name in names), None)


def checked_columns(columns: Any) -> dict[str, str] | None:
    if not columns:
        return None
    if not isinstance(columns, Mapping) or not all(isinstance(name, str) for name in columns.values()):
        raise BadInput('columns: give names by names, such as {"path": "filename", "label": "breed"}')
    for ours, name in columns.items():
        if ours not in COLUMNS:
            problem = f"a manifest has no {ours!r}{nearest(str(ours), COLUMNS)}"
            raise BadInput(f"--columns {ours}={name}: {problem}; name {', '.join(COLUMNS)}")
    return dict(columns)


def checked_names(option: str, columns: Any) -> tuple[str, ...] | None:
    if columns is None:
        return None
    try:
        names = read_names(columns) if isinstance(columns, str) else tuple(columns)
    except (TypeError, ValueError):
        names = ()
    if not names or not all(isinstance(name, str) for name in names):
        raise BadInput(f"{option} {columns!r:.80}: no names of columns; give some, such as length,width")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"{option}: column {twice} is named twice; name it once")
    return names


def checked_encoding(encoding: Any) -> str | None:
    if encoding is None:
        return None
    try:
        "a".encode(encoding)
    except (LookupError, TypeError, ValueError):  # the last of names with a null in them
        raise BadInput(f"--encoding {encoding!r:.80}: not known; name one such as utf-8, latin-1") from None
    return str(encoding)


class TableExamples(NamedTuple):
    """The rows of each split as examples of a kind, their ids, and notes on how they were made."""

    kind: InputKind
    splits: Sequence[StoredExamples | Blobs | TextFiles]
    ids: Sequence[Ids]
    notes: tuple[str, ...] = ()
    in_rows: bool = False


def examples_in(tables: Tables, column: ExampleColumn, labels: Names, options: LoadOptions) -> TableExamples:
    """The examples of the rows; ids are paths of files, the texts that name vectors, else positions."""
    both = tables.both()
    positions = [np.arange(table.num_rows) for table in both]
    if column.name in labels:
        option = "--text " if column.form == "texts" else "--sound " if options.sound else "--columns path="
        raise BadInput(f"{option}{column.name}: holds the labels; name another, or the labels with --label")
    if column.form == "texts":
        texts = [texts_of(table, column.name) for table in both]
        note = _note_on_texts(tables.train, column.name, labels, options)
        return TableExamples(TEXT, texts, positions, note)
    if column.form == "vectors":
        columns, notes = input_columns(tables.train, labels, options)
        vectors = make_vectors(tables.train, tables.held_out, columns)
        splits = [StoredVectors(values, vectors.names) for values in vectors.values]
        naming = "" if options.id else named_by(tables, columns, labels, options)
        notes += (f"the ids are the column {printable(naming)!r} (--id names another)",) if naming else ()
        ids = [np.array(cells.texts_in(table, naming), object) for table in both] if naming else positions
        return TableExamples(VECTOR, splits, ids, (vectors.note, *notes))
    if column.form == "files":
        return _files(both, column, options)
    assert column.kind is not None
    assert column.kind.files is not None
    blobs: list[Blobs] = []
    for table in both:
        table.check_column(column.name)
        if table.blobs is None:
            raise BadInput(f"{table.where}: column {column.name} holds no files; give a Parquet file of them")
        blobs.append(table.blobs(column.name, column.kind.files))
    return TableExamples(column.kind, blobs, positions, in_rows=True)


def texts_of(table: Table, column: str) -> StoredExamples:
    table.check_column(column, "; name that of the texts with --text NAME")
    where, kind = table.where, table.kind(column)
    if not is_text(kind):
        raise BadInput(f"{where}: column {column} holds {kind} and no texts; name another")
    texts = ["" if text is None else text for text in cells.values_in(table, column)]
    if texts and all(cells.number_in(text.strip()) is not None for text in texts):
        problem = f"column {column} holds numbers and no texts"
        raise BadInput(f"{where}: {problem}; name another with --text, or use --inputs")
    return inputs.from_texts(texts, table.where, lambda row: f"{table.name_at(row)}: the {column}")


def _note_on_texts(train: Table, column: str, labels: Names, options: LoadOptions) -> tuple[str, ...]:
    ours = {column, *labels, "split", "id", options.id, *(options.without or ())}
    others = [name for name in train.names if name not in ours]
    if options.text is not None or not others:
        return ()
    rest = printable(shorten(map(repr, others), 5))
    return (f"the texts are the column {printable(column)!r} (--text names another); not used: {rest}",)


def _files(tables: Sequence[Table], column: ExampleColumn, options: LoadOptions) -> TableExamples:
    ids: list[list[str]] = []
    places: dict[str, str] = {}
    root = tables[0].root or Path()
    for table in tables:
        table.check_column(column.name)
        if table.root is None:
            raise BadInput(f"{table.where}: column {column.name} holds texts and no files; name another")
        paths = cells.written_in(table, column.name)
        ids.append([_inside(table, row, path, column.name, options) for row, path in enumerate(paths)])
        _check_files(table, root, ids[-1], places)
    files = [[str(at_home(path)) for path in paths] for paths in ids]
    kind = column.kind or kind_of_files(map(PurePath, ids[0]))
    examples = files_below(root, files, kind, options)
    return examples._replace(ids=[np.array(paths, dtype=object) for paths in ids])


def files_below(
    root: Path, files: Sequence[list[str]], kind: InputKind, options: LoadOptions
) -> TableExamples:
    """The files of each split, by their paths from ``root``, which are their ids."""
    ids = [np.array(paths, dtype=object) for paths in files]
    if kind.files is None:
        return TableExamples(kind, [TextFiles(root, paths, options.encoding) for paths in files], ids)
    facts = FileFacts(root)
    return TableExamples(kind, [FileBlobs(root, paths, facts, kind.files) for paths in files], ids)


def _inside(table: Table, row: int, path: str, column: str, options: LoadOptions) -> str:
    """The normalized path of an example from the folder of its table; links are not followed."""
    if not path.strip():
        raise BadInput(f"{table.name_at(row)}: the {column} is empty; fill it in or leave the row out")
    normal = listed_path(path, table.root or Path())
    is_outside = posixpath.isabs(path) or normal.split("/")[0] in ("..", "~")
    if is_outside and not options.allow_outside:
        problem = f"{path} leads out of the folder of the table"
        raise BadInput(f"{table.name_at(row)}: {problem}; move the file there, or use --allow-outside")
    return normal


def listed_path(text: str, folder: Path) -> str:
    """The id of a file that a list in the ``folder`` names: its path from there, normalized as a text.

    A path that would tell the name of the home folder begins with ``~``, which has to be expanded.
    """
    normal = posixpath.normpath(at_home(text))
    if not posixpath.isabs(normal):
        return normal
    way, home = posixpath.relpath(normal, folder.resolve()), at_home("~").resolve()
    is_told = home.name in Path(way).parts and Path(normal).is_relative_to(home)
    return f"~/{posixpath.relpath(normal, home)}" if is_told else way


def _check_files(table: Table, root: Path, paths: Sequence[str], places: dict[str, str]) -> None:
    for row, path in enumerate(paths):
        where, file = table.name_at(row), root / at_home(path)
        place = os.path.abspath(file)  # noqa: PTH100 - resolves ".." but no links
        if place in places:
            boxes = f"leave one out, or where they are boxes, {BOXES}"
            raise BadInput(f"{where}: {path} is in {places[place]} already; {boxes}")
        places[place] = table.place_at(row)
        try:
            mode = file.stat().st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError):  # the last for what no file is called
            mode = 0
        except OSError as error:
            problem = f"{path:.80} cannot be looked at ({error.strerror})"
            raise BadInput(f"{where}: {problem}; mend it or leave the row out") from None
        if stat.S_ISDIR(mode):
            raise BadInput(f"{where}: {path} is a folder; give the path of a file")
        if not stat.S_ISREG(mode):
            raise BadInput(f"{where}: no file {path} in {root}; lay the table beside the files")


def suffixes_of(kind: InputKind) -> frozenset[str]:
    if kind.files is not None:
        return kind.files.suffixes()
    return SUFFIXES if kind == TEXT else frozenset()


def kind_of_files(paths: Iterable[PurePath]) -> InputKind:
    """The first of all kinds that one of the paths is of, by its suffix; pictures where none is of any."""
    kinds: set[InputKind] = set()
    for path in paths:
        kinds.update(kind for kind in KINDS if path.suffix.lower() in suffixes_of(kind))
        if KINDS[0] in kinds:
            break
    return next((kind for kind in sorted(KINDS, key=lambda one: one.files is None) if kind in kinds), IMAGE)


def dataset_of_tables(
    name: str, source: str | None, tables: Tables, options: LoadOptions, classes: Sequence[str] | None
) -> Dataset:
    columns = label_columns(tables.train, options)
    _check_unused(tables.train, columns, options)
    column = example_column(tables.train, options)
    read = read_tags if options.tags else read_labels
    labels = read(tables.both(), columns, classes)
    examples = examples_in(tables, column, columns, options)
    splits = [
        split_of(table, examples, at, labels.values[at], options, "train" if at == 0 else tables.name)
        for at, table in enumerate(tables.both())
    ]
    data = dataset_of(name, source, splits, labels.classes, skip_unreadable=options.skip_unreadable)
    return replace(data, notes=(*examples.notes, *labels.notes))


def split_of(
    table: Table,
    examples: TableExamples,
    at: int,
    labels: Integers,
    options: LoadOptions,
    name: str,
) -> Split:
    """The split of a table, whose examples are those ``at`` a place; the training one has the groups."""
    ids = row_ids(table, options, examples.ids[at])
    has_groups = options.group is not None and name == "train"
    names = names_in(table, options.group or "", "to group by") if has_groups else None
    return Split(
        name=name,
        where=table.where,
        examples=examples.splits[at],
        ids=ids,
        labels=labels,
        name_at=table.name_at,
        kind=examples.kind,
        rows=table.rows if examples.in_rows else None,
        groups=None if names is None else np.array(names, object),
        columns=partial(_columns, table, ids),
    )


def _check_unused(table: Table, labels: Names, options: LoadOptions) -> None:
    uses = {"id": options.id, "text": options.text, "sound": options.sound, "group": options.group}
    uses |= named_columns(options)
    for column in options.without or ():
        table.check_column(column)
        own = "label" if column in labels else None
        use = next((use for use, name in uses.items() if name == column), own)
        if use is not None or column in (options.inputs or ()):
            raise BadInput(f"--without {column}: is the column for --{use or 'inputs'}; leave one out")


def row_ids(table: Table, options: LoadOptions, usual: Ids) -> Ids:
    if options.id is None:
        return usual
    names = names_in(table, options.id, "for --id")
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if first.setdefault(name, row) != row:
            problem = f"the id {name!r:.80} is in {table.place_at(first[name])} already"
            raise BadInput(f"{table.name_at(row)}: {problem}; name another column with --id, or none")
    return np.array(names, np.int64 if all(map(INTEGER.fullmatch, names)) else object)


def _columns(table: Table, ids: Ids, name: str, names: Ids, read: Callable[..., Any]) -> Any:
    """Read a column of the table, whose rows have these ids: the `Columns` of a data set."""
    rows = {one: row for row, one in enumerate(ids.tolist())}
    return read(table, name, np.array([rows[one] for one in names.tolist()], np.int64))
