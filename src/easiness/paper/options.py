"""The paper's own commands as values: what each asks, and where it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from easiness import engine
from easiness.analysis import Side
from easiness.spec import (
    Drawing,
    Effect,
    Execution,
    Fields,
    Loading,
    Option,
    Split,
    Training,
    read_numbers,
    setting,
)
from easiness.store import Run

_SETS = f"{__package__}.training_sets"
_VALIDATION = f"{__package__}.validation"
_DESIGN = f"{__package__}.planted"
_REPRODUCTION = f"{__package__}.reproduction.study"
_DRAWING = ("rates", "policies", "repetitions", "score", "keep", "at", "balanced")
_OF_THE_RUN = ("limit", "labels", "text", "sound", "inputs", "without", "label", "id", "encoding")


@dataclass(frozen=True)
class PerturbationOptions:
    """Options of `perturb`."""

    run: Annotated[
        Run,
        Option(
            "", "Folder of a run that keeps its weights, or of one on features of networks.", **engine.ONE_RUN
        ),
    ]
    kind: Annotated[
        str,
        Option(
            "--kind",
            "color, shuffle, radial of pictures; order, case of texts; shuffle, radial of sounds; or "
            "package.module:name for one that the module registers.",
        ),
    ]
    levels: Sequence[float] | None = setting(
        "--levels",
        "Such as 0,0.5,1, beside the neutral one; by default the kind's own.",
        read=partial(read_numbers, "--levels", example="0,0.5,1"),
    )
    side: Side | None = setting("--side", "Match easy or hard sets alone; both by default.")
    fraction: engine.Fraction = 0.1
    ties: engine.Policies = ("expected", "refine")
    pattern_level: float | None = setting(
        "--pattern-level", "Level of examples that all networks get right; by default the last but one."
    )
    probe: Split | None = setting("", "The split of these examples; held_out by default, where there is one.")
    data: engine.Data = None
    seed: int = setting("--seed", "Seed of perturbations, groups and the bootstrap.", default=0)
    num_replicates: int = setting("", "Replicates of the bootstrap over trials.", default=200)
    execution: Annotated[
        Execution, Fields(("device", "cache"), help={"device": "Where the networks look."})
    ] = Execution()
    panel: Path | None = setting(
        "--panel", "Also draw perturbed examples: FILE.png, .svg or .pdf.", **engine.PICTURE
    )
    patterns: Path | None = setting(
        "--patterns", "Also draw examples that all networks still get right.", **engine.PICTURE
    )


PERTURB = engine.Study(
    *engine.heading("paper perturb"),
    PerturbationOptions,
    engine.Later("easiness.paper.perturbation.study:perturb"),
    about="Says how accuracy and the easy and hard sets change, and which examples all networks still get "
    "right. Nothing is trained. The regular examples are those at the neutral level, looked at again by the "
    "same networks. Answers are kept in the run: the same command again goes on, or only reads.",
    tells=True,
    trusts=True,
    needs="networks",
)


@dataclass(frozen=True)
class AblationOptions:
    """Options of `ablate`."""

    effect: ClassVar[Effect] = "drop"

    data: Annotated[
        Any,
        Option("", "The data that the run of scores was measured on; as for `measure`.", **engine.ONE_SOURCE),
    ]
    scores: Annotated[Run, Option("--scores", "Run whose scores rank the examples.", opens=True)]
    out: engine.Out
    training: Annotated[
        Training,
        Fields(
            ("model", "epochs", "seed", "batch_size", "image_size", "recipe", "precision"),
            required=("model", "epochs"),
            help={
                "model": "Network to train; as for `measure`.",
                "epochs": "Epochs of each training; also the cosine period, unless --recipe sets it.",
                **engine.STUDY_TRAINING,
            },
        ),
    ]
    drawing: Annotated[Drawing, Fields((*_DRAWING, "steps"), required=("rates",))]
    holdout: float | None = setting(
        "--holdout", "Test on this share of each class, if the run held none out."
    )
    loading: Annotated[
        Loading, Fields(_OF_THE_RUN, help=dict.fromkeys(_OF_THE_RUN, "Taken from the run of --scores."))
    ] = Loading()
    execution: engine.OneFolder = Execution()
    every_epoch: bool = setting(
        "--every-epoch", "Write a row for every epoch, not only the last.", default=False
    )


@dataclass(frozen=True)
class CorruptionOptions(AblationOptions):
    """Options of `corrupt`."""

    effect: ClassVar[Effect] = "relabel"

    drawing: Annotated[Drawing, Fields((*_DRAWING, "other_label"), required=("rates",))]


_ABOUT_SETS = (
    "Examples are drawn by how easy they are, in each repetition others; tests are on the held-out split. "
    "Each policy and rate is a run in a folder of its own below --out, {beside}\n\n"
    "The same command again goes on, or only reads; more repetitions train what is missing."
)
ABLATE = engine.Study(
    *engine.heading("paper ablate"),
    AblationOptions,
    engine.Later(f"{_SETS}:read_sets"),
    engine.Later(f"{_SETS}:plan_sets"),
    about=_ABOUT_SETS.format(beside="which `corrupt` may share."),
)
CORRUPT = engine.Study(
    *engine.heading("paper corrupt"),
    CorruptionOptions,
    ABLATE.find,
    ABLATE.plan,
    about=_ABOUT_SETS.format(beside="which may be that of `ablate`: the run for rate 0 is the same."),
)


@dataclass(frozen=True)
class ValidationOptions:
    """Options of `validate`."""

    data: Annotated[
        Any, Option("", "Data with a held-out split, or --holdout; as for `measure`.", **engine.ONE_SOURCE)
    ]
    models: Annotated[
        Sequence[str | Callable[..., Any]],
        Option(
            "--model",
            "Network to measure easiness with, the first foremost; may be given several times.",
            metavar="NAME",
            typed=list[str],
        ),
    ]
    out: engine.Out
    trials: int = setting("--trials", "Trainings of each on all examples.", default=10)
    epochs: int = setting("--epochs", "Epochs of each of these.", default=10)
    final_models: Sequence[str | Callable[..., Any]] | None = setting(
        "--final-model",
        "Network to train to the end; may be given several times; as --model.",
        metavar="NAME",
        typed=list[str] | None,
    )
    final_trials: int = setting("--final-trials", "Trainings without the held-out split.", default=5)
    final_epochs: int = setting(
        "--final-epochs",
        "Epochs of each of these; also their cosine period, whatever the recipe.",
        default=300,
    )
    loading: Loading = Loading()
    training: Annotated[
        Training, Fields(("seed", "batch_size", "recipe", "precision"), help=engine.STUDY_TRAINING)
    ] = Training()
    execution: engine.OneFolder = Execution()


VALIDATE = engine.Study(
    *engine.heading("paper validate"),
    ValidationOptions,
    engine.Later(f"{_VALIDATION}:validate"),
    engine.Later(f"{_VALIDATION}:plan"),
    about="Easiness is measured with all examples, in OUT/merged-MODEL. The final models are trained without "
    "the held-out split, in OUT/final-MODEL, and asked about it.\n\n"
    "The same command again goes on, or only reads; more trials or epochs train what is missing.",
)


@dataclass(frozen=True)
class HypothesisOptions:
    """Options of `hypothesis`."""

    out: engine.Out
    preset: Literal["smoke", "full"] = setting(
        "--preset", "smoke: a minute, decides nothing; full: under an hour.", default="full"
    )
    seed: int = setting("--seed", "Seed of the patterns and of all trials.", default=0)
    execution: Annotated[
        Execution, Fields(("device", "executor", "ray_address", "jobs"), help={"device": "Where to train."})
    ] = Execution()


HYPOTHESIS = engine.Study(
    *engine.heading("paper hypothesis"),
    HypothesisOptions,
    engine.Later(f"{_DESIGN}.result:decide"),
    engine.Later(f"{_DESIGN}.design:plan"),
    about=(
        "Patterns of known frequency and contradiction are planted in noise, networks are trained on them, "
        "and claims with margins set beforehand decide whether examples are easy whose patterns are frequent "
        "and contradict no class.\n\nThe same command again goes on where it stopped."
    ),
)


@dataclass(frozen=True)
class ReproductionOptions:
    """Options of `all`."""

    out: Annotated[Path, Option("--out", "Folder of the study. A study that is there goes on.")]
    data: Any = setting(
        "", "Data as for `measure`; the preset's own by default.", **engine.ONE_SOURCE | {"typed": str | None}
    )
    preset: Literal["smoke", "laptop", "overnight", "paper"] = setting(
        "--preset",
        "smoke: two minutes; laptop: CIFAR-10, no GPU; overnight: claims 6 to 8; paper: GPUs.",
        default="laptop",
    )
    loading: Annotated[
        Loading,
        Fields(
            ("limit", "holdout", "labels", "data_root", "download"),
            help={"limit": "Train on this many examples, instead of the preset's."},
        ),
    ] = Loading()
    seed: int = setting("--seed", "Seed of the study.", default=0)
    execution: engine.OneFolder = Execution()
    dry_run: bool = setting(
        "--dry-run", "Show every run and what it costs, and train nothing.", python=False, default=False
    )


ALL = engine.Verb(
    *engine.heading("paper all"),
    ReproductionOptions,
    engine.Later(f"{_REPRODUCTION}:reproduce"),
    engine.Later(f"{_REPRODUCTION}:carry"),
    about="At the scale of a preset. The folder keeps the study so far: the same command again goes "
    "on where it stopped.",
    trains=True,
)
