"""The options of `paper hypothesis`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from easiness.engine import Later, Out, Study
from easiness.spec import Execution, Fields, Option

_HERE = "easiness.paper.planted.study"


@dataclass(frozen=True)
class Planted:
    """Options of `hypothesis`."""

    out: Out
    preset: Annotated[
        Literal["smoke", "full"],
        Option("--preset", "smoke: a minute, decides nothing; full: under an hour on two cores."),
    ] = "full"
    seed: Annotated[int, Option("--seed", "Seed of the patterns and of all trials.")] = 0
    execution: Annotated[
        Execution,
        Fields(("device", "executor", "ray_address", "jobs"), help={"device": "Where to train."}),
    ] = Execution()


HYPOTHESIS = Study(
    "paper hypothesis",
    "Paper",
    "Test the paper's hypothesis on planted patterns.",
    Planted,
    Later(f"{_HERE}:decide"),
    Later(f"{_HERE}:plan"),
    about=(
        "Patterns of known frequency and contradiction are planted in noise, networks are trained on them, "
        "and claims with margins set beforehand decide whether examples are easy whose patterns are frequent "
        "and contradict no class.\n\nThe same command again goes on where it stopped."
    ),
)
