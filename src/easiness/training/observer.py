"""Who looks at a network as it trains, and fills the log of what it makes of every example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from easiness.inputs import EvaluationInput, Signature, fetched_ahead
from easiness.records import ObservationLog
from easiness.training.device import searching, seen_in_parts
from easiness.training.network import Network

# logits per update of a log, about: bounds the memory that their statistics need
_LOGITS_PER_UPDATE = 4_000_000


@dataclass(frozen=True)
class Observer:
    """A probe at work: the images that it looks at, clean, and the log that it fills."""

    images: EvaluationInput
    log: ObservationLog
    signature: Signature | tuple[int, ...]
    num_classes: int
    logits_per_update: int = _LOGITS_PER_UPDATE

    def stepped(self, positions: Tensor, logits: Tensor) -> None:
        """Nothing: what training computes is not looked at."""

    def after_epoch(self, epoch: int, network: Network, on_images: Callable[[int], None]) -> float | None:
        """Observe, if it is this epoch's turn; returns the accuracy then."""
        if self.log.next_epoch != epoch:
            return None
        self.observe(network, on_images)
        return self.log.last_accuracy()

    def observe(self, network: Network, on_images: Callable[[int], None]) -> None:
        """Record every example once, clean: evaluation mode, no augmentation."""
        network.model.eval()
        batch = network.at_once(self.signature)
        group = max(1, self.logits_per_update // (batch * self.num_classes)) * batch
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
                on_images(len(images))
            self.log.update(np.arange(start, stop), torch.cat(parts).cpu().numpy())
        self.log.end_epoch()
        network.model.train()


@dataclass(frozen=True)
class StepObserver:
    """A probe that looks at what training computes anyway: augmented images, while the weights move.

    Every step gives it the logits of its batch, and an epoch has to train on every example once. They
    stay on the device until many have gathered, so that no step waits for it.
    """

    log: ObservationLog
    logits_per_update: int = _LOGITS_PER_UPDATE
    _waiting: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def stepped(self, positions: Tensor, logits: Tensor) -> None:
        """Take the logits [b, classes] of the examples at ``positions`` [b].

        They are copied: a next step may write over them.
        """
        self._waiting.append((positions, logits.detach().clone()))
        if len(self._waiting) * logits.numel() >= self.logits_per_update:
            self._hand_over()

    def after_epoch(
        self,
        epoch: int,  # noqa: ARG002
        network: Network,  # noqa: ARG002
        on_images: Callable[[int], None],  # noqa: ARG002
    ) -> float | None:
        """Close the epoch; returns its accuracy."""
        self._hand_over()
        self.log.end_epoch()
        return self.log.last_accuracy()

    def _hand_over(self) -> None:
        if self._waiting:
            positions, logits = (torch.cat(parts).cpu().numpy() for parts in zip(*self._waiting, strict=True))
            self._waiting.clear()
            self.log.update(positions, logits)


AnyObserver: TypeAlias = Observer | StepObserver
