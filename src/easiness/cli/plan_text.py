"""What ``measure --dry-run`` prints: the plan of a run and what it would cost."""

from __future__ import annotations

from pathlib import Path

import torch

from easiness.spec import Recipe
from easiness.studies.cost import estimate_cost
from easiness.studies.execute import cache_beside, resolve_plan
from easiness.studies.plan import Plan


def describe(plan: Plan, out: Path, device: torch.device, cache: bool) -> str:
    """The plan in full; a few training steps on made-up images tell the cost."""
    recipe, num = plan.recipe, plan.num_trained_on
    steps = recipe.steps_per_epoch(num)
    channels, height, width = plan.input_shape
    held_out = plan.data.held_out
    last = recipe.eta(plan.epochs - 1 / steps)
    settings = "\n".join(
        f"  {name} = {value}  # {Recipe.model_fields[name].description}"
        for name, value in recipe.model_dump().items()
    )
    spec = plan.spec(resolve_plan(plan, device), plan.trials, plan.epochs)
    cost = estimate_cost(spec, plan.data, plan.trials, device, cache_beside(out) if cache else None)
    return f"""\
data: {plan.data.name}, {len(plan.data)} examples of {plan.data.num_classes} classes, \
{channels} x {height} x {width} (channels x height x width, as the network gets them)
held-out split: {f"{len(held_out)} examples, observed after every epoch" if held_out else "none"}
fingerprint: {plan.data.fingerprint}
model: {plan.model}, {f"from the weights in {plan.pretrained}" if plan.pretrained else "from scratch"}
trials: {plan.trials} of {plan.epochs} epochs, {steps} steps each; every trial trains on {num} examples
seed: {plan.seed}
device: {device}
precision: {spec.resolved.precision} ({spec.resolved.reason})
recipe:
{settings}
optimizer: torch.optim.AdamW, lr {recipe.alpha:g} at the start, \
weight_decay {recipe.torch_weight_decay(num):.4g} \
(lambda {recipe.weight_decay_lambda(num):.4g} / alpha {recipe.alpha:g})
schedule: eta(t) = (1 + cos(pi t / {recipe.period:g})) / 2 with t in epochs, \
set every step: 1 at the first step, {last:.6g} at the last
augmentation: {_augmentation(recipe, min(height, width))}, flip with probability {recipe.flip:g}
observation: {_observation(recipe)}
cost of the whole run: {cost}
out: {out}
nothing was trained and nothing written"""


def _augmentation(recipe: Recipe, side: int) -> str:
    if recipe.crop:
        return (
            f"crop of {recipe.crop_scale:.0%} to 100% of the photo's area, aspect ratio up to "
            f"{recipe.crop_ratio:.3g}, resized to {recipe.crop} x {recipe.crop} pixels"
        )
    return f"translation by up to {recipe.shift(side)} pixels (zero-padded)"


def _observation(recipe: Recipe) -> str:
    if recipe.crop:
        return f"short side resized to {recipe.resize} pixels, then the centre {recipe.crop} x {recipe.crop}"
    return "the image as it is"
