"""Costs of runs on features: photos to suspects, heads on 50,000 vectors, and a plan for 1.28 million.

    python benchmarks/speed/features.py --imagenette FOLDER --docs docs/results/features-speed.md

FOLDER has Imagenette's class folders, of whose training photos there are 1,000; features are made anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from kit.rounds import of_process
from kit.science import options, publish

TRIALS, SHARES, FOLDS = 20, (0.05, 0.2, 0.8), 5
SAMPLE = 1024  # examples of a head of which leave-one-out errors are computed
PART, FULL = 240_000, 1_281_167


def peak():
    import torch

    a = torch.randn(4096, 4096)
    best = np.inf
    for _ in range(5):
        before = time.process_time()
        a @ a
        best = min(best, time.process_time() - before)
    return 2 * 4096**3 / best


def products(num, width, classes, trials):
    """Products and sums that the heads of so many trials take, at the least."""
    repeats = trials / FOLDS
    moments = repeats * num * width**2  # symmetric
    fits = trials * sum(2 * SAMPLE * width**2 + 9 * width**3 for share in SHARES if share * num > width)
    outputs = trials * len(SHARES) * 2 * num * width * classes
    return moments + fits + outputs


HEADS = """
import sys, resource, time, numpy as np, easiness as ez
num, width, classes, trials, out = *map(int, sys.argv[1:5]), sys.argv[5]
rng = np.random.default_rng(0)
labels = np.arange(num) % classes
means = rng.standard_normal((classes, width), np.float32)
x = np.lib.format.open_memmap(out + ".npy", "w+", np.float16, (num, width))
for at in range(0, num, 8192):
    own = labels[at : at + 8192]
    x[at : at + 8192] = 3 * rng.standard_normal((len(own), width), np.float32) + means[own]
del x
positions = np.arange(num, dtype=np.float32)[:, None]
before = time.process_time()
ez.measure((positions, labels), features=out + '.npy', trials=trials, out=out, progress=False)
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(time.process_time() - before, used / 2**20)
"""


def heads(num, width, classes, trials):
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", HEADS, *map(str, (num, width, classes, trials)), f"{folder}/run"]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return tuple(map(float, found))


def photos(imagenette):
    with tempfile.TemporaryDirectory() as folder:
        program, out = ("-m", "easiness"), f"{folder}/run"
        measure = (*program, "measure", imagenette, "--features", "auto", "--trials", TRIALS, "--out", out)
        commands = (measure, (*program, "suspects", out), measure)
        return [of_process(*command)[1] for command in commands]


def main():
    asked = options(__doc__, more={"--imagenette": None})
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    best = peak()
    rows = []
    if asked.imagenette is not None:
        measure, suspects, again = photos(asked.imagenette)
        rows.append(("1,000 photos: measure, then suspects", f"{measure:.0f} + {suspects:.0f} s", "", ""))
        rows.append(("the same `measure` once more", f"{again:.1f} s", "", ""))
    seconds, memory = heads(50_000, 1280, 10, TRIALS)
    used = products(50_000, 1280, 10, TRIALS) / seconds / best
    rows.append(("heads, 50,000 x 1,280, 10 classes", f"{seconds:.0f} s", f"{memory:.1f} GiB", f"{used:.0%}"))
    small = np.array(heads(PART * 3 // 4, 768, 1000, FOLDS))
    part = np.array(heads(PART, 768, 1000, FOLDS))
    full, memory = part + (part - small) / (PART / 4) * (FULL - PART)
    full *= TRIALS / FOLDS
    used = products(FULL, 768, 1000, TRIALS) / full / best
    what = f"heads, 1.28 M x 768, 1,000 classes, foretold from {PART:,}"
    rows.append((what, f"{full / 3600:.1f} h", f"{memory:.1f} GiB", f"{used:.0%}"))
    print(f"the peak is {best / 1e9:.0f} GFLOP a second of processor time")
    publish(asked.docs, "features-speed", {}, (("what", "processor time", "memory", "of the peak"), rows))


if __name__ == "__main__":
    main()
