"""The training loop: epochs of augmented steps, who observes the network, and the examples trained on."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor

from easiness.analysis import draw_by_rank
from easiness.errors import BadInput, TrialFailed
from easiness.inputs import EvaluationInput, Signature, TensorBank, fetched_ahead
from easiness.lazy import Array, Floats, Integers, Mask
from easiness.records import ObservationLog
from easiness.spec import Draw, TrialSeeds
from easiness.training.device import searching, seen_in_parts
from easiness.training.network import Network

_NETWORK, _OPTIMIZER, _RANDOM, _OBSERVED, _LOSSES = "network/", "optimizer/", "random/", "observed/", "losses"
_PLACE = 0  # of the trial in its checkpoint: versions of before trained several in one process


@dataclass(frozen=True)
class TrainingState:
    """A training at the end of an epoch: ``tensors`` on the CPU; ``images`` have gone through the network."""

    epoch: int
    images: int
    tensors: Mapping[str, Tensor]


@dataclass
class Standing:
    """State of a trial in training; ``losses`` are the means of the epochs that have ended."""

    network: Network
    observers: Mapping[str, AnyObserver]
    device: torch.device
    losses: list[float] = field(default_factory=list)
    epoch: int = 0  # the last that has ended
    images: int = 0

    def state(self) -> TrainingState:
        """The training as it is between two epochs; tensors of a CPU are not copied, and change later."""
        tensors = {
            **_with_prefix(_NETWORK, self.network.live()),
            **_with_prefix(_OPTIMIZER, self.network.optimizer.state()),
            **_with_prefix(_RANDOM, _random_states(self.device)),
            _LOSSES: torch.tensor([self.losses], dtype=torch.float64),
        }
        for name, observer in self.observers.items():
            if observer.log.num_epochs:
                arrays = {name: torch.from_numpy(values) for name, values in observer.log.state().items()}
                tensors |= _with_prefix(f"{_OBSERVED}{name}/{_PLACE}/", arrays)
        return TrainingState(
            self.epoch,
            self.images,
            {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
        )

    def restore(self, state: TrainingState) -> None:
        """Be what ``state`` was taken of, a training of the same kind that has not begun."""
        network, random = _part(state.tensors, _NETWORK), _part(state.tensors, _RANDOM)
        live, losses = self.network.live(), state.tensors.get(_LOSSES)
        if _kinds(network) != _kinds(live):
            raise BadInput("it is of another network")
        if losses is None or losses.shape != (1, state.epoch):
            raise BadInput("it is of another number of epochs")
        for name, value in state.tensors.items():  # a user's network may hold what is not finite
            if value.is_floating_point() and not name.startswith(_NETWORK) and not value.isfinite().all():
                raise BadInput(f"its {name} are not finite")
        self.network.optimizer.check(_part(state.tensors, _OPTIMIZER))
        _check_random(random, self.device)
        observations = self._observations(state)
        for name, observer in self.observers.items():
            if arrays := observations[name]:
                observer.log.restore(arrays)
        with torch.no_grad():
            for name, value in network.items():
                live[name].copy_(value)
        self.network.optimizer.restore(_part(state.tensors, _OPTIMIZER))
        _set_random(random, self.device)
        self.losses[:] = losses[0].tolist()
        self.epoch, self.images = state.epoch, state.images

    def _observations(self, state: TrainingState) -> dict[str, dict[str, Array]]:
        observations = {}
        for name, observer in self.observers.items():
            part = _part(state.tensors, f"{_OBSERVED}{name}/{_PLACE}/")
            arrays = observations[name] = {column: value.numpy() for column, value in part.items()}
            log = copy.copy(observer.log)  # which shares nothing that `restore` writes to
            if arrays:
                log.restore(arrays)
            if 0 < log.next_epoch <= state.epoch or log.num_epochs > state.epoch:
                raise BadInput("its observations are of other epochs")
        return observations


def _with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in tensors.items()}


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _kinds(tensors: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (value.shape, value.dtype) for name, value in tensors.items()}


def _random_states(device: torch.device) -> dict[str, Tensor]:
    """States of the generators that networks draw from as they train, as those with dropout do."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["device"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["device"] = torch.mps.get_rng_state()
    return states


def _check_random(states: Mapping[str, Tensor], device: torch.device) -> None:
    try:
        if _kinds(states) != _kinds(_random_states(device)):
            raise RuntimeError
        torch.Generator().set_state(states["cpu"])
    except RuntimeError:
        raise BadInput("its random state is of another kind") from None


def _set_random(states: Mapping[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["device"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(states["device"])


@dataclass(frozen=True)
class EpochReport:
    """Facts to show of a trial after an epoch, or of heads that saw a ``share``."""

    trial: int
    epoch: int
    epochs: int
    train_loss: float
    accuracy: Mapping[str, float]  # by probe, of those that have looked after this epoch
    seconds: float
    share: float | None = None


@dataclass(frozen=True)
class Course:
    """The training of a trial: its index, examples, labels and random streams, and by which steps it goes.

    ``trained_on`` are positions, on the CPU; ``labels`` [K] are those of all examples, on the device. An
    epoch is ``steps_per_epoch`` steps: one pass over the examples trained on, or more where fewer than usual
    are to be trained on for the usual number of steps.
    """

    trial: int
    trained_on: Tensor
    labels: Tensor
    seeds: TrialSeeds
    epochs: int
    steps_per_epoch: int
    batch_size: int


@dataclass(frozen=True)
class Listener:
    """Who hears of a training: of each epoch, and after each batch how many images went through a network."""

    on_epoch: Callable[[EpochReport], None] = lambda _: None
    on_images: Callable[[int], None] = lambda _: None


class Keeper(Protocol):
    """Keeps how far a training has come, so that it need not begin anew after an interruption."""

    def begin(self, standing: Standing) -> None:
        """Before the first step: set ``standing`` to what was kept of this training, if anything was."""

    def after_epoch(self, standing: Standing) -> None:
        """An epoch has ended that is not the last: keep it, if it is time."""


def batches(num_examples: int, batch_size: int) -> list[slice]:
    """Slices of an epoch's order; a last batch of one example joins the one before it."""
    starts = list(range(0, num_examples, batch_size))
    if len(starts) > 1 and num_examples - starts[-1] == 1 and batch_size > 1:
        starts.pop()
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], num_examples], strict=True)]


def _passes(
    images: TensorBank, course: Course, first: int
) -> Iterator[tuple[Tensor, tuple[Tensor, ...], Tensor]]:
    """Batches of positions, their images as fetched, and labels: pass after pass, each in a new order.

    All that decides a pass is moved to the device at once, so that no step waits for it. The ``first``
    batches are left out: what decides them is drawn all the same, so that the others are what they are
    after them.
    """
    num = len(course.trained_on)
    order = torch.Generator().manual_seed(course.seeds.order)
    augmentation = torch.Generator().manual_seed(course.seeds.augmentation)
    slices = batches(num, course.batch_size)
    while True:
        order_of_pass = course.trained_on[torch.randperm(num, generator=order)]
        part = images.draw(order_of_pass, augmentation)
        left_out, first = slices[:first], max(0, first - len(slices))
        if len(left_out) == len(slices):
            continue
        labels = course.labels[order_of_pass.to(course.labels.device)]
        positions, draws = order_of_pass.to(images.home), part.to(images.home)
        for batch in slices[len(left_out) :]:
            yield positions[batch], images.fetch(positions[batch], draws[batch]), labels[batch]


def train(
    network: Network,
    images: TensorBank,
    course: Course,
    observers: Mapping[str, AnyObserver],
    listener: Listener,
    keeper: Keeper | None = None,
) -> list[float]:
    """Train, observed as it goes on; returns the mean loss of each epoch.

    A ``keeper`` may have it begin where it stopped before.
    """
    epochs, steps_per_epoch, device = course.epochs, course.steps_per_epoch, course.labels.device
    standing = Standing(network, observers, device)
    if keeper is not None:
        keeper.begin(standing)
    passes = _passes(images, course, standing.epoch * steps_per_epoch)
    stream = fetched_ahead(islice(passes, (epochs - standing.epoch) * steps_per_epoch), images.ahead)
    whole = batches(len(course.trained_on), course.batch_size)[0].stop

    def count(num_images: int) -> None:
        standing.images += num_images
        listener.on_images(num_images)

    losses = torch.zeros(steps_per_epoch, device=device)
    network.model.train()
    while standing.epoch < epochs:
        began = time.perf_counter()
        for step, (positions, images_of_step, labels) in enumerate(islice(stream, steps_per_epoch)):
            network.optimizer.advance()
            with searching(len(labels) == whole):
                losses[step], logits = network.update(images.finish(*images_of_step), labels)
            for observer in observers.values():
                observer.see_step(positions, logits)
            count(len(labels))
        # one look per epoch, so that no step waits for the device
        standing.losses.append(_mean(losses.cpu(), standing.epoch + 1))
        after = (
            (name, one.after_epoch(standing.epoch + 1, network, count)) for name, one in observers.items()
        )
        accuracy = {name: value for name, value in after if value is not None}
        standing.epoch += 1
        seconds = time.perf_counter() - began
        report = EpochReport(course.trial, standing.epoch, epochs, standing.losses[-1], accuracy, seconds)
        listener.on_epoch(report)
        if keeper is not None and standing.epoch < epochs:
            keeper.after_epoch(standing)
    return standing.losses


def _mean(losses: Tensor, epoch: int) -> float:
    steps = (~losses.isfinite()).nonzero()
    if len(steps):
        where = f"epoch {epoch}, step {int(steps[0]) + 1} of {len(losses)}"
        raise TrialFailed(f"the loss stopped being finite at {where}")
    return float(losses.mean())


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

    def see_step(self, positions: Tensor, logits: Tensor) -> None:
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

    def see_step(self, positions: Tensor, logits: Tensor) -> None:
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


@dataclass(frozen=True)
class TrainingSet:
    """``trained_on`` [K] says which examples are trained on, ``labels`` [K] with which labels."""

    trained_on: Mask
    labels: Integers


def training_set(
    labels: Integers,
    num_classes: int,
    share: float,
    draw: Draw | None,
    ranking: Floats | None,
    seeds: TrialSeeds,
) -> TrainingSet:
    num = len(labels)
    if draw is None and ranking is None:
        order = np.random.default_rng(seeds.share).permutation(num)
        trained_on = np.zeros(num, np.bool_)
        trained_on[order[: int(share * num + 0.5)]] = True
        return TrainingSet(trained_on, labels)
    assert ranking is not None
    trained_on = ~np.isnan(ranking)
    if draw is None:
        return TrainingSet(trained_on, labels)
    positions = draw_by_rank(
        np.nan_to_num(ranking), draw.rate, draw.beta, seeds.draw, labels=labels if draw.balanced else None
    )
    if draw.effect == "drop":
        trained_on[positions] = False
        return TrainingSet(trained_on, labels)
    random = np.random.default_rng([seeds.draw, 1])
    new_labels = labels.copy()
    if draw.other_label:
        new_labels[positions] = (
            labels[positions] + random.integers(1, num_classes, len(positions))
        ) % num_classes
    else:
        new_labels[positions] = random.integers(0, num_classes, len(positions))
    return TrainingSet(trained_on, new_labels)
