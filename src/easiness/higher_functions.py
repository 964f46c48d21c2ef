"""Functions of higher layers, for the methods of values in lower ones.

A run lies below the pages that show it, and ``run.report("x.html")`` writes one all the same. So the package
says, where it begins, in which module such a function is; it is imported when it is first called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

_MODULES: dict[str, str] = {}


def offer(name: str, module: str) -> None:
    """Say that the function ``name`` is in ``module``."""
    _MODULES[name] = module


def offered(name: str) -> Callable[..., Any]:
    """The function that was offered by this name."""
    function: Callable[..., Any] = getattr(importlib.import_module(_MODULES[name]), name)
    return function
