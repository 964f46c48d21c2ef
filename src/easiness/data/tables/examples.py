"""The examples in the rows of tables: texts, vectors, files that paths name, or encoded ones in cells."""

from __future__ import annotations

import os
import posixpath
import shlex
import stat
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from easiness.data.checks import Ids
from easiness.data.label_forms import CROP
from easiness.data.sources.file_blobs import FileBlobs, FileFacts, TextFiles
from easiness.data.tables import table as cells
from easiness.data.tables.columns import Held
from easiness.data.tables.table import Table, Tables
from easiness.data.tables.vectors import input_columns, make_vectors, named_by
from easiness.errors import BadInput, printable, shorten
from easiness.gate import is_text
from easiness.inputs import (
    IMAGE,
    KINDS,
    TEXT,
    VECTOR,
    Blobs,
    InputKind,
    Stored,
    StoredVectors,
    from_texts,
)
from easiness.regular_file import at_home
from easiness.spec import LoadOptions

SUFFIXES = frozenset({".txt"})


class Examples(NamedTuple):
    """The rows of each split as examples of a kind, their ids, and notes on how they were made.

    Those that are ``in_rows`` are of all rows of a file, of which a split may have a part.
    """

    kind: InputKind
    found: Sequence[Stored | Blobs | TextFiles]
    ids: Sequence[Ids]
    notes: tuple[str, ...] = ()
    in_rows: bool = False


def examples_in(tables: Tables, held: Held, label: str, options: LoadOptions) -> Examples:
    """The examples of the rows; ids are paths of files, the texts that name vectors, else positions."""
    both = tables.both()
    numbered = [np.arange(table.num_rows) for table in both]
    if held.column == label:
        option = "--text " if held.form == "texts" else "--sound " if options.sound else "--columns path="
        raise BadInput(f"{option}{label}: holds the labels; name another, or the labels with --label")
    if held.form == "texts":
        texts = [texts_of(table, held.column) for table in both]
        return Examples(TEXT, texts, numbered, _chosen(tables.train, held.column, label, options))
    if held.form == "vectors":
        columns, notes = input_columns(tables.train, label, options)
        made = make_vectors(tables.train, tables.held_out, columns)
        vectors = [StoredVectors(values, made.names) for values in made.values]
        naming = "" if options.id else named_by(tables, columns, label, options)
        notes += (f"the ids are the column {printable(naming)!r} (--id names another)",) if naming else ()
        ids = [np.array(cells.texts_in(table, naming), object) for table in both] if naming else numbered
        return Examples(VECTOR, vectors, ids, (made.note, *notes))
    if held.form == "files":
        return _files(both, held, options)
    assert held.kind is not None
    assert held.kind.files is not None
    for table in both:
        table.check_column(held.column)
        if table.blobs is None:
            raise BadInput(f"{table.where}: column {held.column} holds no files; give a Parquet file of them")
    found = [table.blobs(held.column, held.kind.files) for table in both if table.blobs]
    return Examples(held.kind, found, numbered, in_rows=True)


def texts_of(table: Table, column: str) -> Stored:
    """The texts in a column, as they are given."""
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
    """A note on which column holds the texts, where it was chosen by its name among others."""
    known = {column, label, "split", "id", options.id, *(options.without or ())}
    others = [name for name in train.names if name not in known]
    if options.text is not None or not others:
        return ()
    rest = printable(shorten(map(repr, others), 5))
    return (f"the texts are the column {printable(column)!r} (--text names another); not used: {rest}",)


def _files(tables: Sequence[Table], held: Held, options: LoadOptions) -> Examples:
    """The files that the rows name; ids are their normalized paths from the folder of the table."""
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


def files_below(root: Path, files: Sequence[list[str]], kind: InputKind, options: LoadOptions) -> Examples:
    """The files of each split, by their paths from ``root``, which are their ids."""
    ids = [np.array(paths, dtype=object) for paths in files]
    if kind.files is None:
        return Examples(kind, [TextFiles(root, paths, options.encoding) for paths in files], ids)
    facts = FileFacts(root)
    return Examples(kind, [FileBlobs(root, paths, facts, kind.files) for paths in files], ids)


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
    """The normalized path of an example from the folder of its table.

    Only the text is looked at: a link inside of the folder may lead anywhere.
    """
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
    """Make sure that paths lead to files, each to another one; ``places`` has those of splits before."""
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
    """The ends of the names of files that hold one."""
    if kind.files is not None:
        return kind.files.suffixes()
    return SUFFIXES if kind == TEXT else frozenset()


def _kind_of(paths: Sequence[str]) -> InputKind:
    """The first of all kinds that one of the paths is of, by its suffix; pictures where none is of any."""
    suffixes = {PurePath(path).suffix.lower() for path in paths}
    kinds = sorted(KINDS, key=lambda kind: kind.files is None)
    return next((kind for kind in kinds if suffixes_of(kind) & suffixes), IMAGE)
