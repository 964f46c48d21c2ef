"""How numbers read on a page."""

from __future__ import annotations

import math

from easiness.show.amounts import duration_text

_BELOW = {"s": 60, "min": 3600, "h": math.inf}  # seconds from which on the next unit is used


def count(number: int) -> str:
    """``12,345``."""
    return f"{number:,}"


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


def capitalized(text: str) -> str:
    """A sentence with a capital letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def chosen_percent(share: float) -> str:
    """A share that was chosen, with no more digits than it has: ``10 %``."""
    return f"{100 * share:g}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """``8.1 s``, ``12.5 min`` or ``3.2 h``."""
    return duration_text(seconds, _BELOW, "{:.1f}".format).replace(" ", "\N{NO-BREAK SPACE}")
