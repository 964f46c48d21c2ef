"""Options that several commands have, each under the name of its parameter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from easiness import analysis
from easiness.cli.kit.results import WRITTEN
from easiness.cli.kit.spread import Fields
from easiness.spec import Execution, Split

RunFolder: TypeAlias = Annotated[Path, typer.Argument(help="Folder of a run.")]
Source: TypeAlias = Annotated[
    str | None,
    typer.Option("--source", help="Where the data are now, if not where the run found them."),
]
HeldOutToo: TypeAlias = Annotated[
    Split,
    typer.Option("--split", help="The examples measured, or the held-out split, which is never trained on."),
]
ScoreEpoch: TypeAlias = Annotated[
    int | None, typer.Option("--epoch", help="Read scores after this many epochs; the last by default.")
]
ComparedEpoch: TypeAlias = Annotated[
    int | None,
    typer.Option("--epoch", help="Compare after this many epochs; the last common one by default."),
]
Share: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--share",
        metavar="S",
        help="For a run on features: read it at this share of the examples; the largest by default.",
    ),
]
Fraction: TypeAlias = Annotated[
    float,
    typer.Option("--fraction", help="Share of the examples that are called easy, and that are called hard."),
]
Ties: TypeAlias = Annotated[
    Literal["expected", "strict", "refine"] | None,
    typer.Option(
        "--ties", help="How ties at the edge of a set are broken. Default: expected and refine, both."
    ),
]
Decided: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--decided",
        metavar="FILE",
        help="Labels decided by people, from the page or as `clean` writes them. They also inform the "
        "other labels.",
    ),
]
Output: TypeAlias = Annotated[Path | None, typer.Option("-o", "--output", help=WRITTEN)]
Trust: TypeAlias = Annotated[
    bool,
    typer.Option("--trust", help="Import the module that the run names for its network. Its code runs."),
]

WithHeldOut: TypeAlias = Annotated[
    str, typer.Argument(help="The data, with a held-out split; as for `measure`.")
]
StudyFolder: TypeAlias = Annotated[
    Path, typer.Option("--out", help="Folder for the runs. Runs that are there go on.")
]
OneFolder: TypeAlias = Annotated[
    Execution,
    Fields(
        ("device", "executor", "ray_address", "jobs", "cache"),
        help={
            "device": "Where to train.",
            "cache": "Keep decoded photos in a file in --out.",
        },
    ),
]
"""How the runs of a study are carried out, which are all in one folder."""
STUDY_TRAINING = {
    "seed": "Seed of the runs.",
    "recipe": "A recipe, or a TOML file of changes; the paper's by default.",
    "precision": "auto: bfloat16 where the device has it.",
}
"""Help on fields of `Training`, for studies of several runs."""


def policies(ties: analysis.Ties | None) -> tuple[analysis.Ties, ...]:
    """The policies that ``--ties`` asks for; without it, the two of the default."""
    return ("expected", "refine") if ties is None else (ties,)


def share(text: str) -> float:
    """A share as one writes it: ``0.01`` or ``1%``."""
    try:
        return float(text.rstrip("% ")) / (100 if text.rstrip().endswith("%") else 1)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: give a share, such as 0.01 or 1%") from None
