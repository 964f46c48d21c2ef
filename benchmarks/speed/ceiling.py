"""How near the machine's peak a training step and an evaluation batch come, network by network.

The peak is the FLOPs per second of the best matrix product with all of the machine's cores, in float32 and in
bfloat16. A network's step is the bare `Network.step` on a batch that is ready, its evaluation batch
`Network.logits`. Each is timed between two measurements of the peak in its precision, since a machine's speed
changes by the minute, and compared with the mean of these two.

    python benchmarks/speed/ceiling.py [--rounds 3] [--photo-batch 16]
"""

from __future__ import annotations

import gc
import math
import statistics
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training.device import keep_memory
from easiness.training.network import Network, evaluation_batch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import begin
from kit.rounds import timed

SMALL, SMALL_BATCH = (3, 32, 32), 128
PHOTO = (3, 224, 224)
SHORT = ("mlp_3", "wrn_16_1", "wrn_10_1", "densenet_bc_16_8")  # steps, tried on one thread too
SMALL_MODELS = ("wrn_16_4", "densenet_bc_100_12", "resnext_29_4x64d", *SHORT)
PHOTO_MODELS = ("mlp_3", "alexnet", "vgg11", "vgg11_bn", "resnet18", "densenet121")
NUM_CLASSES = 10
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# rows, inner, columns: square ones, and tall ones as the layers of a network are
PRODUCTS = ((1024, 1024, 1024), (2048, 2048, 2048), (4096, 1024, 1024), (8192, 1152, 128))
GOAL = 0.75
LONG = 5e11  # FLOPs of a step from which on bfloat16 alone is measured
PATIENCE = 6.0  # seconds after which no further round of one kind begins
HEADER = (
    "network", "batch", "precision", "threads", "step", "GFLOP", "step rate", "of peak", "evaluation rate",
    "of peak",
)  # fmt: skip


@contextmanager
def threads_set(num):
    before = torch.get_num_threads()
    torch.set_num_threads(num)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def product(dtype, rows, inner, columns):
    """The highest FLOP/s of a matrix product, at the moment that it is asked and for so many seconds."""
    left, right = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
    out = torch.empty(rows, columns, dtype=dtype)
    threads = torch.get_num_threads()  # all, also where the work beside it runs on one

    def rate(seconds):
        with threads_set(threads):
            best, began = math.inf, time.perf_counter()
            while time.perf_counter() - began < seconds:
                best = min(best, timed(lambda: torch.mm(left, right, out=out)))
        return 2 * rows * inner * columns / best

    return rate


def peaks(report):
    best, rows = {}, []
    for precision, dtype in PRECISIONS.items():
        products = {size: product(dtype, *size) for size in PRODUCTS}
        rates = {size: rate(0.5) for size, rate in products.items()}
        size = max(rates, key=rates.get)
        best[precision] = products[size]
        rows.append((f"matrix product {' x '.join(map(str, size))}", precision, gflops(rates[size])))
    report.whole("ceiling-machine", ("the machine at its best", "precision", "rate"), rows)
    return best


def gflops(rate):
    return f"{rate / 1e9:.0f} GFLOP/s"


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


def measure(call, flops, peak, rounds):
    """Median seconds of a call and its share of the peak, over rounds of peak, call, peak."""
    call()  # caches of the kernels
    seconds, shares, began = [], [], time.perf_counter()
    for _ in range(rounds):
        before = peak(0.1)
        # short work is repeated, so that a round is not one glance at the clock
        times = [timed(call)]
        while sum(times) < 0.2:
            times.append(timed(call))
        seconds.append(statistics.median(times))
        shares.append(flops / seconds[-1] / ((before + peak(0.1)) / 2))
        if time.perf_counter() - began > PATIENCE:
            break
    return statistics.median(seconds), statistics.median(shares)


def measure_network(case, peak, rounds):
    name, shape, batch, precision, threads = case
    torch.manual_seed(0)
    model = build_model(name, shape, NUM_CLASSES)
    flops, of_first = forward_flops(model, shape)
    channels_last = any(isinstance(layer, nn.Conv2d) for layer in model.modules())
    layout = torch.channels_last if channels_last else torch.contiguous_format
    resolved = Resolved(precision=precision, channels_last=channels_last, threads=threads)
    sizes = {"num_examples": 2000, "num_classes": NUM_CLASSES}
    network = Network(model, Recipe(), resolved, torch.device("cpu"), **sizes)
    images = torch.randn(batch, *shape).contiguous(memory_format=layout)
    labels = torch.randint(0, NUM_CLASSES, (batch,))
    looked_at = torch.randn(evaluation_batch(shape), *shape).contiguous(memory_format=layout)
    # gradients of weights and of inputs cost as much as the forward pass; nobody needs the images'
    step_flops, look_flops = batch * (3 * flops - of_first), len(looked_at) * flops
    with threads_set(threads):
        step, share = measure(lambda: network.step(images, labels), step_flops, peak, rounds)
        network.model.eval()
        look, look_share = measure(lambda: network.logits(looked_at), look_flops, peak, rounds)
    gc.collect()
    row = [f"{name}, {shape[1]} x {shape[2]}", str(batch), precision, str(threads)]
    row += [f"{1000 * step:.1f} ms", f"{step_flops / 1e9:.1f}", gflops(step_flops / step)]
    row += [f"{100 * share:.0f} %", gflops(look_flops / look), f"{100 * look_share:.0f} %"]
    return row, share, step_flops / step


def cases(photo_batch):
    """Name, shape, batch, precision and threads; steps of much work are measured in bfloat16 alone."""
    available = torch.get_num_threads()
    every = [(name, SMALL, SMALL_BATCH) for name in SMALL_MODELS]
    for name, shape, batch in every + [(name, PHOTO, photo_batch) for name in PHOTO_MODELS]:
        flops, _ = forward_flops(build_model(name, shape, NUM_CLASSES), shape)
        precisions = [one for one in PRECISIONS if one == "bfloat16" or 3 * batch * flops <= LONG]
        for threads in sorted({available, 1} if name in SHORT else {available}, reverse=True):
            for precision in precisions:
                yield name, shape, batch, precision, threads


def main():
    options, report = begin(__doc__, "The machine's ceiling", rounds=3, photo_batch=16)
    keep_memory()  # as every trial does
    best = peaks(report)
    rows, achieved = [], {}
    for case in cases(options.photo_batch):
        rounds = options.rounds if case[1] == SMALL else min(2, options.rounds)
        row, *achieved[case] = measure_network(case, best[case[3]], rounds)
        rows.append(row)
        print("   ".join(row), flush=True)
    report.whole("ceiling-networks", HEADER, rows)
    share, rate = achieved["wrn_16_4", SMALL, SMALL_BATCH, "bfloat16", torch.get_num_threads()]
    what = "WRN 16-4 training step over the bfloat16 peak of a matrix product"
    said = f"{100 * share:.0f} % ({gflops(rate)})"
    report.goal("ceiling", what, f"{100 * GOAL:.0f} %", said, share >= GOAL)
    report.write(options.json)


if __name__ == "__main__":
    main()
