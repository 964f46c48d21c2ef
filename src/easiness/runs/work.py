"""What a trial does, as far as time goes."""

from __future__ import annotations

from dataclasses import dataclass

from easiness.data import Dataset
from easiness.runs.plan import num_trained_on
from easiness.spec import TRAIN, RunSpec
from easiness.training import Speed, Workload


@dataclass(frozen=True)
class Work:
    """A trial has ``num_steps`` training steps, and ``num_observed`` images in passes of their own."""

    workload: Workload
    num_steps: int
    num_observed: int

    def seconds(self, speed: Speed) -> float:
        """How long one trial takes."""
        return self.num_steps * speed.step + self.num_observed * speed.observed_image


def work_of(run: RunSpec, data: Dataset, device: str) -> Work:
    """The work of each trial of a run on these data."""
    trained_on = num_trained_on(len(data), run.train_share, run.draw)
    splits = data.splits
    return Work(
        Workload(
            run.model,
            run.recipe,
            data.input_shape(run.recipe),
            data.num_classes,
            min(run.recipe.batch_size, trained_on),
            device,
        ),
        run.epochs * run.recipe.steps_per_epoch(len(data) if run.same_steps else trained_on),
        # what training computes anyway is no pass of its own
        sum(
            len(probe.observed(run.epochs)) * len(splits[probe.name])
            for probe in run.probes
            if probe.observe != TRAIN
        ),
    )
