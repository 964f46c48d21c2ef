"""The score that is explained, of all trials, of all but some, and of halves of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.scores import Score, Scoring
from easiness.spec import Split
from easiness.store import Run, num_heard

EASE = {"easy": 1, "sound label": 1, "hard": -1, "suspect label": -1}
"""1 where a high score is easy, -1 where it is hard, by what high means."""

_MOST_GROUPS = 10  # of trials that are left out in turn
_NUM_HALVES = 4
_FEWEST = 20  # examples

_Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outcome:
    """A score of K examples as it is (``values``) and turned so that high is easy (``whole``).

    It is ``known`` of some; ``without`` is that of all trials but a part, and ``halves`` of disjoint halves.
    There are ``times`` as many trials in all as in a half.
    """

    values: _Floats
    whole: _Floats
    known: npt.NDArray[np.bool_]
    without: list[_Floats]
    halves: list[tuple[_Floats, _Floats]]
    times: float

    @property
    def tied(self) -> float:
        """The share of the examples that have the most frequent value."""
        return float(np.unique(self.whole[self.known], return_counts=True)[1].max() / self.known.sum())


def outcome_of(run: Run, score: Score, row: int, split: Split) -> Outcome:
    """The score of a row of the run, with that of parts of its trials."""

    def turned(trials: Sequence[int]) -> _Floats:
        return _values(_with(run, trials), score, row, split)[1]

    values, whole = _values(run, score, row, split)
    groups = _groups(run)
    without = [turned(rest) for rest in _leaving_out(groups)]
    known = np.isfinite(np.array([whole, *without])).all(axis=0)
    levels = len(np.unique(whole[known]))
    if not known.any():
        raise BadInput(
            f"{run.path}: {score.name} {run.at(row)} is defined for no example; give another score "
            "(--score difficulty)"
        )
    if known.sum() < _FEWEST or levels < 2:
        raise BadInput(
            f"{run.path}: {score.name} {run.at(row)} has {levels} levels over {int(known.sum())} examples, "
            "too few to explain; give another score (--score difficulty), or measure more"
        )
    in_halves = list(_halves(groups))
    halves = [(turned(first), turned(second)) for first, second in in_halves]
    in_one = np.mean([len(half) for pair in in_halves for half in pair]) if in_halves else len(run.trials)
    return Outcome(values, whole, np.asarray(known), without, halves, len(run.trials) / float(in_one))


def _values(run: Run, score: Score, row: int, split: Split) -> tuple[_Floats, _Floats]:
    """The score [K] as it is, and as it ranks from hard to easy."""
    labels = run.examples(split)[1]
    scoring = Scoring(labels, len(run.classes), row, num_heard(run.trials, row, split), [score])
    for trial in run.trials:
        for first, seen in trial.blocks(len(run.classes), row, split):
            scoring.add(seen, first)
    columns = scoring.columns()
    return columns[score.name], EASE[score.high_means] * score.ranked(columns, row)


def _with(run: Run, indices: Sequence[int]) -> Run:
    """The run with some of its trials."""
    part = copy.copy(run)
    chosen = set(indices)
    part.trials = [trial for trial in run.trials if trial.index in chosen]
    return part


def _groups(run: Run) -> list[list[int]]:
    """Indices of trials by what goes together: each alone, but of heads all folds of a partition."""
    folds = 1 if run.spec.heads is None else run.spec.heads.folds
    together: dict[int, list[int]] = {}
    for trial in run.trials:
        together.setdefault(trial.index // folds, []).append(trial.index)
    return [group for group in together.values() if len(group) == folds] or [*together.values()]


def _leaving_out(groups: Sequence[list[int]]) -> Iterator[list[int]]:
    """All trials but those of a part, for each of up to `_MOST_GROUPS` parts; nothing of one group."""
    if len(groups) < 2:
        return
    for part in np.array_split(np.arange(len(groups)), min(len(groups), _MOST_GROUPS)):
        yield [one for at, group in enumerate(groups) if at not in part for one in group]


def _halves(groups: Sequence[list[int]]) -> Iterator[tuple[list[int], list[int]]]:
    """Two disjoint halves of the trials, a few times."""
    size = len(groups) // 2
    for seed in range(_NUM_HALVES if size else 0):
        order = np.random.default_rng(seed).permutation(len(groups))
        a, b = order[:size], order[size : 2 * size]
        yield tuple([one for at in some for one in groups[at]] for some in (a, b))  # type: ignore[misc]
