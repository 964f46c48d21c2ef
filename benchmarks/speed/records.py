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
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Size:
    examples: int
    trials: int
    epochs: int

    @property
    def cells(self):
        return self.examples * self.trials * self.epochs


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


def generate(folder, size, seed):
    """A run in ``folder``, one trial in memory at a time; runs of any seed are over the same examples."""
    import numpy as np

    from easiness.records import TrialRecord
    from easiness.spec import RecordedSpec, content_hash
    from easiness.store import RunWriter

    labels = np.sort(np.arange(size.examples) % CLASSES)
    ids = paths_of(labels)
    difficulty = np.random.default_rng(0).gamma(2, 1.5, size.examples).astype(np.float32)
    with RunWriter(folder) as writer:
        writer.create(RecordedSpec(data=reference(size.examples)), ids, labels)
        for index in range(size.trials):
            rng = np.random.default_rng([seed, index])
            record = TrialRecord(probes={"train": observe(difficulty, labels, size.epochs, rng)})
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


def measure_all(folder, size):
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
            process = multiprocessing.get_context("spawn").Process(target=generate, args=(run, size, seed))
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


def fill(report, sizes, folder):
    """The table, row by row; ``relative`` is processor time per cell against the command's first size."""
    rows, first, peaks, scoring, comparing = [], {}, {}, [], {}
    for size in sizes:
        for name, seconds, busy, peak in measure_all(folder, size):
            per_cell = busy / size.cells * 1e9
            relative = per_cell / first.setdefault(name, per_cell)
            counts = (f"{size.examples:,}", str(size.trials), str(size.epochs))
            times = (f"{seconds:.1f}", f"{busy:.1f}", f"{per_cell:.0f}", f"{relative:.2f}")
            rows.append((name, *counts, *times, f"{peak / 1024**2:.0f}"))
            print(" ".join(rows[-1]), flush=True)
            peaks[f"{name} at {size.examples:,}"] = peak
            if name == "scores":
                scoring.append(per_cell)
            if name == COMPARE:
                comparing[size] = busy, peak
    report.whole("records", HEADER, rows)
    return peaks, scoring, comparing


def judge(report, sizes, peaks, scoring, comparing):
    largest = max(peaks, key=peaks.get)
    report.goal(
        "scores-memory",
        f"peak memory of commands, {sizes[-1].examples:,} examples x {sizes[-1].trials} trials x "
        f"{sizes[-1].epochs} epochs",
        "at most 2 GiB",
        f"{peaks[largest] / 1024**3:.2f} GiB ({largest})",
        peaks[largest] <= LIMIT,
    )
    whole = Size(IMAGENET, 10, 20)
    if whole in comparing:
        busy, peak = comparing[whole]
        report.goal(
            "compare-imagenet",
            f"Processor time and peak memory of `compare` over two runs of {whole.examples:,} examples x "
            f"{whole.trials} trials x {whole.epochs} epochs",
            f"at most {COMPARE_SECONDS} s and 2 GiB",
            f"{busy:.0f} s and {peak / 1024**3:.2f} GiB",
            busy <= COMPARE_SECONDS and peak <= LIMIT,
        )
    if len(sizes) > 1:
        growth = scoring[-1] / scoring[-2]
        report.goal(
            "scores-linear",
            f"Processor time of `scores` per cell, {sizes[-1].examples:,} examples against "
            f"{sizes[-2].examples:,}",
            f"at most {GROWTH}x",
            f"{growth:.2f}x",
            growth <= GROWTH,
        )


def main():
    title = "Reading records, up to ImageNet's size"
    examples = (10_000, 100_000, IMAGENET)
    options, report = begin(__doc__, title, examples=examples, trials=10, epochs=20, folder=None)
    sizes = [Size(num, options.trials, options.epochs) for num in options.examples]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = fill(report, sizes, Path(folder))
    judge(report, sizes, *found)
    report.write(options.json)


if __name__ == "__main__":
    main()
