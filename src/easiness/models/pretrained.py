"""Networks that start from weights that others have trained, where those lie on this disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput
from easiness.models.names import check_model_name, is_callable_name, read_model_name
from easiness.models.timm_nets import is_timm_name, timm_weights, timm_weights_file
from easiness.models.torchvision_nets import torchvision_weights, torchvision_weights_file
from easiness.models.weights import load_weights

if TYPE_CHECKING:
    from torch import nn


def pretrained_file(name: str) -> Path:
    """The file on this disk with the weights that torchvision or timm publish for the network ``name``.

    Of torchvision's, the ones it calls ``DEFAULT``; of timm's, those of the tag in the name, or its first.
    Nothing is downloaded.

    Raises:
        BadInput: an unknown name, a network of which no weights are published, or a file that is not
            there (the text names it and says how to get it).
    """
    check_model_name(name)
    check_has_weights(name)
    return timm_weights_file(name) if is_timm_name(name) else torchvision_weights_file(name)


def check_has_weights(name: str) -> None:
    """Raise `BadInput` where ``name`` is neither torchvision's nor timm's: nobody publishes its weights."""
    if is_callable_name(name) or read_model_name(name) is not None:
        raise BadInput(
            f"model {name!r} has no pretrained weights; leave out --pretrained, or choose a model of "
            "torchvision's or timm:NAME"
        )


def start_from(
    path: Path, net: nn.Module, name: str, input_shape: tuple[int, int, int], num_classes: int
) -> None:
    """Copy the weights in the file ``path`` into ``net``, all but a classifier for other classes.

    ``net`` is the network ``name`` for images of ``input_shape`` (3, h, w) and ``num_classes``. Torch's
    random state is left as it was.

    Raises:
        BadInput: the file cannot be read, or does not fit the network.
    """
    if is_timm_name(name):
        # timm has seen that the file is whole; what it lacks is a classifier that was never there.
        weights = {**net.state_dict(), **timm_weights(name, path, input_shape)}
    else:
        weights = torchvision_weights(name, path)
    load_weights(net, weights, num_classes, path)
