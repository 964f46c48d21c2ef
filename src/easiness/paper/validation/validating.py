"""``validate``: how easy validation examples are, and whether networks that never saw them get them right."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import num_selected, select, tie_mass
from easiness.data import Dataset, merge_splits
from easiness.errors import BadInput
from easiness.models import model_name
from easiness.paper.validation import validation
from easiness.paper.validation.asking import Validated
from easiness.paper.validation.validation import Validation
from easiness.runs import Plan, given_data, make_plan, recipe_of_run
from easiness.scoring import easiness_interval
from easiness.spec import (
    ALL,
    Recipe,
    RecipeGiven,
    Recording,
    Training,
    recipe_settings,
)
from easiness.store import Run
from easiness.studies.matching import common_epoch

HARDEST = (0.1, 0.25, 0.5)
"""Shares of the validation examples in which the misclassified ones are looked for."""

_REPLICATES, _AT_ONCE = 1000, 50
_Floats = npt.NDArray[np.float64]


def read_validation(
    merged: Sequence[Run],
    final: Sequence[Run],
    *,
    epoch: int | None = None,
    final_epoch: int | None = None,
    seed: int = 0,
) -> validation.Validation:
    """Put runs on merged splits and runs that observed the held-out split together."""
    epoch = common_epoch(merged, epoch)
    final_epoch = common_epoch(final, final_epoch)
    right = [_right(run, final_epoch) for run in final]
    num = right[0].shape[1]
    _check_belong(merged, final, num)
    wrong = (~np.concatenate(right)).sum(axis=0)
    num_final = sum(map(len, right))
    tallies = [_tally(run, epoch) for run in merged]
    names = [run.model for run in merged]
    if len(tallies) > 1:
        tallies.append(_together(tallies))
        names.append("all")
    return validation.Validation(
        views=[
            easiness_view(name, one, wrong, num_final, seed=seed)
            for name, one in zip(names, tallies, strict=True)
        ],
        final=[
            validation.FinalModels(run.model, one.mean(axis=1)) for run, one in zip(final, right, strict=True)
        ],
        epoch=epoch,
        final_epoch=final_epoch,
        num_train=len(final[0].ids),
        num_validation=num,
        num_classes=len(final[0].classes),
        num_wrong=int(wrong.sum()),
    )


@dataclass(frozen=True)
class Tally:
    """What ``num_trials`` trials say of each merged example [K]: how many are right, and how surely."""

    counts: npt.NDArray[np.int64]
    p_label: _Floats
    keys: npt.NDArray[np.uint64]
    num_trials: int


def _tally(run: Run, epoch: int) -> Tally:
    votes = run.votes(epoch)
    counts = votes.num_right.astype(np.int64)
    return Tally(counts, votes.mean_p_label, votes.keys, votes.num_trials)


def _together(tallies: Sequence[Tally]) -> Tally:
    num = sum(one.num_trials for one in tallies)
    p_label: _Floats = sum((one.p_label * one.num_trials for one in tallies), np.zeros(())) / num
    return Tally(np.sum([one.counts for one in tallies], axis=0), p_label, tallies[0].keys, num)


def _right(run: Run, epoch: int) -> npt.NDArray[np.bool_]:
    """Whether each trial is right about each held-out example, [trials, V]."""
    if not all(trial.has("held_out") for trial in run.trials):
        raise BadInput(f"{run.path}: observed no held-out split; measure with one (--holdout 0.2)")
    seen = [trial.columns(epoch, ["prediction", "label"], "held_out") for trial in run.trials]
    return np.array([one["prediction"] == one["label"] for one in seen])


def _check_belong(merged: Sequence[Run], final: Sequence[Run], num_validation: int) -> None:
    labels = final[0].labels
    for run in (*merged, *final):
        own = run.labels[: len(run.labels) - num_validation] if run in merged else run.labels
        if not np.array_equal(own, labels) or run.classes != final[0].classes:
            raise BadInput(
                f"{run.path} and {final[0].path}: are not over the same examples, merged and not; "
                "give runs of one data set"
            )


def easiness_view(
    name: str, tally: Tally, wrong: npt.NDArray[np.int64], num_final: int, *, seed: int = 0
) -> validation.EasinessView:
    """What ``wrong`` [V], how many of ``num_final`` models are wrong, looks like by easiness.

    The last V of the merged examples are the validation examples.
    """
    num = len(wrong)
    counts, p_label, keys = tally.counts[-num:], tally.p_label[-num:], tally.keys[-num:]
    share_right = 1 - wrong / num_final
    scale = int(tally.counts.max())
    curve = []
    for count in np.unique(counts).tolist():
        inside = share_right[counts == count]
        low, high = easiness_interval(min(inside.sum(), len(inside)), len(inside), len(inside))
        curve.append(
            validation.CurvePoint(
                count, count / scale, len(inside), float(inside.mean()), (float(low), float(high))
            )
        )
    chosen = np.array([select(counts, f, "hard", "refine", p_label, keys, seed) for f in HARDEST])
    total = float(wrong.sum())
    intervals = _intervals(chosen * wrong, wrong, seed)
    hardest = []
    for fraction, members, interval in zip(HARDEST, chosen, intervals, strict=True):
        k = num_selected(num, fraction)
        hardest.append(
            validation.HardestShare(
                fraction=fraction,
                num_hardest=k,
                value=_ratio(float(members @ wrong), total),
                interval=interval,
                expected=_ratio(float(select(counts, fraction, "hard") @ wrong), total),
                most=_ratio(float(np.sort(wrong)[::-1][:k].sum()), total),
                tie_mass=tie_mass(counts, fraction, "hard"),
            )
        )
    return validation.EasinessView(name, tally.num_trials, curve, hardest)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _intervals(parts: _Floats, whole: npt.NDArray[np.int64], seed: int) -> list[tuple[float, float]]:
    """95 % bootstrap intervals of the sums of each of ``parts`` [F, V] over that of ``whole`` [V]."""
    rng = np.random.default_rng(seed)
    num = len(whole)
    shares = []
    for _ in range(0, _REPLICATES, _AT_ONCE):
        drawn = rng.multinomial(num, np.full(num, 1 / num), size=_AT_ONCE)
        sums = drawn @ whole
        shares.append((drawn @ parts.T)[sums > 0] / sums[sums > 0, None])
    every = np.concatenate(shares)
    if not len(every):
        return [(math.nan, math.nan)] * len(parts)
    return [(float(low), float(high)) for low, high in np.quantile(every, [0.025, 0.975], axis=0).T]


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

    @property
    def runs(self) -> dict[str, Plan]:
        """All of them."""
        return {**self.merged, **self.final}

    @property
    def note(self) -> str:
        """There is no more to say."""
        return ""

    def read(self, runs: Mapping[str, Run]) -> Validation:
        """The result, from the finished runs by name."""
        return read_validation(
            [runs[name] for name in self.merged],
            [runs[name] for name in self.final],
            epoch=next(iter(self.merged.values())).epochs,
            final_epoch=next(iter(self.final.values())).epochs,
        )


def plan(asked: Validated) -> ValidationPlans:
    """Check every choice and plan the runs of `validate`; the final ones have the next seed."""
    final = asked.models if asked.final_models is None else asked.final_models
    return plan_validation(
        given_data(asked.data, asked.loading),
        asked.training,
        Trainings(tuple(map(model_name, asked.models)), asked.trials, asked.epochs),
        Trainings(tuple(map(model_name, final)), asked.final_trials, asked.final_epochs),
    )


def validate(_: Validated, planned: ValidationPlans, runs: Mapping[str, Run]) -> Validation:
    """Section 7.1 and Figure 5 of the paper: the easiness of held-out examples, and who gets them right."""
    return planned.read(runs)


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


def _folder(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", model)


def _to_the_end(recipe: RecipeGiven, epochs: int, model: str) -> Recipe | dict[str, Any]:
    """The recipe with the length of the training as its cosine period."""
    period, recipe = {"period": float(epochs)}, recipe_of_run(recipe)
    if isinstance(recipe, Recipe):
        return recipe.model_copy(update=period)
    return {**recipe_settings(recipe, model=model), **period}
