"""What a run will cost, before it starts: operations, memory, disk, and time where trials have taken it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.runs.plan import num_trained_on
from easiness.show import counted, duration_text, size_text
from easiness.spec import TRAIN, Recipe, RunSpec, examples_of_epoch
from easiness.store import is_run, open_run
from easiness.training import NetworkFacts, Workload, network_facts

_BYTES_OF_A_PROCESS = 700 * 2**20  # Python, torch and the activations of a small network
_BYTES_PER_OBSERVATION = 17
"""Four statistics that hardly compress and a prediction, as measured on stored runs."""
_MOST_BESIDE = 50  # folders beside a run that are asked how long their trials took


@dataclass(frozen=True)
class Work:
    """A trial has ``num_steps`` training steps, and ``num_observed`` images in passes of their own."""

    workload: Workload
    num_steps: int
    num_observed: int


def work_of(run: RunSpec, data: Dataset, device: str) -> Work:
    trained_on = num_trained_on(len(data), run.train_share, run.draw)
    batch = min(run.recipe.batch_size, trained_on)
    # what training computes anyway is no pass of its own
    probes = [probe for probe in run.probes if probe.observe != TRAIN]
    return Work(
        Workload(run.model, run.recipe, data.signature(run.recipe), data.num_classes, batch, device),
        run.epochs * run.recipe.steps_per_epoch(examples_of_epoch(run, len(data), trained_on)),
        sum(len(probe.observed(run.epochs)) * len(data.splits[probe.name]) for probe in probes),
    )


def bytes_of_trial(facts: NetworkFacts, batch: int) -> int:
    """Memory of a process: weights with gradients and moments, and what a step keeps for its gradients."""
    return _BYTES_OF_A_PROCESS + 16 * facts.num_weights + facts.kept_bytes * batch


@dataclass(frozen=True)
class Cost:
    """What the trials that are still to be trained will cost.

    ``num_observed`` images go through a trial's network to be observed, over all its epochs, beside the
    ``num_trained_on`` of each epoch. ``flops`` are the floating-point operations of a training step per
    example, a third of which an observation takes. ``memory`` in bytes is that of all trials at work at a
    time, ``run_bytes`` are what the trials take on disk, and ``cache_bytes`` the photos cached beside the run
    that are not there yet. ``seconds`` are known where such trials have trained here.
    """

    num_examples: int
    num_held_out: int
    num_trained_on: int
    num_observed: int
    num_trials: int
    epochs: int
    steps_per_epoch: int
    run_bytes: int
    cache_bytes: int = 0
    flops: float = 0.0
    memory: int = 0
    seconds: float | None = None

    @property
    def num_images(self) -> int:
        return self.num_trials * (self.epochs * self.num_trained_on + self.num_observed)

    @property
    def operations(self) -> float:
        return self.num_trials * self.flops * (self.epochs * self.num_trained_on + self.num_observed / 3)

    def __str__(self) -> str:
        """One line."""
        held_out = f" and {self.num_held_out:,} held out" if self.num_held_out else ""
        cache = f" and {size_text(self.cache_bytes)} of cached photos" if self.cache_bytes else ""
        steps = ""
        if self.steps_per_epoch:
            steps = (
                f"; {self.num_trials * self.epochs * self.steps_per_epoch:,} steps "
                f"({counted(self.num_trials, 'trial')} x {counted(self.epochs, 'epoch')} x "
                f"{self.steps_per_epoch}): {effort_text([self])}; about {size_text(self.memory)} of memory"
            )
        disk = f"about {size_text(self.run_bytes)} of disk{cache}"
        return f"{self.num_examples:,} examples{held_out}{steps}; {disk}"


def effort_text(costs: Sequence[Cost]) -> str:
    """The operations of all, and how long they take where that is known: ``1.2e+15 FLOP, about 40 min``."""
    known = [cost.seconds for cost in costs if cost.seconds is not None]
    took = f", about {duration_text(sum(known))}" if known and len(known) == len(costs) else ""
    return f"{sum(cost.operations for cost in costs):.1e} FLOP{took}"


def estimate_cost(
    spec: RunSpec,
    data: Dataset,
    missing: int,
    device: torch.device,
    cache: Path | None,
    taken: Iterable[tuple[RunSpec, float]] = (),
) -> Cost:
    """The cost of ``missing`` trials of the run.

    ``cache`` is the folder that photos are cached in, ``None`` where they are not; ``taken`` are runs that
    there are, with the `seconds_beside` of their trials.
    """
    splits = data.splits
    rows = {probe.name: len(probe.observed(spec.epochs)) * len(splits[probe.name]) for probe in spec.probes}
    seen = spec.heads.shares[-1] if spec.heads else spec.train_share
    logits = sum(
        4 * data.num_classes * rows[probe.name] * (1 - seen if probe.keep_logits == "left_out" else 1)
        for probe in spec.probes
        if probe.keep_logits != "none"
    )
    stored = sum(rows.values()) * _BYTES_PER_OBSERVATION + int(logits)
    held_out = 0 if data.held_out is None else len(data.held_out)
    if spec.heads is not None:
        return Cost(len(data), held_out, 0, sum(rows.values()), missing, spec.epochs, 0, missing * stored)
    trained_on = num_trained_on(len(data), spec.train_share, spec.draw)
    work = work_of(spec, data, str(device))
    facts = network_facts(work.workload)
    return Cost(
        num_examples=len(data),
        num_held_out=held_out,
        num_trained_on=examples_of_epoch(spec, len(data), trained_on),
        num_observed=work.num_observed,
        num_trials=missing,
        epochs=spec.epochs,
        steps_per_epoch=work.num_steps // spec.epochs,
        run_bytes=missing * (stored + (4 * facts.num_weights if spec.keep_weights else 0)),
        cache_bytes=cached_bytes(data, spec.recipe, cache),
        flops=facts.flops,
        memory=min(spec.resolved.jobs, missing) * bytes_of_trial(facts, work.workload.batch),
        seconds=_seconds(spec, missing, taken),
    )


def seconds_beside(out: Path) -> list[tuple[RunSpec, float]]:
    """The runs in ``out`` and beside it, with the median seconds that a trial of each has taken."""
    try:
        beside = sorted(path for path in out.absolute().parent.iterdir() if is_run(path))
    except OSError:
        return []
    found = []
    for path in beside[:_MOST_BESIDE]:
        try:
            run = open_run(path)
        except BadInput:
            continue
        took = [trial.document.seconds for trial in run.trials if trial.document.seconds is not None]
        if run.spec.measured is not None and took:
            found.append((run.spec.measured, statistics.median(took)))
    return found


def _seconds(spec: RunSpec, missing: int, taken: Iterable[tuple[RunSpec, float]]) -> float | None:
    """How long the trials take by those of the same network, data and settings of a run that there is."""
    words = {"reason", "together", "graphed", "folded"}
    for run, seconds in taken:
        alike = (run.model, run.recipe, run.probes, run.data.train.num_examples, run.data.classes) == (
            *(spec.model, spec.recipe, spec.probes, spec.data.train.num_examples, spec.data.classes),
        )
        ours, theirs = (one.resolved.model_dump(exclude=words) for one in (spec, run))
        if alike and ours == theirs:
            length = spec.epochs * spec.train_share / (run.epochs * run.train_share)
            return -(-missing // spec.resolved.jobs) * seconds * length
    return None


def cached_bytes(data: Dataset, recipe: Recipe, cache: Path | None) -> int:
    """What the photos of both splits will take in the folder ``cache`` that are not there yet."""
    if cache is None:
        return 0
    return sum(split.kind.cached_bytes(split, recipe, cache) for split in data.splits.values())
