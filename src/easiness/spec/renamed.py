"""Arguments of public functions under the names that they used to have."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
Value = TypeVar("Value")


def renamed(**names: str) -> Callable[[Callable[P, Value]], Callable[P, Value]]:
    """``@renamed(old="new")``: the function takes ``old`` for ``new`` still, with a `DeprecationWarning`."""

    def with_old_names(function: Callable[P, Value]) -> Callable[P, Value]:
        @functools.wraps(function)
        def call(*args: P.args, **given: P.kwargs) -> Value:
            for old in names.keys() & given.keys():
                new = names[old]
                if new in given:
                    raise TypeError(f"{function.__name__}() was given {new}= and, under its old name, {old}=")
                text = f"{function.__name__}(): {old}= is now called {new}="
                warnings.warn(text, DeprecationWarning, stacklevel=2)
                given[new] = given.pop(old)
            return function(*args, **given)

        return call

    return with_old_names
