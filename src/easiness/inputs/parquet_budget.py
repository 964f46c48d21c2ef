"""What a Parquet file takes of memory once it is decoded, asked before it is.

Equal values take no room in a file: a text that a million rows share is stored once. So columns of texts and
bytes are read as their dictionary and places in it, and what they would become is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from easiness.errors import BadInput
from easiness.inputs.memory import GIB, available_memory, fits
from easiness.spec import LONGEST_NAME

_TEXTS = "BYTE_ARRAY"
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}
_OBJECT = 48  # bytes of a value of Python's, and of the reference to it
_BATCH = 2**28  # bytes
_SURE = 2**24  # bytes that fit into any memory
_ROWS = 2**20
_PAGE = 2**20  # bytes of a column that are none of its values, far more than there are
_PLAIN = 2**26  # bytes of a column in a row group: above, it is counted only where it says that values repeat


class Decoded(NamedTuple):
    """What a column becomes: bytes altogether, and those of its longest value."""

    num_bytes: int
    longest: int


def check_decoded(
    path: Path,
    file: Any,
    columns: Iterable[str],
    groups: Sequence[int] | None = None,
    *,
    names: Iterable[str] = (),
    as_objects: bool = True,
) -> None:
    """Make sure that columns of an open Parquet file can be read into memory, of some or all row groups.

    Those of ``names`` are ids or name something. ``as_objects``: a Python object is made of each value.

    Raises:
        BadInput: decoded they take more than a third of the memory available, or a name is too long.
    """
    for name in names:
        _check_stored(path, file, name, groups)
    found = {name: _decoded(path, file, name, groups, as_objects) for name in columns}
    for name in names:
        if name in found and found[name].longest > LONGEST_NAME:
            raise too_long(f"{path}: column {name}", found[name].longest)
    num_bytes = sum(one.num_bytes for one in found.values())
    if num_bytes > _SURE and not fits(num_bytes):
        raise BadInput(
            f"{path}: column{'s' * (len(found) > 1)} {', '.join(found)} would take {num_bytes / GIB:.1f} GiB "
            f"of memory, more than a third of the {(available_memory() or 0) / GIB:.1f} GiB available; give "
            "fewer rows, or shorter ones"
        )


def _check_stored(path: Path, file: Any, name: str, groups: Sequence[int] | None) -> None:
    """Refuse names that are too long without reading them: a dictionary takes several times its size."""
    for group, place in _stored(file, name, groups):
        stored = file.metadata.row_group(group).column(place)
        size, num = stored.total_uncompressed_size, stored.num_values
        if stored.physical_type == _TEXTS and size > num * (LONGEST_NAME + 8) + _PAGE:
            raise too_long(f"{path}: column {name}", size // max(num, 1))


def too_long(what: str, length: int) -> BadInput:
    """The error for an id or the name of a class or group that is longer than `LONGEST_NAME`."""
    return BadInput(f"{what}: one of {length} bytes; ids and names have at most {LONGEST_NAME}, shorten it")


def check_names(names: Iterable[object], what: str) -> None:
    """Make sure that no id, or name of a class or group, is too long; numbers never are.

    Raises:
        BadInput: one is.
    """
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


def batches_within(
    path: Path, file: Any, most: int, column: str, groups: Sequence[int] | None = None
) -> Iterator[Any]:
    """Batches of at most ``most`` rows of a column, in some or all row groups, of not too many bytes each.

    Raises:
        BadInput: they are of lists, which a row group has too many of.
    """
    for group in range(file.metadata.num_row_groups) if groups is None else groups:
        found = _decoded(path, file, column, [group], as_objects=False)
        if _is_nested(file, column):
            check_decoded(path, file, [column], [group])
        yield from file.iter_batches(max(1, min(most, _BATCH // max(found.longest, 1))), [group], [column])


def _decoded(path: Path, file: Any, name: str, groups: Sequence[int] | None, as_objects: bool) -> Decoded:
    found = [_leaf(path, file, *at, as_objects) for at in _stored(file, name, groups)]
    longest = max((one.longest for one in found), default=0)
    return Decoded(sum(one.num_bytes for one in found), longest)


def _stored(file: Any, name: str, groups: Sequence[int] | None) -> Iterator[tuple[int, int]]:
    """Row groups, and the places in them that a column of this name is stored in."""
    return product(range(file.metadata.num_row_groups) if groups is None else groups, _leaves(file, name))


def _leaves(file: Any, name: str) -> list[int]:
    """Places of the columns that a column of this name is stored in: several, of one of structs."""
    paths = [file.schema.column(place).path for place in range(len(file.schema))]
    return [place for place, path in enumerate(paths) if path == name or path.startswith(f"{name}.")]


def _is_nested(file: Any, name: str) -> bool:
    return any(file.schema.column(place).max_repetition_level for place in _leaves(file, name))


def _leaf(path: Path, file: Any, group: int, place: int, as_objects: bool) -> Decoded:
    stored = file.metadata.row_group(group).column(place)
    kind, num = stored.physical_type, stored.num_values
    nested = file.schema.column(place).max_repetition_level > 0
    objects = num * _OBJECT if as_objects and not nested else 0
    if kind != _TEXTS:
        width = _WIDTHS.get(kind) or max(file.schema.column(place).length, 1)
        return Decoded(num * width + objects, width)
    size = stored.total_uncompressed_size
    if not fits(size) or (size > _PLAIN and not stored.has_dictionary_page):
        return Decoded(size + objects, min(size, _BATCH))
    status, at_once = path.stat(), max(1, _PLAIN * max(num, 1) // max(size, 1))
    stamp = status.st_mtime_ns, status.st_size
    told = _counted(path, stamp, group, stored.path_in_schema, min(at_once, _ROWS))
    return Decoded(told.num_bytes * (1 + as_objects) + objects, told.longest)


@lru_cache(1024)
def _counted(path: Path, _stamp: tuple[int, int], group: int, leaf: str, at_once: int) -> Decoded:
    """What a column of texts or bytes becomes; remembered, since columns are read again and again."""
    import pyarrow.parquet as pq

    num_bytes = longest = 0
    with pq.ParquetFile(path, read_dictionary=[leaf]) as file:
        for batch in file.iter_batches(at_once, [group], [leaf]):
            for values in _ends(batch.column(0)):
                found = _of_dictionary(values)
                num_bytes, longest = num_bytes + found.num_bytes, max(longest, found.longest)
    return Decoded(num_bytes, longest)


def _ends(values: Any) -> Iterator[Any]:
    """The arrays of texts or bytes that an array holds, however deep."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_struct(kind):
        for place in range(kind.num_fields):
            yield from _ends(values.field(place))
    elif hasattr(values, "values") and pa.types.is_nested(kind):
        yield from _ends(values.values)
    else:
        yield values


def _of_dictionary(values: Any) -> Decoded:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(values.type):
        return Decoded(values.nbytes, values.nbytes)
    lengths = pc.fill_null(pc.binary_length(values.dictionary), 0).to_numpy(zero_copy_only=False)
    places = pc.drop_null(values.indices).to_numpy(zero_copy_only=False)
    if not len(places):
        return Decoded(0, 0)
    times = np.bincount(places, minlength=len(lengths))
    total = int((times * lengths.astype(np.int64)).sum()) + 8 * len(values)
    return Decoded(total, int(lengths[times > 0].max()))
