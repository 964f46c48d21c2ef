"""What became of training on a part of the examples, or with a part of the labels random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.analysis import MIN_GROUP
from easiness.errors import BadInput
from easiness.spec import Effect, Keep
from easiness.studies.training_sets.curves import AccuracyCurve

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class TrainingSetPoint:
    """Networks trained at one rate under one policy.

    ``beta`` are the parameters of the density over ranks that examples are drawn with. ``num_drawn``
    examples were dropped or relabelled and ``num_trained_on`` trained on, in ``num_steps`` steps in all.
    ``accuracy`` [repetitions, epochs] is that on the held-out split after each epoch.
    """

    policy: str
    beta: tuple[float, float]
    rate: float
    num_drawn: int
    num_trained_on: int
    num_steps: int
    accuracy: npt.NDArray[np.float64]

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Mean accuracy over repetitions after each epoch, [epochs]."""
        mean: npt.NDArray[np.float64] = self.accuracy.mean(axis=0)
        return mean

    @property
    def deviation(self) -> npt.NDArray[np.float64]:
        """Standard deviation over repetitions after each epoch, [epochs]; NaN with one repetition."""
        if len(self.accuracy) == 1:
            return np.full(self.accuracy.shape[1], np.nan)
        deviation: npt.NDArray[np.float64] = self.accuracy.std(axis=0, ddof=1)
        return deviation


@dataclass(frozen=True, eq=False)
class TrainedSets:
    """What became of dropping (``drop``) or relabelling (``relabel``) examples by their rank.

    The ranking is by ``score`` after ``score_epoch`` epochs; ``keep`` is the end of it that was to be
    spared, where high means neither easy nor hard. ``points`` go by policy, then by rate; at rate 0 all
    policies show the same run. ``largest_share`` is that of the most frequent class among the held-out
    examples. ``same_steps`` says whether each training had as many steps as one on all ``num_examples``.
    Under `MIN_GROUP` repetitions nothing is decided.
    """

    effect: Effect
    model: str
    score: str
    score_epoch: int
    num_examples: int
    num_held_out: int
    num_classes: int
    largest_share: float
    epochs: int
    repetitions: int
    same_steps: bool
    balanced: bool
    other_label: bool
    points: tuple[TrainingSetPoint, ...]
    keep: Keep | None = None

    @property
    def chance(self) -> float:
        """Accuracy of always guessing the class that most held-out examples have."""
        return self.largest_share

    @property
    def policies(self) -> list[str]:
        """Names of the policies."""
        return list(dict.fromkeys(point.policy for point in self.points))

    @property
    def rates(self) -> list[float]:
        """The rates, ascending."""
        return sorted({point.rate for point in self.points})

    def of(self, policy: str) -> list[TrainingSetPoint]:
        """The points of a policy by rate.

        Raises:
            BadInput: there is no such policy.
        """
        points = [point for point in self.points if point.policy == policy]
        if not points:
            raise BadInput(f"policy {policy!r}: not in this study; it has {', '.join(self.policies)}")
        return points

    def curve(self, policy: str) -> AccuracyCurve:
        """Accuracy after the last epoch by rate, for a policy."""
        points = self.of(policy)
        return AccuracyCurve(tuple(p.rate for p in points), tuple(p.accuracy[:, -1] for p in points))

    def table(self, *, every_epoch: bool = False) -> pd.DataFrame:
        """A row for each policy and rate after the last epoch, or after each.

        ``accuracy`` is the mean over ``repetitions``, ``accuracy_sd`` their standard deviation and
        ``accuracy_se`` the standard error of the mean, all on the held-out split.
        """
        import pandas as pd

        epochs = range(1, self.epochs + 1) if every_epoch else [self.epochs]
        rows = [
            {
                "effect": self.effect,
                "policy": point.policy,
                "beta_a": point.beta[0],
                "beta_b": point.beta[1],
                "rate": point.rate,
                "num_drawn": point.num_drawn,
                "num_trained_on": point.num_trained_on,
                "num_steps": point.num_steps,
                "epochs": self.epochs,
                "epoch": epoch,
                "accuracy": point.mean[epoch - 1],
                "accuracy_sd": point.deviation[epoch - 1],
                "accuracy_se": point.deviation[epoch - 1] / np.sqrt(self.repetitions),
                "repetitions": self.repetitions,
                "decided": self.repetitions >= MIN_GROUP,
                "chance": self.chance,
                "num_held_out": self.num_held_out,
            }
            for point in self.points
            for epoch in epochs
        ]
        return pd.DataFrame(rows)
