"""Which of many alike run each time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def long_but(names: Iterable[object], short: Collection[object]) -> list[Any]:
    """The names as parameters; all but the ``short`` ones are of long tests. A tuple is several values."""
    return [
        pytest.param(
            *(name if isinstance(name, tuple) else (name,)), marks=() if name in short else pytest.mark.long
        )
        for name in names
    ]
