"""Files of the vectors of all examples, made once and found again by later runs.

A file that grows is called ``.part``. The note beside it counts the rows on the disk, which are there before
the note vouches for them, so that a build killed at any moment goes on.
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
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field

from easiness import perturb
from easiness.data import Dataset, rewrite_texts
from easiness.errors import BadInput
from easiness.features.registry import eye_of
from easiness.features.source import FeatureSource, Positions, Vectors, identity_of, in_parts
from easiness.gate import made_once, mapped_array
from easiness.regular_file import open_growing, read_regular
from easiness.spec import Frozen
from easiness.store import FileDigest, digest, is_intact, read_sealed, write_sealed, write_whole

Tell: TypeAlias = Callable[[str, int, int], None]
Halves: TypeAlias = npt.NDArray[np.float16]

FORMAT = 3
MOST_IN_MEMORY = 2**28  # bytes: larger arrays are written to a file

_SECONDS = 1.0  # of work that a kill may lose, about
_BLOCK = 64  # rows that tell the scale
_LARGEST = float(np.finfo(np.float16).max)
_USUAL = (2.0**-4, 2.0**12)  # bounds of the largest value of the first block without a scale
_USUAL_POWER = 8  # power of two above the largest value, with a scale
_STEP = 8  # of the exponent, down, for a value that is too large
_LOOKED_AT = 1024  # vectors that tell whether half precision keeps what is in them
_MOST_LOST = 0.01  # of the variance: of the features of networks a millionth is lost
_DIGEST = "S32"  # half of the digest of an example, by which it is known
_MOST_LISTED = 2**28  # bytes, of eight million examples
_CHANGED_AT_ONCE = 512  # examples


@dataclass(frozen=True)
class FeatureFile:
    """Vectors times 2 to the ``exponent``: ``rows`` [K, D], read-only, mapped if they are in a file."""

    rows: Halves
    exponent: int


class _Note(Frozen):
    """The number of rows on the disk, and the digest of the complete file."""

    model_config = ConfigDict(strict=True)

    exponent: int = Field(gt=-200, lt=200)  # those of single precision go less far
    done: int = Field(ge=0)
    whole: FileDigest | None = None


def ready_features(
    source: FeatureSource, data: Dataset, folder: Path, tell: Tell = lambda *_: None
) -> dict[str, Halves]:
    return {name: one.rows for name, one in kept_features(source, data, folder, tell).items()}


def kept_features(
    source: FeatureSource, data: Dataset, folder: Path, tell: Tell = lambda *_: None
) -> dict[str, FeatureFile]:
    """Vectors of the examples of every split at half precision, [K, D], by ``train`` and ``held_out``.

    One power of two scales vectors that would be too large or too small; held-out values that are too large
    even so are cut. The examples and the identity of the source find the file in ``folder`` again; a build
    goes on where an interrupt left it. Examples with a vector in another file there, or one folder up, are
    not read again. Small arrays need no file.
    """
    keys: list[str] = []
    files: dict[str, FeatureFile] = {}
    exponent = None
    for name, split in data.splits.items():
        keys.append(split.contents)  # held-out vectors have the scale of the training ones
        if not source.slow and 2 * source.vectors(split, np.arange(1)).size * len(split) <= MOST_IN_MEMORY:
            files[name] = _in_memory(source, split, exponent)
        else:
            key = identity_of(format=FORMAT, source=source.identity, contents=keys)
            files[name] = _in_file(source, split, folder / f"{key[:32]}.npy", exponent, tell)
        exponent = files[name].exponent
    return files


def changed_vectors(
    sources: Sequence[FeatureSource], exponents: Sequence[int], split: Dataset, transform: perturb.Transform
) -> Iterator[list[Halves]]:
    """Yield vectors [b, D] of each source for some examples at a time, under ``transform``.

    The ``exponents`` of the files round them. Texts are rewritten for any source, and pictures are changed
    after the preparation of the source's network.
    """
    new_texts = None if split.kind.rewritten is None else rewrite_texts(split, transform)
    for some in in_parts(np.arange(len(split)), _CHANGED_AT_ONCE):
        parts = [
            eye_of(one).read(split, some, transform) if new_texts is None else one.parts(new_texts, some)
            for one in sources
        ]
        pairs = zip(parts, exponents, strict=True)
        yield [to_halves(np.concatenate([*own]), exponent) for own, exponent in pairs]


def to_halves(values: Vectors, exponent: int) -> Halves:
    """``values`` times 2 to the ``exponent``, at half precision, cut at its largest."""
    products = np.ldexp(values.astype(np.float64), exponent) if exponent else values
    return products.clip(-_LARGEST, _LARGEST).astype("<f2")


def _round(
    source: FeatureSource, split: Dataset, at: int, exponent: int | None, *, cut: bool
) -> Iterator[tuple[int, FeatureFile]]:
    """Yield some vectors at a time at half precision, from row ``at`` on, behind the row of the first.

    The first block decides the exponent if there is none. A value that is too large is ``cut``, or everything
    begins again at row 0 with a smaller exponent.
    """
    for values in _join(source.parts(split, np.arange(at, len(split)))) if at < len(split) else ():
        _check_finite(source, split, values, at)
        if exponent is None:
            largest = float(np.abs(values[:_BLOCK]).max())
            usual = largest == 0 or _USUAL[0] <= largest <= _USUAL[1]
            exponent = 0 if usual else _USUAL_POWER - math.frexp(largest)[1]
        if not cut and np.abs(values).max() > math.ldexp(_LARGEST, -exponent):
            yield from _round(source, split, 0, exponent - _STEP, cut=cut)
            return
        if at == 0 and not cut:
            some = np.unique(np.linspace(0, len(split) - 1, _LOOKED_AT).astype(np.int64))
            sample = values if source.slow else source.vectors(split, some)
            _check_precision(source, sample[np.isfinite(sample).all(axis=1)], exponent)
        yield at, FeatureFile(to_halves(values, exponent), exponent)
        at += len(values)


def _join(parts: Iterator[Vectors]) -> Iterator[Vectors]:
    """Yield parts of enough rows to tell the scale."""
    for part in parts:
        waiting = [part]
        while sum(map(len, waiting)) < _BLOCK and (another := next(parts, None)) is not None:
            waiting.append(another)
        if any(map(len, waiting)):
            yield np.concatenate(waiting)


def _in_memory(source: FeatureSource, split: Dataset, exponent: int | None) -> FeatureFile:
    parts: list[FeatureFile] = []
    for at, some in _round(source, split, 0, exponent, cut=exponent is not None):
        parts = [*parts, some] if at else [some]
    rows = np.concatenate([one.rows for one in parts])
    _check_varied(source, rows)
    rows.setflags(write=False)
    return FeatureFile(rows, parts[0].exponent)


def _in_file(
    source: FeatureSource, split: Dataset, path: Path, exponent: int | None, tell: Tell
) -> FeatureFile:
    file = made_once(
        path,
        lambda: whole(path, len(split), exponent),
        lambda: _build(_sparing(source, split, path.parent), split, path, exponent, tell),
        "file of features",
        "it goes on where it was",
    )
    _list_examples(source, split, path, file, cut=exponent is not None)
    return file


def whole(path: Path, num: int, exponent: int | None = None) -> FeatureFile | None:
    """The intact file of ``num`` vectors with this ``exponent``, ``None`` if there is none."""
    rows, note = _as_noted(path, num, exponent)
    if note is None or note.whole is None or not is_intact(path, note.whole):
        return None
    return FeatureFile(rows, note.exponent)


def _as_noted(path: Path, num: int, exponent: int | None) -> tuple[Halves, _Note | None]:
    try:
        note = _Note.model_validate(read_sealed(path.with_suffix(".json"), "features", 1000))
        rows = mapped_array(path)
        if rows.dtype == np.dtype("<f2") and rows.shape[:-1] == (num,) and exponent in (None, note.exponent):
            return rows, note
    except (BadInput, OSError, ValueError, LookupError, TypeError):
        pass
    return np.empty((0, 0), np.float16), None


def _build(source: FeatureSource, split: Dataset, path: Path, start: int | None, tell: Tell) -> FeatureFile:
    part, beside = path.with_suffix(".part"), path.with_suffix(".json")
    num, what, cut = len(split), f"making features {source.name}", start is not None
    rows, note = _as_noted(part, num, start)
    if note and note.whole and not is_intact(part, note.whole):
        note = None
    num_done, exponent = (min(note.done, num), note.exponent) if note else (0, start)
    offset = getattr(rows, "offset", 0)

    def save() -> None:
        file.flush()
        os.fsync(file.fileno())
        if exponent is not None:
            complete = digest(part) if num_done == num else None
            content = _Note(exponent=exponent, done=num_done, whole=complete)
            write_sealed(beside, "features", content)

    try:
        with open_growing(part) as file, contextlib.ExitStack() as at_the_end:
            at_the_end.callback(save)
            tell(what, num_done, num)
            last_save = time.monotonic()
            for at, some in _round(source, split, num_done, exponent, cut=cut):
                if at == 0:
                    shape = (num, some.rows.shape[1])
                    offset = np.lib.format.open_memmap(part, "w+", some.rows.dtype, shape).offset
                file.seek(offset + at * some.rows[0].nbytes)
                file.write(some.rows.data)
                num_done, exponent = at + len(some.rows), some.exponent
                if time.monotonic() - last_save > _SECONDS:
                    save()
                    last_save = time.monotonic()
                tell(what, num_done, num)
        _check_varied(source, mapped_array(part))
    except BadInput:  # mended vectors have another file
        part.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)
        raise
    part.replace(path)
    assert exponent is not None
    return FeatureFile(mapped_array(path), exponent)


def _list_examples(
    source: FeatureSource, split: Dataset, path: Path, file: FeatureFile, *, cut: bool
) -> None:
    """Write the digests of the examples beside a file without ``cut`` values, if possible."""
    list_path = path.with_name(f"{source.identity[:32]}.{path.stem}.examples")
    if list_path.exists() or (cut and any((np.abs(part) == _LARGEST).any() for part in in_parts(file.rows))):
        return
    with contextlib.suppress(OSError):
        write_whole(list_path, np.array(split.stored.digests(), _DIGEST).tobytes())


def _sparing(source: FeatureSource, split: Dataset, folder: Path) -> FeatureSource:
    """The source, which reads vectors of the split from earlier files if it can."""
    digests = np.array(split.stored.digests(), _DIGEST).tolist()
    files: list[FeatureFile] = []
    place = np.full((2, len(split)), -1, np.int64)  # file of each example, and the row there
    above = folder.parent.parent / folder.name
    name = f"{source.identity[:32]}.*.examples"
    for list_path in chain(*(sorted(one.glob(name)) for one in (folder, above))):
        try:
            there = np.frombuffer(read_regular(list_path, _MOST_LISTED), _DIGEST).tolist()
        except (OSError, ValueError):
            continue
        rows = {digest: row for row, digest in enumerate(there)}
        row_of = np.array([rows.get(one, -1) for one in digests], np.int64)
        new = (row_of >= 0) & (place[0] < 0)
        file = (
            whole(list_path.with_name(f"{list_path.suffixes[-2][1:]}.npy"), len(there)) if new.any() else None
        )
        if file is not None:
            place[0, new], place[1, new] = len(files), row_of[new]
            files.append(file)

    def read(_: Dataset, positions: Positions) -> Iterator[Vectors]:
        vectors = chain.from_iterable(source.parts(split, positions[place[0, positions] < 0]))
        for some in in_parts(positions):
            yield np.stack(
                [
                    next(vectors)
                    if own < 0
                    else np.ldexp(files[own].rows[row].astype(np.float32), -files[own].exponent)
                    for own, row in place[:, some].T
                ]
            )

    return replace(source, read=read) if files else source


def _check_finite(source: FeatureSource, split: Dataset, values: Vectors, start: int) -> None:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        column = int(np.flatnonzero(~np.isfinite(values[bad[0]]))[0])
        raise BadInput(
            f"features {source.name!r}: the vector of example {split.ids.tolist()[start + bad[0]]!r} has "
            f"{values[bad[0], column]} in column {column}; give finite values, or leave the example out"
        )


def _check_varied(source: FeatureSource, rows: Halves) -> None:
    same = all((part == rows[0]).all() for part in in_parts(rows))
    if same and len(rows) > 1:
        raise BadInput(
            f"features {source.name!r}: the vectors of all {len(rows)} examples are equal; give features "
            "that tell them apart"
        )


def _check_precision(source: FeatureSource, values: Vectors, exponent: int) -> None:
    wide = values.astype(np.float64)
    variance = wide.var(axis=0)
    rounding = np.square(wide - np.ldexp(to_halves(values, exponent).astype(np.float64), -exponent))
    loss = rounding.mean(axis=0) * (variance > 0)
    if loss.sum() > _MOST_LOST * variance.sum():
        worst = int((loss / np.maximum(variance, np.finfo(np.float64).tiny)).argmax())
        raise BadInput(
            f"features {source.name!r}: values of about {wide[:, worst].mean():.3g} in column {worst} differ "
            "by less than half precision keeps; take off the mean of each column"
        )
