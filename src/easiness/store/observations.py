"""Observations as Parquet: one row per epoch observed and example, one row group per epoch observed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.record import KeptLogits, Observations, Statistics
from easiness.spec import DatasetRef
from easiness.store.strict_parquet import Extent, check_groups, check_table, read_strictly, values_of

Ids = npt.NDArray[np.int64] | npt.NDArray[np.object_]

STATISTICS = Statistics._fields

_ANY = Extent()
_AUGMENTED = "augmented"
_BLOCK = 1 << 14  # examples of all epochs read at a time: a few megabytes, which caches hold
_ALONE = 1 << 15  # examples read at a time of one epoch
_BUFFER = 1 << 16  # bytes of a file held ahead of each column being read


def _ids_array(ids: Ids) -> Any:
    import pyarrow as pa

    return pa.array(ids, pa.int64() if ids.dtype == np.int64 else pa.string())


def _writer(path: Path | BinaryIO, schema: Any) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    integer_ids = pa.types.is_integer(schema.field("id").type)
    # positions in order cost next to nothing as differences; anything else repeats within a file
    encoding = {"id": "DELTA_BINARY_PACKED"} if integer_ids else None
    dictionary = ["label", "prediction", "trained_on", "augmented", "epoch"] + ([] if integer_ids else ["id"])
    return pq.ParquetWriter(
        path.absolute() if isinstance(path, Path) else path,  # `a:b/c` would be taken for an address
        schema,
        compression="zstd",
        use_dictionary=[name for name in dictionary if name in schema.names],
        column_encoding=encoding,
    )


def write_observations(path: Path | BinaryIO, ids: Ids, observations: Observations) -> None:
    """Columns ``epoch`` (from 1), ``id``, ``label``, ``trained_on``, the statistics and ``augmented``.

    Each row group is one of the epochs observed, with the examples in the order of the run.
    """
    import pyarrow as pa

    fixed = {
        "id": _ids_array(ids),
        "label": pa.array(observations.labels, pa.int32()),
        "trained_on": pa.array(observations.trained_on),
    }

    augmented = pa.array(np.full(len(ids), observations.augmented))

    def table(row: int) -> Any:
        values = {name: pa.array(getattr(observations, name)[row]) for name in STATISTICS}
        number = pa.array(np.full(len(ids), observations.epochs[row], np.int32))
        return pa.table({"epoch": number, **fixed, **values, "augmented": augmented})

    with _writer(path, table(0).schema) as writer:
        for row in range(observations.num_epochs):
            writer.write_table(table(row), row_group_size=len(ids))


def write_logits(path: Path, ids: Ids, logits: KeptLogits, epochs: Sequence[int]) -> None:
    """Columns ``epoch``, ``id`` and ``logits`` (a list of one float32 per class), for the examples kept.

    ``epochs`` are those observed.
    """
    import pyarrow as pa

    _, num, num_classes = logits.values.shape
    kept_ids = _ids_array(ids[logits.positions])

    def table(row: int) -> Any:
        flat = pa.array(logits.values[row].reshape(-1))
        lists = pa.FixedSizeListArray.from_arrays(flat, num_classes)
        number = pa.array(np.full(num, epochs[row], np.int32))
        return pa.table({"epoch": number, "id": kept_ids, "logits": lists})

    with _writer(path, table(0).schema) as writer:
        for row in range(len(epochs)):
            writer.write_table(table(row), row_group_size=max(1, num))


def is_augmented(path: Path, extent: Extent) -> bool:
    """Do the observations in a file come from training steps? Files from before that was possible do not.

    Raises:
        BadInput: the file is damaged.
    """
    import pyarrow.parquet as pq

    with read_strictly(path), pq.ParquetFile(path) as file:
        if _AUGMENTED not in file.schema_arrow.names:
            return False
        check_table(file, [_AUGMENTED], extent)
        (batch,) = itertools.islice(file.iter_batches(1, row_groups=[0], columns=[_AUGMENTED]), 1)
        return bool(values_of(batch.column(_AUGMENTED), _AUGMENTED, extent)[0])


def read_rows(
    path: Path, rows: Iterable[int], columns: Iterable[str], extent: Extent = _ANY
) -> dict[str, npt.NDArray[Any]]:
    """The asked columns at the given rows of epochs (from 0: the first observed), each [len(rows), K].

    Raises:
        BadInput: the file is damaged, or does not have this extent.
    """
    import pyarrow.parquet as pq

    rows, columns = list(rows), list(columns)
    found: dict[str, npt.NDArray[Any]] = {}
    with read_strictly(path), pq.ParquetFile(path, pre_buffer=False) as file:
        check_table(file, columns, extent)
        for place, row in enumerate(rows):
            table = file.read_row_group(row, columns=columns, use_threads=False)
            for name in columns:
                values = values_of(table.column(name), name, extent)
                if len(rows) == 1:
                    found[name] = values[None]
                    continue
                if name not in found:
                    found[name] = np.empty((len(rows), len(values)), values.dtype)
                found[name][place] = values
    return found


def read_blocks(
    path: Path, rows: Iterable[int], columns: Iterable[str], extent: Extent = _ANY
) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """The asked columns at the given rows of epochs (from 0) for a block of n examples: [len(rows), n].

    All epochs are read side by side, so that one pass over the file serves however long the trial is
    and a page of each column is in memory, not the column.

    Raises:
        BadInput: the file is damaged, or does not have this extent.
    """
    import pyarrow.parquet as pq

    columns = list(columns)
    with read_strictly(path), pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        check_table(file, columns, extent)
        rows = list(rows)
        size = _ALONE if len(rows) == 1 else _BLOCK
        readers = [
            file.iter_batches(size, row_groups=[row], columns=columns, use_threads=False) for row in rows
        ]
        for batches in zip(*readers, strict=True):
            read = {
                name: [values_of(batch.column(name), name, extent) for batch in batches] for name in columns
            }
            yield {name: np.stack(one) if len(one) > 1 else one[0][None] for name, one in read.items()}


def read_logits(
    path: Path, rows: Iterable[int], trained_on: npt.NDArray[np.bool_], extent: Extent
) -> KeptLogits:
    """The logits kept at the given rows of epochs (from 0), of all examples or of those left out.

    Raises:
        BadInput: the file is damaged, or does not have this extent.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = []
    with read_strictly(path), pq.ParquetFile(path) as file:
        num = check_groups(file.metadata, replace(extent, examples=None))
        positions = np.arange(num) if num == len(trained_on) else np.flatnonzero(~trained_on)
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


def write_examples(path: Path, ids: Ids, labels: npt.NDArray[np.int64], classes: tuple[str, ...]) -> None:
    """Columns ``id``, ``label`` and ``class`` of the examples of a run, in its order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.array(classes, pa.string()).take(pa.array(labels))
    table = pa.table({"id": _ids_array(ids), "label": pa.array(labels), "class": names})
    pq.write_table(table, path.absolute(), compression="zstd")


def read_examples(
    path: Path, data: DatasetRef, error: Callable[[Path], BadInput]
) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Ids (int64, or strings as objects) and labels of the examples that a run was trained on.

    Raises:
        BadInput: the ``error``, where the file is damaged or has other examples than these data.
    """
    import pyarrow.parquet as pq

    names = ["id", "label"]
    extent = Extent(examples=data.train.num_examples, classes=len(data.classes))
    with read_strictly(path, error), pq.ParquetFile(path) as file:
        check_table(file, names, replace(extent, examples=None))
        if file.metadata.num_rows != extent.examples:
            raise ValueError
        table = file.read(names)
        ids, labels = (values_of(table.column(name), name, extent) for name in names)
        return ids, labels.astype(np.int64, copy=False)
