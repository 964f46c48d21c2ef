"""The obvious slip with a function of runs: it is given the folder of one."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from easiness.errors import BadInput

_P = ParamSpec("_P")
_R = TypeVar("_R")


def takes_runs(*names: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Decorates a public function whose parameters of these names are runs, or lists of runs.

    Called with a path instead of one, it raises `BadInput` that says to open the run. The signature stays.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            # without what is missing, of which the call itself complains
            given = signature.bind_partial(*args, **kwargs).arguments
            for name in names:
                _check(function.__name__, name, given.get(name))
            return function(*args, **kwargs)

        return checked

    return decorate


def _check(function: str, name: str, value: object) -> None:
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, str | os.PathLike):
            path = os.fspath(one)
            raise BadInput(
                f"{function}: {name} is {path!r}, a path: open the run first, easiness.open_run({path!r})"
            )
