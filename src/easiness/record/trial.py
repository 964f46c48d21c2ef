"""The record of one finished trial, as a worker returns it and a store keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from easiness.record.observations import Observations


@dataclass(frozen=True)
class TrialRecord:
    """Observations by probe (``train`` always, ``held_out`` where the data has such a split)."""

    probes: dict[str, Observations]
    train_loss: list[float] = field(default_factory=list)  # mean loss of the augmented steps, per epoch
    held_out_accuracy: list[float] | None = None  # where the examples themselves were not observed
    weights: dict[str, npt.NDArray[Any]] | None = None
    ran: dict[str, Any] = field(default_factory=dict)  # where and how long: never part of the identity

    @property
    def num_epochs(self) -> int:
        """Number of epochs trained and observed."""
        return self.probes["train"].num_epochs

    def accuracy(self) -> dict[str, list[float]]:
        """Accuracy after each epoch: ``train`` (examples trained on), ``left_out``, ``held_out``."""
        train = self.probes["train"]
        held_out = self.probes.get("held_out")
        parts = {
            "train": train.accuracy(train.trained_on),
            "left_out": train.accuracy(~train.trained_on),
            "held_out": held_out.accuracy() if held_out else self.held_out_accuracy,
        }
        return {name: values for name, values in parts.items() if values is not None}
