"""``easiness validate``: Figure 5 for any data and models."""

from __future__ import annotations

from typing import Annotated

import typer

from easiness.cli import training_sets as options
from easiness.cli.spread import Fields, spread
from easiness.cli.written import write_output
from easiness.spec import Execution, Loading, Training


@spread
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
    loading: Loading = Loading(),
    training: Annotated[
        Training, Fields(("seed", "batch_size", "recipe", "precision"), help=options.WORDS)
    ] = (Training()),
    execution: options.Executed = Execution(),
    output: options.Output = None,
) -> None:
    """Check easiness by networks that never saw the examples.

    Easiness of validation examples comes from training on all examples, the final models are trained without
    the held-out split. Running the same command again only reads; more trials or epochs train what is
    missing.
    """
    from easiness.executors import check_executor
    from easiness.report import check_output_file
    from easiness.runs import ShownProgress, given_data
    from easiness.show import sections_text
    from easiness.studies.validation import Trainings, carry_out_validation, plan_validation

    check_executor(execution.executor, execution.jobs)
    if output is not None:
        check_output_file(output)
    with ShownProgress() as progress:
        plans = plan_validation(
            given_data(source, loading),
            training,
            Trainings(tuple(model), trials, epochs),
            Trainings(tuple(final_model or model), final_trials, final_epochs),
        )
        validation = carry_out_validation(plans, out, execution, progress)
    typer.echo(sections_text(validation.sections()))
    if output is not None:
        write_output(output, validation)
