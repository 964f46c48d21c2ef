"""The training loop: epochs of augmented steps, observed as they go on, and the examples they are on."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.analysis import draw_by_rank
from easiness.errors import BadInput, TrialFailed
from easiness.inputs import TensorBank, fetched_ahead
from easiness.records import ObservationLog
from easiness.spec import Draw, TrialSeeds
from easiness.training.device import searching
from easiness.training.network import Network
from easiness.training.observer import AnyObserver

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
            **_named(_NETWORK, self.network.live()),
            **_named(_OPTIMIZER, self.network.optimizer.state()),
            **_named(_RANDOM, _random_states(self.device)),
            _LOSSES: torch.tensor([self.losses], dtype=torch.float64),
        }
        for name, observer in self.observers.items():
            if observer.log.num_epochs:
                seen = observer.log.state()
                arrays = {column: torch.from_numpy(values) for column, values in seen.items()}
                tensors |= _named(f"{_OBSERVED}{name}/{_PLACE}/", arrays)
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
        for log, seen in self._logs_of(state):
            if seen:
                log.restore(seen)
        with torch.no_grad():
            for name, value in network.items():
                live[name].copy_(value)
        self.network.optimizer.restore(_part(state.tensors, _OPTIMIZER))
        _set_random(random, self.device)
        self.losses[:] = losses[0].tolist()
        self.epoch, self.images = state.epoch, state.images

    def _logs_of(self, state: TrainingState) -> list[tuple[ObservationLog, dict[str, npt.NDArray[Any]]]]:
        """The logs, and what they had seen; each is checked."""
        found = []
        for name, observer in self.observers.items():
            part = _part(state.tensors, f"{_OBSERVED}{name}/{_PLACE}/")
            seen = {column: value.numpy() for column, value in part.items()}
            _check_seen(observer.log, seen, state.epoch)
            found.append((observer.log, seen))
        return found


def _check_seen(log: ObservationLog, seen: Mapping[str, npt.NDArray[Any]], epoch: int) -> None:
    tried = copy.copy(log)  # which shares nothing that `restore` writes to
    kinds = {name: "i4" if name in ("prediction", "rival") else "f4" for name in seen}
    if len({len(values) for values in seen.values()}) > 1 or kinds != {
        name: values.dtype.str[1:] for name, values in seen.items()
    }:
        raise BadInput("its observations are of another kind")
    if seen:
        tried.restore(seen)
    if 0 < tried.next_epoch <= epoch or tried.num_epochs > epoch:
        raise BadInput("its observations are of other epochs")


def _named(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
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
    now = _random_states(device)
    if _kinds(states) != _kinds(now):
        raise BadInput("its random state is of another kind")
    try:
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
class Lane:
    """Inputs of a trial: its index, examples, labels and random streams.

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
    usual are to be trained on for the usual number of steps.
    """

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
    images: TensorBank, lane: Lane, batch_size: int, first: int = 0
) -> Iterator[tuple[Tensor, tuple[Tensor, ...], Tensor]]:
    """Batches of positions, their images as fetched, and labels: pass after pass, each in a new order.

    All that decides a pass is moved to the device at once, so that no step waits for it. The ``first``
    batches are left out: what decides them is drawn all the same, so that the others are what they are
    after them.
    """
    num = len(lane.trained_on)
    order = torch.Generator().manual_seed(lane.seeds.order)
    augmentation = torch.Generator().manual_seed(lane.seeds.augmentation)
    slices = batches(num, batch_size)
    while True:
        chosen = lane.trained_on[torch.randperm(num, generator=order)]
        part = images.draw(chosen, augmentation)
        skipped, first = slices[:first], max(0, first - len(slices))
        if len(skipped) == len(slices):
            continue
        labels = lane.labels[chosen.to(lane.labels.device)]
        positions, drawn = chosen.to(images.home), part.to(images.home)
        for batch in slices[len(skipped) :]:
            yield positions[batch], images.fetch(positions[batch], drawn[batch]), labels[batch]


def train(
    network: Network,
    images: TensorBank,
    lane: Lane,
    observers: Mapping[str, AnyObserver],
    course: Course,
    listener: Listener,
    keeper: Keeper | None = None,
) -> list[float]:
    """Train, observed as it goes on; returns the mean loss of each epoch.

    A ``keeper`` may have it begin where it stopped before.
    """
    epochs, steps_per_epoch, device = course.epochs, course.steps_per_epoch, lane.labels.device
    standing = Standing(network, observers, device)
    if keeper is not None:
        keeper.begin(standing)
    passes = _passes(images, lane, course.batch_size, standing.epoch * steps_per_epoch)
    stream = fetched_ahead(islice(passes, (epochs - standing.epoch) * steps_per_epoch), images.ahead)
    whole = batches(len(lane.trained_on), course.batch_size)[0].stop

    def count(num_images: int) -> None:
        standing.images += num_images
        listener.on_images(num_images)

    losses = torch.zeros(steps_per_epoch, device=device)
    network.model.train()
    while standing.epoch < epochs:
        began = time.perf_counter()
        for step, (positions, fetched, labels) in enumerate(islice(stream, steps_per_epoch)):
            network.optimizer.advance()
            with searching(len(labels) == whole):
                losses[step], logits = network.update(images.finish(*fetched), labels)
            for observer in observers.values():
                observer.stepped(positions, logits)
            count(len(labels))
        # one look per epoch, so that no step waits for the device
        standing.losses.append(_mean(losses.cpu(), standing.epoch + 1))
        seen = {
            name: observer.after_epoch(standing.epoch + 1, network, count)
            for name, observer in observers.items()
        }
        accuracy = {name: value for name, value in seen.items() if value is not None}
        standing.epoch += 1
        seconds = time.perf_counter() - began
        report = EpochReport(lane.trial, standing.epoch, epochs, standing.losses[-1], accuracy, seconds)
        listener.on_epoch(report)
        if keeper is not None and standing.epoch < epochs:
            keeper.after_epoch(standing)
    return standing.losses


def _mean(losses: Tensor, epoch: int) -> float:
    failed = (~losses.isfinite()).nonzero()
    if len(failed):
        where = f"epoch {epoch}, step {int(failed[0]) + 1} of {len(losses)}"
        raise TrialFailed(f"the loss stopped being finite at {where}")
    return float(losses.mean())


@dataclass(frozen=True)
class TrainingSet:
    """``trained_on`` [K] says which examples are trained on, ``labels`` [K] with which labels."""

    trained_on: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.int64]


def training_set(
    labels: npt.NDArray[np.int64],
    num_classes: int,
    share: float,
    draw: Draw | None,
    ranking: npt.NDArray[np.float64] | None,
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
    drawn = draw_by_rank(
        np.nan_to_num(ranking), draw.rate, draw.beta, seeds.draw, labels=labels if draw.balanced else None
    )
    if draw.effect == "drop":
        trained_on[drawn] = False
        return TrainingSet(trained_on, labels)
    random = np.random.default_rng([seeds.draw, 1])
    given = labels.copy()
    if draw.other_label:
        given[drawn] = (labels[drawn] + random.integers(1, num_classes, len(drawn))) % num_classes
    else:
        given[drawn] = random.integers(0, num_classes, len(drawn))
    return TrainingSet(trained_on, given)
