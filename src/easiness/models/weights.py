"""Files of weights: read without unpickling anything, and copied into all of a network but its classifier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput
from easiness.named_import import describe

if TYPE_CHECKING:
    from torch import Tensor, nn


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in a ``.safetensors`` or PyTorch file, by name, on the CPU.

    Raises:
        BadInput: the file cannot be read, or holds something else than names and tensors.
    """
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise BadInput(
            f"{path}: the weights cannot be read: {describe(error)}; download them again"
        ) from error
    if isinstance(weights, dict) and set(weights) & {"model", "state_dict"}:
        weights = weights.get("model", weights.get("state_dict"))
    if not isinstance(weights, dict) or not all(
        isinstance(value, torch.Tensor) for value in weights.values()
    ):
        raise BadInput(f"{path}: this is no file of weights (tensors by name); download it again")
    return weights


def load_weights(net: nn.Module, weights: dict[str, Tensor], num_classes: int, path: Path) -> None:
    """Copy ``weights`` (from ``path``, for the error text) into ``net``, which has ``num_classes``.

    A classifier for another number of classes is left out, so that it stays as it is in ``net``.

    Raises:
        BadInput: any other tensor is missing, unknown or of another shape.
    """
    own = net.state_dict()
    classifier = [
        key for key in weights if key in own and _is_for_other_classes(weights[key], own[key], num_classes)
    ]
    for key in classifier:
        del weights[key]
    for key, tensor in weights.items():
        if key in own and tensor.shape != own[key].shape:
            raise BadInput(
                f"{path}: these weights do not fit: {key} is {_size(tensor)} in the file and "
                f"{_size(own[key])} in the network for these images"
            )
    missing, unexpected = net.load_state_dict(weights, strict=False)
    missing = [key for key in missing if key not in classifier]
    if missing:
        raise BadInput(f"{path}: these weights do not fit: the file has no {missing[0]}")
    if unexpected:
        raise BadInput(f"{path}: these weights do not fit: the network has no {unexpected[0]}")


def _is_for_other_classes(theirs: Tensor, ours: Tensor, num_classes: int) -> bool:
    """Do they differ in the number of outputs alone? Only a last layer can, any other has one after it."""
    if theirs.ndim != ours.ndim or theirs.shape[1:] != ours.shape[1:] or ours.ndim == 0:
        return False
    return len(ours) == num_classes != len(theirs)


def _size(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape))
