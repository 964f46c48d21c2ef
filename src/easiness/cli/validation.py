"""``easiness validate``: Figure 5 for any data and models."""

from __future__ import annotations

from typing import Annotated

import typer

from easiness import runs
from easiness.cli.kit import options, results
from easiness.cli.kit.spread import Fields, spread
from easiness.spec import Execution, Loading, Training
from easiness.studies import validation as study


@spread
def validate(
    source: options.WithHeldOut,
    model: Annotated[
        list[str], typer.Option("--model", help="Network to measure easiness with; may be repeated.")
    ],
    out: options.StudyFolder,
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
        Training, Fields(("seed", "batch_size", "recipe", "precision"), help=options.STUDY_TRAINING)
    ] = (Training()),
    execution: options.OneFolder = Execution(),
    output: options.Output = None,
) -> None:
    """Check easiness by networks that never saw the examples.

    Easiness is measured with all examples. The final models are trained without the held-out split. The
    same command again goes on, or only reads; more trials or epochs train what is missing.
    """

    measured = study.Trainings(tuple(model), trials, epochs)
    final = study.Trainings(tuple(final_model or model), final_trials, final_epochs)

    def validated(progress: runs.Progress) -> study.Validation:
        plans = study.plan_validation(runs.given_data(source, loading), training, measured, final)
        return study.carry_out_validation(plans, out, execution, progress)

    results.show_result(results.carry_out(validated, execution, output), output)
