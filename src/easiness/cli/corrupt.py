"""``easiness corrupt``: Figure 4 (c, d) for any data and model."""

from __future__ import annotations

from typing import Annotated

import typer

from easiness.cli import training_sets as options
from easiness.cli.execution import ExecutorName, NumJobs


def corrupt(
    source: options.Source,
    scores: options.Scores,
    model: options.Model,
    rates: options.Rates,
    epochs: options.Epochs,
    out: options.Out,
    policies: options.Policies = None,
    repetitions: options.Repetitions = 5,
    score: options.ScoreName = "easiness",
    keep: options.KeepEnd = None,
    epoch: options.Epoch = None,
    balanced: options.Balanced = False,
    never_own: Annotated[
        bool, typer.Option("--never-own", help="Draw among the other classes, never an example's own label.")
    ] = False,
    limit: options.Limit = None,
    holdout: options.Holdout = None,
    seed: options.Seed = 0,
    batch_size: options.BatchSize = None,
    recipe: options.RecipeName = None,
    device: options.Device = "auto",
    precision: options.PrecisionName = "auto",
    executor: ExecutorName = "auto",
    jobs: NumJobs = "auto",
    cache: options.Cache = "on",
    every_epoch: options.EveryEpoch = False,
    output: options.Output = None,
) -> None:
    """Train with random labels for some easy, hard or random examples, and test on the held-out split."""
    from easiness.executors import read_jobs
    from easiness.store import open_run
    from easiness.studies.training_sets.ablate import corrupt as run_corruption

    options.show(
        lambda progress: run_corruption(
            source,
            open_run(scores),
            model=model,
            rates=options.parse_rates(rates),
            policies=None if policies is None else options.split_policies(policies),
            repetitions=repetitions,
            epochs=epochs,
            out=out,
            score=score,
            keep=keep,
            epoch=epoch,
            balanced=balanced,
            other_label=never_own,
            limit=limit,
            holdout=holdout,
            seed=seed,
            batch_size=batch_size,
            recipe=recipe,
            device=device,
            precision=precision,
            executor=executor,
            jobs=read_jobs(jobs),
            cache=cache == "on",
            progress=progress,
        ),
        output,
        every_epoch,
    )
