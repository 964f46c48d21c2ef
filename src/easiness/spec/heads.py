"""A run on features: heads fitted on growing shares of the examples, each asked about all of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any, Self

from pydantic import Field, model_validator

from easiness.errors import BadInput
from easiness.spec.data_ref import Frozen

SHARES = (0.05, 0.2, 0.8)
"""The shares of the examples that heads see unless others are asked for."""

RIDGE = "ridge"
"""The model whose heads are fitted in closed form."""

BOOSTING = "boosting"
"""The model whose heads are gradient-boosted trees beside a logistic regression."""

NOT_BY_STEPS = frozenset((RIDGE, BOOSTING))
"""The models whose heads are fitted without epochs."""

_MOST_FOLDS = 100


class FeaturesRef(Frozen):
    """Vectors of the examples: what people call them, and the digest of what makes them."""

    name: str
    identity: str
    about: str = ""


class Heads(Frozen):
    """What a run on features is beside its model and seed.

    Row m of a trial, which elsewhere is of epoch m, is of heads that have seen ``shares[m - 1]`` of the
    examples. ``groups`` is the digest of what keeps examples together in one fold, where users say so, and
    ``epochs`` are those of heads that are fitted by steps.
    """

    features: tuple[FeaturesRef, ...] = Field(min_length=1)
    shares: tuple[float, ...] = Field(min_length=1)
    groups: str | None = None
    epochs: int | None = Field(default=None, ge=1)
    version: int = 1

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        try:
            check_shares(self.shares)
        except BadInput as error:
            raise ValueError(str(error)) from None
        return self

    def identity(self) -> dict[str, Any]:
        """What decides what is recorded: names of features do not."""
        return {**self.model_dump(mode="json"), "features": [one.identity for one in self.features]}

    @property
    def folds(self) -> int:
        """Trials after which every example was left out equally often by the heads of the largest share."""
        return fraction_of(self.shares[-1]).denominator


def fraction_of(share: float) -> Fraction:
    """The simple fraction that the largest share stands for: .667 is 2/3."""
    return Fraction(share).limit_denominator(_MOST_FOLDS)


def shares_text(shares: tuple[float, ...]) -> str:
    """``0.05, 0.2, 0.8``."""
    return ", ".join(f"{one:g}" for one in shares)


def check_shares(shares: tuple[float, ...]) -> None:
    """Make sure that heads can see such shares."""
    if not shares or not all(0 < share < 1 for share in shares):
        raise BadInput(f"shares {list(shares)}: give numbers between 0 and 1, such as 0.05,0.2,0.8")
    if any(a >= b for a, b in pairwise(shares)):
        raise BadInput(f"shares {list(shares)}: have to ascend; sort them, each once")
    last = fraction_of(shares[-1])
    if last in (0, 1) or abs(float(last) - shares[-1]) > 1e-3:
        raise BadInput(
            f"share {shares[-1]:g}: leaves out less than a hundredth, or no simple part; give one such as "
            "0.5, 0.8 or 0.9"
        )
