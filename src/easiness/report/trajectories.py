"""How the probability of each label goes over the epochs, in as many bytes as a page can spare."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from easiness.report.quantized import Document, encoded, shares
from easiness.show import count
from easiness.store import Run


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Probabilities of the label in a run, after ``epochs``.

    ``mean`` [n, epochs] is over trials, of all n points. ``by_trial`` [m, trials, epochs] has each trial, of
    the points at ``detailed`` [m].
    """

    epochs: list[int]
    num_observed: int
    mean: npt.NDArray[np.float32] = field(repr=False)
    detailed: npt.NDArray[np.int64] = field(repr=False)
    by_trial: npt.NDArray[np.float32] = field(repr=False)

    def document(self) -> Document:
        """As values of JSON; probabilities to 1/508."""
        everything = len(self.detailed) == len(self.mean)
        return {
            "epochs": self.epochs,
            "mean": shares(self.mean),
            "detailed": None if everything else encoded(self.detailed.astype(np.uint32)),
            "byTrial": shares(self.by_trial),
        }

    def notes(self) -> list[str]:
        """Sentences on what is left out."""
        found = []
        if len(self.epochs) < self.num_observed:
            found.append(f"Trajectories show {len(self.epochs)} of the {self.num_observed} epochs observed.")
        if 0 < len(self.detailed) < len(self.mean):
            found.append(
                f"The course of single trials is here for {count(len(self.detailed))} examples, those with a "
                "picture and suspects first; their mean is here for all."
            )
        return found


def trajectories(
    run: Run,
    epoch: int,
    points: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    most: tuple[int, int],
) -> Trajectories:
    """The trajectories of the examples at ``points`` [n] of a run up to an epoch.

    Args:
        run: whose trials were asked.
        epoch: the last one shown; of those before it as many as fit, evenly spread.
        points: positions in the run, ascending.
        first: which of the points have their trials shown if not all fit: indices of points.
        most: bytes to spend on means, and on single trials.
    """
    observed = [one for one in run.observed if one <= epoch]
    epochs = _spread(observed, max(2, most[0] // max(1, len(points))))
    num_trials = len(run.trials)
    fit = most[1] // (num_trials * len(epochs))
    detailed = np.arange(len(points)) if num_trials > 1 and len(points) <= fit else np.sort(first[:fit])
    detailed = detailed[: 0 if num_trials == 1 else None]  # the mean is all there is
    mean = np.zeros((len(epochs), len(points)))
    by_trial = np.empty((num_trials, len(epochs), len(detailed)), np.float32)
    for row, trial in enumerate(run.trials):
        for at, one in enumerate(epochs):
            loss = trial.columns(one, ["loss"])["loss"][points]
            p = np.exp(-loss.astype(np.float64))
            mean[at] += p
            by_trial[row, at] = p[detailed]
    mean /= num_trials
    return Trajectories(
        epochs,
        len(observed),
        mean.T.astype(np.float32),
        detailed,
        np.ascontiguousarray(by_trial.transpose(2, 0, 1)),
    )


def _spread(epochs: list[int], most: int) -> list[int]:
    """At most so many of the epochs, the first and the last among them."""
    if len(epochs) <= most:
        return epochs
    places = np.unique(np.rint(np.linspace(0, len(epochs) - 1, most)).astype(int))
    return [epochs[at] for at in places.tolist()]
