"""What ``ablate`` and ``corrupt`` have in common: their options, lists in options, and what is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from easiness.cli.spread import IN_OUT, Fields
from easiness.cli.written import WRITTEN, write_output
from easiness.spec import Execution, Loading, Training

if TYPE_CHECKING:
    from easiness.runs import Progress
    from easiness.studies.training_sets import TrainingSetStudy

Source = Annotated[str, typer.Argument(help="The data that --scores was measured on; as for `measure`.")]
Scores = Annotated[Path, typer.Option("--scores", help="Folder of the run whose scores rank the examples.")]
WORDS = {
    "seed": "Seed of the runs.",
    "recipe": "A recipe, or a TOML file of changes; the paper's if not given.",
    "precision": "auto measures which is faster.",
}
"""Of fields of `Training`, for studies of several runs."""
Trained = Annotated[
    Training,
    Fields(
        ("model", "epochs", "seed", "batch_size", "image_size", "recipe", "precision"),
        required=("model", "epochs"),
        help={
            "model": "Network to train; as for `measure`.",
            "epochs": "Epochs of each training, and the cosine period unless --recipe says.",
            **WORDS,
        },
    ),
]
Loaded = Annotated[
    Loading,
    Fields(
        ("limit", "holdout", "labels"),
        help={
            "limit": "That of the run of --scores, which is used anyway.",
            "labels": "That of the run of --scores, which is used anyway.",
        },
    ),
]
Executed = Annotated[Execution, IN_OUT]
Out = Annotated[Path, typer.Option("--out", help="Folder for the runs; what it has is kept.")]
EveryEpoch = Annotated[
    bool, typer.Option("--every-epoch", help="A row for every epoch in the output, not for the last alone.")
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help=WRITTEN)]
DRAWN = ("rates", "policies", "repetitions", "score", "keep", "epoch", "balanced")
"""Fields of `Drawing` that both commands have."""


def show(
    study_of: Callable[[Progress], TrainingSetStudy],
    execution: Execution,
    output: Path | None,
    every_epoch: bool,
) -> None:
    """Run the study with progress shown, print its tables, and write them where asked."""
    from easiness.executors import check_executor
    from easiness.report import check_output_file
    from easiness.runs import ShownProgress
    from easiness.show import sections_text
    from easiness.studies.training_sets import EveryEpoch

    check_executor(execution.executor, execution.jobs)
    if output is not None:
        check_output_file(output)
    with ShownProgress() as progress:
        study = study_of(progress)
    typer.echo(sections_text(study.sections()))
    if output is not None:
        write_output(output, EveryEpoch(study) if every_epoch else study)
