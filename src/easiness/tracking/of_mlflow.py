"""MLflow: a run of it for each run, by a client of its own: a run of the user's is left alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


class MLflow:
    """Tells the store at a URI, or the one that MLflow is set up for."""

    def __init__(self, target: str | None) -> None:
        from mlflow.tracking import MlflowClient

        self._client: Any = MlflowClient(target)
        self._run: str | None = None

    def begin(self, name: str, parameters: Mapping[str, str | int | float]) -> None:
        """A run in the experiment ``easiness`` with these parameters."""
        found = self._client.get_experiment_by_name("easiness")
        experiment = self._client.create_experiment("easiness") if found is None else found.experiment_id
        self._run = self._client.create_run(experiment, run_name=name).info.run_id
        for key, value in parameters.items():
            self._client.log_param(self._run, key, value)

    def trial(self, index: int, curves: Mapping[str, Mapping[int, float]]) -> None:
        """Metrics ``trial_3/loss`` with the epoch as the step, sent at once."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(f"trial_{index}/{name}", value, now, epoch)
            for name, values in curves.items()
            for epoch, value in values.items()
        ]
        for first in range(0, len(metrics), 1000):  # what MLflow takes at a time
            self._client.log_batch(self._run, metrics[first : first + 1000])

    def end(self, summary: Mapping[str, float]) -> None:
        """Metrics of the run."""
        for name, value in summary.items():
            self._client.log_metric(self._run, name, value)
        self._client.set_terminated(self._run)
        self._run = None

    def close(self) -> None:
        """A run that has not ended by now is marked as killed."""
        if self._run is not None:
            self._client.set_terminated(self._run, "KILLED")
            self._run = None
