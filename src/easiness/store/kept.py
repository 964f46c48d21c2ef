"""The examples themselves, which a recorded run keeps in a file of its own folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.gate import check_columns, read_batches
from easiness.store.parquet import Ids, read_strictly
from easiness.store.trial import ids_array

KEPT = "data.parquet"
COLUMNS = {"text": "text", "sound": "audio"}
"""The column that the examples stand in, by their kind."""

_ROWS, _BYTES = 1024, 2**24  # of a group of rows: no more are in memory at once
_AT_ONCE = 64  # rows compared together


@dataclass(frozen=True, eq=False)
class KeptExamples:
    """Examples to keep, so many of a ``kind``: ``cell(row)`` is what stands in their column.

    ``check`` raises `BadInput` for a cell that is no example; it is asked when the cell is written.
    ``feature`` is what the library `datasets` calls such a column.
    """

    kind: str
    feature: dict[str, Any]
    num: int
    cell: Callable[[int], Any]
    check: Callable[[int, Any], None] = lambda *_: None

    @property
    def column(self) -> str:
        return COLUMNS[self.kind]


def write_kept(
    file: BinaryIO, kept: KeptExamples, ids: Ids, labels: npt.NDArray[np.int64], classes: Sequence[str]
) -> None:
    """Columns ``id``, ``label`` and that of the examples, in the order of the run."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(kept.column, ids).with_metadata(_for_datasets(kept, ids, classes))
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for start, cells in _groups(kept):
            rows = slice(start, start + len(cells))
            columns = [ids_array(ids[rows]), pa.array(labels[rows]), pa.array(cells, schema.field(2).type)]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _groups(kept: KeptExamples) -> Iterator[tuple[int, list[Any]]]:
    start, cells, size = 0, [], 0
    for row in range(kept.num):
        cells.append(kept.cell(row))
        kept.check(row, cells[-1])
        size += len(cells[-1]["bytes"] if isinstance(cells[-1], dict) else cells[-1])
        if len(cells) == _ROWS or size >= _BYTES or row == kept.num - 1:
            yield start, cells
            start, cells, size = row + 1, [], 0


def _schema(column: str, ids: Ids) -> Any:
    import pyarrow as pa

    audio = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    types = {"text": pa.string(), "audio": audio}
    return pa.schema([("id", ids_array(ids[:0]).type), ("label", pa.int64()), (column, types[column])])


def _for_datasets(kept: KeptExamples, ids: Ids, classes: Sequence[str]) -> dict[str, str]:
    """The names of the classes for the library `datasets` and our own sources."""
    label = {"names": list(classes), "_type": "ClassLabel"}
    of_ids = {"dtype": str(ids_array(ids[:0]).type), "_type": "Value"}
    features = {"id": of_ids, "label": label, kept.column: kept.feature}
    return {"huggingface": json.dumps({"info": {"features": features}})}


def holds(path: Path, kept: KeptExamples) -> bool:
    """Does the file at ``path`` hold these examples?"""
    import pyarrow.parquet as pq

    row = 0
    with read_strictly(path, damaged_kept), pq.ParquetFile(path) as file:
        if file.schema_arrow.names[2:] != [kept.column] or file.metadata.num_rows != kept.num:
            return False
        for values in read_batches(path, kept.column, _AT_ONCE):
            for cell in values.to_pylist():
                if cell != kept.cell(row):
                    return False
                row += 1
    return True


def check_kept(path: Path, kind: str, ids: Ids, labels: npt.NDArray[np.int64]) -> None:
    """Make sure that the file at ``path`` is as `write_kept` has written it for these examples of a kind."""
    import pyarrow.parquet as pq

    with read_strictly(path, damaged_kept), pq.ParquetFile(path) as file:
        if file.schema_arrow.remove_metadata() != _schema(COLUMNS[kind], ids):
            raise ValueError("other columns")
        if file.metadata.num_rows != len(ids):
            raise ValueError("other rows")
        check_columns(path, file, ["id", "label"], names=["id"])
        table = file.read(["id", "label"])
        for name, own in (("id", ids), ("label", labels)):
            if table.column(name).null_count or table.column(name).to_pylist() != own.tolist():
                raise ValueError(f"other values of {name}")


def damaged_kept(path: Path) -> BadInput:
    return BadInput(f"{path}: the examples that the run keeps are damaged; restore the file or give --data")
