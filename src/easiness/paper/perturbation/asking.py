"""The options of `paper perturb`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from easiness.analysis import Side
from easiness.engine import ONE_RUN, PICTURE, Data, Fraction, Later, Policies, Study
from easiness.spec import Execution, Fields, Option, Split, read_numbers
from easiness.store import Run


def _levels(text: str) -> tuple[float, ...]:
    return read_numbers("--levels", text, "0,0.5,1")


@dataclass(frozen=True)
class Perturbing:
    """Options of `perturb`."""

    run: Annotated[
        Run,
        Option(
            "",
            "Folder of a run that keeps its weights. Of a run on features the heads of the largest share are "
            "asked, about the examples that they were not shown.",
            **ONE_RUN,
        ),
    ]
    kind: Annotated[
        str,
        Option(
            "--kind",
            "Of pictures color, shuffle, radial; of texts order, case; of sounds shuffle, radial; or "
            "package.module:name for one that the module registers.",
        ),
    ]
    levels: Annotated[
        Sequence[float] | None,
        Option(
            "--levels",
            "Such as 0,0.5,1, beside the neutral one; by default those of the kind, for the size of the "
            "pictures.",
            read=_levels,
        ),
    ] = None
    side: Annotated[Side | None, Option("--side", "Match only this set, easy or hard; both by default.")] = (
        None
    )
    fraction: Fraction = 0.1
    ties: Policies = ("expected", "refine")
    pattern_level: Annotated[
        float | None,
        Option(
            "--pattern-level",
            "Level at which examples are listed that all networks get right; the last but one by default.",
        ),
    ] = None
    probe: Annotated[
        Split | None,
        Option("", "The split in which these are looked for; held_out by default, where there is one."),
    ] = None
    data: Data = None
    seed: Annotated[
        int, Option("--seed", "Seed of random perturbations, groups of trials and the bootstrap.")
    ] = 0
    num_replicates: Annotated[int, Option("", "Replicates of the bootstrap over trials.")] = 200
    execution: Annotated[
        Execution, Fields(("device", "cache"), help={"device": "Where the networks look."})
    ] = Execution()
    panel: Annotated[
        Path | None,
        Option("--panel", "Also draw perturbed examples: FILE.png, .svg or .pdf.", **PICTURE),
    ] = None
    patterns: Annotated[
        Path | None,
        Option("--patterns", "Also draw examples that all networks still get right.", **PICTURE),
    ] = None


PERTURB = Study(
    "paper perturb",
    "Paper",
    "Show perturbed examples to the networks of a run.",
    Perturbing,
    Later("easiness.paper.perturbation.study:perturb"),
    about="Says how accuracy and the easy and hard sets change, and which examples all networks still get "
    "right. Nothing is trained. The regular examples are those at the neutral level, looked at again by the "
    "same networks. Answers are kept in the run: the same command again goes on, or only reads.",
    watched=True,
    trusts=True,
)
