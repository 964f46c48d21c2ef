"""The options of runs on features, as a frozen value."""

# Annotations are not postponed: the command line reads them as they are, without loading what they name.

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from easiness.spec.option import Option, OptionGroup, read_numbers


def _shares(text: str) -> tuple[float, ...]:
    return read_numbers("--shares", text, "0.05,0.2,0.8")


@dataclass(frozen=True)
class Featuring:
    """Features of a frozen network, and how much of the data its heads see; ``features`` may be arrays."""

    GROUP: ClassVar[OptionGroup] = "Training"

    features: Annotated[
        Any,
        Option(
            "--features",
            "Fit heads on features, and train no network: auto, timm:NAME, torchvision:NAME, "
            "hf:NAME, hashed, logmel, run:RUN, column:NAME, inputs, a file of vectors or "
            "package.module:callable; may be given several times.",
            metavar="NAME",
            typed=list[str] | None,
            several=True,
            first=True,
        ),
    ] = None
    shares: Annotated[
        Sequence[float] | None,
        Option(
            "--shares",
            "With --features: shares of the examples that heads are fitted on, ascending; "
            "0.05,0.2,0.8 by default.",
            metavar="S,S,...",
            read=_shares,
        ),
    ] = None
    group: Annotated[
        Any,
        Option(
            "--group",
            "With --features: a column, such as the patient or the film. No head is fitted on some "
            "examples of a value and judges others.",
            metavar="COLUMN",
            typed=str | None,
            python=False,
        ),
    ] = None
