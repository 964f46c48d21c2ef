"""How fast a network trains here: a few steps and an evaluation batch on made-up images."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import torch
from pydantic import BaseModel, ConfigDict, Field

from easiness.errors import BadInput, unless_exit
from easiness.inputs import TensorBank, kind_named
from easiness.models import build_model
from easiness.spec import Resolved
from easiness.training.device import give_back_memory, own_device, rehearsing, seen_in_parts, wait_for
from easiness.training.facts import NetworkFacts, Workload, cannot_train
from easiness.training.loop import make_update
from easiness.training.network import Network

_SECONDS = 0.2  # of steps that are timed, or of one where that takes longer
# for each thread, two seconds at the most: what a step takes whatever its batch (the gradients of weights by
# bfloat16 foremost) made steps of a few images foretell twice what whole ones take
_FLOPS_OF_A_STEP = 80e9
_STEPS_ON_GPU = 10
_FIRST_CALLS = 4  # of a graph: until it is captured, each is of another kind


class Speed(BaseModel):
    """Seconds per training step and per image observed of one trial, augmentation and cropping included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: float = Field(gt=0, allow_inf_nan=False)
    observed_image: float = Field(gt=0, allow_inf_nan=False)

    def times(self, factor: float) -> Speed:
        """The speed where everything takes so many times as long."""
        return Speed(step=self.step * factor, observed_image=self.observed_image * factor)


class Rehearsal:
    """The network of a trial on made-up images."""

    def __init__(self, workload: Workload, resolved: Resolved) -> None:
        """Everything is drawn anew; the caller's random state changes unless `rehearsing`."""
        device = own_device(torch.device(workload.device))
        self.batch = workload.batch
        recipe = workload.recipe.over(1)  # a step takes as long in any training
        self.resolved = resolved
        self._device = device
        network = Network(
            build_model(workload.model, workload.signature, workload.num_classes),
            recipe,
            resolved,
            device,
            num_examples=workload.batch,
            num_classes=workload.num_classes,
        )
        self._network = network
        # where a batch is a part of the real one, whose step would take too long, evaluation's is too
        self.num_observed = min(network.at_once(workload.signature), 4 * workload.batch)
        self._bank = _made_up_bank(workload, max(workload.batch, self.num_observed), device)
        positions = torch.arange(workload.batch)
        drawn = self._bank.draw(positions, torch.Generator().manual_seed(0))
        self._positions, self._drawn = positions.to(self._bank.home), drawn.to(self._bank.home)
        self._labels = torch.arange(len(positions), device=device) % workload.num_classes
        self._update = make_update(network, self._bank, graphed=resolved.graphed)
        self._steps_a_look = 1 if device.type == "cpu" else _STEPS_ON_GPU

    def warm_up(self) -> None:
        """The first steps, which are not like the others: a graph is captured in the last of them."""
        for _ in range(_FIRST_CALLS if self.resolved.graphed else 1):
            self._step()
        self._wait()

    def look(self) -> float:
        """Seconds per step of a few steps; like training they are not waited for one by one."""
        began = time.perf_counter()
        for _ in range(self._steps_a_look):
            self._step()
        self._wait()
        return (time.perf_counter() - began) / self._steps_a_look

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
        """The speed with steps of ``batch`` examples, where one of ours takes ``step`` seconds."""
        self.observe()  # the first is not like the others
        each = self.observe() / self.num_observed
        return Speed(step=step * batch / self.batch, observed_image=each)

    def _wait(self) -> None:
        wait_for(self._device)


def measure_speed(workload: Workload, resolved: Resolved, facts: NetworkFacts) -> Speed:
    """The speed of a trial that trains by itself; a step that would take long is taken on part of a batch."""
    part = part_of(workload, facts, resolved.threads)
    with rehearsing(workload.device):
        torch.set_num_threads(resolved.threads)
        try:
            return _speed(Rehearsal(part, resolved), workload.batch)
        except BadInput:
            raise
        except (Exception, SystemExit) as error:  # a network may be anybody's code
            why = unless_exit(error)
            raise cannot_train(workload, why) from why


def part_of(workload: Workload, facts: NetworkFacts, threads: int) -> Workload:
    """The workload with a batch that tells the speed of a step: whole on a GPU, and of small steps."""
    if workload.device != "cpu":
        return workload
    some = max(2, int(_FLOPS_OF_A_STEP * threads / max(facts.flops, 1)))
    return replace(workload, batch=min(workload.batch, some))


def _speed(rehearsal: Rehearsal, batch: int) -> Speed:
    rehearsal.warm_up()
    steps: list[float] = []
    while not steps or sum(steps) < _SECONDS:
        steps.append(rehearsal.look())
    return rehearsal.speed(statistics.median(steps), batch)


def can_be_graphed(workload: Workload, resolved: Resolved) -> bool:
    """Can a step of this network on a GPU be captured as a CUDA graph?"""
    try:
        with rehearsing(workload.device):
            Rehearsal(workload, resolved.model_copy(update={"graphed": True})).warm_up()
    except (Exception, SystemExit):
        return False
    finally:
        give_back_memory(torch.device(workload.device))
    return True


def _made_up_bank(workload: Workload, num: int, device: torch.device) -> TensorBank:
    kind = kind_named(workload.kind)
    examples = kind.made_up(num, workload.shape, workload.recipe)
    return kind.bank(examples, workload.recipe, device, augment=True, sharers=1)
