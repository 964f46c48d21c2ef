"""How long trials take: one short timed step, remembered per machine, and what trials really took."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict

from easiness.data import Dataset, cache_folder
from easiness.models import is_users_own
from easiness.regular_file import read_regular
from easiness.runs.plan import num_trained_on
from easiness.spec import TRAIN, Resolved, RunSpec, content_hash, examples_of_epoch
from easiness.store import write_whole
from easiness.training import (
    EpochReport,
    NetworkFacts,
    Speed,
    Workload,
    device_name,
    measure_speed,
    network_facts,
    num_gpus,
)

SLOWDOWN = 1.2
"""How many times as long a step takes while other cores train too, until it is known."""

_MOST_BYTES = 2**24  # of the file of a network, far more than it comes to


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
    splits, signature = data.splits, data.signature(run.recipe)
    return Work(
        Workload(
            run.model,
            run.recipe,
            signature.shape,
            data.num_classes,
            min(run.recipe.batch_size, trained_on),
            device,
            data.kind.name,
            signature.vocabulary,
        ),
        run.epochs * run.recipe.steps_per_epoch(examples_of_epoch(run, len(data), trained_on)),
        # what training computes anyway is no pass of its own
        sum(
            len(probe.observed(run.epochs)) * len(splits[probe.name])
            for probe in run.probes
            if probe.observe != TRAIN
        ),
    )


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Known(_Value):
    """The speed of a trial while trials train with these settings: of ones that ``trained``, or of a step."""

    settings: Resolved
    speed: Speed
    trained: bool = False


class _Document(_Value):
    """The file of a network on a machine; ``about`` says which."""

    format: Literal[2] = 2
    about: dict[str, Any]
    facts: NetworkFacts | None = None
    speeds: tuple[_Known, ...] = ()


_in_memory: dict[str, _Document] = {}
"""Files of networks from the user's code, which may be another by the next run though its name stays."""


class Forecast:
    """What is known of how fast a network trains here, kept in the user's cache from run to run.

    It is known by what decides speed: processor or GPU, number of cores, version of torch, network, shape
    of the images, number of classes, batch size and kind of augmentation; so it serves runs of any length
    in any folder. A file that is broken, of something else or not to be written costs time, never an error;
    each is written whole, so that several processes may use it.
    """

    def __init__(self, workload: Workload, *, remember: bool = True) -> None:
        """Without ``remember`` nothing is written."""
        self._workload, self._remember = workload, remember
        self._about = _about(workload)
        self._key = content_hash(self._about)
        self._document = self._stored()

    def facts(self) -> NetworkFacts:
        """Facts about the network, found by a training step where they are not known yet."""
        if self._document.facts is None:
            self._keep(facts=network_facts(self._workload))
        assert self._document.facts is not None
        return self._document.facts

    def speed(self, settings: Resolved) -> Speed:
        """The speed of a trial while ``settings.jobs`` train at a time: as trained, else by a timed step."""
        known = self._known(settings)
        if known is not None:
            return known.speed
        alone = settings.model_copy(update={"jobs": 1})
        of_one = self._known(alone)
        if of_one is None:
            speed = measure_speed(self._workload, alone, self.facts())
            self.learn(alone, speed, trained=False)
        else:
            speed = of_one.speed
        if settings.jobs == 1:
            return speed
        # more processes make a GPU no faster
        device = torch.device(self._workload.device)
        sharers = 1 if device.type == "cpu" else -(-settings.jobs // num_gpus(device))
        return speed.times(sharers if sharers > 1 else SLOWDOWN)

    def has_seen(self, settings: Resolved) -> bool:
        """Have trials trained with these settings, so that their speed is known and not foretold?"""
        known = self._known(settings)
        return known is not None and known.trained

    def learn(self, settings: Resolved, speed: Speed, *, trained: bool = True) -> None:
        """Keep how fast trials are with these settings, in the place of what was known of them."""
        found = _Known(settings=_plain(settings), speed=speed, trained=trained)
        others = (one for one in self._document.speeds if one.settings != found.settings)
        self._keep(speeds=(*others, found))

    def _known(self, settings: Resolved) -> _Known | None:
        wanted = _plain(settings)
        return next((one for one in self._document.speeds if one.settings == wanted), None)

    @property
    def _path(self) -> Path | None:
        return None if is_users_own(self._workload.model) else cache_folder() / "speeds" / f"{self._key}.json"

    def _stored(self) -> _Document:
        nothing = _Document(about=self._about)
        if self._path is None:
            return _in_memory.get(self._key, nothing)
        try:
            found = _Document.model_validate_json(read_regular(self._path, _MOST_BYTES))
        except (OSError, ValueError):
            return nothing
        return found if found.about == self._about else nothing

    def _keep(self, **changes: Any) -> None:
        self._document = self._document.model_copy(update=changes)
        if not self._remember:
            return
        if self._path is None:
            _in_memory[self._key] = self._document
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, self._document.model_dump_json(indent=1).encode() + b"\n")
        except OSError:
            return


class Pace:
    """How long trials have taken that trained from the first epoch to the last."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._reports: dict[int, list[float]] = {}

    def note(self, report: EpochReport) -> None:
        """A trial has finished an epoch."""
        self._reports.setdefault(report.trial, []).append(report.seconds)

    def learn(self, work: Work, settings: Resolved) -> None:
        """Remember the median trial: what was known, times how much longer it took."""
        whole = [sum(seconds) for seconds in self._reports.values() if len(seconds) == self._epochs]
        if whole:
            forecast = Forecast(work.workload)
            speed = forecast.speed(settings)
            forecast.learn(settings, speed.times(statistics.median(whole) / work.seconds(speed)))


def _plain(settings: Resolved) -> Resolved:
    """The settings that decide speed, without the words about them."""
    return settings.model_copy(update={"reason": "", "together": 1})


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
        "kind": workload.kind,
        "num_classes": workload.num_classes,
        "batch": workload.batch,
        "augmentation": {
            "crop": recipe.crop,
            "translation": recipe.translation > 0,
            "flip": recipe.flip > 0,
            "gcn": recipe.gcn,
        },
    }
