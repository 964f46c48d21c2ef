"""One trial of your own training loop, being recorded."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput, shorten
from easiness.record import ObservationLog, TrialRecord, can_be_kept, to_numpy
from easiness.spec import RecordedSpec, content_hash
from easiness.store.parquet import Ids
from easiness.store.run_folder import Index
from easiness.store.writer import RunWriter

Outputs: TypeAlias = Literal["logits", "probabilities"]
Duplicates: TypeAlias = Literal["refuse", "first"]

WAIT_SECONDS = 60.0  # for another process that records into the same run
_LOGITS_AT_ONCE = 262_144  # small batches are joined to so many, which costs a fifth per example
_TOLERANCE = 1e-2  # of the sum of a row of probabilities, which may have been in half precision
_ENOUGH = 2  # rows: one row of logits may be like this by chance


@dataclass(frozen=True, eq=False)
class Recorded:
    """The run in the folder ``path`` over examples with ``ids`` [K] and ``labels`` [K]."""

    path: Path
    ids: Ids
    labels: npt.NDArray[np.int64]
    spec: RecordedSpec
    outputs: Outputs
    duplicates: Duplicates

    @functools.cached_property
    def index(self) -> Index:
        """Trials as they were at the last look, which are not read again."""
        return Index(self.path)

    @property
    def num_classes(self) -> int:
        """Number of classes: columns of what is observed."""
        return len(self.spec.data.classes)

    def __contains__(self, seed: int) -> bool:
        return any(trial.known.seed == seed for trial in self.index.look(self.spec.data))


class TrialRecorder:
    """One trial being recorded; an exception in its ``with`` block stores nothing."""

    def __init__(self, into: Recorded, seed: int, trained_on: Any) -> None:
        import pandas as pd

        self._into = into
        self._seed = seed
        self._index = pd.Index(into.ids)
        mask = np.ones(len(self._index), np.bool_)
        if trained_on is not None:
            wanted = to_numpy(trained_on)
            positions = self._positions(wanted)
            if (positions < 0).any():
                raise BadInput(f"trained_on: unknown id {_named(wanted[positions < 0].tolist())}")
            mask[:] = False
            mask[positions] = True
        kept = np.ones_like(mask) if into.spec.keep_logits else ~mask
        self._log = ObservationLog(
            into.ids,
            into.labels,
            into.num_classes,
            trained_on=mask,
            keep_logits=kept if kept.any() else None,
            augmented=into.spec.augmented,
        )
        self._waiting: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
        self._num_waiting = 0
        self._unknown: list[object] = []
        self._held_out: list[float] = []

    def __repr__(self) -> str:
        return f"TrialRecorder({str(self._into.path)!r}, seed={self._seed})"

    def _positions(self, ids: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Positions of the ids in the run, -1 for one that it does not have."""
        import pandas as pd

        return self._index.get_indexer(pd.Index(ids)).astype(np.int64)

    def __enter__(self) -> Self:
        return self

    def update(self, ids: Iterable[Any], logits: Any) -> None:
        """Take a batch: ``ids`` [b] and ``logits`` [b, classes], torch (any device) or NumPy.

        The caller may write to them afterwards.

        Raises:
            BadInput: the shapes do not fit.
            TrialFailed: a logit is not finite, or beyond 1e37.
        """
        wanted = to_numpy(ids)
        values = to_numpy(logits)
        num_classes = self._into.num_classes
        if wanted.ndim != 1:
            raise BadInput(f"ids: need a flat list, one id a row of logits; got shape {wanted.shape}")
        if values.shape != (len(wanted), num_classes) or values.dtype.kind != "f":
            raise BadInput(
                f"logits: need floats of shape ({len(wanted)}, {num_classes}), one row an id and one "
                f"column a class; got {values.dtype} of shape {values.shape}"
            )
        large = values.size >= _LOGITS_AT_ONCE and not self._waiting
        if large or not can_be_kept(values):
            self._observe(wanted, values)  # at once, so that nothing need be copied
            return
        if self._waiting and wanted.dtype.kind != self._waiting[0][0].dtype.kind:
            self._observe_waiting()  # ids of two kinds cannot be joined
        self._waiting.append((wanted.copy(), values.copy()))
        self._num_waiting += values.size
        if self._num_waiting >= _LOGITS_AT_ONCE:
            self._observe_waiting()

    def _observe_waiting(self) -> None:
        if self._waiting:
            ids, logits = zip(*self._waiting, strict=True)
            self._waiting, self._num_waiting = [], 0
            self._observe(np.concatenate(ids), np.concatenate(logits))

    def _observe(self, ids: npt.NDArray[Any], logits: npt.NDArray[Any]) -> None:
        positions = self._positions(ids)
        known = positions >= 0
        if not known.all():
            self._unknown.extend(ids[~known].tolist())
            positions, logits = positions[known], logits[known]
        if self._into.duplicates == "first":
            new = self._log.unseen(positions)
            positions, logits = positions[new], logits[new]
        self._log.update(positions, _as_logits(logits, self._into.outputs))

    @property
    def num_epochs(self) -> int:
        """Number of epochs that have ended."""
        return self._log.num_epochs

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The epochs recorded so far, as plain arrays for a checkpoint; to be asked between epochs."""
        held_out = {"held_out_accuracy": np.array(self._held_out)} if self._held_out else {}
        return {**self._log.state(), **held_out} if self._log.num_epochs else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after the epochs of a `state`, arrays or tensors, where a training is resumed.

        Raises:
            BadInput: it is of a recording of other examples.
        """
        arrays = {name: to_numpy(values) for name, values in state.items()}
        self._held_out = arrays.pop("held_out_accuracy", np.zeros(0)).tolist()
        if arrays:
            self._log.restore(arrays)

    def end_epoch(self, *, held_out_accuracy: float | None = None) -> None:
        """Close an epoch, in which every id must have been given exactly once.

        Args:
            held_out_accuracy: accuracy in [0, 1] on examples outside the run, if you measured one.

        Raises:
            BadInput: an id was unknown, given twice or missing (names it), or the accuracy is no share.
        """
        accuracy = None if held_out_accuracy is None else _share(held_out_accuracy)
        self._observe_waiting()
        if self._unknown:
            raise BadInput(
                f"epoch {self._log.num_epochs + 1}: unknown id {_named(self._unknown)}; "
                "only ids given to Recorder can be recorded"
            )
        self._log.end_epoch()
        if accuracy is not None:
            self._held_out.append(accuracy)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._store()

    def _store(self) -> None:
        into = self._into
        if self._waiting or self._log.pending or self._unknown:
            raise BadInput(
                f"trial with seed {self._seed}: epoch {self._log.num_epochs + 1} was begun and not closed; "
                "call end_epoch() after its last batch"
            )
        if not self._log.num_epochs:
            raise BadInput(f"trial with seed {self._seed}: no epoch was recorded; call update and end_epoch")
        if self._held_out and len(self._held_out) != self._log.num_epochs:
            raise BadInput("held_out_accuracy: give it in every epoch of the trial, or in none")
        record = TrialRecord(
            probes={"train": self._log.observations()}, held_out_accuracy=self._held_out or None
        )
        with RunWriter(into.path, wait=WAIT_SECONDS, index=into.index) as writer:
            if self._seed in into:
                raise BadInput(
                    f"{into.path}: another process has recorded seed {self._seed} meanwhile; take another"
                )
            writer.add(
                record,
                {"train": into.ids},
                index=max((trial.index for trial in into.index.trials), default=-1) + 1,
                seed=self._seed,
                identity=content_hash({"data": into.spec.data.identity(), "seed": self._seed}),
            )


def _named(ids: Iterable[object]) -> str:
    """Ids as Python writes them: 7 is another id than '7'."""
    return shorten(map(repr, ids))


def _share(accuracy: Any) -> float:
    try:
        share = float(accuracy)
    except (TypeError, ValueError):
        raise BadInput(f"held_out_accuracy: need a number, got {type(accuracy).__name__}") from None
    except OverflowError:
        share = float("inf")
    if not 0 <= share <= 1:  # nor NaN
        raise BadInput(f"held_out_accuracy {share:g}: must be a share, from 0 to 1")
    return share


def _as_logits(values: npt.NDArray[np.floating[Any]], outputs: Outputs) -> npt.NDArray[np.floating[Any]]:
    """Logits [b, classes] of what was given; bare votes, a 1 among zeros, are taken for logits."""
    like_probabilities = bool((values >= 0).all() and (np.abs(values.sum(axis=1) - 1) <= _TOLERANCE).all())
    if outputs == "logits":
        if like_probabilities and len(values) >= _ENOUGH and not np.isin(values, (0, 1)).all():
            raise BadInput(
                "logits: these are probabilities (no row has a negative number, and each sums to 1); give "
                "what is before the softmax, or make the Recorder with outputs='probabilities'"
            )
        return values
    if not like_probabilities:
        raise BadInput(
            "probabilities: a row has a negative number or does not sum to 1; give the outputs of a softmax, "
            "or make the Recorder with outputs='logits'"
        )
    logits: npt.NDArray[np.floating[Any]] = np.log(np.maximum(values, np.finfo(np.float32).tiny))
    return logits
