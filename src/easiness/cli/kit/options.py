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
    typer.Option(
        "--split", help="Of the examples measured, or of the held-out split, which is never trained on."
    ),
]
ScoreEpoch: TypeAlias = Annotated[
    int | None, typer.Option("--epoch", help="Scores of after this many epochs; the last by default.")
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
        help="Of a run on features, which has shares and no epochs: read it at this share of the examples "
        "seen; the largest by default.",
    ),
]
Fraction: TypeAlias = Annotated[
    float, typer.Option("--fraction", help="Share of the examples called easy, and hard.")
]
Ties: TypeAlias = Annotated[
    Literal["expected", "strict", "refine"] | None,
    typer.Option("--ties", help="What becomes of examples tied at the cut; expected and refine by default."),
]
Decided: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--decided",
        metavar="FILE",
        help="Labels decided by people, from the page or as `clean` writes them: what they say of the others "
        "counts.",
    ),
]
Output: TypeAlias = Annotated[Path | None, typer.Option("-o", "--output", help=WRITTEN)]
Trust: TypeAlias = Annotated[
    bool,
    typer.Option("--trust", help="Import the module that the run names, where its network is one's own."),
]

WithHeldOut: TypeAlias = Annotated[
    str, typer.Argument(help="The data, with a held-out split; as for `measure`.")
]
StudyFolder: TypeAlias = Annotated[
    Path, typer.Option("--out", help="Folder for the runs; what it has is kept.")
]
OneFolder: TypeAlias = Annotated[
    Execution,
    Fields(
        ("device", "executor", "ray_address", "jobs", "cache"),
        help={
            "device": "Where to train.",
            "cache": "Keep photos at the working resolution in a file in --out.",
        },
    ),
]
"""How the runs of a study are carried out, which are all in one folder."""
STUDY_TRAINING = {
    "seed": "Seed of the runs.",
    "recipe": "A recipe, or a TOML file of changes; the paper's if not given.",
    "precision": "auto: bfloat16 where the device multiplies it.",
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
