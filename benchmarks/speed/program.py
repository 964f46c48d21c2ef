"""Time that the program adds to a bare loop, and that recording costs.

The bare loop calls `Network.step` and `Network.logits` on tensors that are ready: no images to fetch, no
augmentation, nothing recorded. It runs inside the program's own trial: after each batch of the program it
does a batch of the same size, and its time is taken off the program's. So both see the same machine. The
program's time is that of a whole trial, from building the network to its files on disk.

    python benchmarks/speed/program.py [--data cifar10-folder] [--examples 2000] [--epochs 2] [--rounds 3]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from functools import wraps
from itertools import cycle
from pathlib import Path
from unittest import mock

import torch

from easiness.models import build_model
from easiness.records import ObservationLog
from easiness.runs import resolve_plan
from easiness.runs.plan import make_plan
from easiness.spec import Execution, Training
from easiness.store import RunWriter
from easiness.training import Listener, StepObserver
from easiness.training.loop import batches
from easiness.training.network import Network
from easiness.trial import run_trial

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.results import begin, data_text, pictures
from kit.rounds import timed

CPU = torch.device("cpu")
MODELS = ("wrn_16_4", "wrn_16_1", "mlp_3")
JUDGED = "wrn_16_4"
LOSS_GOAL = 0.05
RECORDING_GOAL = 0.02


class Program:
    def __init__(self, data, model, folder, epochs):
        self.plan = make_plan(data, Training(model=model, epochs=epochs), 1)
        self.resolved = resolve_plan(self.plan, CPU, Execution(executor="serial", compile="off"))
        self.folder = folder
        self.spec = self.plan.spec(self.resolved, trials=1, epochs=epochs)
        self.done = 0
        with RunWriter(folder) as writer:
            writer.create(self.spec, data.ids, data.labels)

    def trial(self, on_images=lambda num: None):  # noqa: ARG005
        trial, data = self.spec.trial(self.done), self.plan.data
        record = run_trial(trial, data, CPU, listener=Listener(on_images=on_images))
        ids = {name: split.ids for name, split in data.splits.items()}
        with RunWriter(self.folder) as writer:
            writer.add(record, ids, index=self.done, seed=trial.seed, identity=trial.hash, spec=trial)
        self.done += 1


class BareLoop:
    """The same network, batches and order of work, on tensors that are ready."""

    def __init__(self, program):
        data, recipe = program.plan.data, program.plan.recipe
        shape = data.signature(recipe).shape
        self.network = Network(
            build_model(program.plan.model, shape, data.num_classes),
            recipe,
            program.resolved,
            CPU,
            num_examples=len(data),
            num_classes=data.num_classes,
        )
        size = self.network.at_once(shape)
        steps = [b.stop - b.start for b in batches(len(data), recipe.batch_size)]
        sizes = [len(split) for split in data.splits.values()]
        looks = [min(size, num - at) for num in sizes for at in range(0, num, size)]
        images = torch.randn(max(*steps, *looks), *shape)
        if program.resolved.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        labels = torch.randint(0, data.num_classes, (len(images),))
        self.seconds = 0.0
        self._work = cycle(
            [(self._step, images[:num], labels[:num]) for num in steps]
            + [(self._look, images[:num], None) for num in looks]
        )

    def follow(self, num):
        began = time.perf_counter()
        call, images, labels = next(self._work)
        assert len(images) == num
        call(images, labels)
        self.seconds += time.perf_counter() - began

    def _step(self, images, labels):
        self.network.model.train()
        self.network.step(images, labels)

    def _look(self, images, _):
        self.network.model.eval()
        self.network.logits(images)


def loop(report, data, options, folder):
    rows, lost = [], {}
    for model in MODELS:
        program = Program(data, model, folder / model, options.epochs)
        bare = BareLoop(program)
        program.trial(bare.follow)  # kernels and caches get warm
        ratios, ours, theirs = [], [], []
        for _ in range(options.rounds if model == JUDGED else 2 * options.rounds):
            bare.seconds = 0.0
            both = timed(lambda: program.trial(bare.follow))  # noqa: B023
            theirs.append(bare.seconds)
            ours.append(both - bare.seconds)
            ratios.append(ours[-1] / theirs[-1])
        lost[model] = statistics.median(ratios) - 1
        rows.append(
            (
                model,
                f"{program.resolved.precision}, {program.resolved.threads} threads",
                f"{statistics.median(theirs):.2f} s",
                f"{statistics.median(ours):.2f} s",
                f"{100 * lost[model]:.1f} %",
                " ".join(f"{100 * (ratio - 1):.1f}" for ratio in ratios),
            )
        )
    header = ("network", "settings", "bare loop", "program", "more by", "in each round, %")
    report.whole("program-loop", header, rows)
    report.goal(
        "program",
        f"WRN 16-4: whole program over a bare loop, {options.images}",
        f"at most {100 * LOSS_GOAL:.0f} % more",
        f"{100 * lost[JUDGED]:.1f} % more",
        lost[JUDGED] <= LOSS_GOAL,
    )


WATCHED = {
    "training steps": [(Network, "update")],
    "evaluation passes": [(Network, "logits")],
    "statistics": [
        (ObservationLog, "update"),
        (ObservationLog, "end_epoch"),
        (ObservationLog, "last_accuracy"),
        (ObservationLog, "observations"),
        (StepObserver, "stepped"),
    ],
    "storage": [(RunWriter, "add")],
}


@contextmanager
def watched():
    """Counts the seconds within the methods of `WATCHED`, by their name there."""
    seconds = Counter()
    inside = []

    def watch(kind, method):
        @wraps(method)
        def call(*args, **kwargs):
            if inside:  # a part of what is being counted
                return method(*args, **kwargs)
            inside.append(kind)
            began = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                seconds[kind] += time.perf_counter() - began
                inside.pop()

        return call

    with ExitStack() as stack:
        for kind, methods in WATCHED.items():
            for owner, name in methods:
                stack.enter_context(mock.patch.object(owner, name, watch(kind, getattr(owner, name))))
        yield seconds


def recording(report, data, options, folder):
    rows, shares = [], {}
    for model in MODELS:
        program = Program(data, model, folder / f"{model}-watched", options.epochs)
        program.trial()
        parts = []
        for _ in range(max(1, options.rounds - 1)):
            with watched() as seconds:
                total = timed(program.trial)
            seconds["the rest"] = total - sum(seconds.values())
            parts.append({kind: spent / total for kind, spent in seconds.items()})
        share = {kind: statistics.median(part[kind] for part in parts) for kind in (*WATCHED, "the rest")}
        shares[model] = statistics.median(part["statistics"] + part["storage"] for part in parts)
        rows.append((model, *(f"{100 * value:.2f} %" for value in share.values())))
    report.whole("program-recording", ("network", *WATCHED, "the rest"), rows)
    report.goal(
        "recording",
        f"WRN 16-4: statistics and storage over the time of a trial, {options.images}",
        f"at most {100 * RECORDING_GOAL:.0f} %",
        f"{100 * shares[JUDGED]:.2f} %",
        shares[JUDGED] <= RECORDING_GOAL,
    )


def main():
    options, report = begin(__doc__, "The program itself", data=None, examples=2000, epochs=2, rounds=3)
    options.images = data_text(options.data, "random images")
    data = pictures(options.data, options.examples)
    with tempfile.TemporaryDirectory() as folder:
        for part in (loop, recording):
            part(report, data, options, Path(folder))
    report.write(options.json)


if __name__ == "__main__":
    main()
