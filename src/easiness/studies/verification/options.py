"""The options of `verify`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from easiness import spec
from easiness.engine import Later, OneFolder, Out, Source, Study, heading

_HERE = "easiness.studies.verification"


@dataclass(frozen=True)
class VerifyOptions:
    """Options of `verify`."""

    data: Source
    out: Out
    labels: Annotated[
        Path,
        spec.Option(
            "--labels", "CSV of the new labels, from `labels`, the page or yourself.", metavar="FILE.csv"
        ),
    ]
    before: Path | None = spec.setting(
        "--before",
        "CSV of the labels before, if that run was measured with --labels; the source's labels by default.",
    )
    beside: Sequence[str] = spec.setting(
        "--beside",
        "If the new labels leave examples out, also train on as many random ones, or on other random "
        "ones in every epoch (RS2), with as many steps.",
        metavar="random,rs2",
        read=spec.read_names,
        default=(),
    )
    trials: int = spec.setting(
        "--trials", "Pairs of trainings with the same seeds; in fives where no split is held out.", default=10
    )
    training: Annotated[
        spec.Training,
        spec.Fields(
            ("model", "epochs", "seed", "batch_size", "image_size", "recipe", "precision", "pretrained")
        ),
    ] = spec.Training()
    featuring: spec.Featuring = spec.Featuring()
    loading: Annotated[
        spec.Loading,
        spec.Fields(
            tuple(one for one in spec.options_of(spec.Loading) if one != "labels"),
            help={
                "limit": "Use this many examples, as many of each class; as for the run of the labels.",
                "holdout": "Test on this share of each class alone, instead of each example in turn.",
            },
        ),
    ] = spec.Loading()
    execution: OneFolder = spec.Execution()


VERIFY = Study(
    *heading("verify"),
    VerifyOptions,
    Later(f"{_HERE}.study:verify"),
    Later(f"{_HERE}.study:plan"),
    about=(
        "Both are tested on the same held-out examples. Without any, each example is tested in turn by "
        "trainings that did not see it, which come in fives, and only examples that nobody decided count.\n\n"
        "The same command again goes on, or only reads; more trials train what is missing."
    ),
)
