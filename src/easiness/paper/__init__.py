"""The paper's own experiments: each is a function here, and a command below ``easiness paper``."""

from __future__ import annotations

from typing import Any

from easiness.commands import PAPER

__all__ = [one.name.removeprefix("paper ") for one in PAPER]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from easiness.engine import find_function

    globals()[name] = find_function(f"paper {name}")
    return globals()[name]


def __dir__() -> list[str]:
    return __all__
