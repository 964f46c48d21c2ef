"""A CSV manifest: one line per picture with its path, its label and, where there are several, its split."""

from __future__ import annotations

import csv
import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from easiness.data.dataset import Dataset
from easiness.data.sources.file_blobs import FileBlobs
from easiness.data.sources.file_facts import FileFacts
from easiness.data.sources.source import Source
from easiness.data.sources.splits import HELD_OUT_NAMES, EncodedSplit, encoded_dataset
from easiness.errors import BadInput, nearest, shorten

COLUMNS = ("path", "label", "split")
SPLITS = ("train", *HELD_OUT_NAMES)
INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)  # as str() writes them; "007" is a name


class _Row(NamedTuple):
    line: int
    path: str
    label: str
    split: str


def load_manifest(
    path: Path,
    *,
    classes: Sequence[str] | None = None,
    skip_unreadable: bool = False,
    allow_outside: bool = False,
) -> Dataset:
    """The pictures listed in the CSV file at the absolute ``path``, in its order.

    Its header is ``path,label`` or ``path,label,split``, in any order. Paths are relative to the folder
    of the file, with forward slashes; ``..`` is resolved in the text, and the results are the ids.
    Labels that are all integers are class indices 0, 1, ... named by ``classes``; all others are class
    names, in alphabetical order. Splits are ``train``, and the first of ``test``, ``val``, ``valid`` and
    ``validation`` that occurs is held out; rows of the others are not used. Without the column all rows
    are for training. Lines in an error are counted from 1, the header.

    Raises:
        BadInput: the file cannot be read; a column is unknown, missing or repeated; a row has an empty
            path or label, a label with white space around it or a line break in it, an unknown split, a
            repeated path, a path to no file, one out of the folder (without ``allow_outside``) or a class
            that is not in the training split.
    """
    rows = [row._replace(path=_inside(row, path, allow_outside)) for row in _rows(path)]
    _check_paths(rows, path)
    train = [row for row in rows if row.split == "train"]
    if not train:
        raise BadInput(f"{path}: no rows for training; give them the split train")
    present = {row.split for row in rows}
    held_out_name = next((name for name in HELD_OUT_NAMES if name in present), None)
    held_out = [row for row in rows if row.split == held_out_name]
    if all(INTEGER.fullmatch(row.label) for row in train + held_out):
        to_label = _by_index(train, path)
    elif classes is not None:
        raise BadInput(f"{path}: its labels are class names already; leave out classes=")
    else:
        classes = sorted({row.label for row in train})
        to_label = _by_name(classes, path)
    facts = FileFacts(path.parent)

    def split(name: str, rows: list[_Row]) -> EncodedSplit:
        paths = [row.path for row in rows]
        return EncodedSplit(
            name=name,
            where=str(path) if name == "train" else f"{path} ({name})",
            blobs=FileBlobs(path.parent, paths, facts),
            ids=np.array(paths, dtype=object),
            labels=np.array([to_label(row) for row in rows], np.int64),
        )

    return encoded_dataset(
        path.stem,
        str(path),
        split("train", train),
        None if held_out_name is None else split(held_out_name, held_out),
        classes=classes,
        skip_unreadable=skip_unreadable,
    )


def _rows(path: Path) -> Iterator[_Row]:
    """Rows for training and of every held-out split, without a check of their paths."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            _check_header(header, path)
            for cells in reader:
                if cells:
                    yield _row(
                        dict(zip(header, cells, strict=False)), len(cells), header, reader.line_num, path
                    )
    except OSError as error:
        raise BadInput(f"{path}: the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not UTF-8; save the file in that encoding") from None
    except csv.Error as error:
        raise BadInput(f"{path}: line {reader.line_num}: not CSV ({error}); mend the quotes") from None


def _check_header(header: list[str], path: Path) -> None:
    for name in header:
        if name not in COLUMNS:
            raise BadInput(
                f"{path}: unknown column {name!r}{nearest(name, COLUMNS)}; the header is path,label[,split]"
            )
        if header.count(name) > 1:
            raise BadInput(f"{path}: column {name} occurs more than once; the header is path,label[,split]")
    for name in COLUMNS[:2]:
        if name not in header:
            raise BadInput(f"{path}: no column {name}; the header is path,label[,split]")


def _row(row: dict[str, str], num_cells: int, header: list[str], line: int, path: Path) -> _Row:
    if num_cells != len(header):
        raise BadInput(
            f"{path}: line {line}: {num_cells} values for {len(header)} columns; quote values with a comma"
        )
    for name in COLUMNS[:2]:
        if not row[name].strip():
            raise BadInput(f"{path}: line {line}: the {name} is empty; fill it in or leave the row out")
    label = row["label"]
    if label != label.strip() or len(label.splitlines()) > 1:
        raise BadInput(
            f"{path}: line {line}: the label {label!r} has spaces around it or a line break in it, which "
            "makes it another class; take them out"
        )
    split = row.get("split", "train")
    if split not in SPLITS:
        raise BadInput(
            f"{path}: line {line}: unknown split {split!r}{nearest(split, SPLITS)}; use train, test or val"
        )
    return _Row(line, row["path"], label, split)


def _inside(row: _Row, path: Path, allow_outside: bool) -> str:
    """The normalized path of a picture.

    Only the text is looked at: a link inside of the folder may lead anywhere.
    """
    normal = posixpath.normpath(row.path)
    outside = posixpath.isabs(normal) or os.path.isabs(normal) or normal.split("/")[0] == ".."  # noqa: PTH117
    if outside and not allow_outside:
        raise BadInput(
            f"{path}: line {row.line}: {row.path} leads out of the folder of the file; move the image there, "
            "or use --allow-outside"
        )
    return normal


def _check_paths(rows: list[_Row], path: Path) -> None:
    first: dict[str, int] = {}
    missing = []
    for row in rows:
        file = path.parent / row.path
        place = os.path.abspath(file)  # noqa: PTH100 - resolves ".." but no links
        if place in first:
            raise BadInput(
                f"{path}: line {row.line}: {row.path} is on line {first[place]} already; leave one out"
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
            raise BadInput(f"{path}: line {row.line}: {row.path} is a folder; give the path of an image")
        if not stat.S_ISREG(mode):
            missing.append(row)
    if missing:
        lines = shorten((row.line for row in missing), 1)
        raise BadInput(
            f"{path}: line {lines}: no file {missing[0].path} in {path.parent}; paths are relative "
            "to the folder of the CSV file"
        )


def _by_index(train: list[_Row], path: Path) -> Callable[[_Row], int]:
    known = {int(row.label) for row in train}

    def label(row: _Row) -> int:
        value = int(row.label)
        if value < 0:
            raise BadInput(f"{path}: line {row.line}: label {value} is negative; labels are 0, 1, 2, ...")
        if value not in known:
            raise _new_class(row, path)
        return value

    return label


def _by_name(classes: Sequence[str], path: Path) -> Callable[[_Row], int]:
    labels = {name: label for label, name in enumerate(classes)}

    def label(row: _Row) -> int:
        if row.label not in labels:
            raise _new_class(row, path)
        return labels[row.label]

    return label


def _new_class(row: _Row, path: Path) -> BadInput:
    return BadInput(
        f"{path}: line {row.line}: class {row.label!r} does not occur in train; add it there or "
        "leave the row out"
    )


MANIFEST = Source(
    form="a CSV file of path,label[,split]",
    reads=lambda asked: asked.is_file(".csv"),
    load=lambda asked: load_manifest(
        asked.path,
        classes=asked.classes,
        skip_unreadable=asked.options.skip_unreadable,
        allow_outside=asked.options.allow_outside,
    ),
    takes_classes=True,
)
