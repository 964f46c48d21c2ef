"""The options of `paper ablate` and `paper corrupt`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from easiness.engine import ONE_SOURCE, STUDY_TRAINING, Later, OneFolder, Out, Study
from easiness.spec import Drawing, Effect, Execution, Fields, Loading, Option, Training
from easiness.store import Run

_HERE = "easiness.paper.training_sets.study"
_DRAWN = ("rates", "policies", "repetitions", "score", "keep", "at", "balanced")
_OF_THE_RUN = ("limit", "labels", "text", "sound", "inputs", "without", "label", "id", "encoding")


@dataclass(frozen=True)
class Ablated:
    """Options of `ablate`."""

    effect: ClassVar[Effect] = "drop"

    data: Annotated[
        Any, Option("", "The data that the run of scores was measured on; as for `measure`.", **ONE_SOURCE)
    ]
    scores: Annotated[
        Run, Option("--scores", "Folder of the run whose scores rank the examples.", opens=True)
    ]
    out: Out
    training: Annotated[
        Training,
        Fields(
            ("model", "epochs", "seed", "batch_size", "image_size", "recipe", "precision"),
            required=("model", "epochs"),
            help={
                "model": "Network to train; as for `measure`.",
                "epochs": "Epochs of each training; also the cosine period, unless --recipe sets it.",
                **STUDY_TRAINING,
            },
        ),
    ]
    drawing: Annotated[Drawing, Fields((*_DRAWN, "steps"), required=("rates",))]
    holdout: Annotated[
        float | None,
        Option("--holdout", "Hold out and test on this share of each class, if the run held none out."),
    ] = None
    loading: Annotated[
        Loading, Fields(_OF_THE_RUN, help=dict.fromkeys(_OF_THE_RUN, "Taken from the run of --scores."))
    ] = Loading()
    execution: OneFolder = Execution()
    every_epoch: Annotated[
        bool, Option("--every-epoch", "Write a row for every epoch, not only the last.")
    ] = False


@dataclass(frozen=True)
class Corrupted(Ablated):
    """Options of `corrupt`."""

    effect: ClassVar[Effect] = "relabel"

    drawing: Annotated[Drawing, Fields((*_DRAWN, "other_label"), required=("rates",))]


_ABOUT = (
    "Examples are drawn by how easy they are, in each repetition others; tests are on the held-out split. "
    "Each policy and rate is a run in a folder of its own below --out, {beside}\n\n"
    "The same command again goes on, or only reads; more repetitions train what is missing."
)
ABLATE = Study(
    "paper ablate",
    "Paper",
    "Train without some examples, and test.",
    Ablated,
    Later(f"{_HERE}:read_sets"),
    Later(f"{_HERE}:plan_sets"),
    about=_ABOUT.format(beside="which `corrupt` may share."),
)
CORRUPT = Study(
    "paper corrupt",
    "Paper",
    "Train with random labels for some examples, and test.",
    Corrupted,
    Later(f"{_HERE}:read_sets"),
    Later(f"{_HERE}:plan_sets"),
    about=_ABOUT.format(beside="which may be that of `ablate`: the run for rate 0 is the same."),
)
