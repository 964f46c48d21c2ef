"""A step or a pass of a network as work: its FLOPs, what it moves, and how fast it is beside a product."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from speed.ceiling_rates import Operations, timed

PATIENCE = 6.0  # seconds after which no further round of one kind begins


def forward_flops(model, shape):
    """FLOPs per image of the forward pass, and of its first layer alone."""
    first = next(layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear))
    of_first = []
    hook = first.register_forward_hook(
        lambda layer, _, output: of_first.append(2 * output.numel() * layer.weight[0].numel())
    )
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, *shape))
    hook.remove()
    model.train()
    return counter.get_total_flops(), of_first[0]


@dataclass(frozen=True)
class Work:
    """What is timed, with its FLOPs and what its operations move."""

    call: object
    flops: int
    operations: list

    @classmethod
    def of(cls, call, flops):
        call()  # caches of the kernels
        with Operations() as operations:
            call()
        return cls(call, flops, operations.found)

    @property
    def bytes(self):
        return sum(moved for _, moved in self.operations)

    def least_seconds(self, peak, bandwidth):
        """Of one operation after the other, each as fast as its FLOPs and its bytes allow."""
        return sum(max(flops / peak, moved / bandwidth) for flops, moved in self.operations)


@dataclass(frozen=True)
class Measured:
    """Medians over rounds."""

    seconds: float
    rate: float  # FLOP/s
    peak: float  # share of the product beside it
    roofline: float


def measure(work, ceiling, rounds):
    """Rounds of ceiling, work, ceiling."""
    seconds, shares, roofs = [], [], []
    began = time.perf_counter()
    for _ in range(rounds):
        before = ceiling.now()
        # short work is repeated, so that a round is not one glance at the clock
        times = [timed(work.call)]
        while sum(times) < 0.2:
            times.append(timed(work.call))
        after = ceiling.now()
        seconds.append(statistics.median(times))
        peak, bandwidth = ((a + b) / 2 for a, b in zip(before, after, strict=True))
        shares.append(work.flops / peak / seconds[-1])
        roofs.append(work.least_seconds(peak, bandwidth) / seconds[-1])
        if time.perf_counter() - began > PATIENCE:
            break
    typical = statistics.median(seconds)
    return Measured(typical, work.flops / typical, statistics.median(shares), statistics.median(roofs))
