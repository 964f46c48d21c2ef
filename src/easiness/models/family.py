"""Families of networks: what is asked of one by the names of its members, and the user's own.

They are named as ``package.module:callable``, or given as objects of Python.
"""

from __future__ import annotations

import functools
import inspect
import re
import secrets
import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from easiness.errors import BadInput, recast
from easiness.inputs import Signature
from easiness.lazy_torch import nn
from easiness.named_import import current_folder_importable, describe, find_attribute, split_name

Shape: TypeAlias = tuple[int, ...]
"""The shape of one example: (channels, height, width) of an image, (D,) of a vector, (L,) of tokens."""


@dataclass(frozen=True)
class Inputs:
    """Examples that a network takes: ``what`` they are, to people, and whether a signature ``suits`` it."""

    what: str
    suits: Callable[[Signature], bool]


IMAGES = Inputs("images", lambda one: len(one.shape) == 3 and one.vocabulary is None)
NUMBERS = Inputs("images or vectors", lambda one: one.vocabulary is None)
TOKENS = Inputs("texts", lambda one: len(one.shape) == 1 and one.vocabulary is not None)
ANYTHING = Inputs("anything", lambda _: True)


class Family:
    """Networks whose names have one ``form``; ``takes`` says what examples must be. Building loads torch."""

    form: str
    takes: Inputs = ANYTHING

    def reads(self, name: str) -> bool:
        """Is this a name of the form, right or wrong?"""
        raise NotImplementedError

    def names(self) -> Sequence[str] | None:
        """Some names or all, for hints; ``None`` where the library that has them is not installed."""
        return ()

    def check(self, name: str) -> None:
        """Raise `BadInput` unless a name of this form is right."""

    def build(self, name: str, signature: Signature, num_classes: int) -> nn.Module:
        raise NotImplementedError

    def refusal(self, name: str, input_shape: Shape, error: Exception) -> str:
        """Why the network cannot take such examples, where that is what ``error`` came from."""
        return f"model {name!r} cannot take one example {(1, *input_shape)}: {describe(error)}"


ModelGiven: TypeAlias = str | Callable[..., Any]
"""A name, or what returns a new network when it is called: a function, a class, a ``functools.partial``."""

CALLABLE_FORM = "package.module:callable"
_MARK = "#"  # in no name that can be imported

_OBJECTS: dict[str, Callable[..., Any]] = {}
_NETWORKS: weakref.WeakSet[nn.Module] = weakref.WeakSet()


class Custom(Family):
    """Networks that a callable of the user's builds: one that any process imports, or one given in this."""

    form = CALLABLE_FORM

    def reads(self, name: str) -> bool:
        return ":" in name or is_given(name)  # what else has to be right is for `check`

    def check(self, name: str) -> None:
        if is_given(name):
            self.find(name)
        else:
            _parts_of(name)  # nothing is imported

    def build(self, name: str, signature: Signature, num_classes: int) -> nn.Module:
        """The network as the callable leaves it.

        Modules in the current folder are found, as with ``python -m``, also by imports inside the call.
        """
        with current_folder_importable():
            return _built_by(self.find(name), name, signature, num_classes)

    def find(self, name: str) -> Any:
        """The callable, of a module that is imported, in the current folder as well."""
        if name in _OBJECTS:
            return _OBJECTS[name]
        if is_given(name):
            raise BadInput(
                f"model {name!r}: was an object of Python in another process, so that its run cannot go on "
                f"here; define it in a module and measure with {CALLABLE_FORM}"
            )
        with current_folder_importable():
            return find_attribute(f"model {name!r}", *_parts_of(name))


CUSTOM = Custom()


def is_given(name: str) -> bool:
    """Does the name stand for an object of Python that other processes cannot import?"""
    return _MARK in name


def model_name(model: ModelGiven) -> str:
    """The name of a network: itself, ``package.module:callable``, or one that only this process knows.

    An object that a module has under its own name is named so, and any process finds it again. A lambda, or
    what a notebook defines, can be built by this process alone.
    """
    if isinstance(model, str):
        return model
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        kind = type(model).__name__
        raise BadInput(
            f"model: a {kind} that is built already, while each trial needs new weights; give what builds "
            f"one, such as the class or `lambda: {kind}(...)`"
        )
    if not callable(model):
        raise BadInput(f"model {model!r}: give the name of a network, or what returns a new one when called")
    name = callable_name(model)
    module, _, function = name.partition(":")
    for library, prefix in (("torchvision.models.", ""), ("timm.models.", "timm:")):
        if module.startswith(library) and function.islower():  # its classes are no networks of a size
            return f"{prefix}{function}"  # as the command has it
    return name


def callable_name(value: Any) -> str:
    """``package.module:name`` where importing that gives this very object, else a name of this process."""
    module, attribute = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    full = f"{module}:{attribute}"
    there = None if module == "__main__" or split_name(full) is None else sys.modules.get(str(module))
    if there is not None and vars(there).get(str(attribute)) is value:
        return full
    own_name = next((name for name, one in _OBJECTS.items() if one is value), None)
    if own_name is None:
        own_name = f"{_title(value)}{_MARK}{secrets.token_hex(6)}"
        _OBJECTS[own_name] = value
    return own_name


def _title(value: Any) -> str:
    while isinstance(value, functools.partial):
        value = value.func
    name = getattr(value, "__name__", type(value).__name__)
    return re.sub(r"\W", "", name) or "model"


def _parts_of(name: str) -> tuple[str, str]:
    """Module and attribute of ``package.module:callable``; `BadInput` for any other form."""
    parts = split_name(name)
    if parts is None:
        raise BadInput(
            f"model {name!r}: write {CALLABLE_FORM}, with a module's dotted name (not a file) and a function"
        )
    return parts


def _built_by(function: Callable[..., Any], name: str, signature: Signature, num_classes: int) -> nn.Module:
    """The network that ``function`` returns for ``input_shape=(c, h, w), num_classes=n``; it may take fewer.

    Tokens have the shape (L,) and ``vocabulary=m``, their number.
    """
    offer: dict[str, Any] = {"input_shape": signature.shape, "num_classes": num_classes}
    if signature.vocabulary is not None:
        offer["vocabulary"] = signature.vocabulary
    title = name.rpartition(":")[2].partition(_MARK)[0]
    arguments = _arguments(function, name, title, offer)
    call = ", ".join(f"{key}={value}" for key, value in arguments.items())
    with recast(
        lambda error: BadInput(
            f"model {name!r}: {title}({call}) raised {describe(error).removeprefix('it called ')}"
        )
    ):
        net = function(**arguments)
    if not isinstance(net, nn.Module):
        raise BadInput(f"model {name!r}: returned {type(net).__name__}; it must return a torch.nn.Module")
    if net in _NETWORKS:
        raise BadInput(
            f"model {name!r}: returned the same network again; it must build another each time it is called, "
            "since each trial needs new weights"
        )
    _NETWORKS.add(net)
    return net


def _arguments(function: Callable[..., Any], name: str, title: str, offer: dict[str, Any]) -> dict[str, Any]:
    """The arguments among those on ``offer`` that a function takes by name."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # it has none to look at
        return offer
    by_name = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    anything = any(one.kind is one.VAR_KEYWORD for one in parameters)
    missing = [one.name for one in by_name if one.default is one.empty and one.name not in offer]
    if missing:
        raise BadInput(
            f"model {name!r}: {title} needs {', '.join(missing)}, but it is given input_shape=(c, h, w) and "
            "num_classes=n alone, for texts also vocabulary=m; give the rest a default, or set it by "
            "functools.partial"
        )
    names = {one.name for one in by_name}
    return {key: value for key, value in offer.items() if anything or key in names}
