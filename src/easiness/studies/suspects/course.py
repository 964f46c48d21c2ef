"""Means over trials of what they say of each label, and how these change over the epochs."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from easiness.analysis import MOST_CLASSES, LabelCourse, LabelEvidence, Stage
from easiness.records import KeptLogits
from easiness.scoring import most_named

_AT_ONCE = 1 << 15
_SMALLEST = 1e-300  # a probability
_SMALLEST_SEEN = 1e-12  # 1 - p of the label, from its loss
_UNSEEN = 1e-5  # 1 - p of another class: what rounding to float32 may make of 0
_NEXT_TO_NOTHING = 1e-4  # a mean probability, in its logarithm

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]


class Sums:
    """Sums over trials and epochs of what is averaged for each example; ``num`` [K] counts them."""

    def __init__(self, num_examples: int, num_classes: int) -> None:
        self._num_others = num_classes - 1
        self.num = np.zeros(num_examples)
        names = ("p_label", "p_rival", "p_predicted", "margin", "lead")
        self._sums = {name: np.zeros(num_examples) for name in names}

    @classmethod
    def together(cls, parts: Sequence[Sums]) -> Sums:
        """The sums of all parts."""
        whole = cls(len(parts[0].num), parts[0]._num_others + 1)
        for part in parts:
            whole.num += part.num
            for name, values in part._sums.items():
                whole._sums[name] += values
        return whole

    def add(self, heard: _Mask, loss: npt.NDArray[np.float32], margin: npt.NDArray[np.float32]) -> None:
        """What one trial saw after an epoch, as far as it is heard."""
        log_p, apart = -loss.astype(np.float64), margin.astype(np.float64)
        p_label = np.exp(log_p)
        # one exponent: that of the margin alone can overflow
        p_rival = np.minimum(np.exp(np.minimum(log_p - apart, 0)), 1 - p_label)
        p_predicted = np.maximum(p_label, p_rival)
        # nearer to 1 than can be seen, each of the others is taken to be as probable as the one known
        right = apart >= 0
        p_others = np.where(right, -np.expm1(log_p), 1 - p_rival)
        one_other = np.exp(log_p - np.maximum(apart, 0))
        guessed = np.clip(one_other * self._num_others, _SMALLEST, _UNSEEN)
        p_others = np.where(p_others < np.where(right, _SMALLEST_SEEN, _UNSEEN), guessed, p_others)
        lead = np.log(p_predicted) - np.log(p_others / self._num_others)
        for name, values in (
            ("p_label", p_label),
            ("p_rival", p_rival),
            ("p_predicted", p_predicted),
            ("margin", margin),
            ("lead", lead),
        ):
            self._sums[name] += np.where(heard, values, 0)
        self.num += heard

    def means(self) -> dict[str, _Floats]:
        """Each [K]; 0 where nobody is heard."""
        return {name: values / np.maximum(self.num, 1) for name, values in self._sums.items()}


def rivals(
    predictions: npt.NDArray[np.int32], labels: _Integers, num_classes: int
) -> tuple[_Integers, _Integers, _Integers]:
    """The class named most instead of the label [K], how often it is, and how often any is.

    ``predictions`` [n, K] are -1 where nobody was heard.
    """
    rival, named, others = np.zeros((3, len(labels)), np.int64)
    for first in range(0, len(labels), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        named_class = predictions[:, some]
        no_rival = (named_class < 0) | (named_class == labels[some])
        named_class = np.where(no_rival, num_classes, named_class)
        others[some] = (named_class < num_classes).sum(axis=0)
        rival[some], named[some] = most_named(named_class, nobody=num_classes)
    return rival, named, others


class Told:
    """What is told of each class, as sums over trials and epochs.

    Records tell the probabilities of the label and of the most probable other class; the rest is taken to be
    of all other classes alike. Kept logits tell all.
    """

    def __init__(self, labels: _Integers, num_classes: int) -> None:
        self._labels, self._rows = labels, np.arange(len(labels))
        shape = len(labels), num_classes
        self._predicted, self._next = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._label, self._num = np.zeros((2, len(labels)))
        self._log_p: npt.NDArray[np.float32] | None = None

    def add(self, heard: _Mask, seen: Mapping[str, npt.NDArray[Any]], logits: KeptLogits | None) -> None:
        """What one trial saw after an epoch."""
        self._num += heard
        rows = self._rows[heard]
        if logits is not None and len(logits.positions):
            kept = heard[logits.positions]
            full = logits.positions[kept]
            log_p = log_softmax(logits.values[0][kept].astype(np.float64), axis=1)
            p = np.exp(log_p)
            given = np.arange(len(full)), self._labels[full]
            self._label[full] += p[given]
            p[given] = 0
            self._predicted[full] += p
            if self._log_p is None:
                self._log_p = np.zeros_like(self._predicted)
            self._log_p[full] += log_p
            told = np.zeros(len(heard), np.bool_)
            told[full] = True
            rows = self._rows[heard & ~told]
        log_p_label = -seen["loss"][rows].astype(np.float64)
        p_label = np.exp(log_p_label)
        p_rival = np.minimum(np.exp(np.minimum(log_p_label - seen["margin"][rows], 0)), 1 - p_label)
        self._label[rows] += p_label
        wrong = seen["prediction"][rows] != self._labels[rows]
        self._predicted[rows[wrong], seen["prediction"][rows[wrong]]] += p_rival[wrong]
        known = ~wrong & (seen["rival"][rows] >= 0)
        self._next[rows[known], seen["rival"][rows[known]]] += p_rival[known]

    @property
    def of_all(self) -> bool:
        """Is something told of every example?"""
        return bool(self._num.all())

    def p(self, of_next: float, rows: _Integers | None = None) -> npt.NDArray[np.float32]:
        """Mean probabilities [n, C] of examples; so much of the classes next to a label predicted is told."""
        some = self._rows if rows is None else rows
        num = self._num[some][:, None]
        p = (self._predicted[some] + of_next * self._next[some]) / num
        at = np.arange(len(some)), self._labels[some]
        label = self._label[some] / num[:, 0]
        rest = np.maximum(1 - label - p.sum(axis=1), 0)
        p += rest[:, None] / (p.shape[1] - 1)
        p[at] = label
        told: npt.NDArray[np.float32] = p.astype(np.float32)
        return told

    def log_p(self) -> _Floats:
        """Mean log probabilities [K, C]; of examples without kept logits, logarithms of `p`."""
        log_p = np.log(self.p(1 / 2).astype(np.float64) + _NEXT_TO_NOTHING)
        if self._log_p is not None:
            full = self._log_p.any(axis=1)
            log_p[full] = self._log_p[full] / self._num[full][:, None]
        return log_p

    def next_class(self) -> _Integers:
        """The most probable class [K] besides the label, -1 where nobody tells which it is."""
        others = self._predicted + self._next
        others[self._rows, self._labels] = 0
        return np.where(others.any(axis=1), others.argmax(axis=1), -1).astype(np.int64)


_MOST_STAGES = 9
_SOME = 5000  # examples that tell the course
_MOST_VALUES = 1 << 26  # of mean probabilities


@dataclass(frozen=True, eq=False)
class End:
    """Where a course ends: ``means`` of `Sums`, and the class ``suggested`` instead of the label [K].

    It is the most probable one but the label, by the mean over trials and the last epochs; where there are
    very many classes the one that is predicted most, the first of equals, and -1 where none is. ``named`` [K]
    is how often it is predicted at the end, ``others`` [K] how often any but the label.
    """

    course: LabelCourse
    means: Mapping[str, _Floats]
    suggested: _Integers
    named: _Integers
    others: _Integers


class Course:
    """What trials say of K labels, epoch by epoch; ``heard`` [trials, K] says who is heard of which."""

    def __init__(
        self,
        labels: _Integers,
        num_classes: int,
        heard: _Mask,
        num_last: int,
        num_epochs: int,
        *,
        left_out: bool,
        of_heads: bool,
    ) -> None:
        self._labels, self._num_classes, self._heard, self._of_heads = labels, num_classes, heard, of_heads
        self._left_out = left_out
        self._window: deque[_Epoch] = deque(maxlen=num_last)
        self._now = _Epoch.empty(len(labels), num_classes)
        few = num_classes <= MOST_CLASSES and len(labels) * num_classes <= _MOST_VALUES
        self._told = Told(labels, num_classes) if few else None
        self._recent = Told(labels, num_classes) if few else None
        self._row, self._last = 0, num_epochs - 1
        self._rows = np.unique(np.geomspace(1, num_epochs, min(_MOST_STAGES, num_epochs)).round().astype(int))
        self._rows = self._rows - 1 if not of_heads else self._rows[-1:] - 1
        self._some = np.arange(0, len(labels), -(-len(labels) // _SOME))
        self._stages: list[Stage] = []

    @property
    def stages(self) -> tuple[int, ...]:
        """The positions of the epochs that the course is followed at."""
        return tuple(self._rows.tolist())

    def needs_logits(self, row: int) -> bool:
        """Are logits of this epoch of use? Of heads, which have no course, at the end alone."""
        return self._told is not None and (not self._of_heads or row == self._last)

    def add(self, trial: int, seen: Mapping[str, npt.NDArray[Any]], logits: KeptLogits | None) -> None:
        """What one trial saw after an epoch, as far as it is heard."""
        own = self._heard[trial]
        self._now.halves[trial % 2].add(own, seen["loss"], seen["margin"])
        self._now.predictions.append(np.where(own, seen["prediction"], -1).astype(np.int32))
        for told, first in ((self._told, 0), (self._recent, self._last + 1 - (self._window.maxlen or 1))):
            if told is not None and self._row >= first and (not self._of_heads or logits is not None):
                told.add(own, seen, logits)

    def end_epoch(self, row: int) -> None:
        """Close an epoch."""
        self._row = row + 1
        self._window.append(self._now)
        self._now = _Epoch.empty(len(self._labels), self._num_classes)
        if row in self._rows:
            self._stages.append(self._stage((0, 1), self._some))

    def end(self) -> End:
        """What there is after the last epoch."""
        everyone = np.arange(len(self._labels))
        halves = []
        for half in (0, 1):
            other = [one.halves[half] for one in self._window]
            judged = np.flatnonzero(np.min([one.num for one in other], axis=0) > 0)
            if len(judged) > len(everyone) / 2:
                halves.append(self._stage((half,), np.intersect1d(judged, self._some)))
        last = self._stage((0, 1), everyone)
        named, count, others = self._rivals(everyone)
        if self._recent is not None and self._recent.of_all:
            named = self._recent.next_class()
            count = np.sum([one == named for epoch in self._window for one in epoch.predictions], axis=0)
        log_p = None if self._told is None or not self._told.of_all else self._told.log_p()
        apart = others / (len(self._window) * self._heard.sum(axis=0))
        course = LabelCourse(last, self._stages, halves, log_p, self._of_heads, self._left_out, apart)
        return End(course, self._sums((0, 1)).means(), named, count, others)

    def _sums(self, halves: Sequence[int]) -> Sums:
        return Sums.together([epoch.halves[half] for epoch in self._window for half in halves])

    def _rivals(self, rows: _Integers) -> tuple[_Integers, _Integers, _Integers]:
        seen = np.stack([one[rows] for epoch in self._window for one in epoch.predictions])
        return rivals(seen, self._labels[rows], self._num_classes)

    def _stage(self, halves: Sequence[int], rows: _Integers) -> Stage:
        means = {name: values[rows] for name, values in self._sums(halves).means().items()}
        rival, _, _ = self._rivals(rows)
        said = np.stack([one[rows] for one in self._window[-1].predictions])
        wrong = ((said != self._labels[rows]) & (said >= 0)).sum() / self._heard[:, rows].sum()
        evidence = LabelEvidence(
            self._labels[rows],
            means["margin"],
            means["lead"],
            rival,
            float(means["p_predicted"].mean()),
            self._num_classes,
        )
        p = None if self._told is None or self._of_heads else self._told.p(1.0, rows)
        return Stage(evidence, p, float(wrong))


@dataclass
class _Epoch:
    """What was seen after an epoch: sums over each half of the trials, and the predictions of all."""

    halves: tuple[Sums, Sums]
    predictions: list[npt.NDArray[np.int32]]

    @classmethod
    def empty(cls, num_examples: int, num_classes: int) -> _Epoch:
        return cls((Sums(num_examples, num_classes), Sums(num_examples, num_classes)), [])
