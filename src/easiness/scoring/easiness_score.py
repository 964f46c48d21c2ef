"""Easiness (Kishida and Nakayama 2019, Eq. 1): how often the trials get an example right, scaled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.records import Observations
from easiness.scoring.moments import Estimate, Values
from easiness.scoring.score import Score, correct_after

Counts = npt.NDArray[np.int64]


_LATER = "train longer or read a later epoch"


def easiness(correct: npt.NDArray[np.bool_]) -> Values:
    """Eq. 1: ``c / max c`` [K], with c the number of trials that are right, from ``correct`` [N, K].

    Raises:
        BadInput: no trial is right about any example, so that the ratio is undefined.
    """
    return _scaled(correct.sum(axis=0, dtype=np.int64), len(correct), "the given trials")


def _scaled(count: Counts, num_trials: int, where: str, remedy: str = _LATER) -> Values:
    largest = count.max(initial=0)
    if largest == 0:
        raise BadInput(
            f"{where}: no example is classified correctly in any of {num_trials} trial(s), "
            f"so easiness is undefined; {remedy}"
        )
    share: Values = count / largest
    return share


def easiness_interval(
    count: npt.ArrayLike, num_trials: int, max_count: int, level: float = 0.95
) -> tuple[Values, Values]:
    """Jeffreys interval of ``count / num_trials``, scaled by ``num_trials / max_count`` as easiness is.

    The equal-tailed interval of Beta(c + 1/2, N - c + 1/2); by convention its low end is 0 at c = 0
    and its high end N / max c at c = N (Brown, Cai and DasGupta 2001). It speaks of the share of
    trials that are right, with max c taken as given, so the high end may exceed 1.

    Args:
        count: trials that are right, any shape, each in 0..num_trials.
        num_trials: N, at least 1.
        max_count: the largest count of the data set, in 1..num_trials.
        level: share of the posterior inside, in (0, 1).
    """
    from scipy.special import betaincinv

    counts = np.asarray(count, np.float64)
    if not 0 < level < 1:
        raise BadInput(f"level={level}: give a number between 0 and 1, such as 0.95")
    if not 1 <= max_count <= num_trials:
        raise BadInput(f"max_count={max_count}: give a count in 1..{num_trials}, the number of trials")
    if counts.size and not (counts.min() >= 0 and counts.max() <= num_trials):
        raise BadInput(f"count: give counts in 0..{num_trials}, the number of trials")
    a, b = counts + 0.5, num_trials - counts + 0.5
    low = np.where(counts == 0, 0.0, betaincinv(a, b, (1 - level) / 2))
    high = np.where(counts == num_trials, 1.0, betaincinv(a, b, (1 + level) / 2))
    scale = num_trials / max_count
    return low * scale, high * scale


class EasinessCounts:
    """Counts the trials that are right at m; every trial counts, whether it trained on x or not.

    Of heads those count that were not shown x, and of each x ``at_most`` so many, the first ones.
    """

    def __init__(
        self,
        labels: npt.NDArray[np.int64],
        num_classes: int,  # noqa: ARG002
        at_most: int | None = None,
    ) -> None:
        self.num_right: Counts = np.zeros(len(labels), np.int64)
        self._num_seen: Counts = np.zeros(len(labels), np.int64)
        self._at_most = at_most
        self._epoch, self._by_share = 0, False

    @property
    def num_trials(self) -> int:
        """N, the trials added, or of heads how many count of each example at least."""
        return int(self._num_seen.min())

    def add(self, obs: Observations, m: int, first: int) -> None:
        """Take a piece of a trial."""
        part = slice(first, first + len(obs.labels))
        heard = np.ones(len(obs.labels), np.bool_)
        if obs.by_share:
            heard = ~obs.trained_on_at(m)
            if self._at_most is not None:
                heard &= self._num_seen[part] < self._at_most
        self.num_right[part] += heard & correct_after(obs, m)
        self._num_seen[part] += heard
        self._epoch, self._by_share = m, obs.by_share

    def result(self) -> Estimate:
        """Easiness, and of the Jeffreys posterior of c / N the deviation and interval, on the same scale."""
        num_trials = self.num_trials
        where = (
            ("the heads of this share", "read a larger share")
            if self._by_share
            else (f"epoch {self._epoch}",)
        )
        value = _scaled(self.num_right, num_trials, *where)
        total = num_trials + 1  # a + b of Beta(c + 1/2, N - c + 1/2)
        a = self.num_right + 0.5
        posterior_std = np.sqrt(a * (total - a) / (total + 1)) / total
        most = self.num_right.max()
        ends = easiness_interval(np.arange(num_trials + 1), num_trials, most)
        low, high = (end[self.num_right] for end in ends)
        return Estimate(value, posterior_std * (num_trials / most), low, high)


EASINESS = Score(
    name="easiness",
    formula="number of trials right at epoch m, divided by the largest such number; error: std of the "
    "Jeffreys posterior, divided likewise",
    unit="share",
    range=(0, 1),
    high_means="easy",
    needs=("prediction",),
    source="Kishida and Nakayama 2019, Eq. 1, arXiv:1911.10739",
    start=EasinessCounts,
)
