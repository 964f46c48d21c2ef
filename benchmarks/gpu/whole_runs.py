"""Whole runs on a GPU: the easiness of all of CIFAR-10, where its time goes, and a plain loop beside it."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

from easiness import load_dataset
from easiness.models import build_model
from easiness.runs import resolve_plan
from easiness.runs.carrying_out import carry_out
from easiness.runs.plan import make_plan
from easiness.runs.progress import Progress
from easiness.spec import Execution, Training
from gpu.parts import LeftOut
from gpu.steps import BATCH, NUM_CLASSES
from gpu.times import Clock, storing, where_time_goes

JUDGED = "wrn_16_4"
TRIALS, EPOCHS = 10, 10
SECONDS_GOAL, PLAIN_GOAL = 90, 10
CHOOSING, STARTING, PLAIN = 45, 20, 60
OBSERVED = 1.6  # times the steps of training, with observing and storing


class Moments(Progress):
    """When trials begin, and when the first images have been trained on."""

    begun = first = None

    def begin(self, *_):
        self.begun = time.perf_counter()

    def images(self, _):
        self.first = self.first or time.perf_counter()


def all_of_cifar(parts, data, device, step, peaks):
    """N = 10, m = 10 with WRN 16-4, from the plan to the last file; gives seconds per trial and epoch.

    Then one trial more, to see where the time goes.
    """
    began = time.perf_counter()
    plan = make_plan(data, Training(model=JUDGED, epochs=EPOCHS), TRIALS)
    resolved = resolve_plan(plan, device, Execution())
    parts.report.say(f"`auto` became: {resolved.reason}", "")
    at_a_time = resolved.jobs
    steps = plan.recipe.steps_per_epoch(len(data)) * EPOCHS
    # where all do not fit, as many as always fill the processes
    fewer = range(TRIALS // at_a_time * at_a_time, 0, -at_a_time)
    of_one, room = step * steps * OBSERVED, parts.left() - STARTING - PLAIN
    trials = next((num for num in (TRIALS, *fewer) if num * of_one <= room), None)
    if trials is None:
        raise LeftOut(f"{at_a_time} trials may take {at_a_time * of_one:.0f} s, and {room:.0f} s were left")
    plan = make_plan(data, Training(model=JUDGED, epochs=EPOCHS), trials)
    moments, clock, begun = Moments(), Clock(torch.device("cpu")), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, storing(clock):
        run = carry_out(
            plan, Path(folder) / "run", Execution(device=str(device)), resolved=resolved, progress=moments
        )
        ended = time.perf_counter()
        assert len(run.trials) == trials
    choosing, starting = moments.begun - began, moments.first - moments.begun
    training = (ended - moments.first) * TRIALS / trials
    whole = choosing + starting + training
    note = "" if trials == TRIALS else f", {trials} trials measured, {TRIALS} by proportion"
    parts.report.say(
        f"Of its {whole:.1f} s{note}: {choosing:.1f} s to plan and choose, {starting:.1f} s to start (images "
        "written for processes and moved to the GPU, processes, the first steps), "
        f"{training:.1f} s to train, observe and store.",
        "",
    )
    parts.goal("gpu-cifar10", f"{whole:.0f} s{note}", whole <= SECONDS_GOAL)
    parts.run(
        "where the time goes",
        lambda: where_time_goes(
            parts.report,
            plan,
            resolved,
            device,
            choosing=begun - began,
            stored=clock.seconds["storing"],
            whole=ended - began,
            peaks=peaks,
        ),
        of_one,
    )
    return whole / TRIALS / EPOCHS


def tiny_times(parts, device):
    """That the table of `where_time_goes` can be made, from a run of two short trials."""
    began = time.perf_counter()
    plan = make_plan(load_dataset("digits", limit=300), Training(model="wrn_10_1", epochs=2), 2)
    resolved, clock = resolve_plan(plan, device, Execution()), Clock(device)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, storing(clock):
        carry_out(plan, Path(folder) / "run", Execution(device=str(device)), resolved=resolved)
    times = where_time_goes(
        parts.report,
        plan,
        resolved,
        device,
        choosing=begun - began,
        stored=clock.seconds["storing"],
        whole=time.perf_counter() - began,
        peaks=None,
    )
    assert min(times.first_steps, times.steps, times.evaluation) > 0


def plain_loop(parts, data, ours, device):
    """The plain loop of the other benchmarks on the GPU: pinned memory, a worker per core up to eight.

    Convolutions in float32 may round to TF32, as is torch's default.
    """
    try:
        from baselines.plain_loop import (
            PilImages,
            evaluation_transform,
            optimizer_and_schedule,
            training_transform,
        )
    except ModuleNotFoundError as error:
        raise LeftOut(f"{error.name} is not installed") from error
    from torch.utils.data import DataLoader

    few = data.limit(min(10000, len(data)))
    images, labels = few.array.transpose(0, 3, 1, 2), few.labels
    workers = {"num_workers": min(8, os.cpu_count() or 1), "persistent_workers": True, "pin_memory": True}
    train = DataLoader(
        PilImages(images, labels, training_transform(images.shape[-1])), BATCH, shuffle=True, **workers
    )
    clean = DataLoader(PilImages(images, labels, evaluation_transform()), BATCH, **workers)
    model = build_model(JUDGED, images.shape[1:], NUM_CLASSES).to(device)
    optimizer, schedule = optimizer_and_schedule(model, len(train))
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        model.train()
        for batch, targets in train:
            optimizer.zero_grad()
            logits = model(batch.to(device, non_blocking=True))
            nn.functional.cross_entropy(logits, targets.to(device, non_blocking=True)).backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            right = [model(batch.to(device)).argmax(1).cpu() == targets for batch, targets in clean]
        assert len(torch.cat(right)) == len(few)
        seconds.append(time.perf_counter() - began)
        if parts.left() < 1.5 * seconds[-1]:
            break
    of_all = statistics.median(seconds[1:] or seconds) * len(data) / len(few)
    parts.report.say(
        f"The plain loop (float32, {workers['num_workers']} workers) takes {of_all:.1f} s per trial and "
        f"epoch, by proportion of {len(few)} images, its start not counted.",
        "",
    )
    if ours is None:
        raise LeftOut("the easiness of CIFAR-10, to compare with, was not measured")
    ratio = of_all / ours
    parts.goal(
        "gpu-plain",
        f"{ratio:.1f}x ({of_all:.1f} s against {ours:.2f} s, choosing and start included)",
        ratio >= PLAIN_GOAL,
    )
