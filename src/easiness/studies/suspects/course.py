"""Means over trials of what they say of each label, and how these change over the epochs."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import MOST_CLASSES, LabelCourse, LabelEvidence, Stage
from easiness.record import KeptLogits
from easiness.studies.suspects.sums import Sums, Told, rivals

_MOST_STAGES = 9
_SOME = 5000  # examples that tell the course
_MOST_VALUES = 1 << 26  # of mean probabilities

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]


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
