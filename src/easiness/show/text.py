"""Numbers as text: counts, shares, durations and sizes, and how sure an estimate is."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

_SPACE = "\N{NO-BREAK SPACE}"
_SECONDS = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "days": 86400}
_BELOW = {"ms": 0.1, "s": 100, "min": 100 * 60, "h": 48 * 3600, "days": math.inf}  # seconds


def number(value: float | None, digits: int = 2, *, with_sign: bool = False) -> str:
    """A rate as text, ``with_sign`` with its ``+`` too; blank where there is none."""
    return "" if value is None or math.isnan(value) else f"{value:{'+' if with_sign else ''}.{digits}f}"


def interval_text(low: float | None, high: float | None, digits: int = 2, *, with_sign: bool = False) -> str:
    """An interval as ``0.12 to 0.34``; blank where there is none."""
    if low is None or math.isnan(low):
        return ""
    return f"{number(low, digits, with_sign=with_sign)} to {number(high, digits, with_sign=with_sign)}"


def with_interval(value: float, low: float, high: float, digits: int = 2, *, with_sign: bool = False) -> str:
    """An estimate with its interval: ``0.20 (0.12 to 0.34)``, or alone where it has none."""
    interval = interval_text(low, high, digits, with_sign=with_sign)
    return number(value, digits, with_sign=with_sign) + (f" ({interval})" if interval else "")


def plus_minus(value: float, error: float | None, digits: int = 3) -> str:
    """A mean with its deviation or standard error: ``0.912 ± 0.004``, or alone where it has none."""
    spread = number(error, digits)
    return f"{value:.{digits}f}" + (f" ± {spread}" if spread else "")


def with_mark(text: str, decisive: bool) -> str:
    """A value with a question mark where it decides nothing: ``0.20?``."""
    return text if decisive else f"{text}?"


def count(number: int) -> str:
    """``12,345``."""
    return f"{number:,}"


def quantity(number: int, what: str) -> str:
    """Things with their number: ``1 trial``, ``2 trials``, ``12,345 trials``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A measured share in [0, 1] as ``12.3 %``, with a space that does not break."""
    return f"{100 * share:.1f}{_SPACE}%"


def chosen_percent(share: float) -> str:
    """A share that was chosen, with no more digits than it has: ``10 %``."""
    return f"{100 * share:g}{_SPACE}%"


def whole_percent(probability: float) -> str:
    """A probability without needless digits: ``97 %``, and never quite certain: ``>99 %``, ``<1 %``."""
    if probability > 0.99:
        return f">99{_SPACE}%"
    if probability < 0.01:
        return f"<1{_SPACE}%"
    return f"{100 * probability:.0f}{_SPACE}%"


def enumeration(parts: Sequence[str]) -> str:
    """Names or phrases one after another: ``a, b and c``; blank where there are none."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def numbers_text(numbers: Iterable[int], most: int = 4) -> str:
    """Whole numbers in order, three or more that follow one another as a range: ``0 to 36, 38 and 39``.

    After ``most`` numbers and ranges, how many numbers are left: ``0, 2, 4, 6 and 17 more``.
    """
    rest = sorted(numbers)
    parts: list[str] = []
    while rest and len(parts) < most:
        first = rest[0]
        length = next((at for at, number in enumerate(rest) if number != first + at), len(rest))
        length = length if length > 2 else 1
        parts.append(f"{first} to {first + length - 1}" if length > 1 else str(first))
        del rest[:length]
    if len(rest) == 1:
        parts.append(str(rest[0]))
    elif rest:
        parts.append(f"{len(rest)} more")
    return enumeration(parts)


def trials_text(indices: Collection[int]) -> str:
    """Trials by their numbers: ``trial 3``, ``trials 3 and 4``, ``40 trials, 0 to 39``."""
    if len(indices) > 2:
        return f"{len(indices)} trials, {numbers_text(indices)}"
    return f"trial{'s' if len(indices) > 1 else ''} {numbers_text(indices)}"


def sentence_case(text: str) -> str:
    """A sentence with a capital letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def duration_text(seconds: float) -> str:
    """A duration for people: ``1.2 ms``, ``40 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    unit = next((unit for unit, end in _BELOW.items() if seconds < end), "days")
    return f"{_three_digits(seconds / _SECONDS[unit])} {unit}"


def size_text(num_bytes: int) -> str:
    """A size for people, in powers of 1000."""
    value, unit = float(num_bytes), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{_three_digits(value)} {unit}"
