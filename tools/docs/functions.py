"""Give the functions of the front door, of which a stub has the types, their help and their defaults.

Griffe, which reads the source for the pages of Python, finds none of them there: they follow from values.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import griffe

from easiness.commands import COMMANDS, PAPER
from easiness.engine import find_function


class FrontDoor(griffe.Extension):
    """Named in zensical.toml."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Complete the functions of the package once it was read."""
        if pkg.name == "easiness":
            for one in (*COMMANDS, *PAPER):
                _complete(pkg[one.name.replace(" ", ".")], find_function(one.name))


def _complete(told: Any, function: Any) -> None:
    told.docstring = griffe.Docstring(inspect.getdoc(function) or "", parent=told)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not parameter.empty:
            default = parameter.default
            told.parameters[name].default = repr(str(default) if isinstance(default, Path) else default)
