"""Networks given as objects of Python: a name for what builds them, by which a run tells them apart."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from easiness.errors import BadInput
from easiness.models.custom import built_by
from easiness.models.family import Shape, cannot_take
from easiness.models.identity import identity, importable_name

if TYPE_CHECKING:
    from torch import nn

ModelGiven: TypeAlias = str | Callable[..., Any]
"""A name, or what returns a new network when it is called: a function, a class, a ``functools.partial``."""

_MARK = "#"  # in no name that can be imported

_given: dict[str, Callable[..., Any]] = {}


def model_name(model: ModelGiven) -> str:
    """The name of a network: itself, ``package.module:callable``, or one by the source text of the callable.

    What a module has under its own name is named so, and any process finds it again. For others, such as a
    lambda or what a notebook defines, the name ends in a digest of their source text and of what it uses that
    cannot be imported either; only this process can build them.

    Raises:
        BadInput: it is a network that is built already, or it cannot be called.
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
    name = importable_name(model)
    if name is not None:
        return _of_a_library(name)
    title, digest = identity(model)
    name = f"{title}{_MARK}{digest}"
    _given[name] = model
    return name


def _of_a_library(name: str) -> str:
    """The name that the command has for it, where it is a function of torchvision or timm."""
    module, _, function = name.partition(":")
    for library, prefix in (("torchvision.models.", ""), ("timm.models.", "timm:")):
        if module.startswith(library) and function.islower():  # its classes are no networks of a size
            return f"{prefix}{function}"
    return name


def is_given(name: str) -> bool:
    """Does the name stand for an object of Python that other processes cannot import?"""
    return _MARK in name


class Given:
    """Networks whose callable was given in this process."""

    form = "what builds a network, in Python"
    published: ClassVar[None] = None
    users_own: ClassVar[bool] = True

    def reads(self, name: str) -> bool:
        """Has it the mark?"""
        return is_given(name)

    def known(self) -> tuple[str, ...]:
        """Nobody types such a name."""
        return ()

    def check(self, name: str) -> None:
        """Raise `BadInput` unless the callable was given in this process."""
        self._callable(name)

    def build(self, name: str, input_shape: Shape, num_classes: int) -> nn.Module:
        """The network as the callable leaves it."""
        title = name.partition(_MARK)[0]
        return built_by(self._callable(name), name, title, input_shape, num_classes)

    def unsuited(self, name: str, input_shape: Shape, error: Exception) -> str:
        """What went wrong."""
        return cannot_take(name, input_shape, error)

    def _callable(self, name: str) -> Callable[..., Any]:
        try:
            return _given[name]
        except KeyError:
            raise BadInput(
                f"model {name!r} was an object of Python in another process: first call easiness.measure "
                "with the same one and folder here, or define it in a module and measure with that"
            ) from None


GIVEN = Given()
