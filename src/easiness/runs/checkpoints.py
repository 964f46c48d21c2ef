"""Trials that take long leave how far they are in the folder of their run, and go on from there.

Whoever trains writes: a state can have gigabytes, which need not go through the process that stores trials.
A worker that does not see the folder, since it is on another machine without the same file system, trains
without.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import SafetensorError

from easiness.errors import BadInput
from easiness.show import trials_text
from easiness.spec import CheckpointEvery, TrialSpec, content_hash
from easiness.store import CheckpointDocument, checkpoints_of, read_checkpoint, write_checkpoint
from easiness.training import Standing, TrainingState

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
                stored = read_checkpoint(path, self._identity, self._easiness, self._torch)
                document = stored.document
                if document.epoch >= self._epochs:
                    raise BadInput("it is of a longer training")
                standing.restore(TrainingState(document.epoch, document.images, stored.tensors))
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
