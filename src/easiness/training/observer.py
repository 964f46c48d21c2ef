"""Who looks at a network as it trains, and fills the logs of what it makes of every example."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from easiness.errors import TrialFailed
from easiness.record import ObservationLog
from easiness.training.device import searching
from easiness.training.inputs import Evaluated
from easiness.training.transfer import fetched_ahead

# logits per update of a log: bounds the memory that their statistics need
_LOGITS_PER_UPDATE = 4_000_000


class Observed(Protocol):
    """A network that can be looked at, or several trials of one side by side."""

    model: nn.Module

    def logits(self, images: Tensor) -> Tensor:
        """Logits [b, classes] of images, or [trials, b, classes]."""
        ...

    def at_once(self, image_shape: tuple[int, int, int]) -> int:
        """Examples per evaluation batch."""
        ...


@dataclass(frozen=True)
class Observer:
    """A probe at work: the images that it looks at, clean, and a log for each of the trials side by side.

    With ``failed``, a trial whose logits are not finite is noted there and no longer logged; without it
    its failure is raised.
    """

    images: Evaluated
    logs: Sequence[ObservationLog]
    image_shape: tuple[int, int, int]
    num_classes: int
    failed: dict[int, TrialFailed] | None = None

    def stepped(self, positions: Tensor, logits: Tensor) -> None:
        """Nothing: what training computes is not looked at."""

    def after_epoch(
        self, epoch: int, network: Observed, on_images: Callable[[int], None]
    ) -> list[float] | None:
        """Observe, if it is this epoch's turn; returns the accuracy by trial, or ``None``."""
        if all(log.next_epoch != epoch for log in _going(self.logs, self.failed)):
            return None
        self.observe(network, on_images)
        return _accuracies(self.logs, self.failed)

    def observe(self, network: Observed, on_images: Callable[[int], None]) -> None:
        """Record every example once, clean: evaluation mode, no augmentation."""
        network.model.eval()
        batch = network.at_once(self.image_shape)
        group = max(1, _LOGITS_PER_UPDATE // (batch * self.num_classes * len(self.logs))) * batch
        num = len(self.images)
        starts = range(0, num, batch)
        seen_next = fetched_ahead(
            (self.images.clean(slice(at, min(at + batch, num))) for at in starts), self.images.ahead
        )
        for start in range(0, num, group):
            stop = min(start + group, num)
            parts = []
            for _ in range(start, stop, batch):
                images = next(seen_next)
                with searching(len(images) == min(batch, num)):
                    parts.append(network.logits(images))
                on_images(len(images) * len(self.logs))
            seen = torch.cat(parts, dim=-2).cpu().numpy().reshape(len(self.logs), stop - start, -1)
            _update(self.logs, [np.arange(start, stop)] * len(self.logs), list(seen), self.failed)
        for log in _going(self.logs, self.failed):
            log.end_epoch()
        network.model.train()


@dataclass(frozen=True)
class StepObserver:
    """A probe that looks at what training computes anyway: augmented images, while the weights move.

    Every step gives it the logits of its batch, and an epoch has to train on every example once. They
    stay on the device until many have gathered, so that no step waits for it. ``failed``: see `Observer`.
    """

    logs: Sequence[ObservationLog]
    num_classes: int
    failed: dict[int, TrialFailed] | None = None
    _waiting: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def stepped(self, positions: Tensor, logits: Tensor) -> None:
        """Take the logits [b, classes] of the examples at ``positions`` [b]; both [trials, ...] for several.

        The logits are copied: a next step may write over them.
        """
        num = len(self.logs)
        copied = logits.detach().clone().view(num, -1, self.num_classes)
        self._waiting.append((positions.view(num, -1), copied))
        if len(self._waiting) * logits.numel() >= _LOGITS_PER_UPDATE:
            self._hand_over()

    def after_epoch(
        self,
        epoch: int,  # noqa: ARG002
        network: Observed,  # noqa: ARG002
        on_images: Callable[[int], None],  # noqa: ARG002
    ) -> list[float] | None:
        """Close the epoch; returns the accuracy by trial."""
        self._hand_over()
        for log in _going(self.logs, self.failed):
            log.end_epoch()
        return _accuracies(self.logs, self.failed)

    def _hand_over(self) -> None:
        if not self._waiting:
            return
        positions = _joined([at for at, _ in self._waiting])
        logits = _joined([seen for _, seen in self._waiting])
        self._waiting.clear()
        _update(self.logs, positions, logits, self.failed)


def _update(
    logs: Sequence[ObservationLog],
    positions: Sequence[npt.NDArray[Any]],
    logits: Sequence[npt.NDArray[Any]],
    failed: dict[int, TrialFailed] | None,
) -> None:
    for at, log in enumerate(logs):
        if failed is None:
            log.update(positions[at], logits[at])
        elif at not in failed:
            try:
                log.update(positions[at], logits[at])
            except TrialFailed as failure:
                failed[at] = failure


def _going(logs: Sequence[ObservationLog], failed: dict[int, TrialFailed] | None) -> list[ObservationLog]:
    return [log for at, log in enumerate(logs) if at not in (failed or {})]


def _accuracies(logs: Sequence[ObservationLog], failed: dict[int, TrialFailed] | None) -> list[float]:
    return [log.last_accuracy() if at not in (failed or {}) else math.nan for at, log in enumerate(logs)]


def _joined(parts: Sequence[Tensor]) -> list[npt.NDArray[Any]]:
    return list(torch.cat(list(parts), dim=1).cpu().numpy())


AnyObserver: TypeAlias = Observer | StepObserver
