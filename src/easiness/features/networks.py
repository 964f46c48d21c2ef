"""A frozen network as a source of features, built when the first vector is wanted."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from easiness.data import Dataset
from easiness.features.pictures import Preparation
from easiness.features.source import Eye, FeatureSource, Positions, Request, identity_of

if TYPE_CHECKING:
    from torch import nn

    from easiness.features.frozen import FrozenNetwork
    from easiness.perturb import Transform

SEEN_IMAGENET = (
    "It learned the classes of ImageNet from more than a million photos, and may have seen these very "
    "pictures where they are from there."
)


def network_source(
    request: Request,
    name: str,
    weights: str,
    preparation: Preparation,
    build: Callable[[], nn.Module],
    about: str,
) -> FeatureSource:
    """The source of a network that ``build`` makes; ``weights`` is the SHA-256 of their file."""

    @functools.cache
    def network() -> FrozenNetwork:
        from easiness.features.frozen import FrozenNetwork

        return FrozenNetwork(name, build, preparation, request.target)

    def read(split: Dataset, positions: Positions, transform: Transform | None = None) -> Iterator[Any]:
        return network().read(split, positions, transform)

    identity = identity_of(form="network", weights=weights, preparation=preparation.identity())
    return FeatureSource(name, identity, about, read, eye=Eye(preparation, read))


def without_classifier(net: nn.Module, num_classes: int) -> nn.Module:
    """The network without its last layer, which has ``num_classes`` outputs."""
    from torch import nn

    from easiness.training import find_classifier

    classifier = find_classifier(net, num_classes)
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if child is classifier:
                setattr(parent, name, nn.Identity())
    return net
