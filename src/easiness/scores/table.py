"""All scores of a run at one epoch, as columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.record import Observations
from easiness.scores.registry import SCORES
from easiness.scores.score import Accumulator, Estimate, Start, correct_until


class _NeverLearned:
    """Trials that are right about an example at no epoch up to m: a mask, never a value inside a score."""

    def __init__(self, num_examples: int) -> None:
        self._num_never = np.zeros(num_examples, np.int64)
        self._num_trials = 0

    def add(self, obs: Observations, m: int) -> None:
        self._num_never += ~correct_until(obs, m).any(axis=0)
        self._num_trials += 1

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "never_learned": self._num_never == self._num_trials,
            "never_learned_share": self._num_never / self._num_trials,
        }


def score_columns(trials: Iterable[Observations], epoch: int) -> dict[str, npt.NDArray[Any]]:
    """Every score of K examples after ``epoch`` epochs, in the order of `SCORES`.

    Args:
        trials: observations of the same examples, one value per trial; read once, one in memory at a time.
        epoch: m, from 1 to the number of epochs of the shortest trial.

    Returns:
        ``<name>`` and ``<name>_se`` as float64 [K], NaN where undefined, for every score; then
        ``never_learned`` (bool [K]: right in no trial at no epoch up to m) and ``never_learned_share``
        (float64 [K]: share of the trials that were never right).

    Raises:
        BadInput: there is no trial, a trial is shorter than ``epoch``, or no example is right in any
            trial at ``epoch``, so that easiness is undefined.
    """
    accumulators: dict[Start, Accumulator] = {}
    never_learned: _NeverLearned | None = None
    for obs in trials:
        if not 1 <= epoch <= obs.num_epochs:
            raise BadInput(
                f"epoch {epoch}: a trial has {obs.num_epochs} epoch(s); ask for 1..{obs.num_epochs}"
            )
        if never_learned is None:
            never_learned = _NeverLearned(len(obs.labels))
            accumulators = {score.start: score.start(obs.labels, obs.num_classes) for score in SCORES}
        for accumulator in accumulators.values():
            accumulator.add(obs, epoch)
        never_learned.add(obs, epoch)
        del obs  # the next trial is read while this name would still hold the last
    if never_learned is None:
        raise BadInput("there is no finished trial to score; measure at least one")
    estimates: dict[Start, Estimate] = {start: a.result() for start, a in accumulators.items()}
    columns: dict[str, npt.NDArray[Any]] = {}
    for score in SCORES:
        columns[score.name], columns[f"{score.name}_se"] = estimates[score.start]
    return columns | never_learned.columns()
