"""What a trained network makes of images before it classifies them: the input of its last layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from easiness.errors import BadInput
from easiness.inputs import Signature
from easiness.training.network import find_classifier
from easiness.training.stored_network import restored


class FeatureReader:
    """A trained network in evaluation mode and float32 that gives the input of its classifier."""

    def __init__(
        self,
        model: str,
        signature: Signature,
        num_classes: int,
        weights: Mapping[str, npt.NDArray[Any]],
        device: torch.device,
        pretrained: Path | None = None,
    ) -> None:
        """``weights`` by their names in the network ``model``, as a stored trial gives them.

        ``pretrained`` is the file that training started from, which some networks are built by.
        """
        net = restored(model, signature, num_classes, weights, pretrained)
        classifier = find_classifier(net, num_classes)
        if classifier is None:
            raise BadInput(
                f"model {model!r}: has no linear or convolutional layer with {num_classes} outputs, so it "
                "has no feature space; use pixel space alone"
            )
        classifier.register_forward_pre_hook(self._keep)
        self._net: nn.Module = net.to(device).eval()
        self._seen: Tensor | None = None

    def _keep(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._seen = inputs[0]

    @torch.inference_mode()
    def read(self, examples: Tensor) -> Tensor:
        """Features [b, d] of network input [b, ...]; maps of features are averaged over space."""
        self._net(examples)
        seen, self._seen = self._seen, None
        assert seen is not None
        return seen.mean(dim=(2, 3)) if seen.ndim == 4 else seen.flatten(1)
