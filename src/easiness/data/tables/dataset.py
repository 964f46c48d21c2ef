"""From tables to a data set: examples, labels, ids and groups are each a function of a table."""

from __future__ import annotations

import os
import posixpath
import shlex
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import from_cell
from easiness.data.dataset import Columns, Dataset, Ids
from easiness.data.sources.file_blobs import FileBlobs, FileFacts, TextFiles
from easiness.data.sources.source import Split, dataset_of
from easiness.data.tables import table as cells
from easiness.data.tables.labels import CROP, read_labels
from easiness.data.tables.table import INTEGER, Table, Tables, names_in, usable, values_in, vectors_of
from easiness.data.tables.vectors import input_columns, make_vectors, named_by
from easiness.errors import BadInput, nearest, printable, shorten
from easiness.gate import is_text
from easiness.inputs import (
    IMAGE,
    KINDS,
    SOUND,
    TEXT,
    VECTOR,
    Blobs,
    InputKind,
    StoredExamples,
    StoredVectors,
    from_texts,
)
from easiness.regular_file import at_home
from easiness.spec import LoadOptions, read_names

SUFFIXES = frozenset({".txt"})
COLUMNS = ("path", "label", "split")
LABEL = "label"
PATHS = ("path", "filename", "file", "image", *SOUND.columns)
_LISTED = frozenset({"id", "class", "split", "was", "action"})  # columns that `keep` and `labels` write
_TYPES = {"image": "Image", "sound": "Audio"}  # of columns, as the library `datasets` calls them

Form: TypeAlias = Literal["texts", "vectors", "files", "bytes"]


class Held(NamedTuple):
    """How a table holds its examples, and in which column; vectors are in several.

    The kind is ``None`` for files that tell it by their suffix. A column ``id`` is that of a list, as `keep`
    writes it, whose column ``class`` has the names of the labels.
    """

    form: Form
    kind: InputKind | None
    column: str = ""

    @property
    def is_list(self) -> bool:
        return self.form == "files" and self.column == "id"


def named_columns(options: LoadOptions) -> dict[str, str]:
    """The names of columns that are others than usual; the label's by either of two options."""
    columns, label = options.columns or {}, options.label
    if label is None:
        return columns
    if columns.get("label", label) != label:
        raise BadInput(f"--label {label}: --columns label={columns['label']} says another; give one of them")
    return {**columns, "label": label}


def label_column(table: Table, options: LoadOptions) -> str:
    """The column of the labels: as named, ``label``, or the only one of class labels of `datasets`."""
    named = named_columns(options).get("label")
    typed = [name for name, of in table.features.items() if of.get("_type") == "ClassLabel"]
    return named or (typed[0] if len(typed) == 1 and LABEL not in table.names else LABEL)


def held_in(table: Table, options: LoadOptions) -> Held:
    given = [name for name in ("text", "sound", "inputs") if getattr(options, name) is not None]
    if len(given) > 1:
        named = getattr(options, given[0])
        raise BadInput(f"--{given[0]} {named}: --{given[1]} names other examples; give one of them")
    if options.text is not None:
        return Held("texts", TEXT, options.text)
    if options.inputs is not None:
        return Held("vectors", VECTOR)
    if options.sound is not None:
        table.check_column(options.sound)
        return Held("files" if is_text(table.kind(options.sound)) else "bytes", SOUND, options.sound)
    path = (options.columns or {}).get("path")
    if path is not None:
        table.check_column(path, "; name that of the paths with --columns path=NAME")
        return Held("files", None, path)
    return _by_names(table, label_column(table, options), options)


def _by_names(table: Table, label: str, options: LoadOptions) -> Held:
    names = [name for name in table.names if name not in (label, *(options.without or ()))]
    for kind in KINDS:
        if kind.files is None:
            continue
        typed = [name for name in names if table.features.get(name, {}).get("_type") == _TYPES[kind.name]]
        usual = [name for name in kind.columns if name in (typed or names) and not is_text(table.kind(name))]
        if len(typed) > 1 and not usual:
            raise BadInput(
                f"{table.where}: {len(typed)} columns of {kind.files.noun}s ({shorten(sorted(typed))}), none "
                f"called {' or '.join(kind.columns)}; leave out all but one with --without"
            )
        if typed or usual:
            return Held("bytes", kind, (typed if len(typed) == 1 else usual)[0])
    path = next((name for name in PATHS if name in names and is_text(table.kind(name))), None)
    if path is not None and table.root is not None:
        return Held("files", None, path)
    text = text_column(names)
    if text is not None:
        return Held("texts", TEXT, text)
    if "id" in names and ({*names} <= _LISTED or "class" in names or _is_file(table)):
        return Held("files", None, "id")
    if not {*usable(table)} & {*names}:
        raise BadInput(
            f"{table.where}: no column of images, sounds, texts or numbers; its columns are "
            f"{', '.join(table.names)}: name one with --text, --sound or --inputs"
        )
    return Held("vectors", VECTOR)


def text_column(names: Sequence[str]) -> str | None:
    return next((name for name in TEXT.columns if name in names), None)


def _is_file(table: Table) -> bool:
    if table.root is None or not is_text(table.kind("id")):
        return False
    try:
        return (table.root / from_cell(str(values_in(table, "id")[0]))).is_file()
    except (OSError, ValueError):  # no name that a file can have
        return False


def checked_columns(columns: Any) -> dict[str, str] | None:
    if not columns:
        return None
    if not isinstance(columns, Mapping) or not all(isinstance(name, str) for name in columns.values()):
        raise BadInput('columns: give names by names, such as {"path": "filename", "label": "breed"}')
    for ours in columns:
        if ours not in COLUMNS:
            raise BadInput(
                f"--columns {ours}={columns[ours]}: a manifest has no {ours!r}{nearest(str(ours), COLUMNS)}; "
                f"name {', '.join(COLUMNS)}"
            )
    return dict(columns)


def checked_names(option: str, given: Any) -> tuple[str, ...] | None:
    if given is None:
        return None
    try:
        names = read_names(given) if isinstance(given, str) else tuple(given)
    except (TypeError, ValueError):
        names = ()
    if not names or not all(isinstance(name, str) for name in names):
        raise BadInput(f"{option} {given!r:.80}: no names of columns; give some, such as length,width")
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
        raise BadInput(
            f"--encoding {encoding!r:.80}: not known; name one such as utf-8, latin-1, cp1252 or utf-16"
        ) from None
    return str(encoding)


class TableExamples(NamedTuple):
    """The rows of each split as examples of a kind, their ids, and notes on how they were made."""

    kind: InputKind
    found: Sequence[StoredExamples | Blobs | TextFiles]
    ids: Sequence[Ids]
    notes: tuple[str, ...] = ()
    in_rows: bool = False


def examples_in(tables: Tables, held: Held, label: str, options: LoadOptions) -> TableExamples:
    """The examples of the rows; ids are paths of files, the texts that name vectors, else positions."""
    both = tables.both()
    numbered = [np.arange(table.num_rows) for table in both]
    if held.column == label:
        option = "--text " if held.form == "texts" else "--sound " if options.sound else "--columns path="
        raise BadInput(f"{option}{label}: holds the labels; name another, or the labels with --label")
    if held.form == "texts":
        texts = [texts_of(table, held.column) for table in both]
        return TableExamples(TEXT, texts, numbered, _chosen(tables.train, held.column, label, options))
    if held.form == "vectors":
        columns, notes = input_columns(tables.train, label, options)
        made = make_vectors(tables.train, tables.held_out, columns)
        vectors = [StoredVectors(values, made.names) for values in made.values]
        naming = "" if options.id else named_by(tables, columns, label, options)
        notes += (f"the ids are the column {printable(naming)!r} (--id names another)",) if naming else ()
        ids = [np.array(cells.texts_in(table, naming), object) for table in both] if naming else numbered
        return TableExamples(VECTOR, vectors, ids, (made.note, *notes))
    if held.form == "files":
        return _files(both, held, options)
    assert held.kind is not None
    assert held.kind.files is not None
    for table in both:
        table.check_column(held.column)
        if table.blobs is None:
            raise BadInput(f"{table.where}: column {held.column} holds no files; give a Parquet file of them")
    found = [table.blobs(held.column, held.kind.files) for table in both if table.blobs]
    return TableExamples(held.kind, found, numbered, in_rows=True)


def texts_of(table: Table, column: str) -> StoredExamples:
    table.check_column(column, "; name that of the texts with --text NAME")
    if not is_text(table.kind(column)):
        raise BadInput(
            f"{table.where}: column {column} holds {table.kind(column)} and no texts; name another"
        )
    texts = ["" if text is None else text for text in cells.values_in(table, column)]
    if texts and all(cells.number_in(text.strip()) is not None for text in texts):
        raise BadInput(
            f"{table.where}: column {column} holds numbers and no texts; name that of the texts with --text "
            f"NAME, or take the numbers with --inputs {column}"
        )
    return from_texts(texts, table.where, lambda row: f"{table.name_at(row)}: the {column}")


def _chosen(train: Table, column: str, label: str, options: LoadOptions) -> tuple[str, ...]:
    known = {column, label, "split", "id", options.id, *(options.without or ())}
    others = [name for name in train.names if name not in known]
    if options.text is not None or not others:
        return ()
    rest = printable(shorten(map(repr, others), 5))
    return (f"the texts are the column {printable(column)!r} (--text names another); not used: {rest}",)


def _files(tables: Sequence[Table], held: Held, options: LoadOptions) -> TableExamples:
    ids: list[list[str]] = []
    places: dict[str, str] = {}
    for table in tables:
        table.check_column(held.column)
        if table.root is None:
            raise BadInput(f"{table.where}: column {held.column} holds texts and no files; name another")
        paths = cells.written_in(table, held.column)
        if held.is_list and table is tables[0]:
            _check_no_positions(table, paths)
        ids.append([_inside(table, row, path, held.column, options) for row, path in enumerate(paths)])
        _check_files(table, ids[-1], places)
    files = [[str(at_home(one)) for one in paths] for paths in ids]
    found = files_below(tables[0].root or Path(), files, held.kind or _kind_of(ids[0]), options)
    return found._replace(ids=[np.array(paths, dtype=object) for paths in ids])


def files_below(
    root: Path, files: Sequence[list[str]], kind: InputKind, options: LoadOptions
) -> TableExamples:
    """The files of each split, by their paths from ``root``, which are their ids."""
    ids = [np.array(paths, dtype=object) for paths in files]
    if kind.files is None:
        return TableExamples(kind, [TextFiles(root, paths, options.encoding) for paths in files], ids)
    facts = FileFacts(root)
    return TableExamples(kind, [FileBlobs(root, paths, facts, kind.files) for paths in files], ids)


def _check_no_positions(table: Table, ids: Sequence[str]) -> None:
    """Make sure that a list of ids has paths, and not numbers that mean something at their source alone."""
    root = table.root or Path()
    if all(cells.INTEGER.fullmatch(one) and not (root / one).exists() for one in ids):
        path = table.where
        raise BadInput(
            f"{path}: its ids ({shorten(ids)}) are numbers and not files beside it, so the list goes with "
            f"the source that it was made from; give that one with --labels {shlex.quote(path)} (in Python "
            "labels=), which leaves out what the list does not name"
        )


def _inside(table: Table, row: int, path: str, column: str, options: LoadOptions) -> str:
    """The normalized path of an example from the folder of its table; links are not followed."""
    if not path.strip():
        raise BadInput(f"{table.name_at(row)}: the {column} is empty; fill it in or leave the row out")
    listed = listed_path(path, table.root or Path())
    outside = posixpath.isabs(path) or listed.split("/")[0] in ("..", "~")
    if outside and not options.allow_outside:
        raise BadInput(
            f"{table.name_at(row)}: {path} leads out of the folder of the file; move the file there, or use "
            "--allow-outside"
        )
    return listed


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


def _check_files(table: Table, paths: Sequence[str], places: dict[str, str]) -> None:
    missing = []
    root = table.root or Path()
    for row, path in enumerate(paths):
        where, file = table.name_at(row), root / at_home(path)
        place = os.path.abspath(file)  # noqa: PTH100 - resolves ".." but no links
        if place in places:
            raise BadInput(
                f"{where}: {path} is in {places[place]} already; leave one out, or where they are boxes, "
                f"{CROP}"
            )
        places[place] = table.place_at(row)
        try:
            mode = file.stat().st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError):  # the last for what no file is called
            missing.append(row)
            continue
        except OSError as error:
            raise BadInput(
                f"{where}: {path:.80} cannot be looked at ({error.strerror}); mend it or leave the row out"
            ) from None
        if stat.S_ISDIR(mode):
            raise BadInput(f"{where}: {path} is a folder; give the path of a file")
        if not stat.S_ISREG(mode):
            missing.append(row)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadInput(
            f"{table.name_at(missing[0])}{more}: no file {paths[missing[0]]} in {root}; paths are relative "
            "to the folder of the table, so lay it beside the files"
        )


def suffixes_of(kind: InputKind) -> frozenset[str]:
    if kind.files is not None:
        return kind.files.suffixes()
    return SUFFIXES if kind == TEXT else frozenset()


def _kind_of(paths: Sequence[str]) -> InputKind:
    """The first of all kinds that one of the paths is of, by its suffix; pictures where none is of any."""
    suffixes = {PurePath(path).suffix.lower() for path in paths}
    kinds = sorted(KINDS, key=lambda kind: kind.files is None)
    return next((kind for kind in kinds if suffixes_of(kind) & suffixes), IMAGE)


def dataset_of_tables(
    name: str, source: str | None, tables: Tables, options: LoadOptions, classes: Sequence[str] | None
) -> Dataset:
    label = label_column(tables.train, options)
    _check_unused(tables.train, {**named_columns(options), "label": label}, options)
    held = held_in(tables.train, options)
    labels = read_labels(tables.both(), label, classes, is_list=held.is_list)
    examples = examples_in(tables, held, label, options)
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
    labels: npt.NDArray[np.int64],
    options: LoadOptions,
    name: str,
) -> Split:
    """The split of a table, whose examples are those ``at`` a place; the training one has the groups."""
    ids = row_ids(table, options, examples.ids[at])
    return Split(
        name=name,
        where=table.where,
        examples=examples.found[at],
        ids=ids,
        labels=labels,
        name_at=table.name_at,
        kind=examples.kind,
        rows=table.rows if examples.in_rows else None,
        groups=_groups(table, options) if name == "train" else None,
        columns=columns_of(table, ids),
    )


def _check_unused(table: Table, named: dict[str, str], options: LoadOptions) -> None:
    used = {"id": options.id, "text": options.text, "sound": options.sound, "group": options.group, **named}
    for column in options.without or ():
        table.check_column(column)
        use = next((use for use, name in used.items() if name == column), None)
        if use is not None or column in (options.inputs or ()):
            raise BadInput(
                f"--without {column}: is the column for --{use or 'inputs'}; leave one of them out"
            )


def row_ids(table: Table, options: LoadOptions, usual: Ids) -> Ids:
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
    return None if options.group is None else np.array(names_in(table, options.group, "to group by"), object)


def columns_of(table: Table, ids: Ids) -> Columns:
    def read(name: str, wanted: npt.NDArray[Any]) -> Any:
        rows = {one: row for row, one in enumerate(ids.tolist())}
        return vectors_of(table, name, np.array([rows[one] for one in wanted.tolist()], np.int64))

    return read
