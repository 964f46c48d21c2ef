"""Families of networks of this package, whose names carry numbers: ``wrn_16_4``."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from easiness.errors import BadInput
from easiness.inputs import Signature
from easiness.models.family import IMAGES, Inputs, Shape, cannot_take

if TYPE_CHECKING:
    from torch import nn

_WHOLE = "(0|[1-9][0-9]{0,5})"
"""No leading zeros, so that a network has one name."""


@dataclass(frozen=True)
class Numbered:
    """Networks named by ``form``, in which each word in capitals stands for a number.

    ``name`` is that of a module beside this one and of the function in it that builds them, from the
    examples' shape, the number of classes, of tokens the size of their ``vocabulary``, and the numbers.
    ``numbers`` gives the values that each word may have, ``min_side`` the smallest height and width of images
    in pixels, ``examples`` some members, for hints; ``takes`` says what examples have to be.
    """

    name: str
    form: str
    numbers: Mapping[str, range]
    min_side: int
    examples: tuple[str, ...]
    takes: Inputs = IMAGES

    published: ClassVar[None] = None

    def read(self, name: str) -> dict[str, int] | None:
        """The numbers in a name of this form, in or out of range; ``None`` for another form."""
        form = re.sub("|".join(self.numbers).upper(), _WHOLE, self.form) if self.numbers else self.form
        match = re.fullmatch(form, name)
        return dict(zip(self.numbers, map(int, match.groups()), strict=True)) if match else None

    def reads(self, name: str) -> bool:
        """Does the name have this form?"""
        return self.read(name) is not None

    def known(self) -> tuple[str, ...]:
        """Some members."""
        return self.examples

    def check(self, name: str) -> None:
        """Raise `BadInput` for numbers that do not work."""
        for word, value in (self.read(name) or {}).items():
            _check_number(name, word, value, self.numbers[word])

    def build(self, name: str, signature: Signature, num_classes: int) -> nn.Module:
        """The network, initialized from torch's global generator."""
        sides = signature.shape[1:]
        if min(sides, default=self.min_side) < self.min_side:
            height, width = sides
            raise BadInput(
                f"model {name!r}: needs images of at least {self.min_side} x {self.min_side} pixels; these "
                f"are {height} x {width}, so use larger images or an MLP such as mlp_3"
            )
        # its module loads torch
        builder = getattr(importlib.import_module(f"{__package__}.{self.name}"), self.name)
        given = {} if signature.vocabulary is None else {"vocabulary": signature.vocabulary}
        net: nn.Module = builder(signature.shape, num_classes, **given, **(self.read(name) or {}))
        return net

    def unsuited(self, name: str, input_shape: Shape, error: Exception) -> str:
        """The reason why the network cannot take such an example."""
        return cannot_take(name, input_shape, error)


def _check_number(name: str, word: str, value: int, allowed: range) -> None:
    if value in allowed:
        return
    rule = f"from {allowed[0]} to {allowed[-1]}"
    if allowed.step > 1:
        rule = f"{allowed.step}n+{allowed[0] % allowed.step} {rule}"
        if allowed[0] < value < allowed[-1]:
            below = value - (value - allowed[0]) % allowed.step
            rule += f", so {below} or {below + allowed.step} is the nearest"
    raise BadInput(f"model {name!r}: {word} {value} does not work; it must be {rule}")
