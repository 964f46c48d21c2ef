"""AdamW under the schedule of a recipe, and Adam for parameters with sparse gradients.

Those are the tables of vectors of words, of which a step sees a few rows. Adam's moments and the row itself
change only where a step has a gradient (`torch.optim.SparseAdam`), and there is no weight decay on them: it
would have to go over the whole table at each step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

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
        *,
        num_examples: int,
        steps_per_epoch: int | None,
        sparse: Collection[nn.Parameter] = (),
    ) -> None:
        """``num_examples`` decides the weight decay and, unless ``steps_per_epoch`` does, the schedule.

        ``sparse`` are those of the parameters that have sparse gradients.
        """
        self._recipe = recipe
        self._steps_per_epoch = steps_per_epoch or recipe.steps_per_epoch(num_examples)
        self._step = 0
        self._parameters = list(parameters)
        marks = {id(parameter) for parameter in sparse}
        tables = [parameter for parameter in self._parameters if id(parameter) in marks]
        others = [parameter for parameter in self._parameters if id(parameter) not in marks]
        betas, epsilon = (recipe.beta1, recipe.beta2), recipe.epsilon
        self._optimizers: list[torch.optim.Optimizer] = []
        if others:
            adamw = torch.optim.AdamW(
                others,
                lr=recipe.alpha,
                betas=betas,
                eps=epsilon,
                weight_decay=recipe.torch_weight_decay(num_examples),
                fused=True,
            )
            self._optimizers.append(adamw)
        if tables:
            self._optimizers.append(torch.optim.SparseAdam(tables, lr=recipe.alpha, betas=betas, eps=epsilon))
        self._of = {
            id(parameter): optimizer
            for optimizer in self._optimizers
            for group in optimizer.param_groups
            for parameter in group["params"]
        }

    def state(self) -> dict[str, Tensor]:
        """What it has gathered, by name: the moments of each parameter, and how many steps have begun."""
        moments = {
            f"{at}/{name}": torch.as_tensor(value)
            for at, parameter in enumerate(self._parameters)
            for name, value in self._of[id(parameter)].state.get(parameter, {}).items()
        }
        return {_STEPS: torch.tensor(self._step), **moments}

    def check(self, state: Mapping[str, Tensor]) -> None:
        """Make sure that ``state`` is that of an optimizer of such parameters."""
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
            optimizer = self._of[id(parameter)]
            counts = isinstance(optimizer, torch.optim.SparseAdam)  # its steps by a plain number
            step = int(moments["step"]) if counts else moments["step"].to(parameter.device, copy=True)
            optimizer.state[parameter] = {
                # moments lie in memory as their parameter does, which the kernel takes for granted
                name: step
                if name == "step"
                else torch.empty_like(parameter, requires_grad=False).copy_(value)
                for name, value in moments.items()
            }

    def advance(self) -> None:
        """Set the rate of the next step; nothing waits for the device."""
        rate = self._recipe.eta(self._step / self._steps_per_epoch) * self._recipe.alpha
        self._step += 1
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate

    def update(self, loss: Tensor) -> None:
        """One update by the gradient of ``loss``, a scalar."""
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in self._optimizers:
            optimizer.step()


def sparse_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters of a network that have sparse gradients: tables of layers that say so."""
    tables = (
        one for one in model.modules() if isinstance(one, nn.Embedding | nn.EmbeddingBag) and one.sparse
    )
    return [weight for table in tables if isinstance(weight := table.weight, nn.Parameter)]
