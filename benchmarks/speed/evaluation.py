"""Evaluation passes folded and as they were: images per second of the same network, batch by batch in turn.

A pass as it was calls the network on about a million input values at a time. Folded, batch normalization is
part of the convolutions, weights are cast once a pass, batches hold 32 MiB of the largest activation, and in
float32 on a CPU convolutions of 3 x 3 multiply a quarter as often (Winograd). On one thread processor time
is compared, which other programs disturb less; on several, time by the clock.

    python benchmarks/speed/evaluation.py [--rounds 5] [--precisions float32 bfloat16]
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn

from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training.allocation import keep_memory
from easiness.training.network import Network

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import Report, command, parser

CASES = (("wrn_16_4", (3, 32, 32)), ("resnet18", (3, 224, 224)))
GOAL = 1.3
SECONDS = 40.0  # after which no further round of a case begins


def make_network(name, shape, precision, threads, *, folded):
    """A network whose normalization has something to do."""
    torch.manual_seed(0)
    model = build_model(name, shape, 10)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.8, 1.2)
    resolved = Resolved(precision=precision, channels_last=True, threads=threads, folded=folded)
    network = Network(model, Recipe(), resolved, torch.device("cpu"), num_examples=2000, num_classes=10)
    network.model.eval()
    return network


def seconds_per_image(network, images, clock):
    began = clock()
    network.logits(images)
    return (clock() - began) / len(images)


def measure(name, shape, precision, threads, rounds):
    """Medians of seconds per image, plain and folded, and how far their logits are apart."""
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    networks = [make_network(name, shape, precision, threads, folded=folded) for folded in (False, True)]
    batches = [network.at_once(shape) for network in networks]
    images = torch.randn(max(batches), *shape)
    logits = [network.logits(images[:8]) for network in networks]  # warm up, and fold
    apart = float((logits[0] - logits[1]).abs().max() / logits[0].abs().max())
    times = [[], []]
    began = time.perf_counter()
    for _ in range(rounds):
        for network, batch, found in zip(networks, batches, times, strict=True):
            found.append(seconds_per_image(network, images[:batch], clock))
        if time.perf_counter() - began > SECONDS:
            break
    gc.collect()
    return [statistics.median(found) for found in times], batches, apart


def main():
    made = parser(__doc__)
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--precisions", nargs="+", default=["float32"], choices=("float32", "bfloat16"))
    options = made.parse_args()
    keep_memory()  # as every trial does
    available = torch.get_num_threads()
    report = Report("Evaluation passes", command(made, options))
    rows, ratios = [], {}
    for name, shape in CASES:
        for precision in options.precisions:
            for threads in sorted({1, available}):
                (plain, folded), batches, apart = measure(name, shape, precision, threads, options.rounds)
                ratios.setdefault(name, []).append(plain / folded)
                rows.append(
                    (
                        f"{name}, {shape[1]} x {shape[2]}",
                        precision,
                        str(threads),
                        f"{1000 * plain:.2f} ms ({batches[0]})",
                        f"{1000 * folded:.2f} ms ({batches[1]})",
                        f"{plain / folded:.2f} x",
                        f"{apart:.0e}",
                    )
                )
                print("   ".join(rows[-1]), flush=True)
    torch.set_num_threads(available)
    header = (
        "network",
        "precision",
        "threads",
        "an image, plain (batch)",
        "folded (batch)",
        "faster",
        "apart",
    )
    report.table(header, rows)
    report.say("Per image. Apart: the largest difference of a logit, of the largest logit.", "")
    for name, _ in CASES:
        least = min(ratios[name])
        report.goal(
            f"evaluation-{name}",
            f"Folded evaluation passes of {name} over plain ones, the least of the rows",
            f"{GOAL} x",
            f"{least:.2f} x",
            least >= GOAL,
        )
    report.write(options.json)


if __name__ == "__main__":
    main()
