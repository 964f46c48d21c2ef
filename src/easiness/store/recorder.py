"""Recording a run from your own training loop."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, get_args

import numpy as np

from easiness.data import check_examples, check_ids, own_ids
from easiness.errors import BadInput, shorten
from easiness.lazy import Array, Integers, Reals, pd
from easiness.records import ObservationLog, TrialRecord, can_be_kept, to_numpy
from easiness.regular_file import at_home
from easiness.spec import DatasetRef, RecordedSpec, SplitRef, content_hash
from easiness.store.examples import KEPT_FILE, kept_examples
from easiness.store.parquet import Ids
from easiness.store.run import Run, open_run
from easiness.store.run_folder import is_run, read_document, update_trials
from easiness.store.trial import StoredTrial
from easiness.store.writer import RunWriter, of_kind

Outputs: TypeAlias = Literal["logits", "probabilities"]
Duplicates: TypeAlias = Literal["refuse", "first"]

WAIT_SECONDS = 60.0  # for another process that records into the same run
_LOGITS_AT_ONCE = 262_144  # small batches are joined to so many, which costs a fifth per example
TOLERANCE = 1e-2  # of the sum of a row of probabilities, which may have been in half precision
_ENOUGH = 2  # rows: one row of logits may be like this by chance


class TrialRecorder:
    """One trial being recorded; an exception in its ``with`` block stores nothing."""

    def __init__(self, into: Recorder, seed: int, trained_on: Any) -> None:
        self._into = into
        self._seed = seed
        self._index = pd.Index(into._ids)
        mask = np.ones(len(self._index), np.bool_)
        if trained_on is not None:
            names = to_numpy(trained_on)
            positions = self._positions(names)
            if (positions < 0).any():
                raise BadInput(f"trained_on: unknown id {shorten(map(repr, names[positions < 0].tolist()))}")
            mask[:] = False
            mask[positions] = True
        keep = np.ones_like(mask) if into._spec.keep_logits else ~mask
        self._log = ObservationLog(
            into._ids,
            into._labels,
            into._num_classes,
            trained_on=mask,
            keep_logits=keep if keep.any() else None,
            augmented=into._spec.augmented,
        )
        self._waiting: list[tuple[Array, Array]] = []
        self._num_waiting = 0
        self._unknown: list[object] = []
        self._held_out: list[float] = []

    def __repr__(self) -> str:
        return f"TrialRecorder({str(self._into.path)!r}, seed={self._seed})"

    def _positions(self, ids: Array) -> Integers:
        """Positions of the ids in the run, -1 for one that it does not have."""
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
        names = to_numpy(ids)
        values = to_numpy(logits)
        num_classes = self._into._num_classes
        if names.ndim != 1:
            raise BadInput(f"ids: need a flat list, one id a row of logits; got shape {names.shape}")
        if values.shape != (len(names), num_classes) or values.dtype.kind != "f":
            raise BadInput(
                f"logits: need floats of shape ({len(names)}, {num_classes}), one row an id and one "
                f"column a class; got {values.dtype} of shape {values.shape}"
            )
        large = values.size >= _LOGITS_AT_ONCE and not self._waiting
        if large or not can_be_kept(values):
            self._observe(names, values)  # at once, so that nothing need be copied
            return
        if self._waiting and names.dtype.kind != self._waiting[0][0].dtype.kind:
            self._observe_waiting()  # ids of two kinds cannot be joined
        self._waiting.append((names.copy(), values.copy()))
        self._num_waiting += values.size
        if self._num_waiting >= _LOGITS_AT_ONCE:
            self._observe_waiting()

    def _observe_waiting(self) -> None:
        if self._waiting:
            ids, logits = zip(*self._waiting, strict=True)
            self._waiting, self._num_waiting = [], 0
            self._observe(np.concatenate(ids), np.concatenate(logits))

    def _observe(self, ids: Array, logits: Array) -> None:
        positions = self._positions(ids)
        is_known = positions >= 0
        if not is_known.all():
            self._unknown.extend(ids[~is_known].tolist())
            positions, logits = positions[is_known], logits[is_known]
        if self._into._duplicates == "first":
            new = self._log.unseen(positions)
            positions, logits = positions[new], logits[new]
        self._log.update(positions, _as_logits(logits, self._into._outputs))

    @property
    def num_epochs(self) -> int:
        """Number of epochs that have ended."""
        return self._log.num_epochs

    def state(self) -> dict[str, Array]:
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
                f"epoch {self._log.num_epochs + 1}: unknown id {shorten(map(repr, self._unknown))}; "
                "only ids given to Recorder can be recorded"
            )
        self._log.end_epoch()
        if accuracy is not None:
            self._held_out.append(accuracy)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            return
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
        with RunWriter(into.path, wait=WAIT_SECONDS, trials=into._trials) as writer:
            if self._seed in into:
                raise BadInput(
                    f"{into.path}: another process has recorded seed {self._seed} meanwhile; take another"
                )
            writer.add(
                record,
                {"train": into._ids},
                index=max((trial.index for trial in into._trials.values()), default=-1) + 1,
                seed=self._seed,
                identity=content_hash({"data": into._spec.data.identity(), "seed": self._seed}),
            )


def _share(accuracy: Any) -> float:
    try:
        share = float(accuracy)
    except OverflowError:
        share = float("inf")
    except (TypeError, ValueError):
        raise BadInput(f"held_out_accuracy: need a number, got {type(accuracy).__name__}") from None
    if not 0 <= share <= 1:  # nor NaN
        raise BadInput(f"held_out_accuracy {share:g}: must be a share, from 0 to 1")
    return share


def _as_logits(values: Reals, outputs: Outputs) -> Reals:
    """Logits [b, classes] of what was given; bare votes, a 1 among zeros, are taken for logits."""
    like_probabilities = bool((values >= 0).all() and (np.abs(values.sum(axis=1) - 1) <= TOLERANCE).all())
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
    logits: Reals = np.log(np.maximum(values, np.finfo(np.float32).tiny))
    return logits


_BITS_OF_A_SEED = 128  # as NumPy's SeedSequence draws; thousands of digits could not be read again


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
        model: str | None = None,
        outputs: Outputs = "logits",
        duplicates: Duplicates = "refuse",
        texts: Any = None,
        sounds: Any = None,
        rate: int | None = None,
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
            model: what to call the network in tables and on pages.
            outputs: what `update` is given: ``logits``, or ``probabilities``, whose logarithms are taken.
            duplicates: of an id that is given twice in an epoch, ``refuse`` it or keep the ``first``, for
                where a distributed sampler pads its batches.
            texts: the examples themselves, K strings in the order of ``ids``, for the run to `keep`.
            sounds: instead, K paths or arrays, as for `keep`.
            rate: of ``sounds`` that are arrays, in samples a second.

        Raises:
            BadInput: ids, labels, names or examples cannot be used, an option is unknown, or ``out`` is
                another run or something else.
        """
        _check_options(outputs, duplicates, model, fingerprint, classes)
        self.path = at_home(out)
        self._ids = own = _as_ids(ids)
        self._labels, names = check_examples(
            to_numpy(labels), len(own), classes, "Recorder", lambda row: f"Recorder: id {own[row]}"
        )
        check_ids(own, len(own), "Recorder")
        content = {"classes": list(names), "ids": own.tolist(), "labels": self._labels.tolist()}
        split = SplitRef(fingerprint=fingerprint or content_hash(content), num_examples=len(own))
        self._spec = spec = RecordedSpec(
            data=DatasetRef(train=split, classes=names),
            keep_logits=keep_logits,
            augmented=augmented,
            network=model,
        )
        self._outputs, self._duplicates = outputs, duplicates
        self._trials: dict[str, StoredTrial] = {}  # at the last look, which are not read again
        to_keep = kept_examples(own, texts, sounds, rate)
        with RunWriter(self.path, wait=WAIT_SECONDS) as writer:
            if not is_run(self.path):
                writer.create(spec, own, self._labels, to_keep)
            elif of_kind(read_document(self.path).spec, spec.data.kind) != spec:
                raise BadInput(
                    f"{self.path}: holds a run over other examples or with other settings; "
                    "choose another output"
                )
            elif to_keep is not None:
                writer.keep(to_keep, own, self._labels)

    def __repr__(self) -> str:
        return f"Recorder({str(self.path)!r}, examples={len(self._ids)}, classes={self._num_classes})"

    @property
    def _num_classes(self) -> int:
        return len(self._spec.data.classes)

    def keep(self, *, texts: Any = None, sounds: Any = None, rate: int | None = None) -> None:
        """Keep the examples themselves in the run, so that pages, lists and exports show them.

        They lie in ``data.parquet`` in the folder of the run, which goes wherever the run goes: leave them
        out where not everybody who gets it may read them, or remove that file. The ids stay those of the run.

        Args:
            texts: K strings in the order of ``ids``, or a mapping that has one for each id.
            sounds: instead, K paths of audio files, or arrays [n] of samples in [-1, 1] (or int16 or int32),
                in the same order or by id. A file is kept with its bytes and name, an array as a WAV.
            rate: of arrays, in samples a second.

        Raises:
            BadInput: they are not as many as the ids, one is empty or cannot be read, arrays have no
                rate, or the run keeps other ones.
        """
        examples = kept_examples(self._ids, texts, sounds, rate)
        if examples is not None:
            with RunWriter(self.path, wait=WAIT_SECONDS) as writer:
                writer.keep(examples, self._ids, self._labels)

    @property
    def keeps_examples(self) -> bool:
        """Does the run keep the examples themselves?"""
        return KEPT_FILE in self.run.document.files

    @property
    def run(self) -> Run:
        """The run as it is on disk now, with every finished trial."""
        return open_run(self.path)

    @property
    def augmented(self) -> bool:
        """Was it made for the logits of training steps, and not of clean passes?"""
        return self._spec.augmented

    def __contains__(self, seed: int) -> bool:
        update_trials(self.path, self._spec.data, self._trials)
        return any(trial.document.seed == seed for trial in self._trials.values())

    def trial(self, seed: int, *, trained_on: Any = None) -> TrialRecorder:
        """Begin a trial; use it in a ``with`` block, at whose end it is stored whole.

        Args:
            seed: what tells this trial from the others of the run, from 0 to 2 ** 128 - 1.
            trained_on: ids of the examples trained on, where not all were. All are observed.

        Raises:
            BadInput: the run has a trial with this seed, the seed is none, or an id is unknown.
        """
        try:
            seed = operator.index(seed)  # also NumPy's integers, which JSON does not know
        except TypeError:
            raise BadInput(f"seed {seed}: must be a whole number") from None
        size = seed.bit_length()
        if seed < 0 or size > _BITS_OF_A_SEED:
            size_text = seed if size <= _BITS_OF_A_SEED else f"of {size} bits"
            raise BadInput(f"seed {size_text}: must be from 0 to 2 ** {_BITS_OF_A_SEED} - 1")
        if seed in self:
            raise BadInput(
                f"{self.path}: has a trial with seed {seed}; skip it (`if {seed} in recorder`) "
                "or take another seed"
            )
        return TrialRecorder(self, seed, trained_on)


def _check_options(
    outputs: str, duplicates: str, model: object, fingerprint: object, classes: Sequence[object] | None
) -> None:
    for option, choice, choices in (
        ("outputs", outputs, get_args(Outputs)),
        ("duplicates", duplicates, get_args(Duplicates)),
    ):
        if choice not in choices:
            raise BadInput(f"Recorder: {option} {choice!r} is unknown; choose {' or '.join(choices)}")
    for name, value, meaning in (
        ("model", model, "what to call the network"),
        ("fingerprint", fingerprint, "as that of `load_dataset`"),
        *(("classes", one, "a name for each") for one in classes or ()),
    ):
        if value is not None and not isinstance(value, str):
            raise BadInput(f"Recorder: {name}: need text ({meaning}), got {type(value).__name__}")


def _as_ids(ids: Any) -> Ids:
    values = to_numpy(ids)
    if values.shape == (0,):
        raise BadInput("Recorder: ids: no examples; give at least one per class")
    if values.ndim != 1 or values.dtype.kind not in "iuUO":
        raise BadInput(f"ids: need a flat list of integers or strings, got {values.dtype} of {values.shape}")
    if values.dtype.kind in "iu":
        return own_ids(values, "ids")
    strings = [value for value in values.tolist() if isinstance(value, str)]
    if len(strings) < len(values):
        raise BadInput("ids: mixed kinds; give integers alone or strings alone")
    return np.array(strings, dtype=object)
