"""From a name to a network that fits the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput, wanted_to_exit
from easiness.models.family import Family, Shape
from easiness.models.registry import find_family, published

if TYPE_CHECKING:
    from torch import nn


def build_model(
    name: str, input_shape: tuple[int, int, int], num_classes: int, pretrained: Path | None = None
) -> nn.Module:
    """The network ``name`` for images of ``input_shape`` (c, h, w), with ``num_classes`` logits.

    Initialized from torch's global generator, in training mode, on the CPU (one from
    ``package.module:callable`` as the callable leaves it). It has been seen to give [1, num_classes] for
    one example. torchvision's networks, and timm's with pretrained weights, see a grey image as three
    equal channels.

    ``pretrained`` is a file of weights, such as `pretrained_file` gives, for everything but the
    classifier; that too where it has as many classes. The random numbers drawn are the same without it.

    Raises `BadInput` for an unknown name, a number in it that does not work, a library that is not
    installed, images that do not suit the network, a file of weights that does not fit, and a callable
    that fails or gives anything but such a network.
    """
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise BadInput(f"input_shape {input_shape}: give (channels, height, width), each at least 1")
    if num_classes < 2:
        raise BadInput(f"num_classes {num_classes}: give at least 2")
    family = find_family(name)
    if pretrained is None:
        net = family.build(name, input_shape, num_classes)
    else:
        net = published(family, name).build_from(pretrained, name, input_shape, num_classes)
    _check_output(net, family, name, input_shape, num_classes)
    return net


def _check_output(net: nn.Module, family: Family, name: str, input_shape: Shape, num_classes: int) -> None:
    """One example in evaluation mode; neither modes nor random numbers are different afterwards."""
    import torch

    modes = [(module, module.training) for module in net.modules()]
    parameter = next(net.parameters(), None)
    example = torch.zeros(1, *input_shape, device=None if parameter is None else parameter.device)
    try:
        net.eval()
        # A network of the user's own may draw random numbers even in evaluation mode.
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            output = net(example)
    except SystemExit as error:
        raise BadInput(family.unsuited(name, input_shape, wanted_to_exit(error))) from error
    except Exception as error:
        raise BadInput(family.unsuited(name, input_shape, error)) from error
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
