"""``learning_curve``: how left-out accuracy rises with the share of the examples that heads have seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from easiness.analysis import ShareVotes, fit_curve, share_votes
from easiness.errors import BadInput
from easiness.store import Run, check_opened
from easiness.studies.learning.curve import LearningCurve


def learning_curve(run: Run) -> LearningCurve:
    """Left-out accuracy by the share of the examples seen, and what all of them and twice as many would give.

    Every example counts at a share with the heads that had not seen it. What is foretold has a 95 % interval,
    for the accuracy on examples that are not among those measured: it allows for the finite number of
    examples, for which of them heads happened to see, and for what the shares leave open of the curve's form.
    Where they say nothing of more examples, a reason is given instead.

    Args:
        run: a run on features (``features=``).

    Raises:
        BadInput: the run has epochs instead of shares, or no finished trial, or some trial was observed at
            no common share.
    """
    check_opened(run=run)
    if not run.shares:
        raise BadInput(
            f"{run.path}: has epochs, not shares, so no learning curve; measure with features (--features)"
        )
    run.resolve_epoch(None)
    votes = _votes(run)
    return LearningCurve(
        model=run.model,
        num_trials=len(run.trials),
        num_examples=len(run.ids),
        chance=votes.chance,
        curve=fit_curve(votes, len(run.ids)),
    )


def _votes(run: Run) -> ShareVotes:
    """What heads said of the examples that they had not seen; a column is read at a time."""
    labels, rows = run.labels, run.observed
    right = np.zeros((len(run.trials), len(rows)), np.int64)
    left_out = np.zeros_like(right)
    of_right = np.zeros((len(rows), len(labels)), np.int64)
    of_heard = np.zeros_like(of_right)
    for at, trial in enumerate(run.trials):
        for row, epoch in enumerate(rows):
            for first, piece in trial.pieces(epoch, ["prediction", "trained_on"]):
                place = slice(first, first + len(piece["prediction"]))
                heard = ~piece["trained_on"]
                correct = heard & (piece["prediction"] == labels[place])
                of_heard[row, place] += heard
                of_right[row, place] += correct
                left_out[at, row] += heard.sum()
                right[at, row] += correct.sum()
    shares = tuple(run.shares[epoch - 1] for epoch in rows)
    return share_votes(shares, _chance(labels), right, left_out, (of_right, of_heard))


def _chance(labels: npt.NDArray[np.int64]) -> float:
    """The accuracy of naming the most frequent class."""
    return float(np.bincount(labels).max() / len(labels))
