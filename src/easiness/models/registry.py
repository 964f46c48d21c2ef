"""Every family of networks, and the one that a name belongs to. None of it loads torch."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from easiness.errors import BadInput, RunFailed, caught, nearest
from easiness.inputs import Signature
from easiness.models.custom import CUSTOM, GIVEN
from easiness.models.family import IMAGES, NUMBERS, TOKENS, Family, Inputs, Shape, cannot_take
from easiness.models.published import Published
from easiness.models.timm_nets import TIMM
from easiness.models.torchvision_nets import TORCHVISION
from easiness.named_import import describe

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


# Two halvings leave one pixel of four, while of three DenseNet's poolings would leave none.
_HALVED_TWICE = 4

OWN: tuple[Numbered, ...] = (
    Numbered("mlp", "linear", {}, 1, ("linear",), takes=NUMBERS),
    Numbered("mlp", "mlp_DEPTH", {"depth": range(1, 65)}, 1, ("mlp_2", "mlp_3"), takes=NUMBERS),
    Numbered(
        "mlp",
        "mlp_DEPTH_wWIDTH",
        {"depth": range(1, 65), "width": range(1, 16385)},
        1,
        ("mlp_3_w256",),
        takes=NUMBERS,
    ),
    Numbered(
        "wrn",
        "wrn_DEPTH_WIDTH",
        {"depth": range(10, 401, 6), "width": range(1, 33)},
        _HALVED_TWICE,
        ("wrn_16_1", "wrn_16_4", "wrn_28_10", "wrn_40_4"),
    ),
    Numbered(
        "densenet_bc",
        "densenet_bc_DEPTH_GROWTH",
        {"depth": range(10, 401, 6), "growth": range(1, 129)},
        _HALVED_TWICE,
        ("densenet_bc_40_12", "densenet_bc_100_12"),
    ),
    Numbered(
        "resnext",
        "resnext_DEPTH_CARDINALITYxWIDTHd",
        {"depth": range(11, 402, 9), "cardinality": range(1, 129), "width": range(1, 129)},
        _HALVED_TWICE,
        ("resnext_29_4x64d", "resnext_29_8x64d", "resnext_29_32x4d"),
    ),
    Numbered(
        "resnext",
        "resnext_DEPTH_CARDINALITYxWIDTHd_bBASE",
        {
            "depth": range(11, 402, 9),
            "cardinality": range(1, 129),
            "width": range(1, 129),
            "base": range(1, 257),
        },
        _HALVED_TWICE,
        ("resnext_11_2x8d_b16",),
    ),
    Numbered("bag", "bag", {}, 1, ("bag",), takes=TOKENS),
    Numbered("bag", "bag_DIM", {"dim": range(1, 513)}, 1, ("bag_8",), takes=TOKENS),
    Numbered("text_cnn", "text_cnn", {}, 1, ("text_cnn",), takes=TOKENS),
)

FAMILIES: tuple[Family, ...] = (*OWN, GIVEN, TORCHVISION, TIMM, CUSTOM)
"""A name belongs to the first that reads it: ours are looked at before anything is imported."""


def model_names() -> str:
    """The names that are known, for help and error texts (one line)."""
    own = ", ".join(family.form for family in OWN)
    *others, last = (family.form for family in FAMILIES if family not in (*OWN, GIVEN))
    return f"{own} (such as mlp_3, wrn_16_4, resnext_29_4x64d), {', '.join(others)} or {last}"


def check_model_name(name: str) -> None:
    """Raise `BadInput` unless the name is known, naming the nearest, with numbers that work.

    Our own families are looked at first, without importing anything; torchvision and timm are imported
    only for a name that could be theirs. Of ``package.module:callable`` only the form is checked.
    """
    find_family(name)


def find_family(name: str) -> Family:
    """The family of a name."""
    family = _reader(name)
    if family is None:
        raise BadInput(_unknown(name))
    family.check(name)
    return family


def pretrained_file(name: str, *, download: bool = False) -> Path:
    """The file on this disk with the weights that torchvision or timm publish for the network ``name``.

    Of torchvision's, the ones it calls ``DEFAULT``; of timm's, those of the tag in the name, or its first.
    Nothing is downloaded without ``download``, which fetches a file that is not there.
    """
    family = published(find_family(name), name)
    try:
        return family.weights_file(name)
    except BadInput:
        if not download:
            raise
    with caught(
        lambda error: RunFailed(f"model {name!r}: its weights cannot be downloaded ({describe(error)})")
    ):
        family.fetch(name)
    return family.weights_file(name)


def published(family: Family, name: str) -> Published:
    """The family of ``name`` as one with weights."""
    if family.published is None:
        raise BadInput(
            f"model {name!r}: has no pretrained weights; leave out --pretrained, or choose a model of "
            "torchvision's or timm:NAME"
        )
    return family.published


def is_users_own(name: str) -> bool:
    """Does the name stand for code of the user's own, so that tomorrow it may mean something else?"""
    return _reader(name) in (GIVEN, CUSTOM)


def module_of(name: str) -> str | None:
    """The module of somebody's own that building the network imports; ``None`` where there is none."""
    return name.partition(":")[0] if _is_custom(name) else None


def missing_code(name: str) -> str:
    """Why code of somebody's own that builds the network cannot be had here; empty where nothing is missing.

    Its module is imported.
    """
    if _is_custom(name):
        try:
            CUSTOM.find(name)
        except BadInput as error:
            return str(error)
    return ""


def _is_custom(name: str) -> bool:
    """Is it a name of the user's own code? Others are told apart first without libraries being loaded."""
    return CUSTOM.reads(name) and _reader(name) is CUSTOM


def _reader(name: str) -> Family | None:
    return next((family for family in FAMILIES if family.reads(name)), None)


def _unknown(name: str) -> str:
    known = [example for family in FAMILIES for example in family.known() or ()]
    text = (
        f"model {name!r} is not known{nearest(name.lower().replace('-', '_'), known)}; give {model_names()}"
    )
    if TORCHVISION.known() is None:
        text += "; torchvision is not installed, for its names run: pip install torchvision"
    return text
