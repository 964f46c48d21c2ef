"""A run in the making: training what it lacks, storing each trial as it ends."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from easiness.errors import RunFailed, TrialFailed
from easiness.record import TrialRecord
from easiness.runs.cost import estimate_cost
from easiness.runs.pace import Pace
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.runs.ready_images import ReadyImages
from easiness.runs.trainer import Group, Trainer, groups_of
from easiness.runs.work import work_of
from easiness.runs.workers import Workers
from easiness.spec import Resolved, RunSpec
from easiness.store import ASIDE, RunWriter, is_run, read_document
from easiness.training import EpochReport
from easiness.wait_policy import warn_of_spinning


@dataclass(frozen=True)
class Task:
    """What a run lacks of a plan: the indices of the trials to train, and the size that it has with them."""

    plan: Plan
    missing: list[int]
    trials: int
    epochs: int


@dataclass(frozen=True)
class Making:
    """What stays the same while the trials of a run are trained.

    ``images`` are decoded by now, and ``cache`` is the folder of photos.
    """

    writer: RunWriter
    settings: Resolved
    device: torch.device
    jobs: int
    workers: Workers
    images: ReadyImages
    cache: Path | None
    progress: Progress

    def train(self, task: Task) -> dict[int, str]:
        """Train and store the missing trials; returns why some failed, by index.

        Raises:
            RunFailed: a trial could not be stored.
        """
        plan, spec = task.plan, task.plan.spec(self.settings, task.trials, task.epochs)
        here = spec.model_copy(update={"resolved": self.settings.model_copy(update={"jobs": self.jobs})})
        groups = groups_of(task.missing, self.settings.together)
        cost = estimate_cost(here, plan.data, sum(map(len, groups)), self.device, self.cache)
        self.progress.begin(here, task.missing, self.writer.path, cost)
        self._describe(spec, plan)
        trainer = Trainer(spec, plan.data, str(self.device), self.images, plan.ranking, plan.pretrained)
        self.progress.images(0)  # it has begun, though processes may have to start first
        pace = Pace(spec.epochs, spec.resolved.together)
        failures = self._work(trainer, set(task.missing), pace)
        if len(groups) >= self.jobs:  # or the processes were fewer than this is about
            pace.learn(work_of(here, plan.data, str(self.device)), here.resolved)
        return failures

    def _describe(self, spec: RunSpec, plan: Plan) -> None:
        """Write down what the run is, where that has changed."""
        if not is_run(self.writer.path):
            self.writer.create(spec, plan.data.ids, plan.data.labels)
        elif read_document(self.writer.path).spec != spec:
            self.writer.describe(spec)

    def _work(self, trainer: Trainer, missing: set[int], pace: Pace) -> dict[int, str]:
        """Train the groups that the missing trials belong to and store the missing ones."""

        def hear(told: int | EpochReport) -> None:
            if isinstance(told, EpochReport):
                self.progress.epoch(told)
                pace.note(told)
            else:
                self.progress.images(told)

        settings = trainer.spec.resolved
        groups = groups_of(sorted(missing), settings.together)
        executor = self.workers.of(self.jobs, len(groups), self.workers.needs(settings, self.device))
        if executor.shares_memory and trainer.device == "cpu" and settings.threads > 1:
            warn_of_spinning()
        travelling: AbstractContextManager[Trainer]
        if executor.shares_memory:
            travelling = nullcontext(trainer)
        elif self.workers.elsewhere:
            travelling = nullcontext(trainer.sent(self.progress.note))
        else:
            travelling = trainer.shared(self.writer.path, f"{ASIDE}{uuid.uuid4().hex}-")
        failures: dict[int, str] = {}
        in_hand: set[int] = set()
        with travelling as sent:
            for outcome in executor.run_telling(sent, self._taken(groups, in_hand), hear):
                results: Sequence[TrialRecord | Exception | None]
                results = outcome.value or [outcome.error] * len(outcome.item)
                for index, result in zip(outcome.item, results, strict=True):
                    if index not in missing:
                        continue  # trained again for the sake of those beside it
                    if isinstance(result, TrialRecord):
                        self._store(trainer, index, result)
                    else:
                        failures[index] = self._failed(index, result)
                in_hand.difference_update(outcome.item)
        return failures

    def _taken(self, groups: Iterable[Group], in_hand: set[int]) -> Iterator[Group]:
        """The groups, each noted as being worked on when an executor takes it."""
        for group in groups:
            in_hand.update(group)
            self.writer.note_work(in_hand)
            yield group

    def _failed(self, index: int, error: Exception | None) -> str:
        reason = _reason(error)
        self.writer.note_failure(index, reason)
        self.progress.failed(index, reason)
        return reason

    def _store(self, trainer: Trainer, index: int, record: TrialRecord) -> None:
        writer, spec, data = self.writer, trainer.spec, trainer.data
        trial = spec.trial(index)
        ids = {"train": data.ids}
        if data.held_out is not None:
            ids["held_out"] = data.held_out.ids
        try:
            writer.add(
                record,
                ids,
                index=index,
                seed=spec.seed,
                identity=trial.hash,
                spec=trial,
                keep_weights=spec.keep_weights,
            )
        except OSError as error:
            raise RunFailed(
                f"{writer.path}: trial {index} cannot be stored ({error.strerror or error}); "
                f"the {len(writer.read().trials)} finished ones are kept; make room and run it again"
            ) from error
        self.progress.stored(index)


def _reason(error: Exception | None) -> str:
    if isinstance(error, TrialFailed):
        return str(error)
    return f"{type(error).__name__}: {error}".splitlines()[0]


def cache_beside(out: Path) -> Path:
    """The folder of cached photos of a run; runs that lie beside each other share it."""
    return out.absolute().parent / "easiness-cache"
