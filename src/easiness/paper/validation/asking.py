"""The options of `paper validate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from easiness.engine import ONE_SOURCE, STUDY_TRAINING, Later, OneFolder, Out, Study
from easiness.spec import Execution, Fields, Loading, Option, Training

_HERE = "easiness.paper.validation.validating"


@dataclass(frozen=True)
class Validated:
    """Options of `validate`."""

    data: Annotated[
        Any, Option("", "Data with a held-out split, or --holdout; as for `measure`.", **ONE_SOURCE)
    ]
    models: Annotated[
        Sequence[str | Callable[..., Any]],
        Option(
            "--model",
            "Network to measure easiness with, the first foremost; may be given several times.",
            metavar="NAME",
            typed=list[str],
        ),
    ]
    out: Out
    trials: Annotated[int, Option("--trials", "Trainings of each on all examples.")] = 10
    epochs: Annotated[int, Option("--epochs", "Epochs of each of these.")] = 10
    final_models: Annotated[
        Sequence[str | Callable[..., Any]] | None,
        Option(
            "--final-model",
            "Network to train to the end; may be given several times; as --model.",
            metavar="NAME",
            typed=list[str] | None,
        ),
    ] = None
    final_trials: Annotated[
        int, Option("--final-trials", "Trainings of each on the training examples alone.")
    ] = 5
    final_epochs: Annotated[
        int,
        Option(
            "--final-epochs", "Epochs of each of these, and their cosine period, whatever the recipe says."
        ),
    ] = 300
    loading: Loading = Loading()
    training: Annotated[
        Training, Fields(("seed", "batch_size", "recipe", "precision"), help=STUDY_TRAINING)
    ] = Training()
    execution: OneFolder = Execution()


VALIDATE = Study(
    "paper validate",
    "Paper",
    "Check easiness by networks that never saw the examples.",
    Validated,
    Later(f"{_HERE}:validate"),
    Later(f"{_HERE}:plan"),
    about="Easiness is measured with all examples, in OUT/merged-MODEL. The final models are trained without "
    "the held-out split, in OUT/final-MODEL, and asked about it.\n\n"
    "The same command again goes on, or only reads; more trials or epochs train what is missing.",
)
