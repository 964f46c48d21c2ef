"""Recording a run from your own training loop."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from easiness.data import check_examples, check_ids, own_ids
from easiness.errors import BadInput
from easiness.record import to_numpy
from easiness.regular_file import at_home
from easiness.spec import DatasetRef, RecordedSpec, SplitRef, content_hash
from easiness.store.given_examples import kept_examples
from easiness.store.kept import KEPT
from easiness.store.parquet import Ids
from easiness.store.run import Run, open_run
from easiness.store.run_folder import is_run, read_document
from easiness.store.trial_recorder import WAIT_SECONDS, Duplicates, Outputs, Recorded, TrialRecorder
from easiness.store.writer import RunWriter, of_kind

_BITS_OF_A_SEED = (
    128  # as NumPy's SeedSequence draws; a number of thousands of digits could not be read again
)


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
        _check_known(outputs, duplicates)
        _check_texts(model, fingerprint, classes)
        self.path = at_home(out)
        own = _as_ids(ids)
        checked, names = check_examples(
            to_numpy(labels), len(own), classes, "Recorder", lambda row: f"Recorder: id {own[row]}"
        )
        check_ids(own, len(own), "Recorder")
        described = {"classes": list(names), "ids": own.tolist(), "labels": checked.tolist()}
        split = SplitRef(fingerprint=fingerprint or content_hash(described), num_examples=len(own))
        spec = RecordedSpec(
            data=DatasetRef(train=split, classes=names),
            keep_logits=keep_logits,
            augmented=augmented,
            network=model,
        )
        self._into = Recorded(self.path, own, checked, spec, outputs, duplicates)
        kept = kept_examples(own, texts, sounds, rate)
        with RunWriter(self.path, wait=WAIT_SECONDS) as writer:
            if not is_run(self.path):
                writer.create(spec, own, checked, kept)
            elif of_kind(read_document(self.path).spec, spec.data.kind) != spec:
                raise BadInput(
                    f"{self.path}: holds a run over other examples or with other settings; "
                    "choose another output"
                )
            elif kept is not None:
                writer.keep(kept, own, checked)

    def __repr__(self) -> str:
        return (
            f"Recorder({str(self.path)!r}, examples={len(self._into.ids)}, classes={self._into.num_classes})"
        )

    def keep(self, *, texts: Any = None, sounds: Any = None, rate: int | None = None) -> None:
        """Keep the examples themselves in the run, so that pages, lists and exports show them.

        They lie in ``data.parquet`` in the folder of the run, which goes wherever the run goes: leave them
        out where not everybody who gets it may read them, or remove that file. The ids stay those of the run.

        Args:
            texts: K strings in the order of ``ids``, or a mapping that has one for each id.
            sounds: instead, K paths of audio files, or arrays [n] of samples in [-1, 1] (or int16 or int32),
                in the same order or by id. Of a file its bytes and its name are kept, of an array a WAV.
            rate: of arrays, in samples a second.

        Raises:
            BadInput: they are not as many as the ids, one is empty or cannot be read, arrays have no
                rate, or the run keeps other ones.
        """
        kept = kept_examples(self._into.ids, texts, sounds, rate)
        if kept is not None:
            with RunWriter(self.path, wait=WAIT_SECONDS) as writer:
                writer.keep(kept, self._into.ids, self._into.labels)

    @property
    def keeps_examples(self) -> bool:
        """Does the run keep the examples themselves?"""
        return KEPT in self.run.document.files

    @property
    def run(self) -> Run:
        """The run as it is on disk now, with every finished trial."""
        return open_run(self.path)

    @property
    def augmented(self) -> bool:
        """Was it made for the logits of training steps, and not of clean passes?"""
        return self._into.spec.augmented

    def __contains__(self, seed: int) -> bool:
        return seed in self._into

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
            shown = seed if size <= _BITS_OF_A_SEED else f"of {size} bits"
            raise BadInput(f"seed {shown}: must be from 0 to 2 ** {_BITS_OF_A_SEED} - 1")
        if seed in self:
            raise BadInput(
                f"{self.path}: has a trial with seed {seed}; skip it (`if {seed} in recorder`) "
                "or take another seed"
            )
        return TrialRecorder(self._into, seed, trained_on)


def _check_known(outputs: str, duplicates: str) -> None:
    """Make sure that both are among what there is."""
    for name, value, known in (
        ("outputs", outputs, get_args(Outputs)),
        ("duplicates", duplicates, get_args(Duplicates)),
    ):
        if value not in known:
            raise BadInput(f"Recorder: {name} {value!r} is unknown; choose {' or '.join(known)}")


def _check_texts(model: object, fingerprint: object, classes: Sequence[object] | None) -> None:
    for name, value, meant in (
        ("model", model, "what to call the network"),
        ("fingerprint", fingerprint, "as that of `load_dataset`"),
        *(("classes", one, "a name for each") for one in ([] if classes is None else classes)),
    ):
        if value is not None and not isinstance(value, str):
            raise BadInput(f"Recorder: {name}: need text ({meant}), got {type(value).__name__}")


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
