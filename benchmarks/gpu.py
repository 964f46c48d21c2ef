"""One GPU: is everything right on it, how near its limits is a step, and how long do ten trials take?

First checks: trials in float32 against the same in bfloat16, as CUDA graphs, compiled and side by side.
Then step times of several networks in all these ways, their share of the roofline, trials side by side and
in several processes, the easiness of all of CIFAR-10, and a plain loop. All of it in less than ten minutes;
what no longer fits is left out and named. Without a GPU the checks alone are run, tiny and on the CPU.

    python benchmarks/gpu.py [--data cifar10-folder]
"""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from easiness import load_dataset, measure
from easiness.models import build_model
from gpu_checks import check
from gpu_steps import BATCH, NUM_CLASSES, SHAPE, WAYS, Steps, measure_peaks, never_waits, roofline, settings
from results import Report, parser

MODELS = ("wrn_16_4", "wrn_16_1", "mlp_3", "densenet_bc_100_12", "resnext_29_4x64d")
SIDE_BY_SIDE = {"mlp_3": (1, 2, 5, 10), "wrn_16_1": (1, 2, 5, 10)}
TRIALS, EPOCHS = 10, 10
ROOFLINE_GOAL, SECONDS_GOAL, PLAIN_GOAL = 0.6, 90, 10
BUDGET = 570  # seconds for everything


class Clock:
    """What is left of the budget."""

    def __init__(self):
        self.began = time.perf_counter()

    def left(self):
        return BUDGET - (time.perf_counter() - self.began)


def step_times(report, device, clock):
    peaks = measure_peaks(device)
    report.say(
        f"Measured peaks: {peaks.flops / 1e12:.0f} TFLOP/s (matrix product, bfloat16), "
        f"{peaks.bytes / 1e9:.0f} GB/s (copy, read + write).",
        "",
    )
    rows, limits, best_share = [], [], {}
    for model in MODELS:
        limit = roofline(model, peaks)
        found = {}
        for way, changes in WAYS.items():
            # compiling a deep network takes a minute: the networks of the goals come first
            if clock.left() < (330 if changes.get("compiled") else 240):
                continue
            try:
                found[way] = Steps(model, settings(**changes), device).seconds()
            except Exception as error:  # one way that does not work must not cost the rest of the call
                report.say(f"{model}, {way}: {type(error).__name__}: {str(error).splitlines()[0][:150]}")
        rows.append((model, *(f"{1e3 * found[w]:.2f}" if w in found else "-" for w in WAYS)))
        if not found:
            continue
        fastest = min(found.values())
        best_share[model] = limit.whole / fastest
        limits.append(
            (
                model,
                f"{limit.flops / 1e9:.0f}",
                f"{limit.bytes / 1e6:.0f}",
                f"{1e3 * limit.whole:.2f}",
                f"{1e3 * limit.by_layer:.2f}",
                f"{1e3 * fastest:.2f}",
                f"{100 * limit.whole / fastest:.0f} %",
                f"{100 * limit.by_layer / fastest:.0f} %",
            )
        )
    report.say("Milliseconds of a training step on 128 images of 3 x 32 x 32, augmentation included:", "")
    report.table(("network", *WAYS), rows)
    report.say("Against the roofline, in milliseconds, for the fastest way:", "")
    header = ("network", "GFLOP", "MB", "roofline", "layer by layer", "step", "of roofline", "of layers")
    report.table(header, limits)
    if "wrn_16_4" in best_share:
        share = best_share["wrn_16_4"]
        report.goal(
            "gpu-roofline",
            "WRN 16-4 training step over the roofline of its bytes and FLOPs",
            f"{100 * ROOFLINE_GOAL:.0f} %",
            f"{100 * share:.0f} %",
            share >= ROOFLINE_GOAL,
        )


def side_by_side(report, device, clock):
    rows = []
    for model, sizes in SIDE_BY_SIDE.items():
        for graphed in (False, True):
            row = []
            for num in sizes:
                if clock.left() < 220:
                    row.append("-")
                    continue
                resolved = settings(precision="bfloat16", channels_last=True, graphed=graphed)
                row.append(f"{1e3 * Steps(model, resolved, device, num).seconds(rounds=3) / num:.3f}")
            rows.append((model, "graph" if graphed else "no graph", *row))
    report.say("Trials side by side in one process: milliseconds of a step per trial:", "")
    report.table(("network", "", "1", "2", "5", "10"), rows)


def timed_measure(data, folder, **options):
    began = time.perf_counter()
    run = measure(data, out=Path(folder) / f"run{time.monotonic_ns()}", device="cuda", **options)
    return time.perf_counter() - began, run


def processes(report, data, clock):
    if clock.left() < 220:
        report.say("Several processes: left out, the time is up", "")
        return
    few = data.limit(min(10000, len(data)))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for jobs in (1, 2, 4):
            if clock.left() < 200:
                break
            seconds, _ = timed_measure(
                few, folder, model="wrn_16_1", trials=4, epochs=2, jobs=jobs, precision="bfloat16"
            )
            rows.append((str(jobs), f"{seconds:.1f}"))
    report.say(f"Four trials of WRN 16-1 on {len(few)} images for two epochs, in processes:", "")
    report.table(("processes", "seconds in all"), rows)


def all_of_cifar(report, data, device, clock):
    """N = 10, m = 10 with WRN 16-4, start to end; seconds per trial and epoch."""
    resolved = settings(precision="bfloat16", channels_last=True, graphed=True)
    expected = Steps("wrn_16_4", resolved, device).seconds(rounds=2) * 391 * 1.6 * EPOCHS * TRIALS
    trials = TRIALS if expected < clock.left() - 100 else 2
    with tempfile.TemporaryDirectory() as folder:
        seconds, run = timed_measure(data, folder, model="wrn_16_4", trials=trials, epochs=EPOCHS)
    scaled = seconds * TRIALS / trials
    note = "" if trials == TRIALS else f", {trials} trials measured, {TRIALS} by proportion"
    report.say(f"`auto` became: {run.spec.resolved.reason}", "")
    report.goal(
        "gpu-cifar10",
        f"easiness of CIFAR-10 with WRN 16-4, {len(data)} images, N = {TRIALS}, m = {EPOCHS}",
        f"{SECONDS_GOAL} s",
        f"{scaled:.0f} s{note}",
        scaled <= SECONDS_GOAL,
    )
    return scaled / TRIALS / EPOCHS


def plain_loop(report, data, ours, clock):
    """The plain loop of the other benchmarks on the GPU: pinned memory, a worker per core up to eight."""
    if clock.left() < 60:
        report.say("Plain loop: left out, the time is up", "")
        return
    try:
        from baseline_plain import PilImages, evaluation_transform, optimizer_and_schedule, training_transform
    except ModuleNotFoundError as error:
        report.say(f"Plain loop: left out, {error.name} is not installed", "")
        return
    from torch.utils.data import DataLoader

    few = data.limit(min(10000, len(data)))
    images, labels = few.images.numpy(), few.labels
    workers = {
        "num_workers": min(8, os.cpu_count() or 1),
        "persistent_workers": True,
        "pin_memory": True,
    }
    train = DataLoader(
        PilImages(images, labels, training_transform(images.shape[-1])), BATCH, shuffle=True, **workers
    )
    clean = DataLoader(PilImages(images, labels, evaluation_transform()), BATCH, **workers)
    model = build_model("wrn_16_4", images.shape[1:], NUM_CLASSES).cuda()
    optimizer, schedule = optimizer_and_schedule(model, len(train))
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        model.train()
        for batch, targets in train:
            optimizer.zero_grad()
            logits = model(batch.cuda(non_blocking=True))
            nn.functional.cross_entropy(logits, targets.cuda(non_blocking=True)).backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            right = [model(batch.cuda()).argmax(1).cpu() == targets for batch, targets in clean]
        assert len(torch.cat(right)) == len(few)
        seconds.append(time.perf_counter() - began)
        if clock.left() < 40:
            break
    of_all = statistics.median(seconds[1:] or seconds) * len(data) / len(few)
    report.goal(
        "gpu-plain",
        f"plain loop on this GPU (float32, {workers['num_workers']} workers) over easiness, trial and epoch",
        f"{PLAIN_GOAL}x",
        f"{of_all / ours:.1f}x ({of_all:.1f} s against {ours:.2f} s)",
        of_all / ours >= PLAIN_GOAL,
    )


def load(path):
    """All of CIFAR-10, or random images as many."""
    if path is not None:
        return load_dataset(path)
    rng = np.random.default_rng(0)
    parts = [
        (rng.integers(0, 256, (num, *SHAPE), dtype=np.uint8), np.arange(num) % NUM_CLASSES)
        for num in (50000, 10000)
    ]
    return load_dataset(parts[0], held_out=parts[1])


def main():
    options = parser(__doc__)
    options.add_argument("--data", help="CIFAR-10 as Parquet or class folders; random images otherwise")
    options = options.parse_args()
    clock = Clock()
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    report = Report("One GPU", "python benchmarks/gpu.py")
    name = torch.cuda.get_device_name() if on_gpu else "no GPU here: the checks alone, on the CPU"
    report.say(f"torch {torch.__version__}, {name}", "")
    torch.backends.cudnn.benchmark = on_gpu
    right = check(report, device, clock)
    if not on_gpu:
        report.say("No GPU could be had: its goals are not measured.", "")
        for key, what, goal in (
            ("gpu-plain", "a plain PyTorch loop over easiness on a GPU, trial and epoch", f"{PLAIN_GOAL}x"),
            ("gpu-cifar10", "easiness of CIFAR-10, WRN 16-4, N = 10, m = 10, one H100", f"{SECONDS_GOAL} s"),
            ("gpu-roofline", "WRN 16-4 training step over its roofline", f"{100 * ROOFLINE_GOAL:.0f} %"),
        ):
            report.goal(key, what, goal, "no GPU could be had", None)
        report.write(options.json)
        raise SystemExit(0 if right else 1)

    try:
        never_waits(device)
        report.say("No step waits for the GPU (`torch.cuda.set_sync_debug_mode`).", "")
    except RuntimeError as error:
        right = False
        report.say(f"A step WAITS for the GPU: {str(error).splitlines()[0]}", "")
    data = load(options.data)
    for part in (
        lambda: step_times(report, device, clock),
        lambda: side_by_side(report, device, clock),
        lambda: processes(report, data, clock),
    ):
        with contextlib.suppress(torch.OutOfMemoryError):
            part()
        torch.cuda.empty_cache()
    ours = all_of_cifar(report, data, device, clock)
    plain_loop(report, data, ours, clock)
    report.say(f"{BUDGET - clock.left():.0f} s in all", "")
    report.write(options.json)
    raise SystemExit(0 if right else 1)


if __name__ == "__main__":
    main()
