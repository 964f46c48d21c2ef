"""How far a training has come, as tensors by name: what is needed to go on as if it had never stopped.

What the order of examples and their augmentation are drawn from is none of it: the draws of epochs that have
ended are made again (`loop.train`), since they are functions of the seeds.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from easiness.errors import BadInput
from easiness.records import ObservationLog
from easiness.training.network import Network
from easiness.training.observer import AnyObserver

_NETWORK, _OPTIMIZER, _RANDOM, _OBSERVED, _LOSSES = "network/", "optimizer/", "random/", "observed/", "losses"
_PLACE = 0  # of the trial in its checkpoint: versions of before trained several in one process


@dataclass(frozen=True)
class TrainingState:
    """A training at the end of an epoch: ``tensors`` on the CPU; ``images`` have gone through the network."""

    epoch: int
    images: int
    tensors: Mapping[str, Tensor]


@dataclass
class Standing:
    """What changes while a trial trains; ``losses`` are the means of the epochs that have ended."""

    network: Network
    observers: Mapping[str, AnyObserver]
    device: torch.device
    losses: list[float] = field(default_factory=list)
    epoch: int = 0  # the last that has ended
    images: int = 0

    def state(self) -> TrainingState:
        """The training as it is between two epochs; tensors of a CPU are not copied, and change later."""
        tensors = {
            **_named(_NETWORK, self.network.live()),
            **_named(_OPTIMIZER, self.network.optimizer.state()),
            **_named(_RANDOM, _random_states(self.device)),
            _LOSSES: torch.tensor([self.losses], dtype=torch.float64),
        }
        for name, observer in self.observers.items():
            if observer.log.num_epochs:
                seen = observer.log.state()
                arrays = {column: torch.from_numpy(values) for column, values in seen.items()}
                tensors |= _named(f"{_OBSERVED}{name}/{_PLACE}/", arrays)
        return TrainingState(
            self.epoch,
            self.images,
            {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
        )

    def restore(self, state: TrainingState) -> None:
        """Be what ``state`` was taken of, a training of the same kind that has not begun."""
        network, random = _part(state.tensors, _NETWORK), _part(state.tensors, _RANDOM)
        live, losses = self.network.live(), state.tensors.get(_LOSSES)
        if _kinds(network) != _kinds(live):
            raise BadInput("it is of another network")
        if losses is None or losses.shape != (1, state.epoch):
            raise BadInput("it is of another number of epochs")
        for name, value in state.tensors.items():  # a user's network may hold what is not finite
            if value.is_floating_point() and not name.startswith(_NETWORK) and not value.isfinite().all():
                raise BadInput(f"its {name} are not finite")
        self.network.optimizer.check(_part(state.tensors, _OPTIMIZER))
        _check_random(random, self.device)
        for log, seen in self._logs_of(state):
            if seen:
                log.restore(seen)
        with torch.no_grad():
            for name, value in network.items():
                live[name].copy_(value)
        self.network.optimizer.restore(_part(state.tensors, _OPTIMIZER))
        _set_random(random, self.device)
        self.losses[:] = losses[0].tolist()
        self.epoch, self.images = state.epoch, state.images

    def _logs_of(self, state: TrainingState) -> list[tuple[ObservationLog, dict[str, npt.NDArray[Any]]]]:
        """The logs, and what they had seen; each is checked."""
        found = []
        for name, observer in self.observers.items():
            part = _part(state.tensors, f"{_OBSERVED}{name}/{_PLACE}/")
            seen = {column: value.numpy() for column, value in part.items()}
            _check_seen(observer.log, seen, state.epoch)
            found.append((observer.log, seen))
        return found


def _check_seen(log: ObservationLog, seen: Mapping[str, npt.NDArray[Any]], epoch: int) -> None:
    tried = copy.copy(log)  # which shares nothing that `restore` writes to
    kinds = {name: "i4" if name in ("prediction", "rival") else "f4" for name in seen}
    if len({len(values) for values in seen.values()}) > 1 or kinds != {
        name: values.dtype.str[1:] for name, values in seen.items()
    }:
        raise BadInput("its observations are of another kind")
    if seen:
        tried.restore(seen)
    if 0 < tried.next_epoch <= epoch or tried.num_epochs > epoch:
        raise BadInput("its observations are of other epochs")


def _named(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in tensors.items()}


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _kinds(tensors: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (value.shape, value.dtype) for name, value in tensors.items()}


def _random_states(device: torch.device) -> dict[str, Tensor]:
    """States of the generators that networks draw from as they train, as those with dropout do."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["device"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["device"] = torch.mps.get_rng_state()
    return states


def _check_random(states: Mapping[str, Tensor], device: torch.device) -> None:
    now = _random_states(device)
    if _kinds(states) != _kinds(now):
        raise BadInput("its random state is of another kind")
    try:
        torch.Generator().set_state(states["cpu"])
    except RuntimeError:
        raise BadInput("its random state is of another kind") from None


def _set_random(states: Mapping[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["device"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(states["device"])
