"""Every family of networks, and from a name to a network that fits the data; only building loads torch."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from easiness import inputs
from easiness.errors import BadInput, RunFailed, nearest, recast
from easiness.inputs import Signature
from easiness.lazy_torch import nn, torch
from easiness.models.family import CUSTOM, IMAGES, NUMBERS, TOKENS, Family, Inputs
from easiness.models.libraries import TIMM, TORCHVISION, Library
from easiness.named_import import describe
from easiness.spec import at_least

_WHOLE = "(0|[1-9][0-9]{0,5})"
"""No leading zeros, so that a network has one name."""


@dataclass(frozen=True)
class NumberedFamily(Family):
    """Networks named by ``form``, in which each word in capitals stands for a number.

    ``name`` is that of what builds them in a ``module`` beside this one, from the examples'
    shape, the number of classes, of tokens the size of their ``vocabulary``, and the numbers. ``numbers``
    gives the values that each word may have, ``min_side`` the smallest height and width of images in pixels,
    ``examples`` some members, for hints; ``takes`` says what examples have to be.
    """

    name: str
    form: str
    numbers: Mapping[str, range]
    min_side: int
    examples: tuple[str, ...]
    takes: Inputs = IMAGES
    module: str = "networks"

    def read(self, name: str) -> dict[str, int] | None:
        """The numbers in a name of this form, in or out of range; ``None`` for another form."""
        form = re.sub("|".join(self.numbers).upper(), _WHOLE, self.form) if self.numbers else self.form
        match = re.fullmatch(form, name)
        return dict(zip(self.numbers, map(int, match.groups()), strict=True)) if match else None

    def reads(self, name: str) -> bool:
        return self.read(name) is not None

    def names(self) -> tuple[str, ...]:
        return self.examples

    def check(self, name: str) -> None:
        for word, value in (self.read(name) or {}).items():
            values = self.numbers[word]
            if value in values:
                continue
            rule = f"from {values[0]} to {values[-1]}"
            if values.step > 1:
                rule = f"{values.step}n+{values[0] % values.step} {rule}"
            raise BadInput(f"model {name!r}: {word} {value} does not work; it must be {rule}")

    def build(self, name: str, signature: Signature, num_classes: int) -> nn.Module:
        sides = signature.shape[1:]
        if min(sides, default=self.min_side) < self.min_side:
            height, width = sides
            raise BadInput(
                f"model {name!r}: needs images of at least {self.min_side} x {self.min_side} pixels; these "
                f"are {height} x {width}, so use larger images or an MLP such as mlp_3"
            )
        # its module loads torch
        builder = getattr(importlib.import_module(f"{__package__}.{self.module}"), self.name)
        extra = {} if signature.vocabulary is None else {"vocabulary": signature.vocabulary}
        net: nn.Module = builder(signature.shape, num_classes, **extra, **(self.read(name) or {}))
        return net


# Two halvings leave one pixel of four, while of three DenseNet's poolings would leave none.
_HALVED_TWICE = 4

OWN: tuple[NumberedFamily, ...] = (
    NumberedFamily("mlp", "linear", {}, 1, ("linear",), takes=NUMBERS),
    NumberedFamily("mlp", "mlp_DEPTH", {"depth": range(1, 65)}, 1, ("mlp_2", "mlp_3"), takes=NUMBERS),
    NumberedFamily(
        "mlp",
        "mlp_DEPTH_wWIDTH",
        {"depth": range(1, 65), "width": range(1, 16385)},
        1,
        ("mlp_3_w256",),
        takes=NUMBERS,
    ),
    NumberedFamily(
        "wrn",
        "wrn_DEPTH_WIDTH",
        {"depth": range(10, 401, 6), "width": range(1, 33)},
        _HALVED_TWICE,
        ("wrn_16_1", "wrn_16_4", "wrn_28_10", "wrn_40_4"),
    ),
    NumberedFamily(
        "densenet_bc",
        "densenet_bc_DEPTH_GROWTH",
        {"depth": range(10, 401, 6), "growth": range(1, 129)},
        _HALVED_TWICE,
        ("densenet_bc_40_12", "densenet_bc_100_12"),
    ),
    NumberedFamily(
        "resnext",
        "resnext_DEPTH_CARDINALITYxWIDTHd",
        {"depth": range(11, 402, 9), "cardinality": range(1, 129), "width": range(1, 129)},
        _HALVED_TWICE,
        ("resnext_29_4x64d", "resnext_29_8x64d", "resnext_29_32x4d"),
    ),
    NumberedFamily(
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
    NumberedFamily("Bag", "bag", {}, 1, ("bag",), takes=TOKENS),
    NumberedFamily("Bag", "bag_DIM", {"dim": range(1, 513)}, 1, ("bag_8",), takes=TOKENS),
    NumberedFamily("TextCNN", "text_cnn", {}, 1, ("text_cnn",), takes=TOKENS),
)

FAMILIES: tuple[Family, ...] = (*OWN, TORCHVISION, TIMM, CUSTOM)
"""A name belongs to the first that reads it: ours are looked at before anything is imported."""


def model_names() -> str:
    """The names that are known, for help and error texts (one line)."""
    own = ", ".join(family.form for family in OWN)
    *others, last = (family.form for family in FAMILIES[len(OWN) :])
    return f"{own} (such as mlp_3, wrn_16_4, resnext_29_4x64d), {', '.join(others)} or {last}"


def find_family(name: str) -> Family:
    """The family of a name; `BadInput`, naming the nearest, unless it is known, with numbers that work.

    Our own families are looked at first, without importing anything; torchvision and timm are imported
    only for a name that could be theirs. A ``package.module:callable`` is checked for its form alone.
    """
    family = _reader(name)
    if family is None:
        raise BadInput(_unknown(name))
    family.check(name)
    return family


def build_model(
    name: str,
    signature: Signature | tuple[int, ...] | None = None,
    num_classes: int = 0,
    pretrained: Path | None = None,
    *,
    input_shape: tuple[int, ...] | None = None,
) -> nn.Module:
    """The network ``name`` for examples of this ``signature``, with ``num_classes`` logits.

    A shape, here or as ``input_shape``, stands for the signature of float32 values: (c, h, w) of images, (D,)
    of vectors. One of tokens has (L,) and a vocabulary. Initialized from torch's global generator, in
    training mode, on the CPU (one from ``package.module:callable`` as the callable leaves it). It has been
    seen to give [1, num_classes] for one example. torchvision's networks, and timm's with pretrained weights,
    see a grey image as three equal channels.

    ``pretrained`` is a file of weights, such as `pretrained_file` gives, for everything but the
    classifier; that too where it has as many classes. The random numbers drawn are the same without it.

    Raises `BadInput` for an unknown name, a number in it that does not work, a library that is not
    installed, examples that do not suit the network, a file of weights that does not fit, and a callable
    that fails or gives anything but such a network.
    """
    form = input_shape if signature is None else signature
    kind = Signature.of(form or ())
    shape = kind.shape
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise BadInput(f"input_shape {shape}: give (channels, height, width) or (values,), each at least 1")
    at_least("num_classes", num_classes, 2)
    family = find_family(name)
    if not family.takes.suits(kind):
        raise BadInput(_other_kind(name, family, kind))
    if pretrained is None:
        net = family.build(name, kind, num_classes)
    else:
        net = _library_of(family, name).build_from(pretrained, name, shape, num_classes)
    _check_output(net, family, name, kind, num_classes)
    return net


def _other_kind(name: str, family: Family, signature: Signature) -> str:
    tokens = signature.vocabulary is not None
    kinds = [
        kind for kind in inputs.KINDS if len(kind.axes) == len(signature.shape) and kind.tokens == tokens
    ]
    if kinds:
        nouns = " or ".join(kind.nouns for kind in kinds)
        networks = " or ".join(dict.fromkeys(name for kind in kinds for name in kind.networks))
        return f"model {name!r}: it takes {family.takes.what} and these are {nouns}; give {networks}"
    shape = signature.shape
    return f"model {name!r}: it takes {family.takes.what}, not examples of shape {shape}; give another"


def _check_output(net: nn.Module, family: Family, name: str, signature: Signature, num_classes: int) -> None:
    """One example in evaluation mode; neither modes nor random numbers are different afterwards."""
    modes = [(module, module.training) for module in net.modules()]
    parameter = next(net.parameters(), None)
    example = signature.blank(device=None if parameter is None else parameter.device)
    try:
        net.eval()
        # A network of the user's own may draw random numbers even in evaluation mode.
        refusal = recast(lambda error: BadInput(family.refusal(name, signature.shape, error)))
        with torch.no_grad(), torch.random.fork_rng(devices=[]), refusal:
            output = net(example)
    finally:
        for module, training in modes:
            module.training = training
    if not isinstance(output, torch.Tensor):
        raise BadInput(f"model {name!r}: gives {type(output).__name__} for an example; it must give a tensor")
    if tuple(output.shape) != (1, num_classes) or not output.is_floating_point():
        raise BadInput(
            f"model {name!r}: gives {output.dtype} {tuple(output.shape)} for one example; it must give "
            f"floating-point logits (1, {num_classes})"
        )
    if not any(parameter.requires_grad for parameter in net.parameters()):
        raise BadInput(f"model {name!r}: has no parameter that can be trained; give another network")


def pretrained_file(name: str, *, download: bool = False) -> Path:
    """The file on this disk with the weights that torchvision or timm publish for the network ``name``.

    torchvision's are the ones it calls ``DEFAULT``; timm's those of the tag in the name, or its first.
    Nothing is downloaded without ``download``, which fetches a file that is not there.
    """
    family = _library_of(find_family(name), name)
    path = family.weights_file(name)
    if path is None and download:
        text = f"model {name!r}: its weights cannot be downloaded ({{}})"
        with recast(lambda error: RunFailed(text.format(describe(error)))):
            family.fetch(name)
        path = family.weights_file(name)
    if path is None:
        raise BadInput(
            f"model {name!r}: its weights are not on this disk; fetch them in Python, "
            f"easiness.models.pretrained_file({name!r}, download=True)"
        )
    return path


def _library_of(family: Family, name: str) -> Library:
    if not isinstance(family, Library):
        raise BadInput(
            f"model {name!r}: has no pretrained weights; leave out --pretrained, or choose a model of "
            "torchvision's or timm:NAME"
        )
    return family


def module_of(name: str) -> str | None:
    """The module of somebody's own that building the network imports; ``None`` where there is none."""
    return name.partition(":")[0] if ":" in name and _reader(name) is CUSTOM else None


def missing_code(name: str) -> str:
    """Why code of somebody's own that builds the network cannot be had here; empty where nothing is missing.

    Its module is imported.
    """
    if module_of(name) is not None:
        try:
            CUSTOM.find(name)
        except BadInput as error:
            return str(error)
    return ""


def _reader(name: str) -> Family | None:
    return next((family for family in FAMILIES if family.reads(name)), None)


def _unknown(name: str) -> str:
    examples = [example for family in FAMILIES for example in family.names() or ()]
    text = (
        f"model {name!r} is not known{nearest(name.lower().replace('-', '_'), examples)}; "
        f"give {model_names()}"
    )
    if TORCHVISION.names() is None:
        text += "; torchvision is not installed, for its names run: pip install torchvision"
    return text
