"""All scores of a run at one epoch, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput, nearest, shorten
from easiness.lazy import Array, Integers
from easiness.records import Observations
from easiness.scoring.held_out import HELD_OUT
from easiness.scoring.score import Accumulator, Score, ScoreEstimate, Start, correct_until
from easiness.scoring.scores import OVER_TRIALS, EasinessCounts

SCORES: tuple[Score, ...] = (*OVER_TRIALS, *HELD_OUT)


def find_score(name: str) -> Score:
    by_name = {score.name: score for score in SCORES}
    if name in by_name:
        return by_name[name]
    raise BadInput(f"score {name!r}: unknown{nearest(name, by_name)}; choose {', '.join(by_name)}")


class Scoring:
    """Scores of K examples after m epochs, every one or some, from trials that come whole or in pieces.

    Keeps sums per example and score, nothing of a trial: what is in memory grows with K alone.
    """

    def __init__(
        self,
        labels: Integers,
        epoch: int,
        num_heads: int | None = None,
        scores: Sequence[Score] = SCORES,
    ) -> None:
        """``labels`` [K] are class indices, ``epoch`` is m; `EasinessCounts` counts ``num_heads``."""
        self._epoch, self._scores = epoch, scores
        # trials that are right about an example at no epoch up to m: a mask, never a value inside a score
        self._num_never, self._num_seen = np.zeros((2, len(labels)), np.int64)
        self._accumulators: dict[Start, Accumulator] = {score.start: score.start(labels) for score in scores}
        if EasinessCounts in self._accumulators:
            self._accumulators[EasinessCounts] = EasinessCounts(labels, num_heads)

    def add(self, obs: Observations, first: int = 0) -> None:
        """Take a trial, or a piece of it whose examples stand at ``first`` and after it in the run."""
        if self._epoch not in obs.epochs:
            epochs = shorten(obs.epochs, 10)
            raise BadInput(f"epoch {self._epoch}: a trial was not observed after it; ask for one of {epochs}")
        for accumulator in self._accumulators.values():
            accumulator.add(obs, self._epoch, first)
        part = slice(first, first + len(obs.labels))
        speaks = ~obs.trained_on_at(self._epoch) if obs.by_share else np.True_
        self._num_never[part] += speaks & ~correct_until(obs, self._epoch).any(axis=0)
        self._num_seen[part] += speaks

    @property
    def counts(self) -> EasinessCounts:
        """The number of trials right about each example at m, of those added; `columns` gives it away."""
        counts = self._accumulators[EasinessCounts]
        assert isinstance(counts, EasinessCounts)
        return counts

    def columns(self) -> dict[str, Array]:
        """The columns of `score_columns`; to be asked for once, since it gives the sums away."""
        estimates: dict[Start, ScoreEstimate] = {}
        columns: dict[str, Array] = {}
        for score in self._scores:
            if score.start in self._accumulators:
                estimates[score.start] = self._accumulators.pop(score.start).result()
                value, se, *ends = estimates[score.start]
            else:  # a second name: columns that share memory would change together
                value, se, *ends = (column.copy() for column in estimates[score.start])
            columns[score.name], columns[f"{score.name}_se"] = value, se
            for end, at in zip(("low", "high"), ends, strict=True):
                columns[f"{score.name}_{end}"] = np.clip(at, *score.range, out=at)
        columns["never_learned"] = self._num_never == self._num_seen
        columns["never_learned_share"] = self._num_never / self._num_seen
        return columns


def score_columns(trials: Iterable[Observations], epoch: int) -> dict[str, Array]:
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
            scoring = Scoring(obs.labels, epoch)
        scoring.add(obs)
        del obs  # the next trial is read while this name would still hold the last
    if scoring is None:
        raise BadInput("trials: none is finished; measure at least one")
    return scoring.columns()


def most_named(
    predictions: npt.NDArray[np.integer[Any]], nobody: int | None = None
) -> tuple[Integers, Integers]:
    """The class named most in each column [n], of equals the one with the lowest index, and how often.

    Args:
        predictions: class indices [N, n], one row at least.
        nobody: an index above all classes that names none; -1 and 0 times where a column has nothing else.
    """
    in_order = np.sort(predictions, axis=0)
    winner, most = in_order[0].astype(np.int64), np.ones(in_order.shape[1], np.int64)
    if nobody is not None:
        none = winner == nobody  # and so are all behind it
        winner[none], most[none] = -1, 0
    run = np.ones(in_order.shape[1], np.int64)  # equal predictions in a row, up to this one
    for before, now in pairwise(in_order):
        run = np.where(now == before, run + 1, 1)
        more = run > most  # equally many are not more: they are of a higher index
        if nobody is not None:
            more &= now < nobody
        winner[more], most[more] = now[more], run[more]
    return winner, most
