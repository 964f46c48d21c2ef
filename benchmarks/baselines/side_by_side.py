"""Training plus recording by `easiness measure` against what people use instead, side by side.

Same machine, network, images, batch size and epochs; every way as its own users write it, in a process of its
own. Rounds of all are interleaved and compared by the ratio of their medians. Then recording alone, against
`aum`'s.

    python benchmarks/baselines/side_by_side.py [--model wrn_16_4] [--examples 2000] [--rounds 3]
                                                [--data cifar10-folder]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from easiness import load_dataset
from easiness.runs import resolve_plan
from easiness.runs.carrying_out import carry_out
from easiness.runs.execution import Workers
from easiness.runs.plan import make_plan
from easiness.spec import Execution, Training

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from baselines.aum_loop import AumLoop
from baselines.cleanlab_folds import FOLDS, Cleanlab
from baselines.lightning_loop import Lightning
from baselines.plain_loop import BATCH, PlainLoop
from baselines.recording import NUM_CLASSES, recording
from kit.clock import timed
from kit.own_process import OwnProcess
from kit.results import Report, command, data_text, parser

GOAL = 2.5
WORKERS = (0, 1, 2)  # that load images, tried before the rounds
LOOK = 3 * BATCH  # examples of such a try
TRIALS, EPOCHS = 10, 10  # of the run that `auto` chooses for


class Easiness:
    """The next trials of one run per call, of one epoch: trained, observed and stored as by the command.

    The processes that train are kept from call to call, as they are from trial to trial of a run.
    """

    name = "easiness"
    observes = (
        "prediction, loss, margin, error norm, entropy, rival, in a pass over clean images; stored on disk"
    )

    def __init__(self, model, images, labels, folder):
        self.folder = folder
        self.plan = make_plan(
            load_dataset((images, labels)), Training(model=model, epochs=EPOCHS, batch_size=BATCH), TRIALS
        )
        self.choosing = timed(self._choose)
        self.at_a_time = self.resolved.jobs
        self.workers = Workers(Execution(device="cpu"))
        self.trials = 0

    def _choose(self):
        self.resolved = resolve_plan(self.plan, torch.device("cpu"), Execution())

    def __call__(self):
        self.trials += self.at_a_time
        asked = self.plan.asked.model_copy(update={"trials": self.trials, "epochs": 1})
        plan = replace(self.plan, asked=asked)
        carry_out(plan, self.folder, Execution(device="cpu"), resolved=self.resolved, workers=self.workers)

    def close(self):
        """End the processes; what was chosen, and the seconds that it took."""
        with self.workers:
            return {"resolved": self.resolved, "at_a_time": self.at_a_time, "choosing": self.choosing}


def load(path, num_examples):
    if path is not None:
        data = load_dataset(path, limit=num_examples)
        return data.array.transpose(0, 3, 1, 2), data.labels
    rng = np.random.default_rng(0)
    labels = np.arange(num_examples) % NUM_CLASSES
    return rng.integers(0, 256, (num_examples, 3, 32, 32), dtype=np.uint8), labels


def look_at_workers(turns, *data):
    """Seconds of the plain loop with each number of workers: the better of two, after one to start them."""
    loops = {num: PlainLoop(*data, NUM_CLASSES, num) for num in WORKERS}
    tries = [{num: timed(loop) for num, loop in loops.items()} for _ in range(3)]
    turns.take(lambda: None)
    return {num: min(each[num] for each in tries[1:]) for num in WORKERS}


def find_workers(model, images, labels):
    """The seconds of each number of workers, found in a process of its own."""
    side = OwnProcess(look_at_workers, model, images[:LOOK], labels[:LOOK])
    try:
        side.seconds()
        return side.result()
    finally:
        side.end()


def ways(model, images, labels, num_workers, folder):
    """Each way and what it is made with."""
    data = model, images, labels
    theirs = *data, NUM_CLASSES, num_workers
    return {
        Easiness: (*data, folder / "run"),
        PlainLoop: theirs,
        Lightning: theirs,
        Cleanlab: theirs,
        AumLoop: (*theirs, folder / "aum"),
    }


def serve(turns, way, arguments, rounds):
    torch.manual_seed(0)
    turns.begin()
    contender = way(*arguments)
    turns.end()
    for _ in range(rounds):
        turns.take(contender)
    return contender.close() if way is Easiness else None


def take_turns(options, images, labels, num_workers):
    """Seconds of all rounds of each way, one to warm up before the others, and what easiness chose."""
    times = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sides = {}
        rounds = 1 + options.rounds
        for way, arguments in ways(options.model, images, labels, num_workers, Path(folder)).items():
            sides[way] = OwnProcess(serve, way, arguments, rounds)
            stack.callback(sides[way].end)
        for side in sides.values():
            side.seconds()  # to make it, alone, since easiness measures then
        for number in range(rounds):
            for way, side in sides.items():
                times.setdefault(way, []).append(side.seconds())
                print(f"round {number}: {way.name} {times[way][-1]:.2f} s", flush=True)
        return times, {way: side.result() for way, side in sides.items()}[Easiness]


def training(report, options):
    images, labels = load(options.data, options.examples)
    looks = find_workers(options.model, images, labels)
    num_workers = min(looks, key=looks.get)
    times, chosen = take_turns(options, images, labels, num_workers)
    resolved, at_a_time = chosen["resolved"], chosen["at_a_time"]
    per_trial = {Easiness: 1 / at_a_time, Cleanlab: FOLDS}
    seconds = {way: [s * per_trial.get(way, 1) for s in values[1:]] for way, values in times.items()}
    medians = {way: statistics.median(values) for way, values in seconds.items()}
    ours = medians[Easiness]
    where = data_text(options.data, "random images")
    rows = [
        [
            way.name,
            way.observes,
            f"{medians[way]:.2f}",
            " ".join(f"{value:.2f}" for value in seconds[way]),
            f"{medians[way] / ours:.2f}",
        ]
        for way in times
    ]
    report.whole("baselines-training", ("way", "what it observes", "median s", "all", "times easiness"), rows)
    report.say(
        f"Seconds per trial and epoch of {options.model}, {where}, {len(images)} examples. Others run in "
        "float32, their default on a CPU.",
        "",
    )
    report.table(("way", "seconds", "times easiness"), [(row[0], row[2], row[4]) for row in rows])
    # what its first round took longer is the start of its processes and of torch in them
    starting = max(0.0, times[Easiness][0] - ours * at_a_time)
    once = chosen["choosing"] + starting
    plain = medians[PlainLoop]
    report.say(
        f"With the time to choose and start, a run of {TRIALS} trials of {EPOCHS} epochs is "
        f"{plain / (ours + once / (TRIALS * EPOCHS)):.2f} times as fast as the plain loop. easiness chose "
        f"{resolved.precision}. Cross-validation takes {FOLDS} trainings to see every example left out once.",
        "",
    )
    ratio = plain / ours
    what = f"training and recording against a plain PyTorch loop, {options.model} on the CPU, {where}"
    report.goal("plain-loop", what, f">= {GOAL}x", f"{ratio:.2f}x", ratio >= GOAL)


def main():
    made = parser(__doc__)
    made.add_argument("--model", default="wrn_16_4")
    made.add_argument("--examples", type=int, default=2000)
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--data", help="CIFAR-10 as Parquet or class folders; random images otherwise")
    made.add_argument("--recorded", type=int, default=10_000, help="examples for recording alone")
    made.add_argument("--recording-rounds", type=int, default=5)
    options = made.parse_args()
    report = Report("Against what people use", command(made, options))
    packages = ("torch", "torchvision", "lightning", "skorch", "cleanlab", "scikit-learn", "aum")
    report.measured += ", " + ", ".join(f"{name} {version(name)}" for name in packages)
    recording(report, options)
    training(report, options)
    report.write(options.json)


if __name__ == "__main__":
    main()
