"""What was measured of a network on this machine, kept in the user's cache from run to run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field

from easiness.data import cache_folder
from easiness.errors import is_out_of_memory
from easiness.models import is_users_own
from easiness.regular_file import read_regular
from easiness.spec import Resolved, content_hash
from easiness.store import write_whole
from easiness.training import (
    NetworkFacts,
    Speed,
    Workload,
    cannot_train,
    device_name,
    look_at,
    network_facts,
    num_gpus,
    part_of_batch,
    rehearsing,
)

_LOOK = 0.2  # seconds, where nothing is compared
_MOST_BYTES = 2**24  # of what was kept, far more than it comes to

BESIDE = 1.2
"""Times as long as alone that a step is taken to last while other cores train too, until it is measured."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Comparison(_Value):
    """Speeds in several ways as measured in turn, ``None`` where one does not work here."""

    ways: tuple[Resolved, ...] = Field(min_length=1)
    speeds: tuple[Speed | None, ...]


class _TooDear(_Value):
    """A comparison that was not made, since choosing may take no more than ``allowed`` seconds."""

    ways: tuple[Resolved, ...]
    allowed: float


class _Trained(_Value):
    """The speed that trials had when they really trained."""

    way: Resolved
    speed: Speed


class _Document(_Value):
    """The file of a network on a machine; ``about`` says which."""

    format: Literal[1] = 1
    about: dict[str, Any]
    facts: NetworkFacts | None = None
    comparisons: tuple[_Comparison, ...] = ()
    too_dear: tuple[_TooDear, ...] = ()
    trained: tuple[_Trained, ...] = ()


_in_memory: dict[str, _Document] = {}
"""Of networks from code of the user's: that may be another by the next run, though its name stays."""


class Looks:
    """What is known of how fast a network trains here.

    It is known by what decides speed: processor or GPU, number of cores, version of torch, network, shape
    of the images, number of classes, batch size and kind of augmentation; so it serves runs of any length
    in any folder. What is compared is kept together, so that a later run decides by the same figures. A
    file that is broken, of something else or not to be written costs time, never an error; each is written
    whole, so that several processes may use it. Nothing is kept before `save`.
    """

    def __init__(self, workload: Workload, *, anew: bool = False) -> None:
        """With ``anew`` nothing is known, and what is found takes the place of what was."""
        self._workload = workload
        self._about = _about(workload)
        self._key = content_hash(self._about)
        self._document = _Document(about=self._about) if anew else self._stored()
        self._changed = False

    @property
    def has_news(self) -> bool:
        """Was anything measured, or passed over, that was not known before?"""
        return self._changed

    def facts(self) -> NetworkFacts:
        """About the network, found by a training step where they are not known yet.

        Raises:
            BadInput: the model cannot take a training step.
        """
        facts = self._document.facts
        if facts is None:
            facts = network_facts(self._workload)
            self._change(facts=facts)
        return facts

    def compared(self, ways: Sequence[Resolved]) -> list[Speed | None] | None:
        """Speeds as measured in one comparison, ``None`` where these ways were not compared."""
        wanted = _plain(ways)
        for one in self._document.comparisons:
            if set(wanted) <= set(one.ways):
                by_way = dict(zip(one.ways, one.speeds, strict=True))
                return [by_way[way] for way in wanted]
        return None

    def measure(self, ways: Sequence[Resolved], seconds: float) -> list[Speed | None]:
        """Compare these ways as `look` does, and keep it."""
        speeds = self.look(ways, seconds)
        self.keep(ways, speeds)
        return speeds

    def look(self, ways: Sequence[Resolved], seconds: float) -> list[Speed | None]:
        """Speeds in these ways, by looks of about so many ``seconds`` at each.

        Raises:
            BadInput: the first one cannot train, other than for lack of memory where another can.
        """
        part = part_of_batch(self.facts(), self._workload)
        with rehearsing(self._workload.device):
            found = look_at(self._workload, ways, seconds, part)
        error = found[0] if isinstance(found[0], Exception) else None
        speeds = [None if isinstance(one, Exception) else one for one in found]
        if error and (not any(speeds) or not is_out_of_memory(error)):
            raise cannot_train(self._workload, error) from error
        return speeds

    def keep(self, ways: Sequence[Resolved], speeds: Sequence[Speed | None]) -> None:
        """Keep what was measured."""
        found = _Comparison(ways=_plain(ways), speeds=tuple(speeds))
        others = (one for one in self._document.comparisons if one.ways != found.ways)
        # the smallest first: what is asked for is found in the comparison that was made for it
        self._change(comparisons=tuple(sorted((*others, found), key=lambda one: len(one.ways))))

    def too_dear(self, ways: Sequence[Resolved]) -> float:
        """Seconds of choosing that were not enough to compare these ways; 0 where they never were too few."""
        wanted = _plain(ways)
        return max((one.allowed for one in self._document.too_dear if one.ways == wanted), default=0.0)

    def pass_over(self, ways: Sequence[Resolved], allowed: float) -> None:
        """Keep that these were not compared."""
        found = _TooDear(ways=_plain(ways), allowed=allowed)
        others = (one for one in self._document.too_dear if one.ways != found.ways)
        self._change(too_dear=(*others, found))

    def learn(self, way: Resolved, speed: Speed) -> None:
        """Keep what trials really took; no choice is based on it."""
        found = _Trained(way=_plain([way])[0], speed=speed)
        others = (one for one in self._document.trained if one.way != found.way)
        self._change(trained=(*others, found))

    def speed(self, way: Resolved) -> Speed | None:
        """Of a trial while as many processes work as in this ``way``: as trained, measured, or estimated."""
        (wanted,) = _plain([way])
        trained = [one.speed for one in self._document.trained if one.way == wanted]
        if trained:
            return trained[0]
        for one in reversed(self._document.comparisons):
            for there, speed in zip(one.ways, one.speeds, strict=True):
                if there == wanted and speed is not None:
                    return speed
        if way.jobs == 1:
            return None
        device = torch.device(self._workload.device)
        alone = self.speed(way.model_copy(update={"jobs": 1}))
        # more processes make a GPU no faster
        sharers = 1 if device.type == "cpu" else -(-way.jobs // num_gpus(device))
        return None if alone is None else alone.times(sharers if sharers > 1 else BESIDE)

    @property
    def _path(self) -> Path | None:
        return None if is_users_own(self._workload.model) else cache_folder() / "speeds" / f"{self._key}.json"

    def _stored(self) -> _Document:
        if self._path is None:
            return _in_memory.get(self._key, _Document(about=self._about))
        try:
            found = _Document.model_validate_json(read_regular(self._path, _MOST_BYTES))
        except (OSError, ValueError):
            return _Document(about=self._about)
        whole = all(len(one.ways) == len(one.speeds) for one in found.comparisons)
        return found if whole and found.about == self._about else _Document(about=self._about)

    def _change(self, **changes: Any) -> None:
        self._document = self._document.model_copy(update=changes)
        self._changed = True

    def save(self) -> None:
        """Keep for later runs what was found."""
        if not self._changed:
            return
        self._changed = False
        if self._path is None:
            _in_memory[self._key] = self._document
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, self._document.model_dump_json(indent=1).encode() + b"\n")
        except OSError:
            return


def speed_of(workload: Workload, way: Resolved, looks: Looks | None = None) -> tuple[NetworkFacts, Speed]:
    """Facts about a network and its speed in this way, as known, else measured within a second or two.

    What is measured is kept, unless ``looks`` are those of the caller.

    Raises:
        BadInput: the model cannot take a training step.
    """
    own = looks is None
    looks = Looks(workload) if looks is None else looks
    facts, speed = looks.facts(), looks.speed(way)
    if speed is None:
        looks.measure([way.model_copy(update={"jobs": 1})], _LOOK)
        speed = looks.speed(way)
        assert speed is not None
    if own:
        looks.save()
    return facts, speed


def _plain(ways: Sequence[Resolved]) -> tuple[Resolved, ...]:
    """Without the words about them."""
    return tuple(way.model_copy(update={"reason": ""}) for way in ways)


def _about(workload: Workload) -> dict[str, Any]:
    device = torch.device(workload.device)
    recipe = workload.recipe
    return {
        "device": device_name(device),
        "cores": torch.get_num_threads(),
        "cores_of_the_machine": os.cpu_count(),
        "torch": str(torch.__version__),
        "model": workload.model,
        "shape": list(workload.shape),
        "num_classes": workload.num_classes,
        "batch": workload.batch,
        "augmentation": {
            "crop": recipe.crop,
            "translation": recipe.translation > 0,
            "flip": recipe.flip > 0,
            "gcn": recipe.gcn,
        },
    }
