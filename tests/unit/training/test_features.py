from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from easiness import BadInput
from easiness.inputs import Signature
from easiness.models import build_model
from easiness.training.distances import FeatureReader
from easiness.training.network import find_classifier

CPU = torch.device("cpu")


def _weights(model: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in model.state_dict().items()}


@pytest.mark.parametrize(("name", "shape"), [("mlp_2_w16", (1, 8, 8)), ("wrn_10_1", (3, 16, 16))])
def test_features_are_what_the_classifier_gets(name: str, shape: tuple[int, int, int]) -> None:
    torch.manual_seed(3)
    model = build_model(name, shape, 4).eval()
    images = torch.randn(5, *shape)
    features = FeatureReader(name, Signature(shape), 4, _weights(model), CPU).read(images)
    classifier = find_classifier(model, 4)
    assert isinstance(classifier, nn.Linear)
    assert features.shape == (5, classifier.in_features)
    with torch.no_grad():
        assert torch.allclose(classifier(features), model(images), atol=1e-6)


def test_the_random_state_is_left_as_it_was() -> None:
    weights = _weights(build_model("mlp_2_w16", (1, 4, 4), 2))
    before = torch.random.get_rng_state()
    FeatureReader("mlp_2_w16", Signature((1, 4, 4)), 2, weights, CPU)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_last_layer_with_as_many_outputs_is_the_classifier() -> None:
    layers = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), nn.Linear(3, 5))
    assert find_classifier(layers, 3) is layers[2]
    assert find_classifier(layers, 7) is None


class _MapsLast(nn.Module):
    """Classifies at every position of a map, then averages over positions."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.classifier = nn.Conv2d(1, num_classes, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.classifier(images).mean(dim=(2, 3))
        return out


class _NoLayer(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(num_classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :1] * self.scale


def test_maps_are_averaged_over_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easiness.training.stored_network.build_model", lambda *_: _MapsLast(2))
    images = torch.arange(18.0).view(2, 1, 3, 3)
    features = FeatureReader("any", Signature((1, 3, 3)), 2, _weights(_MapsLast(2)), CPU).read(images)
    assert features.tolist() == [[4.0], [13.0]]


def test_a_network_without_such_a_layer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easiness.training.stored_network.build_model", lambda *_: _NoLayer(2))
    with pytest.raises(BadInput, match="layer with 2 outputs"):
        FeatureReader("any", Signature((1, 3, 3)), 2, _weights(_NoLayer(2)), CPU)
