"""``ablate`` and ``corrupt``: accuracy as easy, hard or random examples are dropped or relabelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from easiness.models import ModelGiven, model_name
from easiness.regular_file import at_home
from easiness.runs import Progress, carry_out_all, progress_of
from easiness.spec import (
    Drawing,
    Effect,
    Execution,
    Jobs,
    Keep,
    Loading,
    Precision,
    Recipe,
    Steps,
    Training,
    from_arguments,
)
from easiness.store import Run, check_opened
from easiness.studies.training_sets.ranks import aligned, ranking, scored_data
from easiness.studies.training_sets.study import TrainingSets, check_choices, plan_ranked
from easiness.studies.training_sets.trained_sets import TrainingSetStudy


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
    epoch: int | None = None,
    share: float | None = None,
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
        epoch: read the score after this many epochs; the last by default.
        share: of a run on features, which has no epochs: the score at this one; the largest by default.
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
    epoch: int | None = None,
    share: float | None = None,
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
    epoch = scores_run.resolve_epoch(drawing.epoch, drawing.share)
    data = scored_data(scores_run, data, loading)
    values = ranking(scores_run, drawing.score, drawing.epoch, drawing.keep, share=drawing.share)
    return plan_ranked(
        effect, data, aligned(scores_run, values, data), training, replace(drawing, **scores_run.asked(epoch))
    )


def train_sets(
    sets: TrainingSets, out: str | Path, execution: Execution, progress: Progress | None = None
) -> TrainingSetStudy:
    """Carry out the planned runs below ``out`` and read their result."""
    return sets.study(carry_out_all(sets.plans, at_home(out), execution, progress=progress))
