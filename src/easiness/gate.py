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
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from easiness.errors import BadInput, RunFailed, one_line, recast
from easiness.lazy import Array, pa, pc, pq
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

    def refusal(error: Exception) -> BadInput:
        reason = getattr(error, "strerror", None) or one_line(error)
        return BadInput(f"{what}: {problem} ({reason:.200}); {remedy}")

    return recast(refusal)


# memory


def available_memory() -> int | None:
    """Bytes of physical memory that can be used now, or ``None`` where the system does not say.

    On Linux at most the limit of the container, and what ``ulimit -v`` leaves; elsewhere all there is.
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
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return math.inf
    return math.inf if limit == resource.RLIM_INFINITY else max(limit - in_use, 0)


def fits(num_bytes: int) -> bool:
    """Are ``num_bytes`` of examples at most a third of the memory available?"""
    available = available_memory()
    return available is None or num_bytes <= available / 3  # training may keep a second copy, with borders


def check_fits(num_bytes: int, what: str, remedy: str = "use --limit to take fewer") -> None:
    """Refuse examples that do not fit."""
    if not fits(num_bytes):
        raise BadInput(
            f"{what}: the decoded examples need {num_bytes / GIB:.1f} GiB, more than a third of the "
            f"{(available_memory() or 0) / GIB:.1f} GiB of memory available; {remedy}"
        )


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
    with reading(path, "write it again", "not a Parquet file that can be read"):
        open_regular(path).close()
        return pq.ParquetFile(path, read_dictionary=list(dictionaries))


class _Chunk(NamedTuple):
    """A leaf of a column in a group of rows of an open Parquet file, and what its header says of it."""

    path: Path
    file: Any
    group: int
    place: int

    @property
    def header(self) -> Any:
        return self.file.metadata.row_group(self.group).column(self.place)

    @property
    def num(self) -> int:
        return max(int(self.header.num_values), int(self.file.metadata.row_group(self.group).num_rows))

    def has_encoding(self, encoding: str) -> bool:
        return any(encoding in one for one in self.header.encodings)

    def memory(self, *, as_dictionary: bool = False) -> int:
        """Bytes of memory, ``as_dictionary`` or not, with what is made of it."""
        if self.header.physical_type != _TEXTS:
            return self.num * self.longest()
        longest = 0 if as_dictionary else self.longest()
        return int(self.header.total_uncompressed_size) + self.num * (_PLACE + longest)

    def longest(self) -> int:
        """Bytes of the longest value that rows may share, at least 1: of the dictionary, which is read."""
        kind, header = self.header.physical_type, self.header
        if kind != _TEXTS:
            return _WIDTHS.get(kind) or max(int(self.file.schema.column(self.place).length), 1)
        if self.has_encoding("DELTA_BYTE_ARRAY"):  # each says what of the one before it begins with
            return max(int(header.total_uncompressed_size), 1)
        if not header.has_dictionary_page:  # together they are no more than their pages
            return 1
        leaf = header.path_in_schema
        with open_parquet(self.path, [leaf]) as content:
            for batch in content.iter_batches(1, [self.group], [leaf]):
                values = batch.column(0)
                while pa.types.is_nested(values.type):
                    values = values.field(0) if pa.types.is_struct(values.type) else values.values
                return int(pc.max(pc.binary_length(getattr(values, "dictionary", values))).as_py() or 1)
        return 1


def _chunks(path: Path, file: Any, name: str, groups: Iterable[int]) -> list[_Chunk]:
    paths = [file.schema.column(place).path for place in range(len(file.schema))]
    leaves = [place for place, one in enumerate(paths) if one == name or one.startswith(f"{name}.")]
    return [_Chunk(path, file, group, place) for group in groups for place in leaves]


def _groups(file: Any, groups: Sequence[int] | None) -> Sequence[int]:
    return range(file.metadata.num_row_groups) if groups is None else groups


def read_column(path: Path, name: str) -> Any:
    """A whole column of a Parquet file as a `pyarrow.ChunkedArray`.

    Texts come as one dictionary of `large_string`: each is there once, however many rows have it.
    """
    file, what = open_parquet(path), f"{path}: column {name}"
    groups = _groups(file, None)
    chunks = _chunks(path, file, name, groups)
    kind = file.schema_arrow.field(name).type
    is_texts = is_text(kind)
    if any(chunk.has_encoding("DELTA_BYTE_ARRAY") for chunk in chunks):  # what they become no header says
        parts, num_bytes = [], 0
        for part in read_batches(path, name, _ROWS):
            parts.append(_as_dictionary(part) if is_texts else part)
            num_bytes += parts[-1].nbytes
            check_fits(num_bytes, str(path), _FEWER)
    else:
        as_dictionary = is_texts and not any(chunk.has_encoding("DELTA") for chunk in chunks)
        with reading(what), open_parquet(path, [name] if as_dictionary else ()) as content:
            num_needed = 0 if is_texts else _VALUE * sum(chunk.num for chunk in chunks)
            check_fits(
                num_needed + sum(chunk.memory(as_dictionary=as_dictionary) for chunk in chunks), what, _FEWER
            )
            column = content.read_row_groups(list(groups), columns=[name]).column(0)
            column.validate(full=True)
            _check_num(file, groups, len(column))
            parts = list(map(_as_dictionary, column.chunks)) if is_texts else column.chunks
    kind = pa.dictionary(pa.int32(), pa.large_string()) if is_texts else kind
    return pa.chunked_array(parts, kind).unify_dictionaries()


def _as_dictionary(texts: Any) -> Any:
    if not pa.types.is_dictionary(texts.type):
        texts = texts.cast(pa.large_string()).dictionary_encode()
    words = texts.dictionary.cast(pa.large_string())
    return pa.DictionaryArray.from_arrays(texts.indices.cast(pa.int32()), words)


def is_text(kind: Any) -> bool:
    """Is a type of Arrow one of texts, each of them by itself or in a dictionary?"""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def read_batches(path: Path, name: str, most: int, groups: Sequence[int] | None = None) -> Iterator[Any]:
    """Arrays of at most ``most`` rows of a column of a Parquet file, of not too many bytes each."""
    file = open_parquet(path)
    for group in _groups(file, groups):
        what = f"{path}: column {name}, row group {group}"
        rows, num = most, 0
        with reading(what):
            for chunk in _chunks(path, file, name, [group]):
                if file.schema.column(chunk.place).max_repetition_level:
                    check_fits(chunk.memory(), what, _FEWER)
                rows = min(rows, _BATCH // chunk.longest())
            batches = file.iter_batches(max(_LEAST, rows), [group], [name])
        while True:
            with reading(what):
                batch = next(batches, None)
                if batch is None:
                    _check_num(file, [group], num)
                    break
            num += len(batch)
            yield batch.column(0)


def check_columns(
    path: Path,
    file: Any,
    columns: Iterable[str],
    groups: Sequence[int] | None = None,
    *,
    names: Iterable[str] = (),
) -> None:
    """Make sure that columns of an open Parquet file can be read, and that ids and ``names`` are short.

    Errors of the library are for the caller.
    """
    chunks = {name: _chunks(path, file, name, _groups(file, groups)) for name in columns}
    for name in names:
        for chunk in chunks.get(name, ()):
            size, num = chunk.header.total_uncompressed_size, chunk.header.num_values
            is_long = size > num * (LONGEST_NAME + 8) + _PAGE
            longest = size // max(num, 1) if is_long else chunk.longest()
            if chunk.header.physical_type == _TEXTS and longest > LONGEST_NAME:
                raise too_long(f"{path}: column {name}", longest)
    num_needed = sum(chunk.memory() for some in chunks.values() for chunk in some)
    check_fits(num_needed, f"{path}: column{'s' * (len(chunks) > 1)} {', '.join(chunks)}", _FEWER)


def _check_num(file: Any, groups: Iterable[int], num: int) -> None:
    promise = sum(file.metadata.row_group(group).num_rows for group in groups)
    if num != promise:
        raise ValueError(f"{num} rows, where its header says {promise}")


def first_come(column: Any) -> Any:
    """A column without nulls as a dictionary of the values that occur, in the order of their first rows."""
    whole = column.combine_chunks()
    if not pa.types.is_dictionary(whole.type):
        return whole.dictionary_encode()
    indices = whole.indices.dictionary_encode()
    return pa.DictionaryArray.from_arrays(indices.indices, whole.dictionary.take(indices.dictionary))


def objects_in(column: Any) -> npt.NDArray[np.object_]:
    """The values [K] of a column of Arrow as objects of Python, ``None`` of nulls; equal ones may be one."""
    if not pa.types.is_dictionary(column.type):
        return np.fromiter(column.to_pylist(), object, len(column))
    whole = column.combine_chunks()
    words: npt.NDArray[np.object_] = np.array([*whole.dictionary.to_pylist(), None], object)
    places: npt.NDArray[np.int32] = whole.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
    return words[places]


# NumPy

_NAMES = ("ids", "ids_test", "classes")
_SAVE = "save it with numpy.savez(path, x=x, y=y)"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(path: Path, keys: Sequence[str] | None, groups: Sequence[Sequence[str]]) -> dict[str, Array]:
    """The arrays among ``keys``, or all in a file: all or none of each of ``groups``, all of the first."""
    not_npz = reading(path, _SAVE, "not an .npz file that can be read")
    with not_npz, _without_advice(), open_regular(path) as file, zipfile.ZipFile(file) as archive:
        names = {name.removesuffix(".npy"): name for name in archive.namelist()}
        for number, group in enumerate(groups):
            missing = [key for key in group if key not in names]
            if missing and (number == 0 or len(missing) < len(group)):
                there = ", ".join(names) or "nothing"
                raise BadInput(f"{path}: no array named {missing[0]} (found {there}); {_SAVE}")
        members = {key: names[key] for key in (names if keys is None else keys) if key in names}
        needs = sum(_size(path, key, archive, name) for key, name in members.items())
        check_fits(needs, f"{path}: its arrays", "save fewer examples, or images as uint8")
        return {key: _array(f"{path}: {key}", archive, name) for key, name in members.items()}


def _size(path: Path, key: str, archive: zipfile.ZipFile, name: str) -> int:
    with reading(f"{path}: {key}", _SAVE, "no array that can be read"), archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        if version not in _HEADERS:
            raise ValueError(f"format {version[0]}.{version[1]}, which is for fields with names")
        shape, _, dtype = _HEADERS[version](member)
        num_left = archive.getinfo(name).file_size - member.tell()
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


def _array(what: str, archive: zipfile.ZipFile, name: str) -> Array:
    with reading(what, "save it again", "is damaged"), archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def mapped_array(path: Path) -> Array:
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
