"""The training loop: epochs of augmented steps, of one trial or of several, observed as they go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor

from easiness.errors import TrialFailed
from easiness.inputs import fetched_ahead
from easiness.spec import TrialSeeds
from easiness.training.cuda_graph import StaticStep
from easiness.training.device import searching
from easiness.training.inputs import Bank
from easiness.training.network import Network
from easiness.training.observer import AnyObserver
from easiness.training.stacked_network import Together
from easiness.training.standing import Standing


@dataclass(frozen=True)
class EpochReport:
    """What is known of a trial after an epoch, for whoever shows progress.

    ``seconds`` are those of all trials that train side by side with it.
    """

    trial: int
    epoch: int
    epochs: int
    train_loss: float
    accuracy: Mapping[str, float]  # by probe, of those that have looked after this epoch
    seconds: float


@dataclass(frozen=True)
class Lane:
    """One of the trials that train side by side: its index, what it learns from, and its random streams.

    ``trained_on`` are positions, on the CPU; ``labels`` [K] are those of all examples, on the device.
    """

    trial: int
    trained_on: Tensor
    labels: Tensor
    seeds: TrialSeeds


@dataclass(frozen=True)
class Course:
    """How long trials train, and by which steps.

    An epoch is ``steps_per_epoch`` steps: one pass over the examples trained on, or more where fewer than
    usual are to be trained on for the usual number of steps. ``graphed`` repeats a step as a CUDA graph.
    """

    epochs: int
    steps_per_epoch: int
    batch_size: int
    graphed: bool = False


@dataclass(frozen=True)
class Listener:
    """Who hears of a training: of each epoch, and after each batch how many images went through a network."""

    on_epoch: Callable[[EpochReport], None] = lambda _: None
    on_images: Callable[[int], None] = lambda _: None


class Keeper(Protocol):
    """Keeps how far a training has come, so that it need not begin anew after an interruption."""

    def begin(self, standing: Standing) -> None:
        """Before the first step: set ``standing`` to what was kept of this training, if anything was."""
        ...

    def after_epoch(self, standing: Standing) -> None:
        """An epoch has ended that is not the last: keep it, if it is time."""
        ...


def batches(num_examples: int, batch_size: int) -> list[slice]:
    """Slices of an epoch's order; a last batch of one example joins the one before it."""
    starts = list(range(0, num_examples, batch_size))
    if len(starts) > 1 and num_examples - starts[-1] == 1 and batch_size > 1:
        starts.pop()
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], num_examples], strict=True)]


def _passes(
    images: Bank, lanes: Sequence[Lane], batch_size: int, first: int = 0
) -> Iterator[tuple[Tensor, tuple[Tensor, ...], Tensor]]:
    """Batches of positions, their images as fetched, and labels: pass after pass, each in a new order.

    A batch has the examples of one trial after those of another, as many of each. All that decides a pass
    is moved to the device at once, so that no step waits for it. The ``first`` batches are left out: what
    decides them is drawn all the same, so that the others are what they are after them.
    """
    num = len(lanes[0].trained_on)
    orders = [torch.Generator().manual_seed(lane.seeds.order) for lane in lanes]
    augmentations = [torch.Generator().manual_seed(lane.seeds.augmentation) for lane in lanes]
    slices = batches(num, batch_size)
    by_trial = torch.arange(len(lanes) * num).view(len(lanes), num)
    by_batch = torch.cat([by_trial[:, batch].flatten() for batch in slices])
    while True:
        chosen, parts, labels = [], [], []
        for lane, order, augmentation in zip(lanes, orders, augmentations, strict=True):
            positions = lane.trained_on[torch.randperm(num, generator=order)]
            chosen.append(positions)
            parts.append(images.draw(positions, augmentation))
            labels.append(lane.labels[positions.to(lane.labels.device)])
        skipped, first = slices[:first], max(0, first - len(slices))
        if len(skipped) == len(slices):
            continue
        all_positions = torch.cat(chosen)[by_batch].to(images.home)
        all_drawn = images.joined(parts)[by_batch.to(images.home)]
        all_labels = torch.cat(labels)[by_batch.to(labels[0].device)]
        for batch in slices[len(skipped) :]:
            at = slice(batch.start * len(lanes), batch.stop * len(lanes))
            yield all_positions[at], images.fetch(all_positions[at], all_drawn[at]), all_labels[at]


def make_update(
    network: Network | Together, images: Bank, num_trials: int, *, graphed: bool
) -> Callable[..., tuple[Tensor, ...]]:
    """From what `Bank.fetch` gives of a batch, and its labels, to the losses and logits of an update.

    The batch has as many examples for each trial, one trial after the other. `Optimizer.advance` comes
    first. ``graphed``: as a `StaticStep`.
    """

    def update(*inputs: Tensor) -> tuple[Tensor, ...]:
        *fetched, labels = inputs
        seen = images.finish(*fetched)
        if num_trials > 1:
            seen = seen.view(num_trials, -1, *seen.shape[1:])
            labels = labels.view(num_trials, -1)
        return network.update(seen, labels)

    return StaticStep(update) if graphed else update


def train(
    network: Network | Together,
    images: Bank,
    lanes: Sequence[Lane],
    observers: Mapping[str, AnyObserver],
    course: Course,
    listener: Listener,
    keeper: Keeper | None = None,
) -> list[list[float] | TrialFailed]:
    """Train, observed as it goes on; returns the mean losses of each trial, or its failure.

    One trial is trained by a `Network`, several side by side by a `Together`; then all of them train on
    equally many examples. One that fails (the loss of a step or a logit is not finite) costs the others
    nothing, and its first failure counts. A ``keeper`` may have it begin where it stopped before.
    """
    num, epochs, steps_per_epoch = len(lanes), course.epochs, course.steps_per_epoch
    assert len({len(lane.trained_on) for lane in lanes}) == 1

    standing = Standing(network, observers, [[] for _ in lanes], lanes[0].labels.device)
    if keeper is not None:
        keeper.begin(standing)
    update = make_update(network, images, num, graphed=course.graphed)
    passes = _passes(images, lanes, course.batch_size, standing.epoch * steps_per_epoch)
    stream = fetched_ahead(islice(passes, (epochs - standing.epoch) * steps_per_epoch), images.ahead)
    whole = num * batches(len(lanes[0].trained_on), course.batch_size)[0].stop

    def count(num_images: int) -> None:
        standing.images += num_images
        listener.on_images(num_images)

    losses = torch.zeros(steps_per_epoch, num, device=lanes[0].labels.device)
    network.model.train()
    while standing.epoch < epochs:
        began = time.perf_counter()
        for step, (positions, fetched, labels) in enumerate(islice(stream, steps_per_epoch)):
            network.optimizer.advance()
            with searching(len(labels) == whole):
                losses[step], logits = update(*fetched, labels)
            for observer in observers.values():
                standing.failed |= observer.stepped(positions, logits, standing.going())
            count(len(labels))
        # one look per epoch, so that no step waits for the device
        for at, of_one in enumerate(losses.T.contiguous().cpu()):
            _note_losses(standing, at, of_one)
        accuracy = _observed(standing, count)
        standing.epoch += 1
        seconds = time.perf_counter() - began
        for at in standing.going():
            trial, loss = lanes[at].trial, standing.losses[at][-1]
            listener.on_epoch(EpochReport(trial, standing.epoch, epochs, loss, accuracy[at], seconds))
        if not standing.going():
            break
        if keeper is not None and standing.epoch < epochs:
            keeper.after_epoch(standing)
    return [standing.failed.get(at, losses) for at, losses in enumerate(standing.losses)]


def _observed(standing: Standing, on_images: Callable[[int], None]) -> list[dict[str, float]]:
    """Let the observers look after an epoch; accuracies by trial and probe, of those that looked."""
    accuracy: list[dict[str, float]] = [{} for _ in standing.losses]
    for name, observer in standing.observers.items():
        found = observer.after_epoch(standing.epoch + 1, standing.network, on_images, standing.going())
        for at, seen in found.items():
            if isinstance(seen, TrialFailed):
                standing.failed[at] = seen
            else:
                accuracy[at][name] = seen
    return accuracy


def _note_losses(standing: Standing, at: int, losses: Tensor) -> None:
    """Note the losses of an epoch's steps of one trial, and that it has failed where one is not finite."""
    finite = losses.isfinite()
    standing.losses[at].append(float(losses.mean()))
    if not finite.all():
        first = int((~finite).nonzero()[0]) + 1
        where = f"epoch {standing.epoch + 1}, step {first} of {len(losses)}"
        standing.failed.setdefault(at, TrialFailed(f"the loss stopped being finite at {where}"))
