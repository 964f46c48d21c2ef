"""Class folders: one folder of pictures per class, with or without ``train`` and ``test`` above them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from easiness.data.dataset import Dataset
from easiness.data.decode import Blob, UnreadableImage
from easiness.data.encoded import Positions, find_unreadable
from easiness.data.file_facts import FileFacts
from easiness.data.splits import EncodedSplit, encoded_dataset
from easiness.data.threads import in_threads
from easiness.errors import BadInput

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)
HELD_OUT_NAMES = ("test", "val", "valid", "validation")
READ_AT_ONCE = 4096

LAYOUT = "give each class a folder of its own with its images in it: SOURCE/cat/1.png, SOURCE/dog/2.png"


def load_folder(root: Path, *, skip_unreadable: bool = False) -> Dataset:
    """The pictures in the class folders at the absolute path ``root``.

    Where ``root/train`` holds folders, those are the classes, and the first of ``test``, ``val``,
    ``valid`` and ``validation`` that holds folders is the held-out split. Ids are paths relative to
    ``root`` with forward slashes; examples are ordered by class name, then by id. Folders inside a class
    folder belong to the class. Hidden files, links to folders inside a class, and files that are not
    images are passed over.

    Raises:
        BadInput: there are no class folders, a class has no image, the layout is ambiguous, or the
            held-out split has a class that the training split lacks.
    """
    held_out_name = next((name for name in HELD_OUT_NAMES if _is_split(root / name)), None)
    facts = FileFacts(root)
    if not _is_split(root / "train"):
        if held_out_name is not None:
            raise BadInput(
                f"{root}: {held_out_name} holds class folders but there is no train with class folders "
                "beside it; add it, or give the split itself as the source"
            )
        train, classes = _read_split(root, root, "train", None, facts)
        return encoded_dataset(
            root.name, str(root), train, None, classes=classes, skip_unreadable=skip_unreadable
        )
    train, classes = _read_split(root, root / "train", "train", None, facts)
    held_out = None
    if held_out_name is not None:
        held_out, _ = _read_split(root, root / held_out_name, held_out_name, classes, facts)
    return encoded_dataset(
        root.name, str(root), train, held_out, classes=classes, skip_unreadable=skip_unreadable
    )


def _is_split(folder: Path) -> bool:
    """Does the folder hold folders? With pictures beside them it could be a split or a class."""
    if not folder.is_dir() or not _folders(folder):
        return False
    stray = next((entry for entry in sorted(folder.iterdir()) if _is_image(entry)), None)
    if stray is not None:
        raise BadInput(
            f"{folder}: holds both folders and images ({stray.name}), so it could be a split or a class; "
            "move the images into class folders"
        )
    return True


def _read_split(
    root: Path, folder: Path, name: str, known: Sequence[str] | None, facts: FileFacts
) -> tuple[EncodedSplit, list[str]]:
    found = _folders(folder)
    if not found:
        raise BadInput(f"{folder}: no class folders in it; {LAYOUT}")
    classes = found if known is None else list(known)
    ids: list[str] = []
    labels: list[int] = []
    for class_name in found:
        if class_name not in classes:
            raise BadInput(
                f"{folder / class_name}: class {class_name!r} does not occur in train; add it there or "
                "remove it here"
            )
        images = [path.relative_to(root).as_posix() for path in _images_below(folder / class_name)]
        if not images and known is None:
            raise BadInput(
                f"{folder / class_name}: class {class_name!r} has no image; add one or remove the folder"
            )
        ids += sorted(images)
        labels += [classes.index(class_name)] * len(images)
    split = EncodedSplit(
        name=name,
        where=str(folder),
        blobs=FileBlobs(root, ids, facts),
        ids=np.array(ids, dtype=object),
        labels=np.array(labels, dtype=np.int64),
    )
    return split, classes


def _folders(folder: Path) -> list[str]:
    try:
        return sorted(e.name for e in folder.iterdir() if e.is_dir() and not e.name.startswith("."))
    except OSError as error:
        raise BadInput(f"{folder}: the folder cannot be read: {error.strerror}") from None


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and not path.is_dir()


def _images_below(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise BadInput(f"{error.filename}: the folder cannot be read: {error.strerror}")

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(parent, name)
            if _is_image(path):
                yield path


class FileBlobs:
    """Pictures in files of their own: the one at position i is ``root / ids[i]``."""

    def __init__(self, root: Path, ids: Sequence[str], facts: FileFacts) -> None:
        self._root = root
        self._ids = ids
        self._facts = facts

    def __len__(self) -> int:
        return len(self._ids)

    def name(self, position: int) -> str:
        """The file's path."""
        return str(self._root / self._ids[position])

    def batches(self, positions: Positions) -> Iterator[list[Blob]]:
        """Readers of the files, some thousands at a time."""
        for start in range(0, len(positions), READ_AT_ONCE):
            yield [partial(self._read, int(p)) for p in positions[start : start + READ_AT_ONCE]]

    def digests(self, positions: Positions) -> list[str]:
        """SHA-256 (hex) of each file, from the cache where size and time of modification are the same."""
        digests = list(in_threads(self._digest, positions.tolist()))
        self._facts.save()
        return digests

    def unreadable(self) -> Positions:
        """Positions of files that cannot be decoded; unchanged files are not tried again."""
        stamps, verdicts = [], {}
        for position, file in enumerate(self._ids):
            stamp, known = self._facts.recall(file)
            stamps.append(stamp)
            if isinstance(known.get("readable"), bool):
                verdicts[position] = known["readable"]
        unknown = np.array([p for p in range(len(self)) if p not in verdicts], dtype=np.int64)
        broken = set(find_unreadable(self, unknown).tolist())
        for position in unknown.tolist():
            verdicts[position] = position not in broken
            self._facts.remember(self._ids[position], stamps[position], readable=verdicts[position])
        self._facts.save()
        return np.array([p for p in range(len(self)) if not verdicts[p]], dtype=np.int64)

    def _read(self, position: int) -> bytes:
        path = self._root / self._ids[position]
        try:
            return path.read_bytes()
        except OSError as error:
            raise UnreadableImage(str(path), f"the file cannot be read: {error.strerror}") from None

    def _digest(self, position: int) -> str:
        file = self._ids[position]
        stamp, known = self._facts.recall(file)
        digest = known.get("sha256")
        if not isinstance(digest, str):
            digest = hashlib.sha256(self._read(position)).hexdigest()
            self._facts.remember(file, stamp, sha256=digest)
        return digest
