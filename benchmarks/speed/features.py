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
from kit.pages import head, markdown, write_page
from kit.results import begin
from kit.rounds import of_process

TRIALS, SHARES, FOLDS = 20, (0.05, 0.2, 0.8), 5
SAMPLE = 1024  # examples of a head of which leave-one-out errors are computed
FULL = 1_281_167


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
    options, report = begin(__doc__, TITLE, imagenette=None, docs=None, part=240_000)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    best = peak()
    rows = []
    if options.imagenette is not None:
        measure, suspects, again = photos(options.imagenette)
        rows.append(("1,000 photos: measure, then suspects", f"{measure:.0f} + {suspects:.0f} s", "", ""))
        rows.append(("the same `measure` once more", f"{again:.1f} s", "", ""))
    seconds, memory = heads(50_000, 1280, 10, TRIALS)
    used = products(50_000, 1280, 10, TRIALS) / seconds / best
    rows.append(("heads, 50,000 x 1,280, 10 classes", f"{seconds:.0f} s", f"{memory:.1f} GiB", f"{used:.0%}"))
    small = np.array(heads(options.part * 3 // 4, 768, 1000, FOLDS))
    part = np.array(heads(options.part, 768, 1000, FOLDS))
    full, memory = part + (part - small) / (options.part / 4) * (FULL - options.part)
    full *= TRIALS / FOLDS
    used = products(FULL, 768, 1000, TRIALS) / full / best
    what = f"heads, 1.28 M x 768, 1,000 classes, foretold from {options.part:,}"
    rows.append((what, f"{full / 3600:.1f} h", f"{memory:.1f} GiB", f"{used:.0%}"))
    text = page(head(TITLE, COMMAND, report.measured), rows, f"{best / 1e9:.0f}")
    print(text)
    if options.docs is not None:
        write_page(options.docs, text)


TITLE = "What runs on features take"
COMMAND = "python benchmarks/speed/features.py --imagenette FOLDER --docs docs/results/features-speed.md"


def page(top, rows, best):
    return f"""\
{top}
{TRIALS} trials of three shares (1/20, 1/5, 4/5). Photos are Imagenette's, by `measure --features auto` and
`suspects`; vectors are random. Seconds are of processor time, all processes and threads together.

{markdown(("what", "processor time", "memory", "of the peak"), rows)}

- **Of the peak**: how many products are computed per second, as a share of what a product of two large
  matrices reaches here ({best} GFLOP a second of processor time).
- **The last row is foretold** from two parts of such vectors in a file: time and memory grow evenly.
- **Memory** counts pages of mapped files, which the system takes back where others need them.
"""


if __name__ == "__main__":
    main()
