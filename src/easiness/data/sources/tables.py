"""Columns of vectors in tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput, nearest
from easiness.gate import open_parquet, read_batches
from easiness.inputs import Positions

AT_ONCE = 4096  # rows read together


def parquet_column(files: list[Path], name: str, positions: Positions) -> Iterator[npt.NDArray[Any]]:
    """Vectors [n, D] in the column at ascending ``positions`` of the rows of all files, some at a time.

    Raises:
        BadInput: a file has no such column, or no list of numbers in a row.
    """
    import pyarrow as pa

    start = 0
    for file in files:
        _check_column(name, open_parquet(file).schema_arrow.names, str(file))
        for values in read_batches(file, name, AT_ONCE):
            low, high = np.searchsorted(positions, [start, start + len(values)])
            if low < high:
                batch = pa.record_batch({name: values.take(pa.array(positions[low:high] - start))})
                yield column_of(batch, name, str(file))
            start += len(values)


def column_of(table: Any, name: str, where: str) -> npt.NDArray[Any]:
    """The lists of numbers in a column of an Arrow table or batch, as an array [n, D].

    ``where`` names the table in an error.

    Raises:
        BadInput: there is no such column, it holds something else, a row is null, or rows differ in length.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    _check_column(name, table.schema.names, where)
    values, types = table.column(name), pa.types
    kind = values.type
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not is_list or not (types.is_floating(kind.value_type) or types.is_integer(kind.value_type)):
        raise BadInput(f"{where}: column {name} holds {kind} and no lists of numbers; give another")
    numbers = pc.list_flatten(values)
    lengths = pc.unique(pc.list_value_length(values)).to_pylist()
    if values.null_count or numbers.null_count or len(lengths) != 1 or not lengths[0]:
        raise BadInput(
            f"{where}: column {name} has rows that differ in length or hold nulls; give every row as many "
            "numbers"
        )
    array: npt.NDArray[Any] = (
        numbers.to_numpy(zero_copy_only=False) if isinstance(numbers, pa.Array) else numbers.to_numpy()
    )
    return array.reshape(len(values), -1)


def _check_column(name: str, columns: list[str], where: str) -> None:
    """Raise `BadInput` unless there is one column of this name."""
    if columns.count(name) != 1:
        problem = "is there more than once" if name in columns else "is not there"
        raise BadInput(
            f"{where}: column {name} {problem}{nearest(name, columns)}; give one of {', '.join(columns)}"
        )
