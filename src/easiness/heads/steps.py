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
    """A network for each kind of features, trained on those at ``positions`` [n], and their mean last loss.

    Raises:
        TrialFailed: a loss is not finite.
    """
    heads, losses = [], []
    for kind, one in enumerate(rows):
        head, loss = _fit(spec, one, positions, labels, num_classes, row * _MOST_KINDS + kind)
        heads.append(head)
        losses.append(loss)
    return heads, float(np.mean(losses))


def _fit(
    spec: TrialSpec,
    rows: Rows,
    positions: npt.NDArray[np.int64],
    labels: Tensor,
    num_classes: int,
    stream: int,
) -> tuple[SteppedHead, float]:
    assert spec.heads is not None
    assert spec.heads.epochs is not None
    epochs, device = spec.heads.epochs, rows.device
    seeds = trial_seeds(trial_seeds(spec.seed, spec.index).initialization, stream)
    x = rows.take(positions)
    mean, scale = x.mean(dim=0), x.std(dim=0, correction=0)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    packed = Packed.of_array(((x - mean) / scale).cpu().numpy())
    recipe = spec.recipe.over(epochs)
    steps = recipe.steps_per_epoch(len(positions))
    seed_all(seeds.initialization)
    network = Network(
        build_model(spec.model, Signature(tuple(x.shape[1:])), num_classes),
        recipe,
        spec.resolved,
        device,
        num_examples=len(positions),
        num_classes=num_classes,
        steps_per_epoch=steps,
    )
    bank = VECTOR.bank(packed, recipe, device, augment=False, sharers=1)
    lane = Lane(spec.index, torch.arange(len(positions)), labels, seeds)
    losses = train(network, bank, lane, {}, Course(epochs, steps, recipe.batch_size), Listener())
    return SteppedHead(network, mean, scale), losses[-1]
