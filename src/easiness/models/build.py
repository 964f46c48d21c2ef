"""From a name to a network that fits the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput, caught
from easiness.inputs import Signature
from easiness.models.family import Family
from easiness.models.registry import find_family, published

if TYPE_CHECKING:
    from torch import nn


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
    given = input_shape if signature is None else signature
    wanted = Signature.of(given or ())
    shape = wanted.shape
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise BadInput(f"input_shape {shape}: give (channels, height, width) or (values,), each at least 1")
    if num_classes < 2:
        raise BadInput(f"num_classes {num_classes}: give at least 2")
    family = find_family(name)
    if not family.takes.suits(wanted):
        raise BadInput(_other_kind(name, family, wanted))
    if pretrained is None:
        net = family.build(name, wanted, num_classes)
    else:
        net = published(family, name).build_from(pretrained, name, shape, num_classes)
    _check_output(net, family, name, wanted, num_classes)
    return net


def _other_kind(name: str, family: Family, given: Signature) -> str:
    from easiness.inputs import KINDS  # which load what reads examples, for help in vain

    tokens = given.vocabulary is not None
    kinds = [kind for kind in KINDS if len(kind.axes) == len(given.shape) and kind.tokens == tokens]
    if kinds:
        nouns = " or ".join(kind.nouns for kind in kinds)
        networks = " or ".join(dict.fromkeys(name for kind in kinds for name in kind.networks))
        return f"model {name!r}: it takes {family.takes.what} and these are {nouns}; give {networks}"
    return f"model {name!r}: it takes {family.takes.what}, not examples of shape {given.shape}; give another"


def _check_output(net: nn.Module, family: Family, name: str, given: Signature, num_classes: int) -> None:
    """One example in evaluation mode; neither modes nor random numbers are different afterwards."""
    import torch

    modes = [(module, module.training) for module in net.modules()]
    parameter = next(net.parameters(), None)
    example = given.blank(device=None if parameter is None else parameter.device)
    try:
        net.eval()
        # A network of the user's own may draw random numbers even in evaluation mode.
        unsuited = caught(lambda error: BadInput(family.unsuited(name, given.shape, error)))
        with torch.no_grad(), torch.random.fork_rng(devices=[]), unsuited:
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
