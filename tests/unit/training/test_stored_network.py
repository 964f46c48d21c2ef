from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from easiness import BadInput, Recipe, load_dataset, open_run
from easiness.inputs import Signature
from easiness.models import build_model
from easiness.perturb import Color, Radial, Shuffle
from easiness.records import STATISTICS, ObservationLog
from easiness.training import Observer, num_threads
from easiness.training.network import find_classifier
from easiness.training.stored_network import (
    FeatureReader,
    InputReader,
    TransformedExamples,
    euclidean,
    open_network,
)
from pixels import images_of, make_bank

CPU = torch.device("cpu")


def observe(run, data, trial, transform):
    """What the stored network of a trial sees of the training examples."""
    signature = data.signature(run.spec.recipe)
    network = open_network(run.spec, trial.weights(), signature, data.num_classes, CPU)
    bank = make_bank(images_of(data), run.spec.recipe, CPU, augment=False)
    log = ObservationLog(data.ids, data.labels, data.num_classes)
    images = TransformedExamples(bank, data.ids, transform)
    with num_threads(run.spec.resolved.threads):
        Observer(images, log, signature.shape, data.num_classes).observe(network, lambda _: None)
    return log.observations()


@pytest.mark.parametrize("transform", [Color(1), Shuffle(1), Radial(100)])
def test_without_a_change_everything_recorded_comes_again_bit_by_bit(measured, transform):
    run = open_run(measured)
    data = load_dataset("digits", limit=100)
    for trial in run.trials:
        seen = observe(run, data, trial, transform)
        recorded = trial.columns(run.epochs, STATISTICS)
        for name in STATISTICS:
            assert np.array_equal(getattr(seen, name)[0], recorded[name]), name


def test_what_a_network_gets_is_transformed_before_it_is_normalized():
    images = torch.randint(
        0, 256, (5, 3, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    recipe = Recipe()
    bank = make_bank(images, recipe, CPU, augment=True)
    assert torch.equal(bank.raw(slice(1, 4)), images[1:4] / 255)
    ids = np.arange(10, 15)
    seen = TransformedExamples(bank, ids, Shuffle(0.5, seed=3)).clean(slice(1, 4))
    expected = Shuffle(0.5, seed=3)(images[1:4] / 255, ids=[11, 12, 13]).double()
    for one, values in zip(seen, expected, strict=True):
        by_hand = (values - values.mean()) / (values.std(correction=0) + 1e-6)
        np.testing.assert_allclose(one, by_hand, atol=2e-5)
    plain = Recipe(gcn=False)
    half = TransformedExamples(make_bank(images, plain, CPU, augment=False), ids, Color(0))
    grey = images.float().mean(1, keepdim=True) / 255
    torch.testing.assert_close(half.clean(slice(0, 5)), grey.expand(-1, 3, -1, -1))


def test_weights_of_another_network_are_refused(measured):
    run = open_run(measured)
    weights = {name: value for name, value in run.trials[0].weights().items() if not name.endswith("bias")}
    with pytest.raises(BadInput, match="mlp_3: the stored weights"):
        open_network(run.spec, weights, (1, 8, 8), 10, CPU)  # type: ignore[arg-type]


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


def test_distances_and_norms_by_hand() -> None:
    found = euclidean(torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]))
    assert found.distances.tolist() == [[0, 5, 3], [5, 0, 4], [3, 4, 0]]
    assert found.squared_norms.tolist() == [0, 25, 9]


def test_many_columns_and_rows_that_hardly_differ() -> None:
    one = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    other = one.clone()
    other[7] += 1e-3
    found = euclidean(torch.stack([one, other, one])).distances
    assert np.isclose(found[0, 1], float(other[7] - one[7]), rtol=1e-3)
    assert found[0, 2] == 0


def _reader(recipe: Recipe) -> tuple[InputReader, np.ndarray]:
    data = load_dataset("digits", limit=20)
    return InputReader(data, recipe, CPU, None), images_of(data).numpy().astype(np.float64).reshape(20, -1)


def test_pixels_are_contrast_normalized_with_or_without_it_in_the_recipe() -> None:
    at = np.array([2, 5, 11])
    for recipe in (Recipe(), Recipe(gcn=False)):
        reader, pixels = _reader(recipe)
        normalized = (pixels - pixels.mean(axis=1, keepdims=True)) / pixels.std(axis=1, keepdims=True)
        found = reader.distances(at)
        assert set(found) == {"pixel"}
        expected = np.linalg.norm(normalized[at][:, None] - normalized[at], axis=2) / 8
        assert np.allclose(found["pixel"].distances, expected, atol=1e-4)
        # of unit mean square, whatever the image
        assert np.allclose(found["pixel"].squared_norms, 1, atol=1e-4)
