"""AdamW under the schedule of a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from easiness.errors import BadInput
from easiness.spec import Recipe

_STEPS = "steps"
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of a parameter


class Optimizer:
    """Updates parameters as the recipe says: `advance` to a step's rate, then `update` by its loss."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        recipe: Recipe,
        device: torch.device,
        *,
        num_examples: int,
        steps_per_epoch: int | None,
        rate_on_device: bool,
    ) -> None:
        """``num_examples`` decides the weight decay and, unless ``steps_per_epoch`` does, the schedule.

        ``rate_on_device`` keeps the learning rate in memory of the device, so that a CUDA graph of an
        update, which repeats what it was given, still sees the rate of each step.
        """
        self._recipe = recipe
        self._steps_per_epoch = steps_per_epoch or recipe.steps_per_epoch(num_examples)
        self._step = 0
        cuda, single = device.type == "cuda", device.type != "cpu"
        rate: float | Tensor = recipe.alpha
        if rate_on_device:
            # the kernel on a GPU reads single precision, the one on a CPU double
            rate = torch.tensor(recipe.alpha, dtype=torch.float32 if single else torch.float64, device=device)
        self._rate = rate
        self._parameters = list(parameters)
        self._adamw = torch.optim.AdamW(
            self._parameters,
            lr=rate,
            betas=(recipe.beta1, recipe.beta2),
            eps=recipe.epsilon,
            weight_decay=recipe.torch_weight_decay(num_examples),
            fused=True,
            capturable=rate_on_device and cuda,
        )

    def state(self) -> dict[str, Tensor]:
        """What it has gathered, by name: the moments of each parameter, and how many steps have begun."""
        moments = {
            f"{at}/{name}": value
            for at, parameter in enumerate(self._parameters)
            for name, value in self._adamw.state.get(parameter, {}).items()
        }
        return {_STEPS: torch.tensor(self._step), **moments}

    def check(self, state: Mapping[str, Tensor]) -> None:
        """Make sure that ``state`` is that of an optimizer of such parameters.

        Raises:
            BadInput: it is not.
        """
        names = {f"{at}/{name}" for at in range(len(self._parameters)) for name in _MOMENTS}
        of_steps = state.get(_STEPS)
        fits = of_steps is not None and of_steps.shape == () and state.keys() <= {_STEPS, *names}
        for at, parameter in enumerate(self._parameters):
            given = {name: state[f"{at}/{name}"] for name in _MOMENTS if f"{at}/{name}" in state}
            shapes = {name: () if name == "step" else parameter.shape for name in _MOMENTS}
            fits &= not given or {name: value.shape for name, value in given.items()} == shapes
        if not fits:
            raise BadInput("its optimizer is of other parameters")

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state` that was checked."""
        self._step = int(state[_STEPS])
        for at, parameter in enumerate(self._parameters):
            if f"{at}/step" not in state:
                continue  # it has had no gradient yet
            moments = {name: state[f"{at}/{name}"] for name in _MOMENTS}
            self._adamw.state[parameter] = {
                # moments lie in memory as their parameter does, which the kernel takes for granted
                name: value.to(parameter.device, copy=True)
                if name == "step"
                else torch.empty_like(parameter, requires_grad=False).copy_(value)
                for name, value in moments.items()
            }

    def advance(self) -> None:
        """Set the rate of the next step; nothing waits for the device."""
        rate = self._recipe.eta(self._step / self._steps_per_epoch) * self._recipe.alpha
        self._step += 1
        if isinstance(self._rate, Tensor):
            self._rate.fill_(rate)
            return
        for group in self._adamw.param_groups:
            group["lr"] = rate

    def update(self, loss: Tensor) -> None:
        """One update by the gradient of ``loss``, a scalar."""
        self._adamw.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._adamw.step()
