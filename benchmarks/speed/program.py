"""What the program adds to a bare loop, what recording costs, and one process against two.

The bare loop calls `Network.step` and `Network.logits` on tensors that are ready: no images to fetch, no
augmentation, nothing recorded. It runs inside the program's own trial: after each batch of the program it
does a batch of the same size, and its time is taken off the program's. So both see the same machine. The
program's time is that of a whole trial, from building the network to its files on disk.

    python benchmarks/speed/program.py [--data cifar10-folder] [--examples 2000] [--epochs 2] [--rounds 3]
                                       [--parts loop recording observe processes]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from easiness import load_dataset
from easiness.records import ObservationLog
from easiness.runs import resolve_plan
from easiness.runs.carrying_out import carry_out
from easiness.runs.plan import make_plan
from easiness.runs.progress import Progress
from easiness.spec import Execution, Training
from easiness.store import RunWriter
from easiness.training import StepObserver
from easiness.training.network import Network

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from kit.clock import timed
from kit.results import Report, command, data_text, parser
from speed.program_trials import CPU, BareLoop, Program

PARTS = ("loop", "recording", "observe", "processes")
MODELS = ("wrn_16_4", "wrn_16_1", "mlp_3")
JUDGED = "wrn_16_4"
MADE_UP = "random images"
LOSS_GOAL = 0.05
RECORDING_GOAL = 0.02
OBSERVE_EPOCHS, OBSERVE_EXAMPLES = 10, 256
OBSERVE = ("all", "every:5", "last", "train")
JOBS = 2
IN_PROCESSES = ("mlp_3", "wrn_16_1", "densenet_bc_16_8")


def fewer_rounds(options):
    """For what needs no close look."""
    return max(1, options.rounds - 1)


def load(path, num_examples):
    """Images of CIFAR-10's shape: real ones of a folder, or random."""
    if path is not None:
        return load_dataset(path, limit=num_examples)
    rng = np.random.default_rng(0)
    labels = np.arange(num_examples) % 10
    return load_dataset((rng.integers(0, 256, (num_examples, 3, 32, 32), dtype=np.uint8), labels))


def loop(report, data, options, folder):
    """The program against the bare loop."""
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
        f"WRN 16-4: whole program over a bare loop, {data_text(options.data, MADE_UP)}",
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
    """Where the time of a trial goes."""
    rows, shares = [], {}
    for model in MODELS:
        program = Program(data, model, folder / f"{model}-watched", options.epochs)
        program.trial()
        parts = []
        for _ in range(fewer_rounds(options)):
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
        f"WRN 16-4: statistics and storage over the time of a trial, {data_text(options.data, MADE_UP)}",
        f"at most {100 * RECORDING_GOAL:.0f} %",
        f"{100 * shares[JUDGED]:.2f} %",
        shares[JUDGED] <= RECORDING_GOAL,
    )


def observe(report, data, options, folder):
    """What fewer passes, or none, save."""
    fewer = data if len(data) <= OBSERVE_EXAMPLES else data.limit(OBSERVE_EXAMPLES)
    resolved = None
    programs = {}
    for how in OBSERVE:
        at = folder / f"observe-{how.replace(':', '-')}"
        programs[how] = Program(fewer, JUDGED, at, OBSERVE_EPOCHS, how, resolved)
        resolved = programs[how].resolved
    programs["last"].trial()
    seconds = {how: [] for how in OBSERVE}
    for _ in range(fewer_rounds(options)):
        for how, program in programs.items():
            seconds[how].append(timed(program.trial))
    medians = {how: statistics.median(values) for how, values in seconds.items()}
    report.whole(
        "program-observe",
        ("--observe", f"seconds per trial of {OBSERVE_EPOCHS} epochs, {len(fewer)} examples", "of all"),
        [(how, f"{m:.2f}", f"{100 * m / medians['all']:.0f} %") for how, m in medians.items()],
    )


class Clock(Progress):
    """When each trial was stored."""

    def __init__(self):
        self.times = []

    def stored(self, index):  # noqa: ARG002
        self.times.append(time.perf_counter())

    def seconds_per_trial(self, at_a_time):
        """From when the first of all workers was done: start-up is not counted."""
        times = self.times[at_a_time - 1 :]
        return (times[-1] - times[0]) / (len(times) - 1)


def processes(report, data, options, folder):
    """One trial at a time against two, in a process each, with the threads that the run resolves to.

    These are all that torch uses, or half of them in each of two processes, and one for a network whose steps
    are short.
    """
    rows = []
    ways = {"one": ("serial", 1), "two": ("processes", JOBS)}
    for model in IN_PROCESSES:
        plan = make_plan(data, Training(model=model, epochs=options.epochs), options.trials)
        single = plan.of(1)  # nothing but the precision is chosen for one trial
        one = resolve_plan(single, CPU, Execution(executor="serial", compile="off"))
        half = min(one.threads, max(1, torch.get_num_threads() // JOBS))
        resolved = {"one": one, "two": one.model_copy(update={"jobs": JOBS, "threads": half})}
        seconds = {way: [] for way in ways}
        for number in range(fewer_rounds(options)):
            for way, (executor, jobs) in ways.items():
                clock = Clock()
                carry_out(
                    plan,
                    folder / f"{way}-{model}-{number}",
                    Execution(device="cpu", executor=executor, jobs=jobs),
                    progress=clock,
                    resolved=resolved[way],
                )
                seconds[way].append(clock.seconds_per_trial(jobs))
        alone, beside = (statistics.median(seconds[way]) for way in ways)
        settings = [f"{r.precision}, {r.threads} threads" for r in resolved.values()]
        rows.append(
            (model, settings[0], f"{alone:.2f}", settings[1], f"{beside:.2f}", f"{alone / beside:.2f}")
        )
    header = ("network", "one process", "s", f"{JOBS} processes, each", "s", "times faster")
    report.whole("program-two-at-a-time", header, rows)


def main():
    made = parser(__doc__)
    made.add_argument("--data", help="CIFAR-10 as Parquet or class folders; random images otherwise")
    made.add_argument("--examples", type=int, default=2000)
    made.add_argument("--epochs", type=int, default=2)
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--trials", type=int, default=8, help="of the runs in one process and two")
    made.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = made.parse_args()
    report = Report("The program itself", command(made, options))
    data = load(options.data, options.examples)
    with tempfile.TemporaryDirectory() as folder:
        for part in (loop, recording, observe, processes):
            if part.__name__ in options.parts:
                part(report, data, options, Path(folder))
    report.write(options.json)


if __name__ == "__main__":
    main()
