"""Examples that are arrays: in memory already, or in an ``.npz`` file."""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data.checks import Ids, own_ids
from easiness.data.dataset import Dataset
from easiness.data.sources.source import Source
from easiness.data.sources.splits import Split, dataset_of
from easiness.errors import BadInput, one_line
from easiness.gate import GIB, available_memory, fits, too_long
from easiness.inputs import SOUND, kind_of, to_sounds
from easiness.record import to_numpy
from easiness.regular_file import open_regular
from easiness.spec import LONGEST_NAME

KEYS = ("x", "y", "ids", "classes", "x_test", "y_test")
_NAMES = ("ids", "ids_test", "classes")
_SAVE = "save it with numpy.savez(path, x=x, y=y)"
_AGAIN = "save it again"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def from_arrays(
    x: Any, y: Any, *, held_out: Any = None, classes: Sequence[str] | None = None, rate: int | None = None
) -> Dataset:
    """Examples ``x`` and labels ``y`` [K] from NumPy or torch, copied; ids are 0..K-1.

    Images are [K, height, width], [K, height, width, channels] or [K, channels, height, width] with 1 or 3
    channels, uint8 or floats in [0, 1], which are rounded to 255ths; vectors are floats [K, D], kept in
    single precision; texts are a list or an array of strings. With a ``rate`` they are sounds, as for
    `to_sounds`. ``held_out`` is such a pair too.

    Raises:
        BadInput: anything else, or labels that are wrong.
    """
    splits = [_from_pair(x, y, "x", "y", "train", rate)]
    if held_out is not None:
        if not isinstance(held_out, tuple | list) or len(held_out) != 2:
            raise BadInput("held_out: not a pair of arrays; give (x, y) as for the source")
        x, y = held_out
        splits.append(_from_pair(x, y, "held_out x", "held_out y", "test", rate))
        _check_kinds(splits, "held_out")
    return dataset_of("arrays", None, splits, classes)


def load_npz(path: Path, *, classes: Sequence[str] | None = None) -> Dataset:
    """The examples in an ``.npz`` file at the absolute ``path``.

    Arrays ``x`` and ``y`` as for `from_arrays`; optional are ``ids`` (integers or strings),
    ``classes`` (strings), and ``x_test`` with ``y_test``, which are held out.

    Raises:
        BadInput: it is not such a file, an array is missing or pickled, or the content is wrong.
    """
    content = read_npz(path, KEYS, needed=(("x", "y"), ("x_test", "y_test")))
    if classes is None and "classes" in content:
        if content["classes"].ndim != 1 or content["classes"].dtype.kind != "U":
            raise BadInput(f"{path}: classes are not a list of strings; save one name per class")
        classes = content["classes"].tolist()
    ids = _ids(content.get("ids"), path)
    splits = [_split("train", f"{path}: x", content["x"], f"{path}: y", content["y"], ids)]
    if "x_test" in content:
        where = (f"{path}: x_test", f"{path}: y_test")
        splits.append(_split("test", where[0], content["x_test"], where[1], content["y_test"]))
        _check_kinds(splits, str(path))
    return dataset_of(path.stem, str(path), splits, classes)


def _from_pair(x: Any, y: Any, x_name: str, y_name: str, split: str, rate: int | None) -> Split:
    labels = _to_array(y, y_name)
    if rate is not None:
        sounds = to_sounds(x, rate, x_name)
        name = f"{y_name}: row {{}}".format
        return Split(split, y_name, sounds, np.arange(len(sounds)), labels, name, kind=SOUND)
    examples = _examples(x, x_name)
    return _split(split, x_name, examples, y_name, labels, copy=True)  # the caller may change them later


def _split(
    name: str,
    x_name: str,
    x: npt.NDArray[Any],
    y_name: str,
    y: npt.NDArray[Any],
    ids: Ids | None = None,
    *,
    copy: bool = False,
) -> Split:
    kind = kind_of(x, x_name)
    return Split(
        name=name,
        where=y_name,
        examples=kind.from_array(x, x_name, copy=copy),
        ids=np.arange(len(x)) if ids is None else ids,
        labels=y,
        name_at=lambda row: f"{y_name}: row {row}",
        kind=kind,
    )


def _check_kinds(splits: Sequence[Split], where: str) -> None:
    train, held_out = splits
    if train.kind != held_out.kind:
        raise BadInput(
            f"{where}: {train.kind.nouns} to train on and {held_out.kind.nouns} held out; give both splits "
            "the same"
        )


def _to_array(values: Any, name: str) -> npt.NDArray[Any]:
    try:
        return to_numpy(values)
    except (TypeError, ValueError) as error:  # ragged lists, or something that is no array at all
        raise BadInput(
            f"{name}: cannot be made an array ({error}); give a NumPy or torch array, for sounds with rate="
        ) from None


def _examples(values: Any, name: str) -> npt.NDArray[Any]:
    if not (isinstance(values, list | tuple) and any(isinstance(one, str) for one in values)):
        return _to_array(values, name)
    array = np.empty(len(values), object)  # not of strings, where each takes the memory of the longest
    array[:] = values
    return array


def _ids(ids: npt.NDArray[Any] | None, path: Path) -> Ids | None:
    if ids is None:
        return None
    if ids.ndim != 1 or ids.dtype.kind not in "iuU":
        raise BadInput(f"{path}: ids are not a list of integers or strings; save one per example")
    return own_ids(ids, f"{path}: ids")


class _Member(NamedTuple):
    """An array as its header has it; ``num_bytes`` is what it takes of memory."""

    name: str
    num_bytes: int


def read_npz(path: Path, keys: Sequence[str], needed: Sequence[Sequence[str]]) -> dict[str, npt.NDArray[Any]]:
    """The arrays among ``keys`` that the file at ``path`` has.

    It has to have all or none of each group in ``needed``, and all of the first.

    Raises:
        BadInput: it is no ``.npz`` file, an array is missing, or one is damaged, pickled or no array; or they
            take more memory than there is.
    """
    try:
        with _without_advice(), open_regular(path) as file, _opened(path, file) as zipped:
            names = {name.removesuffix(".npy"): name for name in zipped.namelist()}
            _check_all_there(path, names, needed)
            members = {key: _member(path, key, zipped, names[key]) for key in keys if key in names}
            _check_memory(path, members.values())
            return {key: _array(path, key, zipped, member) for key, member in members.items()}
    except OSError as error:
        raise BadInput(f"{path}: the file cannot be read ({error.strerror or error}); {_SAVE}") from None


def _opened(path: Path, file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (MemoryError, OSError):
        raise
    except Exception:  # its parser may raise anything on broken bytes
        raise BadInput(f"{path}: not an .npz file that can be read; {_SAVE}") from None


def _check_all_there(path: Path, names: dict[str, str], needed: Sequence[Sequence[str]]) -> None:
    for number, group in enumerate(needed):
        missing = [key for key in group if key not in names]
        if missing and (number == 0 or len(missing) < len(group)):
            found = ", ".join(names) or "nothing"
            raise BadInput(f"{path}: no array named {missing[0]} (found {found}); {_SAVE}")


def _member(path: Path, key: str, zipped: zipfile.ZipFile, name: str) -> _Member:
    """The array by its header, where the file holds as much as that says."""
    try:
        with zipped.open(name) as opened:
            shape, dtype = _header(opened)
            num_left = zipped.getinfo(name).file_size - opened.tell()
    except Exception as error:  # numpy's parser and the decoders may raise anything on broken bytes
        raise BadInput(
            f"{path}: {key} is no array that can be read ({one_line(error):.200}); {_SAVE}"
        ) from None
    if dtype.hasobject:
        raise BadInput(
            f"{path}: {key} is an array of objects, which would have to be unpickled; save it as numbers "
            "or strings"
        )
    num_bytes = math.prod(shape) * dtype.itemsize
    if num_bytes > num_left or (num_bytes == 0 and shape[:1] != (0,)):
        raise BadInput(
            f"{path}: {key} is damaged (an array of shape {shape!s:.80} and dtype {dtype!s:.80} in "
            f"{num_left} bytes); {_AGAIN}"
        )
    if key in _NAMES and dtype.kind == "U" and dtype.itemsize > 4 * LONGEST_NAME:
        raise too_long(f"{path}: {key}", dtype.itemsize // 4)
    return _Member(name, num_bytes * (2 if dtype.kind == "U" else 1))  # texts of Python's are made of those


def mapped_array(path: Path) -> npt.NDArray[Any]:
    """The array of numbers in an ``.npy`` file, read as far as it is used.

    Raises:
        BadInput: it cannot be read, is no regular file, is damaged, or holds objects.
    """
    again = "save it with numpy.save(path, vectors)"
    try:
        open_regular(path).close()
        with _without_advice():
            return np.lib.format.open_memmap(path, mode="r")  # which takes no objects
    except OSError as error:
        raise BadInput(f"{path}: the file cannot be read ({error.strerror or error}); {again}") from None
    except Exception as error:  # numpy's parser may raise anything on broken bytes
        raise BadInput(
            f"{path}: no array of numbers that can be read ({one_line(error):.200}); {again}"
        ) from None


def _without_advice() -> warnings.catch_warnings[None]:
    """A block in which NumPy does not say that files of Python 2 take longer."""
    return warnings.catch_warnings(action="ignore", category=UserWarning)


def _header(opened: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(opened)
    if version not in _HEADERS:
        raise ValueError(f"format {version[0]}.{version[1]}, which is for fields with names")
    shape, _, dtype = _HEADERS[version](opened)
    if any(side < 0 for side in shape):
        raise ValueError(f"shape {shape}")
    return shape, dtype


def _check_memory(path: Path, members: Iterable[_Member]) -> None:
    needed = sum(member.num_bytes for member in members)
    if not fits(needed):
        raise BadInput(
            f"{path}: its arrays need {needed / GIB:.1f} GiB, more than a third of the "
            f"{(available_memory() or 0) / GIB:.1f} GiB of memory available; save fewer examples, or images "
            "as uint8"
        )


def _array(path: Path, key: str, zipped: zipfile.ZipFile, member: _Member) -> npt.NDArray[Any]:
    try:
        with zipped.open(member.name) as opened:
            return np.lib.format.read_array(opened, allow_pickle=False)
    except MemoryError:
        raise
    except Exception as error:  # as above
        raise BadInput(f"{path}: {key} is damaged ({one_line(error):.200}); {_AGAIN}") from None


NPZ = Source(
    form="an .npz file",
    reads=lambda request: request.path.suffix.lower() == ".npz" and request.path.is_file(),
    load=lambda request: load_npz(request.path, classes=request.classes),
    takes_classes=True,
)
