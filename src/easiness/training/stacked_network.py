"""Networks of several trials as one: weights have trials as their first dimension, and a step trains all."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from easiness.errors import BadInput
from easiness.models import build_model
from easiness.spec import Recipe, Resolved
from easiness.training.network import evaluation_batch, keep_classifier_in_float32
from easiness.training.optimizer import Optimizer


def check_together(model: nn.Module) -> None:
    """Refuse networks that draw random numbers in training: side by side, trials cannot have each its own.

    Raises:
        BadInput: the network has dropout.
    """
    for name, layer in model.named_modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd) and layer.p > 0:
            raise BadInput(
                f"a network with dropout (layer {name or 'of the model'}): cannot train side by side with "
                "others in one process; train its trials one by one"
            )


def _pool_by_mean(model: nn.Module) -> None:
    """Write pooling to one pixel as a mean: the same number, by an operation that knows of trials."""
    for layer in model.modules():
        if isinstance(layer, nn.AdaptiveAvgPool2d) and layer.output_size in (1, (1, 1)):
            layer.forward = _mean_of_pixels  # type: ignore[assignment,method-assign]


def _mean_of_pixels(images: Tensor) -> Tensor:
    return images.mean(dim=(-2, -1), keepdim=True)


class _Convolution(nn.Conv2d):
    """Runs in the type of autocast on a CPU too, where torch leaves those of several trials as they are."""

    def _conv_forward(self, images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        device = images.device.type
        if torch.is_autocast_enabled(device):
            dtype = torch.get_autocast_dtype(device)
            images, weight = images.to(dtype), weight.to(dtype)
            bias = None if bias is None else bias.to(dtype)
        seen: Tensor = super()._conv_forward(images, weight, bias)
        return seen


class _BatchNorm(nn.BatchNorm2d):
    """In float32 on a CPU, where torch has none for several trials with statistics wider than the images."""

    def forward(self, images: Tensor) -> Tensor:
        if images.device.type != "cpu":
            return super().forward(images)
        return super().forward(images.float()).to(images.dtype)


def _make_ready_for_autocast(model: nn.Module) -> None:
    """Let layers run under autocast as they do in a network by itself."""
    for layer in model.modules():
        if type(layer) is nn.Conv2d:
            layer.__class__ = _Convolution
        elif type(layer) is nn.BatchNorm2d:
            layer.__class__ = _BatchNorm


def _put_channels_last(weights: Iterable[Tensor]) -> None:
    """Lay out the weights [G, o, i, h, w] of convolutions so that all G run channels-last.

    Their input need not be: a convolution takes the layout of its weights, and gives that to what follows.
    """
    for weight in weights:
        if weight.ndim == 5:
            weight.data = weight.data.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)


def can_train_together(model: str, shape: tuple[int, int, int], num_classes: int) -> bool:
    """Can the network of this name train side by side with others in one process?"""
    try:
        check_together(build_model(model, shape, num_classes))
    except BadInput:
        return False
    return True


class Together:
    """G models of one architecture on a device with one AdamW; as `Network`, with trials in front.

    Each trial's numbers are those of its own `Network` to rounding: nothing passes between trials. Precision
    and memory layout are as for one.
    """

    def __init__(
        self,
        models: Sequence[nn.Module],
        recipe: Recipe,
        resolved: Resolved,
        device: torch.device,
        *,
        num_examples: int,
        num_classes: int,
        steps_per_epoch: int | None = None,
    ) -> None:
        """As for `Network`; the ``models`` differ in their values alone.

        Raises:
            BadInput: a model draws random numbers in training.
        """
        check_together(models[0])
        self._parameters, self._buffers = stack_module_state([model.to(device) for model in models])
        if resolved.channels_last:
            _put_channels_last(self._parameters.values())
        # its own values are never used in training; its modules say how to compute with those of a trial
        self.model = copy.deepcopy(models[0])
        _make_ready_for_autocast(self.model)
        keep_classifier_in_float32(self.model, num_classes)
        _pool_by_mean(self.model)
        self._autocast = resolved.precision == "bfloat16"
        self._device = device
        self._smoothing = recipe.label_smoothing
        self.optimizer = Optimizer(
            self._parameters.values(),
            recipe,
            device,
            num_examples=num_examples,
            steps_per_epoch=steps_per_epoch,
            rate_on_device=resolved.graphed,
        )

    def _forward(self, images: Tensor, images_dim: int | None) -> Tensor:
        def of_one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], seen: Tensor) -> Tensor:
            with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._autocast):
                logits: Tensor = functional_call(self.model, (parameters, buffers), (seen,))
            return logits.float()

        forward: Callable[..., Tensor] = vmap(of_one, in_dims=(0, 0, images_dim))
        return forward(self._parameters, self._buffers, images)

    def step(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """One update of each trial on its images [G, b, c, h, w] and labels [G, b].

        Gives mean losses [G] and logits [G, b, classes], on the device still.
        """
        self.optimizer.advance()
        return self.update(images, labels)

    def update(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """As `step`, at the rate that `Optimizer.advance` has set."""
        logits = self._forward(images, 0)
        each = F.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), reduction="none", label_smoothing=self._smoothing
        )
        losses = each.view(labels.shape).mean(dim=1)
        # a trial's weights reach its own loss alone, so that this is the gradient of each
        self.optimizer.update(losses.sum())
        return losses.detach(), logits.detach()

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """Logits [G, b, classes] in float32 of the same images [b, c, h, w] for each trial."""
        return self._forward(images, None)

    def at_once(self, image_shape: tuple[int, int, int]) -> int:
        """Examples per evaluation batch of images of this shape."""
        return evaluation_batch(image_shape)

    def live(self) -> dict[str, Tensor]:
        """All that training changes of the models [G, ...], in the place where it lies; see `Standing`."""
        return {**self._parameters, **self._buffers}

    def weights(self, trial: int) -> dict[str, Tensor]:
        """A copy of the state of the model of the trial at this place."""
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(self._parameters[name][trial])
            for name, buffer in self.model.named_buffers():
                buffer.copy_(self._buffers[name][trial])
        return {name: value.clone() for name, value in self.model.state_dict().items()}
