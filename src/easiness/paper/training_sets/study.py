"""``ablate`` and ``corrupt``: accuracy as easy, hard or random examples are dropped or relabelled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.models import ModelGiven, model_name
from easiness.paper.training_sets.trained_sets import TrainingSetPoint, TrainingSetStudy
from easiness.regular_file import at_home
from easiness.runs import Drawn, Plan, Progress, carry_out_all, make_plan, progress_of, recipe_of_run
from easiness.spec import (
    ALL,
    Draw,
    Drawing,
    Effect,
    Execution,
    Jobs,
    Keep,
    Loading,
    Precision,
    Recipe,
    Recording,
    Steps,
    Training,
    at_least,
    from_arguments,
    recipe_settings,
)
from easiness.store import Row, Run, check_opened
from easiness.studies.keeping.ranks import aligned, order_of, ranking, scored_data

FULL = "full"
"""Name of the run in which nothing is dropped or relabelled."""

_RECORDING = Recording(keep_weights=False, splits=("held_out",))
_HINT = ", or draw the same share of each class (--balanced)"


def ablate(
    data: Any,
    scores_run: Run,
    *,
    model: ModelGiven,
    rates: Iterable[float],
    policies: Iterable[str] | None = None,
    repetitions: int = 5,
    epochs: int,
    out: str | Path,
    score: str = "easiness",
    keep: Keep | None = None,
    at: float | None = None,
    balanced: bool = False,
    steps: Steps = "epochs",
    limit: int | None = None,
    holdout: float | None = None,
    labels: str | Path | None = None,
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
) -> TrainingSetStudy:
    """Train without a share of the examples, drawn by how easy they are, and test on the held-out split.

    Each policy and rate is a run in a folder of its own below ``out`` (``drop-easy-0.30``), with one run
    ``full`` for rate 0. What is there is kept. Each repetition draws its own examples.

    Args:
        data: the data that ``scores_run`` was measured on: a `Dataset` or what `load_dataset` takes.
        scores_run: the run whose scores rank the examples.
        model: the network to train; as for `measure`.
        rates: shares of the examples to drop, in [0, 1).
        policies: ``easy``, ``hard``, ``random`` or ``beta:A,B``: which examples are mainly drawn. By default
            the first three, or with ``keep`` the other end of the score and ``random``.
        repetitions: trainings of each policy and rate.
        epochs: of each training, and the cosine period unless ``recipe`` sets one.
        out: folder of the runs; `corrupt` may share it.
        score: to rank by.
        keep: ``top`` or ``bottom``: the end of the score that is mainly spared, where high means neither easy
            nor hard. Its examples have the place of the hard ones in ``beta:A,B``.
        at: the epoch from 1, or of a run on features the share, to read at; the last, the largest by default.
        balanced: draw the same share of each class.
        steps: ``epochs``: as many epochs as with all examples; ``steps``: as many steps.
        limit: that of ``scores_run``, which is used anyway.
        holdout: hold out and test on this share of each class, where there is no held-out split.
        labels: the file that ``scores_run`` was measured with, which is used anyway.
        seed: of the runs.
        batch_size: examples per step, instead of the recipe's.
        recipe: as for `measure`; the paper's unless given.
        device, executor, ray_address, jobs, precision, progress: as for `measure`.
        cache: keep photos at the working resolution in a file in ``out``.

    Raises:
        BadInput: something given cannot be used; nothing was written.
        RunFailed: a trial failed or could not be stored; the finished ones are kept.
    """
    check_opened(scores_run=scores_run)
    return _trained(ablate, "drop", locals())


def corrupt(
    data: Any,
    scores_run: Run,
    *,
    model: ModelGiven,
    rates: Iterable[float],
    policies: Iterable[str] | None = None,
    repetitions: int = 5,
    epochs: int,
    out: str | Path,
    score: str = "easiness",
    keep: Keep | None = None,
    at: float | None = None,
    balanced: bool = False,
    other_label: bool = False,
    limit: int | None = None,
    holdout: float | None = None,
    labels: str | Path | None = None,
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
) -> TrainingSetStudy:
    """Train with a share of the labels drawn at random, of examples drawn by how easy they are.

    A drawn label may be the example's own, unless ``other_label`` (Zhang et al. 2017 have it so). The runs
    are in folders ``relabel-easy-0.30`` and so on; the one for rate 0 is that of `ablate`. Everything else
    is as there.

    Raises:
        BadInput: something given cannot be used; nothing was written.
        RunFailed: a trial failed or could not be stored; the finished ones are kept.
    """
    check_opened(scores_run=scores_run)
    return _trained(corrupt, "relabel", locals())


def _trained(function: Callable[..., Any], effect: Effect, given: Mapping[str, Any]) -> TrainingSetStudy:
    """What a public ``function`` does with the arguments ``given``."""
    with progress_of(given["progress"], function, given) as tell:
        sets = plan_training_sets(
            effect,
            given["data"],
            given["scores_run"],
            from_arguments(Training, {**given, "model": model_name(given["model"])}),
            from_arguments(Drawing, given),
            from_arguments(Loading, given),
        )
        return train_sets(sets, given["out"], from_arguments(Execution, given), tell)


def plan_training_sets(
    effect: Effect,
    data: Any,
    scores_run: Run,
    training: Training,
    drawing: Drawing,
    loading: Loading = Loading(),
) -> TrainingSets:
    """Check every choice and plan the runs of `ablate` or `corrupt`; writes and trains nothing.

    Of ``loading`` the limit and the part to hold out count: the rest is as for the run that ranks.
    """
    check_choices(drawing)  # before the data are read
    epoch = scores_run.resolve_at(drawing.at)
    data = scored_data(scores_run, data, loading)
    values = ranking(scores_run, drawing.score, drawing.at, drawing.keep)
    return plan_ranked(
        effect, data, aligned(scores_run, values, data), training, replace(drawing, **scores_run.asked(epoch))
    )


def train_sets(
    sets: TrainingSets, out: str | Path, execution: Execution, progress: Progress | None = None
) -> TrainingSetStudy:
    """Carry out the planned runs below ``out`` and read their result."""
    return sets.study(carry_out_all(sets.plans, at_home(out), execution, progress=progress))


@dataclass(frozen=True, eq=False)
class TrainingSets:
    """The plans of a study: ``plans`` by the name of their run, ``cells`` of (policy, rate) to that name."""

    plans: Mapping[str, Plan]
    cells: Mapping[tuple[str, float], str]
    effect: Effect
    drawing: Drawing

    def study(self, runs: Mapping[str, Run]) -> TrainingSetStudy:
        """The result, from the finished runs by name; what they have beyond the plan is left out."""
        plan = next(iter(self.plans.values()))
        drawing, order = self.drawing, order_of(self.drawing.score, self.drawing.keep)
        assert plan.data.held_out is not None
        return TrainingSetStudy(
            effect=self.effect,
            model=plan.model,
            score=order.score.name,
            score_row=_row(drawing.at),
            num_examples=len(plan.data),
            num_held_out=len(plan.data.held_out),
            num_classes=plan.data.num_classes,
            largest_share=float(np.bincount(plan.data.held_out.labels).max() / len(plan.data.held_out)),
            epochs=plan.epochs,
            repetitions=plan.trials,
            same_steps=drawing.steps == "steps",
            balanced=drawing.balanced,
            other_label=drawing.other_label,
            points=tuple(
                _point(policy, order.beta(policy), rate, self.plans[name], runs[name])
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
