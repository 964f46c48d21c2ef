"""The training loop: epochs of augmented steps, observed as they go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor

from easiness.errors import TrialFailed
from easiness.inputs import TensorBank, fetched_ahead
from easiness.spec import TrialSeeds
from easiness.training.device import searching
from easiness.training.network import Network
from easiness.training.observer import AnyObserver
from easiness.training.standing import Standing

_WARM_UP = 3  # steps before the capture: libraries choose their algorithms in the first ones


class StaticStep:
    """Calls ``work`` on inputs copied to buffers; on a GPU replays it as a graph after a few calls.

    ``work`` maps tensors to tensors on the device, waits for nothing, and keeps its state (weights,
    moments, rate) in place. Its first calls are real ones on a stream of their own, as a capture needs;
    the capture itself changes nothing. Inputs of other shapes than the first (a last, smaller batch) are
    worked on where they are. On a CPU every call is plain.
    """

    def __init__(self, work: Callable[..., tuple[Tensor, ...]]) -> None:
        self._work = work
        self._buffers: tuple[Tensor, ...] = ()
        self._calls = 0
        self._stream: torch.cuda.Stream | None = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._outputs: tuple[Tensor, ...] = ()

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What ``work`` gives for these; the next call may write over it.

        A step that cannot be captured raises what went wrong; the caller's stream is then what it was.
        """
        if not self._buffers:
            self._buffers = tuple(torch.empty_like(given) for given in inputs)
        if [given.shape for given in inputs] != [buffer.shape for buffer in self._buffers]:
            return self._work(*inputs)
        for buffer, given in zip(self._buffers, inputs, strict=True):
            buffer.copy_(given, non_blocking=True)
        if self._buffers[0].device.type != "cuda":
            return self._work(*self._buffers)
        return self._on_gpu()

    def _on_gpu(self) -> tuple[Tensor, ...]:
        # of its own, and on the device of the inputs: torch's for captures stays on the first that was used
        device = self._buffers[0].device
        self._stream = self._stream or torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._calls += 1
        if self._calls <= _WARM_UP:
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                outputs = self._work(*self._buffers)
            torch.cuda.current_stream().wait_stream(self._stream)
            return outputs
        if self._graph is None:
            self._graph = self._captured(self._stream)
        self._graph.replay()
        return self._outputs

    def _captured(self, stream: torch.cuda.Stream) -> torch.cuda.CUDAGraph:
        graph, before = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        try:
            # other threads may go on preparing images
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                self._outputs = self._work(*self._buffers)
        except BaseException:
            # torch ends the capture, which fails in turn, before it would leave the stream of the capture
            torch.cuda.set_stream(before)
            raise
        return graph


@dataclass(frozen=True)
class EpochReport:
    """What is known of a trial after an epoch, or of heads that saw a ``share``, to show."""

    trial: int
    epoch: int
    epochs: int
    train_loss: float
    accuracy: Mapping[str, float]  # by probe, of those that have looked after this epoch
    seconds: float
    share: float | None = None


@dataclass(frozen=True)
class Lane:
    """What a trial learns from: its index, examples, labels and random streams.

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


def make_update(network: Network, images: TensorBank, *, graphed: bool) -> Callable[..., tuple[Tensor, ...]]:
    """Make the function from what `TensorBank.fetch` gives of a batch, and its labels, to loss and logits.

    `Optimizer.advance` comes first. ``graphed``: as a `StaticStep`.
    """

    def update(*inputs: Tensor) -> tuple[Tensor, ...]:
        *fetched, labels = inputs
        return network.update(images.finish(*fetched), labels)

    return StaticStep(update) if graphed else update


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
    update = make_update(network, images, graphed=course.graphed)
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
                losses[step], logits = update(*fetched, labels)
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
    """The mean loss of the steps of an epoch."""
    failed = (~losses.isfinite()).nonzero()
    if len(failed):
        where = f"epoch {epoch}, step {int(failed[0]) + 1} of {len(losses)}"
        raise TrialFailed(f"the loss stopped being finite at {where}")
    return float(losses.mean())
