"""The votes of a run's trials on each example after one epoch, counted over any groups of trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis.sides import id_keys
from easiness.errors import BadInput
from easiness.lazy import Array, Floats, Integers, Mask, Reals

_UNIT = float(1 << 40)
_STREAM = 0x766F7465  # keeps the random numbers here apart from others of the same seed


def round_in_place(p_label: Floats) -> None:
    """Round probabilities to the multiples of 2**-40 that `Votes` keeps."""
    p_label *= _UNIT
    np.rint(p_label, out=p_label)
    p_label *= 1 / _UNIT


@dataclass(frozen=True, eq=False)
class Votes:
    """The votes of N trials on K examples after ``epoch`` epochs.

    ``correct`` [N, K] says whether the prediction was the label trained with, ``p_label`` [N, K] (float32
    or float64, in [0, 1]) is the probability of that label, ``labels`` [K] are class indices, or strata,
    and ``ids`` [K] the examples' ids. ``trials`` [N] are the indices of the trials in their run, 0..N-1 where
    not given; ``id_keys`` gives the keys [K] of `easiness.analysis.sides`, for votes that share them.

    ``p_label`` is kept rounded to multiples of 2**-40, which makes sums over trials exact: equal examples
    stay equal, whatever the order of trials and examples. Probabilities within 1e-12 tie (with float32
    those within 6e-8 of 1).
    """

    correct: Mask
    p_label: Reals
    labels: Integers
    ids: Array
    epoch: int
    trials: Integers | None = None
    id_keys: Callable[[], npt.NDArray[np.uint64]] | None = None
    memo: dict[Any, Any] = field(init=False, repr=False, default_factory=dict)
    """Sets that were made of them; a copy has the same."""
    is_rounded: InitVar[bool] = False
    """Is ``p_label`` in double precision and rounded already? Then it is kept, not copied."""
    share: float | None = None
    """Share of the examples that heads on features have seen."""

    def __post_init__(self, is_rounded: bool) -> None:
        assert self.correct.ndim == 2, self.correct.shape
        assert self.correct.dtype == np.bool_, self.correct.dtype
        assert self.p_label.shape == self.correct.shape, (self.p_label.shape, self.correct.shape)
        assert self.labels.shape == self.ids.shape == self.correct.shape[1:], self.ids.shape
        assert self.trials is None or len(np.unique(self.trials)) == len(self.correct), self.trials
        if not is_rounded:
            p = self.p_label.astype(np.float64)
            round_in_place(p)
            object.__setattr__(self, "p_label", p)

    @property
    def num_trials(self) -> int:
        return len(self.correct)

    @property
    def num_examples(self) -> int:
        return len(self.labels)

    @cached_property
    def trial_indices(self) -> Integers:
        return np.arange(self.num_trials) if self.trials is None else self.trials

    @cached_property
    def keys(self) -> npt.NDArray[np.uint64]:
        """The ids [K] as integers that break ties just as the ids do, hashed once."""
        return id_keys(self.ids) if self.id_keys is None else self.id_keys()

    def rows(self, rows: Integers) -> Votes:
        return replace(
            self,
            correct=self.correct[rows],
            p_label=self.p_label[rows],
            trials=self.trial_indices[rows],
        )

    def at_most(self, num: int, seed: int = 0) -> Votes:
        """The votes on `drawn_examples`, or on all if they are no more than ``num``."""
        some = drawn_examples(self.num_examples, num, seed)
        if some is None:
            return self
        return replace(
            self,
            correct=self.correct[:, some],
            p_label=self.p_label[:, some],
            labels=self.labels[some],
            ids=self.ids[some],
            id_keys=None,
        )

    @cached_property
    def num_right(self) -> Array:
        """c of Eq. 1, [K]: how many trials are right about each example."""
        self.check_heard(np.arange(self.num_trials)[None])
        narrow = np.min_scalar_type(self.num_trials)  # bytes are added many at a time
        return np.asarray(self.correct.view(np.uint8).sum(axis=0, dtype=narrow), np.float32)

    def check_heard(self, groups: Integers) -> None:
        """Make sure that in each group, positions [R, h], some trial is right about some example."""
        if not self._ever_right[groups].any(axis=1).all():
            num = groups.shape[1]
            where, one = f"epoch {self.epoch}", "trial"
            remedy = "choose a later epoch or train for more epochs"
            if self.share is not None:
                where, one, remedy = f"share {self.share:g}", "head", "choose a larger share"
            raise BadInput(
                f"{where}: no example is classified correctly in a group of {num} {one}{'s' * (num != 1)}, "
                f"so easiness is undefined; {remedy}"
            )

    @cached_property
    def _ever_right(self) -> Mask:
        return np.asarray(self.correct.any(axis=1))

    @cached_property
    def mean_p_label(self) -> Floats:
        return np.asarray(self.p_label.mean(axis=0))


def drawn_examples(num_examples: int, num: int, seed: int = 0) -> Integers | None:
    """Positions, ascending, of ``num`` examples drawn at random; None where there are no more than that."""
    if num_examples <= num:
        return None
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM,)))
    return np.sort(rng.choice(num_examples, num, replace=False))


def check_same_examples(a: Votes, b: Votes) -> None:
    """Assure that two runs saw the same examples in the same order."""
    if a.num_examples != b.num_examples:
        raise BadInput(
            f"the runs: saw {a.num_examples} and {b.num_examples} examples; compare runs over the same data"
        )
    if a.ids is not b.ids and not np.array_equal(a.ids, b.ids):
        at = int(np.argmax(a.ids != b.ids))
        raise BadInput(
            f"the runs: saw different examples (at position {at} ids {a.ids[at]} and {b.ids[at]}); "
            "compare runs over the same data"
        )
