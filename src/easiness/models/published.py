"""Families of networks that a library publishes, with weights that others have trained.

Files of weights are safetensors alone, and are copied into all of a network but its classifier.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from easiness.errors import BadInput, caught
from easiness.inputs import Signature
from easiness.models.family import IMAGES, Inputs, Shape
from easiness.named_import import describe

if TYPE_CHECKING:
    from torch import Tensor, nn

    ReadWeights: TypeAlias = Callable[[str, Path, nn.Module, Shape], dict[str, Tensor]]

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Published:
    """Networks of a library, by the library's own names.

    ``net`` builds one from its name, the shape of its images and the number of classes; ``any_channels``
    tells whether images may have another number of channels than three. ``weights_file`` finds the file
    of its weights on this disk, and ``fetch`` gets it there; ``weights`` reads one for a network that sees
    images of a shape.
    ``smallest_side`` is that of the images, in pixels, where the library states it.
    """

    form: str
    reads: Callable[[str], bool]
    known: Callable[[], Sequence[str] | None]
    check: Callable[[str], None]
    net: Callable[[str, Shape, int], nn.Module]
    weights_file: Callable[[str], Path]
    fetch: Callable[[str], None]
    weights: ReadWeights
    any_channels: bool = False
    smallest_side: Callable[[str], int] | None = None

    takes: ClassVar[Inputs] = IMAGES

    @property
    def published(self) -> Published:
        """Itself."""
        return self

    def build(self, name: str, signature: Signature, num_classes: int) -> nn.Module:
        """The network, initialized as its library does; a grey image is seen as three equal channels."""
        input_shape = signature.shape
        if self.any_channels:
            return self._net(name, input_shape, input_shape, num_classes)
        return _for(input_shape, self._net(name, _colored(name, input_shape), input_shape, num_classes))

    def build_from(self, path: Path, name: str, input_shape: Shape, num_classes: int) -> nn.Module:
        """The network with the weights in the file ``path``, all but a classifier for other classes.

        The random numbers drawn are those of `build`.
        """
        seen = _colored(name, input_shape, "with pretrained weights ")
        net = self._net(name, seen, input_shape, num_classes)
        load_weights(net, self.weights(name, path, net, seen), num_classes, path)
        return _for(input_shape, net)

    def _net(self, name: str, seen: Shape, input_shape: Shape, num_classes: int) -> nn.Module:
        with caught(lambda error: BadInput(self.unsuited(name, input_shape, error))):
            return self.net(name, seen, num_classes)

    def unsuited(self, name: str, input_shape: Shape, error: Exception) -> str:
        """The reason why the network cannot take such an example, and the remedy."""
        _, height, width = input_shape
        larger = "use larger images, or set `crop` in the recipe to a larger side"
        least = 0 if self.smallest_side is None else self.smallest_side(name)
        if min(height, width) < least:
            return (
                f"model {name!r}: needs images of at least {least} x {least} pixels; these are "
                f"{height} x {width}, so {larger}"
            )
        return (
            f"model {name!r}: cannot take images of {height} x {width} pixels ({describe(error)}); {larger}"
        )


def _colored(name: str, input_shape: Shape, weights: str = "") -> Shape:
    """The shape of what the network sees of such images."""
    channels, height, width = input_shape
    if channels not in (1, 3):
        raise BadInput(f"model {name!r}: {weights}takes images of 1 or 3 channels; these have {channels}")
    return 3, height, width


def _for(input_shape: Shape, net: nn.Module) -> nn.Module:
    """The network of colored images as one of images of this shape."""
    from easiness.models.layers import Grey

    return net if input_shape[0] == 3 else Grey(net)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in a ``.safetensors`` file, by name, on the CPU."""
    from safetensors.torch import load_file

    if path.suffix != SUFFIX:
        state = f'torch.load({quoted(path)}, map_location="cpu", weights_only=True)'
        command = converting("import torch", state, path.with_suffix(SUFFIX))
        raise BadInput(
            f"{path}: is no {SUFFIX} file, and others are not read, since they may be pickled; convert "
            f"it: {command}"
        )
    again = f"{path}: the weights cannot be read: {{}}; download them again"
    with caught(lambda error: BadInput(again.format(describe(error)))):
        return load_file(path)


def converted_file(url: str) -> Path:
    """The file for the weights at ``url``: in torch's folder of downloads, as safetensors."""
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
                f"{_size(own[key])} in the network for these images; give the weights of this network"
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
