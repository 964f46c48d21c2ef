"""How fast a network trains here: a few steps and evaluation batches on made-up images."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from easiness.data.photos import HeldPhotos
from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training.bank import Bank, make_bank
from easiness.training.network import Network, evaluation_batch

_SECONDS = 1.0  # enough of a look at each of the two
_REPEATS = 5


@dataclass(frozen=True)
class Speed:
    """Seconds per training step and per image observed, augmentation and cropping included.

    ``num_weights`` counts the numbers that a file of the network's weights holds.
    """

    step: float
    observed_image: float
    num_weights: int


@functools.cache
def measure_speed(
    model: str,
    recipe: Recipe,
    resolved: Resolved,
    shape: tuple[int, int, int],
    num_classes: int,
    batch: int,
    device: torch.device,
) -> Speed:
    """Seconds as the trials of a run would need them, measured within a few seconds and once in a process.

    Args:
        model: name of the network.
        recipe: gives the augmentation.
        resolved: precision, layout and threads.
        shape: (channels, height, width) of what the network gets.
        num_classes: number of logits.
        batch: examples of a step.
        device: where.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(resolved.threads)
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(0)
            network = Network(
                build_model(model, shape, num_classes),
                recipe,
                resolved,
                device,
                num_examples=batch,
                num_classes=num_classes,
            )
            images = _made_up_bank(recipe, shape, max(batch, evaluation_batch(shape)), device)
            positions = torch.arange(batch)
            labels = torch.randint(0, num_classes, (batch,), device=device)
            generator = torch.Generator().manual_seed(0)

            def step() -> None:
                drawn = images.draw(positions, generator)
                network.step(images.augmented(positions, drawn), labels)

            def observe() -> None:
                network.logits(images.clean(slice(0, evaluation_batch(shape))))

            step_seconds = _typical(step, device)
            network.model.eval()
            observed = _typical(observe, device) / evaluation_batch(shape)
    finally:
        torch.set_num_threads(threads)
    return Speed(step_seconds, observed, sum(v.numel() for v in network.model.state_dict().values()))


def _made_up_bank(recipe: Recipe, shape: tuple[int, int, int], num: int, device: torch.device) -> Bank:
    channels, height, width = shape
    if not recipe.crop:
        pixels = torch.randint(0, 256, (num, channels, height, width), dtype=torch.uint8)
        return make_bank(pixels, recipe, device, augment=True)
    photo = np.random.default_rng(0).integers(
        0, 256, (recipe.resize, recipe.resize * 4 // 3, channels), dtype=np.uint8
    )
    return make_bank(HeldPhotos([photo] * num), recipe, device, augment=True)


def _typical(work: Callable[[], None], device: torch.device) -> float:
    """Median seconds; the first time counts only where it alone takes long."""
    seconds: list[float] = []
    began = time.perf_counter()
    for _ in range(1 + _REPEATS):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
        if time.perf_counter() - began > _SECONDS:
            break
    return float(np.median(seconds[1:] or seconds))
