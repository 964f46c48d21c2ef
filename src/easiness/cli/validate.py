"""``easiness validate``: Figure 5 for any data and models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness.cli import training_sets as options
from easiness.cli.execution import ExecutorName, NumJobs


def validate(
    source: Annotated[str, typer.Argument(help="The data, with a held-out split; as for `measure`.")],
    model: Annotated[
        list[str], typer.Option("--model", help="Network to measure easiness with; may be repeated.")
    ],
    out: options.Out,
    trials: Annotated[int, typer.Option("--trials", help="Trainings of each on all examples.")] = 10,
    epochs: Annotated[int, typer.Option("--epochs", help="Epochs of each of these.")] = 10,
    final_model: Annotated[
        list[str] | None,
        typer.Option("--final-model", help="Network to train to the end; may be repeated; as --model."),
    ] = None,
    final_trials: Annotated[
        int, typer.Option("--final-trials", help="Trainings of each on the training examples alone.")
    ] = 5,
    final_epochs: Annotated[
        int, typer.Option("--final-epochs", help="Epochs of each of these, and their cosine period.")
    ] = 300,
    limit: Annotated[
        int | None, typer.Option("--limit", help="Train on this many examples, class-balanced.")
    ] = None,
    holdout: options.Holdout = None,
    data_root: Annotated[
        Path | None, typer.Option("--data-root", help="Folder of a torchvision data set.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Let torchvision or the hub download what is not on disk.")
    ] = False,
    allow_outside: Annotated[
        bool, typer.Option("--allow-outside", help="Let a CSV name files outside of its folder.")
    ] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave out images that cannot be read, and count them.")
    ] = False,
    seed: options.Seed = 0,
    batch_size: options.BatchSize = None,
    recipe: options.RecipeName = None,
    device: options.Device = "auto",
    precision: options.PrecisionName = "auto",
    executor: ExecutorName = "auto",
    jobs: NumJobs = "auto",
    cache: options.Cache = "on",
    output: options.Output = None,
) -> None:
    """Measure the easiness of validation examples, and ask networks that never saw them.

    Easiness comes from training on all examples, the final models are trained without the held-out split.
    Running the same command again only reads; more trials or epochs train what is missing.
    """
    from easiness.cli.output import RESULT_SUFFIXES, check_output_file, write_result
    from easiness.cli.progress import ShownProgress
    from easiness.executors import read_jobs
    from easiness.show.section import sections_text
    from easiness.studies.validation.figure import draw_validation
    from easiness.studies.validation.sections import validation_sections
    from easiness.studies.validation.validate import validate as run_validation

    if output is not None:
        check_output_file(output, RESULT_SUFFIXES)
    with ShownProgress() as progress:
        validation = run_validation(
            source,
            models=model,
            trials=trials,
            epochs=epochs,
            final_models=final_model or None,
            final_trials=final_trials,
            final_epochs=final_epochs,
            out=out,
            limit=limit,
            skip_unreadable=skip_unreadable,
            data_root=data_root,
            download=download,
            allow_outside=allow_outside,
            holdout=holdout,
            seed=seed,
            batch_size=batch_size,
            recipe=recipe,
            device=device,
            executor=executor,
            jobs=read_jobs(jobs),
            precision=precision,
            cache=cache == "on",
            progress=progress,
        )
    sections = validation_sections(validation)
    typer.echo(sections_text(sections))
    if output is not None:
        write_result(output, sections, validation.table(), lambda: draw_validation(validation))
