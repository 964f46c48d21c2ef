"""A finished trial, read from its folder: what was asked, what was seen, and the weights."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, FiniteFloat, model_validator

from easiness.errors import BadInput, recast
from easiness.lazy import Array, Integers, safetensors
from easiness.records import KeptLogits, Observations, TrialRecord
from easiness.spec import DatasetRef, Frozen, TrialSpec
from easiness.store import parquet
from easiness.store.files import (
    FileDigest,
    FileName,
    damage_error,
    digest,
    folder_written_whole,
    is_intact,
    later,
    own_version,
    read_sealed,
    write_sealed,
    write_whole,
)
from easiness.store.parquet import STATISTICS, Extent, Ids

DOCUMENT = "trial.json"
WEIGHTS = "weights.safetensors"

Columns: TypeAlias = Callable[[int], dict[str, Any]]
"""The columns of a file at the row of an epoch."""


class TrialDocument(Frozen):
    """A loss is of each epoch, an ``accuracy`` of each `observed`; ``spec`` is absent in recorded runs."""

    index: int = Field(ge=0)
    seed: int = Field(ge=0)
    hash: str
    epochs: int = Field(ge=1)
    spec: TrialSpec | None
    train_loss: list[FiniteFloat]
    accuracy: dict[str, list[FiniteFloat]] = Field(min_length=1)
    ran: dict[str, Any]
    files: dict[FileName, FileDigest]

    @property
    def observed(self) -> tuple[int, ...]:
        """The epochs observed, ascending, the last of the trial among them."""
        return tuple(range(1, self.epochs + 1)) if self.spec is None else self.spec.observed

    @property
    def seconds(self) -> float | None:
        """The seconds that the trial took, where a finite number is there."""
        value = self.ran.get("seconds")
        with contextlib.suppress(OverflowError):
            return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
        return None

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        # lists are in the file, so that a giant number of epochs ends here, before anything is as long
        lists = self.accuracy.values() if self.spec is None else (self.train_loss,)
        if any(len(one) != self.epochs for one in lists):
            raise ValueError("there has to be a value for each epoch")
        if self.spec is not None and (self.spec.epochs, self.spec.index) != (self.epochs, self.index):
            raise ValueError("the spec is of another trial")
        if any(len(one) != len(self.observed) for one in self.accuracy.values()):
            raise ValueError("there has to be an accuracy for each epoch observed")
        return self


def read_trial_document(folder: Path) -> TrialDocument:
    file = folder / DOCUMENT
    content: Any = None
    try:
        content = read_sealed(file, "trial")
        document = TrialDocument.model_validate(content)
    except (OSError, ValueError, LookupError, TypeError):
        raise later(file, content) or damage_error(file) from None
    if document.spec is not None and document.spec.hash != document.hash:
        raise damage_error(file)
    if folder_name(document.index, document.hash) != folder.name:
        raise damage_error(file)
    return document


def folder_name(index: int, identity: str) -> str:
    """Trials of the same index and different length lie side by side until the older one is removed."""
    return f"{index:04d}-{identity[:12]}"


def index_in(name: str) -> int:
    return int(name.split("-")[0])


class StoredTrial:
    """Reads a trial; every file is checked against its digest before it is first used."""

    def __init__(
        self, path: Path, data: DatasetRef | None = None, document: TrialDocument | None = None
    ) -> None:
        """Reads the document only, if not given. Its files have to fit ``data``, those of its run."""
        self.path = path
        self._data = data
        self._intact_files: frozenset[str] = frozenset()
        self.document = document or read_trial_document(path)

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
        for name in self.document.files:
            self._file(name)

    def _extent(self, probe: str) -> Extent:
        if self._data is None:
            return Extent(len(self.observed))
        split = self._data.train if probe == "train" else self._data.held_out
        num_recorded = None if split is None else split.num_recorded
        return Extent(len(self.observed), num_recorded, len(self._data.classes))

    def _file(self, name: str) -> Path:
        path = self.path / name
        if name not in self.document.files:
            raise damage_error(path)
        if name not in self._intact_files:
            if not is_intact(path, self.document.files[name]):
                raise damage_error(path)
            self._intact_files |= {name}
        return path

    def columns(self, epoch: int, names: Sequence[str], probe: str = "train") -> dict[str, Array]:
        """Columns of an epoch observed, each [K], alone read; ``rival`` is -1 where it is not known."""
        row = self.observed.index(epoch)
        return parquet.read_row(self._file(f"{probe}.parquet"), row, names, self._extent(probe))

    def pieces(
        self, epoch: int, names: Sequence[str], probe: str = "train"
    ) -> Iterator[tuple[int, dict[str, Array]]]:
        """`columns` in pieces: the position of the first example, then its values and those after it [n]."""
        first = 0
        path, row = self._file(f"{probe}.parquet"), self.observed.index(epoch)
        for block in parquet.read_blocks(path, [row], names, self._extent(probe)):
            piece = {name: values[0] for name, values in block.items()}
            yield first, piece
            first += len(next(iter(piece.values())))

    def observations(self, num_classes: int, epoch: int | None = None, probe: str = "train") -> Observations:
        """The observations after the epochs observed, up to ``epoch`` (all by default)."""
        ((_, observations),) = self.blocks(num_classes, epoch, probe, whole=True)
        return observations

    @property
    def by_share(self) -> bool:
        """Are the rows those of heads that have seen shares of the examples, and not of epochs?"""
        spec = self.document.spec
        return spec is not None and spec.heads is not None

    def blocks(
        self, num_classes: int, epoch: int | None = None, probe: str = "train", *, whole: bool = False
    ) -> Iterator[tuple[int, Observations]]:
        """`observations` in pieces: the position of the first example, then what was seen from there on."""
        path, extent = self._file(f"{probe}.parquet"), self._extent(probe)
        rows = range(self.observed.index(epoch or self.epochs) + 1)
        columns = self.columns(self.observed[0], ["label", "trained_on", "augmented"], probe)
        logits, first, num = self._logits(probe, rows), 0, len(columns["label"])
        names = (*STATISTICS, "trained_on") if self.by_share else STATISTICS
        for block in parquet.read_blocks(path, rows, names, extent, num if whole else None):
            end = first + block["loss"].shape[1]
            observations = Observations(
                labels=columns["label"][first:end].astype(np.int64),
                num_classes=num_classes,
                logits=None if logits is None else logits.between(first, end),
                epochs=self.observed[: len(rows)],
                augmented=bool(columns["augmented"][0]),
                **{"trained_on": columns["trained_on"][first:end], **block},
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

    def weights(self) -> dict[str, Array]:
        """The trained weights and buffers by their names in the model."""
        if WEIGHTS not in self.document.files:
            raise BadInput(
                f"{self.path}: the run was made without weights; measure again without --no-weights"
            )
        path = self._file(WEIGHTS)
        with recast(lambda _: damage_error(path)):
            return safetensors.load_file(path)


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
    path = folder / folder_name(index, identity)
    with folder_written_whole(path) as aside:
        for name, observations in record.probes.items():
            write_observations(aside / f"{name}.parquet", ids[name], observations)
            if observations.logits is not None:
                file = aside / f"{name}_logits.parquet"
                write_logits(file, ids[name], observations.logits, observations.epochs)
        if keep_weights and record.weights is not None:
            write_whole(aside / WEIGHTS, safetensors.save(record.weights))
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
    return pa.array(ids, pa.int64() if ids.dtype == np.int64 else pa.string())


def _write_rows(path: Path | BinaryIO, ids: Any, epochs: Sequence[int], columns: Columns) -> None:
    """Write a group of rows for each epoch, of the ids and of the columns of its row."""
    integer_ids = pa.types.is_integer(ids.type)
    # ids occur once: numbers cost little as differences, and a dictionary of texts would say them twice
    names = ["label", "prediction", "rival", "trained_on", "augmented", "epoch"]

    def table(row: int) -> Any:
        return pa.table({"epoch": np.full(len(ids), epochs[row], np.int32), "id": ids, **columns(row)})

    schema = table(0).schema
    with pq.ParquetWriter(
        path.absolute() if isinstance(path, Path) else path,  # `a:b/c` would be taken for an address
        schema,
        compression="zstd",
        use_dictionary=[name for name in names if name in schema.names],
        column_encoding={"id": "DELTA_BINARY_PACKED"} if integer_ids else None,
    ) as writer:
        for row in range(len(epochs)):
            writer.write_table(table(row), row_group_size=max(1, len(ids)))


def write_observations(path: Path | BinaryIO, ids: Ids, observations: Observations) -> None:
    """Write a group of rows for each epoch observed, with the examples in the order of the run."""
    labels = pa.array(observations.labels, pa.int32())
    trained_on = np.broadcast_to(observations.trained_on, observations.prediction.shape)
    augmented = np.full(len(ids), observations.augmented)

    def columns(row: int) -> dict[str, Any]:
        values = {name: getattr(observations, name)[row] for name in STATISTICS}
        return {"label": labels, "trained_on": pa.array(trained_on[row]), **values, "augmented": augmented}

    _write_rows(path, ids_array(ids), observations.epochs, columns)


def write_logits(path: Path, ids: Ids, logits: KeptLogits, epochs: Sequence[int]) -> None:
    """Write columns ``epoch`` (of those observed), ``id`` and ``logits`` [classes] of the examples kept."""

    def columns(row: int) -> dict[str, Any]:
        flat = pa.array(logits.values[row].reshape(-1))
        return {"logits": pa.FixedSizeListArray.from_arrays(flat, logits.values.shape[2])}

    _write_rows(path, ids_array(ids[logits.positions]), epochs, columns)


def write_examples(path: Path, ids: Ids, labels: Integers, classes: tuple[str, ...]) -> None:
    """Columns ``id``, ``label`` and ``class`` of the examples of a run, in its order."""
    names = pa.array(classes, pa.string()).take(pa.array(labels))
    table = pa.table({"id": ids_array(ids), "label": pa.array(labels), "class": names})
    pq.write_table(table, path.absolute(), compression="zstd")
