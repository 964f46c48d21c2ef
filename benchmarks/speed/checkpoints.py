"""What checkpoints cost: their share of the time of a trial on examples of the size of CIFAR-10's.

One trial of wrn_16_1 is trained on made-up images as `measure` trains it, and keeps how far it is after each
epoch, as no run does by itself: ``auto`` writes one in two minutes at the most. Each is timed where it is
written, digest, fsync and the removal of the one before included. Their share of the time is told for one
after each of these epochs, and for one in two minutes.

    python benchmarks/speed/checkpoints.py [--model wrn_16_1] [--examples 50000] [--epochs 4]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from easiness import load_dataset
from easiness.runs import carry_out, make_plan, trainer as checkpoints
from easiness.runs.progress import Progress
from easiness.spec import Execution, Resolved, Training

MINUTES = 2


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--model", default="wrn_16_1")
    asked.add_argument("--examples", type=int, default=50_000)
    asked.add_argument("--epochs", type=int, default=4)
    given = asked.parse_args()

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (given.examples, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(given.examples) % 10
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "images.npz", x=images, y=labels)
        data = load_dataset(str(Path(folder) / "images.npz"))
        plan = make_plan(data, Training(model=given.model, epochs=given.epochs, recipe="paper"), 1)
        seconds: list[float] = []
        sizes: list[int] = []
        epochs: list[float] = []
        keep = checkpoints.CheckpointKeeper.after_epoch

        def timed(self: Any, standing: Any) -> None:
            began = time.perf_counter()
            keep(self, standing)
            seconds.append(time.perf_counter() - began)
            (path,) = (Path(folder) / "run" / "checkpoints").iterdir()
            sizes.append(sum(file.stat().st_size for file in path.iterdir()))

        class Timed(Progress):
            def epoch(self, report: Any) -> None:
                epochs.append(report.seconds)

        with mock.patch.object(checkpoints.CheckpointKeeper, "after_epoch", timed):
            carry_out(
                plan,
                Path(folder) / "run",
                Execution(device="cpu", executor="serial", checkpoint_every=0),
                progress=Timed(),
                resolved=Resolved(precision="float32", channels_last=True, threads=torch.get_num_threads()),
            )
    one, epoch = statistics.median(seconds), statistics.median(epochs)
    print(
        f"{given.model}, {given.examples:,} images of 32 x 32, {torch.get_num_threads()} threads: "
        f"an epoch takes {epoch:.1f} s, a checkpoint of {max(sizes) / 1e6:.1f} MB {one:.3f} s "
        f"(longest {max(seconds):.3f} s)"
    )
    print(
        f"share of the time: {one / epoch:.2%} with one after each epoch, "
        f"{one / max(epoch, 60 * MINUTES):.3%} with one in {MINUTES} minutes"
    )


if __name__ == "__main__":
    main()
