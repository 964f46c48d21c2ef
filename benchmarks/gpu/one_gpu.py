"""One GPU: is everything right on it, how near its limits is a step, and how long do ten trials take?

First checks: trials in float32 against the same in bfloat16. Then what the
goals are about: steps of WRN 16-4 and their share of the roofline, the easiness of all of CIFAR-10 and where
its time goes, a plain loop. Then other networks, and checks of compiled networks. All of
it in less than ten minutes: what might not end in the time that is left is not begun, and said. Without a GPU
the checks alone, and where the time goes, are run, tiny and on the CPU.

    python benchmarks/gpu/one_gpu.py [--data cifar10-folder]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from easiness import load_dataset

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from gpu.checks import CHEAP, COMPILED, check
from gpu.parts import LeftOut, Parts
from gpu.steps import NUM_CLASSES, SHAPE, WAYS, Steps, measure_peaks, roofline, settings, waits
from gpu.whole_runs import (
    CHOOSING,
    EPOCHS,
    JUDGED,
    PLAIN,
    PLAIN_GOAL,
    SECONDS_GOAL,
    STARTING,
    TRIALS,
    all_of_cifar,
    plain_loop,
    tiny_times,
)
from kit.results import Report, command, data_text, parser

OTHERS, DEEP = ("mlp_3", "wrn_16_1"), ("densenet_bc_100_12", "resnext_29_4x64d")
ROOFLINE_GOAL = 0.6
BUDGET = 550  # seconds for everything after Python and torch have started
# seconds that one thing may take: libraries search for their fastest convolutions in the first steps
WAY, WAY_COMPILED, WAY_DEEP, WAY_DEEP_COMPILED = 20, 100, 60, 240
FOR_GOALS = 300  # seconds that steps of WRN 16-4 leave for the goals after them


def step_times(parts, models, peaks, device, seconds, seconds_compiled, leave=0, goals=()):
    """Two tables; seconds of the fastest way of each network and of the fastest not compiled, and its limit.

    No way is begun that might not ``leave`` so many seconds. ``goals`` are those that need these steps.
    """
    rows, limits, best = [], [], {}
    for model in models:
        found = {}
        for way, changes in WAYS.items():
            needed = seconds_compiled if changes.get("compiled") else seconds
            if parts.left() < needed + leave:
                continue
            result = parts.run(
                f"steps of {model}, {way}",
                lambda model=model, changes=changes: Steps(model, settings(**changes), device).seconds(),
                goals=goals,
            )
            if result is not None:
                found[way] = result
        rows.append((model, *(f"{1e3 * found[w]:.2f}" if w in found else "-" for w in WAYS)))
        if not found:
            continue
        plain = [found[way] for way in found if not WAYS[way].get("compiled")]
        fastest = min(found.values())
        limit = peaks and parts.run(
            f"roofline of {model}", lambda model=model: roofline(model, peaks), goals=goals
        )
        best[model] = fastest, min(plain, default=fastest), limit
        if limit:
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
    report = parts.report
    # milliseconds; -: failed, or no time was left
    report.whole(f"gpu-steps-{models[0]}", ("network", *WAYS), rows)
    if limits:
        header = ("network", "GFLOP", "MB", "roofline", "layer by layer", "step", "of roofline", "of layers")
        report.whole(f"gpu-roofline-{models[0]}", header, limits)
    return best


def steps_of_judged(parts, peaks, device):
    """The goal of the roofline; gives seconds of a step of the fastest way that is not compiled."""
    best = step_times(
        parts, (JUDGED,), peaks, device, WAY, WAY_COMPILED, leave=FOR_GOALS, goals=["gpu-roofline"]
    )
    if JUDGED not in best:
        raise LeftOut("no step could be timed")
    fastest, not_compiled, limit = best[JUDGED]
    if limit:
        share = limit.whole / fastest
        parts.goal("gpu-roofline", f"{100 * share:.0f} %", share >= ROOFLINE_GOAL)
    return not_compiled


def measured_peaks(report, device):
    peaks = measure_peaks(device)
    report.say(
        f"Measured peaks: {peaks.flops / 1e12:.0f} TFLOP/s (matrix product, bfloat16), "
        f"{peaks.bytes / 1e9:.0f} GB/s (copy, read + write).",
        "",
    )
    return peaks


def load(path):
    """All of CIFAR-10, or random images as many."""
    if path is not None:
        return load_dataset(path)
    rng = np.random.default_rng(0)
    sets = [
        (rng.integers(0, 256, (num, *SHAPE), dtype=np.uint8), np.arange(num) % NUM_CLASSES)
        for num in (50000, 10000)
    ]
    return load_dataset(sets[0], held_out=sets[1])


def checks(parts, device, models, ways):
    if not check(parts.report, device, parts.left, models, ways):
        parts.right = False


def waiting(parts, device):
    answer = "never waits for the GPU"
    if waits(device):
        parts.right = False
        answer = "WAITS for the GPU"
    parts.report.say(f"A step {answer} (`torch.cuda.set_sync_debug_mode`).", "")


def on_gpu(parts, path, device):
    """Everything, the goals first."""
    report = parts.report
    parts.run("checks", lambda: checks(parts, device, ("mlp_3", "wrn_16_1"), CHEAP))
    parts.run("does a step wait", lambda: waiting(parts, device), WAY)
    peaks = parts.run("peaks", lambda: measured_peaks(report, device), WAY, ["gpu-roofline"])
    step = parts.run(
        f"steps of {JUDGED}", lambda: steps_of_judged(parts, peaks, device), WAY, ["gpu-roofline"]
    )
    goals = ["gpu-cifar10", "gpu-plain"]
    data = parts.run("data", lambda: load(path), WAY, goals)
    if data is not None:
        ours = parts.run(
            "easiness of CIFAR-10",
            lambda: all_of_cifar(parts, data, device, step or 0.005, peaks),
            CHOOSING + STARTING,
            goals[:1],
        )
        parts.run("plain loop", lambda: plain_loop(parts, data, ours, device), PLAIN, goals[1:])
    parts.run(
        "other networks", lambda: step_times(parts, OTHERS, peaks, device, WAY, WAY_COMPILED, leave=150), WAY
    )
    parts.run("compiled", lambda: checks(parts, device, ("wrn_16_1",), COMPILED), WAY_COMPILED)
    parts.run(
        "deep networks",
        lambda: step_times(parts, DEEP, peaks, device, WAY_DEEP, WAY_DEEP_COMPILED),
        WAY_DEEP,
    )


def main():
    made = parser(__doc__)
    made.add_argument("--data", help="CIFAR-10 as Parquet or class folders; random images otherwise")
    options = made.parse_args()
    has_gpu = torch.cuda.is_available()
    device = torch.device("cuda" if has_gpu else "cpu")
    images = data_text(options.data, "random images")
    report = Report("One GPU", command(made, options))
    # goals in the order in which they are measured
    goals = {
        "gpu-roofline": ("WRN 16-4 training step over its roofline", f"{100 * ROOFLINE_GOAL:.0f} %"),
        "gpu-cifar10": (
            f"easiness of all of CIFAR-10 ({images}), WRN 16-4, N = {TRIALS}, m = {EPOCHS}, one H100",
            f"{SECONDS_GOAL} s",
        ),
        "gpu-plain": (
            f"a plain PyTorch loop over easiness on a GPU, trial and epoch ({images})",
            f"{PLAIN_GOAL}x",
        ),
    }
    parts = Parts(report, options.json, BUDGET, goals)
    if has_gpu:
        report.measured += f", {torch.cuda.get_device_name()}, torch {torch.__version__}"
    torch.backends.cudnn.benchmark = has_gpu
    if has_gpu:
        on_gpu(parts, options.data, device)
        report.say(f"{BUDGET - parts.left():.0f} s in all", "")
        parts.end()
    else:
        parts.run("checks", lambda: checks(parts, device, ("mlp_3_w32", "wrn_10_1"), CHEAP))
        parts.run("where the time goes", lambda: tiny_times(parts, device))
        parts.end("no GPU could be had")
    raise SystemExit(0 if parts.right else 1)


if __name__ == "__main__":
    main()
