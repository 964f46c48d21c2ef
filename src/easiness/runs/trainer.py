"""Training the trials of a run, by a function that can be sent to other processes, and storing each.

A training keeps how far it is from time to time, so that it goes on after an interruption.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError

from easiness import store
from easiness.data import Dataset, cache_folder
from easiness.errors import BadInput, EasinessError, RunFailed, TrialFailed, is_out_of_memory
from easiness.executors import Tell
from easiness.heads import Deal, run_heads
from easiness.inputs import DamagedCache, Pack, Values, opened_cache
from easiness.lazy import Floats
from easiness.named_import import describe
from easiness.own_process import warn_of_spinning
from easiness.records import TrialRecord
from easiness.runs.execution import Workers, estimate_cost
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.runs.source import load_as
from easiness.show import size_text, trials_text
from easiness.spec import CheckpointEvery, DatasetRef, Recipe, RunSpec, TrialSpec, content_hash
from easiness.training import EpochReport, Listener, Standing, TrainingState, own_device
from easiness.trial import run_trial

_SECONDS_BETWEEN = 120.0
_SHARE_OF_TIME = 0.02
_BYTES_PER_SECOND = 50e6  # of writing and its digest, until it is known
_SECONDS_PER_MINUTE = 60.0


def check_checkpoints(every: CheckpointEvery) -> None:
    if every in ("auto", "off"):
        return
    number = isinstance(every, int | float) and not isinstance(every, bool)
    if not (number and 0 <= float(every) < math.inf):
        raise BadInput(f"checkpoint every {every}: give a number of minutes, auto or off")


@dataclass(frozen=True)
class Note:
    """Something that a worker has to say; so many ``images`` need not be seen again."""

    text: str
    images: int = 0


@dataclass(frozen=True)
class Checkpoints:
    """Where the trainings of a run keep how far they are, and how often; sent to whoever trains.

    ``every`` is a number of minutes, after which one is written at the end of an epoch however long that
    takes, or ``auto``: every two minutes where it takes less than a fiftieth of the time.
    """

    folder: Path
    every: CheckpointEvery = "auto"


class CheckpointKeeper:
    """Keeps how far one training is; ``earlier`` are the seconds that it took before it went on here."""

    def __init__(
        self, where: Checkpoints, spec: TrialSpec, device: torch.device, tell: Callable[[Note], None]
    ) -> None:
        self._where, self._tell = where, tell
        self._index, self._epochs = spec.index, spec.epochs
        settings = spec.resolved.model_dump(mode="json", exclude={"jobs", "reason"})
        self._identity = content_hash({"trials": [spec.hash], "settings": settings, "device": device.type})
        self._easiness, self._torch = version("easiness"), str(torch.__version__)
        self.earlier = 0.0
        self._began = self._last = time.monotonic()
        self._took: float | None = None  # the last one
        self._given_up = False

    def begin(self, standing: Standing) -> None:
        """Go on from the latest checkpoint that is of this training; says so, and which are of no use."""
        for path in store.checkpoints_of(self._where.folder, self._index):
            try:
                document, tensors = store.read_checkpoint(path, self._identity, self._easiness, self._torch)
                if document.epoch >= self._epochs:
                    raise BadInput("it is of a longer training")
                standing.restore(TrainingState(document.epoch, document.images, tensors))
            except BadInput as error:
                self._say(f"its checkpoint {path.name} is not used: {error}")
                continue
            self.earlier = document.seconds
            self._say(f"goes on after epoch {document.epoch} of {self._epochs}", document.images)
            return

    def _say(self, text: str, images: int = 0) -> None:
        self._tell(Note(f"{trials_text([self._index])}: {text}", images))

    def after_epoch(self, standing: Standing) -> None:
        """Keep it, if it is time; a training goes on without where that cannot be done."""
        now, every = time.monotonic(), self._where.every
        least = max(_SECONDS_BETWEEN, (self._took or 0.0) / _SHARE_OF_TIME)
        if not isinstance(every, str):
            least = every * _SECONDS_PER_MINUTE
        if self._given_up or now - self._last < least:
            return
        state = standing.state()
        if every == "auto" and self._took is None:
            seconds = sum(value.nbytes for value in state.tensors.values()) / _BYTES_PER_SECOND
            if seconds > _SHARE_OF_TIME * (now - self._last):
                return
        document = store.CheckpointDocument(
            identity=self._identity,
            easiness=self._easiness,
            torch=self._torch,
            epoch=state.epoch,
            images=state.images,
            seconds=self.earlier + now - self._began,
        )
        try:
            store.write_checkpoint(self._where.folder, self._index, document, state.tensors)
        except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
            self._given_up = True
            reason = getattr(error, "strerror", None) or f"{error}".split("\n")[0][:200]
            self._say(f"trains on without checkpoints, since none can be written ({reason})")
        self._last = time.monotonic()
        self._took = self._last - now


_SECONDS_BETWEEN_COUNTS = 0.1  # of images, which a small network has thousands of batches of in a second


@dataclass(frozen=True)
class Trainer:
    """Inputs of the trials of a run, and how they are trained. Images that are shared are small to send.

    ``device`` is ``cpu`` or ``cuda``, of which each worker takes its own (`own_device`). ``checkpoints`` says
    where trials that are not finished keep how far they are, if they do. The ``images`` of a run on features
    are its vectors, by `features_key`. A ``deal`` says what folds are dealt by, where trials have some.
    """

    spec: RunSpec
    data: Dataset
    device: str
    images: Mapping[str, Values | NodePhotos]
    ranking: Floats | None
    pretrained: Path | None
    checkpoints: Checkpoints | None = None
    deal: Deal | None = None

    def __call__(self, index: int, tell: Tell) -> TrialRecord:
        """Train a trial; tells how many images went by, reports after epochs, and a `Note`."""
        num_waiting, last = 0, time.monotonic()

        def count(num: int, epoch: EpochReport | None = None) -> None:
            nonlocal num_waiting, last
            num_waiting += num
            if epoch or time.monotonic() - last > _SECONDS_BETWEEN_COUNTS:
                tell(num_waiting)
                num_waiting, last = 0, time.monotonic()
            if epoch:
                tell(epoch)

        listener = Listener(partial(count, 0), count)

        spec, device = self.spec.trial(index), own_device(torch.device(self.device))
        if spec.heads is not None:
            return self._heads(spec, device, listener)
        keeper, where = None, self.checkpoints
        # an epoch of so many steps may begin within a pass, with a batch that nothing is compiled for
        is_odd = spec.resolved.compiled and (spec.same_steps or spec.steps_of)
        if where is not None and where.folder.is_dir() and not is_odd:  # else it is not seen from here
            keeper = CheckpointKeeper(where, spec, device, tell)
        record = run_trial(
            spec,
            self.data,
            device,
            images={
                name: images.open() if isinstance(images, NodePhotos) else images
                for name, images in self.images.items()
            },
            ranking=self.ranking if self.deal is None else self.deal.ranking(spec, self.ranking),
            listener=listener,
            keeper=keeper,
            pretrained=self.pretrained,
        )
        if keeper is not None:
            record.ran["seconds"] = round(record.ran["seconds"] + keeper.earlier, 3)
        return record

    def _heads(self, spec: TrialSpec, device: torch.device, listener: Listener) -> TrialRecord:
        assert spec.heads is not None
        features: dict[str, list[Pack]] = {
            split: [
                cast(Pack, self.images[features_key(split, at)]) for at in range(len(spec.heads.features))
            ]
            for split in self.data.splits
        }
        return run_heads(spec, self.data, device, features=features, deal=self.deal, listener=listener)

    def for_machines(self, tell: Callable[[str], None]) -> Trainer:
        """The same for other machines: images of one size come with it, photos are read there.

        ``tell`` hears which.
        """
        images: dict[str, Any] = {}
        num_bytes = 0
        for name, own in self.images.items():
            images[name] = own
            if isinstance(own, Pack) and own.in_memory:
                num_bytes += own.flat.nbytes
            else:
                path = images[name].flat.path
                images[name] = NodePhotos(path, name, self.spec.data, self.spec.recipe)
        if num_bytes:
            tell(f"examples: {size_text(num_bytes)}, in the object store, from which each machine takes them")
        else:
            tell(
                "photos: each machine reads them from the cache beside the run where it sees that, else from "
                "the source, once it is sure that these are the same"
            )
        return replace(self, data=self.data.without_values(), images=images)

    @contextmanager
    def with_files(self, folder: Path, prefix: str) -> Iterator[Trainer]:
        """The same with images in files in ``folder`` that all processes map, while the block lasts."""
        paths: list[Path] = []
        images: dict[str, Any] = {}
        try:
            for name, own in self.images.items():
                images[name] = own
                if isinstance(own, Pack) and own.in_memory:
                    paths.append(folder / f"{prefix}{name}")
                    try:
                        images[name] = own.write(paths[-1])
                    except OSError as error:
                        raise RunFailed(
                            f"{folder}: the examples cannot be written for the processes to share "
                            f"({error.strerror or error}); make room, or use --jobs 1"
                        ) from error
            yield replace(self, data=self.data.without_values(), images=images)
        finally:
            for path in paths:
                path.unlink(missing_ok=True)


def features_key(split: str, at: int) -> str:
    return f"{split}.features_{at}"


@dataclass(frozen=True)
class NodePhotos:
    """Photos of one split (``train`` or ``held_out``) of the data of ``ref``, cached at ``path``."""

    path: Path
    split: str
    ref: DatasetRef
    recipe: Recipe

    def open(self) -> Values:
        """The photos; a machine that does not see the run's cache makes one in its own cache folder, once."""
        if self.path.is_file():
            return opened_cache(self.path)
        here = f"machine {platform.node()}: it does not see the cache of photos {self.path}"
        if self.ref.source is None:
            raise RunFailed(f"{here}: the data have no source; use a shared file system")
        try:
            data = load_as(self.ref.source, self.ref)
            split: Any = data.splits.get(self.split)  # type: ignore[call-overload]
            expected = self.ref.train if self.split == "train" else self.ref.held_out
            if split is None or expected is None or split.fingerprint != expected.fingerprint:
                raise RunFailed(f"{here}: has other data at {self.ref.source}; copy those of the run")
            photos: Values = split.packed(self.recipe, cache_folder() / "photos")
        except BadInput as error:
            raise RunFailed(f"{here}: cannot read the source ({error}); share the folder") from error
        return photos


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

    ``trainer`` has the settings of the run, whose size a task decides; ``cache`` is the folder of photos.
    """

    writer: store.RunWriter
    trainer: Trainer
    device: torch.device
    jobs: int
    workers: Workers
    cache: Path | None
    progress: Progress
    checkpoint_every: CheckpointEvery = "auto"

    def train(self, task: Task) -> dict[int, str]:
        """Train and store the missing trials; returns why some failed, by index."""
        writer, data, settings = self.writer, self.trainer.data, self.trainer.spec.resolved
        spec = task.plan.spec(settings, task.trials, task.epochs)
        here = spec.model_copy(update={"resolved": settings.model_copy(update={"jobs": self.jobs})})
        cost = estimate_cost(here, data, len(task.missing), self.device, self.cache)
        self.progress.begin(here, task.missing, writer.path, cost)
        if not store.is_run(writer.path):
            writer.create(spec, data.questions.ids, data.questions.labels)
        elif store.read_document(writer.path).spec != spec:
            writer.describe(spec)
        writer.events.write(
            "run_started", process=os.getpid(), trials=task.trials, left=len(task.missing), epochs=task.epochs
        )
        checkpoints = None if spec.heads else self._checkpoints(task.missing)
        self.progress.images(0)  # it has begun, though processes may have to start first
        return self._work(replace(self.trainer, spec=spec, checkpoints=checkpoints), set(task.missing))

    def _hear(self, message: int | EpochReport | Note) -> None:
        if isinstance(message, EpochReport):
            self.progress.epoch(message)
        elif isinstance(message, Note):
            self.progress.note(message.text)
            self.progress.skip(message.images)
        else:
            self.progress.images(message)

    def _work(self, trainer: Trainer, missing: set[int]) -> dict[int, str]:
        settings = trainer.spec.resolved
        executor = self.workers.of(self.jobs, len(missing), self.workers.needs(settings, self.device))
        if executor.shares_memory and trainer.device == "cpu" and settings.threads > 1:
            warn_of_spinning()
        sending: AbstractContextManager[Trainer] = nullcontext(trainer)
        if self.workers.elsewhere:
            sending = nullcontext(trainer.for_machines(self.progress.note))
        elif not executor.shares_memory:
            sending = trainer.with_files(self.writer.path, f"{store.ASIDE}{uuid.uuid4().hex}-")
        failures: dict[int, str] = {}
        rest, in_hand = set(missing), set[int]()
        with sending as function, self._named_when_interrupted(in_hand, missing, trainer.spec.epochs):
            for outcome in executor.run_telling(function, self._begin_each(missing, in_hand), self._hear):
                index, error = outcome.item, outcome.error
                if outcome.value is not None:
                    self._store(trainer, index, outcome.value)
                else:
                    failures[index] = self._note_failure(index, error)
                if isinstance(error, DamagedCache):  # which no trial will get over
                    raise error
                in_hand.discard(index)
                if error is None or isinstance(error, TrialFailed):  # else its checkpoints are still of use
                    rest.discard(index)
                    store.remove_checkpoints(self._checkpoint_folder, index)
        if not rest:
            store.clear_checkpoints(self._checkpoint_folder)
        return failures

    @property
    def _checkpoint_folder(self) -> Path:
        return self.writer.path.absolute() / store.CHECKPOINTS

    def _checkpoints(self, missing: Iterable[int]) -> Checkpoints | None:
        store.clear_checkpoints(self._checkpoint_folder, set(missing))
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
                rest = set(missing)
                with contextlib.suppress(EasinessError):  # damage is no reason to forget why this ends
                    trials = self.writer.read().trials  # the last on disk maybe since a moment
                    rest -= {trial.index for trial in trials if trial.epochs >= epochs}
                if interrupted_trials := sorted(in_hand & rest):
                    self.progress.note(
                        f"{self.writer.path}: {trials_text(interrupted_trials)} in hand, not finished"
                    )
                elif not rest:
                    self.progress.note(f"{self.writer.path}: every trial is finished and stored")
            raise

    def _begin_each(self, missing: Iterable[int], in_hand: set[int]) -> Iterator[int]:
        """The missing trials, each noted as being worked on when an executor takes it."""
        reasons = store.notes_of_failures(self.writer.path)
        for index in sorted(missing):
            in_hand.add(index)
            self.writer.note_work(in_hand)
            self.writer.events.write(
                "trial_retried" if index in reasons else "trial_started",
                trial=index,
                reason=reasons.get(index),
            )
            yield index

    def _note_failure(self, index: int, error: Exception | None) -> str:
        assert error is not None
        reason = describe(error)
        if is_out_of_memory(error):
            reason = (
                "out of memory; free some and run it again, use fewer --jobs, or for a new run choose a "
                f"smaller --batch-size ({reason})"
            )
        self.writer.note_failure(index, reason)
        self.writer.events.write("trial_failed", trial=index, reason=reason)
        self.progress.fail(index, reason)
        return reason

    def _store(self, trainer: Trainer, index: int, record: TrialRecord) -> None:
        writer, trial = self.writer, trainer.spec.trial(index)
        try:
            trial_on_disk = writer.add(
                record,
                {name: split.questions.ids for name, split in trainer.data.splits.items()},
                index=index,
                seed=trial.seed,
                identity=trial.hash,
                spec=trial,
                keep_weights=trainer.spec.keep_weights,
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
            epochs=trial_on_disk.epochs,
            seconds=trial_on_disk.document.seconds,
            accuracy=trial_on_disk.accuracy(),
        )
        self.progress.finish(index)
