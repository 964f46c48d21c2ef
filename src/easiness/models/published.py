"""Families of networks that a library publishes, with weights that others have trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from easiness.errors import BadInput
from easiness.models.weights import load_weights
from easiness.named_import import describe

if TYPE_CHECKING:
    from torch import Tensor, nn

    ReadWeights: TypeAlias = Callable[[str, Path, nn.Module, tuple[int, int, int]], dict[str, Tensor]]


@dataclass(frozen=True)
class Published:
    """Networks of a library, by the library's own names.

    ``net`` builds one from its name, the shape of its images and the number of classes; ``any_channels``
    tells whether images may have another number of channels than three. ``weights_file`` finds the file
    of its weights on this disk; ``weights`` reads one for a network that sees images of a shape.
    ``smallest_side`` is that of the images, in pixels, where the library states it.
    """

    form: str
    reads: Callable[[str], bool]
    known: Callable[[], Sequence[str] | None]
    check: Callable[[str], None]
    net: Callable[[str, tuple[int, int, int], int], nn.Module]
    weights_file: Callable[[str], Path]
    weights: ReadWeights
    any_channels: bool = False
    smallest_side: Callable[[str], int] | None = None

    users_own: ClassVar[bool] = False

    @property
    def published(self) -> Published:
        """Itself."""
        return self

    def build(self, name: str, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
        """The network, initialized as its library does; a grey image is seen as three equal channels."""
        if self.any_channels:
            return self._net(name, input_shape, input_shape, num_classes)
        return _for(input_shape, self._net(name, _colored(name, input_shape), input_shape, num_classes))

    def build_from(
        self, path: Path, name: str, input_shape: tuple[int, int, int], num_classes: int
    ) -> nn.Module:
        """As `build`, with the weights in the file ``path``, all but a classifier for other classes.

        The random numbers drawn are the same.

        Raises:
            BadInput: the file cannot be read, or does not fit the network.
        """
        seen = _colored(name, input_shape, "with pretrained weights ")
        net = self._net(name, seen, input_shape, num_classes)
        load_weights(net, self.weights(name, path, net, seen), num_classes, path)
        return _for(input_shape, net)

    def _net(
        self, name: str, seen: tuple[int, int, int], input_shape: tuple[int, int, int], num_classes: int
    ) -> nn.Module:
        try:
            return self.net(name, seen, num_classes)
        except BadInput:
            raise
        except Exception as error:
            raise BadInput(self.unsuited(name, input_shape, error)) from error

    def unsuited(self, name: str, input_shape: tuple[int, int, int], error: Exception) -> str:
        """What went wrong, with what helps."""
        _, height, width = input_shape
        larger = "use larger images, or set `crop` in the recipe to a larger side"
        least = 0 if self.smallest_side is None else self.smallest_side(name)
        if min(height, width) < least:
            return (
                f"model {name!r} needs images of at least {least} x {least} pixels and these are "
                f"{height} x {width}; {larger}"
            )
        return f"model {name!r} cannot take images of {height} x {width} pixels ({describe(error)}); {larger}"


def _colored(name: str, input_shape: tuple[int, int, int], weights: str = "") -> tuple[int, int, int]:
    """The shape of what the network sees of such images."""
    channels, height, width = input_shape
    if channels not in (1, 3):
        raise BadInput(f"model {name!r} {weights}takes images of 1 or 3 channels and these have {channels}")
    return 3, height, width


def _for(input_shape: tuple[int, int, int], net: nn.Module) -> nn.Module:
    """The network of colored images as one of images of this shape."""
    from easiness.models.grey import Grey

    return net if input_shape[0] == 3 else Grey(net)
