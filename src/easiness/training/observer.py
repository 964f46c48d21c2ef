"""Who looks at a network as it trains, and fills the logs of what it makes of every example.

Each of the trials that train side by side has its place, and any of them may fail: an observer says which
have, and is told which are still ``going``. It leaves the logs of the others as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from easiness.errors import TrialFailed
from easiness.inputs import fetched_ahead
from easiness.record import ObservationLog
from easiness.training.device import searching
from easiness.training.inputs import Evaluated
from easiness.training.short_memory import seen_in_parts

Failures: TypeAlias = dict[int, TrialFailed]
"""Why trials have failed, by their place."""

# logits per update of a log, about: bounds the memory that their statistics need
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
    """A probe at work: the images that it looks at, clean, and a log for each of the trials side by side."""

    images: Evaluated
    logs: Sequence[ObservationLog]
    image_shape: tuple[int, int, int]
    num_classes: int
    logits_per_update: int = _LOGITS_PER_UPDATE

    def stepped(self, positions: Tensor, logits: Tensor, going: Collection[int]) -> Failures:  # noqa: ARG002
        """Nothing: what training computes is not looked at."""
        return {}

    def after_epoch(
        self, epoch: int, network: Observed, on_images: Callable[[int], None], going: Collection[int]
    ) -> dict[int, float | TrialFailed]:
        """Observe, if it is this epoch's turn; returns the accuracy or failure of each that was going."""
        if all(self.logs[at].next_epoch != epoch for at in going):
            return {}
        return _accuracies(self.logs, going, self.observe(network, on_images, going))

    def observe(
        self, network: Observed, on_images: Callable[[int], None], going: Collection[int] | None = None
    ) -> Failures:
        """Record every example once, clean: evaluation mode, no augmentation.

        All trials are ``going`` unless said. Returns those whose logits are not finite.
        """
        going = range(len(self.logs)) if going is None else going
        failures: Failures = {}
        network.model.eval()
        batch = network.at_once(self.image_shape)
        group = max(1, self.logits_per_update // (batch * self.num_classes * len(self.logs))) * batch
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
                    parts.append(seen_in_parts(network.logits, images))
                on_images(len(images) * len(self.logs))
            seen = torch.cat(parts, dim=-2).cpu().numpy().reshape(len(self.logs), stop - start, -1)
            positions = [np.arange(start, stop)] * len(self.logs)
            failures |= _update(self.logs, positions, list(seen), _without(going, failures))
        for at in _without(going, failures):
            self.logs[at].end_epoch()
        network.model.train()
        return failures


@dataclass(frozen=True)
class StepObserver:
    """A probe that looks at what training computes anyway: augmented images, while the weights move.

    Every step gives it the logits of its batch, and an epoch has to train on every example once. They
    stay on the device until many have gathered, so that no step waits for it.
    """

    logs: Sequence[ObservationLog]
    num_classes: int
    logits_per_update: int = _LOGITS_PER_UPDATE
    _waiting: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def stepped(self, positions: Tensor, logits: Tensor, going: Collection[int]) -> Failures:
        """Take the logits [b, classes] of the examples at ``positions`` [b]; both [trials, ...] for several.

        The logits are copied: a next step may write over them. Returns the trials, of those that were
        going, whose logits turned out not to be finite, in this step or in one before.
        """
        num = len(self.logs)
        copied = logits.detach().clone().view(num, -1, self.num_classes)
        self._waiting.append((positions.view(num, -1), copied))
        if len(self._waiting) * logits.numel() >= self.logits_per_update:
            return self._hand_over(going)
        return {}

    def after_epoch(
        self,
        epoch: int,  # noqa: ARG002
        network: Observed,  # noqa: ARG002
        on_images: Callable[[int], None],  # noqa: ARG002
        going: Collection[int],
    ) -> dict[int, float | TrialFailed]:
        """Close the epoch; returns the accuracy or failure of each trial that was going."""
        failures = self._hand_over(going)
        for at in _without(going, failures):
            self.logs[at].end_epoch()
        return _accuracies(self.logs, going, failures)

    def _hand_over(self, going: Collection[int]) -> Failures:
        if not self._waiting:
            return {}
        positions = _joined([at for at, _ in self._waiting])
        logits = _joined([seen for _, seen in self._waiting])
        self._waiting.clear()
        return _update(self.logs, positions, logits, going)


def _update(
    logs: Sequence[ObservationLog],
    positions: Sequence[npt.NDArray[Any]],
    logits: Sequence[npt.NDArray[Any]],
    going: Collection[int],
) -> Failures:
    failures: Failures = {}
    for at in going:
        try:
            logs[at].update(positions[at], logits[at])
        except TrialFailed as failure:
            failures[at] = failure
    return failures


def _without(going: Collection[int], failures: Failures) -> list[int]:
    return [at for at in going if at not in failures]


def _accuracies(
    logs: Sequence[ObservationLog], going: Collection[int], failures: Failures
) -> dict[int, float | TrialFailed]:
    return {at: failures[at] if at in failures else logs[at].last_accuracy() for at in going}


def _joined(parts: Sequence[Tensor]) -> list[npt.NDArray[Any]]:
    return list(torch.cat(list(parts), dim=1).cpu().numpy())


AnyObserver: TypeAlias = Observer | StepObserver
