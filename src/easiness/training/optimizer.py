"""AdamW under the schedule of a recipe."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from easiness.spec import Recipe


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
        self._adamw = torch.optim.AdamW(
            parameters,
            lr=rate,
            betas=(recipe.beta1, recipe.beta2),
            eps=recipe.epsilon,
            weight_decay=recipe.torch_weight_decay(num_examples),
            fused=True,
            capturable=rate_on_device and cuda,
        )

    @property
    def steps(self) -> int:
        """How many steps have begun."""
        return self._step

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
