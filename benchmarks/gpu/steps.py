"""Training steps on a GPU: how long they take, and the least that they could."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from easiness.inputs import IMAGE, Packed
from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training import Network

SHAPE = (3, 32, 32)
BATCH = 128
NUM_CLASSES = 10
WAYS = {
    "float32": {"precision": "float32"},
    "bfloat16": {"precision": "bfloat16"},
    "bfloat16, channels last": {"precision": "bfloat16", "channels_last": True},
    "+ compiled": {"precision": "bfloat16", "channels_last": True, "compiled": True},
}


def settings(**changes):
    return Resolved(**{"precision": "float32", "channels_last": False, "threads": 1, **changes})


class Steps:
    """Steps of a trial, on images and draws that are on the device already."""

    def __init__(self, model, resolved, device, batch=BATCH, shape=SHAPE):
        recipe = Recipe(batch_size=batch)
        last = resolved.channels_last and not model.startswith("mlp")
        resolved = resolved.model_copy(update={"channels_last": last})
        torch.manual_seed(0)
        sizes = {"num_examples": 50000, "num_classes": NUM_CLASSES}
        self.network = Network(build_model(model, shape, NUM_CLASSES), recipe, resolved, device, **sizes)
        self.network.model.train()
        pixels = np.random.default_rng(0).integers(0, 256, (5000, *shape[1:], shape[0]), np.uint8)
        self.bank = IMAGE.bank(Packed.of_array(pixels), recipe, device, augment=True, sharers=1)
        self.positions = torch.randint(0, 5000, (batch,), device=device)
        drawn = self.bank.draw(self.positions, torch.Generator().manual_seed(0))
        self.drawn = drawn.to(self.bank.home)
        self.labels = torch.randint(0, NUM_CLASSES, (batch,), device=device)
        self.device = device

    def step(self):
        images = self.bank.finish(*self.bank.fetch(self.positions, self.drawn))
        return self.network.step(images, self.labels)[0]

    def seconds(self, rounds=5, at_least=0.15):
        """Seconds per step: the median of rounds of many steps, each waited for at its end."""
        for _ in range(6):  # libraries and compilers are ready afterwards
            self.step()
        torch.cuda.synchronize()
        num, found = 10, []
        for _ in range(rounds):
            began = time.perf_counter()
            for _ in range(num):
                self.step()
            torch.cuda.synchronize()
            found.append((time.perf_counter() - began) / num)
            num = max(num, int(at_least / found[-1]))
        return statistics.median(found)


def waits(device):
    """Does the program wait for the GPU somewhere in a step? Other errors are raised as they are."""
    steps = Steps("wrn_16_1", settings(precision="bfloat16", channels_last=True), device)
    for _ in range(6):
        steps.step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(10):
            steps.step()
    except RuntimeError as error:
        if "synchronizing CUDA operation" not in str(error):
            raise
        return True
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return False


@dataclass(frozen=True)
class Peaks:
    """FLOP/s of the best matrix product in bfloat16, and bytes per second of a copy (read + write)."""

    flops: float
    bytes: float


def best_rate(call, amount):
    """The highest amount per second in a few rounds of calls."""
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(20):
            call()
        torch.cuda.synchronize()
        best = max(best, 20 * amount / (time.perf_counter() - began))
    return best


def measure_peaks(device):
    flops = 0.0
    for size in (4096, 8192):
        a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
        out = torch.empty_like(a)
        flops = max(flops, best_rate(lambda a=a, b=b, out=out: torch.mm(a, b, out=out), 2 * size**3))
    source = torch.empty(2**28, device=device)
    target = torch.empty_like(source)
    return Peaks(flops, best_rate(lambda: target.copy_(source), 2 * source.nbytes))


@dataclass(frozen=True)
class Limit:
    """Seconds that a step needs at least: by all FLOPs and bytes at once, and layer after layer."""

    flops: float
    bytes: float
    whole: float
    by_layer: float


def roofline(model_name, peaks):
    """The least time of a step in bfloat16, from what its layers must read and write.

    Convolutions and linear layers: input and output in the forward pass; in the backward pass the output's
    gradient twice, the input, and its gradient. Batch normalization: input twice (statistics, then values)
    and output; backward input and gradient twice, and the input's gradient. Other layers are taken to be
    part of these. Weights in bfloat16 are read twice; AdamW reads weight, gradient and two moments in
    float32 and writes three of them, and the gradient is written before.
    """
    model = build_model(model_name, SHAPE, NUM_CLASSES)
    layers = []

    def seen(layer, inputs, output):
        taken, given = inputs[0].numel() * BATCH, output.numel() * BATCH
        if isinstance(layer, nn.BatchNorm2d):
            layers.append((0.0, 2 * (5 * taken + 3 * given)))
            return
        flops = 2 * given * layer.weight[0].numel()
        moved = 3 * taken + 3 * given + 3 * layer.weight.numel()
        layers.append((3.0 * flops, 2 * moved))

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            layer.register_forward_hook(seen)
    model.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, *SHAPE))
    forward = counter.get_total_flops() * BATCH
    counted = sum(flops for flops, _ in layers) / 3
    assert abs(counted - forward) <= 0.01 * forward, "layers and operations count different FLOPs"
    of_first = next(flops for flops, _ in layers if flops) / 3
    num_weights = sum(p.numel() for p in model.parameters())
    flops = 3 * forward - of_first  # nobody needs the gradient of the images
    update = 8 * 4 * num_weights
    moved = sum(b for _, b in layers) + update
    whole = max(flops / peaks.flops, moved / peaks.bytes)
    by_layer = sum(max(f / peaks.flops, b / peaks.bytes) for f, b in layers) + update / peaks.bytes
    return Limit(flops, moved, whole, by_layer)


def evaluation_limit(model_name, peaks):
    """The least seconds of an evaluation pass in bfloat16, per image.

    Convolutions and linear layers read their input and write their output; all else is part of them.
    """
    model = build_model(model_name, SHAPE, NUM_CLASSES).eval()
    moved = []
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(
                lambda _, inputs, output: moved.append(2 * (inputs[0].numel() + output.numel()))
            )
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, *SHAPE))
    return max(counter.get_total_flops() / peaks.flops, sum(moved) / peaks.bytes)
