"""What the trials of a run said of each example after one epoch, counted over any groups of trials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis.tiebreak import id_keys
from easiness.errors import BadInput

_COLUMNS = 1 << 16  # examples widened to floats at a time
_CELLS = 1 << 22  # groups x examples held at a time
_UNIT = float(1 << 40)


@dataclass(frozen=True, eq=False)
class Votes:
    """What N trials said of K examples after ``epoch`` epochs.

    ``correct`` [N, K] says whether the prediction was the label trained with, ``p_label`` [N, K] (float32
    or float64, in [0, 1]) is the probability of that label, ``labels`` [K] are class indices and ``ids``
    [K] the examples' ids. ``trials`` [N] are the indices of the trials in their run, 0..N-1 where not
    given. With float32, probabilities within 6e-8 of 1 tie; with float64 those within 1e-12.
    """

    correct: npt.NDArray[np.bool_]
    p_label: npt.NDArray[np.floating[Any]]
    labels: npt.NDArray[np.int64]
    ids: npt.NDArray[Any]
    epoch: int
    trials: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        assert self.correct.ndim == 2, self.correct.shape
        assert self.correct.dtype == np.bool_, self.correct.dtype
        assert self.p_label.shape == self.correct.shape, (self.p_label.shape, self.correct.shape)
        assert self.labels.shape == self.ids.shape == self.correct.shape[1:], (
            self.labels.shape,
            self.ids.shape,
        )
        assert self.trials is None or len(np.unique(self.trials)) == len(self.correct), self.trials

    @property
    def num_trials(self) -> int:
        """N."""
        return len(self.correct)

    @property
    def num_examples(self) -> int:
        """K."""
        return len(self.labels)

    @cached_property
    def trial_indices(self) -> npt.NDArray[np.int64]:
        """Indices [N] of the trials in their run."""
        return np.arange(self.num_trials) if self.trials is None else self.trials

    @cached_property
    def keys(self) -> npt.NDArray[np.uint64]:
        """The ids [K] as integers that break ties just as the ids do, hashed once."""
        return id_keys(self.ids)

    def all_trials(self) -> npt.NDArray[np.float32]:
        """The group [1, N] in which every trial counts once."""
        return np.ones((1, self.num_trials), np.float32)

    def counts(self, groups: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """c of Eq. 1, [R, K]: how many trials of each group are right about each example.

        ``groups`` [R, N] says how often each trial counts: 0 or 1 for a group, more in a resampled one.

        Raises:
            BadInput: no trial of some group is right about any example, so easiness is undefined.
        """
        counts = np.empty((len(groups), self.num_examples), np.float32)
        for part in self._columns():
            counts[:, part] = groups @ self.correct[:, part].astype(np.float32)
        silent = ~counts.any(axis=1)
        if silent.any():
            num = int(groups[silent.argmax()].sum())
            raise BadInput(
                f"epoch {self.epoch}: no example is classified correctly in a group of {num} trials, "
                "so easiness is undefined; choose a later epoch or train for more epochs"
            )
        return counts

    def mean_p_label(self, groups: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Mean probability of the label over the trials of each group, [R, K]; groups as in `counts`.

        Probabilities are rounded to multiples of 2**-40, which makes the sums exact: equal examples stay
        equal, whatever the order of trials and examples.
        """
        means = np.empty((len(groups), self.num_examples))
        wide = groups.astype(np.float64)
        for part in self._columns():
            means[:, part] = wide @ np.rint(self.p_label[:, part].astype(np.float64) * _UNIT)
        means /= wide.sum(axis=1, keepdims=True) * _UNIT
        return means

    def each(
        self, groups: npt.NDArray[np.float32], *, with_p_label: bool
    ) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float64] | None]]:
        """Counts [K], and on request mean probabilities [K], group by group, in bounded memory."""
        step = max(1, _CELLS // self.num_examples)
        for start in range(0, len(groups), step):
            some = groups[start : start + step]
            counts = self.counts(some)
            p_label = self.mean_p_label(some) if with_p_label else None
            for row in range(len(some)):
                yield counts[row], None if p_label is None else p_label[row]

    def _columns(self) -> Iterator[slice]:
        return (slice(at, at + _COLUMNS) for at in range(0, self.num_examples, _COLUMNS))


def check_same_examples(a: Votes, b: Votes) -> None:
    """Assure that two runs saw the same examples in the same order.

    Raises:
        BadInput: numbers of examples or ids differ.
    """
    if a.num_examples != b.num_examples:
        raise BadInput(
            f"the runs saw {a.num_examples} and {b.num_examples} examples: compare runs over the same data"
        )
    if a.ids is not b.ids and not np.array_equal(a.ids, b.ids):
        at = int(np.argmax(a.ids != b.ids))
        raise BadInput(
            f"the runs saw different examples (at position {at} ids {a.ids[at]} and {b.ids[at]}): "
            "compare runs over the same data"
        )
