"""A family of networks: all that is asked of one by the names of its members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from easiness.inputs import Signature
from easiness.named_import import describe

if TYPE_CHECKING:
    from torch import nn

    from easiness.models.published import Published

Shape: TypeAlias = tuple[int, ...]
"""The shape of one example: (channels, height, width) of an image, (D,) of a vector, (L,) of tokens."""


@dataclass(frozen=True)
class Inputs:
    """What a network takes: ``what``, to people, and whether a signature ``suits`` it."""

    what: str
    suits: Callable[[Signature], bool]


IMAGES = Inputs("images", lambda given: len(given.shape) == 3 and given.vocabulary is None)
NUMBERS = Inputs("images or vectors", lambda given: given.vocabulary is None)
TOKENS = Inputs("texts", lambda given: len(given.shape) == 1 and given.vocabulary is not None)
ANYTHING = Inputs("anything", lambda _: True)


class Family(Protocol):
    """Networks whose names have one form. Only building one loads torch."""

    @property
    def form(self) -> str:
        """The form of the names, for help and error texts."""

    @property
    def published(self) -> Published | None:
        """Itself, where somebody publishes trained weights of these networks."""

    @property
    def takes(self) -> Inputs:
        """What examples have to be."""

    def reads(self, name: str) -> bool:
        """Is this a name of the form, right or wrong?"""

    def known(self) -> Sequence[str] | None:
        """Some names or all, for hints; ``None`` where the library that has them is not installed."""

    def check(self, name: str) -> None:
        """Raise `BadInput` unless a name of this form is right."""

    def build(self, name: str, signature: Signature, num_classes: int) -> nn.Module:
        """The network for examples of this ``signature``, with random weights."""

    def unsuited(self, name: str, input_shape: Shape, error: Exception) -> str:
        """Why the network cannot take such examples, where that is what ``error`` came from."""


def cannot_take(name: str, input_shape: Shape, error: Exception) -> str:
    """The text of `Family.unsuited` where there is no more to say."""
    return f"model {name!r} cannot take one example {(1, *input_shape)}: {describe(error)}"
