"""Where the time of a run goes, from choosing to storing, and the least that it could be."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import torch

from easiness import trial
from easiness.store import RunWriter
from easiness.training import Network, Observer
from easiness.training.device import own_device
from gpu.steps import evaluation_limit, roofline

FIRST_STEPS = 4  # libraries search in them


class Clock:
    """Seconds by part; a GPU is waited for at both ends of each, so that no part pays for another."""

    def __init__(self, device):
        self.device = device
        self.seconds = {}

    def _now(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    @contextmanager
    def part(self, name):
        began = self._now()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self._now() - began

    def timed(self, name, function, calls=None):
        """The function, each of its calls, or the first so many, timed as a part."""
        num = 0

        def call(*given, **named):
            nonlocal num
            num += 1
            if calls is not None and num > calls:
                return function(*given, **named)
            with self.part(name):
                return function(*given, **named)

        return call


@contextmanager
def storing(clock):
    """Times what is stored of the trials of a run that this process drives."""
    with patch.object(RunWriter, "add", clock.timed("storing", RunWriter.add)):
        yield


@dataclass(frozen=True)
class TrialTimes:
    """Seconds of one trial, alone in this process."""

    starting: float
    first_steps: float
    steps: float
    evaluation: float
    num_steps: int
    num_evaluated: int


def trial_times(plan, resolved, device):
    """Trains the first trial of the plan and times its parts."""
    device = own_device(device)
    clock = Clock(device)
    spec = plan.spec(resolved, plan.trials, plan.epochs).trial(0)
    images = {name: split.packed(plan.recipe) for name, split in plan.data.splits.items()}
    update, counted = clock.timed("first steps", Network.update, FIRST_STEPS), []

    def counting(network, images, labels):
        counted.append(len(labels))
        return update(network, images, labels)

    with (
        patch.object(Network, "update", counting),
        patch.object(Observer, "observe", clock.timed("evaluation", Observer.observe)),
        patch.object(trial, "train", clock.timed("training", trial.train)),
        clock.part("whole"),
    ):
        trial.run_trial(spec, plan.data, device, images=images)
    found = clock.seconds
    evaluated = sum(
        len(plan.data.splits[probe.name]) * len(probe.observed(plan.epochs)) for probe in spec.probes
    )
    return TrialTimes(
        starting=found["whole"] - found["training"],
        first_steps=found["first steps"],
        steps=found["training"] - found["first steps"] - found["evaluation"],
        evaluation=found["evaluation"],
        num_steps=len(counted) - FIRST_STEPS,
        num_evaluated=evaluated,
    )


def where_time_goes(report, plan, resolved, device, *, choosing, stored, whole, peaks):
    """A table: seconds of each part of the run, were all its trials trained like the one measured here.

    ``choosing``, ``stored`` and ``whole`` are the seconds that the run itself took to choose, to store its
    trials and from its begin to its end; ``peaks`` of the device, where they are known.
    """
    times, num = trial_times(plan, resolved, device), plan.trials
    least = {}
    if peaks:
        least = {
            "steps": num * times.num_steps * roofline(plan.model, peaks).whole,
            "evaluation": num * times.num_evaluated * evaluation_limit(plan.model, peaks),
        }
    parts = {
        "choosing": choosing,
        "start of each trial (network, images)": num * times.starting,
        f"first {FIRST_STEPS} steps of each trial (search, capture)": num * times.first_steps,
        "steps": num * times.steps,
        "evaluation": num * times.evaluation,
        "storing": stored,
    }
    one_by_one = sum(parts.values())
    rows = [
        (
            name,
            f"{seconds:.2f}",
            f"{100 * seconds / one_by_one:.0f} %",
            f"{least[name]:.2f}" if name in least else "-",
            f"{100 * least[name] / seconds:.0f} %" if name in least else "-",
        )
        for name, seconds in parts.items()
    ]
    at_a_time = f"{resolved.jobs} processes" if resolved.jobs > 1 else "one process"
    report.say(
        f"Where the time goes, of {num} trials of {plan.epochs} epochs: `choosing` and `storing` as in the "
        f"run, the rest of one trial alone on the device, times {num}. One after the other they take "
        f"{one_by_one:.1f} s; the run took {whole:.1f} s in {at_a_time}.",
        "",
    )
    report.whole("gpu-times", ("part", "seconds", "share", "roofline, seconds", "of roofline"), rows)
    return times
