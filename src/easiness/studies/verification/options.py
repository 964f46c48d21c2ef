"""The options of `verify`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from easiness.engine import Later, OneFolder, Out, Source, Study
from easiness.spec import (
    Execution,
    Featuring,
    Fields,
    Loading,
    Option,
    Training,
    options_of,
    read_names,
    setting,
)

_HERE = "easiness.studies.verification"


@dataclass(frozen=True)
class VerifyOptions:
    """Options of `verify`."""

    data: Source
    out: Out
    labels: Annotated[
        Path,
        Option("--labels", "CSV of the new labels, from `labels`, the page or yourself.", metavar="FILE.csv"),
    ]
    before: Path | None = setting(
        "--before",
        "CSV of the labels before, if that run was measured with --labels; the source's labels by default.",
    )
    beside: Sequence[str] = setting(
        "--beside",
        "If the new labels leave examples out, also train on as many random ones, or on other random "
        "ones in every epoch (RS2), with as many steps.",
        metavar="random,rs2",
        read=read_names,
        default=(),
    )
    trials: int = setting(
        "--trials", "Pairs of trainings with the same seeds; in fives where no split is held out.", default=10
    )
    training: Annotated[
        Training,
        Fields(("model", "epochs", "seed", "batch_size", "image_size", "recipe", "precision", "pretrained")),
    ] = Training()
    featuring: Featuring = Featuring()
    loading: Annotated[
        Loading,
        Fields(
            tuple(one for one in options_of(Loading) if one != "labels"),
            help={
                "limit": "Use this many examples, as many of each class; as for the run of the labels.",
                "holdout": "Test on this share of each class alone, instead of each example in turn.",
            },
        ),
    ] = Loading()
    execution: OneFolder = Execution()


VERIFY = Study(
    "verify",
    "Mend",
    "Train on the labels before and after; say what was gained.",
    VerifyOptions,
    Later(f"{_HERE}.study:verify"),
    Later(f"{_HERE}.study:plan"),
    about=(
        "Both are tested on the same held-out examples. Without any, each example is tested in turn by "
        "trainings that did not see it, which come in fives, and only examples that nobody decided count.\n\n"
        "The same command again goes on, or only reads; more trials train what is missing."
    ),
)
