"""``ablate``, ``corrupt``, ``prune`` and ``curriculum``: some examples left out, relabelled, or later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from easiness import pages, show, store
from easiness.cli.kit import options, results, said
from easiness.cli.kit.spread import Fields, spread
from easiness.errors import BadInput
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


@spread
def prune(
    run: options.RunFolder,
    drop: Annotated[
        float | None, typer.Option("--drop", help="Share of the examples to drop, such as 0.3.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            help="Drop mainly: easy, hard, random or beta:A,B. Drop exactly: worst (the hardest) or best. "
            "Keep by ccs[:CUT] (as many from each range of the score) or dual[:C_D] (Beta sampling). "
            "With --keep, the other end is dropped.",
        ),
    ] = None,
    drawing: Annotated[
        Drawing,
        Fields(
            ("score", "keep", "epoch", "share", "balanced"),
            help={"balanced": "Drop the same share of each class."},
            defaults={"score": "difficulty"},
        ),
    ] = Drawing(),
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draw.")] = 0,
    ids: Annotated[
        Path | None,
        typer.Option(
            "--ids",
            metavar="FILE",
            help="Drop exactly these: a text file with an id per line, or FILE.csv with a column id.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help=f"{results.FILES}, or FILE.txt of ids; standard output otherwise.",
        ),
    ] = None,
) -> None:
    """Write the ids of the examples to keep.

    A summary goes to standard error. Examples to drop are drawn as `ablate` draws them, or are exactly
    the hardest, the easiest or those named.
    """

    if output is not None:
        pages.check_output_file(output, tuple(dict.fromkeys((".csv", ".parquet", ".txt", *show.SUFFIXES))))
    if drop is None and ids is None:
        raise BadInput("--drop: say which share to drop, such as 0.3; or name the examples (--ids FILE)")
    if policy is None and drawing.keep is None and ids is None:
        study.order_of(drawing.score)  # says where --keep is what is missing
        raise BadInput(
            "--policy: say which examples to drop mainly: easy, hard, random or beta:A,B; or worst or best; "
            "or ccs or dual"
        )
    pruned = study.prune(
        store.open_run(run),
        drop=drop,
        policy=policy,
        score=drawing.score,
        keep=drawing.keep,
        epoch=drawing.epoch,
        share=drawing.share,
        balanced=drawing.balanced,
        seed=seed,
        ids=ids,
    )
    said.say_text(show.sections_text(pruned.sections()), err=True)
    if output is None:
        said.print_rows(pruned.table())
    elif output.suffix == ".txt":
        pages.write_file(output, study.ids_as_text(pruned.ids[pruned.kept], output))
        results.say_written(output)
    else:
        results.write_output(output, pruned)


@spread
def curriculum(
    run: options.RunFolder,
    num_steps: Annotated[int, typer.Option("--num-steps", help="Steps of the training, all in all.")],
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", help="Examples of a step; 128, or all where there are fewer."),
    ] = None,
    start: Annotated[
        float, typer.Option("--start", help="Share of the examples that the first step is on.")
    ] = 0.2,
    whole_after: Annotated[
        float,
        typer.Option("--whole-after", help="Share of the steps after which all examples have their turn."),
    ] = 0.5,
    drawing: Annotated[Drawing, Fields(("score", "epoch", "share"))] = Drawing(),
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draws.")] = 0,
    output: options.Output = None,
) -> None:
    """Say which examples to train on at each step, easy ones first.

    With -o a file has the ids of every step. In Python it is a batch sampler.
    """
    results.check_output(output)
    found = study.curriculum(
        store.open_run(run),
        num_steps=num_steps,
        batch_size=batch_size,
        start=start,
        whole_after=whole_after,
        score=drawing.score,
        epoch=drawing.epoch,
        share=drawing.share,
        seed=seed,
    )
    results.show_result(found, output)
