"""Tables of Parquet and files of safetensors, altered so that they stay such files: other columns, rows, types."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from json_mutations import altered_value, text_of

Alteration: TypeAlias = Callable[[np.random.Generator, pa.Table], pa.Table]

_TYPES = (pa.int8(), pa.int64(), pa.uint64(), pa.float16(), pa.float64(), pa.string(), pa.binary(), pa.bool_())
_NUMBERS: tuple[Any, ...] = (-1, 0, 2, 100, 2**31 - 1, -(2**31), 2**62)
_REALS = (float("nan"), float("inf"), float("-inf"), -1.0, 1e38, 1e-45, 1e300)


def _column(rng: np.random.Generator, table: pa.Table) -> int:
    return int(rng.integers(table.num_columns))


def _set(table: pa.Table, at: int, values: Any) -> pa.Table:
    return table.set_column(at, table.schema.field(at).name, values)


def drop_column(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    return table.remove_column(_column(rng, table))


def rename_column(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    names, at = list(table.column_names), _column(rng, table)
    names[at] = str(rng.choice(["x", names[0], names[-1], "", "a\nb"]))
    return table.rename_columns(names)


def other_type(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    at, to = _column(rng, table), _TYPES[rng.integers(len(_TYPES))]
    try:
        return _set(table, at, table.column(at).cast(to, safe=False))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _set(table, at, pa.nulls(len(table), to))


def nested(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    at = _column(rng, table)
    values = table.column(at).to_pylist()
    kinds: tuple[Any, ...] = ([[v] for v in values], [{"a": v} for v in values], [[]] * len(values))
    return _set(table, at, pa.array(kinds[rng.integers(len(kinds))]))


def nulls(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    at = _column(rng, table)
    values = table.column(at).to_pylist()
    share = rng.choice((0.02, 1.0))
    some = [None if rng.random() < share else value for value in values] if values else []
    return _set(table, at, pa.array(some, table.schema.field(at).type))


def other_values(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """One value, or all of a column, by one that its type allows and its meaning does not."""
    at = _column(rng, table)
    kind, values = table.schema.field(at).type, table.column(at).to_pylist()
    if pa.types.is_integer(kind):
        found: Any = _NUMBERS[rng.integers(len(_NUMBERS))]
    elif pa.types.is_floating(kind):
        found = _REALS[rng.integers(len(_REALS))]
    elif pa.types.is_boolean(kind):
        found = bool(rng.integers(2))
    elif pa.types.is_string(kind):
        found = str(rng.choice(["", "=1+1", "a\nb", "x" * 5000]))
    elif values and isinstance(values[0], list):
        found = [_REALS[rng.integers(len(_REALS))]] * len(values[0])
    else:
        return table
    first = int(rng.integers(len(values))) if values else 0
    num = int(rng.choice((1, len(values))))
    values[first : first + num] = [found] * len(values[first : first + num])
    try:
        return _set(table, at, pa.array(values, kind))
    except (pa.ArrowInvalid, OverflowError, ValueError):
        return _set(table, at, pa.array(values))


def other_rows(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    rows = np.arange(len(table))
    kinds = (rows[:-1], rows[:0], np.repeat(rows, 2), rows[::-1], rng.permutation(rows), rows[: len(rows) // 2])
    return table.take(pa.array(kinds[rng.integers(len(kinds))]))


ALTERATIONS: tuple[Alteration, ...] = (
    *(drop_column, rename_column, other_type, nested, nulls, other_values, other_values, other_rows),
)


def altered_parquet(rng: np.random.Generator, content: bytes) -> tuple[bytes, str]:
    """A file of Parquet with the same table but for an alteration or two, or with other groups of rows."""
    with pq.ParquetFile(io.BytesIO(content)) as file:
        table, num = file.read(), file.metadata.row_group(0).num_rows
    names = []
    for _ in range(int(rng.choice((1, 1, 2)))):
        alteration = ALTERATIONS[rng.integers(len(ALTERATIONS))]
        if table.num_columns:
            table = alteration(rng, table)
            names.append(alteration.__name__)
    group = num if rng.random() < 0.7 else int(rng.choice((1, num - 1, num + 1, 2 * num)))
    if group != num:
        names.append(f"groups of {group}")
    written = io.BytesIO()
    options = {"compression": str(rng.choice(["zstd", "none", "snappy"]))}
    pq.write_table(table, written, row_group_size=max(group, 1), **options)
    return written.getvalue(), "+".join(names)


def altered_safetensors(rng: np.random.Generator, content: bytes) -> tuple[bytes, str]:
    """A file of safetensors whose header says something else than was written."""
    (num,) = struct.unpack("<Q", content[:8])
    header, what = altered_value(rng, json.loads(content[8 : 8 + num]))
    text = text_of(rng, header)
    length = len(text) if rng.random() < 0.8 else int(rng.choice([0, 1, 2**31, 2**62, len(text) - 1]))
    return struct.pack("<Q", length) + text + content[8 + num :], f"header: {what}, said to be {length}"
