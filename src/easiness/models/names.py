"""What a model is called: names are read and checked here, before torch is needed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from easiness.errors import BadInput, nearest
from easiness.models.custom import CALLABLE_FORM, split_callable_name
from easiness.models.timm_nets import check_timm_name, is_timm_name
from easiness.models.torchvision_nets import torchvision_names

_WHOLE = "(0|[1-9][0-9]{0,5})"
"""No leading zeros, so that a network has one name."""


@dataclass(frozen=True)
class Family:
    """Networks named by ``form``, in which each word in capitals stands for a number.

    ``numbers`` gives the values that each word may have, ``min_side`` the smallest height and width in
    pixels, ``examples`` some members, for hints.
    """

    name: str
    form: str
    numbers: Mapping[str, range]
    min_side: int
    examples: tuple[str, ...]

    def read(self, name: str) -> dict[str, int] | None:
        """The numbers in a name of this form, in or out of range; ``None`` for another form."""
        match = re.fullmatch(re.sub("|".join(self.numbers).upper(), _WHOLE, self.form), name)
        return dict(zip(self.numbers, map(int, match.groups()), strict=True)) if match else None


# Two halvings leave one pixel of four, while of three DenseNet's poolings would leave none.
_HALVED_TWICE = 4

_FAMILIES = (
    Family("mlp", "mlp_DEPTH", {"depth": range(1, 65)}, 1, ("mlp_2", "mlp_3")),
    Family("mlp", "mlp_DEPTH_wWIDTH", {"depth": range(1, 65), "width": range(1, 16385)}, 1, ("mlp_3_w256",)),
    Family(
        "wrn",
        "wrn_DEPTH_WIDTH",
        {"depth": range(10, 401, 6), "width": range(1, 33)},
        _HALVED_TWICE,
        ("wrn_16_1", "wrn_16_4", "wrn_28_10", "wrn_40_4"),
    ),
    Family(
        "densenet_bc",
        "densenet_bc_DEPTH_GROWTH",
        {"depth": range(10, 401, 6), "growth": range(1, 129)},
        _HALVED_TWICE,
        ("densenet_bc_40_12", "densenet_bc_100_12"),
    ),
    Family(
        "resnext",
        "resnext_DEPTH_CARDINALITYxWIDTHd",
        {"depth": range(11, 402, 9), "cardinality": range(1, 129), "width": range(1, 129)},
        _HALVED_TWICE,
        ("resnext_29_4x64d", "resnext_29_8x64d", "resnext_29_32x4d"),
    ),
    Family(
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
)


def model_names() -> str:
    """The names that are known, for help and error texts (one line)."""
    forms = ", ".join(family.form for family in _FAMILIES)
    return (
        f"{forms} (such as mlp_3, wrn_16_4, resnext_29_4x64d), a name of torchvision's (such as resnet18, "
        f"vgg11_bn), timm:NAME or {CALLABLE_FORM}"
    )


def is_callable_name(name: str) -> bool:
    """Is this a name of the form ``package.module:callable``, right or wrong?"""
    return ":" in name and not is_timm_name(name)


def check_model_name(name: str) -> None:
    """Raise `BadInput` unless the name is known, naming the nearest, with numbers that work.

    Our own families are looked at first, without importing anything; torchvision and timm are imported
    only for a name that could be theirs. Of ``package.module:callable`` only the form is checked.
    """
    if is_timm_name(name):
        check_timm_name(name)
    elif is_callable_name(name):
        split_callable_name(name)
    elif read_model_name(name) is None:
        names = torchvision_names()
        if name not in (names or []):
            raise BadInput(_unknown(name, names))


def _unknown(name: str, torchvision: list[str] | None) -> str:
    known = [example for family in _FAMILIES for example in family.examples] + (torchvision or [])
    text = (
        f"model {name!r} is not known{nearest(name.lower().replace('-', '_'), known)}; give {model_names()}"
    )
    if torchvision is None:
        text += "; torchvision is not installed, for its names run: pip install torchvision"
    return text


def read_model_name(name: str) -> tuple[Family, dict[str, int]] | None:
    """The family and the numbers of a name such as ``wrn_16_4``; ``None`` for a name of another form.

    Raises `BadInput` for numbers that do not work.
    """
    for family in _FAMILIES:
        numbers = family.read(name)
        if numbers is not None:
            for word, value in numbers.items():
                _check_number(name, word, value, family.numbers[word])
            return family, numbers
    return None


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
