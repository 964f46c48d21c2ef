"""Class folders: one folder of examples per class, with or without ``train`` and ``test`` above them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from easiness.data.dataset import Dataset
from easiness.data.other_targets import BOXES
from easiness.data.sources.file_blobs import FileBlobs, TextFiles
from easiness.data.sources.source import HELD_OUT_NAMES, Source, SourceRequest, Split, absolute, dataset_of
from easiness.data.tables.dataset import files_below, kind_of_files, suffixes_of
from easiness.data.tables.splits import table_files
from easiness.errors import BadInput, printable, shorten
from easiness.inputs import HEIF, TEXT, InputKind
from easiness.show import quantity
from easiness.spec import LoadOptions

MOST_NAMES = 5
MOST_RECORDS = 100
"""Names of files that are left out, at most, that a run remembers: there may be one beside each picture."""
LAYOUT = "give each class a folder of its own with its images in it: SOURCE/cat/1.png, SOURCE/dog/2.png"


def load_folder(
    root: Path,
    options: LoadOptions,
    *,
    selection: Mapping[str, str] | None = None,
    name: str | None = None,
    source: str | None = None,
) -> Dataset:
    """The examples in the class folders at the absolute path ``root``: pictures if there is one, else sounds,
    else texts (``.txt``).

    Ids are paths relative to ``root`` with forward slashes; examples are ordered by class name, then by id.
    ``selection`` is {folder: class name} of the class folders to use, in this order, where not all are.
    ``name`` and ``source`` are those of the data set where they are not those of the folder.
    """
    kind = kind_of_files(path for folder in _folders(root) for path in _files_below(root / folder))
    held_out_name = next((split for split in HELD_OUT_NAMES if _is_split(root / split, kind)), None)
    has_train = _is_split(root / "train", kind)
    if held_out_name is not None and not has_train:
        problem = f"{held_out_name} holds class folders, and there is no train beside it"
        raise BadInput(f"{root}: {problem}; add train, or give the split itself as the source")
    if options.encoding is not None and kind != TEXT:
        raise BadInput(f"{root}: holds {_nouns(kind)}, which have no encoding; leave out --encoding")
    if (root / "data.yaml").is_file():
        raise BadInput(f"{root}: has data.yaml, as of boxes; {BOXES}, or remove that file")
    train = root / "train" if has_train else root
    folders = _class_folders(train, selection)
    left_out: list[str] = []
    splits = [_split(root, train, "train", folders, kind, options, left_out)]
    if held_out_name is not None:
        held_out = root / held_out_name
        unknown = [one for one in _folders(held_out) if one not in folders and selection is None]
        if unknown:
            problem = f"class {unknown[0]!r} does not occur in train"
            raise BadInput(f"{held_out / unknown[0]}: {problem}; add it there or remove it here")
        splits.append(_split(root, held_out, held_out_name, folders, kind, options, left_out))
    classes = folders if selection is None else list(selection.values())
    data = dataset_of(
        name or root.name, source or str(root), splits, classes, skip_unreadable=options.skip_unreadable
    )
    notes = _unlabelled_splits(root, held_out_name, kind) if has_train else ()
    return replace(
        data,
        notes=(*data.notes, *notes, *_left_out(left_out, kind)),
        num_other_files=len(left_out),
        other_files=tuple(sorted(left_out)[:MOST_RECORDS]),
    )


def _class_folders(folder: Path, selection: Mapping[str, str] | None) -> list[str]:
    names = _folders(folder)
    if selection is not None:
        missing = shorten(sorted(set(selection) - set(names)), len(selection))
        if missing:
            raise BadInput(f"{folder}: no class folder {missing}; add it, or give another folder")
        return list(selection)
    if not names:
        raise BadInput(f"{folder}: no class folders in it; {LAYOUT}")
    return names


def _is_split(folder: Path, kind: InputKind) -> bool:
    """Does the folder hold folders? With examples beside them it could be a split or a class."""
    if not folder.is_dir() or not _folders(folder):
        return False
    stray = next((path for path in sorted(folder.iterdir()) if _is_of(kind, path)), None)
    if stray is not None:
        problem = f"holds both folders and {_nouns(kind)} ({stray.name}), so it could be a split or a class"
        raise BadInput(f"{folder}: {problem}; move the {_nouns(kind)} into class folders")
    return True


def _unlabelled_splits(root: Path, held_out: str | None, kind: InputKind) -> tuple[str, ...]:
    before = HELD_OUT_NAMES[: HELD_OUT_NAMES.index(held_out)] if held_out else HELD_OUT_NAMES
    return tuple(
        f"{root / name} holds {_nouns(kind)} without class folders, so it is not used as a held-out split"
        for name in before
        if (root / name).is_dir() and any(_is_of(kind, path) for path in (root / name).iterdir())
    )


def _left_out(files: Sequence[str], kind: InputKind) -> tuple[str, ...]:
    if not files:
        return ()
    verb = f"it is no {kind.noun}" if len(files) == 1 else f"they are no {kind.nouns}"
    heic = any(PurePath(file).suffix.lower() in HEIF for file in files)
    more = "; HEIC is read with pip install 'easiness[heif]'" if heic else ""
    why = f"since by name {verb} that can be read: {shorten(sorted(files), MOST_NAMES)}{more}"
    return (f"{quantity(len(files), 'file')} left out, {why}",)


def _split(
    root: Path,
    folder: Path,
    name: str,
    classes: Sequence[str],
    kind: InputKind,
    options: LoadOptions,
    left_out: list[str],
) -> Split:
    paths: list[str] = []
    labels: list[int] = []
    for label, class_name in enumerate(classes):
        own: list[str] = []
        others: list[str] = []
        for path in _files_below(folder / class_name):
            (own if _is_of(kind, path) else others).append(path.relative_to(root).as_posix())
        if not own and name == "train":
            noun = kind.noun if kind.files is None else kind.files.noun
            notes = "".join(f" ({note})" for note in _left_out(others, kind))
            problem = f"class {class_name!r} has no {noun}{notes}"
            raise BadInput(f"{folder / class_name}: {problem}; add one or remove the folder")
        left_out += map(printable, others)
        paths += sorted(own)
        labels += [label] * len(own)
    files = files_below(root, [paths], kind, options)
    examples: Any = files.splits[0]
    split = Split(name, str(folder), examples, files.ids[0], np.array(labels), examples.name, kind)
    if not options.tags:
        return split
    return _with_tags(split.readable() if options.skip_unreadable else split, len(classes))


def _with_tags(split: Split, num_classes: int) -> Split:
    """The first of the files of each content, with the tags [K, T] of all class folders that hold it."""
    assert isinstance(split.examples, FileBlobs | TextFiles)
    digests = split.examples.digests(split.positions)
    _, first, files = np.unique(digests, return_index=True, return_inverse=True)
    values = np.zeros((len(first), num_classes), np.int8)
    values[files, split.labels] = 1
    order = np.argsort(first)
    return replace(split.part(first[order]), labels=values[order])


def _folders(folder: Path) -> list[str]:
    try:
        return sorted(one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    except OSError as error:
        raise BadInput(f"{folder}: the folder cannot be read: {error.strerror}") from None


def files_of(root: Path, kind: InputKind) -> list[str]:
    """The files of a kind in a folder and those in it, by their paths there with forward slashes, sorted."""
    return sorted(path.relative_to(root).as_posix() for path in _files_below(root) if _is_of(kind, path))


def _is_of(kind: InputKind, path: Path) -> bool:
    return path.suffix.lower() in suffixes_of(kind) and not path.name.startswith(".") and not path.is_dir()


def _nouns(kind: InputKind) -> str:
    return f"{kind.files.noun}s" if kind.files else kind.nouns


def _files_below(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise BadInput(f"{error.filename}: the folder cannot be read: {error.strerror}")

    if not folder.is_dir():  # a class may be missing in a held-out split
        return
    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(parent, name)
            if not name.startswith(".") and not path.is_dir():
                yield path


FOLDER = Source(
    form="a folder of class folders",
    reads=lambda request: request.exists and request.path.is_dir() and table_files(request.path) is None,
    load=lambda request: load_folder(request.path, request.options),
    takes=("encoding",),
)


PREFIX = "mini-imagenet:"
SYNSETS = {
    "n01751748": "sea snake",
    "n02123394": "Persian cat",
    "n02169497": "leaf beetle",
    "n02883205": "bow tie",
    "n03125729": "cradle",
    "n03954731": "woodworking plane",
    "n04332243": "strainer",
    "n04355358": "sundial",
    "n04553703": "washbasin",
    "n07717556": "butternut squash",
}


def load_mini_imagenet(request: SourceRequest) -> Dataset:
    """The ten classes (Kishida and Nakayama 2019, section 3) in the ImageNet folder that a request names."""
    folder = request.text.removeprefix(PREFIX)
    if not folder:
        raise BadInput(f"{request.text}: no folder; give {PREFIX}PATH with that of ImageNet")
    root = absolute(folder)
    return load_folder(
        root, request.options, selection=SYNSETS, name="mini-imagenet", source=f"{PREFIX}{root}"
    )


MINI_IMAGENET = Source(
    form=f"{PREFIX}PATH",
    reads=lambda request: request.text.startswith(PREFIX),
    load=load_mini_imagenet,
    names=(f"{PREFIX}PATH",),
)
