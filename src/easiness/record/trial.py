"""The record of one finished trial, as a worker returns it and a store keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from easiness.record.observations import Observations


@dataclass(frozen=True)
class TrialRecord:
    """Observations by probe: ``train``, ``held_out`` or both, at the same epochs."""

    probes: dict[str, Observations]
    train_loss: list[float] = field(default_factory=list)  # mean loss of the augmented steps, per epoch
    held_out_accuracy: list[float] | None = None  # where the examples themselves were not observed
    weights: dict[str, npt.NDArray[Any]] | None = None
    ran: dict[str, Any] = field(default_factory=dict)  # where and how long: never part of the identity

    @property
    def num_epochs(self) -> int:
        """Number of epochs trained; the last of them is always observed."""
        return next(iter(self.probes.values())).epochs[-1]

    def accuracy(self) -> dict[str, list[float]]:
        """Accuracy at each epoch observed: ``train`` (examples trained on), ``left_out``, ``held_out``."""
        train, held_out = self.probes.get("train"), self.probes.get("held_out")
        parts = {
            "train": None if train is None else train.accuracy(train.trained_on),
            "left_out": None if train is None else train.accuracy(~train.trained_on),
            "held_out": self.held_out_accuracy if held_out is None else held_out.accuracy(),
        }
        return {name: values for name, values in parts.items() if values is not None}
