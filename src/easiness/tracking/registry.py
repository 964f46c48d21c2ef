"""What a tracker of experiments has to do, and those that there are by name."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from easiness.errors import BadInput, nearest


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
    """A tracker: its name, the package that it needs, the module of ours, and what follows the colon."""

    name: str
    package: str
    make: Callable[[str | None], Tracker]
    target: str
    needs_target: bool = False


def _later(module: str, name: str) -> Callable[[str | None], Tracker]:
    def make(target: str | None) -> Tracker:
        tracker: Tracker = getattr(importlib.import_module(f"easiness.tracking.{module}"), name)(target)
        return tracker

    return make


TRACKERS = (
    TrackerKind(
        "tensorboard", "tensorboard", _later("of_tensorboard", "TensorBoard"), "FOLDER", needs_target=True
    ),
    TrackerKind("mlflow", "mlflow", _later("of_mlflow", "MLflow"), "URI"),
    TrackerKind("wandb", "wandb", _later("of_wandb", "WeightsAndBiases"), "PROJECT"),
)


def make_tracker(text: str) -> Tracker:
    """The tracker that ``tensorboard:FOLDER``, ``mlflow[:URI]`` or ``wandb[:PROJECT]`` names."""
    name, _, target = text.partition(":")
    kind = next((kind for kind in TRACKERS if kind.name == name), None)
    if kind is None:
        known = [kind.name for kind in TRACKERS]
        raise BadInput(f"track {text!r}: unknown; choose {', '.join(known)}{nearest(name, known)}")
    if kind.needs_target and not target:
        raise BadInput(f"track {text!r}: name a {kind.target.lower()}, as in {name}:{kind.target}")
    if importlib.util.find_spec(kind.package) is None:
        raise BadInput(f"track {text!r}: {name} is not installed; pip install 'easiness[{name}]'")
    return kind.make(target or None)
