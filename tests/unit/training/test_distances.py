from __future__ import annotations

import numpy as np
import torch

from easiness import load_dataset
from easiness.spec import Recipe
from easiness.training.distances import InputReader, euclidean
from pixels import images_of

CPU = torch.device("cpu")


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


def test_reduced_images_are_measured_as_the_network_gets_them() -> None:
    data = load_dataset("digits", limit=20)
    blocks = images_of(data).numpy().astype(np.float64).reshape(20, 1, 4, 2, 4, 2).mean(axis=(3, 5))
    small = np.floor(blocks + 0.5).reshape(20, 16)
    normalized = (small - small.mean(axis=1, keepdims=True)) / small.std(axis=1, keepdims=True)
    found = InputReader(data, Recipe(reduce=2), CPU, None).distances(np.array([1, 6]))["pixel"]
    expected = np.linalg.norm(normalized[1] - normalized[6]) / 4
    assert np.isclose(found.distances[0, 1], expected, atol=1e-4)


def test_photos_are_measured_in_their_evaluation_crop() -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (4, 12, 12, 3), dtype=np.uint8)
    data = load_dataset((x, np.array([0, 1, 0, 1])))
    recipe = Recipe(crop=7, crop_share=0.5)
    found = InputReader(data, recipe, CPU, None).distances(np.array([0, 3]))["pixel"].distances
    assert found.shape == (2, 2)
    assert 0.5 < found[0, 1] < 2
