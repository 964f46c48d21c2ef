"""Recording a run from your own training loop."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from easiness.data import check_examples
from easiness.errors import BadInput, shorten
from easiness.record import ObservationLog, TrialRecord, to_numpy
from easiness.spec import DatasetRef, RecordedSpec, SplitRef, content_hash
from easiness.store.document import is_run
from easiness.store.observations import Ids
from easiness.store.run import Run, open_run
from easiness.store.writer import RunWriter

_WAIT_SECONDS = 60.0  # for another process that records into the same run
_LOGITS_AT_ONCE = 262_144  # small batches are joined to so many, which costs a fifth per example


class Recorder:
    """Writes trials of your own training loop to a run that every command reads.

    >>> recorder = Recorder("runs/mine", ids=ids, labels=labels, classes=names)  # doctest: +SKIP
    >>> with recorder.trial(seed=0) as trial:  # doctest: +SKIP
    ...     for epoch in range(epochs):
    ...         trial.update(batch_ids, batch_logits)  # any batches, any order
    ...         trial.end_epoch()

    An existing run over the same examples is continued: ``if seed in recorder`` tells which trials
    it has. Observe in evaluation mode and without augmentation, as the scores assume, or say that the
    logits are ``augmented``.
    """

    def __init__(
        self,
        out: str | Path,
        *,
        ids: Any,
        labels: Any,
        classes: Sequence[str] | None = None,
        fingerprint: str | None = None,
        keep_logits: bool = False,
        augmented: bool = False,
    ) -> None:
        """Create or continue the run in the folder ``out``.

        Args:
            out: folder of the run.
            ids: K unique integers or strings, one per example.
            labels: K class indices from 0, as trained with.
            classes: class names by label; the labels' numbers by default.
            fingerprint: of the data, to compare with runs of `measure` over the same data set
                (``load_dataset(...).fingerprint``); by default one of ids, labels and classes alone.
            keep_logits: keep all logits, not only those of examples left out of training.
            augmented: the logits are those of your training steps, of augmented images while the weights
                move, and not of a pass in evaluation mode after each epoch; the record says so.

        Raises:
            BadInput: ids or labels cannot be used, or ``out`` is another run or something else.
        """
        self.path = Path(out)
        self._ids = _as_ids(ids)
        self._labels, self._classes = check_examples(
            to_numpy(labels),
            self._ids,
            num_images=len(self._ids),
            classes=classes,
            where="Recorder",
            name=lambda row: f"Recorder: id {self._ids[row]}",
        )
        self._keep_logits = keep_logits
        described = {
            "classes": list(self._classes),
            "ids": self._ids.tolist(),
            "labels": self._labels.tolist(),
        }
        split = SplitRef(fingerprint=fingerprint or content_hash(described), num_examples=len(self._ids))
        self._spec = RecordedSpec(
            data=DatasetRef(train=split, classes=self._classes),
            keep_logits=keep_logits,
            augmented=augmented,
        )
        with RunWriter(self.path, wait=_WAIT_SECONDS) as writer:
            if not is_run(self.path):
                writer.create(self._spec, self._ids, self._labels)
            elif self.run.spec != self._spec:
                raise BadInput(
                    f"{self.path}: holds a run over other examples or with other settings; "
                    "choose another output"
                )

    def __repr__(self) -> str:
        return f"Recorder({str(self.path)!r}, examples={len(self._ids)}, classes={len(self._classes)})"

    @property
    def run(self) -> Run:
        """The run as it is on disk now, with every finished trial."""
        return open_run(self.path)

    def __contains__(self, seed: int) -> bool:
        return any(trial.document.seed == seed for trial in self.run.trials)

    def trial(self, seed: int, *, trained_on: Any = None) -> TrialRecorder:
        """Begin a trial; use it in a ``with`` block, at whose end it is stored whole.

        Args:
            seed: what tells this trial from the others of the run.
            trained_on: ids of the examples trained on, where not all were. All are observed.

        Raises:
            BadInput: the run has a trial with this seed, or an id is unknown.
        """
        try:
            seed = operator.index(seed)  # also NumPy's integers, which JSON does not know
        except TypeError:
            raise BadInput(f"seed {seed}: must be a whole number") from None
        if seed < 0:
            raise BadInput(f"seed {seed}: must not be negative")
        if seed in self:
            raise BadInput(
                f"{self.path}: has a trial with seed {seed}; skip it (`if {seed} in recorder`) "
                "or take another seed"
            )
        return TrialRecorder(self, seed, trained_on)


def _as_ids(ids: Any) -> Ids:
    values = to_numpy(ids)
    if values.ndim != 1 or values.dtype.kind not in "iuUO":
        raise BadInput(f"ids: need a flat list of integers or strings, got {values.dtype} of {values.shape}")
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    strings = [value for value in values.tolist() if isinstance(value, str)]
    if len(strings) < len(values):
        raise BadInput("ids: mixed kinds; give integers alone or strings alone")
    return np.array(strings, dtype=object)


class TrialRecorder:
    """One trial being recorded; an exception in its ``with`` block stores nothing."""

    def __init__(self, recorder: Recorder, seed: int, trained_on: Any) -> None:
        import pandas as pd

        self._recorder = recorder
        self._seed = seed
        self._index = pd.Index(recorder._ids)
        mask = np.ones(len(self._index), np.bool_)
        if trained_on is not None:
            wanted = to_numpy(trained_on)
            positions = self._positions(wanted)
            if (positions < 0).any():
                raise BadInput(f"trained_on: unknown id {shorten(wanted[positions < 0])}")
            mask[:] = False
            mask[positions] = True
        kept = np.ones_like(mask) if recorder._keep_logits else ~mask
        self._log = ObservationLog(
            recorder._ids,
            recorder._labels,
            len(recorder._classes),
            trained_on=mask,
            keep_logits=kept if kept.any() else None,
            augmented=recorder._spec.augmented,
        )
        self._taken: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
        self._num_taken = 0
        self._unknown: list[object] = []
        self._held_out: list[float] = []

    def __repr__(self) -> str:
        return f"TrialRecorder({str(self._recorder.path)!r}, seed={self._seed})"

    def _positions(self, ids: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Where the ids stand in the run, -1 for one that does not."""
        import pandas as pd

        return self._index.get_indexer(pd.Index(ids)).astype(np.int64)

    def __enter__(self) -> Self:
        return self

    def update(self, ids: Iterable[Any], logits: Any) -> None:
        """Take a batch: ``ids`` [b] and ``logits`` [b, classes], torch (any device) or NumPy.

        The caller may write to them afterwards.

        Raises:
            BadInput: the shapes do not fit.
            TrialFailed: a logit is not finite.
        """
        wanted = to_numpy(ids)
        values = to_numpy(logits)
        num_classes = len(self._recorder._classes)
        if wanted.ndim != 1:
            raise BadInput(f"ids: need a flat list, one id a row of logits; got shape {wanted.shape}")
        if values.shape != (len(wanted), num_classes) or values.dtype.kind != "f":
            raise BadInput(
                f"logits: need floats of shape ({len(wanted)}, {num_classes}), one row an id and one "
                f"column a class; got {values.dtype} of shape {values.shape}"
            )
        large = values.size >= _LOGITS_AT_ONCE and not self._taken
        if large or not np.isfinite(values).all():
            self._observe(wanted, values)  # at once, so that nothing need be copied
            return
        if self._taken and wanted.dtype.kind != self._taken[0][0].dtype.kind:
            self._observe_taken()  # ids of two kinds cannot be joined
        self._taken.append((wanted.copy(), values.copy()))
        self._num_taken += values.size
        if self._num_taken >= _LOGITS_AT_ONCE:
            self._observe_taken()

    def _observe_taken(self) -> None:
        if self._taken:
            ids, logits = zip(*self._taken, strict=True)
            self._taken, self._num_taken = [], 0
            self._observe(np.concatenate(ids), np.concatenate(logits))

    def _observe(self, ids: npt.NDArray[Any], logits: npt.NDArray[Any]) -> None:
        positions = self._positions(ids)
        known = positions >= 0
        if not known.all():
            self._unknown.extend(ids[~known].tolist())
            positions, logits = positions[known], logits[known]
        self._log.update(positions, logits)

    def end_epoch(self, *, held_out_accuracy: float | None = None) -> None:
        """Close an epoch, in which every id must have been given exactly once.

        Args:
            held_out_accuracy: accuracy in [0, 1] on examples outside the run, if you measured one.

        Raises:
            BadInput: an id was unknown, given twice or missing (names it).
        """
        self._observe_taken()
        if self._unknown:
            raise BadInput(
                f"epoch {self._log.num_epochs + 1}: unknown id {shorten(self._unknown)}; "
                "only ids given to Recorder can be recorded"
            )
        self._log.end_epoch()
        if held_out_accuracy is not None:
            self._held_out.append(float(held_out_accuracy))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._store()

    def _store(self) -> None:
        recorder = self._recorder
        if self._taken or self._log.pending or self._unknown:
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
        with RunWriter(recorder.path, wait=_WAIT_SECONDS) as writer:
            trials = writer.read().trials
            if self._seed in recorder:
                raise BadInput(f"{recorder.path}: another process has recorded seed {self._seed} meanwhile")
            writer.add(
                record,
                {"train": recorder._ids},
                index=trials[-1].index + 1 if trials else 0,
                seed=self._seed,
                identity=content_hash({"data": recorder._spec.data.identity(), "seed": self._seed}),
            )
