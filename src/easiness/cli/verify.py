"""``easiness verify``: what other labels are worth."""

from __future__ import annotations

from typing import Annotated

import typer

from easiness.cli import training_sets as options
from easiness.cli.spread import Fields, spread
from easiness.cli.written import write_output
from easiness.spec import Execution, Loading, Training

_LOADING = Fields(
    required=("labels",),
    help={
        "labels": "CSV of the new labels, as `clean` writes it and you have edited it.",
        "limit": "Train on this many examples, class-balanced; as for the run of the labels.",
        "holdout": "Hold out this share of each class, where no split is held out; as for the run of "
        "the labels.",
    },
)


@spread
def verify(
    source: Annotated[str, typer.Argument(help="The data, with a held-out split; as for `measure`.")],
    out: options.Out,
    loading: Annotated[Loading, _LOADING],
    before: Annotated[
        str | None,
        typer.Option(
            "--before",
            help="CSV of the labels before, where the run of the labels had some by --labels; those of the "
            "source by default.",
        ),
    ] = None,
    trials: Annotated[int, typer.Option("--trials", help="Pairs of trainings with the same seeds.")] = 10,
    training: Annotated[
        Training,
        Fields(
            ("model", "epochs", "seed", "batch_size", "image_size", "recipe", "precision", "pretrained"),
            help={
                "model": "Network to train; as for `measure`.",
                "seed": "Seed of the runs.",
                "recipe": "How networks are trained: as for `measure`.",
            },
        ),
    ] = Training(),
    execution: options.Executed = Execution(),
    output: options.Output = None,
) -> None:
    """Train on the labels before and after; say what was gained.

    Both are tested on the same held-out examples. Running the same command again only reads; more trials
    train what is missing.
    """
    from easiness.executors import check_executor
    from easiness.report import check_output_file
    from easiness.runs import ShownProgress
    from easiness.show import sections_text
    from easiness.studies.verification import carry_out_verification, plan_verification

    check_executor(execution.executor, execution.jobs)
    if output is not None:
        check_output_file(output)
    with ShownProgress() as progress:
        plans = plan_verification(source, training, trials, loading, out, before)
        found = carry_out_verification(plans, out, execution, progress)
    typer.echo(f"{sections_text(found.sections())}\n\n{found.text}")
    if output is not None:
        write_output(output, found)
