"""Documents of JSON, altered so that they stay JSON: what passes a parser and not a reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *("", "0", "x" * 3000, "../../etc/passwd", "/dev/zero", "\x00", "\ud800", "a\nb", "NaN", "CON", "."),
    *([], {}, [[]], [None], {"": {}}, [0] * 1000, {"a": 1, "b": [1, 2]}),
)
"""What takes the place of a value."""


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a document something stands, as keys and indices from the top; but the top itself."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*at, key)
        yield from places(inner, (*at, key))


def altered_value(rng: np.random.Generator, value: Any) -> tuple[Any, str]:
    """A copy of a JSON value with one to three alterations, and where they are."""
    value = json.loads(json.dumps(value))
    where = []
    for _ in range(int(rng.choice((1, 1, 1, 2, 3)))):
        found = list(places(value))
        if not found:
            return _other(rng, value), "top"
        place = found[rng.integers(len(found))]
        where.append("/".join(map(str, place)) + " " + _alter(rng, value, place))
    return value, ", ".join(where)


def _alter(rng: np.random.Generator, value: Any, place: tuple[Any, ...]) -> str:
    """Alter what stands at a place, where it stands; says how."""
    holder = value
    for key in place[:-1]:
        holder = holder[key]
    key, kind = place[-1], rng.choice(("other", "other", "other", "drop", "more", "nest", "near"))
    if kind == "other":
        holder[key] = _other(rng, holder[key])
    elif kind == "drop":
        del holder[key]
    elif kind == "nest":
        for _ in range(int(rng.choice((1, 50)))):
            holder[key] = [holder[key]]
    elif kind == "near":
        holder[key] = _near(rng, holder[key])
    elif isinstance(holder, list):
        holder.insert(int(rng.integers(len(holder) + 1)), holder[key])
    else:
        holder[f"{key}_"] = holder[key]
    return str(kind)


def _other(rng: np.random.Generator, _value: Any) -> Any:
    return json.loads(json.dumps(VALUES[rng.integers(len(VALUES))]))


def _near(rng: np.random.Generator, value: Any) -> Any:
    """Of the same type, so that a look at types alone lets it pass."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return [value + 1, value - 1, -value, value * 2, 10**9, 2**40][rng.integers(6)]
    if isinstance(value, str):
        return [value + "x", value[:-1], value.upper(), "\u202e" + value, value * 2][rng.integers(5)]
    if isinstance(value, list):
        return [value[:-1], value * 2, value[::-1], value[:1] * 100_000][rng.integers(4)]
    return {} if value is None else dict(list(value.items())[:-1])


def text_of(rng: np.random.Generator, value: Any) -> bytes:
    """The value as a file, sometimes with a key said twice or nested without end."""
    text = json.dumps(value, indent=int(rng.integers(0, 2)))
    if rng.random() < 0.05 and text.startswith("{"):
        text = '{"format": 1, ' + text[1:]
    if rng.random() < 0.03:
        text = text.replace("{", '{"a":' * int(rng.choice((1, 1000, 100_000))), 1)
    return text.encode(errors="surrogatepass")
