"""A trial: a network trained on pictures that are made anew for every epoch, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load, save
from torch import Tensor

from easiness.errors import caught
from easiness.executors import Tell
from easiness.inputs import Signature
from easiness.models import build_model
from easiness.paper.planted.design import Arm, Preset, examples_of, patterns_of
from easiness.paper.planted.pictures import FreshBank, Pictures
from easiness.spec import RECIPES, Recipe, Resolved, content_hash, trial_seeds
from easiness.training import Course, Lane, Listener, Network, own_device, seed_all, set_up, train

_FORMAT = 1  # changes whenever the same settings would give other numbers
_OF_THE_STUDY = ("name", "networks", "trials", "control_trials")  # settings that decide nothing in a trial
_AT_ONCE = 512  # pictures that a network is asked about


@dataclass(frozen=True)
class Task:
    """One trial of a study; equal ones give the same numbers on a CPU, wherever and whenever they run."""

    preset: Preset
    seed: int
    arm: Arm
    network: str
    trial: int

    @property
    def file(self) -> str:
        """The name of its file, which ends in a hash of all that decides what is in it."""
        own = {key: value for key, value in self.preset.as_dict().items() if key not in _OF_THE_STUDY}
        settings = {"format": _FORMAT, "seed": self.seed, "preset": own, "arm": self.arm}
        digest = content_hash({**settings, "network": self.network, "trial": self.trial})
        return f"{self.arm}-{self.network}-{self.trial:02d}-{digest[:12]}.safetensors"


@dataclass(frozen=True, eq=False)
class Seen:
    """What a trial came to.

    ``right`` [K] says of each example whether the network, after the last epoch and in evaluation mode, is
    right about its label on the picture that it was trained on last. ``held_out`` [P] is the mean
    probability of a pattern's own label on pictures that no training saw. ``losses`` are those of the epochs.
    """

    right: npt.NDArray[np.bool_]
    held_out: npt.NDArray[np.float32]
    losses: npt.NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """The content of its file."""
        arrays = {"right": self.right, "held_out": self.held_out, "losses": self.losses}
        content: bytes = save(arrays)
        return content

    @classmethod
    def of_bytes(cls, content: bytes, num_examples: int, num_patterns: int) -> Seen:
        """Read it strictly.

        Raises:
            ValueError: it is damaged, or of other examples or patterns.
        """
        with caught(ValueError):
            arrays = load(content)
            right, held_out, losses = (arrays[name] for name in ("right", "held_out", "losses"))
        if right.dtype != np.bool_ or right.shape != (num_examples,):
            raise ValueError(f"right has shape {right.shape}")
        if held_out.dtype != np.float32 or held_out.shape != (num_patterns,):
            raise ValueError(f"held_out has shape {held_out.shape}")
        if not ((held_out >= 0) & (held_out <= 1)).all():
            raise ValueError("held_out has a value that is no probability")
        return cls(right, held_out, losses)


def run_task(task: Task, tell: Tell, *, device: str) -> Seen:
    """Train and ask a network as the task says; tells of each epoch."""
    with set_up(own_device(torch.device(device)), 1):
        return _run(task, own_device(torch.device(device)), tell)


def _run(task: Task, device: torch.device, tell: Callable[[Any], None]) -> Seen:
    preset = task.preset
    patterns = patterns_of(preset, task.seed)
    examples = examples_of(task.arm, patterns, preset, task.seed)
    entropy = int(content_hash({"seed": task.seed, "arm": task.arm, "network": task.network}), 16)
    seeds = trial_seeds(entropy, task.trial)
    pictures = Pictures(patterns, preset, task.arm)
    bank = FreshBank(pictures, examples, device)
    labels = torch.from_numpy(examples.label)
    lane = Lane(task.trial, torch.arange(len(examples)), labels.to(device), seeds)
    network, course = _network(preset, task.network, device, len(examples), seeds.initialization)
    listener = Listener(on_epoch=lambda report: tell(replace(report, of=f"{task.network} {task.arm}")))
    losses = train(network, bank, lane, {}, course, listener)
    network.model.eval()
    right = _logits(network, bank.last, device).argmax(dim=1) == labels
    asked = torch.arange(len(patterns)).repeat_interleave(preset.fresh)
    made = pictures.make(asked, torch.Generator().manual_seed(seeds.draw))
    probability = _logits(network, made, device).softmax(dim=1)
    own = probability[torch.arange(len(asked)), torch.from_numpy(patterns.label)[asked]]
    held_out = own.double().view(len(patterns), preset.fresh).mean(dim=1).float()
    return Seen(right.numpy(), held_out.numpy(), np.array(losses, np.float32))


def _network(preset: Preset, name: str, device: torch.device, num: int, seed: int) -> tuple[Network, Course]:
    recipe = Recipe(**RECIPES[preset.recipe]).over(preset.epochs)
    resolved = Resolved(precision=preset.precision, channels_last=device.type != "mps", threads=1)
    steps = recipe.steps_per_epoch(num)
    seed_all(seed)
    network = Network(
        build_model(name, Signature((1, preset.side, preset.side)), preset.classes),
        recipe,
        resolved,
        device,
        num_examples=num,
        num_classes=preset.classes,
        steps_per_epoch=steps,
    )
    return network, Course(preset.epochs, steps, recipe.batch_size)


def _logits(network: Network, pictures: Tensor, device: torch.device) -> Tensor:
    return torch.cat([network.logits(part.to(device)).cpu() for part in torch.split(pictures, _AT_ONCE)])
