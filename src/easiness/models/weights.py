"""Files of weights: safetensors alone, and copied into all of a network but its classifier."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput
from easiness.named_import import describe

if TYPE_CHECKING:
    from torch import Tensor, nn


SUFFIX = ".safetensors"


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in a ``.safetensors`` file, by name, on the CPU.

    Raises:
        BadInput: it is a file of another kind, which could hold pickled objects, or cannot be read.
    """
    from safetensors.torch import load_file

    if path.suffix != SUFFIX:
        state = f'torch.load({quoted(path)}, map_location="cpu", weights_only=True)'
        command = converting("import torch", state, path.with_suffix(SUFFIX))
        raise BadInput(
            f"{path}: is no {SUFFIX} file, and others are not read, since they may be pickled; convert "
            f"it: {command}"
        )
    try:
        return load_file(path)
    except Exception as error:
        raise BadInput(
            f"{path}: the weights cannot be read: {describe(error)}; download them again"
        ) from error


def converted_file(url: str) -> Path:
    """Where the weights at ``url`` are looked for: in torch's folder of downloads, as safetensors."""
    import torch

    return Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[-1]).with_suffix(SUFFIX)


def converting(imports: str, state: str, path: Path) -> str:
    """A command that writes ``state``, a dict of tensors in Python after ``imports``, to a file."""
    code = (
        f"{imports}; from safetensors.torch import save_file; "
        f"save_file({{k: v.contiguous() for k, v in {state}.items()}}, {quoted(path)})"
    )
    return shlex.join(["python", "-c", code])


def quoted(text: str | Path) -> str:
    """The text in Python, between double quotes, so that a shell takes the code between single ones."""
    return json.dumps(str(text), ensure_ascii=False)


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
