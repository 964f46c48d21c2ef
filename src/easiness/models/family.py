"""A family of networks: all that is asked of one by the names of its members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from easiness.inputs import Signature
from easiness.named_import import describe

if TYPE_CHECKING:
    from torch import nn

Shape: TypeAlias = tuple[int, ...]
"""The shape of one example: (channels, height, width) of an image, (D,) of a vector, (L,) of tokens."""


@dataclass(frozen=True)
class Inputs:
    """Examples that a network takes: ``what`` they are, to people, and whether a signature ``suits`` it."""

    what: str
    suits: Callable[[Signature], bool]


IMAGES = Inputs("images", lambda given: len(given.shape) == 3 and given.vocabulary is None)
NUMBERS = Inputs("images or vectors", lambda given: given.vocabulary is None)
TOKENS = Inputs("texts", lambda given: len(given.shape) == 1 and given.vocabulary is not None)
ANYTHING = Inputs("anything", lambda _: True)


class Family:
    """Networks whose names have one ``form``; ``takes`` says what examples must be. Building loads torch."""

    form: str
    takes: Inputs = ANYTHING

    def reads(self, name: str) -> bool:
        """Is this a name of the form, right or wrong?"""
        raise NotImplementedError

    def known(self) -> Sequence[str] | None:
        """Some names or all, for hints; ``None`` where the library that has them is not installed."""
        return ()

    def check(self, name: str) -> None:
        """Raise `BadInput` unless a name of this form is right."""

    def build(self, name: str, signature: Signature, num_classes: int) -> nn.Module:
        """The network for examples of this ``signature``, with random weights."""
        raise NotImplementedError

    def unsuited(self, name: str, input_shape: Shape, error: Exception) -> str:
        """Why the network cannot take such examples, where that is what ``error`` came from."""
        return f"model {name!r} cannot take one example {(1, *input_shape)}: {describe(error)}"
