"""A finished trial written as a folder: its observations as Parquet, its weights, and a sealed document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.records import KeptLogits, Observations, TrialRecord
from easiness.spec import TrialSpec
from easiness.store import trial_document
from easiness.store.files import digest, folder_written_whole, write_sealed, write_whole
from easiness.store.later import own_version
from easiness.store.parquet import STATISTICS, Ids
from easiness.store.trial import WEIGHTS, StoredTrial
from easiness.store.trial_document import DOCUMENT, TrialDocument


def write_trial(
    folder: Path,
    record: TrialRecord,
    ids: dict[str, Ids],
    *,
    index: int,
    seed: int,
    identity: str,
    spec: TrialSpec | None,
    keep_weights: bool,
) -> StoredTrial:
    """Write a trial below ``folder``, whole or not at all; ``ids`` by probe."""
    from safetensors.numpy import save

    path = folder / trial_document.folder_name(index, identity)
    with folder_written_whole(path) as aside:
        for name, observations in record.probes.items():
            write_observations(aside / f"{name}.parquet", ids[name], observations)
            if observations.logits is not None:
                file = aside / f"{name}_logits.parquet"
                write_logits(file, ids[name], observations.logits, observations.epochs)
        if keep_weights and record.weights is not None:
            write_whole(aside / WEIGHTS, save(record.weights))
        document = TrialDocument(
            index=index,
            seed=seed,
            hash=identity,
            epochs=record.num_epochs,
            spec=spec,
            train_loss=record.train_loss,
            accuracy=record.accuracy(),
            ran={**record.ran, "easiness": own_version()},
            files={file.name: digest(file) for file in sorted(aside.iterdir())},
        )
        write_sealed(aside / DOCUMENT, "trial", document)
    return StoredTrial(path, document=document)


def ids_array(ids: Ids) -> Any:
    """Ids as Arrow has them in each file of a run."""
    import pyarrow as pa

    return pa.array(ids, pa.int64() if ids.dtype == np.int64 else pa.string())


def _writer(path: Path | BinaryIO, schema: Any) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    integer_ids = pa.types.is_integer(schema.field("id").type)
    # positions in order cost next to nothing as differences; anything else repeats within a file
    encoding = {"id": "DELTA_BINARY_PACKED"} if integer_ids else None
    dictionary = ["label", "prediction", "rival", "trained_on", "augmented", "epoch"]
    dictionary += [] if integer_ids else ["id"]
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
        "id": ids_array(ids),
        "label": pa.array(observations.labels, pa.int32()),
    }
    trained_on = np.broadcast_to(observations.trained_on, observations.prediction.shape)
    augmented = pa.array(np.full(len(ids), observations.augmented))

    def table(row: int) -> Any:
        values = {name: pa.array(getattr(observations, name)[row]) for name in STATISTICS}
        number = pa.array(np.full(len(ids), observations.epochs[row], np.int32))
        own = {"epoch": number, **fixed, "trained_on": pa.array(trained_on[row])}
        return pa.table({**own, **values, "augmented": augmented})

    with _writer(path, table(0).schema) as writer:
        for row in range(observations.num_epochs):
            writer.write_table(table(row), row_group_size=len(ids))


def write_logits(path: Path, ids: Ids, logits: KeptLogits, epochs: Sequence[int]) -> None:
    """Columns ``epoch``, ``id`` and ``logits`` (a list of one float32 per class), for the examples kept.

    ``epochs`` are those observed.
    """
    import pyarrow as pa

    _, num, num_classes = logits.values.shape
    kept_ids = ids_array(ids[logits.positions])

    def table(row: int) -> Any:
        flat = pa.array(logits.values[row].reshape(-1))
        lists = pa.FixedSizeListArray.from_arrays(flat, num_classes)
        number = pa.array(np.full(num, epochs[row], np.int32))
        return pa.table({"epoch": number, "id": kept_ids, "logits": lists})

    with _writer(path, table(0).schema) as writer:
        for row in range(len(epochs)):
            writer.write_table(table(row), row_group_size=max(1, num))


def write_examples(path: Path, ids: Ids, labels: npt.NDArray[np.int64], classes: tuple[str, ...]) -> None:
    """Columns ``id``, ``label`` and ``class`` of the examples of a run, in its order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.array(classes, pa.string()).take(pa.array(labels))
    table = pa.table({"id": ids_array(ids), "label": pa.array(labels), "class": names})
    pq.write_table(table, path.absolute(), compression="zstd")
