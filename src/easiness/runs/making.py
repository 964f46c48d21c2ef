"""A run in the making: training what it lacks, storing each trial as it ends."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from easiness.errors import EasinessError, RunFailed, TrialFailed, is_out_of_memory
from easiness.heads import Deal
from easiness.inputs import DamagedCache, Values
from easiness.own_process import warn_of_spinning
from easiness.records import TrialRecord
from easiness.runs.execution import Workers, estimate_cost
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.runs.trainer import Checkpoints, Note, Trainer
from easiness.show import trials_text
from easiness.spec import CheckpointEvery, Resolved, RunSpec
from easiness.store import (
    ASIDE,
    CHECKPOINTS,
    RunWriter,
    clear_checkpoints,
    is_run,
    notes_of_failures,
    read_document,
    remove_checkpoints,
)
from easiness.training import EpochReport


@dataclass(frozen=True)
class Task:
    """Rest of a plan: the indices of the trials to train, and the size that it has with them."""

    plan: Plan
    missing: list[int]
    trials: int
    epochs: int


@dataclass(frozen=True)
class Making:
    """Things that stay the same while the trials of a run are trained.

    ``images``, by split, are decoded by now, and ``cache`` is the folder of photos. See `Trainer` for runs on
    features.
    """

    writer: RunWriter
    settings: Resolved
    device: torch.device
    jobs: int
    workers: Workers
    images: Mapping[str, Values]
    cache: Path | None
    progress: Progress
    checkpoint_every: CheckpointEvery = "auto"
    deal: Deal | None = None

    def train(self, task: Task) -> dict[int, str]:
        """Train and store the missing trials; returns why some failed, by index."""
        plan, spec = task.plan, task.plan.spec(self.settings, task.trials, task.epochs)
        here = spec.model_copy(update={"resolved": self.settings.model_copy(update={"jobs": self.jobs})})
        cost = estimate_cost(here, plan.data, len(task.missing), self.device, self.cache)
        self.progress.begin(here, task.missing, self.writer.path, cost)
        self._describe(spec, plan)
        self.writer.events.write(
            "run_started", process=os.getpid(), trials=task.trials, left=len(task.missing), epochs=task.epochs
        )
        trainer = Trainer(
            spec,
            plan.data,
            str(self.device),
            self.images,
            plan.ranking,
            plan.pretrained,
            None if spec.heads else self._checkpoints(task.missing),
            self.deal,
        )
        self.progress.images(0)  # it has begun, though processes may have to start first
        return self._work(trainer, set(task.missing))

    def _describe(self, spec: RunSpec, plan: Plan) -> None:
        if not is_run(self.writer.path):
            self.writer.create(spec, plan.data.ids, plan.data.labels)
        elif read_document(self.writer.path).spec != spec:
            self.writer.describe(spec)

    def _work(self, trainer: Trainer, missing: set[int]) -> dict[int, str]:
        def hear(message: int | EpochReport | Note) -> None:
            if isinstance(message, EpochReport):
                self.progress.epoch(message)
            elif isinstance(message, Note):
                self.progress.note(message.text)
                self.progress.skipped(message.images)
            else:
                self.progress.images(message)

        settings = trainer.spec.resolved
        executor = self.workers.of(self.jobs, len(missing), self.workers.needs(settings, self.device))
        if executor.shares_memory and trainer.device == "cpu" and settings.threads > 1:
            warn_of_spinning()
        sending: AbstractContextManager[Trainer]
        if executor.shares_memory:
            sending = nullcontext(trainer)
        elif self.workers.elsewhere:
            sending = nullcontext(trainer.sent(self.progress.note))
        else:
            sending = trainer.shared(self.writer.path, f"{ASIDE}{uuid.uuid4().hex}-")
        failures: dict[int, str] = {}
        unfinished, in_hand = set(missing), set[int]()
        with sending as sent, self._named_when_interrupted(in_hand, missing, trainer.spec.epochs):
            for outcome in executor.run_telling(sent, self._noted_as_begun(sorted(missing), in_hand), hear):
                index, error = outcome.item, outcome.error
                if outcome.value is not None:
                    self._store(trainer, index, outcome.value)
                else:
                    failures[index] = self._failed(index, error)
                if isinstance(error, DamagedCache):  # which no trial will get over
                    raise error
                in_hand.discard(index)
                if error is None or isinstance(error, TrialFailed):  # else its checkpoints are still of use
                    unfinished.discard(index)
                    remove_checkpoints(self._checkpoint_folder, index)
        if not unfinished:
            clear_checkpoints(self._checkpoint_folder)
        return failures

    @property
    def _checkpoint_folder(self) -> Path:
        return self.writer.path.absolute() / CHECKPOINTS

    def _checkpoints(self, missing: Iterable[int]) -> Checkpoints | None:
        clear_checkpoints(self._checkpoint_folder, set(missing))
        if self.checkpoint_every == "off":
            return None
        with contextlib.suppress(OSError):  # then trials train without
            self._checkpoint_folder.mkdir(exist_ok=True)
        return Checkpoints(self._checkpoint_folder, self.checkpoint_every)

    @contextmanager
    def _named_when_interrupted(self, in_hand: set[int], missing: set[int], epochs: int) -> Iterator[None]:
        """Say which trials an interrupt costs, if any: one of them may be what hangs."""
        try:
            yield
        except BaseException as error:
            if not isinstance(error, Exception):
                unfinished = missing - self._stored(epochs)
                lost = sorted(in_hand & unfinished)
                if lost:
                    self.progress.note(f"{self.writer.path}: {trials_text(lost)} in hand, not finished")
                elif not unfinished:
                    self.progress.note(f"{self.writer.path}: every trial is finished and stored")
            raise

    def _stored(self, epochs: int) -> set[int]:
        """The trials of so many epochs that are on disk, the last maybe since a moment."""
        try:
            trials = self.writer.read().trials
        except EasinessError:  # another file is damaged, which is no reason to forget why this ends
            return set()
        return {trial.index for trial in trials if trial.epochs >= epochs}

    def _noted_as_begun(self, missing: Iterable[int], in_hand: set[int]) -> Iterator[int]:
        """The missing trials, each noted as being worked on when an executor takes it."""
        failed = notes_of_failures(self.writer.path)
        for index in missing:
            in_hand.add(index)
            self.writer.note_work(in_hand)
            self.writer.events.write(
                "trial_retried" if index in failed else "trial_started", trial=index, reason=failed.get(index)
            )
            yield index

    def _failed(self, index: int, error: Exception | None) -> str:
        reason = _reason(error)
        self.writer.note_failure(index, reason)
        self.writer.events.write("trial_failed", trial=index, reason=reason)
        self.progress.failed(index, reason)
        return reason

    def _store(self, trainer: Trainer, index: int, record: TrialRecord) -> None:
        writer, spec, data = self.writer, trainer.spec, trainer.data
        trial = spec.trial(index)
        ids = {"train": data.ids}
        if data.held_out is not None:
            ids["held_out"] = data.held_out.ids
        try:
            stored = writer.add(
                record,
                ids,
                index=index,
                seed=spec.seed,
                identity=trial.hash,
                spec=trial,
                keep_weights=spec.keep_weights,
            )
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else error
            raise RunFailed(
                f"{writer.path}: trial {index} cannot be stored ({reason}); "
                f"the {len(writer.read().trials)} finished ones are kept; make room and run it again"
            ) from error
        writer.events.write(
            "trial_finished",
            trial=index,
            epochs=stored.epochs,
            seconds=stored.document.seconds,
            accuracy=stored.accuracy(),
        )
        self.progress.stored(index)


def _reason(error: Exception | None) -> str:
    if isinstance(error, EasinessError):
        return str(error)
    if is_out_of_memory(error):
        return (
            "out of memory; free some and run it again, use fewer --jobs, or for a new run choose a smaller "
            f"--batch-size ({_first_line(error)})"
        )
    return _first_line(error)


def _first_line(error: Exception | None) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0].removesuffix(": ")


def cache_beside(out: Path) -> Path:
    """The folder of cached photos of a run; runs that lie beside each other share it."""
    return out.absolute().parent / "easiness-cache"
