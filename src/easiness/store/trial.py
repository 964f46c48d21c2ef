"""A finished trial, read from its folder: what was asked, what was seen, and the weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput, recast
from easiness.records import KeptLogits, Observations, TrialRecord
from easiness.spec import DatasetRef, TrialSpec
from easiness.store import parquet, trial_document
from easiness.store.files import (
    digest,
    folder_written_whole,
    is_intact,
    own_version,
    write_sealed,
    write_whole,
)
from easiness.store.parquet import STATISTICS, Extent, Ids
from easiness.store.trial_document import DOCUMENT, TrialDocument, damaged

WEIGHTS = "weights.safetensors"


class StoredTrial:
    """Reads a trial; every file is checked against its digest before it is first used."""

    def __init__(
        self, path: Path, data: DatasetRef | None = None, document: TrialDocument | None = None
    ) -> None:
        """Reads the document only, if not given. Its files have to fit ``data``, those of its run."""
        self.path = path
        self._data = data
        self._checked: frozenset[str] = frozenset()
        # before it is read: what changes meanwhile is read again
        self.stamp = trial_document.stamp(path / DOCUMENT)
        self.document = document or trial_document.read_document(path)

    def __repr__(self) -> str:
        return f"StoredTrial({str(self.path)!r}, index={self.index}, epochs={self.epochs})"

    @property
    def index(self) -> int:
        """The number of the trial in its run, from 0."""
        return self.document.index

    @property
    def epochs(self) -> int:
        """Number of epochs trained."""
        return self.document.epochs

    @cached_property
    def observed(self) -> tuple[int, ...]:
        """The epochs observed: ascending from 1 on, the last of the trial among them."""
        return self.document.observed

    def accuracy(self, epoch: int | None = None) -> dict[str, float]:
        """Accuracy after an epoch observed (the last), if known: ``train``, ``left_out``, ``held_out``."""
        row = -1 if epoch is None else self.observed.index(epoch)
        return {name: values[row] for name, values in self.document.accuracy.items()}

    def has(self, probe: str) -> bool:
        """Were the examples of a probe, ``train`` or ``held_out``, observed?"""
        return f"{probe}.parquet" in self.document.files

    def check(self) -> None:
        """Check every file."""
        for name in self.document.files:
            self._file(name)

    def _extent(self, probe: str) -> Extent:
        if self._data is None:
            return Extent(len(self.observed))
        split = self._data.train if probe == "train" else self._data.held_out
        num_examples = None if split is None else split.num_examples
        return Extent(len(self.observed), num_examples, len(self._data.classes))

    def _file(self, name: str) -> Path:
        path = self.path / name
        if name not in self.document.files:
            raise damaged(path)
        if name not in self._checked:
            if not is_intact(path, self.document.files[name]):
                raise damaged(path)
            self._checked |= {name}
        return path

    def columns(self, epoch: int, names: Iterable[str], probe: str = "train") -> dict[str, npt.NDArray[Any]]:
        """Columns of an epoch observed, each [K], alone read; ``rival`` is -1 where it is not known."""
        path, row = self._file(f"{probe}.parquet"), self.observed.index(epoch)
        read = parquet.read_rows(path, [row], names, self._extent(probe))
        return {name: values[0] for name, values in read.items()}

    def pieces(
        self, epoch: int, names: Iterable[str], probe: str = "train"
    ) -> Iterator[tuple[int, dict[str, npt.NDArray[Any]]]]:
        """`columns` in pieces: the position of the first example, then its values and those after it [n]."""
        first = 0
        path, row = self._file(f"{probe}.parquet"), self.observed.index(epoch)
        for block in parquet.read_blocks(path, [row], names, self._extent(probe)):
            piece = {name: values[0] for name, values in block.items()}
            yield first, piece
            first += len(next(iter(piece.values())))

    def observations(self, num_classes: int, epoch: int | None = None, probe: str = "train") -> Observations:
        """The observations after the epochs observed, up to ``epoch`` (all by default)."""
        path, rows, fixed = self._before_reading(epoch, probe)
        return Observations(
            labels=fixed["label"].astype(np.int64),
            num_classes=num_classes,
            logits=self._logits(probe, rows),
            epochs=self.observed[: len(rows)],
            augmented=parquet.is_augmented(path, self._extent(probe)),
            **{
                "trained_on": fixed["trained_on"],
                **parquet.read_rows(path, rows, self._of_rows, self._extent(probe)),
            },
        )

    @property
    def by_share(self) -> bool:
        """Are the rows those of heads that have seen shares of the examples, and not of epochs?"""
        spec = self.document.spec
        return spec is not None and spec.heads is not None

    @property
    def _of_rows(self) -> tuple[str, ...]:
        return (*STATISTICS, "trained_on") if self.by_share else STATISTICS

    def _before_reading(
        self, epoch: int | None, probe: str
    ) -> tuple[Path, range, dict[str, npt.NDArray[Any]]]:
        last = self.observed.index(epoch or self.epochs)
        fixed = self.columns(self.observed[0], ["label", "trained_on"], probe)
        return self._file(f"{probe}.parquet"), range(last + 1), fixed

    def blocks(
        self, num_classes: int, epoch: int | None = None, probe: str = "train"
    ) -> Iterator[tuple[int, Observations]]:
        """`observations` in pieces: the position of the first example, then what was seen from there on."""
        path, rows, fixed = self._before_reading(epoch, probe)
        extent = self._extent(probe)
        logits, augmented = self._logits(probe, rows), parquet.is_augmented(path, extent)
        first = 0
        for block in parquet.read_blocks(path, rows, self._of_rows, extent):
            end = first + block["loss"].shape[1]
            observations = Observations(
                labels=fixed["label"][first:end].astype(np.int64),
                num_classes=num_classes,
                logits=None if logits is None else logits.between(first, end),
                epochs=self.observed[: len(rows)],
                augmented=augmented,
                **{"trained_on": fixed["trained_on"][first:end], **block},
            )
            yield first, observations
            first = end

    def logits(self, epoch: int, probe: str = "train") -> KeptLogits | None:
        """Logits kept after one of the epochs observed, ``values`` [1, n, classes]; ``None`` without any."""
        row = self.observed.index(epoch)
        return self._logits(probe, range(row, row + 1))

    def _logits(self, probe: str, rows: range) -> KeptLogits | None:
        """Logits kept at these rows: of all examples, or of those that no row has trained on."""
        name = f"{probe}_logits.parquet"
        if name not in self.document.files:
            return None
        trained_on = self.columns(self.observed[-1], ["trained_on"], probe)["trained_on"]
        return parquet.read_logits(self._file(name), rows, trained_on, self._extent(probe))

    def weights(self) -> dict[str, npt.NDArray[Any]]:
        """The trained weights and buffers by their names in the model."""
        from safetensors.numpy import load_file

        if WEIGHTS not in self.document.files:
            raise BadInput(
                f"{self.path}: the run was made without weights; measure again without --no-weights"
            )
        path = self._file(WEIGHTS)
        with recast(lambda _: damaged(path)):
            return load_file(path)


def write_trial(
    folder: Path,
    record: TrialRecord,
    ids: dict[str, Ids],
    *,
    index: int,
    seed: int,
    identity: str,
    spec: TrialSpec | None = None,
    keep_weights: bool = True,
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
    """Write a group of rows for each epoch observed, with the examples in the order of the run."""
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
    """Write columns ``epoch`` (of those observed), ``id`` and ``logits`` [classes] of the examples kept."""
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
