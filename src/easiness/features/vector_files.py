"""Vectors of all examples, made once and kept in a file that later runs find again.

While it grows it is called ``.part``. The note beside it says how many rows are on the disk: they are there
before the note vouches for them, so that a build killed at any moment goes on.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from easiness.data import Dataset, rewritten
from easiness.errors import BadInput
from easiness.features.registry import eye_of
from easiness.features.source import FeatureSource, Positions, Vectors, identity_of
from easiness.gate import made_once, mapped_array
from easiness.regular_file import open_growing, read_regular
from easiness.store import FileDigest, digest, is_intact, read_sealed, write_sealed, write_whole

if TYPE_CHECKING:
    from easiness.perturb import Transform

Tell: TypeAlias = Callable[[str, int, int], None]
Halves: TypeAlias = npt.NDArray[np.float16]

FORMAT = 3
MOST_IN_MEMORY = 2**28  # bytes: arrays that are given are written into a file where they are larger

_SECONDS = 1.0  # of work that a kill may lose, about
_BLOCK = 64  # rows that tell the scale
_LARGEST = float(np.finfo(np.float16).max)
_USUAL = (2.0**-4, 2.0**12)  # largest values of the first block that are kept as they are
_WANTED = 8  # power of two below which others are brought
_STEP = 8  # by which the exponent goes down where a value is too large, wherever that is
_LOOKED_AT = 1024  # vectors that tell whether half precision keeps what is in them
_LOST = 0.01  # of the variance: of the features of networks a millionth is lost
_DIGEST = "S32"  # half of the digest of an example, by which it is known
_MOST_LISTED = 2**28  # bytes, of eight million examples
_AT_ONCE = 1 << 12  # rows
_CHANGED = 512  # examples


@dataclass(frozen=True)
class FeatureFile:
    """``rows`` [K, D], read-only, mapped where there is a file: the vectors times 2 to the ``exponent``."""

    rows: Halves
    exponent: int


class _Note(BaseModel):
    """The rows that are on the disk, and the digest of the file once these are all."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    exponent: int = Field(gt=-200, lt=200)  # those of single precision go less far
    done: int = Field(ge=0)
    whole: FileDigest | None = None


def ready_features(
    source: FeatureSource, data: Dataset, folder: Path, tell: Tell = lambda *_: None
) -> dict[str, Halves]:
    """The rows of `kept_features`, by split."""
    return {name: one.rows for name, one in kept_features(source, data, folder, tell).items()}


def kept_features(
    source: FeatureSource, data: Dataset, folder: Path, tell: Tell = lambda *_: None
) -> dict[str, FeatureFile]:
    """Vectors of the examples of every split at half precision, [K, D], by ``train`` and ``held_out``.

    All are multiplied by one power of two where they would else be too large or too small; held-out ones
    that are too large even so are cut. They are in a file of NumPy's in ``folder``, which is mapped into
    memory read-only. It is found again by the stored bytes of the examples and the identity of the source,
    and a build that was interrupted goes on where it was. Of two processes one builds while the other waits.
    An example whose vector is in another file there, or one folder up, is not seen again, however it was
    split. Arrays that are given and not large need no file. ``tell`` is called with the work that is done,
    and for how many of how many examples.
    """
    keys: list[str] = []
    made: dict[str, FeatureFile] = {}
    exponent = None
    for name, split in data.splits.items():
        keys.append(split.contents)  # held-out vectors are to the scale of the training ones
        if not source.slow and 2 * source.vectors(split, np.arange(1)).size * len(split) <= MOST_IN_MEMORY:
            made[name] = _in_memory(source, split, exponent)
        else:
            key = identity_of(format=FORMAT, source=source.identity, contents=keys)
            made[name] = _in_file(source, split, folder / f"{key[:32]}.npy", exponent, tell)
        exponent = made[name].exponent
    return made


def changed_vectors(
    sources: Sequence[FeatureSource], exponents: Sequence[int], split: Dataset, transform: Transform
) -> Iterator[list[Halves]]:
    """Vectors [b, D] of all examples under ``transform``, of each source, some examples at a time.

    They are rounded as those that are kept, by their ``exponents``, and cut where they are larger. Texts are
    rewritten, and any source that reads them makes vectors; what it has learned from the training examples,
    as weights of words, stays as it was. Pictures are changed as the eye of a source sees them.
    """
    changed = None if split.kind.rewritten is None else rewritten(split, transform)
    for some in _parts(np.arange(len(split)), _CHANGED):
        made = [
            eye_of(one).read(split, some, transform) if changed is None else one.parts(changed, some)
            for one in sources
        ]
        yield [
            halved(np.concatenate([*own]), exponent) for own, exponent in zip(made, exponents, strict=True)
        ]


def halved(values: Vectors, exponent: int) -> Halves:
    """``values`` times 2 to the ``exponent``, at half precision, cut at its largest."""
    scaled = np.ldexp(values.astype(np.float64), exponent) if exponent else values
    return scaled.clip(-_LARGEST, _LARGEST).astype("<f2")


def _rounded(
    source: FeatureSource, split: Dataset, at: int, exponent: int | None, *, cut: bool
) -> Iterator[tuple[int, FeatureFile]]:
    """Vectors from row ``at`` on at half precision, some at a time, and the row of the first.

    Where no exponent is given it goes by the first block. They begin again at row 0, with a smaller one,
    where a value is too large and not to be ``cut``.
    """
    for values in _joined(source.parts(split, np.arange(at, len(split)))) if at < len(split) else ():
        _check_finite(source, split, values, at)
        if exponent is None:
            largest = float(np.abs(values[:_BLOCK]).max())
            usual = largest == 0 or _USUAL[0] <= largest <= _USUAL[1]
            exponent = 0 if usual else _WANTED - math.frexp(largest)[1]
        if not cut and np.abs(values).max() > math.ldexp(_LARGEST, -exponent):
            yield from _rounded(source, split, 0, exponent - _STEP, cut=cut)
            return
        if at == 0 and not cut:
            some = np.unique(np.linspace(0, len(split) - 1, _LOOKED_AT).astype(np.int64))
            looked = values if source.slow else source.vectors(split, some)
            _check_precision(source, looked[np.isfinite(looked).all(axis=1)], exponent)
        yield at, FeatureFile(halved(values, exponent), exponent)
        at += len(values)


def _joined(parts: Iterator[Vectors]) -> Iterator[Vectors]:
    """The parts, put together until they tell the scale."""
    for part in parts:
        waiting = [part]
        while sum(map(len, waiting)) < _BLOCK and (another := next(parts, None)) is not None:
            waiting.append(another)
        if any(map(len, waiting)):
            yield np.concatenate(waiting)


def _in_memory(source: FeatureSource, split: Dataset, wanted: int | None) -> FeatureFile:
    parts: list[FeatureFile] = []
    for at, some in _rounded(source, split, 0, wanted, cut=wanted is not None):
        parts = [*parts, some] if at else [some]
    rows = np.concatenate([one.rows for one in parts])
    _check_varied(source, rows)
    rows.setflags(write=False)
    return FeatureFile(rows, parts[0].exponent)


def _in_file(
    source: FeatureSource, split: Dataset, path: Path, wanted: int | None, tell: Tell
) -> FeatureFile:
    file = made_once(
        path,
        lambda: whole(path, len(split), wanted),
        lambda: _built(_sparing(source, split, path.parent), split, path, wanted, tell),
        "file of features",
        "it goes on where it was",
    )
    _list_examples(source, split, path, file, cut=wanted is not None)
    return file


def whole(path: Path, num: int, wanted: int | None = None) -> FeatureFile | None:
    """The file of ``num`` vectors, of the ``wanted`` exponent, where it is there and as it was written."""
    rows, note = _as_noted(path, num, wanted)
    if note is None or note.whole is None or not is_intact(path, note.whole):
        return None
    return FeatureFile(rows, note.exponent)


def _as_noted(path: Path, num: int, wanted: int | None) -> tuple[Halves, _Note | None]:
    try:
        note = _Note.model_validate(read_sealed(path.with_suffix(".json"), "features", 1000))
        rows = mapped_array(path)
        if rows.dtype == np.dtype("<f2") and rows.shape[:-1] == (num,) and wanted in (None, note.exponent):
            return rows, note
    except (BadInput, OSError, ValueError, LookupError, TypeError):
        pass
    return np.empty((0, 0), np.float16), None


def _built(source: FeatureSource, split: Dataset, path: Path, wanted: int | None, tell: Tell) -> FeatureFile:
    part, beside = path.with_suffix(".part"), path.with_suffix(".json")
    num, what, cut = len(split), f"making features {source.name}", wanted is not None
    rows, note = _as_noted(part, num, wanted)
    if note and note.whole and not is_intact(part, note.whole):
        note = None
    done, exponent = (min(note.done, num), note.exponent) if note else (0, wanted)
    offset = getattr(rows, "offset", 0)

    def save() -> None:
        file.flush()
        os.fsync(file.fileno())
        if exponent is not None:
            complete = digest(part) if done == num else None
            kept = _Note(exponent=exponent, done=done, whole=complete)
            write_sealed(beside, "features", kept)

    try:
        with open_growing(part) as file, contextlib.ExitStack() as at_the_end:
            at_the_end.callback(save)
            tell(what, done, num)
            saved = time.monotonic()
            for at, some in _rounded(source, split, done, exponent, cut=cut):
                if at == 0:
                    shape = (num, some.rows.shape[1])
                    offset = np.lib.format.open_memmap(part, "w+", some.rows.dtype, shape).offset
                file.seek(offset + at * some.rows[0].nbytes)
                file.write(some.rows.data)
                done, exponent = at + len(some.rows), some.exponent
                if time.monotonic() - saved > _SECONDS:
                    save()
                    saved = time.monotonic()
                tell(what, done, num)
        _check_varied(source, mapped_array(part))
    except BadInput:  # whatever mends them makes another file of them
        part.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)
        raise
    part.replace(path)
    assert exponent is not None
    return FeatureFile(mapped_array(path), exponent)


def _list_examples(
    source: FeatureSource, split: Dataset, path: Path, file: FeatureFile, *, cut: bool
) -> None:
    """Write down whose vectors the file has, none of them ``cut``; where that is possible: it saves time."""
    listed = path.with_name(f"{source.identity[:32]}.{path.stem}.examples")
    if listed.exists() or (cut and any((np.abs(part) == _LARGEST).any() for part in _parts(file.rows))):
        return
    with contextlib.suppress(OSError):
        write_whole(listed, np.array(split.stored.digests(), _DIGEST).tobytes())


def _sparing(source: FeatureSource, split: Dataset, folder: Path) -> FeatureSource:
    """The source without the work on examples of the split whose vectors are in files of before."""
    wanted = np.array(split.stored.digests(), _DIGEST).tolist()
    files: list[FeatureFile] = []
    place = np.full((2, len(split)), -1, np.int64)  # of each example the file and the row in it
    above = folder.parent.parent / folder.name
    for listed in chain(*(sorted(one.glob(f"{source.identity[:32]}.*.examples")) for one in (folder, above))):
        try:
            there = np.frombuffer(read_regular(listed, _MOST_LISTED), _DIGEST).tolist()
        except (OSError, ValueError):
            continue
        rows = {digest: row for row, digest in enumerate(there)}
        found = np.array([rows.get(one, -1) for one in wanted], np.int64)
        new = (found >= 0) & (place[0] < 0)
        file = whole(listed.with_name(f"{listed.suffixes[-2][1:]}.npy"), len(there)) if new.any() else None
        if file is not None:
            place[0, new], place[1, new] = len(files), found[new]
            files.append(file)

    def read(_: Dataset, positions: Positions) -> Iterator[Vectors]:
        made = chain.from_iterable(source.parts(split, positions[place[0, positions] < 0]))
        for some in _parts(positions):
            yield np.stack(
                [
                    next(made)
                    if own < 0
                    else np.ldexp(files[own].rows[row].astype(np.float32), -files[own].exponent)
                    for own, row in place[:, some].T
                ]
            )

    return replace(source, read=read) if files else source


def _parts(rows: npt.NDArray[Any], size: int = _AT_ONCE) -> Iterator[npt.NDArray[Any]]:
    return (rows[at : at + size] for at in range(0, len(rows), size))


def _check_finite(source: FeatureSource, split: Dataset, values: Vectors, start: int) -> None:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        column = int(np.flatnonzero(~np.isfinite(values[bad[0]]))[0])
        raise BadInput(
            f"features {source.name!r}: the vector of example {split.ids.tolist()[start + bad[0]]!r} has "
            f"{values[bad[0], column]} in column {column}; give finite values, or leave the example out"
        )


def _check_varied(source: FeatureSource, rows: Halves) -> None:
    """Make sure that vectors differ; of one example there is nothing to compare."""
    same = all((part == rows[0]).all() for part in _parts(rows))
    if same and len(rows) > 1:
        raise BadInput(
            f"features {source.name!r}: the vectors of all {len(rows)} examples are equal; give features "
            "that tell them apart"
        )


def _check_precision(source: FeatureSource, values: Vectors, exponent: int) -> None:
    """Make sure that vectors [n, D] differ by more than half precision rounds them."""
    wide = values.astype(np.float64)
    variance = wide.var(axis=0)
    rounding = np.square(wide - np.ldexp(halved(values, exponent).astype(np.float64), -exponent))
    lost = rounding.mean(axis=0) * (variance > 0)
    if lost.sum() > _LOST * variance.sum():
        worst = int((lost / np.maximum(variance, np.finfo(np.float64).tiny)).argmax())
        raise BadInput(
            f"features {source.name!r}: values of about {wide[:, worst].mean():.3g} in column {worst} differ "
            "by less than half precision keeps; take off the mean of each column"
        )
