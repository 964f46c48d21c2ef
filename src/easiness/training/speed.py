"""How fast a network trains here: a few steps and evaluation batches on made-up images."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from easiness.data.photos import HeldPhotos
from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training.bank import Bank, make_bank
from easiness.training.device import own_device, set_up
from easiness.training.loop import make_update
from easiness.training.network import Network
from easiness.training.together import Together

_SECONDS = 1.0  # enough of a look
_REPEATS = 5
_STEPS_ON_GPU = 10
_FIRST_CALLS = 4  # of a graph: until it is captured, each is of another kind


@dataclass(frozen=True)
class Workload:
    """What trials do at each step, as far as time goes: it can be sent to another process.

    ``shape`` is (channels, height, width) of what the network gets and ``batch`` the examples of a step.
    """

    model: str
    recipe: Recipe
    shape: tuple[int, int, int]
    num_classes: int
    batch: int
    device: str


@dataclass(frozen=True)
class Speed:
    """Seconds per training step and per image observed of one trial, augmentation and cropping included.

    ``num_weights`` counts the numbers that a file of the network's weights holds.
    """

    step: float
    observed_image: float
    num_weights: int


class Rehearsal:
    """The network of a trial, or of several side by side, on made-up images."""

    def __init__(self, workload: Workload, resolved: Resolved) -> None:
        """Everything is drawn anew; the caller's random state changes unless `rehearsing`."""
        device = own_device(torch.device(workload.device))
        recipe = workload.recipe.over(1)  # a step takes as long in any training
        shape, num = workload.shape, resolved.together
        self.resolved = resolved
        self._device = device
        models = [build_model(workload.model, shape, workload.num_classes) for _ in range(num)]
        self.num_weights = sum(v.numel() for v in models[0].state_dict().values())
        settings = {"num_examples": workload.batch, "num_classes": workload.num_classes}
        network: Network | Together
        if num == 1:
            network = Network(models[0], recipe, resolved, device, **settings)
        else:
            network = Together(models, recipe, resolved, device, **settings)
        self._network = network
        self.at_once = network.at_once(shape)
        self._bank = _made_up_bank(recipe, shape, max(workload.batch, self.at_once), device)
        positions = torch.arange(workload.batch).repeat(num)
        drawn = self._bank.draw(positions, torch.Generator().manual_seed(0))
        self._positions, self._drawn = positions.to(self._bank.home), self._bank.joined([drawn])
        self._labels = torch.arange(len(positions), device=device) % workload.num_classes
        self._update = make_update(network, self._bank, num, graphed=resolved.graphed)
        self._steps_a_look = _STEPS_ON_GPU if device.type == "cuda" else 1

    def warm_up(self) -> None:
        """The first steps, which are not like the others: a graph is captured in the last of them."""
        for _ in range(_FIRST_CALLS if self.resolved.graphed else 1):
            self._step()
        self._wait()

    def look(self) -> float:
        """Seconds per step and trial of a few steps; like training they are not waited for one by one."""
        began = time.perf_counter()
        for _ in range(self._steps_a_look):
            self._step()
        self._wait()
        return (time.perf_counter() - began) / self._steps_a_look / self.resolved.together

    def _step(self) -> None:
        self._network.model.train()
        self._network.optimizer.advance()
        self._update(*self._bank.fetch(self._positions, self._drawn), self._labels)

    def observe(self) -> float:
        """Seconds of one evaluation batch."""
        began = time.perf_counter()
        self._network.model.eval()
        self._network.logits(self._bank.clean(slice(0, self.at_once)))
        self._wait()
        return time.perf_counter() - began

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


@contextmanager
def rehearsing(device: str) -> Iterator[None]:
    """As `set_up` for trials, with random numbers of its own; the threads are set by who measures."""
    with set_up(own_device(torch.device(device)), torch.get_num_threads()):
        torch.manual_seed(0)
        yield


def step_seconds(rehearsals: Sequence[Rehearsal], seconds: float) -> list[float]:
    """Median seconds per step and trial of each, its steps in turn with those of the others.

    Each step runs with as many threads as its rehearsal's settings say. Ends after about ``seconds``, with
    at least one look at each. All must be warm.
    """
    looks: list[list[float]] = [[] for _ in rehearsals]
    began = time.perf_counter()
    while not looks[0] or time.perf_counter() - began < seconds:
        for one, found in zip(rehearsals, looks, strict=True):
            torch.set_num_threads(one.resolved.threads)
            found.append(one.look())
    return [statistics.median(found) for found in looks]


@functools.cache
def measure_speed(workload: Workload, resolved: Resolved) -> Speed:
    """Seconds as the trials of a run would need them, measured within a few seconds and once in a process."""
    with rehearsing(workload.device):
        torch.set_num_threads(resolved.threads)
        rehearsal = Rehearsal(workload, resolved)
        began = time.perf_counter()
        rehearsal.warm_up()
        first = time.perf_counter() - began
        # a step that takes long has been seen once, and that is enough
        step = first if first > _SECONDS else _typical(rehearsal.look)
        observed = _typical(rehearsal.observe) / rehearsal.at_once
    return Speed(step, observed, rehearsal.num_weights)


def _made_up_bank(recipe: Recipe, shape: tuple[int, int, int], num: int, device: torch.device) -> Bank:
    channels, height, width = shape
    if not recipe.crop:
        pixels = torch.randint(0, 256, (num, channels, height, width), dtype=torch.uint8)
        return make_bank(pixels, recipe, device, augment=True)
    photo = np.random.default_rng(0).integers(
        0, 256, (recipe.resize, recipe.resize * 4 // 3, channels), dtype=np.uint8
    )
    return make_bank(HeldPhotos([photo] * num), recipe, device, augment=True)


def _typical(look: Callable[[], float]) -> float:
    """Median of what it gives; the first counts only where it alone takes long."""
    seconds: list[float] = []
    began = time.perf_counter()
    for _ in range(1 + _REPEATS):
        seconds.append(look())
        if time.perf_counter() - began > _SECONDS:
            break
    return statistics.median(seconds[1:] or seconds)
