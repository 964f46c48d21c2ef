"""Options that several studies ask, as types of the fields of what they ask."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from easiness.analysis import Ties
from easiness.show import PICTURE_SUFFIXES
from easiness.spec import Execution, Fields, Option, Split, read_at
from easiness.store import Run

ONE_RUN: dict[str, Any] = {"argument": True, "opens": True}
SEVERAL_RUNS: dict[str, Any] = {**ONE_RUN, "several": True}
"""The rest of an `Option` that is a run, or several."""

PICTURE: dict[str, Any] = {"metavar": "FILE", "python": False, "writes": PICTURE_SUFFIXES}
"""The rest of an `Option` that is a picture to write beside the result, see `Result.drawings`."""

OneRun: TypeAlias = Annotated[Run, Option("", "Folder of a run.", **ONE_RUN)]
"""A run: in Python one that is open."""


At: TypeAlias = Annotated[
    float | None,
    Option(
        "--at",
        "Read after this epoch (3), or a run on features at this share of the examples (0.8). Default: "
        "the last epoch, the largest share.",
        metavar="EPOCH|SHARE",
        read=read_at,
    ),
]
Seed: TypeAlias = Annotated[int, Option("--seed", "Seed of the draws.", least=0)]
Data: TypeAlias = Annotated[
    Any,
    Option("--data", "Where the data are now, if not where the run found them.", typed=str | None),
]
ONE_SOURCE: dict[str, Any] = {"metavar": "SOURCE", "typed": str, "argument": True}
"""The rest of an `Option` that is data, in Python a `Dataset` or what `load_dataset` takes."""
Source: TypeAlias = Annotated[Any, Option("", "The data; as for `measure`.", **ONE_SOURCE)]
HeldOutToo: TypeAlias = Annotated[
    Split, Option("--split", "The examples measured, or the held-out split, which is never trained on.")
]
Fraction: TypeAlias = Annotated[
    float, Option("--fraction", "Share of the examples that are called easy, and that are called hard.")
]


def _policies(text: str) -> tuple[str, ...]:
    if text not in ("expected", "strict", "refine", "expected,refine"):
        raise ValueError(f"{text!r}: choose expected, strict or refine")
    return tuple(text.split(","))


Policies: TypeAlias = Annotated[
    Iterable[Ties],
    Option(
        "--ties",
        "How ties at the edge of a set are broken. Default: expected and refine, both.",
        metavar="expected|strict|refine",
        read=_policies,
    ),
]
DecisionFile: TypeAlias = Annotated[
    Path | None,
    Option(
        "--decided",
        "Labels decided by people, from the page or as `labels` writes them. They also inform the other "
        "labels.",
        metavar="FILE",
    ),
]
Out: TypeAlias = Annotated[Path, Option("--out", "Folder for the runs. Runs that are there go on.")]
Device: TypeAlias = Annotated[
    str,
    Option(
        "--device",
        "Where networks are asked and features made.",
        words={name: name for name in ("auto", "cpu", "cuda", "mps")},
    ),
]
OneFolder: TypeAlias = Annotated[
    Execution,
    Fields(
        ("device", "executor", "ray_address", "jobs", "cache"),
        help={"device": "Where to train.", "cache": "Keep decoded photos in a file in --out."},
    ),
]
"""How the runs of a study are carried out, which are all in one folder."""

STUDY_TRAINING = {
    "seed": "Seed of the runs.",
    "recipe": "A recipe, or a TOML file of changes; the paper's by default.",
    "precision": "auto: bfloat16 where the device has it.",
}
"""Help on fields of `Training`, for studies of several runs."""


def share(text: str) -> float:
    """A share as one writes it: ``0.01`` or ``1%``."""
    try:
        return float(text.rstrip("% ")) / (100 if text.rstrip().endswith("%") else 1)
    except ValueError:
        raise ValueError(f"{text!r}: give a share, such as 0.01 or 1%") from None
