"""The training loop of one trial: epochs of augmented steps, each followed by an observation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from easiness.errors import TrialFailed
from easiness.record import ObservationLog
from easiness.spec import Recipe, TrialSeeds
from easiness.training.bank import Bank, Evaluated
from easiness.training.network import Network, evaluation_batch

# logits per update of a log: bounds the memory that their statistics need
_LOGITS_PER_UPDATE = 4_000_000


@dataclass(frozen=True)
class EpochReport:
    """What is known of a trial after an epoch, for whoever shows progress."""

    trial: int
    epoch: int
    epochs: int
    train_loss: float
    accuracy: Mapping[str, float]  # by probe
    seconds: float


@dataclass(frozen=True)
class Observer:
    """A probe at work: the images it looks at and the log it fills."""

    images: Evaluated
    log: ObservationLog
    image_shape: tuple[int, int, int]
    num_classes: int

    def observe(self, network: Network, on_images: Callable[[int], None]) -> None:
        """Record every example once, clean: evaluation mode, no augmentation."""
        network.model.eval()
        batch = evaluation_batch(self.image_shape)
        group = max(1, _LOGITS_PER_UPDATE // (batch * self.num_classes)) * batch
        num = len(self.images)
        for start in range(0, num, group):
            stop = min(start + group, num)
            parts = []
            for at in range(start, stop, batch):
                end = min(at + batch, stop)
                parts.append(network.logits(self.images.clean(slice(at, end))))
                on_images(end - at)
            positions = torch.arange(start, stop).numpy()
            self.log.update(positions, torch.cat(parts).cpu().numpy())
        self.log.end_epoch()
        network.model.train()


def batches(num_examples: int, batch_size: int) -> list[slice]:
    """Slices of an epoch's order; a last batch of one example joins the one before it."""
    starts = list(range(0, num_examples, batch_size))
    if len(starts) > 1 and num_examples - starts[-1] == 1 and batch_size > 1:
        starts.pop()
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], num_examples], strict=True)]


def _passes(
    images: Bank, trained_on: Tensor, batch_size: int, order: torch.Generator, augmentation: torch.Generator
) -> Iterator[tuple[Tensor, Any]]:
    """Batches of positions and their augmentation: pass after pass, each in a new order."""
    num = len(trained_on)
    while True:
        positions = trained_on[torch.randperm(num, generator=order)]
        drawn = images.draw(positions, augmentation)
        for batch in batches(num, batch_size):
            yield positions[batch], drawn[batch]


def train(
    network: Network,
    images: Bank,
    labels: Tensor,
    trained_on: Tensor,
    recipe: Recipe,
    seeds: TrialSeeds,
    observers: Mapping[str, Observer],
    *,
    trial: int,
    epochs: int,
    steps_per_epoch: int,
    on_epoch: Callable[[EpochReport], None],
    on_images: Callable[[int], None],
) -> list[float]:
    """Train for ``epochs`` on the positions ``trained_on``, observing after each; returns the mean losses.

    An epoch is ``steps_per_epoch`` steps: one pass over them, or more where fewer examples than usual are
    to be trained on for the usual number of steps.
    ``on_images`` is told after each batch how many images went through the network, in training or not.

    Raises:
        TrialFailed: the loss of a step is not finite (names epoch and step).
    """
    order = torch.Generator().manual_seed(seeds.order)
    augmentation = torch.Generator().manual_seed(seeds.augmentation)
    stream = _passes(images, trained_on, recipe.batch_size, order, augmentation)
    mean_losses = []
    network.model.train()
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        losses = []
        for chosen, drawn in islice(stream, steps_per_epoch):
            losses.append(network.step(images.augmented(chosen, drawn), labels[chosen.to(labels.device)]))
            on_images(len(chosen))
        # one look per epoch, so that no step waits for the device
        epoch_losses = torch.stack(losses).cpu()
        finite = epoch_losses.isfinite()
        if not finite.all():
            step = int((~finite).nonzero()[0]) + 1
            raise TrialFailed(
                f"the loss stopped being finite at epoch {epoch}, step {step} of {steps_per_epoch}"
            )
        mean_losses.append(float(epoch_losses.mean()))
        for observer in observers.values():
            observer.observe(network, on_images)
        accuracy = {name: observer.log.last_accuracy() for name, observer in observers.items()}
        seconds = time.perf_counter() - began
        on_epoch(EpochReport(trial, epoch, epochs, mean_losses[-1], accuracy, seconds))
    return mean_losses
