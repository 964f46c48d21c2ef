"""Training plus recording by `easiness measure` against what people use instead, side by side.

Same machine, network, images, batch size and epochs; every way as its own users write it, in a process of its
own. Rounds of all are interleaved and compared by the ratio of their medians. Then recording alone, against
`aum`'s.

    python benchmarks/baselines/side_by_side.py [--model wrn_16_4] [--examples 2000] [--rounds 3]
                                                [--data cifar10-folder] [--recorded 10000]
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import aum
import lightning
import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader

from easiness import load_dataset
from easiness.models import build_model
from easiness.records import ObservationLog
from easiness.runs import resolve_plan
from easiness.runs.carrying_out import carry_out
from easiness.runs.execution import Workers
from easiness.runs.plan import make_plan
from easiness.spec import Execution, Training

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that all benchmarks are in

from baselines.cleanlab_folds import FOLDS, Cleanlab
from baselines.plain_loop import (
    BATCH,
    Numbered,
    PilImages,
    evaluation_transform,
    loading,
    optimizer_and_schedule,
    right,
    train_epoch,
    training_transform,
)
from kit.results import begin, data_text, pictures
from kit.rounds import OwnProcess, in_turn, medians, timed

NUM_CLASSES = 10
GOAL = 2.5
WORKERS = (0, 1, 2)  # that load images, tried before the rounds
LOOK = 3 * BATCH  # examples of such a try
TRIALS, EPOCHS = 10, 10  # of the run that `auto` chooses for
RECORDING_GOAL = 50
GROUP = 4_000_000  # logits that the program records at a time
AUM = "aum: AUMCalculator, batches of 128"
PROGRAM = "easiness: ObservationLog, as the program calls it"


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
        asked = self.plan.request.model_copy(update={"trials": self.trials, "epochs": 1})
        plan = replace(self.plan, request=asked)
        carry_out(plan, self.folder, Execution(device="cpu"), resolved=self.resolved, workers=self.workers)

    def close(self):
        self.workers.close()
        return self.resolved, self.at_a_time, self.choosing


def loaders(images, labels, num_workers, numbered=lambda examples: examples):
    train = PilImages(images, labels, training_transform(images.shape[-1]))
    clean = PilImages(images, labels, evaluation_transform())
    workers = loading(num_workers)
    return DataLoader(train, BATCH, shuffle=True, **workers), DataLoader(numbered(clean), BATCH, **workers)


class PlainLoop:
    """A trial of one epoch per call: train on shuffled, augmented batches, then see which are right."""

    name = "plain PyTorch loop"
    observes = "right or wrong, in a pass over clean images"

    def __init__(self, model, images, labels, num_workers):
        self.train, self.clean = loaders(images, labels, num_workers)
        self.build = partial(build_model, model, images.shape[1:], NUM_CLASSES)

    def __call__(self):
        model = self.build()
        train_epoch(model, self.train, *optimizer_and_schedule(model, len(self.train)))
        self.correct = right(model, self.clean)


class AumLoop:
    """The same, recorded as the description of the `aum` package shows: while training."""

    name = "plain loop with the aum recorder"
    observes = "the margin, in the training steps (augmented, no pass of its own)"

    def __init__(self, model, images, labels, num_workers, folder):
        examples = Numbered(PilImages(images, labels, training_transform(images.shape[-1])))
        self.train = DataLoader(examples, BATCH, shuffle=True, **loading(num_workers))
        self.build = partial(build_model, model, images.shape[1:], NUM_CLASSES)
        self.folder = folder

    def __call__(self):
        model, recorder = self.build(), aum.AUMCalculator(str(self.folder), compressed=True)

        def seen(logits, labels, ids):
            recorder.update(logits, labels, ids.tolist())

        train_epoch(model, self.train, *optimizer_and_schedule(model, len(self.train)), seen)
        recorder.finalize()


class Classifier(lightning.LightningModule):
    def __init__(self, model, steps_per_epoch):
        super().__init__()
        self.model = model
        self.steps_per_epoch = steps_per_epoch

    def training_step(self, batch, batch_idx):  # noqa: ARG002
        images, labels = batch
        return functional.cross_entropy(self.model(images), labels)

    def validation_step(self, batch, batch_idx):  # noqa: ARG002
        images, labels, ids = batch
        return {"logits": self.model(images), "labels": labels, "ids": ids}

    def configure_optimizers(self):
        optimizer, schedule = optimizer_and_schedule(self.model, self.steps_per_epoch)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class ExampleRecorder(lightning.Callback):
    def __init__(self):
        self.seen, self.epochs = [], []

    def on_validation_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):  # noqa: ARG002
        logits, labels = outputs["logits"], outputs["labels"][:, None]
        of_label = logits.gather(1, labels).squeeze(1)
        margin = of_label - logits.scatter(1, labels, float("-inf")).max(1).values
        p_label = logits.softmax(1).gather(1, labels).squeeze(1)
        columns = (outputs["ids"], logits.argmax(1), p_label, margin)
        self.seen.append([column.cpu() for column in columns])

    def on_validation_epoch_end(self, trainer, pl_module):  # noqa: ARG002
        ids, *columns = (torch.cat(parts).numpy() for parts in zip(*self.seen, strict=True))
        order = ids.argsort()
        self.epochs.append([column[order] for column in columns])
        self.seen.clear()


class Lightning:
    """A trial of one epoch per call; logs, checkpoints and progress are off."""

    name = "PyTorch Lightning with a per-example callback"
    observes = "prediction, probability and margin, in a validation pass over clean images"

    def __init__(self, model, images, labels, num_workers):
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module="lightning")
        self.train, self.clean = loaders(images, labels, num_workers, Numbered)
        self.build = lambda: Classifier(build_model(model, images.shape[1:], NUM_CLASSES), len(self.train))

    def __call__(self):
        recorder = ExampleRecorder()
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            precision="32-true",
            callbacks=[recorder],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(self.build(), self.train, self.clean)
        self.epochs = recorder.epochs


def recording(report, options):
    num, epochs = options.recorded, 10
    logits = np.random.default_rng(0).normal(0, 3, (num, NUM_CLASSES)).astype(np.float32)
    logits, labels, ids = torch.from_numpy(logits), np.arange(num) % NUM_CLASSES, np.arange(num)
    targets, group = torch.from_numpy(labels), GROUP // (BATCH * NUM_CLASSES) * BATCH
    batches, groups = ([slice(at, at + size) for at in range(0, num, size)] for size in (BATCH, group))
    lists = [ids[batch].tolist() for batch in batches]

    def theirs():
        """Keeps the running sum of an example's margin."""
        recorder = aum.AUMCalculator("unused", compressed=True)
        for _ in range(epochs):
            for batch, listed in zip(batches, lists, strict=True):
                recorder.update(logits[batch], targets[batch], listed)

    def ours():
        """As the program observes: logits of evaluation batches, joined to groups."""
        log = ObservationLog(ids, labels, NUM_CLASSES)
        for _ in range(epochs):
            for joined in groups:
                log.update(ids[joined], torch.cat(logits[joined].split(BATCH)).cpu().numpy())
            log.end_epoch()
        log.observations()

    ways = {AUM: theirs, PROGRAM: ours}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # aum's small operations are no faster with more, and waiting would count
    in_turn(ways, 1)
    times, _ = in_turn(ways, options.recording_rounds)
    torch.set_num_threads(threads)
    each = {name: [one / (num * epochs) * 1e6 for one in values] for name, values in times.items()}
    typical, rows = medians(each), []
    for name, us in typical.items():
        least, most = min(each[name]), max(each[name])
        rows.append([name, f"{us:.3f}", f"{least:.3f} to {most:.3f}", f"{typical[AUM] / us:.1f}"])
    header = ["way", "median µs per example and epoch", "all", "times cheaper than aum"]
    report.whole("baselines-recording", header, rows)
    ratio = typical[AUM] / typical[PROGRAM]
    what = "recording of an example against aum's, before storage, both"
    goal = f">= {RECORDING_GOAL}x cheaper"
    report.goal("recording-aum", what, goal, f"{ratio:.1f}x", ratio >= RECORDING_GOAL)


def look_at_workers(_, *data):
    """Seconds of the plain loop with each number of workers: the better of two, after one to start them."""
    times, _ = in_turn({num: PlainLoop(*data, num) for num in WORKERS}, 3)
    return {num: min(each[1:]) for num, each in times.items()}


def serve(turns, way, arguments):
    torch.manual_seed(0)
    turns.begin()
    contender = way(*arguments)
    turns.end()
    turns.take_all(contender)
    return contender.close() if way is Easiness else None


def take_turns(options, data, num_workers):
    """Seconds of all rounds of each way, one to warm up before the others, and what easiness chose."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        theirs = (*data, num_workers)
        ways = {
            Easiness: (*data, Path(folder, "run")),
            **dict.fromkeys((PlainLoop, Lightning, Cleanlab), theirs),
            AumLoop: (*theirs, Path(folder, "aum")),
        }
        sides = {way: stack.enter_context(OwnProcess(serve, way, given)) for way, given in ways.items()}
        for side in sides.values():
            side.seconds()  # to make it, alone, since easiness measures then
        times = {way: [] for way in sides}
        for number in range(1 + options.rounds):
            for way, side in sides.items():
                times[way].append(side.seconds())
                print(f"round {number}: {way.name} {times[way][-1]:.2f} s", flush=True)
        return times, {way: side.result() for way, side in sides.items()}[Easiness]


def training(report, options):
    few = pictures(options.data, options.examples)
    data = options.model, few.array.transpose(0, 3, 1, 2), few.labels
    with OwnProcess(look_at_workers, options.model, *(one[:LOOK] for one in data[1:])) as side:
        looks = side.result()
    times, (resolved, at_a_time, choosing) = take_turns(options, data, min(looks, key=looks.get))
    per_trial = {Easiness: 1 / at_a_time, Cleanlab: FOLDS}
    seconds = {way: [s * per_trial.get(way, 1) for s in values[1:]] for way, values in times.items()}
    typical = medians(seconds)
    ours, plain = typical[Easiness], typical[PlainLoop]
    where = data_text(options.data, "random images")
    rows = [
        [
            way.name,
            way.observes,
            f"{typical[way]:.2f}",
            " ".join(f"{value:.2f}" for value in seconds[way]),
            f"{typical[way] / ours:.2f}",
        ]
        for way in times
    ]
    report.whole("baselines-training", ("way", "what it observes", "median s", "all", "times easiness"), rows)
    report.say(
        f"Seconds per trial and epoch of {options.model}, {where}, {len(few)} examples. Others run in "
        "float32, their default on a CPU.",
        "",
    )
    report.table(("way", "seconds", "times easiness"), [(row[0], row[2], row[4]) for row in rows])
    # what its first round took longer is the start of its processes and of torch in them
    once = choosing + max(0.0, times[Easiness][0] - ours * at_a_time)
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
    sizes = {"examples": 2000, "rounds": 3, "recorded": 10_000, "recording_rounds": 5}
    options, report = begin(__doc__, "Against what people use", model="wrn_16_4", data=None, **sizes)
    packages = ("torch", "torchvision", "lightning", "skorch", "cleanlab", "scikit-learn", "aum")
    report.measured += ", " + ", ".join(f"{name} {version(name)}" for name in packages)
    recording(report, options)
    training(report, options)
    report.write(options.json)


if __name__ == "__main__":
    main()
