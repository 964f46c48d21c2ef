"""Parquet read as what it has to be: other columns, types, rows or values than were written are damage.

Observations have one row per epoch observed and example, and one row group per epoch observed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from easiness.errors import BadInput, recast
from easiness.gate import check_columns
from easiness.lazy import Array, Integers, Mask
from easiness.records import STATISTICS as STATISTICS, KeptLogits, known_rival
from easiness.spec import DatasetRef
from easiness.store.files import damage_error

Ids: TypeAlias = Integers | npt.NDArray[np.object_]

_FLOAT = ("float",)
# by column; where it is not among these, none
_TYPES: Mapping[str, tuple[str, ...]] = {
    "epoch": ("int32",),
    "id": ("int64", "string"),
    "label": ("int32", "int64"),
    "trained_on": ("bool",),
    "prediction": ("int32",),
    "rival": ("int32",),
    **dict.fromkeys(("loss", "margin", "error_norm", "entropy"), _FLOAT),
    "augmented": ("bool",),
}
_CLASSES = ("label", "prediction", "rival")
_LEAST_LOSS = -1e-3  # -log of a probability, which rounding may have put above 1
_AUGMENTED = "augmented"
_SURE = 1 << 21  # values of numbers, which fit into any memory
_BLOCK = 1 << 14  # examples of all epochs read at a time: a few megabytes, which caches hold
_ALONE = 1 << 15  # examples read at a time of one epoch
_BUFFER = 1 << 16  # bytes of a file held ahead of each column being read


@dataclass(frozen=True)
class Extent:
    """A file's ``epochs`` groups of ``examples`` rows, labels below ``classes``; ``None`` is not known."""

    epochs: int | None = None
    examples: int | None = None
    classes: int | None = None


_ANY = Extent()


def read_strictly(
    path: Path, error: Callable[[Path], BadInput] = damage_error
) -> AbstractContextManager[None]:
    """Turn whatever a reader in the block stumbles over into an error that says that the file is damaged."""
    return recast(lambda _: error(path))


def check_table(file: Any, columns: Iterable[str], extent: Extent) -> None:
    schema = file.schema_arrow
    for name in columns:
        if schema.names.count(name) != 1 or str(schema.field(name).type) not in _TYPES[name]:
            raise ValueError(f"column {name}")
    check_groups(file.metadata, extent)


def check_groups(metadata: Any, extent: Extent) -> int:
    """Make sure that the groups of rows are as many as epochs, and equally long; the rows of each."""
    rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    if not rows or len(set(rows)) > 1 or extent.epochs not in (None, len(rows)):
        raise ValueError(f"groups of {rows[:3]} rows")
    if extent.examples not in (None, rows[0]) or metadata.num_rows != sum(rows):
        raise ValueError(f"{rows[0]} rows")
    return int(rows[0])


def _stored_columns(file: Any, columns: Iterable[str], extent: Extent) -> list[str]:
    """The columns to read of an open file, checked; files of before lack ``rival`` and ``augmented``."""
    lacking = {"rival", _AUGMENTED}.difference(file.schema_arrow.names).intersection(columns)
    tell = ["label", "prediction"] if lacking else []
    names = [name for name in dict.fromkeys([*columns, *tell]) if name not in lacking]
    check_table(file, names, extent)
    return names


def _with_lacking(values: dict[str, Array], columns: Iterable[str]) -> dict[str, Array]:
    if "rival" in columns and "rival" not in values:
        values["rival"] = known_rival(values["prediction"], values["label"])
    if _AUGMENTED in columns and _AUGMENTED not in values:
        values[_AUGMENTED] = np.zeros(values["label"].shape, np.bool_)
    return {name: values[name] for name in columns}


def values_of(column: Any, name: str, extent: Extent) -> Array:
    if column.null_count:
        raise ValueError(f"column {name} has nulls")
    if name == "id" and len(column.unique()) < len(column):
        raise ValueError("two examples have one id")
    values: Array = column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(zero_copy_only=False)
    if not len(values):
        return values
    least = -1 if name == "rival" else 0  # where it is not known
    if name in _CLASSES and not least <= values.min() <= values.max() < (extent.classes or np.inf):
        raise ValueError(f"column {name} names other classes")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"column {name} is not finite")
    if name == "loss" and values.min() < _LEAST_LOSS:
        raise ValueError("a loss is below 0")
    return values


def read_row(path: Path, row: int, columns: Sequence[str], extent: Extent = _ANY) -> dict[str, Array]:
    """Columns [K] at the row of an epoch (from 0); a ``rival`` that is not known is -1."""
    with read_strictly(path), pq.ParquetFile(path, pre_buffer=False) as file:
        names = _stored_columns(file, columns, extent)
        if "id" in names or file.metadata.num_rows * len(names) > _SURE:  # of others each is a few bytes
            check_columns(path, file, names, [row])
        table = file.read_row_group(row, columns=names, use_threads=False)
        return _with_lacking({name: values_of(table.column(name), name, extent) for name in names}, columns)


def read_blocks(
    path: Path, rows: Sequence[int], columns: Sequence[str], extent: Extent = _ANY, size: int | None = None
) -> Iterator[dict[str, Array]]:
    """The columns of blocks of n examples, [len(rows), n]: epochs are read side by side, page by page."""
    size = size or (_ALONE if len(rows) == 1 else _BLOCK)
    with read_strictly(path), pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        names = _stored_columns(file, columns, extent)
        readers = [
            file.iter_batches(size, row_groups=[row], columns=names, use_threads=False) for row in rows
        ]
        for batches in zip(*readers, strict=True):
            read = {
                name: [values_of(batch.column(name), name, extent) for batch in batches] for name in names
            }
            yield _with_lacking(
                {name: np.stack(one) if len(one) > 1 else one[0][None] for name, one in read.items()}, columns
            )


def read_logits(path: Path, rows: Sequence[int], trained_on: Mask, extent: Extent) -> KeptLogits:
    """The logits kept at the given rows of epochs (from 0), of all examples or of those left out."""
    values = []
    with read_strictly(path), pq.ParquetFile(path) as file:
        num = check_groups(file.metadata, replace(extent, examples=None))
        positions = np.arange(num) if num == len(trained_on) else np.flatnonzero(~trained_on)
        check_columns(path, file, ["logits"], rows)
        for row in rows:
            column = file.read_row_group(row, columns=["logits"]).column("logits")
            size = column.type.list_size
            if column.null_count or column.type.value_type != pa.float32():
                raise ValueError(f"logits of {column.type}")
            if extent.classes not in (None, size):
                raise ValueError(f"logits of {size} classes")
            flat = values_of(column.combine_chunks().flatten(), "logits", extent)
            values.append(flat.reshape(len(positions), size))
    return KeptLogits(positions, np.stack(values))


def read_examples(path: Path, data: DatasetRef, error: Callable[[Path], BadInput]) -> tuple[Ids, Integers]:
    """Ids (int64, or strings as objects) and labels of the examples that a run was trained on."""
    names = ["id", "label"]
    extent = Extent(examples=data.train.num_recorded, classes=len(data.classes))
    with read_strictly(path, error), pq.ParquetFile(path) as file:
        check_table(file, names, replace(extent, examples=None))
        if file.metadata.num_rows != extent.examples:
            raise ValueError
        check_columns(path, file, names, names=["id"])
        table = file.read(names)
        ids, labels = (values_of(table.column(name), name, extent) for name in names)
        return ids, labels.astype(np.int64, copy=False)
