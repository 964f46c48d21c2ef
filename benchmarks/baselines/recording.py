"""Recording alone, of the same logits: easiness against `aum`."""

from __future__ import annotations

import statistics
import tempfile
from contextlib import nullcontext
from pathlib import Path

import aum
import numpy as np
import torch

from baselines.plain_loop import BATCH
from easiness import Recorder
from easiness.records import ObservationLog
from kit.clock import timed

NUM_CLASSES = 10
RECORDING_GOAL = 50
GROUP = 4_000_000  # logits that the program records at a time
# ways to record: the two that are judged, and the two that write to the disk
AUM = "aum: AUMCalculator, batches of 128"
PROGRAM = "easiness: ObservationLog, as the program calls it"
AUM_STORED = "aum: AUMCalculator, batches of 128, stored by finalize"
RECORDER_STORED = "easiness: Recorder, batches of 128, stored as a trial"


def aum_recording(logits, labels, epochs, folder, *, store):
    """Lists of ids are ready; kept is the running sum of an example's margin, ``store`` writes its mean."""
    targets, ids = torch.from_numpy(labels), list(range(len(labels)))
    batches = [slice(start, start + BATCH) for start in range(0, len(ids), BATCH)]
    lists = [ids[batch] for batch in batches]

    def record():
        recorder = aum.AUMCalculator(str(folder), compressed=True)
        for _ in range(epochs):
            for batch, listed in zip(batches, lists, strict=True):
                recorder.update(logits[batch], targets[batch], listed)
        if store:
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
        data = logits, labels, epochs
        group = GROUP // (BATCH * NUM_CLASSES) * BATCH
        ways = {
            AUM: aum_recording(*data, folder / "aum", store=False),
            PROGRAM: log_recording(*data, group),
            "easiness: ObservationLog, batches of 128": log_recording(*data, BATCH),
            "easiness: Recorder, batches of 128": recorder_recording(*data, folder / "run", store=False),
            AUM_STORED: aum_recording(*data, folder / "aum-stored", store=True),
            RECORDER_STORED: recorder_recording(*data, folder / "stored", store=True),
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
    rows = []
    for name, us in medians.items():
        theirs = medians[AUM_STORED if name in (AUM_STORED, RECORDER_STORED) else AUM]
        least, most = min(times[name]), max(times[name])
        rows.append([name, f"{us:.3f}", f"{least:.3f} to {most:.3f}", f"{theirs / us:.1f}"])
    header = ["way", "median µs per example and epoch", "all", "times cheaper than aum, stored or not alike"]
    report.whole("baselines-recording", header, rows)
    ratio = medians[AUM] / medians[PROGRAM]
    what = "recording of an example against aum's, before storage, both"
    goal = f">= {RECORDING_GOAL}x cheaper"
    report.goal("recording-aum", what, goal, f"{ratio:.1f}x", ratio >= RECORDING_GOAL)
