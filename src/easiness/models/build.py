"""From a name to a network that fits the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput
from easiness.models.custom import call_named
from easiness.models.names import Family, check_model_name, is_callable_name, read_model_name
from easiness.models.pretrained import check_has_weights, start_from
from easiness.models.timm_nets import is_timm_name, timm_net
from easiness.models.torchvision_nets import smallest_side, torchvision_net
from easiness.named_import import describe

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
    check_model_name(name)
    if pretrained is not None:
        check_has_weights(name)
    if is_callable_name(name):
        net = _build_custom(name, input_shape, num_classes)
    elif (known := read_model_name(name)) is not None:
        net = _build_own(name, *known, input_shape, num_classes)
    else:
        net = _build_published(name, input_shape, num_classes, pretrained)
    _check_output(net, name, input_shape, num_classes)
    return net


def _build_own(
    name: str, family: Family, numbers: dict[str, int], input_shape: tuple[int, int, int], num_classes: int
) -> nn.Module:
    _, height, width = input_shape
    if min(height, width) < family.min_side:
        raise BadInput(
            f"model {name!r} needs images of at least {family.min_side} x {family.min_side} pixels and these "
            f"are {height} x {width}; use larger images or an MLP such as mlp_3"
        )
    from easiness.models import densenet_bc, mlp, resnext, wrn

    builders: dict[str, Callable[..., nn.Module]] = {
        "mlp": mlp.mlp,
        "wrn": wrn.wrn,
        "densenet_bc": densenet_bc.densenet_bc,
        "resnext": resnext.resnext,
    }
    return builders[family.name](input_shape, num_classes, **numbers)


def _build_published(
    name: str, input_shape: tuple[int, int, int], num_classes: int, pretrained: Path | None
) -> nn.Module:
    """A network of torchvision or timm."""
    from easiness.models.grey import Grey

    channels, height, width = input_shape
    any_channels = is_timm_name(name) and pretrained is None
    if not any_channels and channels not in (1, 3):
        weights = "" if pretrained is None else "with pretrained weights "
        raise BadInput(f"model {name!r} {weights}takes images of 1 or 3 channels and these have {channels}")
    seen = input_shape if any_channels else (3, height, width)
    make = timm_net if is_timm_name(name) else torchvision_net
    try:
        net = make(name, seen, num_classes)
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(_unsuited(name, input_shape, error)) from error
    if pretrained is not None:
        start_from(pretrained, net, name, seen, num_classes)
    return net if seen == input_shape else Grey(net)


def _build_custom(name: str, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    from torch import nn

    net = call_named(name, input_shape, num_classes)
    if not isinstance(net, nn.Module):
        raise BadInput(f"model {name!r} returned {type(net).__name__}; it must return a torch.nn.Module")
    return net


def _check_output(net: nn.Module, name: str, input_shape: tuple[int, int, int], num_classes: int) -> None:
    """One example in evaluation mode; neither modes nor random numbers are different afterwards."""
    import torch

    modes = [(module, module.training) for module in net.modules()]
    parameter = next(net.parameters(), None)
    example = torch.zeros(1, *input_shape, device=None if parameter is None else parameter.device)
    net.eval()
    try:
        # A network of the user's own may draw random numbers even in evaluation mode.
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            output = net(example)
    except Exception as error:
        raise BadInput(_unsuited(name, input_shape, error)) from error
    finally:
        for module, training in modes:
            module.training = training
    if not isinstance(output, torch.Tensor):
        raise BadInput(f"model {name!r} gives {type(output).__name__} for an example; it must give a tensor")
    if tuple(output.shape) != (1, num_classes) or not output.is_floating_point():
        raise BadInput(
            f"model {name!r} gives {output.dtype} {tuple(output.shape)} for one example; it must give "
            f"floating-point logits (1, {num_classes})"
        )
    if not any(parameter.requires_grad for parameter in net.parameters()):
        raise BadInput(f"model {name!r} has no parameter that can be trained")


def _unsuited(name: str, input_shape: tuple[int, int, int], error: Exception) -> str:
    """Why a network cannot take such images, with what helps where it is a published one."""
    if is_callable_name(name) or read_model_name(name) is not None:
        return f"model {name!r} cannot take one example {(1, *input_shape)}: {describe(error)}"
    _, height, width = input_shape
    larger = "use larger images, or set `crop` in the recipe to a larger side"
    if not is_timm_name(name) and min(height, width) < (least := smallest_side(name)):
        return (
            f"model {name!r} needs images of at least {least} x {least} pixels and these are "
            f"{height} x {width}; {larger}"
        )
    return f"model {name!r} cannot take images of {height} x {width} pixels ({describe(error)}); {larger}"
