"""``validate``: how easy validation examples are, and whether networks that never saw them get them right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from easiness.data import Dataset, merge_splits
from easiness.errors import BadInput
from easiness.models import ModelGiven, model_name
from easiness.regular_file import at_home
from easiness.runs import Plan, Progress, carry_out_all, given_data, make_plan, progress_of, recipe_of_run
from easiness.spec import (
    ALL,
    Execution,
    Jobs,
    Loading,
    Precision,
    Recipe,
    RecipeGiven,
    Recording,
    Training,
    from_arguments,
    recipe_settings,
)
from easiness.store import Run
from easiness.studies.validation.study import read_validation
from easiness.studies.validation.validation import Validation

_FEWEST = 5  # of which a tenth, rounded, is one


@dataclass(frozen=True)
class Trainings:
    """Networks to train, how often each, for how many epochs, and how.

    ``recipe`` is that of all unless given; ``observe`` says after which epochs they are looked at.
    """

    models: tuple[str, ...]
    trials: int
    epochs: int
    recipe: RecipeGiven = None
    observe: str = ALL


@dataclass(frozen=True)
class ValidationPlans:
    """The runs of a validation by the name of their folder: on merged splits, and the final models'."""

    merged: dict[str, Plan]
    final: dict[str, Plan]

    def read(self, runs: Mapping[str, Run]) -> Validation:
        """The result, from the finished runs by name."""
        return read_validation(
            [runs[name] for name in self.merged],
            [runs[name] for name in self.final],
            epoch=next(iter(self.merged.values())).epochs,
            final_epoch=next(iter(self.final.values())).epochs,
        )


def validate(
    data: Any,
    *,
    models: Sequence[ModelGiven],
    trials: int = 10,
    epochs: int = 10,
    final_models: Sequence[ModelGiven] | None = None,
    final_trials: int = 5,
    final_epochs: int = 300,
    out: str | Path,
    limit: int | None = None,
    skip_unreadable: bool = False,
    data_root: str | Path | None = None,
    download: bool = False,
    allow_outside: bool = False,
    holdout: float | None = None,
    labels: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    text: str | None = None,
    sound: str | None = None,
    inputs: Sequence[str] | None = None,
    without: Sequence[str] | None = None,
    label: str | None = None,
    id: str | None = None,
    encoding: str | None = None,
    rate: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    recipe: Recipe | dict[str, Any] | str | Path | None = None,
    device: str = "auto",
    executor: str = "auto",
    ray_address: str | None = None,
    jobs: Jobs = "auto",
    precision: Precision = "auto",
    cache: bool = True,
    progress: Progress | bool = True,
) -> Validation:
    """Section 7.1 and Figure 5 of the paper: the easiness of validation examples, and who gets them right.

    Easiness is measured on training and held-out examples merged, in OUT/merged-MODEL; the final models
    are trained on the training examples alone, in OUT/final-MODEL, and asked about the held-out ones. Runs
    that are there are kept and continued.

    Args:
        data: a `Dataset`, or anything that `load_dataset` takes, with a held-out split.
        models: networks to measure easiness with, as for `measure`; the first one's is used foremost.
        trials: trainings of each on the merged examples, N.
        epochs: of each of these, m.
        final_models: networks to train to the end; ``models`` by default.
        final_trials: trainings of each.
        final_epochs: of each of these, and their cosine period, whatever the recipe says.
        out: folder of the runs.
        limit: train on this many examples, class-balanced.
        holdout: hold out this share of each class, where there is no held-out split.
        labels, columns, text, sound, inputs, without, label, id, encoding, rate: as for `load_dataset`.
        skip_unreadable, data_root, download, allow_outside: as for `load_dataset`.
        seed: of the merged runs; the final ones have the next, so that they share no random numbers.
        batch_size: examples per step, instead of the recipe's.
        recipe: as for `measure`; the paper's unless given.
        device, executor, ray_address, jobs, precision, progress: as for `measure`.
        cache: keep photos at the working resolution in a file in ``out``.

    Raises:
        BadInput: something given cannot be used; nothing was written.
        RunFailed: a trial failed or could not be stored; the finished ones are kept.
    """
    given = locals()
    with progress_of(progress, validate, given) as tell:
        names = tuple(map(model_name, models))
        final_names = names if final_models is None else tuple(map(model_name, final_models))
        plans = plan_validation(
            given_data(data, from_arguments(Loading, given)),
            from_arguments(Training, given),
            Trainings(names, trials, epochs),
            Trainings(final_names, final_trials, final_epochs),
        )
        return carry_out_validation(plans, at_home(out), from_arguments(Execution, given), tell)


def plan_validation(
    data: Dataset, training: Training, merged: Trainings, final: Trainings
) -> ValidationPlans:
    """Check every choice and plan the runs of `validate`; writes and trains nothing.

    ``training`` says how the networks of both kinds are trained; their names, number and length, and what
    either has for itself, are in ``merged`` and ``final``.
    """
    for names in (merged.models, final.models):
        if not names:
            raise BadInput("model: none was given; name at least one")
        if len(set(names)) < len(names):
            raise BadInput(f"models {', '.join(names)}: one is named twice; use more trials instead")
    together = merge_splits(data)
    num = len(together) - len(data)
    if num < _FEWEST:
        raise BadInput(f"{data.name}: {num} validation examples are too few; hold out at least {_FEWEST}")
    to_the_end = replace(training, seed=training.seed + 1)
    return ValidationPlans(
        merged={
            f"merged-{_folder(name)}": make_plan(
                together,
                replace(training, model=name, epochs=merged.epochs, recipe=merged.recipe or training.recipe),
                merged.trials,
                recording=Recording(observe=merged.observe, splits=("train",), keep_weights=False),
            )
            for name in merged.models
        },
        final={
            f"final-{_folder(name)}": make_plan(
                data,
                replace(
                    to_the_end,
                    model=name,
                    epochs=final.epochs,
                    recipe=_to_the_end(final.recipe or training.recipe, final.epochs, name),
                ),
                final.trials,
                recording=Recording(observe=final.observe, splits=("held_out",)),
            )
            for name in final.models
        },
    )


def carry_out_validation(
    plans: ValidationPlans, out: Path, execution: Execution, progress: Progress | None = None
) -> Validation:
    """Carry out what is missing of the plans below ``out`` and read the result."""
    runs = carry_out_all({**plans.merged, **plans.final}, out, execution, progress=progress)
    return plans.read(runs)


def _folder(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", model)


def _to_the_end(recipe: RecipeGiven, epochs: int, model: str) -> Recipe | dict[str, Any]:
    """The recipe with the length of the training as its cosine period."""
    period, recipe = {"period": float(epochs)}, recipe_of_run(recipe)
    if isinstance(recipe, Recipe):
        return recipe.model_copy(update=period)
    return {**recipe_settings(recipe, model=model), **period}
