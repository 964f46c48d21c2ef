"""``ablate`` and ``corrupt``: some examples left out, or relabelled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from easiness import store
from easiness.cli.kit import options, results
from easiness.cli.kit.spread import Fields, spread
from easiness.spec import Drawing, Execution, Loading, Training
from easiness.studies import training_sets as study

Source = Annotated[str, typer.Argument(help="The data that --scores was measured on; as for `measure`.")]
Scores = Annotated[Path, typer.Option("--scores", help="Folder of the run whose scores rank the examples.")]
Trained = Annotated[
    Training,
    Fields(
        ("model", "epochs", "seed", "batch_size", "image_size", "recipe", "precision"),
        required=("model", "epochs"),
        help={
            "model": "Network to train; as for `measure`.",
            "epochs": "Epochs of each training; also the cosine period, unless --recipe sets it.",
            **options.STUDY_TRAINING,
        },
    ),
]
_OF_THE_RUN = ("limit", "labels", "text", "sound", "inputs", "without", "label", "id", "encoding")
Loaded = Annotated[
    Loading,
    Fields(
        ("holdout", *_OF_THE_RUN),
        help=dict.fromkeys(_OF_THE_RUN, "Taken from the run of --scores."),
    ),
]
EveryEpoch = Annotated[
    bool, typer.Option("--every-epoch", help="Write a row for every epoch, not only the last.")
]
DRAWN = ("rates", "policies", "repetitions", "score", "keep", "epoch", "share", "balanced")
"""Fields of `Drawing` that both commands have."""


@spread
def ablate(
    source: Source,
    scores: Scores,
    out: options.StudyFolder,
    training: Trained,
    drawing: Annotated[Drawing, Fields((*DRAWN, "steps"), required=("rates",))],
    loading: Loaded,
    execution: options.OneFolder,
    every_epoch: EveryEpoch = False,
    output: options.Output = None,
) -> None:
    """Train without some easy, hard or random examples, and test.

    Tests are on the held-out split.
    """

    def planned() -> study.TrainingSets:
        return study.plan_training_sets("drop", source, store.open_run(scores), training, drawing, loading)

    _train(planned, out, execution, output, every_epoch)


@spread
def corrupt(
    source: Source,
    scores: Scores,
    out: options.StudyFolder,
    training: Trained,
    drawing: Annotated[Drawing, Fields((*DRAWN, "other_label"), required=("rates",))],
    loading: Loaded,
    execution: options.OneFolder,
    every_epoch: EveryEpoch = False,
    output: options.Output = None,
) -> None:
    """Train with random labels for some examples, and test.

    The examples are easy, hard or random ones. Tests are on the held-out split.
    """

    def planned() -> study.TrainingSets:
        return study.plan_training_sets("relabel", source, store.open_run(scores), training, drawing, loading)

    _train(planned, out, execution, output, every_epoch)


def _train(
    planned: Callable[[], study.TrainingSets],
    out: Path,
    execution: Execution,
    output: Path | None,
    every_epoch: bool,
) -> None:
    """Carry the study out with progress shown, print its tables, and write them where asked."""
    found = results.carry_out(
        lambda progress: study.train_sets(planned(), out, execution, progress), execution, output
    )
    results.show_result(study.EveryEpoch(found) if every_epoch else found, output)
