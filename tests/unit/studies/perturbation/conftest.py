"""Small frozen networks that stand for published ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from easiness.features import FeatureKind, FeatureSource, Preparation, Request, registry
from easiness.features.frozen import network_source

FORM = "small:SIDE"


class Small(nn.Module):
    """Maps of five features, whose weights are always the same."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 40, 3)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(pictures).relu()).relu()


def _find(request: Request) -> FeatureSource:
    side = int(request.name)
    preparation = Preparation(size=(side, side), mean=(0.5,) * 3, std=(0.2,) * 3)
    return network_source(request, request.text, "0" * 64, preparation, Small, "Drawn at random.")


@pytest.fixture(scope="package")
def frozen_networks() -> Iterator[Callable[[int], str]]:
    """Features of a network that takes pictures with sides so long: their name."""
    kind = FeatureKind(FORM, _find, frozen=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "KINDS", (kind, *registry.KINDS))
        yield lambda side: f"{kind.prefix}{side}"
