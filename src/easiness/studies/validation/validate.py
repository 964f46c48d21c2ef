"""``validate``: how easy validation examples are, and whether networks that never saw them get them right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from easiness.data import Dataset
from easiness.data.holdout import merge_splits
from easiness.errors import BadInput
from easiness.executors import Jobs
from easiness.runs.many import carry_out_all
from easiness.runs.plan import Plan, make_plan
from easiness.runs.progress import Progress
from easiness.runs.source import given_data
from easiness.spec import Recipe, recipe_settings
from easiness.studies.validation.study import Validation, read_validation
from easiness.training import Precision

_FEWEST = 5  # of which a tenth, rounded, is one
_MERGED: tuple[Literal["train"]] = ("train",)
_FINAL: tuple[Literal["held_out"]] = ("held_out",)


@dataclass(frozen=True)
class ValidationPlans:
    """The runs of a validation by the name of their folder: on merged splits, and the final models'."""

    merged: dict[str, Plan]
    final: dict[str, Plan]


def validate(
    data: Any,
    *,
    models: Sequence[str],
    trials: int = 10,
    epochs: int = 10,
    final_models: Sequence[str] | None = None,
    final_trials: int = 5,
    final_epochs: int = 300,
    out: str | Path,
    limit: int | None = None,
    skip_unreadable: bool = False,
    data_root: str | Path | None = None,
    download: bool = False,
    allow_outside: bool = False,
    holdout: float | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    recipe: Recipe | dict[str, Any] | str | Path | None = None,
    device: str = "auto",
    executor: str = "auto",
    jobs: Jobs = "auto",
    precision: Precision = "auto",
    cache: bool = True,
    progress: Progress | None = None,
) -> Validation:
    """Section 7.1 and Figure 5 of the paper: the easiness of validation examples, and who gets them right.

    Easiness is measured on training and held-out examples merged, in OUT/merged-MODEL; the final models
    are trained on the training examples alone, in OUT/final-MODEL, and asked about the held-out ones. Runs
    that are there are kept and continued.

    Args:
        data: a `Dataset`, or anything that `load_dataset` takes, with a held-out split.
        models: networks to measure easiness with; the first one's is used foremost.
        trials: trainings of each on the merged examples, N.
        epochs: of each of these, m.
        final_models: networks to train to the end; ``models`` by default.
        final_trials: trainings of each.
        final_epochs: of each of these, and their cosine period, whatever the recipe says.
        out: folder of the runs.
        limit: train on this many examples, class-balanced.
        skip_unreadable: leave out images that cannot be read, and count them; a `Dataset` has to be loaded
            that way.
        data_root: folder of a torchvision data set.
        download: let torchvision or the hub download what is not on disk.
        allow_outside: let a CSV manifest name files outside of its folder.
        holdout: hold out this share of each class, where there is no held-out split.
        seed: of the merged runs; the final ones have the next, so that they share no random numbers.
        batch_size: examples per step, instead of the recipe's.
        recipe: as for `measure`; the paper's unless given.
        device: ``auto``, ``cpu`` or ``cuda``.
        executor: where trials run: ``serial``, ``processes``, or ``auto``: processes where several jobs are.
        jobs: how many trials at a time; ``auto`` measures what is fastest, once per run.
        precision: ``auto`` measures which is faster.
        cache: keep photos at the working resolution in a file in ``out``.
        progress: what to call as the runs go on.

    Raises:
        BadInput: something given cannot be used; nothing was written.
        RunFailed: a trial failed or could not be stored; the finished ones are kept.
    """
    plans = plan_validation(
        given_data(
            data,
            limit=limit,
            skip_unreadable=skip_unreadable,
            data_root=data_root,
            download=download,
            allow_outside=allow_outside,
            holdout=holdout,
        ),
        models=models,
        trials=trials,
        epochs=epochs,
        final_models=final_models,
        final_trials=final_trials,
        final_epochs=final_epochs,
        seed=seed,
        batch_size=batch_size,
        recipe=recipe,
        precision=precision,
    )
    runs = carry_out_all(
        {**plans.merged, **plans.final},
        Path(out),
        device=device,
        executor=executor,
        jobs=jobs,
        cache=cache,
        progress=progress,
    )
    return read_validation(
        [runs[name] for name in plans.merged],
        [runs[name] for name in plans.final],
        epoch=epochs,
        final_epoch=final_epochs,
    )


def plan_validation(
    data: Dataset,
    *,
    models: Sequence[str],
    trials: int,
    epochs: int,
    final_models: Sequence[str] | None,
    final_trials: int,
    final_epochs: int,
    seed: int = 0,
    batch_size: int | None = None,
    recipe: Recipe | dict[str, Any] | str | Path | None = None,
    precision: Precision = "auto",
) -> ValidationPlans:
    """Check every choice and plan the runs of `validate`; writes and trains nothing.

    Raises:
        BadInput: something given cannot be used (names it).
    """
    finals = models if final_models is None else final_models
    for names in (models, finals):
        if not names:
            raise BadInput("no model was given; name at least one")
        if len(set(names)) < len(names):
            raise BadInput(f"models {', '.join(names)}: one is named twice; use more trials instead")
    merged = merge_splits(data)
    num = len(merged) - len(data)
    if num < _FEWEST:
        raise BadInput(f"{data.name}: {num} validation examples are too few; hold out at least {_FEWEST}")
    return ValidationPlans(
        merged={
            f"merged-{_folder(name)}": make_plan(
                merged,
                model=name,
                trials=trials,
                epochs=epochs,
                seed=seed,
                batch_size=batch_size,
                precision=precision,
                recipe=recipe,
                splits=_MERGED,
                keep_weights=False,
            )
            for name in models
        },
        final={
            f"final-{_folder(name)}": make_plan(
                data,
                model=name,
                trials=final_trials,
                epochs=final_epochs,
                seed=seed + 1,
                batch_size=batch_size,
                precision=precision,
                recipe=_to_the_end(recipe, final_epochs, name),
                splits=_FINAL,
            )
            for name in finals
        },
    )


def _folder(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", model)


def _to_the_end(
    recipe: Recipe | dict[str, Any] | str | Path | None, epochs: int, model: str
) -> Recipe | dict[str, Any]:
    """The recipe with the length of the training as its cosine period."""
    period = {"period": float(epochs)}
    if isinstance(recipe, Recipe):
        return recipe.model_copy(update=period)
    return {**recipe_settings(recipe, model=model), **period}
