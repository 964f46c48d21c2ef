"""The examples themselves, which a recorded run keeps in a file of its own folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.store.parquet import Ids, read_strictly
from easiness.store.trial_writing import ids_array

KEPT = "data.parquet"
_ROWS, _BYTES = 1024, 2**24  # of a group of rows: no more are in memory at once
_AT_ONCE = 64  # rows compared together


@dataclass(frozen=True, eq=False)
class Kept:
    """Examples to keep: ``cell(row)`` is what stands in ``column`` for each of the ``num``, of a ``kind``.

    ``feature`` is what the library `datasets` calls such a column.
    """

    kind: str
    column: str
    feature: dict[str, Any]
    num: int
    cell: Callable[[int], Any]


def kept_examples(ids: Ids, texts: Any) -> Kept | None:
    """The examples with these ids as they are given, or ``None`` where none are.

    Raises:
        BadInput: they cannot be kept.
    """
    return None if texts is None else kept_texts(texts, ids)


def kept_texts(texts: Any, ids: Ids) -> Kept:
    """Texts to keep, one an id: in the order of ids, or by id.

    Raises:
        BadInput: they are not as many, or one is no text, empty or not valid Unicode (names its id).
    """
    found = _in_order(texts, "texts", "strings", ids)
    for name, text in zip(ids.tolist(), found, strict=True):
        what = _fault(text)
        if what:
            raise BadInput(f"Recorder: id {name}: its text {what}; give its words, or leave the example out")
    feature = {"dtype": "string", "_type": "Value"}
    return Kept("text", "text", feature, len(found), lambda row: str(found[row]))


def _fault(text: object) -> str:
    if not isinstance(text, str):
        return f"is no string but {type(text).__name__}"
    if not text.strip():
        return "is empty"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return ""


def _in_order(given: Any, what: str, kind: str, ids: Ids) -> list[Any]:
    if isinstance(given, Mapping):
        missing = next((name for name in ids.tolist() if name not in given), None)
        if missing is not None:
            raise BadInput(f"Recorder: {what}: none for the id {missing}; give one for each id")
        return [given[name] for name in ids.tolist()]
    if isinstance(given, str | bytes) or not hasattr(given, "__len__"):
        raise BadInput(f"Recorder: {what}: are {type(given).__name__}; give a list of {kind}")
    if len(given) != len(ids):
        raise BadInput(
            f"Recorder: {what}: {len(given)} for {len(ids)} ids; give one for each, in the order of ids"
        )
    return list(given)


def write_kept(
    file: BinaryIO, kept: Kept, ids: Ids, labels: npt.NDArray[np.int64], classes: Sequence[str]
) -> None:
    """Columns ``id``, ``label`` and that of the examples, in the order of the run."""
    import pyarrow.parquet as pq

    schema = _schema(kept.column, ids).with_metadata(_for_datasets(kept, ids, classes))
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for start, cells in _groups(kept):
            rows = slice(start, start + len(cells))
            writer.write_table(_table(schema, ids[rows], labels[rows], cells))


def _groups(kept: Kept) -> Iterator[tuple[int, list[Any]]]:
    start, cells, size = 0, [], 0
    for row in range(kept.num):
        cells.append(kept.cell(row))
        size += _size(cells[-1])
        if len(cells) == _ROWS or size >= _BYTES or row == kept.num - 1:
            yield start, cells
            start, cells, size = row + 1, [], 0


def _size(cell: Any) -> int:
    return len(cell["bytes"] if isinstance(cell, dict) else cell)


def _schema(column: str, ids: Ids) -> Any:
    import pyarrow as pa

    audio = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    types = {"text": pa.string(), "audio": audio}
    return pa.schema([("id", ids_array(ids[:0]).type), ("label", pa.int64()), (column, types[column])])


def _table(schema: Any, ids: Ids, labels: npt.NDArray[np.int64], cells: list[Any]) -> Any:
    import pyarrow as pa

    columns = [ids_array(ids), pa.array(labels), pa.array(cells, schema.field(2).type)]
    return pa.Table.from_arrays(columns, schema=schema)


def _for_datasets(kept: Kept, ids: Ids, classes: Sequence[str]) -> dict[str, str]:
    """What tells the library `datasets`, and our own sources, the names of the classes."""
    label = {"names": list(classes), "_type": "ClassLabel"}
    of_ids = {"dtype": str(ids_array(ids[:0]).type), "_type": "Value"}
    features = {"id": of_ids, "label": label, kept.column: kept.feature}
    return {"huggingface": json.dumps({"info": {"features": features}})}


def holds(path: Path, kept: Kept) -> bool:
    """Does the file at ``path`` hold these examples?

    Raises:
        BadInput: it is damaged.
    """
    import pyarrow.parquet as pq

    row = 0
    with read_strictly(path, damaged_kept), pq.ParquetFile(path) as file:
        if file.schema_arrow.names[2:] != [kept.column] or file.metadata.num_rows != kept.num:
            return False
        for batch in file.iter_batches(_AT_ONCE, columns=[kept.column]):
            for cell in batch.column(0).to_pylist():
                if cell != kept.cell(row):
                    return False
                row += 1
    return True


def check_kept(path: Path, column: str, ids: Ids, labels: npt.NDArray[np.int64]) -> None:
    """Make sure that the file at ``path`` is as `write_kept` has written it for these examples.

    Raises:
        BadInput: it is not.
    """
    import pyarrow.parquet as pq

    with read_strictly(path, damaged_kept), pq.ParquetFile(path) as file:
        if file.schema_arrow.remove_metadata() != _schema(column, ids):
            raise ValueError("other columns")
        if file.metadata.num_rows != len(ids):
            raise ValueError("other rows")
        table = file.read(["id", "label"])
        for name, own in (("id", ids), ("label", labels)):
            if table.column(name).null_count or table.column(name).to_pylist() != own.tolist():
                raise ValueError(f"other values of {name}")


def damaged_kept(path: Path) -> BadInput:
    """The error that says so of the file of a run's own examples."""
    return BadInput(f"{path}: the examples that the run keeps are damaged; restore the file or give --source")
