"""How fast a network trains here: a few steps and evaluation batches on made-up images."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from easiness.data import HeldPhotos
from easiness.errors import wanted_to_exit
from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training.device import give_back_memory, own_device, set_up, wait_for
from easiness.training.inputs import Bank, make_bank
from easiness.training.loop import make_update
from easiness.training.network import Network
from easiness.training.short_memory import seen_in_parts
from easiness.training.stacked_network import Together

T = TypeVar("T")

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


class Speed(BaseModel):
    """Seconds per training step and per image observed of one trial, augmentation and cropping included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: float = Field(gt=0, allow_inf_nan=False)
    observed_image: float = Field(gt=0, allow_inf_nan=False)

    def times(self, factor: float) -> Speed:
        """The speed where everything takes so many times as long."""
        return Speed(step=self.step * factor, observed_image=self.observed_image * factor)


class Rehearsal:
    """The network of a trial, or of several side by side, on made-up images."""

    def __init__(self, workload: Workload, resolved: Resolved) -> None:
        """Everything is drawn anew; the caller's random state changes unless `rehearsing`."""
        device = own_device(torch.device(workload.device))
        self._num_trained_on = workload.batch
        recipe = workload.recipe.over(1)  # a step takes as long in any training
        shape, num = workload.shape, resolved.together
        self.resolved = resolved
        self._device = device
        models = [build_model(workload.model, shape, workload.num_classes) for _ in range(num)]
        settings = {"num_examples": workload.batch, "num_classes": workload.num_classes}
        network: Network | Together
        if num == 1:
            network = Network(models[0], recipe, resolved, device, **settings)
        else:
            network = Together(models, recipe, resolved, device, **settings)
        self._network = network
        # where a batch is a part of the real one, whose step would take too long, evaluation's is too
        self.num_observed = min(network.at_once(shape), 4 * workload.batch)
        self._bank = _made_up_bank(recipe, shape, max(workload.batch, self.num_observed), device)
        positions = torch.arange(workload.batch).repeat(num)
        drawn = self._bank.draw(positions, torch.Generator().manual_seed(0))
        self._positions, self._drawn = positions.to(self._bank.home), self._bank.joined([drawn])
        self._labels = torch.arange(len(positions), device=device) % workload.num_classes
        self._update = make_update(network, self._bank, num, graphed=resolved.graphed)
        self._steps_a_look = 1 if device.type == "cpu" else _STEPS_ON_GPU

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
        seen_in_parts(self._network.logits, self._bank.clean(slice(0, self.num_observed)))
        self._wait()
        return time.perf_counter() - began

    def speed(self, step: float, batch: int) -> Speed:
        """Of a trial whose steps are of ``batch`` examples, where one of ours takes ``step`` seconds."""
        self.observe()  # the first is not like the others
        each = self.observe() / self.num_observed / self.resolved.together
        return Speed(step=step * batch / self._num_trained_on, observed_image=each)

    def _wait(self) -> None:
        wait_for(self._device)


@contextmanager
def rehearsing(device: str) -> Iterator[None]:
    """As `set_up` for trials, with random numbers of its own; the threads are set by whoever measures."""
    with set_up(own_device(torch.device(device)), torch.get_num_threads()):
        torch.manual_seed(0)
        yield


def step_seconds(rehearsals: Sequence[Rehearsal], seconds: float) -> list[float | Exception]:
    """Median seconds per step and trial of each, its steps in turn with those of the others.

    Each step runs with as many threads as its rehearsal's settings say. Ends after about ``seconds``, with
    at least one look at each. All must be warm; one whose step raises is not looked at again, and has its
    error in place of a time.
    """
    looks: list[list[float]] = [[] for _ in rehearsals]
    errors: dict[int, Exception] = {}
    began = time.perf_counter()
    while len(errors) < len(rehearsals):
        for at, one in enumerate(rehearsals):
            if at not in errors:
                torch.set_num_threads(one.resolved.threads)
                took = _tried(one.look)
                if isinstance(took, Exception):
                    errors[at] = took
                else:
                    looks[at].append(took)
        if time.perf_counter() - began >= seconds:
            break
    return [errors[at] if at in errors else statistics.median(found) for at, found in enumerate(looks)]


def look_at(
    workload: Workload, ways: Sequence[Resolved], seconds: float, part: int
) -> list[Speed | Exception]:
    """The speed of a trial in each of these ways, or why it does not work here.

    A look is at ``part`` examples of a batch for each thread, where that is less than the batch, and at
    each way for about ``seconds``, at least once. On a CPU their steps take turns, since a shared machine is
    not what it was seconds ago; on a GPU they are looked at one after the other, since its memory may hold
    each of them but not all.
    """
    if workload.device == "cpu":
        return _take_turns(workload, ways, seconds, part)
    found: list[Speed | Exception] = []
    for way in ways:
        found += _take_turns(workload, [way], seconds, part)
        give_back_memory(torch.device(workload.device))
    return found


def _take_turns(
    workload: Workload, ways: Sequence[Resolved], seconds: float, part: int
) -> list[Speed | Exception]:
    rehearsals: dict[int, Rehearsal] = {}
    found: dict[int, Speed | Exception] = {}
    for at, way in enumerate(ways):
        torch.set_num_threads(way.threads)
        looked_at = replace(workload, batch=min(workload.batch, part * way.threads))
        rehearsal = _tried(partial(_warmed_up, looked_at, way))
        if isinstance(rehearsal, Exception):
            found[at] = rehearsal
        else:
            rehearsals[at] = rehearsal
    steps = step_seconds(list(rehearsals.values()), seconds * len(rehearsals))
    for (at, rehearsal), step in zip(rehearsals.items(), steps, strict=True):
        torch.set_num_threads(rehearsal.resolved.threads)
        if isinstance(step, Exception):
            found[at] = step
        else:
            found[at] = _tried(partial(rehearsal.speed, step, workload.batch))
    return [found[at] for at in range(len(ways))]


def _warmed_up(workload: Workload, way: Resolved) -> Rehearsal:
    rehearsal = Rehearsal(workload, way)
    rehearsal.warm_up()
    return rehearsal


def _tried(act: Callable[[], T]) -> T | Exception:
    """What comes of it, or why nothing does: a network may be anybody's code."""
    try:
        return act()
    except SystemExit as error:
        return wanted_to_exit(error)
    except Exception as error:
        return error.with_traceback(None)  # which would keep the network


def warm(device: str) -> None:
    """Do what only the first step in a process waits for: load libraries, make a GPU's context."""
    with rehearsing(device):
        layer = nn.Linear(1, 1).to(device)
        adamw = torch.optim.AdamW(layer.parameters(), fused=True)
        layer(torch.zeros(2, 1, device=device)).sum().backward()
        adamw.step()
        wait_for(torch.device(device))


def _made_up_bank(recipe: Recipe, shape: tuple[int, int, int], num: int, device: torch.device) -> Bank:
    channels, height, width = shape
    if not recipe.crop:
        pixels = torch.randint(0, 256, (num, channels, height, width), dtype=torch.uint8)
        return make_bank(pixels, recipe, device, augment=True)
    photo = np.random.default_rng(0).integers(
        0, 256, (recipe.resize, recipe.resize * 4 // 3, channels), dtype=np.uint8
    )
    return make_bank(HeldPhotos([photo] * num), recipe, device, augment=True)
