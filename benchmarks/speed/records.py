"""Time and memory of `scores`, `status`, `select` and `compare` over runs of up to ImageNet's size.

Runs of the real format are generated trial by trial: ids like ImageNet's paths, 1,000 classes, examples
whose margins grow with training at their own pace. Every command then runs in a process of its own. Peak
memory is that process's ru_maxrss from wait4: its largest resident set, with Python and every library in it.
Time is given as it passed and as processors were busy; the second says more on a shared machine.

    python benchmarks/speed/records.py [--examples 10000 100000 1281167] [--trials 10] [--epochs 20]
                                       [--folder FOLDER]
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import begin
from kit.rounds import of_process

# Nothing heavy is imported up here: a process counts what its parent held when it was started.

CLASSES = 1000
IMAGENET = 1_281_167
LIMIT = 2 * 1024**3  # bytes that no command may pass
COMPARE = "compare (expected, refine)"
COMPARE_SECONDS = 60  # of processor time, over two runs of ImageNet's size
GROWTH = 1.2  # of processor time per cell, from the last size but one to the last

SELECT = """
import sys
import pandas as pd
from easiness import select
table = pd.read_parquet(sys.argv[1], columns=["id", "easiness", "confidence"])
weights = select(
    table["easiness"], side="easy", ties="refine", refine_by=table["confidence"], ids=table["id"]
)
assert weights.sum() == int(0.1 * len(table) + 0.5)
"""


def paths_of(labels):
    import numpy as np

    texts = [f"train/n{1440764 + k:08d}/n{1440764 + k:08d}_{i}.JPEG" for i, k in enumerate(labels)]
    return np.array(texts, dtype=object)


def reference(examples):
    from easiness.spec import DatasetRef, SplitRef, content_hash

    return DatasetRef(
        train=SplitRef(fingerprint=content_hash(examples), num_examples=examples),
        classes=tuple(f"n{1440764 + k:08d}" for k in range(CLASSES)),
    )


def generate(folder, examples, trials, epochs, seed):
    """A run in ``folder``, one trial in memory at a time; runs of any seed are over the same examples."""
    import numpy as np

    from easiness.records import TrialRecord
    from easiness.spec import RecordedSpec, content_hash
    from easiness.store import RunWriter

    labels = np.sort(np.arange(examples) % CLASSES)
    ids = paths_of(labels)
    difficulty = np.random.default_rng(0).gamma(2, 1.5, examples).astype(np.float32)
    with RunWriter(folder) as writer:
        writer.create(RecordedSpec(data=reference(examples)), ids, labels)
        for index in range(trials):
            rng = np.random.default_rng([seed, index])
            record = TrialRecord(probes={"train": observe(difficulty, labels, epochs, rng)})
            writer.add(record, {"train": ids}, index=index, seed=index, identity=content_hash([seed, index]))


def observe(difficulty, labels, epochs, rng):
    """One trial: margins rise with the epochs, fall with the difficulty and are noisy."""
    import numpy as np

    from easiness.records import Observations, Statistics

    num = len(labels)
    columns = {
        name: np.empty((epochs, num), np.int32 if name in ("prediction", "rival") else np.float32)
        for name in Statistics._fields
    }
    luck = rng.standard_normal(num, np.float32)
    for epoch in range(epochs):
        margin = 6 * (epoch + 1) / epochs - difficulty + luck + rng.standard_normal(num, np.float32)
        loss = np.logaddexp(0, -margin)
        wrong = -np.expm1(-loss)
        other = (labels + rng.integers(1, CLASSES, num)) % CLASSES
        columns["prediction"][epoch] = np.where(margin > 0, labels, other)
        columns["rival"][epoch] = other
        columns["loss"][epoch] = loss
        columns["margin"][epoch] = margin
        columns["error_norm"][epoch] = np.sqrt(1.5) * wrong
        columns["entropy"][epoch] = loss * (1 - wrong) + wrong * rng.random(num, np.float32)
    return Observations(labels=labels, num_classes=CLASSES, trained_on=np.ones(num, np.bool_), **columns)


def measure_all(folder, *size):
    runs, table = [folder / "a", folder / "b"], folder / "scores.parquet"
    easiness = ["-m", "easiness"]
    commands = {
        "scores": [*easiness, "scores", runs[0], "-o", table],
        "select (easy, refine)": ["-c", SELECT, table],
        "status": [*easiness, "status", runs[0]],
        COMPARE: [*easiness, "compare", *runs],
    }
    try:
        for seed, run in enumerate(runs):
            # a process of its own, or those below would count what it holds
            process = multiprocessing.get_context("spawn").Process(target=generate, args=(run, *size, seed))
            process.start()
            process.join()
        for name, arguments in commands.items():
            yield name, *of_process(*arguments)
    finally:
        for run in runs:
            shutil.rmtree(run, ignore_errors=True)
        table.unlink(missing_ok=True)


HEADER = (
    "command", "examples", "trials", "epochs", "wall s", "CPU s", "CPU ns per cell", "relative", "peak MiB",
)  # fmt: skip


def judge(report, sizes, trials, epochs, busy, peaks):
    largest, size = max(peaks, key=peaks.get), f"{trials} trials x {epochs} epochs"
    report.goal(
        "scores-memory",
        f"peak memory of commands, {sizes[-1]:,} examples x {size}",
        "at most 2 GiB",
        f"{peaks[largest] / 1024**3:.2f} GiB ({largest[0]} at {largest[1]:,})",
        peaks[largest] <= LIMIT,
    )
    whole = COMPARE, IMAGENET
    if whole in busy:
        report.goal(
            "compare-imagenet",
            f"Processor time and peak memory of `compare` over two runs of {IMAGENET:,} examples x {size}",
            f"at most {COMPARE_SECONDS} s and 2 GiB",
            f"{busy[whole]:.0f} s and {peaks[whole] / 1024**3:.2f} GiB",
            busy[whole] <= COMPARE_SECONDS and peaks[whole] <= LIMIT,
        )
    if len(sizes) > 1:
        few, many = (busy["scores", num] / num for num in sizes[-2:])
        report.goal(
            "scores-linear",
            f"Processor time of `scores` per cell, {sizes[-1]:,} examples against {sizes[-2]:,}",
            f"at most {GROWTH}x",
            f"{many / few:.2f}x",
            many / few <= GROWTH,
        )


def main():
    title = "Reading records, up to ImageNet's size"
    examples = (10_000, 100_000, IMAGENET)
    options, report = begin(__doc__, title, examples=examples, trials=10, epochs=20, folder=None)
    rows, each, busy, peaks = [], {}, {}, {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for num in options.examples:
            cells = num * options.trials * options.epochs
            for name, wall, used, peak in measure_all(Path(folder), num, options.trials, options.epochs):
                busy[name, num], peaks[name, num] = used, peak
                per_cell = used / cells * 1e9
                relative = per_cell / each.setdefault(name, per_cell)  # against the command's first size
                times = (f"{wall:.1f}", f"{used:.1f}", f"{per_cell:.0f}", f"{relative:.2f}")
                counts = (f"{num:,}", str(options.trials), str(options.epochs))
                rows.append((name, *counts, *times, f"{peak / 1024**2:.0f}"))
                print(" ".join(rows[-1]), flush=True)
    report.whole("records", HEADER, rows)
    judge(report, options.examples, options.trials, options.epochs, busy, peaks)
    report.write(options.json)


if __name__ == "__main__":
    main()
