"""``ablate`` and ``corrupt``: accuracy as easy, hard or random examples are dropped or relabelled."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import get_args

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.paper.training_sets.asking import Ablated
from easiness.paper.training_sets.trained_sets import TrainingSetPoint, TrainingSetStudy
from easiness.runs import Drawn, Plan, make_plan, recipe_of_run
from easiness.spec import (
    ALL,
    Draw,
    Drawing,
    Effect,
    Recipe,
    Recording,
    Steps,
    Training,
    at_least,
    recipe_settings,
)
from easiness.store import Row, Run
from easiness.studies.keeping import aligned, order_of, ranking, scored_data

FULL = "full"
"""Name of the run in which nothing is dropped or relabelled."""

_RECORDING = Recording(keep_weights=False, splits=("held_out",))
_HINT = ", or draw the same share of each class (--balanced)"


def plan_sets(asked: Ablated) -> TrainingSets:
    """Check every choice and plan the runs of `ablate` or `corrupt`."""
    check_choices(asked.drawing)  # before the data are read
    run, drawing = asked.scores, asked.drawing
    row = run.resolve_at(drawing.at)
    data = scored_data(run, asked.data, replace(asked.loading, holdout=asked.holdout))
    values = aligned(run, ranking(run, drawing.score, drawing.at, drawing.keep), data)
    return plan_ranked(asked.effect, data, values, asked.training, replace(drawing, **run.asked(row)))


def read_sets(asked: Ablated, planned: TrainingSets, runs: Mapping[str, Run]) -> TrainingSetStudy:
    """The result of `ablate` or `corrupt`, from the finished runs."""
    return replace(planned.read(runs), every_epoch=asked.every_epoch)


@dataclass(frozen=True, eq=False)
class TrainingSets:
    """The plans of a study: ``runs`` by their names, and ``cells`` of (policy, rate) to these names."""

    runs: Mapping[str, Plan]
    cells: Mapping[tuple[str, float], str]
    effect: Effect
    drawing: Drawing

    @property
    def note(self) -> str:
        """There is no more to say."""
        return ""

    def read(self, runs: Mapping[str, Run]) -> TrainingSetStudy:
        """The result, from the finished runs by name; what they have beyond the plan is left out."""
        plan = next(iter(self.runs.values()))
        drawing, order = self.drawing, order_of(self.drawing.score, self.drawing.keep)
        assert plan.data.held_out is not None
        return TrainingSetStudy(
            effect=self.effect,
            model=plan.model,
            score=order.score.name,
            score_row=_row(drawing.at),
            num_examples=len(plan.data),
            num_held_out=len(plan.data.held_out),
            largest_share=float(np.bincount(plan.data.held_out.labels).max() / len(plan.data.held_out)),
            epochs=plan.epochs,
            repetitions=plan.trials,
            same_steps=drawing.steps == "steps",
            balanced=drawing.balanced,
            other_label=drawing.other_label,
            points=tuple(
                _point(policy, order.beta(policy), rate, self.runs[name], runs[name])
                for (policy, rate), name in self.cells.items()
            ),
            keep=order.keep,
            tested=_tested(plan),
        )


def _row(at: float | None) -> Row:
    """The epoch, or the share of a run on features, that a score was read at."""
    return Row(int(at or 0)) if at is None or at >= 1 else Row(0, at)


def _tested(plan: Plan) -> tuple[int, ...]:
    """The epochs after which a planned training is tested."""
    return plan.asked.probes[0].observed(plan.epochs)


def _point(policy: str, beta: tuple[float, float], rate: float, plan: Plan, run: Run) -> TrainingSetPoint:
    num = len(plan.data)
    a_pass = num if plan.asked.same_steps else plan.num_trained_on
    trials = [trial for trial in run.trials if trial.index < plan.trials]
    return TrainingSetPoint(
        policy=policy,
        beta=beta,
        rate=rate,
        num_drawn=int(rate * num + 0.5),
        num_trained_on=plan.num_trained_on,
        num_steps=plan.epochs * plan.recipe.steps_per_epoch(a_pass),
        accuracy=np.array([trial.document.accuracy["held_out"][: len(_tested(plan))] for trial in trials]),
    )


def plan_ranked(
    effect: Effect,
    data: Dataset,
    values: npt.NDArray[np.float64],
    training: Training,
    drawing: Drawing,
    *,
    observe: str = ALL,
) -> TrainingSets:
    """Plan the runs of a study, from the values [K] that rank the examples; writes and trains nothing.

    The score, its epoch and the end to keep say what the values are, high = easy, or not to be kept. The
    networks are trained to the end: the cosine period of the recipe is the number of epochs, if the
    recipe does not set it. ``observe`` says after which epochs they are tested. Everything else is as for
    `ablate`. The data have a held-out split.
    """
    assert data.held_out is not None
    rates, betas = check_choices(drawing)
    training = replace(training, recipe=recipe_of_run(training.recipe))
    if not isinstance(training.recipe, Recipe):
        settings = recipe_settings(training.recipe, model=data.kind.network(training.model))
        training = replace(training, recipe={"period": float(training.epochs), **settings})
    recording = replace(_RECORDING, observe=observe)
    make = partial(make_plan, data, training, drawing.repetitions, recording=recording)
    plans, cells = {FULL: make()}, {}
    # the same for the same values, wherever they come from
    digest = hashlib.sha256(np.ascontiguousarray(values, "<f8").tobytes()).hexdigest()
    for beta, policy in betas.items():
        for rate in rates:
            name = cells[policy, rate] = FULL if rate == 0 else _run_name(effect, policy, rate)
            if name in plans:
                continue
            draw = Draw(
                effect=effect,
                rate=rate,
                beta=beta,
                ranking=digest,
                balanced=drawing.balanced,
                other_label=drawing.other_label,
            )
            try:
                plans[name] = make(drawn=Drawn(draw, values, drawing.steps == "steps"))
            except BadInput as error:  # everything else was checked with the full set
                hint = "" if drawing.balanced else _HINT
                raise BadInput(f"policy {policy} at rate {rate:g}: {error}{hint}") from None
    if 0 not in rates:
        del plans[FULL]
    return TrainingSets(plans, cells, effect, drawing)


def check_choices(drawing: Drawing) -> tuple[list[float], dict[tuple[float, float], str]]:
    """The rates, ascending, and the names of the policies by their Beta parameters."""
    order = order_of(drawing.score, drawing.keep)
    rates = sorted({float(rate) for rate in drawing.rates})
    if not rates:
        raise BadInput("rates: none given; give shares of the examples such as 0, 0.3, 0.6")
    for rate in rates:
        if not 0 <= rate < 1:
            raise BadInput(f"rate {rate:g}: not in [0, 1); give a share of the examples such as 0.3")
    named = order.policies if drawing.policies is None else drawing.policies
    betas = {beta: order.name(beta) for beta in map(order.beta, named)}
    if not betas:
        raise BadInput(f"policies: none given; choose from {', '.join(order.policies)} or beta:A,B")
    at_least("--repetitions", drawing.repetitions, 1)
    if drawing.steps not in get_args(Steps):
        raise BadInput(f"steps {drawing.steps!r}: unknown; choose {' or '.join(get_args(Steps))}")
    return rates, betas


def _run_name(effect: Effect, policy: str, rate: float) -> str:
    shown = f"{rate:.2f}" if float(f"{rate:.2f}") == rate else repr(rate)
    return f"{effect}-{policy.replace(':', '-').replace(',', '-')}-{shown}"
