"""Trackers of experiments by name, each of which imports its library when it is made."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from easiness.errors import BadInput, nearest
from easiness.regular_file import at_home


class WeightsAndBiases:
    """Tells the service, or with ``WANDB_MODE=offline`` the folder ``wandb``."""

    def __init__(self, target: str | None) -> None:
        self._project = target or "easiness"
        self._run: Any = None

    def begin(self, name: str, parameters: Mapping[str, str | int | float]) -> None:
        import wandb

        self.close()
        self._run = wandb.init(
            project=self._project, name=name, config=dict(parameters), settings=wandb.Settings(silent=True)
        )
        self._run.define_metric("epoch")
        self._run.define_metric("trial_*", step_metric="epoch")

    def trial(self, index: int, curves: Mapping[str, Mapping[int, float]]) -> None:
        for epoch in sorted({epoch for values in curves.values() for epoch in values}):
            metrics = {f"trial_{index}/{name}": v[epoch] for name, v in curves.items() if epoch in v}
            self._run.log({"epoch": epoch, **metrics})

    def end(self, summary: Mapping[str, float]) -> None:
        self._run.summary.update(dict(summary))
        self.close()

    def close(self) -> None:
        if self._run is not None:
            self._run.finish()
            self._run = None


class TensorBoard:
    """Writes event files below ``FOLDER/RUN``."""

    def __init__(self, target: str | None) -> None:
        assert target is not None
        self._root = self._folder = at_home(target)

    def _writer(self, folder: Path) -> Any:
        from torch.utils.tensorboard import SummaryWriter  # type: ignore[attr-defined,unused-ignore]

        return SummaryWriter(str(folder))  # type: ignore[no-untyped-call,unused-ignore]

    def begin(self, name: str, parameters: Mapping[str, str | int | float]) -> None:
        self._folder = self._root / name
        rows = "\n".join(f"| {key} | {str(value).replace('|', '/')} |" for key, value in parameters.items())
        with self._writer(self._folder) as writer:
            writer.add_text("run", f"| what | value |\n| --- | --- |\n{rows}")

    def trial(self, index: int, curves: Mapping[str, Mapping[int, float]]) -> None:
        with self._writer(self._folder / f"trial-{index:04d}") as writer:
            for name, values in curves.items():
                for epoch, value in values.items():
                    writer.add_scalar(name, value, epoch)

    def end(self, summary: Mapping[str, float]) -> None:
        with self._writer(self._folder) as writer:
            for name, value in summary.items():
                writer.add_scalar(f"summary/{name}", value, 0)

    def close(self) -> None:
        """Do nothing: every file is closed by now."""


class MLflow:
    """Tells the store at a URI, or the one that MLflow is set up for."""

    def __init__(self, target: str | None) -> None:
        from mlflow.tracking import MlflowClient

        self._client: Any = MlflowClient(target)
        self._run: str | None = None

    def begin(self, name: str, parameters: Mapping[str, str | int | float]) -> None:
        before = self._client.get_experiment_by_name("easiness")
        experiment = self._client.create_experiment("easiness") if before is None else before.experiment_id
        self._run = self._client.create_run(experiment, run_name=name).info.run_id
        for key, value in parameters.items():
            self._client.log_param(self._run, key, value)

    def trial(self, index: int, curves: Mapping[str, Mapping[int, float]]) -> None:
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
        for name, value in summary.items():
            self._client.log_metric(self._run, name, value)
        self._client.set_terminated(self._run)
        self._run = None

    def close(self) -> None:
        if self._run is not None:
            self._client.set_terminated(self._run, "KILLED")
            self._run = None


@runtime_checkable
class Tracker(Protocol):
    """A tool that is told of one run after the other; an error of it ends the telling, never the run."""

    def begin(self, name: str, parameters: Mapping[str, str | int | float]) -> None:
        """A run is about to be trained: the name of its folder, and what it is."""

    def trial(self, index: int, curves: Mapping[str, Mapping[int, float]]) -> None:
        """A trial has finished: ``loss`` and accuracies (``accuracy_train``) by epoch, from 1."""

    def end(self, summary: Mapping[str, float]) -> None:
        """The run has all its trials: accuracies, shares and reliability, each in [0, 1]."""

    def close(self) -> None:
        """No more is told, whether the run has ended or not."""


@dataclass(frozen=True)
class TrackerKind:
    """A tracker: its name and that of its package, what makes it, and what follows the colon."""

    name: str
    make: Callable[[str | None], Tracker]
    target: str
    needs_target: bool = False


TRACKERS = (
    TrackerKind("tensorboard", TensorBoard, "FOLDER", needs_target=True),
    TrackerKind("mlflow", MLflow, "URI"),
    TrackerKind("wandb", WeightsAndBiases, "PROJECT"),
)


def make_tracker(text: str) -> Tracker:
    """The tracker that ``tensorboard:FOLDER``, ``mlflow[:URI]`` or ``wandb[:PROJECT]`` names."""
    name, _, target = text.partition(":")
    kind = next((kind for kind in TRACKERS if kind.name == name), None)
    if kind is None:
        names = [kind.name for kind in TRACKERS]
        raise BadInput(f"track {text!r}: unknown; choose {', '.join(names)}{nearest(name, names)}")
    if kind.needs_target and not target:
        raise BadInput(f"track {text!r}: name a {kind.target.lower()}, as in {name}:{kind.target}")
    if importlib.util.find_spec(name) is None:
        raise BadInput(f"track {text!r}: {name} is not installed; pip install 'easiness[{name}]'")
    return kind.make(target or None)
