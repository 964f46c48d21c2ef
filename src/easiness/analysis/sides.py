"""The two sides of a set of examples, what to do with ties, and how many examples a fraction is."""

from __future__ import annotations

from typing import Literal

from easiness.errors import BadInput

Side = Literal["easy", "hard"]
Ties = Literal["expected", "strict", "refine"]
SIDES: tuple[Side, ...] = ("easy", "hard")


def check_fraction(fraction: float) -> None:
    """Raise `BadInput` unless the fraction is in (0, 1]."""
    if not 0 < fraction <= 1:
        raise BadInput(f"fraction {fraction} is not in (0, 1]: give a share such as 0.1")


def num_selected(num_examples: int, fraction: float) -> int:
    """k, the nearest whole number to ``fraction * num_examples`` (half goes up).

    Raises:
        BadInput: the fraction is not in (0, 1], or selects no example.
    """
    check_fraction(fraction)
    k = int(fraction * num_examples + 0.5)
    if k == 0:
        raise BadInput(
            f"fraction {fraction} is too small: it selects none of {num_examples} examples; "
            "give a larger fraction or more examples"
        )
    return k
