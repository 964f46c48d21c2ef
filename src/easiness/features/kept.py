"""Vectors of all examples, made once and kept in a file that later runs find again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from easiness.data import Dataset
from easiness.errors import BadInput, RunFailed
from easiness.features.half import LARGEST, STEP, Halves, TooLarge, exponent_for, halved
from easiness.features.pieces import PIECE, FeatureFile, Growing, whole
from easiness.features.source import FeatureSource, Positions, Vectors, identity_of
from easiness.regular_file import read_regular
from easiness.store import write_whole

Tell: TypeAlias = Callable[[str, int, int], None]

FORMAT = 1
_LOOKED_AT = 1024  # vectors that tell whether half precision keeps what is in them
_LOST = 0.01  # of the variance: of the features of networks a millionth is lost
_DIGEST = "S32"  # half of the digest of an example, by which it is known
_MOST_LISTED = 2**28  # bytes, of eight million examples
_AT_ONCE = 1 << 12  # rows

MOST_IN_MEMORY = 2**28
"""Bytes: arrays that are given are written into a file where they are larger."""


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
    that are too large even so are cut. They are in a file in ``folder``, which is mapped into memory
    read-only. It is found again by the stored bytes of the examples and the identity of the source, and a
    build that was interrupted goes on where it was. Of two processes one builds while the other waits. An
    example whose vector is in another file there, or one folder up, is not seen again, however it was split.
    Arrays that are given and not large need no file.

    Args:
        source: what makes the vectors.
        data: the examples.
        folder: where the files are.
        tell: is called with what is done, and for how many of how many examples.
    """
    keys: list[str] = []
    made: dict[str, FeatureFile] = {}
    exponent = None
    for name, split in data.splits.items():
        keys.append(split.contents)  # held-out vectors are to the scale of the training ones
        if not source.slow and _bytes_of(source, split) <= MOST_IN_MEMORY:
            made[name] = _in_memory(source, split, exponent)
        else:
            key = identity_of(format=FORMAT, source=source.identity, contents=keys)
            made[name] = _in_file(source, split, folder / f"{key[:32]}.npy", exponent, tell)
        exponent = made[name].exponent
    return made


def _bytes_of(source: FeatureSource, split: Dataset) -> int:
    width: int = source.vectors(split, np.arange(1)).shape[1]
    return 2 * len(split) * width


def _in_memory(source: FeatureSource, split: Dataset, exponent: int | None) -> FeatureFile:
    cut = exponent is not None
    while True:
        try:
            rows, exponent = _halves(source, split, exponent, cut=cut)
            break
        except TooLarge as error:
            exponent = error.exponent - STEP
    _check_varied(source, rows)
    if not cut:
        some = np.unique(np.linspace(0, len(split) - 1, _LOOKED_AT).astype(np.int64))
        _check_precision(source, source.vectors(split, some), exponent)
    rows.setflags(write=False)
    return FeatureFile(rows, exponent)


def _halves(source: FeatureSource, split: Dataset, exponent: int | None, *, cut: bool) -> tuple[Halves, int]:
    """All vectors, some at a time: those at full precision may be many."""
    made: list[Halves] = []
    done = 0
    for values in source.parts(split, np.arange(len(split))):
        _check_finite(source, split, values, done)
        if exponent is None:
            exponent = exponent_for(values[:PIECE])
        made.append(halved(values, exponent, cut=cut))
        done += len(values)
    assert exponent is not None
    return made[0] if len(made) == 1 else np.concatenate(made), exponent


def _in_file(
    source: FeatureSource, split: Dataset, path: Path, exponent: int | None, tell: Tell
) -> FeatureFile:
    """The file at ``path``, which is built where it does not exist or is not whole."""
    try:
        found = whole(path, len(split), exponent)
        if found is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock"):
                found = whole(path, len(split), exponent)
                if found is None:
                    found = _built(_sparing(source, split, path.parent), split, path, exponent, tell)
            Path(f"{path}.lock").unlink(missing_ok=True)
        _list_examples(source, split, path, found, cut=exponent is not None)
        return found
    except OSError as error:
        free = shutil.disk_usage(path.parent).free if path.parent.is_dir() else 0
        raise RunFailed(
            f"{path}: the file of features cannot be written ({error.strerror or error}, {free // 10**6} MB "
            "free); run it again when this is mended, it goes on where it was"
        ) from error


def _list_examples(
    source: FeatureSource, split: Dataset, path: Path, file: FeatureFile, *, cut: bool
) -> None:
    """Write down whose vectors the file has, none of them ``cut``; where that is possible: it saves time."""
    listed = path.with_name(f"{source.identity[:32]}.{path.stem}.examples")
    if listed.exists() or (cut and any((np.abs(part) == LARGEST).any() for part in _parts(file.rows))):
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


def _parts(rows: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    return (rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE))


def _built(
    source: FeatureSource, split: Dataset, path: Path, exponent: int | None, tell: Tell
) -> FeatureFile:
    growing = Growing(path, len(split), exponent)
    try:
        while True:
            try:
                with growing:
                    _add_rest(source, split, growing, tell)
                    _check_varied(source, growing.rows())
                break
            except TooLarge:
                growing.start_over(STEP)
        return growing.finish()
    except BadInput:
        growing.remove()  # whatever mends them makes another file of them
        raise


def _add_rest(source: FeatureSource, split: Dataset, growing: Growing, tell: Tell) -> None:
    what, num = f"making features {source.name}", len(split)
    tell(what, growing.done, num)
    if growing.done == num:
        return
    waiting: list[Vectors] = []
    for values in source.parts(split, np.arange(growing.done, num)):
        _check_finite(source, split, values, growing.done + sum(map(len, waiting)))
        waiting.append(values)
        if sum(map(len, waiting)) >= PIECE:
            joined = np.concatenate(waiting)
            end = len(joined) // PIECE * PIECE
            _add(source, growing, joined[:end])
            waiting = [joined[end:]]
            tell(what, growing.done, num)
    if rest := sum(map(len, waiting)):
        _add(source, growing, np.concatenate(waiting))
        tell(what, growing.done, num)
    assert growing.done == num, (growing.done, num, rest)


def _add(source: FeatureSource, growing: Growing, values: Vectors) -> None:
    first = growing.done == 0 and not growing.fixed
    growing.add(values)
    if first:
        _check_precision(source, values, growing.exponent)


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
    rounding = np.square(wide - np.ldexp(halved(values, exponent, cut=True).astype(np.float64), -exponent))
    lost = rounding.mean(axis=0) * (variance > 0)
    if lost.sum() > _LOST * variance.sum():
        worst = int((lost / np.maximum(variance, np.finfo(np.float64).tiny)).argmax())
        raise BadInput(
            f"features {source.name!r}: values of about {wide[:, worst].mean():.3g} in column {worst} differ "
            "by less than half precision keeps; take off the mean of each column"
        )
