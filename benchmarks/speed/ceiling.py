"""How near the machine's limits a training step and an evaluation batch come, network by network.

The ceiling is what the machine does at best with all of its cores: matrix products and convolutions in
float32 and bfloat16, and copies in memory. A network's step is the bare `Network.step` on a batch that is
ready, its evaluation batch `Network.logits`. Each is timed between two measurements of the ceiling in its
precision, since a machine's speed changes by the minute, and compared with the mean of these two.

Two shares are given. "Of peak" is FLOPs per second over the best matrix product. "Of roofline" also knows
memory: each operation takes at least the time of its FLOPs at that peak, or that of the bytes it reads and
writes at the rate of a large copy, whichever is longer; the roofline is the sum. A share above 100 % says
that much stayed in a cache.

    python benchmarks/speed/ceiling.py [--models NAME ...] [--no-photos] [--rounds 3] [--photo-batch 16]
"""

from __future__ import annotations

import gc
import itertools
import sys
from pathlib import Path

import torch
from torch import nn

from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training.device import keep_memory
from easiness.training.network import Network, evaluation_batch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import Report, parser
from speed.ceiling_rates import Ceiling, Copy, Product, convolution_rates
from speed.ceiling_work import Work, forward_flops, measure

SMALL = (3, 32, 32)
PHOTO = (3, 224, 224)
SMALL_BATCH = 128
SMALL_MODELS = (
    "wrn_16_4",
    "mlp_3",
    "densenet_bc_100_12",
    "resnext_29_4x64d",
    "wrn_16_1",
    "wrn_10_1",
    "densenet_bc_16_8",
)
PHOTO_MODELS = ("mlp_3", "alexnet", "vgg11", "vgg11_bn", "resnet18", "densenet121")
NUM_CLASSES = 10
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# rows, inner, columns: square ones, and tall ones as the layers of a network are
PRODUCTS = ((1024, 1024, 1024), (2048, 2048, 2048), (4096, 1024, 1024), (8192, 1152, 128))
# channels and side of the three stages of a WRN-16-4
CONVOLUTIONS = ((64, 32), (128, 16), (256, 8))
GOAL = 0.75
LONG = 5e11  # FLOPs of a step from which on bfloat16 alone is measured


def make_network(name, shape, precision, threads):
    """The network as trials have it, its FLOPs per image forward, and those of its first layer."""
    torch.manual_seed(0)
    model = build_model(name, shape, NUM_CLASSES)
    flops, of_first = forward_flops(model, shape)
    channels_last = any(isinstance(layer, nn.Conv2d) for layer in model.modules())
    resolved = Resolved(precision=precision, channels_last=channels_last, threads=threads)
    network = Network(
        model, Recipe(), resolved, torch.device("cpu"), num_examples=2000, num_classes=NUM_CLASSES
    )
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return network, flops, of_first, layout


def measure_network(case, ceiling, rounds):
    """A step and an evaluation batch of a network in one precision."""
    name, shape, batch, precision, threads = case
    network, flops, of_first, layout = make_network(name, shape, precision, threads)
    images = torch.randn(batch, *shape).contiguous(memory_format=layout)
    labels = torch.randint(0, NUM_CLASSES, (batch,))
    looked_at = torch.randn(evaluation_batch(shape), *shape).contiguous(memory_format=layout)

    available = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        # gradients of weights and of inputs cost as much as the forward pass; nobody needs the images'
        step = Work.of(lambda: network.step(images, labels), batch * (3 * flops - of_first))
        in_training = measure(step, ceiling, rounds)
        network.model.eval()
        look = Work.of(lambda: network.logits(looked_at), len(looked_at) * flops)
        in_evaluation = measure(look, ceiling, rounds)
    finally:
        torch.set_num_threads(available)
    gc.collect()
    return step, in_training, in_evaluation


KINDS = {
    "convolutions, backward": ("convolution_backward",),
    "convolutions, forward": ("convolution",),
    "batch normalization": ("batch_norm",),
    "ReLU and additions": ("relu", "threshold", "clamp", "aten::add"),
    "changes of precision and layout": ("copy", "_to", "contiguous"),
    "optimizer": ("adam", "Optimizer"),
}


def where_time_goes(report, name, precision):
    """The parts of a training step, as torch's profiler sees them."""
    network, _, _, layout = make_network(name, SMALL, precision, torch.get_num_threads())
    images = torch.randn(SMALL_BATCH, *SMALL).contiguous(memory_format=layout)
    labels = torch.randint(0, NUM_CLASSES, (SMALL_BATCH,))
    network.step(images, labels)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiled:
        for _ in range(3):
            network.step(images, labels)
    spent = dict.fromkeys((*KINDS, "the rest"), 0.0)
    for event in profiled.key_averages():
        kind = next((k for k, words in KINDS.items() if any(w in event.key for w in words)), "the rest")
        spent[kind] += event.self_cpu_time_total
    total = sum(spent.values())
    rows = [(kind, f"{100 * s / total:.0f} %") for kind, s in spent.items()]
    report.whole("ceiling-parts", (f"part of a step of {name} in {precision}", "share"), rows)


def cases(names, shape, batch):
    """Name, shape, batch, precision and threads; a network whose step is short is tried on one thread too."""
    for name in names:
        for precision in PRECISIONS:
            yield name, shape, batch, precision, torch.get_num_threads()
        if name in ("mlp_3", "wrn_16_1", "wrn_10_1", "densenet_bc_16_8") and torch.get_num_threads() > 1:
            for precision in PRECISIONS:
                yield name, shape, batch, precision, 1


def ceilings(report):
    """The table of the machine; returns the ceiling of each precision."""
    best, rows = {}, []
    for precision, dtype in PRECISIONS.items():
        products = [Product(dtype, *size) for size in PRODUCTS]
        rates = [product.rate(0.5) for product in products]
        at = rates.index(max(rates))
        best[precision] = products[at]
        rows.append((f"matrix product {products[at].name}", precision, gflops(rates[at])))
        for channels, side in CONVOLUTIONS:
            forward, both = convolution_rates(dtype, SMALL_BATCH, channels, side)
            what = f"3x3 convolution, {channels} channels, {side} x {side}"
            rows.append((f"{what}: forward", precision, gflops(forward)))
            rows.append((f"{what}: forward and backward", precision, gflops(both)))
    copy = Copy(256)
    rows.append(("copy of 256 MB, read + write", "", f"{copy.rate(0.5) / 1e9:.1f} GB/s"))
    rows.append(("copy of 8 MB, read + write", "", f"{Copy(8).rate(0.5) / 1e9:.1f} GB/s"))
    report.whole("ceiling-machine", ("the machine at its best", "precision", "rate"), rows)
    return {precision: Ceiling(p, copy, torch.get_num_threads()) for precision, p in best.items()}


def gflops(rate):
    return f"{rate / 1e9:.0f} GFLOP/s"


def takes_long(case):
    """Is a step too much work for the slower precision?"""
    name, shape, batch, *_ = case
    flops, _ = forward_flops(build_model(name, shape, NUM_CLASSES), shape)
    return 3 * batch * flops > LONG


def row(case, step, training, evaluation):
    """A network's row of the table."""
    name, shape, batch, precision, threads = case
    return (
        f"{name}, {shape[1]} x {shape[2]}",
        str(batch),
        precision,
        str(threads),
        f"{1000 * training.seconds:.1f} ms",
        f"{step.flops / 1e9:.1f}",
        f"{step.bytes / 1e9:.2f}",
        gflops(training.rate),
        f"{100 * training.peak:.0f} %",
        f"{100 * training.roofline:.0f} %",
        gflops(evaluation.rate),
        f"{100 * evaluation.peak:.0f} %",
        f"{100 * evaluation.roofline:.0f} %",
    )


HEADER = (
    "network",
    "batch",
    "precision",
    "threads",
    "step",
    "GFLOP",
    "GB moved",
    "step rate",
    "of peak",
    "of roofline",
    "evaluation rate",
    "of peak",
    "of roofline",
)


def main():
    options = parser(__doc__)
    options.add_argument("--models", nargs="+", help="only these of the networks")
    options.add_argument("--no-photos", action="store_true", help="leave out the images of 224 x 224")
    options.add_argument("--photo-batch", type=int, default=16, help="examples per step at 224 x 224")
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    keep_memory()  # as every trial does
    report = Report("The machine's ceiling", "python benchmarks/speed/ceiling.py")
    best = ceilings(report)

    photos = () if options.no_photos else PHOTO_MODELS
    everything = itertools.chain(
        cases(SMALL_MODELS, SMALL, SMALL_BATCH), cases(photos, PHOTO, options.photo_batch)
    )
    rows, achieved = [], {}
    for case in everything:
        name, shape, _, precision, _ = case
        if options.models and name not in options.models:
            continue
        if precision == "float32" and takes_long(case):
            continue
        rounds = options.rounds if shape == SMALL else min(2, options.rounds)
        step, training, evaluation = measure_network(case, best[precision], rounds)
        rows.append(row(case, step, training, evaluation))
        print("   ".join(rows[-1]), flush=True)
        achieved[case] = training
    report.whole("ceiling-networks", HEADER, rows)
    wanted = ("wrn_16_4", SMALL, SMALL_BATCH, "bfloat16", torch.get_num_threads())
    if wanted in achieved:
        where_time_goes(report, "wrn_16_4", "bfloat16")
        share = achieved[wanted].peak
        report.goal(
            "ceiling",
            "WRN 16-4 training step over the bfloat16 peak of a matrix product",
            f"{100 * GOAL:.0f} %",
            f"{100 * share:.0f} % ({gflops(achieved[wanted].rate)})",
            share >= GOAL,
        )
    report.write(options.json)


if __name__ == "__main__":
    main()
