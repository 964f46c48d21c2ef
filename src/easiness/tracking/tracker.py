"""What a tracker of experiments has to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class Tracker(Protocol):
    """Is told of one run after the other; an error of it ends the telling, never the run."""

    def begin(self, name: str, parameters: Mapping[str, str | int | float]) -> None:
        """A run is about to be trained: the name of its folder, and what it is."""
        ...

    def trial(self, index: int, curves: Mapping[str, Mapping[int, float]]) -> None:
        """A trial has finished: ``loss`` and accuracies (``accuracy_train``) by epoch, from 1."""
        ...

    def end(self, summary: Mapping[str, float]) -> None:
        """The run has all its trials: accuracies, shares and reliability, each in [0, 1]."""
        ...

    def close(self) -> None:
        """No more is told, whether the run has ended or not."""
        ...
