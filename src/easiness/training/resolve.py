"""Decides what ``auto`` means, once per run: precision by a short measurement, layout and threads by rule."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from easiness.errors import BadInput
from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training.allocation import keep_memory
from easiness.training.network import Network

Precision = Literal["auto", "float32", "bfloat16"]

_ROUNDS = 5
_BUDGET_SECONDS = 4.0
_WORTH = 1.2  # bfloat16 must be this much faster: float32 needs no explanation
_FLOPS_OF_A_LOOK = 100e9  # of larger steps a part of the batch tells as much
_FLOPS_OF_ONE_THREAD = 3e9  # below this a step is so short that threads mostly wait for each other


def resolve_device(device: str) -> torch.device:
    """``auto`` is the GPU where there is one.

    Raises:
        BadInput: the device is none of ``auto``, ``cpu`` and ``cuda``, or there is no GPU.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise BadInput(f"device {device!r}: unknown; choose auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("device cuda: PyTorch finds no GPU here; choose --device cpu or auto")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def _seconds(network: Network, images: torch.Tensor, labels: torch.Tensor, device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began = time.perf_counter()
    network.step(images, labels)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def resolve(
    model: str,
    recipe: Recipe,
    image_shape: tuple[int, int, int],
    num_classes: int,
    num_examples: int,
    device: torch.device,
    precision: Precision = "auto",
    threads: int | None = None,
) -> Resolved:
    """Precision, memory layout and threads for the trials of a run, one at a time.

    ``auto`` takes the faster of float32 and bfloat16 by a few interleaved training steps on random input,
    on a CPU in one thread, which other programs disturb least; a given precision is not measured.
    Networks with convolutions run channels-last, and steps of less than 3 GFLOP on one thread, larger ones
    on ``threads`` (as many as torch uses, unless given): rules, so that runs alike do not differ by the
    noise of a clock.

    Raises:
        BadInput: the model cannot take a training step.
    """
    if device.type == "cpu":
        keep_memory()
    available = threads or torch.get_num_threads()
    recipe = recipe.over(1)  # a step takes as long in any training
    with torch.random.fork_rng():
        torch.manual_seed(0)
        names = [p for p in ("float32", "bfloat16") if precision in ("auto", p)]
        models = [build_model(model, image_shape, num_classes) for _ in names]
        channels_last = any(isinstance(layer, nn.Conv2d) for layer in models[0].modules())
        candidates = [
            Resolved.model_validate(
                {"precision": p, "channels_last": channels_last, "threads": available, "folded": True}
            )
            for p in names
        ]
        batch = min(recipe.batch_size, num_examples)
        images = torch.randn(batch, *image_shape, device=device)
        labels = torch.randint(0, num_classes, (batch,), device=device)
        networks = [
            Network(built, recipe, candidate, device, num_examples=num_examples, num_classes=num_classes)
            for built, candidate in zip(models, candidates, strict=True)
        ]
        with _one_thread(device):
            flops = _flops(networks[0], images, labels, model)
            num = max(1, min(batch, int(batch * _FLOPS_OF_A_LOOK / max(flops, 1))))
            times = _measure(networks, images[:num], labels[:num], device) if precision == "auto" else []
    threads = 1 if device.type == "cpu" and flops < _FLOPS_OF_ONE_THREAD else available
    layout = "channels-last" if channels_last else "contiguous"
    if precision != "auto":
        return candidates[0].model_copy(
            update={"threads": threads, "reason": f"as asked; {layout}, {_count(threads)}"}
        )
    medians = [statistics.median(measured) for measured in times]
    best = 1 if medians[0] > _WORTH * medians[1] else 0
    shown = ", ".join(f"{c.precision} {1000 * m:.1f} ms" for c, m in zip(candidates, medians, strict=True))
    what = "step" if num == batch else f"step of {num} examples"
    reason = f"measured per {what}: {shown}; {layout}, {_count(threads)}"
    return candidates[best].model_copy(update={"threads": threads, "reason": reason})


def _count(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


@contextmanager
def _one_thread(device: torch.device) -> Iterator[None]:
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _flops(network: Network, images: torch.Tensor, labels: torch.Tensor, model: str) -> int:
    """Floating-point operations of a step, which also shows whether the model can take one."""
    network.model.train()
    try:
        with FlopCounterMode(display=False) as counter:
            network.step(images, labels)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise BadInput(
            f"model {model}: cannot take a training step on a batch of {len(images)} "
            f"({type(error).__name__}: {reason[:200]}); mend the model or change the batch size"
        ) from error
    flops: int = counter.get_total_flops()
    return flops


def _measure(
    networks: list[Network], images: torch.Tensor, labels: torch.Tensor, device: torch.device
) -> list[list[float]]:
    """Seconds of interleaved steps, after one to warm up each; ends early where a step is slow."""
    for network in networks:
        network.model.train()
        network.step(images, labels)
    times: list[list[float]] = [[] for _ in networks]
    began = time.perf_counter()
    for _ in range(_ROUNDS):
        for network, measured in zip(networks, times, strict=True):
            measured.append(_seconds(network, images, labels, device))
        if time.perf_counter() - began > _BUDGET_SECONDS:
            break
    return times
