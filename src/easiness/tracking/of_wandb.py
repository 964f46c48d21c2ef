"""Weights & Biases: a run of it for each run, in the project of a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class WeightsAndBiases:
    """Tells the service, or with ``WANDB_MODE=offline`` the folder ``wandb``."""

    def __init__(self, target: str | None) -> None:
        self._project = target or "easiness"
        self._run: Any = None

    def begin(self, name: str, parameters: Mapping[str, str | int | float]) -> None:
        """A run with these as its configuration."""
        import wandb

        self.close()
        self._run = wandb.init(
            project=self._project, name=name, config=dict(parameters), settings=wandb.Settings(silent=True)
        )
        self._run.define_metric("epoch")
        self._run.define_metric("trial_*", step_metric="epoch")

    def trial(self, index: int, curves: Mapping[str, Mapping[int, float]]) -> None:
        """Metrics ``trial_3/loss`` over ``epoch``."""
        for epoch in sorted({epoch for values in curves.values() for epoch in values}):
            seen = {f"trial_{index}/{name}": v[epoch] for name, v in curves.items() if epoch in v}
            self._run.log({"epoch": epoch, **seen})

    def end(self, summary: Mapping[str, float]) -> None:
        """The summary of the run."""
        self._run.summary.update(dict(summary))
        self.close()

    def close(self) -> None:
        """End the run, if one is begun."""
        if self._run is not None:
            self._run.finish()
            self._run = None
