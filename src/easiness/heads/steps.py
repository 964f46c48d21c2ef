"""Heads that are fitted by steps, as any network is, on the same vectors as those in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.heads.values import Rows
from easiness.inputs import VECTOR, Packed, Signature
from easiness.models import build_model
from easiness.spec import TrialSpec, trial_seeds
from easiness.training import Course, Lane, Listener, Network, seed_all, train

_MOST_KINDS = 64  # of features, for seeds of their own


@dataclass(frozen=True, eq=False)
class SteppedHead:
    """A network on vectors that are standardized by the examples that it has seen."""

    network: Network
    mean: Tensor
    scale: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Logits [n, C] of features [n, D]."""
        self.network.model.eval()
        with torch.inference_mode():
            return self.network.logits((x - self.mean) / self.scale)

    def state(self) -> dict[str, Tensor]:
        """What it is made of, by name."""
        weights = {f"network.{name}": value for name, value in self.network.weights().items()}
        return {"mean": self.mean, "scale": self.scale, **weights}


def fit_by_steps(
    spec: TrialSpec,
    rows: Sequence[Rows],
    positions: npt.NDArray[np.int64],
    labels: Tensor,
    num_classes: int,
    row: int,
) -> tuple[list[SteppedHead], float]:
    """A network for each kind of features, trained at ``positions`` [n], and their mean last loss."""
    assert spec.heads is not None
    assert spec.heads.epochs is not None
    recipe = spec.recipe.over(spec.heads.epochs)
    steps = recipe.steps_per_epoch(len(positions))
    course = Course(spec.heads.epochs, steps, recipe.batch_size)
    heads, losses = [], []
    for kind, one in enumerate(rows):
        seeds = trial_seeds(trial_seeds(spec.seed, spec.index).initialization, row * _MOST_KINDS + kind)
        x = one.take(positions)
        mean, scale = x.mean(dim=0), x.std(dim=0, correction=0)
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        seed_all(seeds.initialization)
        network = Network(
            build_model(spec.model, Signature(tuple(x.shape[1:])), num_classes),
            recipe,
            spec.resolved,
            one.device,
            num_examples=len(positions),
            num_classes=num_classes,
            steps_per_epoch=steps,
        )
        packed = Packed.of_array(((x - mean) / scale).cpu().numpy())
        bank = VECTOR.bank(packed, recipe, one.device, augment=False, sharers=1)
        lane = Lane(spec.index, torch.arange(len(positions)), labels, seeds)
        losses.append(train(network, bank, lane, {}, course, Listener())[-1])
        heads.append(SteppedHead(network, mean, scale))
    return heads, float(np.mean(losses))
