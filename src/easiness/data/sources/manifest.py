"""A CSV manifest: one line per example with its path, its label and, where there are several, its split."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from easiness.csv_cells import csv_rows, from_cell
from easiness.data.dataset import Dataset
from easiness.data.label_forms import CROP, LOOKED_AT, check_one_class_each, instead_of_labels
from easiness.data.sources.file_blobs import FileBlobs
from easiness.data.sources.file_facts import FileFacts
from easiness.data.sources.given_options import COLUMNS, named_columns
from easiness.data.sources.groups import groups_in_manifest
from easiness.data.sources.source import Source, listed_path
from easiness.data.sources.splits import HELD_OUT_NAMES, EncodedSplit, encoded_dataset
from easiness.errors import BadInput, nearest, shorten
from easiness.inputs import IMAGE, IMAGE_FILES, KINDS, SOUND, SOUND_FILES, Files, InputKind
from easiness.regular_file import at_home

INTEGER = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)  # as str() writes them; "007" is a name
NEEDED = COLUMNS[:2]
FOR_PATH = ("path", "filename", "file", "image", *SOUND.columns, "id")  # the first that is there
SPLITS = ("train", *HELD_OUT_NAMES)


class Row(NamedTuple):
    """One example; ``class_name`` is that of its label, where a list of ids such as prune's has it."""

    line: int
    path: str
    label: str
    split: str
    class_name: str | None = None


def load_manifest(
    path: Path,
    *,
    classes: Sequence[str] | None = None,
    skip_unreadable: bool = False,
    allow_outside: bool = False,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    sound: str | None = None,
) -> Dataset:
    """The examples listed in the CSV file at the absolute ``path``, in its order.

    Its header has the columns ``path,label`` or ``path,label,split``, in any order and among others, which
    are not read; commas, semicolons or tabs separate them. ``columns`` gives their names in the file where
    these are others; without a ``path`` the first of ``filename``, ``file``, ``image``, ``audio``, ``sound``
    and ``id`` is meant. The examples are sounds where ``sound`` names the column, else what the suffixes of
    their files say. In a list of ids, as `prune` writes it, ``class`` names the label of each row.

    Paths are relative to the folder of the file, with forward slashes; ``..`` is resolved in the text, and
    the results are the ids. Labels that are all integers are class indices 0, 1, ... named by ``classes``;
    all others are class names, in alphabetical order. Splits are ``train``, and the first of ``test``,
    ``val``, ``valid`` and ``validation`` that occurs is held out; rows of the others are not used. Without
    the column all rows are for training. Lines in an error are counted from 1, the header.

    Raises:
        BadInput: the file cannot be read; a column is missing or repeated; a row has an empty path or
            label, a label with white space around it or a line break in it, an unknown split, a repeated
            path, a path to no file, one out of the folder (without ``allow_outside``) or a class that is
            not in the training split; the ids of a list are positions; a label has two class names.
    """
    columns = columns if sound is None else {**(columns or {}), "path": sound}
    rows = _checked_rows(path, columns, encoding, allow_outside)
    train = [row for row in rows if row.split == "train"]
    if not train:
        raise BadInput(f"{path}: no rows for training; give them the split train")
    held_out_name = next((name for name in HELD_OUT_NAMES if name in {row.split for row in rows}), None)
    held_out = [row for row in rows if row.split == held_out_name]
    listed = classes is not None or train[0].class_name is not None
    notes = () if listed else check_one_class_each({row.label for row in train}, len(train), str(path))
    known, classes = _classes(train, held_out, classes, path)
    facts = FileFacts(path.parent)
    kind, reader = _kind_of(train) if sound is None else (SOUND, SOUND_FILES)

    def split(name: str, rows: list[Row]) -> EncodedSplit:
        paths = [row.path for row in rows]
        return EncodedSplit(
            name=name,
            where=str(path) if name == "train" else f"{path} ({name})",
            blobs=FileBlobs(path.parent, [str(at_home(one)) for one in paths], facts, reader),
            ids=np.array(paths, dtype=object),
            labels=np.array([_label(row, known, path) for row in rows], np.int64),
            kind=kind,
        )

    data = encoded_dataset(
        path.stem,
        str(path),
        split("train", train),
        None if held_out_name is None else split(held_out_name, held_out),
        classes=classes,
        skip_unreadable=skip_unreadable,
    )
    return replace(data, notes=(*data.notes, *notes))


def _classes(
    train: list[Row], held_out: list[Row], classes: Sequence[str] | None, path: Path
) -> tuple[dict[str, int], Sequence[str] | None]:
    """The number of each label, and the names of classes, as far as they have some."""
    names = sorted({row.label for row in train})
    if all(INTEGER.fullmatch(row.label) for row in train + held_out):
        _check_not_negative(train + held_out, path)
        return {name: int(name) for name in names}, classes or _class_names(train, path)
    if classes is not None:
        raise BadInput(f"{path}: its labels are class names already; leave out classes=")
    return {name: label for label, name in enumerate(names)}, names


def _kind_of(rows: list[Row]) -> tuple[InputKind, Files]:
    """The first of all kinds that one of the paths is of, by its suffix; pictures where none is of any."""
    suffixes = {PurePath(row.path).suffix.lower() for row in rows}
    kinds = ((kind, kind.files) for kind in KINDS if kind.files and kind.files.suffixes() & suffixes)
    return next(kinds, (IMAGE, IMAGE_FILES))


def _checked_rows(
    path: Path, columns: Mapping[str, str] | None, encoding: str | None, allow_outside: bool
) -> list[Row]:
    """The rows, with normalized paths to files that are there."""
    rows = list(_read_rows(path, columns, encoding))
    _check_no_positions(rows, path)
    rows = [row._replace(path=_inside(row, path, allow_outside)) for row in rows]
    _check_paths(rows, path)
    return rows


def _check_no_positions(rows: list[Row], path: Path) -> None:
    """Make sure that a list of ids has paths, and not numbers that mean something at their source alone."""
    listed = bool(rows) and rows[0].class_name is not None
    if listed and all(INTEGER.fullmatch(row.path) and not (path.parent / row.path).exists() for row in rows):
        ids = shorten([row.path for row in rows])
        raise BadInput(
            f"{path}: its ids ({ids}) are numbers and not files beside it, so the list goes with the "
            f"source that it was made from; give that one with --labels {shlex.quote(str(path))} (in Python "
            "labels=), which leaves out what the list does not name"
        )


def _inside(row: Row, path: Path, allow_outside: bool) -> str:
    """The normalized path of an example.

    Only the text is looked at: a link inside of the folder may lead anywhere.
    """
    listed = listed_path(row.path, path.parent)
    outside = os.path.isabs(row.path) or listed.split("/")[0] in ("..", "~")  # noqa: PTH117
    if outside and not allow_outside:
        raise BadInput(
            f"{path}: line {row.line}: {row.path} leads out of the folder of the file; move the file there, "
            "or use --allow-outside"
        )
    return listed


def _check_paths(rows: list[Row], path: Path) -> None:
    first: dict[str, int] = {}
    missing = []
    for row in rows:
        file = path.parent / at_home(row.path)
        place = os.path.abspath(file)  # noqa: PTH100 - resolves ".." but no links
        if place in first:
            raise BadInput(
                f"{path}: line {row.line}: {row.path} is on line {first[place]} already; leave one out, or "
                f"where they are boxes, {CROP}"
            )
        first[place] = row.line
        try:
            mode = file.stat().st_mode
        except (
            FileNotFoundError,
            NotADirectoryError,
            ValueError,
        ):  # the last for a name that no file can have
            missing.append(row)
            continue
        except OSError as error:
            raise BadInput(
                f"{path}: line {row.line}: {row.path:.80} cannot be looked at ({error.strerror}); mend it "
                "or leave the row out"
            ) from None
        if stat.S_ISDIR(mode):
            raise BadInput(f"{path}: line {row.line}: {row.path} is a folder; give the path of a file")
        if not stat.S_ISREG(mode):
            missing.append(row)
    if missing:
        lines = shorten((row.line for row in missing), 1)
        raise BadInput(
            f"{path}: line {lines}: no file {missing[0].path} in {path.parent}; paths are relative "
            "to the folder of the CSV file, so lay it beside the files"
        )


def _check_not_negative(rows: list[Row], path: Path) -> None:
    negative = next((row for row in rows if row.label.startswith("-")), None)
    if negative is not None:
        raise BadInput(
            f"{path}: line {negative.line}: label {negative.label} is negative; labels are 0, 1, 2, ..."
        )


def _label(row: Row, known: Mapping[str, int], path: Path) -> int:
    if row.label not in known:
        raise BadInput(
            f"{path}: line {row.line}: class {row.label!r} does not occur in train; add it there or "
            "leave the row out"
        )
    return known[row.label]


def _class_names(train: list[Row], path: Path) -> list[str] | None:
    """Names of classes 0, 1, ... where every label has one."""
    named: dict[int, Row] = {}
    for row in train:
        if not row.class_name:
            return None
        first = named.setdefault(int(row.label), row)
        if first.class_name != row.class_name:
            raise BadInput(
                f"{path}: line {row.line}: label {row.label} is class {row.class_name!r} here and "
                f"{first.class_name!r} on line {first.line}; make label and class agree"
            )
    names = [row.class_name for _, row in sorted(named.items()) if row.class_name]
    return names if sorted(named) == list(range(len(named))) else None


def _read_rows(path: Path, columns: Mapping[str, str] | None, encoding: str | None) -> Iterator[Row]:
    """Rows for training and of every held-out split, without a check of their paths."""
    rows = csv_rows(path, "manifest", encoding=encoding)
    _, header = next(rows, (1, []))
    places = _places(header, columns or {}, path, rows)
    for line, cells in rows:
        if cells:
            yield _row(cells, header, places, f"{path}: line {line}", line)


def _places(
    header: Sequence[str], columns: Mapping[str, str], path: Path, rows: Iterator[tuple[int, list[str]]]
) -> dict[str, int]:
    """The place of each of our columns in a row; all others are carried along unread."""
    names = {name: columns.get(name, name) for name in COLUMNS}
    if "path" not in columns:
        names["path"] = next((name for name in FOR_PATH if name in header), "path")
        if names["path"] == "id":
            names["class"] = "class"
    for ours, theirs in names.items():
        if theirs not in header and ours in (*NEEDED, *columns):
            first = [cells for _, cells in islice(rows, LOOKED_AT) if len(cells) == len(header)]
            cells = dict(zip(header, zip(*first, strict=True), strict=False))
            told = instead_of_labels(cells) if ours == "label" else ""
            usual = f"; the header is path,label[,split], or name yours with --columns {ours}=NAME"
            raise BadInput(f"{path}: no column {theirs}{nearest(theirs, header)}{usual}{told}")
        if header.count(theirs) > 1:
            raise BadInput(f"{path}: column {theirs} occurs more than once; leave one out")
    return {ours: header.index(theirs) for ours, theirs in names.items() if theirs in header}


def _row(cells: list[str], header: list[str], places: dict[str, int], where: str, line: int) -> Row:
    if len(cells) != len(header):
        raise BadInput(
            f"{where}: {len(cells)} values for {len(header)} columns; quote values that hold a separator"
        )
    row = {ours: from_cell(cells[place]) for ours, place in places.items()}
    for name in NEEDED:
        if not row[name].strip():
            named = header[places[name]]
            raise BadInput(f"{where}: the {named} is empty; fill it in or leave the row out")
    label = row["label"]
    if label != label.strip() or len(label.splitlines()) > 1:
        raise BadInput(
            f"{where}: the label {label!r} has spaces around it or a line break in it, which "
            "makes it another class; take them out"
        )
    split = row.get("split", "train")
    if split not in SPLITS:
        raise BadInput(f"{where}: unknown split {split!r}{nearest(split, SPLITS)}; use train, test or val")
    return Row(line, row["path"], label, split, row.get("class"))


MANIFEST = Source(
    form="a CSV file of path,label[,split]",
    reads=lambda request: request.is_file(".csv"),
    load=lambda request: load_manifest(
        request.path,
        classes=request.classes,
        skip_unreadable=request.options.skip_unreadable,
        allow_outside=request.options.allow_outside,
        columns=named_columns(request.options),
        encoding=request.options.encoding,
        sound=request.options.sound,
    ),
    takes_classes=True,
    takes=("columns", "sound", "label", "encoding"),
    groups=lambda request, data: groups_in_manifest(
        request.path,
        request.options.group or "",
        [request.options.sound or "", (request.options.columns or {}).get("path", ""), *FOR_PATH],
        data.ids,
        request.options.encoding,
    ),
)
