"""Vectors that a function of the user's own makes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from easiness.data import Dataset
from easiness.errors import BadInput, is_out_of_memory, unless_exit
from easiness.features.source import FeatureKind, FeatureSource, Positions, Request, identity_of
from easiness.models import code_digest
from easiness.named_import import current_folder_importable, describe, find_attribute, split_name

_ABOUT = "Made by code of your own; what it has learned from is not known here."
_AT_ONCE = 64
_RATE = "rate"


class _Called(FeatureKind):
    def reads(self, text: str) -> bool:
        return split_name(text) is not None


def _by_name(request: Request) -> FeatureSource:
    """A function of a module that is installed or in the current folder."""
    parts = split_name(request.text)
    assert parts is not None
    with current_folder_importable():
        function = find_attribute(request.what, *parts)
    return by_function(function, request.text)


def by_function(function: Any, name: str | None = None) -> FeatureSource:
    """A function that is called with a list of decoded examples and gives an array [n, D].

    Pictures are uint8 [height, width, channels], texts are ``str``, sounds float32 [n]; a function with a
    parameter ``rate`` gets their samples a second as that. The identity is a digest of its code, and of all
    of the module that it is from where that can be read.
    """
    name = name or str(getattr(function, "__qualname__", type(function).__name__))
    if not callable(function):
        raise BadInput(
            f"features {name!r}: a {type(function).__name__}, which cannot be called; give a function"
        )
    identity = identity_of(form="callable", code=code_digest(function), source=_source_of(function))
    return FeatureSource(name, identity, _ABOUT, partial(_read, function, name))


def _source_of(function: Any) -> str | None:
    """The text of the module, so that a change of what the function uses there counts; if it can be read."""
    module = sys.modules.get(getattr(function, "__module__", None) or type(function).__module__)
    if module is None or module.__name__ == "__main__":
        return None
    try:
        return inspect.getsource(module)
    except (OSError, TypeError):
        return None


def _read(function: Callable[..., Any], name: str, split: Dataset, positions: Positions) -> Iterator[Any]:
    known = _known(function, split)
    for start in range(0, len(positions), _AT_ONCE):
        examples = split.map(positions[start : start + _AT_ONCE], split.kind.plain)
        try:
            with current_folder_importable():
                made = function(examples, **known)
            num = len(made)
        except (Exception, SystemExit) as error:
            if is_out_of_memory(error):
                raise
            raise BadInput(
                f"features {name!r}: called with {len(examples)} {split.kind.nouns} it raised "
                f"{describe(unless_exit(error))}; give what returns an array [n, D]"
            ) from error
        if num != len(examples):
            raise BadInput(
                f"features {name!r}: returned {num} vectors for {len(examples)} {split.kind.nouns}; return "
                "one for each"
            )
        yield made


def _known(function: Callable[..., Any], split: Dataset) -> dict[str, Any]:
    """The rate of sounds, for a function that asks for it."""
    rate = getattr(split.traits, _RATE, None)
    try:
        asked = rate is not None and _RATE in inspect.signature(function).parameters
    except (TypeError, ValueError):  # of what is built in nothing is known
        asked = False
    return {_RATE: rate} if asked else {}


CALLED = _Called("package.module:callable", _by_name)
