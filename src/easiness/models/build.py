"""From a name to a network that fits the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from easiness.errors import BadInput
from easiness.models.custom import call_named, describe
from easiness.models.names import is_callable_name, read_model_name

if TYPE_CHECKING:
    from torch import nn


def build_model(name: str, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """The network ``name`` for images of ``input_shape`` (c, h, w), with ``num_classes`` logits.

    Initialized from torch's global generator, in training mode, on the CPU (one from
    ``package.module:callable`` as the callable leaves it). It has been seen to give [1, num_classes] for
    one example. Raises `BadInput` for an unknown name, a number in it that does not work, images too
    small for the network, and a callable that fails or gives anything but such a network.
    """
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise BadInput(f"input_shape {input_shape}: give (channels, height, width), each at least 1")
    if num_classes < 2:
        raise BadInput(f"num_classes {num_classes}: give at least 2")
    if is_callable_name(name):
        net = _build_custom(name, input_shape, num_classes)
    else:
        net = _build_known(name, input_shape, num_classes)
    _check_output(net, name, input_shape, num_classes)
    return net


def _build_known(name: str, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    family, numbers = read_model_name(name)
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
        raise BadInput(
            f"model {name!r} cannot take one example {tuple(example.shape)}: {describe(error)}"
        ) from error
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
