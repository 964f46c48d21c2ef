"""Text of ``measure --dry-run``: the plan of a run and what it would cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from easiness import runs
from easiness.analysis import FIRST_CHECK
from easiness.show import quantity, trials_text
from easiness.spec import (
    BOOSTING,
    Heads,
    Recipe,
    StoppingRule,
    describe_recipe,
    observe_text,
    settings_of_others,
    shares_text,
)
from easiness.training import network_facts


def describe(
    plan: runs.Plan,
    out: Path,
    device: torch.device,
    foreseen: runs.Foreseen,
    rule: StoppingRule | None = None,
) -> str:
    """The plan in full, with the ``rule`` of ``--trials auto``.

    For a run that goes on, it names the trials that would be trained, and what these alone would cost.
    """
    if plan.request.heads is not None:
        return _of_heads(plan, plan.request.heads, out, device, foreseen)
    return _of_trainings(plan, out, device, foreseen, rule)


def _of_trainings(
    plan: runs.Plan, out: Path, device: torch.device, foreseen: runs.Foreseen, rule: StoppingRule | None
) -> str:
    num = plan.num_trained_on
    recipe = plan.recipe.over(plan.epochs)
    steps = recipe.steps_per_epoch(num)
    held_out, kind = plan.data.held_out, plan.data.kind
    last = recipe.eta(plan.epochs - 1 / steps)
    execution, task = foreseen.execution, foreseen.task
    going_on = None if foreseen.run is None else foreseen.run.spec.measured
    settings = runs.resolve_plan(plan, device, execution) if going_on is None else going_on.resolved
    spec = plan.spec(settings, task.trials, task.epochs)
    cache = runs.cache_beside(out) if execution.cache else None
    cost = partial(
        runs.estimate_cost, spec, plan.data, device=device, cache=cache, beside=runs.seconds_beside(out)
    )
    schedule_note = ""
    if plan.recipe.anneals(plan.epochs):
        schedule_note = "; scores after an earlier epoch are of an unfinished training"
    sparse = ""
    if network_facts(runs.work_of(spec, plan.data, str(device)).workload).sparse:
        sparse = "; torch.optim.SparseAdam, without weight decay, of tables with sparse gradients"
    costs = f"cost of the whole run: {cost(plan.trials)}"
    if foreseen.run is not None:
        costs = _of_what_is_missing(foreseen, cost)
    elif rule is not None:
        costs = f"cost of the first check: {cost(plan.trials)}\ncost at the most: {cost(rule.max_trials)}"
    return f"""\
data: {plan.data.name}, {len(plan.data)} examples of {spec.data.classes_text}, \
{" x ".join(map(str, plan.signature.shape))} ({" x ".join(kind.axes)}, as the network gets them)
held-out split: {f"{len(held_out)} examples" if held_out else "none"}
fingerprint: {plan.data.fingerprint}
model: {plan.model}, {f"from the weights in {plan.pretrained}" if plan.pretrained else "from scratch"}
trials: {plan.trials if rule is None else _until(rule)} of {quantity(plan.epochs, "epoch")}, \
{quantity(steps, "step")} each; \
every trial trains on {num} examples
seed: {spec.seed}
device: {device}
precision: {spec.resolved.precision} ({spec.resolved.reason})
trials at a time: {settings.jobs}
recipe: {describe_recipe(plan.recipe)}
{_settings(plan.recipe, kind.name)}
optimizer: torch.optim.AdamW, lr {recipe.alpha:g} at the start, \
weight_decay {recipe.torch_weight_decay(num):.4g} \
(lambda {recipe.weight_decay_lambda(num):.4g} / alpha {recipe.alpha:g}){sparse}
schedule: eta(t) = (1 + cos(pi t / {recipe.period:g})) / 2 with t in epochs, \
set every step: 1 at the first step, {last:.6g} at the last{schedule_note}
augmentation: {kind.augmentation(recipe, plan.signature.shape)}
observation: {observe_text(spec.observe)}; clean is {kind.observation(recipe)}
{costs}
out: {out}
nothing was trained and nothing written"""


def _of_heads(plan: runs.Plan, heads: Heads, out: Path, device: torch.device, foreseen: runs.Foreseen) -> str:
    held_out, task, run = plan.data.held_out, foreseen.task, foreseen.run
    settings = runs.resolve_plan(plan, device, foreseen.execution)
    spec = plan.spec(settings, task.trials, task.epochs)
    costs = f"cost of the whole run: {runs.estimate_cost(spec, plan.data, plan.trials, device, None)}"
    if run is not None:
        which = trials_text(task.missing) if task.missing else "nothing"
        costs = f"to fit: {which}; the run has {quantity(len(run.trials), 'trial')}"
    features = "\n".join(f"features: {one.name}. {one.about}" for one in heads.features)
    nouns = "classes" if plan.data.tags is None else "tags"
    method = f"in closed form, by ridge regression on the {nouns}; strength and temperature by leave-one-out"
    if plan.model == BOOSTING:
        method = "as boosted trees and a logistic regression, weighed by examples left out"
    if heads.epochs is not None:
        method = f"in steps, {quantity(heads.epochs, 'time')} over the vectors"
    return f"""\
data: {plan.data.name}, {len(plan.data)} examples of {spec.data.classes_text}
held-out split: {f"{len(held_out)} examples" if held_out else "none"}
fingerprint: {plan.data.fingerprint}
{features}
model: {plan.model}, fitted {method}
shares: {shares_text(heads.shares)} of the examples, nested; heads are asked about all examples
trials: {plan.trials}; every {heads.folds} are one repeat of {heads.folds} folds, \
which leave each example out equally often
kept together: identical and nearly identical examples{"" if heads.groups is None else ", those of a group"}
seed: {spec.seed}
device: {device}
trials at a time: {settings.jobs}
{costs}
out: {out}
nothing was fitted and nothing written"""


def _settings(recipe: Recipe, kind: str) -> str:
    return "\n".join(
        f"  {name} = {value}  # {Recipe.model_fields[name].description}"
        for name, value in recipe.model_dump(exclude=settings_of_others(kind)).items()
    )


def _of_what_is_missing(foreseen: runs.Foreseen, cost: Callable[[int], runs.Cost]) -> str:
    task, run = foreseen.task, foreseen.run
    assert run is not None
    there = f"the run has {quantity(len(run.trials), 'trial')} of {quantity(run.epochs, 'epoch')}"
    if not task.missing:
        return f"to train: nothing, since {there}"
    which = f"{trials_text(task.missing)}, for {quantity(task.epochs, 'epoch')}"
    return f"to train: {which}; {there}\ncost of these: {cost(len(task.missing))}"


def _until(rule: StoppingRule) -> str:
    return (
        f"{FIRST_CHECK}, then as many as the forecast asks for, at most {rule.max_trials}: until the "
        f"easy and hard sets hold {rule.reliability:g} of the true ones; each"
    )
