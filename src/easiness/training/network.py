"""A network made ready for a device and a precision, and how it is called and stepped."""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easiness.spec import Recipe, Resolved
from easiness.training.compiled import CompiledForward
from easiness.training.optimizer import Optimizer


def find_classifier(model: nn.Module, num_classes: int) -> nn.Module | None:
    """The last linear or convolutional layer with ``num_classes`` outputs, where there is one."""
    classifier: nn.Module | None = None
    for layer in model.modules():
        outputs = getattr(layer, "out_features", None) or getattr(layer, "out_channels", None)
        if isinstance(layer, nn.Linear | nn.Conv2d) and outputs == num_classes:
            classifier = layer
    return classifier


def keep_classifier_in_float32(model: nn.Module, num_classes: int) -> None:
    """Run the last layer with ``num_classes`` outputs in float32 also under autocast.

    Logits rounded to half precision tie, and ties flip predictions. A model without a linear or
    convolutional classifier keeps its own arithmetic; its logits are widened for the loss all the same.
    """
    classifier = find_classifier(model, num_classes)
    if classifier is None:
        return
    plain_forward = classifier.forward

    @functools.wraps(plain_forward)
    def forward(features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = plain_forward(features.float())
            return logits

    classifier.forward = forward


class Network:
    """A model on a device with its AdamW; ``step`` trains a batch, ``logits`` evaluates one."""

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        resolved: Resolved,
        device: torch.device,
        *,
        num_examples: int,
        num_classes: int,
        steps_per_epoch: int | None = None,
    ) -> None:
        """``num_examples`` decides the weight decay and, unless ``steps_per_epoch`` does, the schedule."""
        keep_classifier_in_float32(model, num_classes)
        self._memory_format = torch.channels_last if resolved.channels_last else torch.contiguous_format
        self.model = model.to(device=device, memory_format=self._memory_format)  # type: ignore[call-overload]
        self._autocast = resolved.precision == "bfloat16"
        self._device = device
        self._smoothing = recipe.label_smoothing
        self._forward = CompiledForward(self._eager) if resolved.compiled else self._eager
        self.optimizer = Optimizer(
            self.model.parameters(),
            recipe,
            device,
            num_examples=num_examples,
            steps_per_epoch=steps_per_epoch,
            rate_on_device=resolved.graphed,
        )

    def _eager(self, images: Tensor) -> Tensor:
        images = images.contiguous(memory_format=self._memory_format)
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._autocast):
            logits = self.model(images)
        return logits.float()  # type: ignore[no-any-return]

    def step(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """One update on images [b, c, h, w] and labels [b]: its mean loss and logits [b, classes].

        Both are on the device still, and nothing has waited for them.
        """
        self.optimizer.advance()
        return self.update(images, labels)

    def update(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """As `step`, at the rate that `Optimizer.advance` has set."""
        logits = self._forward(images)
        loss = F.cross_entropy(logits, labels, label_smoothing=self._smoothing)
        self.optimizer.update(loss)
        return loss.detach(), logits.detach()

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """Logits [b, classes] in float32; the model must be in evaluation mode."""
        return self._forward(images)

    def weights(self, trial: int = 0) -> dict[str, Tensor]:
        """State of the model; ``trial`` is its place among trials that train side by side: it is alone."""
        assert trial == 0
        state: dict[str, Tensor] = self.model.state_dict()
        return state


def evaluation_batch(image_shape: tuple[int, int, int]) -> int:
    """Examples per evaluation batch: about a million input values, between 16 and 500 examples."""
    return max(16, min(500, 2**20 // math.prod(image_shape)))
