"""Training the trials of a run, as a function that can be sent to another process."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError

from easiness.data import Dataset, cache_folder
from easiness.errors import BadInput, RunFailed
from easiness.executors import Tell
from easiness.heads import Deal, run_heads
from easiness.inputs import Pack, Values, opened_cache
from easiness.records import TrialRecord
from easiness.runs.source import load_as
from easiness.show import size_text, trials_text
from easiness.spec import CheckpointEvery, DatasetRef, Recipe, RunSpec, TrialSpec, content_hash
from easiness.store import CheckpointDocument, checkpoints_of, read_checkpoint, write_checkpoint
from easiness.training import EpochReport, Listener, Standing, TrainingState, own_device
from easiness.trial import run_trial

_SECONDS_BETWEEN = 120.0
_SHARE_OF_TIME = 0.02
_BYTES_PER_SECOND = 50e6  # of writing and its digest, until it is known
_SECONDS_PER_MINUTE = 60.0


def check_checkpoints(every: CheckpointEvery) -> None:
    """Make sure that this is how often a trial can keep how far it is."""
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

    def keeper(
        self, spec: TrialSpec, device: torch.device, tell: Callable[[Note], None]
    ) -> CheckpointKeeper | None:
        """The keeper of a trial; ``None`` where the folder is not seen from here."""
        if spec.resolved.compiled and (spec.same_steps or spec.steps_of):
            # an epoch may begin within a pass, with a smaller batch, and what is compiled is for the first
            return None
        return CheckpointKeeper(self, spec, device, tell) if self.folder.is_dir() else None


class CheckpointKeeper:
    """Keeps how far one training is; ``earlier`` are the seconds that it took before it went on here."""

    def __init__(
        self,
        where: Checkpoints,
        spec: TrialSpec,
        device: torch.device,
        tell: Callable[[Note], None],
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
        for path in checkpoints_of(self._where.folder, self._index):
            try:
                document, tensors = read_checkpoint(path, self._identity, self._easiness, self._torch)
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
        now = time.monotonic()
        if self._given_up or not self._is_time(now - self._last):
            return
        state = standing.state()
        if self._where.every == "auto" and self._expected(state) > _SHARE_OF_TIME * (now - self._last):
            return
        document = CheckpointDocument(
            identity=self._identity,
            easiness=self._easiness,
            torch=self._torch,
            epoch=state.epoch,
            images=state.images,
            seconds=self.earlier + now - self._began,
        )
        try:
            write_checkpoint(self._where.folder, self._index, document, state.tensors)
        except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
            self._given_up = True
            reason = getattr(error, "strerror", None) or f"{error}".split("\n")[0][:200]
            self._say(f"trains on without checkpoints, since none can be written ({reason})")
        self._last = time.monotonic()
        self._took = self._last - now

    def _is_time(self, seconds: float) -> bool:
        every = self._where.every
        if isinstance(every, str):
            return seconds >= max(_SECONDS_BETWEEN, (self._took or 0.0) / _SHARE_OF_TIME)
        return seconds >= every * _SECONDS_PER_MINUTE

    def _expected(self, state: TrainingState) -> float:
        if self._took is not None:
            return self._took
        return sum(value.nbytes for value in state.tensors.values()) / _BYTES_PER_SECOND


_SECONDS_BETWEEN_COUNTS = 0.1  # of images, which a small network has thousands of batches of in a second


@dataclass(frozen=True)
class Trainer:
    """Inputs of the trials of a run, and how they are trained. Images that are shared are small to send.

    ``device`` is ``cpu`` or ``cuda``, of which each worker takes its own (`own_device`). ``checkpoints`` says
    where trials that are not finished keep how far they are, if they do. Of a run on features ``images`` are
    its vectors, by `features_key`. A ``deal`` says what folds are dealt by, where trials have some.
    """

    spec: RunSpec
    data: Dataset
    device: str
    images: Mapping[str, Values | NodePhotos]
    ranking: npt.NDArray[np.float64] | None
    pretrained: Path | None
    checkpoints: Checkpoints | None = None
    deal: Deal | None = None

    def __call__(self, index: int, tell: Tell) -> TrialRecord:
        """Train a trial; tells how many images went by, reports after epochs, and a `Note`."""
        counted, last = 0, time.monotonic()

        def count(num: int) -> None:
            nonlocal counted, last
            counted += num
            if time.monotonic() - last > _SECONDS_BETWEEN_COUNTS:
                tell(counted)
                counted, last = 0, time.monotonic()

        def report(epoch: EpochReport) -> None:
            nonlocal counted
            tell(counted)
            counted = 0
            tell(epoch)

        spec, device = self.spec.trial(index), own_device(torch.device(self.device))
        if spec.heads is not None:
            return self._heads(spec, device, Listener(report, count))
        keeper = None if self.checkpoints is None else self.checkpoints.keeper(spec, device, tell)
        record = run_trial(
            spec,
            self.data,
            device,
            images={
                name: images.open() if isinstance(images, NodePhotos) else images
                for name, images in self.images.items()
            },
            ranking=self.ranking if self.deal is None else self.deal.ranking(spec, self.ranking),
            listener=Listener(report, count),
            keeper=keeper,
            pretrained=self.pretrained,
        )
        if keeper is not None:
            record.ran["seconds"] = round(record.ran["seconds"] + keeper.earlier, 3)
        return record

    def _heads(self, spec: TrialSpec, device: torch.device, listener: Listener) -> TrialRecord:
        assert spec.heads is not None
        features: dict[str, list[Pack]] = {}
        for split in self.data.splits:
            for at in range(len(spec.heads.features)):
                packed = self.images[features_key(split, at)]
                assert isinstance(packed, Pack)
                features.setdefault(split, []).append(packed)
        return run_heads(spec, self.data, device, features=features, deal=self.deal, listener=listener)

    def sent(self, tell: Callable[[str], None]) -> Trainer:
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
    def shared(self, folder: Path, prefix: str) -> Iterator[Trainer]:
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
    """Name of the vectors of a split, of the features at a place of their list."""
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
