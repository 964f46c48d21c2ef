"""The gate: what strangers have made is opened and read here, within the memory there is.

Libraries may throw anything at broken bytes; `reading` makes one line of it. How much a file takes is asked
of its header before it is read, and what is read is held to it. Behind the gate nothing of this is checked
again.
"""

from __future__ import annotations

import math
import os
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from easiness.errors import BadInput, RunFailed, caught, one_line
from easiness.regular_file import open_regular
from easiness.spec import LONGEST_NAME

T = TypeVar("T")

GIB = 1024**3
AGAIN = "get the file again"
_FEWER = "give fewer rows, or shorter ones"

A_ROW = 256  # bytes of an example beside its values: its id, its label, its digest, the references to them
_VALUE = 24  # bytes of a number beside itself: it is looked at in double precision, and kept in single
_PLACE = 12  # bytes of a text that has occurred before: its place in the dictionary, and a reference
_BATCH = 2**28  # bytes
_ROWS, _LEAST = 4096, 8  # of a batch
_PAGE = 2**20  # bytes of a column that are none of its values, far more than there are
_TEXTS = "BYTE_ARRAY"
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}


def reading(
    what: object, remedy: str = AGAIN, problem: str = "cannot be read"
) -> AbstractContextManager[None]:
    """Around the calls of a library that reads ``what``: all that it raises says that it cannot be read."""
    return caught(lambda error: BadInput(f"{what}: {problem} ({reason(error):.200}); {remedy}"))


def reason(error: Exception) -> str:
    """The words of a library's error, on a line."""

    return getattr(error, "strerror", None) or one_line(error)


# memory


def available_memory() -> int | None:
    """Bytes of physical memory that can be used now, or ``None`` where the system does not say.

    On Linux what the kernel calls available, at most the limit of the container, and what is left of that of
    the process's addresses (``ulimit -v``); elsewhere all there is.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):
            return None
    available = int(min(available, _addresses_left()))
    try:
        return min(available, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return available


def _addresses_left() -> float:
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return math.inf
    return math.inf if limit == resource.RLIM_INFINITY else max(limit - taken, 0)


def fits(num_bytes: int) -> bool:
    """Are ``num_bytes`` of examples at most a third of the memory available?

    Training may keep a second copy, of pictures with a zero border for the random crops.
    """
    available = available_memory()
    return available is None or num_bytes <= available / 3


def check_fits(num_bytes: int, what: str, remedy: str = "use --limit to take fewer") -> None:
    """Refuse examples that do not fit."""
    if not fits(num_bytes):
        raise BadInput(
            f"{what}: the decoded examples need {num_bytes / GIB:.1f} GiB, more than a third of the "
            f"{(available_memory() or 0) / GIB:.1f} GiB of memory available; {remedy}"
        )


def check_rows(num: int, what: str) -> None:
    """Refuse more rows than there is memory for, whatever is in them."""
    check_fits(num * A_ROW, f"{what}: {num:,} rows", "give fewer rows")


# names


def too_long(what: str, length: int) -> BadInput:
    """The error for an id or the name of a class or group that is longer than `LONGEST_NAME`."""
    return BadInput(f"{what}: one of {length} bytes; ids and names have at most {LONGEST_NAME}, shorten it")


def check_names(names: Iterable[object], what: str) -> None:
    """Make sure that no id, or name of a class or group, is too long; numbers never are."""
    longest = max(  # a character takes four bytes at the most: hardly any name has to be written to be sure
        (
            len(name.encode("utf-8", "surrogatepass"))
            for name in names
            if isinstance(name, str) and 4 * len(name) > LONGEST_NAME
        ),
        default=0,
    )
    if longest > LONGEST_NAME:
        raise too_long(what, longest)


# Parquet


def open_parquet(path: Path, dictionaries: Sequence[str] = ()) -> Any:
    """The `pyarrow.parquet.ParquetFile`, which reads some columns as dictionaries."""
    import pyarrow.parquet as pq

    with reading(path, "write it again", "not a Parquet file that can be read"):
        open_regular(path).close()
        return pq.ParquetFile(path, read_dictionary=list(dictionaries))


def read_column(path: Path, name: str, groups: Sequence[int] | None = None) -> Any:
    """A whole column of a Parquet file, or of some of its groups of rows, as a `pyarrow.ChunkedArray`.

    Texts come as one dictionary of `large_string`: each is there once, however many rows have it.
    """
    import pyarrow as pa

    file = open_parquet(path)
    asked = range(file.metadata.num_row_groups) if groups is None else groups
    places = list(product(asked, _leaves(file, name)))
    kind = file.schema_arrow.field(name).type
    is_texts = is_text(kind)
    if any(_encoded(file, *at, "DELTA_BYTE_ARRAY") for at in places):  # what they become no header says
        parts, num_bytes = [], 0
        for part in read_batches(path, name, _ROWS, groups):
            parts.append(_packed(part) if is_texts else part)
            num_bytes += parts[-1].nbytes
            check_fits(num_bytes, str(path), _FEWER)
    else:
        packed = is_texts and not any(_encoded(file, *at, "DELTA") for at in places)
        with reading(f"{path}: column {name}"), open_parquet(path, [name] if packed else ()) as opened:
            made = 0 if is_texts else _VALUE * _num(file, places)
            needed = made + sum(_taken(path, file, *at, packed) for at in places)
            check_fits(needed, f"{path}: column {name}", _FEWER)
            column = opened.read_row_groups(list(asked), columns=[name]).column(0)
            column.validate(full=True)
            _check_num(file, asked, len(column))
            parts = list(map(_packed, column.chunks)) if is_texts else column.chunks
    kind = pa.dictionary(pa.int32(), pa.large_string()) if is_texts else kind
    return pa.chunked_array(parts, kind).unify_dictionaries()


def _packed(texts: Any) -> Any:
    import pyarrow as pa

    if not pa.types.is_dictionary(texts.type):
        texts = texts.cast(pa.large_string()).dictionary_encode()
    words = texts.dictionary.cast(pa.large_string())
    return pa.DictionaryArray.from_arrays(texts.indices.cast(pa.int32()), words)


def is_text(kind: Any) -> bool:
    """Is a type of Arrow one of texts, each of them by itself or in a dictionary?"""
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def read_batches(path: Path, name: str, most: int, groups: Sequence[int] | None = None) -> Iterator[Any]:
    """Arrays of at most ``most`` rows of a column of a Parquet file, of not too many bytes each."""
    file = open_parquet(path)
    for group in range(file.metadata.num_row_groups) if groups is None else groups:
        what = f"{path}: column {name}, row group {group}"
        rows, num = most, 0
        with reading(what):
            for place in _leaves(file, name):
                if file.schema.column(place).max_repetition_level:
                    check_fits(_taken(path, file, group, place), what, _FEWER)
                rows = min(rows, _BATCH // _longest(path, file, group, place))
        for batch in _each(what, file.iter_batches(max(_LEAST, rows), [group], [name])):
            num += len(batch)
            yield batch.column(0)
        with reading(what):
            _check_num(file, [group], num)


def _each(what: str, found: Iterator[T]) -> Iterator[T]:
    while True:
        with reading(what):
            one = next(found, None)
        if one is None:
            return
        yield one


def check_columns(
    path: Path,
    file: Any,
    columns: Iterable[str],
    groups: Sequence[int] | None = None,
    *,
    names: Iterable[str] = (),
) -> None:
    """Make sure that columns of an open Parquet file can be read, of some or all groups of rows.

    Those of ``names`` are ids or name something. What the library throws is for the caller.
    """
    asked = range(file.metadata.num_row_groups) if groups is None else groups
    found = {name: list(product(asked, _leaves(file, name))) for name in columns}
    for name in names:
        for group, place in found.get(name, ()):
            stored = file.metadata.row_group(group).column(place)
            if stored.physical_type == _TEXTS:
                size, num = stored.total_uncompressed_size, stored.num_values
                is_long = size > num * (LONGEST_NAME + 8) + _PAGE
                longest = size // max(num, 1) if is_long else _longest(path, file, group, place)
                if longest > LONGEST_NAME:
                    raise too_long(f"{path}: column {name}", longest)
    needed = sum(_taken(path, file, *at) for places in found.values() for at in places)
    check_fits(needed, f"{path}: column{'s' * (len(found) > 1)} {', '.join(found)}", _FEWER)


def _check_num(file: Any, groups: Iterable[int], num: int) -> None:
    said = sum(file.metadata.row_group(group).num_rows for group in groups)
    if num != said:
        raise ValueError(f"{num} rows, where its header says {said}")


def _leaves(file: Any, name: str) -> list[int]:
    paths = [file.schema.column(place).path for place in range(len(file.schema))]
    return [place for place, path in enumerate(paths) if path == name or path.startswith(f"{name}.")]


def _encoded(file: Any, group: int, place: int, encoding: str) -> bool:
    return any(encoding in one for one in file.metadata.row_group(group).column(place).encodings)


def _taken(path: Path, file: Any, group: int, place: int, packed: bool = False) -> int:
    """Bytes that a column takes of memory, ``packed`` as a dictionary or not, with what is made of it."""
    stored, kind = file.metadata.row_group(group).column(place), file.schema.column(place)
    num = _num(file, [(group, place)])
    if kind.physical_type != _TEXTS:
        return int(num * _width(kind))
    shared = 0 if packed else _longest(path, file, group, place)
    return int(stored.total_uncompressed_size + num * (_PLACE + shared))


def _num(file: Any, places: Iterable[tuple[int, int]]) -> int:
    groups = ((file.metadata.row_group(group), place) for group, place in places)
    return sum(max(group.column(place).num_values, group.num_rows) for group, place in groups)


def _width(kind: Any) -> int:
    return _WIDTHS.get(kind.physical_type) or max(int(kind.length), 1)


def _longest(path: Path, file: Any, group: int, place: int) -> int:
    """Bytes of the longest value that rows may share, at least 1: of the dictionary, which is read."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    stored = file.metadata.row_group(group).column(place)
    if stored.physical_type != _TEXTS:
        return _width(file.schema.column(place))
    if _encoded(file, group, place, "DELTA_BYTE_ARRAY"):  # each says what of the one before it begins with
        return max(int(stored.total_uncompressed_size), 1)
    if not stored.has_dictionary_page:  # together they are no more than their pages
        return 1
    leaf = stored.path_in_schema
    with pq.ParquetFile(path, read_dictionary=[leaf]) as opened:
        for batch in opened.iter_batches(1, [group], [leaf]):
            (values,) = _ends(batch.column(0))
            return int(pc.max(pc.binary_length(getattr(values, "dictionary", values))).as_py() or 1)
    return 1


def _ends(values: Any) -> Iterator[Any]:
    import pyarrow as pa

    kind = values.type
    if pa.types.is_struct(kind):
        for place in range(kind.num_fields):
            yield from _ends(values.field(place))
    elif hasattr(values, "values") and pa.types.is_nested(kind):
        yield from _ends(values.values)
    else:
        yield values


def first_come(column: Any) -> Any:
    """The different values of a column without nulls as a dictionary, in the order in which they first occur.

    One that is a dictionary already may have others, in another order.
    """
    import pyarrow as pa

    kept = column.combine_chunks()
    if not pa.types.is_dictionary(kept.type):
        return kept.dictionary_encode()
    found = kept.indices.dictionary_encode()
    return pa.DictionaryArray.from_arrays(found.indices, kept.dictionary.take(found.dictionary))


def objects_in(column: Any) -> npt.NDArray[np.object_]:
    """The values [K] of a column of Arrow as objects of Python, ``None`` of nulls; equal ones may be one."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return np.fromiter(column.to_pylist(), object, len(column))
    kept = column.combine_chunks()
    words: npt.NDArray[np.object_] = np.array([*kept.dictionary.to_pylist(), None], object)
    places: npt.NDArray[np.int32] = kept.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
    return words[places]


# NumPy

_NAMES = ("ids", "ids_test", "classes")
_SAVE = "save it with numpy.savez(path, x=x, y=y)"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(path: Path, keys: Sequence[str], needed: Sequence[Sequence[str]]) -> dict[str, npt.NDArray[Any]]:
    """The arrays among ``keys`` that the file at ``path`` has.

    It has to have all or none of each group in ``needed``, and all of the first.
    """
    not_npz = reading(path, _SAVE, "not an .npz file that can be read")
    with not_npz, _without_advice(), open_regular(path) as file, zipfile.ZipFile(file) as zipped:
        names = {name.removesuffix(".npy"): name for name in zipped.namelist()}
        for number, group in enumerate(needed):
            missing = [key for key in group if key not in names]
            if missing and (number == 0 or len(missing) < len(group)):
                there = ", ".join(names) or "nothing"
                raise BadInput(f"{path}: no array named {missing[0]} (found {there}); {_SAVE}")
        found = {key: names[key] for key in keys if key in names}
        needs = sum(_size(path, key, zipped, name) for key, name in found.items())
        check_fits(needs, f"{path}: its arrays", "save fewer examples, or images as uint8")
        return {key: _array(f"{path}: {key}", zipped, name) for key, name in found.items()}


def _size(path: Path, key: str, zipped: zipfile.ZipFile, name: str) -> int:
    with reading(f"{path}: {key}", _SAVE, "no array that can be read"), zipped.open(name) as opened:
        version = np.lib.format.read_magic(opened)
        if version not in _HEADERS:
            raise ValueError(f"format {version[0]}.{version[1]}, which is for fields with names")
        shape, _, dtype = _HEADERS[version](opened)
        num_left = zipped.getinfo(name).file_size - opened.tell()
        if dtype.hasobject:
            raise BadInput(
                f"{path}: {key} is an array of objects, which would have to be unpickled; save it as numbers "
                "or strings"
            )
        num_bytes = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or num_bytes > num_left or (num_bytes == 0 and shape[:1] != (0,)):
            raise ValueError(f"an array of shape {shape!s:.80} and dtype {dtype!s:.80} in {num_left} bytes")
    if key in _NAMES and dtype.kind == "U" and dtype.itemsize > 4 * LONGEST_NAME:
        raise too_long(f"{path}: {key}", dtype.itemsize // 4)
    return num_bytes * (2 if dtype.kind == "U" else 1)  # texts of Python's are made of those


def _array(what: str, zipped: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    with reading(what, "save it again", "is damaged"), zipped.open(name) as opened:
        return np.lib.format.read_array(opened, allow_pickle=False)


def mapped_array(path: Path) -> npt.NDArray[Any]:
    """The array of numbers in an ``.npy`` file, read as far as it is used."""
    again = "save it with numpy.save(path, vectors)"
    with reading(path, again, "no array of numbers that can be read"), _without_advice():
        open_regular(path).close()
        return np.lib.format.open_memmap(path, mode="r")  # which takes no objects


def _without_advice() -> warnings.catch_warnings[None]:
    return warnings.catch_warnings(action="ignore", category=UserWarning)


def made_once(path: Path, find: Callable[[], T | None], make: Callable[[], T], noun: str, remedy: str) -> T:
    """The result of ``find``, or of ``make`` where there is none: of two processes one makes it at ``path``.

    `RunFailed` where the file, which ``noun`` names, cannot be written.
    """
    try:
        there = find()
        if there is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{path}.lock"):
                there = find()
                if there is None:
                    there = make()
            Path(f"{path}.lock").unlink(missing_ok=True)
        return there
    except OSError as error:
        free = shutil.disk_usage(path.parent).free if path.parent.is_dir() else 0
        raise RunFailed(
            f"{path}: the {noun} cannot be written ({error.strerror or error}, {free // 10**6} MB free); run "
            f"it again when this is mended, {remedy}"
        ) from error
