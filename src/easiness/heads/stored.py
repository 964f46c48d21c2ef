"""Heads as a run keeps them, to be asked about other vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.errors import BadInput
from easiness.heads.ridge import Head
from easiness.heads.steps import SteppedHead
from easiness.heads.trial import Asked
from easiness.heads.values import Rows
from easiness.inputs import Signature
from easiness.spec import BOOSTING, RIDGE, RunSpec
from easiness.training import open_network

Weights = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class StoredHeads:
    """The heads of a trial at a share; features are read less ``centers`` [D] and times ``scales``."""

    asked: Asked
    centers: Sequence[Tensor]
    scales: Sequence[float]

    def logits(self, vectors: Sequence[npt.NDArray[np.floating]]) -> npt.NDArray[np.float32]:
        """Logits [n, C] of examples whose features [n, D] are ``vectors``, one of each kind."""
        rows = [
            Rows(own, center.device, center, scale).take(slice(None))
            for own, center, scale in zip(vectors, self.centers, self.scales, strict=True)
        ]
        logits: npt.NDArray[np.float32] = self.asked.logits(rows).cpu().numpy()
        return logits


def stored_heads(
    spec: RunSpec,
    weights: Weights,
    share: float,
    widths: Sequence[int],
    num_classes: int,
    device: torch.device,
) -> StoredHeads:
    """The heads that have seen ``share`` in the ``weights`` of a trial.

    Args:
        spec: of the run on features.
        weights: as `run_heads` makes them.
        share: one of ``spec.heads.shares``.
        widths: the length of the vectors of each of the features.
        num_classes: the number of classes.
        device: where to compute.

    Raises:
        BadInput: the weights are not those of such heads, or the heads are not kept.
    """
    if spec.model == BOOSTING:
        raise BadInput("model boosting: keeps no trees, so nothing new can be asked of it; use --model ridge")
    kinds = range(len(widths))
    centers = [_tensor(weights, f"features_{at}.center", (widths[at],), device) for at in kinds]
    scales = [float(_tensor(weights, f"features_{at}.scale", (1,), device)) for at in kinds]
    heads: list[Any] = []
    for at, width in enumerate(widths):
        prefix = f"share_{share:g}.features_{at}."
        own = {name.removeprefix(prefix): one for name, one in weights.items() if name.startswith(prefix)}
        read = _ridge if spec.model == RIDGE else _by_steps
        heads.append(read(spec, own, width, num_classes, device))
    # the heads of ridge are kept as they are added up
    factor = 1.0 if spec.model == RIDGE else 1 / len(heads)
    return StoredHeads(Asked(heads, [factor] * len(heads)), centers, scales)


def _ridge(_: RunSpec, own: Weights, width: int, num_classes: int, device: torch.device) -> Head:
    weight = _tensor(own, "weight", (width, num_classes), device)
    return Head(weight, _tensor(own, "bias", (num_classes,), device))


def _by_steps(spec: RunSpec, own: Weights, width: int, num_classes: int, device: torch.device) -> SteppedHead:
    prefix = "network."
    inner = {name.removeprefix(prefix): one for name, one in own.items() if name.startswith(prefix)}
    network = open_network(spec, inner, Signature((width,)), num_classes, device)
    mean, scale = (_tensor(own, name, (width,), device) for name in ("mean", "scale"))
    return SteppedHead(network, mean, scale)


def _tensor(weights: Weights, name: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
    value = weights.get(name)
    if value is None or value.shape != shape or value.dtype != np.float32:
        raise BadInput(f"weights {name}: do not fit the heads of the run; restore the run from a copy")
    return torch.tensor(value, device=device)
