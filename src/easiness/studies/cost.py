"""What a run will cost, before it starts: time from a short measurement, disk from its size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from easiness.data import Dataset
from easiness.data.photo_cache import cache_path
from easiness.data.photos import reduced_size
from easiness.data.scan import LOOKED_AT
from easiness.spec import RunSpec
from easiness.training.speed import measure_speed

_BYTES_PER_OBSERVATION = 17
"""Four statistics that hardly compress and a prediction, as measured on stored runs."""


@dataclass(frozen=True)
class Cost:
    """Of the trials that are still to be trained.

    ``seconds`` of training and observation, and ``step_seconds`` of one training step, as measured;
    ``run_bytes`` are what the trials take on disk and ``cache_bytes`` the photos cached beside the run
    that are not there yet.
    """

    num_examples: int
    num_held_out: int
    num_trained_on: int
    num_trials: int
    epochs: int
    steps_per_epoch: int
    step_seconds: float
    seconds: float
    run_bytes: int
    cache_bytes: int

    @property
    def num_images(self) -> int:
        """How many images will go through a network, in training and observation."""
        per_epoch = self.num_trained_on + self.num_examples + self.num_held_out
        return self.num_trials * self.epochs * per_epoch

    def __str__(self) -> str:
        """One line."""
        held_out = f" and {self.num_held_out:,} held out" if self.num_held_out else ""
        cache = f" and {size_text(self.cache_bytes)} of cached photos" if self.cache_bytes else ""
        steps = self.num_trials * self.epochs * self.steps_per_epoch
        return (
            f"{self.num_examples:,} examples{held_out}; {steps:,} steps ({self.num_trials} trial"
            f"{'s' if self.num_trials > 1 else ''} x {self.epochs} epochs x {self.steps_per_epoch}), "
            f"{duration_text(self.step_seconds)} each: about {duration_text(self.seconds)}; "
            f"about {size_text(self.run_bytes)} of disk{cache}"
        )


def estimate_cost(
    spec: RunSpec, data: Dataset, missing: int, device: torch.device, cache: Path | None
) -> Cost:
    """The cost of ``missing`` trials of the run; trains a few steps on made-up images to know.

    ``cache`` is the folder that photos are cached in, ``None`` where they are not.
    """
    num_trained_on = int(spec.train_share * len(data) + 0.5)
    speed = measure_speed(
        spec.model,
        spec.recipe,
        spec.resolved,
        data.input_shape(spec.recipe),
        data.num_classes,
        num_trained_on,
        device,
    )
    splits = [data] if data.held_out is None else [data, data.held_out]
    num_observed = sum(map(len, splits))
    steps = spec.recipe.steps_per_epoch(num_trained_on)
    seconds_per_epoch = steps * speed.step + num_observed * speed.observed_image
    observations = spec.epochs * num_observed * _BYTES_PER_OBSERVATION
    kept = [
        0 if probe.keep_logits == "none" else len(data) if probe.name == "train" else num_observed - len(data)
        for probe in spec.probes
    ]
    share = 1 - spec.train_share if spec.probes[0].keep_logits == "left_out" else 1.0
    logits = int(spec.epochs * share * sum(kept) * 4 * data.num_classes)
    weights = 4 * speed.num_weights if spec.keep_weights else 0
    return Cost(
        num_examples=len(data),
        num_held_out=num_observed - len(data),
        num_trained_on=num_trained_on,
        num_trials=missing,
        epochs=spec.epochs,
        steps_per_epoch=steps,
        step_seconds=speed.step,
        seconds=missing * spec.epochs * seconds_per_epoch,
        run_bytes=missing * (observations + logits + weights),
        cache_bytes=sum(_cache_bytes(split, spec, cache) for split in splits),
    )


def _cache_bytes(split: Dataset, spec: RunSpec, cache: Path | None) -> int:
    """Of the photos that are not cached yet, by the sizes of the first ones."""
    recipe = spec.recipe
    if cache is None or not recipe.crop:
        return 0
    channels = split.stored.scan.channels
    if cache_path(cache, split.fingerprint, recipe.resize, channels).exists():
        return 0
    sizes = split.stored.subset(np.arange(min(LOOKED_AT, len(split)))).sizes()
    pixels = np.mean([math.prod(reduced_size(h, w, recipe.resize)) for h, w in sizes.tolist()])
    return int(len(split) * channels * pixels)


def duration_text(seconds: float) -> str:
    """A duration for people: ``1.2 ms``, ``40 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    for limit, unit, text in (
        (0.1, 1e-3, "ms"),
        (100, 1, "s"),
        (100 * 60, 60, "min"),
        (48 * 3600, 3600, "h"),
    ):
        if seconds < limit:
            return f"{_three_digits(seconds / unit)} {text}"
    return f"{_three_digits(seconds / 86400)} days"


def size_text(num_bytes: int) -> str:
    """A size for people, in powers of 1000."""
    value, unit = float(num_bytes), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{_three_digits(value)} {unit}"


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
