"""Observations of a set of examples in one trial, and the log that collects it batch by batch."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput, TrialFailed, shorten
from easiness.lazy import Array, Floats, Integers, Mask, Reals, Singles

CLASSES = ("prediction", "rival")
"""The statistics that are classes, int32; the others are float32."""

_FEW_CLASSES = 64  # at most 255, since a class's rank is a byte
_LOGITS_PER_BLOCK = 65_536  # so that a block's float64 arrays stay in the cache


LARGEST = 1e37
"""Largest logit: losses and margins, differences of logits, are kept in single precision."""


def can_be_kept(logits: Reals) -> bool:
    """Are all logits [b, classes] finite, and none beyond `LARGEST`?"""
    return not logits.size or bool(-LARGEST <= logits.min() <= logits.max() <= LARGEST)


class Statistics(NamedTuple):
    """One value per example of a batch, shapes [b]; p is the softmax of the logits."""

    prediction: npt.NDArray[np.int32]  # argmax of the logits, the first of equals
    loss: Singles  # -log p_label, so that p_label is exp(-loss)
    margin: Singles  # z_label - the largest other logit
    error_norm: Singles  # ||p - onehot(label)||_2, in [0, sqrt(2)]
    entropy: Singles  # -sum p log p, in nats
    rival: npt.NDArray[np.int32]  # the class of the largest other logit, the first of equals

    @classmethod
    def empty(cls, num: int) -> Statistics:
        return cls._make(np.empty(num, np.int32 if name in CLASSES else np.float32) for name in cls._fields)


def to_numpy(values: Any) -> Array:
    """An array from NumPy, a torch tensor on any device, or a sequence; half precision becomes float32.

    Widening is exact, so an argmax after it is the argmax of the values as they were given.
    """
    if hasattr(values, "detach"):
        values = values.detach()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()
        values = values.cpu().numpy()
    try:
        array = np.asarray(values)
    except ValueError:
        raise BadInput("an array: has rows of several lengths; give one length to all") from None
    return array.astype(np.float32) if array.dtype == np.float16 else array


def known_rival(
    prediction: npt.NDArray[np.int32], labels: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.int32]:
    """The rival where it was not recorded, as far as predictions [..., b] tell: -1 where they are right."""
    return np.where(prediction != labels, prediction, np.int32(-1))


def example_statistics(logits: Reals, labels: Integers) -> Statistics:
    """Statistics of finite ``logits`` [b, classes] (at least two) against ``labels`` [b].

    Computed in float64 and rounded once, so that a loss near zero keeps its digits. They
    are the same bit by bit in any batch.
    """
    num, num_classes = logits.shape
    if num == 1:  # alone it would be summed in another order than beside others
        pair = example_statistics(logits.repeat(2, axis=0), labels.repeat(2))
        return Statistics._make(values[:1] for values in pair)
    out = Statistics.empty(num)
    num_blocks = -(-num // max(4, _LOGITS_PER_BLOCK // num_classes))
    # blocks of nearly equal sizes, so that none is of one example
    bounds = [num * block // num_blocks for block in range(num_blocks)] + [num]
    for block in map(slice, bounds, bounds[1:]):
        _fill(Statistics._make(values[block] for values in out), logits[block], labels[block])
    return out


def _fill(out: Statistics, logits: Reals, labels: Integers) -> None:
    """Write a block's statistics to ``out``; ``z`` is [classes, b]."""
    num, num_classes = logits.shape
    few = num_classes <= _FEW_CLASSES
    rows = np.arange(num)
    # a row a class where there are few, so that every operation runs along the many examples
    z = logits.T.astype(np.float64, order="C" if few else "F")
    of_label = labels * num + rows if few else labels + rows * num_classes
    z -= z.max(axis=0)
    if few:
        rank = np.arange(num_classes, 0, -1, dtype=np.uint8)[:, None]
        out.prediction[:] = num_classes - ((z == 0) * rank).max(axis=0)  # the first of equals ranks highest
    else:
        out.prediction[:] = logits.argmax(axis=1)
    # exp(z) is p times its total: dividing last, once per example, spares a pass over all classes
    p_total = np.exp(z)
    total = p_total.sum(axis=0)
    log_total = np.log(total)
    z_flat, p_flat = z.reshape(-1, order="A"), p_total.reshape(-1, order="A")
    z_label = z_flat[of_label]
    out.loss[:] = log_total - z_label
    out.entropy[:] = np.maximum(log_total - np.einsum("cb,cb->b", p_total, z) / total, 0.0)
    p_flat[of_label] -= total
    out.error_norm[:] = np.sqrt(np.einsum("cb,cb->b", p_total, p_total)) / total
    z_flat[of_label] = -np.inf
    if few:
        z_rival = z.max(axis=0)
        out.rival[:] = num_classes - ((z == z_rival) * rank).max(axis=0)
    else:
        out.rival[:] = rival = z.argmax(axis=0)
        z_rival = z_flat[rival + rows * num_classes]
    out.margin[:] = z_label - z_rival


STATISTICS = Statistics._fields


@dataclass(frozen=True)
class KeptLogits:
    """Logits kept on request: ``values`` [epochs, n, classes] of the examples at ``positions`` [n].

    Positions ascend.
    """

    positions: Integers
    values: Singles

    def between(self, first: int, end: int) -> KeptLogits:
        """The logits of the examples at ``first``, ..., ``end - 1``, with positions from 0."""
        low, high = np.searchsorted(self.positions, [first, end])
        return KeptLogits(self.positions[low:high] - first, self.values[:, low:high])


@dataclass(frozen=True)
class Observations:
    """Epochs observed x examples of one trial; row ``r`` is what was seen after ``epochs[r]`` epochs.

    K examples are all of a run or some of them. ``labels`` [K] are the labels trained with, ``trained_on``
    [K] says which examples the trial trained on; of heads, whose rows are shares of the examples, it is
    [epochs, K]. ``epochs`` ascend from 1 on; by default they are 1, 2, ...
    Observations are clean (evaluation mode, no augmentation), or ``augmented``: what the training steps of
    the epoch computed, while the weights moved. ``rival`` is -1 where it is not known (`known_rival`).
    """

    labels: Integers
    num_classes: int
    trained_on: Mask
    prediction: npt.NDArray[np.int32]
    loss: Singles
    margin: Singles
    error_norm: Singles
    entropy: Singles
    rival: npt.NDArray[np.int32]
    logits: KeptLogits | None = None
    epochs: tuple[int, ...] = ()
    augmented: bool = False

    def __post_init__(self) -> None:
        if not self.epochs:
            object.__setattr__(self, "epochs", tuple(range(1, len(self.prediction) + 1)))
        assert len(self.epochs) == len(self.prediction)

    @property
    def num_epochs(self) -> int:
        return len(self.prediction)

    def row(self, epoch: int) -> int:
        return self.epochs.index(epoch)

    def num_until(self, epoch: int) -> int:
        """The number of the epochs 1, ..., ``epoch`` that were observed."""
        return bisect.bisect_right(self.epochs, epoch)

    def trained_on_at(self, epoch: int) -> Mask:
        """The examples [K] that were trained on until ``epoch``, or seen by the heads of that row."""
        return self.trained_on[self.row(epoch)] if self.by_share else self.trained_on

    @property
    def by_share(self) -> bool:
        """Are these of heads, whose rows are shares of the examples, and which speak of the others alone?"""
        return self.trained_on.ndim == 2

    @property
    def correct(self) -> Mask:
        """[epochs, K]: is the prediction the label trained with?"""
        return np.asarray(self.prediction == self.labels)

    @cached_property
    def p_label(self) -> Floats:
        """[epochs, K]: probability of the label, exp(-loss)."""
        p = -self.loss.astype(np.float64)
        return np.exp(p, out=p)

    def accuracy(self, among: Mask | None = None) -> list[float] | None:
        """Accuracy at each epoch observed, over the examples in the mask ([K] or [epochs, K]).

        ``None`` where it is empty at some epoch.
        """
        correct = self.correct
        mask = np.broadcast_to(True if among is None else among, correct.shape)
        num = mask.sum(axis=1)
        return ((correct & mask).sum(axis=1) / num).tolist() if num.all() else None


class ObservationLog:
    """Collects a trial's observations of K examples, each exactly once per epoch observed, in any batches.

    ``epochs`` are those that will be observed, ascending; by default every one from 1 on. Examples are named
    by position here; mistakes are collected and raised by `end_epoch`, where all of them are known, as
    `BadInput` naming the ids.
    """

    def __init__(
        self,
        ids: Integers | npt.NDArray[np.object_],
        labels: Integers,
        num_classes: int,
        *,
        trained_on: Mask | None = None,
        keep_logits: Mask | None = None,
        epochs: tuple[int, ...] = (),
        augmented: bool = False,
    ) -> None:
        self._ids = ids
        self._labels = labels
        self._num_classes = num_classes
        self._trained_on = np.ones(len(ids), np.bool_) if trained_on is None else trained_on
        self._kept_positions = None if keep_logits is None else np.flatnonzero(keep_logits)
        if keep_logits is not None:  # the row of each example among those kept
            self._rows = np.where(keep_logits, np.cumsum(keep_logits) - 1, -1)
        self._to_observe = epochs
        self._augmented = augmented
        self._epochs: list[Statistics] = []
        self._epoch_logits: list[Singles] = []
        self._begin()

    def _begin(self) -> None:
        num = len(self._ids)
        self._num_looks = np.zeros(num, np.int64)
        self._current = Statistics.empty(num)
        if self._kept_positions is not None:
            self._logits = np.empty((len(self._kept_positions), self._num_classes), np.float32)

    @property
    def num_epochs(self) -> int:
        return len(self._epochs)

    @property
    def next_epoch(self) -> int:
        """The epoch to be observed next, from 1; 0 where none is left."""
        last = self.num_epochs
        if not self._to_observe:
            return last + 1
        return self._to_observe[last] if last < len(self._to_observe) else 0

    @property
    def pending(self) -> int:
        return int(self._num_looks.sum())

    def unseen(self, positions: Integers) -> Mask:
        """Mask [b] of the ``positions`` that were not seen in this epoch yet, nor stand earlier here."""
        first = np.zeros(len(positions), np.bool_)
        first[np.unique(positions, return_index=True)[1]] = True
        return np.asarray(first & (self._num_looks[positions] == 0))

    def update(self, positions: Integers, logits: Reals) -> None:
        """Take the logits [b, classes] of the examples at ``positions`` [b]."""
        if not can_be_kept(logits):
            finite = np.isfinite(logits).all(axis=1)
            bad = ~finite if not finite.all() else (np.abs(logits) > LARGEST).any(axis=1)
            problem = f"beyond {LARGEST:g}; divide them by a number" if finite.all() else "not finite"
            raise TrialFailed(
                f"epoch {self.next_epoch}: logits of id {shorten(self._ids[positions[bad]])} are {problem}"
            )
        where = _as_slice(positions)
        if isinstance(where, slice):
            self._num_looks[where] += 1
        else:
            np.add.at(self._num_looks, where, 1)  # some may be there twice
        for out, values in zip(self._current, example_statistics(logits, self._labels[where]), strict=True):
            out[where] = values
        if self._kept_positions is not None:
            rows = self._rows[where]
            self._logits[rows[rows >= 0]] = logits[rows >= 0]

    def end_epoch(self) -> None:
        twice, never = np.flatnonzero(self._num_looks > 1), np.flatnonzero(self._num_looks == 0)
        if len(twice):
            raise BadInput(
                f"epoch {self.next_epoch}: id {shorten(self._ids[twice])} was given more than once; "
                "every id belongs in each epoch exactly once"
            )
        if len(never):
            raise BadInput(
                f"epoch {self.next_epoch}: {len(never)} of {len(self._ids)} ids are missing "
                f"(id {shorten(self._ids[never])}); every id belongs in each epoch exactly once"
            )
        self._epochs.append(self._current)
        if self._kept_positions is not None:
            self._epoch_logits.append(self._logits)
        self._begin()

    def state(self) -> dict[str, Array]:
        """The epochs that have ended, as plain arrays: for a checkpoint of a training."""
        arrays = {name: np.stack([getattr(e, name) for e in self._epochs]) for name in STATISTICS}
        if self._kept_positions is not None:
            arrays["logits"] = np.stack(self._epoch_logits)
        return arrays

    def restore(self, state: Mapping[str, Array]) -> None:
        """Begin where `state` was taken, of a log of the same examples."""
        num = len(next(iter(state.values())))
        expected: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        for name in STATISTICS if "rival" in state else STATISTICS[:-1]:
            expected[name] = (num, len(self._ids)), np.dtype(np.int32 if name in CLASSES else np.float32)
        if self._kept_positions is not None:
            expected["logits"] = (num, len(self._kept_positions), self._num_classes), np.dtype(np.float32)
        classes = (state[name] for name in CLASSES if name in state)
        if {name: (values.shape, values.dtype) for name, values in state.items()} != expected or any(
            ((one < -1) | (one >= self._num_classes)).any() for one in classes
        ):
            raise BadInput("the checkpoint: is of a recording of other examples; begin the training anew")
        state = {"rival": known_rival(state["prediction"], self._labels), **state}
        self._epochs = [
            Statistics(*(np.array(state[name][row]) for name in STATISTICS))
            for row in range(len(state[STATISTICS[0]]))
        ]
        self._epoch_logits = (
            [np.array(one) for one in state["logits"]] if self._kept_positions is not None else []
        )
        self._begin()

    def last_accuracy(self) -> float:
        return float((self._epochs[-1].prediction == self._labels).mean())

    def observations(self) -> Observations:
        """The observations so far; at least one epoch must have ended."""
        columns = {name: np.stack([getattr(e, name) for e in self._epochs]) for name in STATISTICS}
        logits = None
        if self._kept_positions is not None:
            logits = KeptLogits(self._kept_positions, np.stack(self._epoch_logits))
        return Observations(
            labels=self._labels,
            num_classes=self._num_classes,
            trained_on=self._trained_on,
            logits=logits,
            epochs=self._to_observe[: self.num_epochs],
            augmented=self._augmented,
            **columns,
        )


class TagLog(ObservationLog):
    """Takes logits of tags [b, T] of examples, and logs each of their questions as one of two classes.

    ``examples`` [Q], ascending positions, and ``tags`` [Q] say what each question is about.
    """

    def __init__(self, *about: Any, examples: Integers, tags: Integers, **more: Any) -> None:
        super().__init__(*about, **more)
        self._tags, num = tags, int(examples[-1]) + 1
        self._starts = np.searchsorted(examples, np.arange(num + 1))

    def update(self, positions: Integers, logits: Reals) -> None:
        """Take the logits [b, T] of the examples at ``positions`` [b]; a sigmoid of each is a probability."""
        within = (
            np.minimum(positions, len(self._starts) - 1),
            np.minimum(positions + 1, len(self._starts) - 1),
        )
        starts, ends = (self._starts[at] for at in within)
        num = ends - starts
        rows = np.repeat(np.arange(len(positions)), num)
        questions = np.arange(num.sum()) + np.repeat(starts - np.cumsum(num) + num, num)
        there = logits[rows, self._tags[questions]]
        super().update(questions, np.stack([np.zeros_like(there), there], axis=1))


def _as_slice(positions: Integers) -> Integers | slice:
    """Consecutive positions as a slice, which is several times as fast to read and write."""
    num = len(positions)
    if num and positions[-1] - positions[0] == num - 1 and (positions[1:] - positions[:-1] == 1).all():
        return slice(int(positions[0]), int(positions[0]) + num)
    return positions


@dataclass(frozen=True)
class TrialRecord:
    """Observations by probe: ``train``, ``held_out`` or both, at the same epochs."""

    probes: dict[str, Observations]
    train_loss: list[float] = field(default_factory=list)  # mean loss of the augmented steps, per epoch
    held_out_accuracy: list[float] | None = None  # where the examples themselves were not observed
    weights: dict[str, Array] | None = None
    ran: dict[str, Any] = field(default_factory=dict)  # where and how long: never part of the identity

    @property
    def num_epochs(self) -> int:
        return next(iter(self.probes.values())).epochs[-1]

    def accuracy(self) -> dict[str, list[float]]:
        """Accuracy at each epoch observed: ``train`` (examples trained on), ``left_out``, ``held_out``."""
        train, held_out = self.probes.get("train"), self.probes.get("held_out")
        parts = {
            "train": None if train is None else train.accuracy(train.trained_on),
            "left_out": None if train is None else train.accuracy(~train.trained_on),
            "held_out": self.held_out_accuracy if held_out is None else held_out.accuracy(),
        }
        return {name: values for name, values in parts.items() if values is not None}
