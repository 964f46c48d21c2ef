"""Training plus recording by `easiness measure` against what people use instead, side by side.

Same machine, network, images, batch size and epochs; every way as its own users write it, in a process of its
own. Rounds of all are interleaved and compared by the ratio of their medians. Then recording alone, against
`aum`'s.

    python benchmarks/baselines.py [--model wrn_16_4] [--examples 2000] [--rounds 3] [--data cifar10-folder]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import aum
import numpy as np
import torch

from baseline_cleanlab import FOLDS, Cleanlab
from baseline_lightning import Lightning
from baseline_plain import BATCH, AumLoop, PlainLoop
from easiness import Recorder, load_dataset
from easiness.record import ObservationLog
from easiness.studies.choose import resolve_plan
from easiness.studies.execute import Workers, carry_out
from easiness.studies.plan import make_plan
from own_process import OwnProcess
from results import Report, parser

NUM_CLASSES = 10
GOAL = 2.5
RECORDING_GOAL = 50
TRIALS, EPOCHS = 10, 10  # of the run that `auto` chooses for
GROUP = 4_000_000  # logits that the program records at a time


class Easiness:
    """The next trials of one run per call, of one epoch: trained, observed and stored as by the command.

    The processes that train are kept from call to call, as they are from trial to trial of a run.
    """

    name = "easiness"
    observes = "prediction, loss, margin, error norm, entropy, in a pass over clean images; stored on disk"

    def __init__(self, model, images, labels, folder):
        self.folder = folder
        self.plan = make_plan(
            load_dataset((images, labels)), model=model, trials=TRIALS, epochs=EPOCHS, batch_size=BATCH
        )
        self.choosing = timed(self._choose)
        self.at_a_time = self.resolved.jobs * self.resolved.together
        self.workers = Workers("auto")
        self.trials = 0

    def _choose(self):
        self.resolved = resolve_plan(self.plan, torch.device("cpu"))

    def __call__(self):
        self.trials += self.at_a_time
        plan = replace(self.plan, trials=self.trials, epochs=1)
        carry_out(plan, self.folder, device="cpu", resolved=self.resolved, workers=self.workers)

    def close(self):
        """End the processes; what was chosen, and the seconds that it took."""
        with self.workers:
            return {"resolved": self.resolved, "at_a_time": self.at_a_time, "choosing": self.choosing}


def timed(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def load(path, num_examples):
    if path is not None:
        data = load_dataset(path, limit=num_examples)
        return data.images.numpy(), data.labels
    rng = np.random.default_rng(0)
    labels = np.arange(num_examples) % NUM_CLASSES
    return rng.integers(0, 256, (num_examples, 3, 32, 32), dtype=np.uint8), labels


def ways(model, images, labels, folder):
    """Each way and what it is made with."""
    data = model, images, labels
    return {
        Easiness: (*data, folder / "run"),
        PlainLoop: (*data, NUM_CLASSES),
        Lightning: (*data, NUM_CLASSES),
        Cleanlab: (*data, NUM_CLASSES),
        AumLoop: (*data, NUM_CLASSES, folder / "aum"),
    }


def serve(turns, way, arguments, rounds):
    torch.manual_seed(0)
    turns.begin()
    contender = way(*arguments)
    turns.end()
    for _ in range(rounds):
        turns.take(contender)
    return contender.close() if way is Easiness else None


def take_turns(options, images, labels):
    """Seconds of all rounds of each way, one to warm up before the others, and what easiness chose."""
    times = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sides = {}
        rounds = 1 + options.rounds
        for way, arguments in ways(options.model, images, labels, Path(folder)).items():
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
    times, chosen = take_turns(options, images, labels)
    resolved, at_a_time = chosen["resolved"], chosen["at_a_time"]
    per_trial = {Easiness: 1 / at_a_time, Cleanlab: FOLDS}
    seconds = {way: [s * per_trial.get(way, 1) for s in values[1:]] for way, values in times.items()}
    medians = {way: statistics.median(values) for way, values in seconds.items()}
    ours = medians[Easiness]
    where = "random images" if options.data is None else "CIFAR-10"
    settings = f"{resolved.precision}{', channels-last' if resolved.channels_last else ''}"
    report.say(
        "",
        f"{options.model}, {len(images)} {where} of {images.shape[-1]} x {images.shape[-1]}, batch {BATCH}, "
        f"{options.rounds} interleaved rounds after one that is not counted. Seconds per trial and epoch: "
        "every example trained on and observed once, from building the network on.",
        "",
    )
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
    report.table(["way", "what it observes", "median s", "all", "times easiness"], rows)
    # what its first round took longer is the start of its processes and of torch in them
    starting = max(0.0, times[Easiness][0] - ours * at_a_time)
    once = chosen["choosing"] + starting
    plain = medians[PlainLoop]
    report.say(
        f"easiness chose {settings}, processes: {resolved.jobs}, threads of each: {resolved.threads}, trials "
        f"side by side in each: {resolved.together} ({resolved.reason}). A round of it is {at_a_time} trials "
        f"of one epoch, and its seconds are divided by {at_a_time}. Not counted is what happens once a run: "
        f"{chosen['choosing']:.1f} s to choose and {starting:.1f} s to start (its first round less a usual "
        f"one). With both counted, a run of {TRIALS} trials of {EPOCHS} epochs like these is "
        f"{plain / (ours + once / (TRIALS * EPOCHS)):.2f} times as fast as the plain loop. All others run in "
        "float32, their default on a CPU, with all cores and two persistent workers that load images, which "
        "start in the first round too.",
        "",
        f"Cross-validation sees an example only by networks that left it out: {FOLDS} trainings on "
        f"{100 - 100 // FOLDS} % of the examples for one observation each. One fold was timed per round and "
        f"its seconds are given {FOLDS} times.",
        "",
    )
    ratio = plain / ours
    what = f"training and recording against a plain PyTorch loop, {options.model} on the CPU"
    report.goal("plain loop", what, f">= {GOAL}x", f"{ratio:.2f}x", ratio >= GOAL)


def aum_recording(logits, labels, epochs, folder):
    """Lists of ids are ready; what is kept is the running mean of an example's margin."""
    targets, ids = torch.from_numpy(labels), list(range(len(labels)))
    batches = [slice(start, start + BATCH) for start in range(0, len(ids), BATCH)]
    lists = [ids[batch] for batch in batches]

    def record():
        recorder = aum.AUMCalculator(str(folder), compressed=True)
        for _ in range(epochs):
            for batch, listed in zip(batches, lists, strict=True):
                recorder.update(logits[batch], targets[batch], listed)
        recorder.finalize()

    return record


def log_recording(logits, labels, epochs, group):
    """As the program observes: logits of evaluation batches, joined to groups."""
    ids = np.arange(len(labels))
    groups = [slice(start, start + group) for start in range(0, len(ids), group)]

    def record():
        log = ObservationLog(ids, labels, logits.shape[1])
        for _ in range(epochs):
            for joined in groups:
                parts = logits[joined].split(BATCH)
                log.update(ids[joined], torch.cat(parts).cpu().numpy())
            log.end_epoch()
        log.observations()

    return record


def recorder_recording(logits, labels, epochs, folder, *, store):
    """From somebody's own loop, a batch at a time; ``store`` writes it as a trial of a run."""
    ids = np.arange(len(labels))
    batches = [slice(start, start + BATCH) for start in range(0, len(ids), BATCH)]
    recorder = Recorder(folder, ids=ids, labels=labels)

    def record():
        trial = recorder.trial(seed=len(recorder.run.trials))
        with trial if store else nullcontext():  # it is stored as its block ends
            for _ in range(epochs):
                for batch in batches:
                    trial.update(ids[batch], logits[batch])
                trial.end_epoch()

    return record


def recording(report, options):
    num, epochs = options.recorded, 10
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(0, 3, (num, NUM_CLASSES)).astype(np.float32))
    labels = np.arange(num) % NUM_CLASSES
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        ways = {
            "aum: AUMCalculator, batches of 128, finalize": aum_recording(
                logits, labels, epochs, folder / "aum"
            ),
            "easiness: ObservationLog, as the program calls it": log_recording(
                logits, labels, epochs, GROUP // (BATCH * NUM_CLASSES) * BATCH
            ),
            "easiness: ObservationLog, batches of 128": log_recording(logits, labels, epochs, BATCH),
            "easiness: Recorder, batches of 128": recorder_recording(
                logits, labels, epochs, folder / "run", store=False
            ),
            "easiness: Recorder, batches of 128, stored as a trial": recorder_recording(
                logits, labels, epochs, folder / "stored", store=True
            ),
        }
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # aum's small operations are no faster with more, and waiting would count
        for way in ways.values():
            way()
        times = {name: [] for name in ways}
        for _ in range(options.recording_rounds):
            for name, way in ways.items():
                times[name].append(timed(way) / (num * epochs) * 1e6)
        torch.set_num_threads(threads)
    medians = {name: statistics.median(values) for name, values in times.items()}
    theirs, ours = list(medians.values())[:2]
    report.say(
        f"Recording alone: {num} examples, {NUM_CLASSES} classes, {epochs} epochs of the same logits, one "
        f"thread, {options.recording_rounds} interleaved rounds.",
        "",
    )
    rows = [
        [name, f"{us:.3f}", f"{min(times[name]):.3f} to {max(times[name]):.3f}", f"{theirs / us:.1f}"]
        for name, us in medians.items()
    ]
    report.table(["way", "median µs per example and epoch", "all", "times cheaper than aum"], rows)
    report.say(
        "`aum` keeps the mean margin of an example, easiness five numbers per example and epoch.",
        "",
    )
    ratio = theirs / ours
    what = "recording of an example against aum's"
    report.goal("recording", what, f">= {RECORDING_GOAL}x cheaper", f"{ratio:.1f}x", ratio >= RECORDING_GOAL)


def main():
    options = parser(__doc__)
    options.add_argument("--model", default="wrn_16_4")
    options.add_argument("--examples", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--data", help="CIFAR-10 as Parquet or class folders; random images otherwise")
    options.add_argument("--recorded", type=int, default=10_000, help="examples for recording alone")
    options.add_argument("--recording-rounds", type=int, default=5)
    options = options.parse_args()
    report = Report("Against what people use", "python benchmarks/baselines.py")
    packages = ("torch", "torchvision", "lightning", "skorch", "cleanlab", "scikit-learn", "aum")
    report.say(", ".join(f"{name} {version(name)}" for name in packages), "")
    recording(report, options)
    training(report, options)
    report.write(options.json)


if __name__ == "__main__":
    main()
