"""How numbers read on a page."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from easiness.show.amounts import duration_text

_BELOW = {"s": 60, "min": 3600, "h": math.inf}  # seconds from which on the next unit is used


def count(number: int) -> str:
    """``12,345``."""
    return f"{number:,}"


def counted(number: int, what: str) -> str:
    """Things with their number: ``1 trial``, ``2 trials``, ``12,345 trials``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A measured share in [0, 1] as ``12.3 %``, with a space that does not break."""
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def whole_percent(probability: float) -> str:
    """A probability without needless digits: ``97 %``, and never quite certain: ``>99 %``, ``<1 %``."""
    if probability > 0.99:
        return ">99\N{NO-BREAK SPACE}%"
    if probability < 0.01:
        return "<1\N{NO-BREAK SPACE}%"
    return f"{100 * probability:.0f}\N{NO-BREAK SPACE}%"


def numbers_text(numbers: Iterable[int], most: int = 4) -> str:
    """Whole numbers in order, three or more that follow one another as a range: ``0 to 36, 38 and 39``.

    After ``most`` numbers and ranges, how many numbers are left: ``0, 2, 4, 6 and 17 more``.
    """
    ordered = sorted(numbers)
    parts: list[str] = []
    while ordered and len(parts) < most:
        first = ordered[0]
        length = next((at for at, number in enumerate(ordered) if number != first + at), len(ordered))
        length = length if length > 2 else 1
        parts.append(f"{first} to {first + length - 1}" if length > 1 else str(first))
        del ordered[:length]
    if len(ordered) == 1:
        parts.append(str(ordered[0]))
    elif ordered:
        parts.append(f"{len(ordered)} more")
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def trials_text(indices: Collection[int]) -> str:
    """Trials by their numbers: ``trial 3``, ``trials 3 and 4``, ``40 trials, 0 to 39``."""
    if len(indices) > 2:
        return f"{len(indices)} trials, {numbers_text(indices)}"
    return f"trial{'s' if len(indices) > 1 else ''} {numbers_text(indices)}"


def capitalized(text: str) -> str:
    """A sentence with a capital letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def chosen_percent(share: float) -> str:
    """A share that was chosen, with no more digits than it has: ``10 %``."""
    return f"{100 * share:g}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """``8.1 s``, ``12.5 min`` or ``3.2 h``."""
    return duration_text(seconds, _BELOW, "{:.1f}".format).replace(" ", "\N{NO-BREAK SPACE}")
