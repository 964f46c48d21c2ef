"""What a run will cost, before it starts: time from a timed step, disk from its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from easiness.data import Dataset
from easiness.runs.forecast import Forecast, work_of
from easiness.runs.plan import num_trained_on
from easiness.show import counted, duration_text, size_text
from easiness.spec import TRAIN, Recipe, RunSpec, examples_of_epoch

_SECONDS_OF_HEADS = 1.0  # of a trial, to begin with: so long is a bar
_FORETOLD = 0.7, 1.5
"""Between which times what a timed step foretells most trials take, on a machine that others use as well."""

_BYTES_PER_OBSERVATION = 17
"""Four statistics that hardly compress and a prediction, as measured on stored runs."""


@dataclass(frozen=True)
class Cost:
    """What the trials that are still to be trained will cost.

    ``num_observed`` images go through a trial's network to be observed, over all its epochs, beside the
    ``num_trained_on`` of each epoch. ``seconds`` of training and observation, and ``step_seconds`` of one
    training step, are those with as many trials at work at a time as there will be; ``decoding_seconds``
    go into decoding photos, for the cache or without it. ``run_bytes`` are what the trials take on disk and
    ``cache_bytes`` the photos cached beside the run that are not there yet. Time is ``foretold`` by a timed
    step where no such trial has trained here. A trial is observed in ``num_looks`` passes.
    """

    num_examples: int
    num_held_out: int
    num_trained_on: int
    num_observed: int
    num_trials: int
    epochs: int
    steps_per_epoch: int
    step_seconds: float
    seconds: float
    decoding_seconds: float
    run_bytes: int
    cache_bytes: int
    foretold: bool = False
    num_looks: int = 1

    @property
    def num_images(self) -> int:
        """How many images will go through a network, in training and observation."""
        return self.num_trials * (self.epochs * self.num_trained_on + self.num_observed)

    def worked(self, num_images: int, jobs: int) -> float:
        """Seconds of the work that the first images are, of trials that go side by side, ``jobs`` at a time.

        An image to train on takes several times as long as one observed, and until a look all are of those.
        """
        each = self.seconds / max(self.num_images, 1)
        trained = jobs * self.epochs * self.num_trained_on / self.num_looks
        observed = jobs * self.num_observed / self.num_looks
        training = -(-self.num_trials // jobs) * self.epochs * self.steps_per_epoch * self.step_seconds
        if not trained or not observed or not 0 < training < self.seconds:
            return num_images * each
        rounds, rest = divmod(num_images, trained + observed)
        share = training / self.seconds
        part = share * min(rest / trained, 1) + (1 - share) * max(rest - trained, 0) / observed
        return (rounds + part) * (trained + observed) * each

    def __str__(self) -> str:
        """One line."""
        held_out = f" and {self.num_held_out:,} held out" if self.num_held_out else ""
        decoding = f" and {duration_text(self.decoding_seconds)} to decode" if self.decoding_seconds else ""
        cache = f" and {size_text(self.cache_bytes)} of cached photos" if self.cache_bytes else ""
        steps = self.num_trials * self.epochs * self.steps_per_epoch
        if not steps:
            return f"{self.num_examples:,} examples{held_out}; about {size_text(self.run_bytes)} of disk"
        return (
            f"{self.num_examples:,} examples{held_out}; {steps:,} steps "
            f"({counted(self.num_trials, 'trial')} x {counted(self.epochs, 'epoch')} x "
            f"{self.steps_per_epoch}), "
            f"{duration_text(self.step_seconds)} each: {time_text([self])}{decoding}; "
            f"about {size_text(self.run_bytes)} of disk{cache}"
        )


def time_text(costs: Sequence[Cost]) -> str:
    """How long they take in all: ``about 40 min``, or a range where a timed step foretells some of it."""
    seconds = sum(cost.seconds for cost in costs)
    if not any(cost.foretold for cost in costs):
        return f"about {duration_text(seconds)}"
    low, high = (
        sum(cost.seconds * (factor if cost.foretold else 1) for cost in costs) for factor in _FORETOLD
    )
    return f"{duration_text(low)} to {duration_text(high)}"


def estimate_cost(
    spec: RunSpec,
    data: Dataset,
    missing: int,
    device: torch.device,
    cache: Path | None,
    forecast: Forecast | None = None,
) -> Cost:
    """The cost of ``missing`` trials of the run; one step is timed where its speed is not known.

    ``cache`` is the folder that photos are cached in, ``None`` where they are not.
    """
    if spec.heads is not None:
        return _cost_of_heads(spec, data, missing)
    trained_on = num_trained_on(len(data), spec.train_share, spec.draw)
    work = work_of(spec, data, str(device))
    forecast = forecast or Forecast(work.workload)
    facts, speed = forecast.facts(), forecast.speed(spec.resolved)
    splits = data.splits
    rows = {probe.name: len(probe.observed(spec.epochs)) for probe in spec.probes}
    passes = {probe.name: 0 if probe.observe == TRAIN else rows[probe.name] for probe in spec.probes}
    observations = sum(num * len(splits[name]) for name, num in rows.items()) * _BYTES_PER_OBSERVATION
    kept = [rows[p.name] * len(splits[p.name]) for p in spec.probes if p.keep_logits != "none"]
    share = 1 - spec.train_share if spec.probes[0].keep_logits == "left_out" else 1.0
    logits = int(share * sum(kept) * 4 * data.num_classes)
    weights = 4 * facts.num_weights if spec.keep_weights else 0
    decoding = [
        split.kind.decoding(
            split, spec.recipe, cache, missing * (passes.get(name, 0) + spec.epochs * (name == "train"))
        )
        for name, split in splits.items()
    ]
    return Cost(
        num_examples=len(data),
        num_held_out=0 if data.held_out is None else len(data.held_out),
        num_observed=work.num_observed,
        num_trained_on=examples_of_epoch(spec, len(data), trained_on),
        num_trials=missing,
        epochs=spec.epochs,
        steps_per_epoch=work.num_steps // spec.epochs,
        step_seconds=speed.step,
        seconds=-(-missing // spec.resolved.jobs) * work.seconds(speed),
        run_bytes=missing * (observations + logits + weights),
        decoding_seconds=sum(seconds for _, seconds in decoding),
        cache_bytes=sum(num_bytes for num_bytes, _ in decoding),
        foretold=not forecast.has_seen(spec.resolved),
        num_looks=max(1, *passes.values()),
    )


def _cost_of_heads(spec: RunSpec, data: Dataset, missing: int) -> Cost:
    """The cost of heads: what is asked of them, by the example; fitting them is foretold by none of it."""
    num = sum(len(data.splits[probe.name]) for probe in spec.probes)
    share = 1 - spec.heads.shares[-1] if spec.heads else 0.0
    logits = sum(
        (share if probe.name == "train" else 1.0) * len(data.splits[probe.name]) * 4 * data.num_classes
        for probe in spec.probes
        if probe.keep_logits != "none"
    )
    return Cost(
        num_examples=len(data),
        num_held_out=0 if data.held_out is None else len(data.held_out),
        num_trained_on=0,
        num_observed=num * spec.epochs,
        num_trials=missing,
        epochs=spec.epochs,
        steps_per_epoch=0,
        step_seconds=0.0,
        seconds=missing * _SECONDS_OF_HEADS,
        run_bytes=missing * spec.epochs * (num * _BYTES_PER_OBSERVATION + int(logits)),
        decoding_seconds=0.0,
        cache_bytes=0,
    )


def cached_bytes(data: Dataset, recipe: Recipe, cache: Path | None) -> int:
    """What the photos of both splits will take in the folder ``cache`` that are not there yet."""
    if cache is None:
        return 0
    return sum(split.kind.decoding(split, recipe, cache, 0)[0] for split in data.splits.values())
