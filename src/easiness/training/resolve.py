"""Decides what ``auto`` means, once per run: precision and memory layout by a short measurement."""

from __future__ import annotations

import statistics
import time
from typing import Literal

import torch

from easiness.errors import BadInput
from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training.network import Network

Precision = Literal["auto", "float32", "bfloat16"]

_ROUNDS = 5
_THREAD_ROUNDS = 3
_BUDGET_SECONDS = 4.0
_WORTH = 1.1  # bfloat16 must be this much faster: float32 needs no explanation
_THREAD_WORTH = 1.25  # and all threads than one: where cores are shared, threads wait for each other


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
) -> Resolved:
    """The fastest of float32 and bfloat16, contiguous and channels-last, for training steps of this model.

    Interleaved steps on random input, at most about ten seconds; a given precision is kept and only
    the memory layout chosen. On a CPU one thread is taken where all of them gain little, as with
    small networks.
    """
    candidates = [
        Resolved(precision=p, channels_last=last, threads=torch.get_num_threads())
        for p in ("float32", "bfloat16")
        for last in (False, True)
        if precision in ("auto", p)
    ]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        batch = min(recipe.batch_size, num_examples)
        images = torch.randn(batch, *image_shape, device=device)
        labels = torch.randint(0, num_classes, (batch,), device=device)
        networks = [
            Network(
                build_model(model, image_shape, num_classes),
                recipe,
                candidate,
                device,
                num_examples=num_examples,
                num_classes=num_classes,
            )
            for candidate in candidates
        ]
        for network in networks:
            network.model.train()
            network.step(images, labels)
        began = time.perf_counter()
        times: list[list[float]] = [[] for _ in candidates]
        for _ in range(_ROUNDS):
            for network, measured in zip(networks, times, strict=True):
                measured.append(_seconds(network, images, labels, device))
            if time.perf_counter() - began > _BUDGET_SECONDS:
                break
        medians = [statistics.median(measured) for measured in times]

        def cost(i: int) -> float:
            return medians[i] * (_WORTH if candidates[i].precision == "bfloat16" else 1.0)

        best = min(range(len(candidates)), key=cost)
        threads = _threads(networks[best], images, labels, device)
    shown = ", ".join(
        f"{c.precision}{' channels-last' if c.channels_last else ''} {1000 * m:.1f} ms"
        for c, m in zip(candidates, medians, strict=True)
    )
    reason = f"measured per step: {shown}; {threads} thread{'s' if threads > 1 else ''}"
    return candidates[best].model_copy(update={"threads": threads, "reason": reason})


def _threads(network: Network, images: torch.Tensor, labels: torch.Tensor, device: torch.device) -> int:
    available = torch.get_num_threads()
    if device.type != "cpu" or available == 1:
        return available
    times: dict[int, list[float]] = {1: [], available: []}
    try:
        for _ in range(_THREAD_ROUNDS):
            for threads, measured in times.items():
                torch.set_num_threads(threads)
                measured.append(_seconds(network, images, labels, device))
    finally:
        torch.set_num_threads(available)
    gain = statistics.median(times[1]) / statistics.median(times[available])
    return available if gain > _THREAD_WORTH else 1
