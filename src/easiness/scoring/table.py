"""All scores of a run at one epoch, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.records import Observations
from easiness.scoring.easiness_score import EASINESS, EasinessCounts
from easiness.scoring.moments import Estimate
from easiness.scoring.registry import SCORES
from easiness.scoring.score import Accumulator, Score, Start, correct_until


class _NeverLearned:
    """Trials that are right about an example at no epoch up to m: a mask, never a value inside a score."""

    def __init__(self, num_examples: int) -> None:
        self._num_never, self._num_seen = np.zeros((2, num_examples), np.int64)

    def add(self, obs: Observations, m: int, first: int) -> None:
        part = slice(first, first + len(obs.labels))
        heard = ~obs.trained_on_at(m) if obs.by_share else np.True_
        self._num_never[part] += heard & ~correct_until(obs, m).any(axis=0)
        self._num_seen[part] += heard

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "never_learned": self._num_never == self._num_seen,
            "never_learned_share": self._num_never / self._num_seen,
        }


class Scoring:
    """Scores of K examples after m epochs, every one or some, from trials that come whole or in pieces.

    Keeps sums per example and score, nothing of a trial: what is in memory grows with K alone.
    """

    def __init__(
        self,
        labels: npt.NDArray[np.int64],
        num_classes: int,
        epoch: int,
        heard: int | None = None,
        scores: Sequence[Score] = SCORES,
    ) -> None:
        """``labels`` [K] are class indices, ``epoch`` is m; `EasinessCounts` counts ``heard`` heads."""
        self._epoch, self._scores = epoch, scores
        self._never_learned = _NeverLearned(len(labels))
        self._accumulators: dict[Start, Accumulator] = {
            score.start: score.start(labels, num_classes) for score in scores
        }
        if EASINESS.start in self._accumulators:
            self._accumulators[EASINESS.start] = EasinessCounts(labels, num_classes, heard)

    def add(self, obs: Observations, first: int = 0) -> None:
        """Take a trial, or a piece of it whose examples stand at ``first`` and after it in the run.

        Raises:
            BadInput: the trial is shorter than m epochs, or was not observed after them.
        """
        if not 1 <= self._epoch <= obs.epochs[-1]:
            raise BadInput(
                f"epoch {self._epoch}: a trial has {obs.epochs[-1]} epoch(s); ask for 1..{obs.epochs[-1]}"
            )
        if self._epoch not in obs.epochs:
            seen = ", ".join(map(str, obs.epochs))
            raise BadInput(f"epoch {self._epoch}: a trial was not observed after it; ask for one of {seen}")
        for accumulator in self._accumulators.values():
            accumulator.add(obs, self._epoch, first)
        self._never_learned.add(obs, self._epoch, first)

    @property
    def counts(self) -> EasinessCounts:
        """The number of trials right about each example at m, of those added; `columns` gives it away."""
        counts = self._accumulators[EASINESS.start]
        assert isinstance(counts, EasinessCounts)
        return counts

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The columns of `score_columns`; to be asked for once, since it gives the sums away.

        Raises:
            BadInput: no example is right in any trial at m, so that easiness is undefined.
        """
        estimates: dict[Start, Estimate] = {}
        columns: dict[str, npt.NDArray[Any]] = {}
        for score in self._scores:
            if score.start in self._accumulators:
                estimates[score.start] = self._accumulators.pop(score.start).result()
                value, se, *ends = estimates[score.start]
            else:  # a second name: columns that share memory would change together
                value, se, *ends = (column.copy() for column in estimates[score.start])
            columns[score.name], columns[f"{score.name}_se"] = value, se
            columns |= {
                f"{score.name}_{end}": np.clip(at, *score.range, out=at)
                for end, at in zip(("low", "high"), ends, strict=True)
            }
        return columns | self._never_learned.columns()


def score_columns(trials: Iterable[Observations], epoch: int) -> dict[str, npt.NDArray[Any]]:
    """Every score of K examples after ``epoch`` epochs, in the order of `SCORES`.

    Args:
        trials: observations of the same examples, one value per trial; read once, one in memory at a time.
        epoch: m, from 1 to the number of epochs of the shortest trial.

    Returns:
        ``<name>``, ``<name>_se``, ``<name>_low`` and ``<name>_high`` as float64 [K], NaN where undefined, for
        every score: its value, the standard error, and an interval that holds what endless trials would
        give in 95 % of the examples; then
        ``never_learned`` (bool [K]: right in no trial at no epoch observed up to m) and
        ``never_learned_share`` (float64 [K]: share of the trials that were never right).
    """
    scoring: Scoring | None = None
    for obs in trials:
        if scoring is None:
            scoring = Scoring(obs.labels, obs.num_classes, epoch)
        scoring.add(obs)
        del obs  # the next trial is read while this name would still hold the last
    if scoring is None:
        raise BadInput("trials: none is finished; measure at least one")
    return scoring.columns()
