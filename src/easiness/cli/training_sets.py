"""What ``ablate`` and ``corrupt`` have in common: their options, lists in options, and what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from easiness.errors import BadInput

if TYPE_CHECKING:
    from easiness.runs.progress import Progress
    from easiness.studies.training_sets.study import TrainingSetStudy

Source = Annotated[str, typer.Argument(help="The data that --scores was measured on; as for `measure`.")]
Scores = Annotated[Path, typer.Option("--scores", help="Folder of the run whose scores rank the examples.")]
Model = Annotated[str, typer.Option("--model", help="Network to train; as for `measure`.")]
Rates = Annotated[str, typer.Option("--rates", help="Shares of the examples, such as 0,0.3,0.6,0.9.")]
Epochs = Annotated[
    int, typer.Option("--epochs", help="Epochs of each training, and the cosine period unless --recipe says.")
]
Out = Annotated[Path, typer.Option("--out", help="Folder for the runs; what it has is kept.")]
Policies = Annotated[
    str | None,
    typer.Option(
        "--policies",
        help="Which examples are mainly drawn: easy, hard, random, beta:A,B; several. By default the first "
        "three, or with --keep the other end and random.",
    ),
]
Repetitions = Annotated[int, typer.Option("--repetitions", help="Trainings of each policy and rate.")]
ScoreName = Annotated[str, typer.Option("--score", help="Score to rank by.")]
KeepEnd = Annotated[
    Literal["top", "bottom"] | None,
    typer.Option(
        "--keep",
        help="The end of the score that is mainly spared, where a high score means neither easy nor hard.",
    ),
]
Epoch = Annotated[
    int | None, typer.Option("--epoch", help="Read the score after this many epochs; the last by default.")
]
Balanced = Annotated[bool, typer.Option("--balanced", help="Draw the same share of each class.")]
Limit = Annotated[
    int | None, typer.Option("--limit", help="That of the run of --scores, which is used anyway.")
]
Holdout = Annotated[
    float | None,
    typer.Option("--holdout", help="Hold out this share of each class, where no split is held out."),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the runs.")]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", help="Examples per step, instead of the recipe's.")
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="paper|short|FILE",
        help="A recipe, or a TOML file of changes; the paper's if not given.",
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where to train.")]
PrecisionName = Annotated[
    Literal["auto", "float32", "bfloat16"], typer.Option("--precision", help="auto measures which is faster.")
]
Cache = Annotated[
    Literal["on", "off"],
    typer.Option("--cache", help="Keep photos at the working resolution in a file in --out."),
]
EveryEpoch = Annotated[
    bool, typer.Option("--every-epoch", help="A row for every epoch in the output, not for the last alone.")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Also write FILE.csv, .md, .json, .png or .svg.")
]


def parse_rates(text: str) -> list[float]:
    """The numbers in ``0,0.3``.

    Raises:
        BadInput: something there is no number.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise BadInput(f"--rates {text!r}: give numbers with commas between them, such as 0,0.3") from None


def split_policies(text: str) -> list[str]:
    """The names in ``easy,beta:1,3,random``; the comma in ``beta:A,B`` belongs to it."""
    return [name.strip() for name in re.findall(r"\s*beta:[^,]*,[^,]*|[^,]+", text)]


def show(study_of: Callable[[Progress], TrainingSetStudy], output: Path | None, every_epoch: bool) -> None:
    """Run the study with progress shown, print its tables, and write them where asked."""
    from easiness.cli.output import RESULT_SUFFIXES, check_output_file, write_result
    from easiness.cli.progress import ShownProgress
    from easiness.show.section import sections_text
    from easiness.studies.training_sets.figure import draw_by_rate
    from easiness.studies.training_sets.sections import training_sets_sections

    if output is not None:
        check_output_file(output, RESULT_SUFFIXES)
    with ShownProgress() as progress:
        study = study_of(progress)
    sections = training_sets_sections(study)
    typer.echo(sections_text(sections))
    if output is not None:
        write_result(output, sections, study.table(every_epoch=every_epoch), lambda: draw_by_rate(study))
