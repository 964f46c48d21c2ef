from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.inputs.image.photos import average_blocks
from easiness.runs.plan import make_plan
from easiness.spec import Recipe, Resolved, Training
from easiness.studies.perturbation.pixels import evaluation_pixels
from easiness.trial import run_trial

CPU = torch.device("cpu")

# two channels of 2 x 4 pixels: sums of the blocks 10, 6 and 1020, 1
IMAGE = np.array([[[1, 2, 0, 0], [3, 4, 0, 6]], [[255, 255, 1, 0], [255, 255, 0, 0]]], np.uint8)
SMALL = [[[3, 2]], [[255, 0]]]  # means 2.5 and 1.5 (halves go up), 255 and 0.25


def test_blocks_by_hand():
    assert average_blocks(IMAGE.transpose(1, 2, 0)[None], 2)[0].transpose(2, 0, 1).tolist() == SMALL


def test_blocks_of_three_go_to_the_nearest_level():
    image = np.zeros((1, 3, 6, 1), np.uint8)
    image[0, 1, 1], image[0, 2, 5] = 4, 5  # of 9 pixels: 0.44 and 0.56
    assert average_blocks(image, 3).tolist() == [[[[0], [1]]]]


def test_blocks_of_one_pixel_are_the_images():
    images = IMAGE[None]
    assert average_blocks(images, 1) is images


def test_images_are_averaged_in_parts_and_from_any_layout():
    at_once = 24  # sums of two images
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 8, 3), np.uint8)
    means = images.astype(np.float64).reshape(5, 2, 2, 4, 2, 3).mean(axis=(2, 4))
    expected = np.floor(means + 0.5).astype(np.uint8)
    assert np.array_equal(average_blocks(images, 2, at_once), expected)
    first = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    assert np.array_equal(average_blocks(first, 2, at_once), expected)


@pytest.fixture
def data():
    """Eight grey pictures of 4 rows and 6 columns, in two classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 4, 6), dtype=np.uint8)
    return load_dataset((pixels, np.arange(8) % 2))


def test_working_images_have_the_shape_that_the_network_gets(data):
    recipe = Recipe(reduce=2)
    packed = data.packed(recipe)
    assert data.signature(recipe).shape == (1, 2, 3)
    assert packed.array().shape == (8, 2, 3, 1)
    assert np.array_equal(packed.array(), average_blocks(data.array, 2))
    assert data.traits.shape == (1, 4, 6)


@pytest.mark.parametrize(("reduce", "side"), [(3, "height of 4"), (4, "width of 6"), (12, "height of 4")])
def test_a_side_that_does_not_divide_is_named(data, reduce, side):
    with pytest.raises(BadInput, match=rf"{side} .*multiple .*`reduce` = {reduce}") as caught:
        make_plan(data, Training(model="mlp_2_w4", epochs=1, recipe={"reduce": reduce}), 1)
    assert "\n" not in str(caught.value)


def test_images_of_several_sizes_are_not_reduced():
    sizes = [(8, 8), (8, 6)] * 3
    pictures = [(np.full(size, 7, np.uint8), at % 2) for at, size in enumerate(sizes)]
    data = load_dataset(pictures)
    with pytest.raises(BadInput, match=re.escape("images differ in size")):
        make_plan(data, Training(model="mlp_2_w4", epochs=1, recipe={"crop": 0, "reduce": 2}), 1)


def test_translation_follows_the_reduced_side():
    data = load_dataset((np.full((4, 16, 16), 9, np.uint8), np.arange(4) % 2))
    recipe = Recipe(reduce=2)
    bank = data.kind.bank(data.packed(recipe), recipe, CPU, augment=True, sharers=1)
    drawn = bank.draw(torch.zeros(500, dtype=torch.long), torch.Generator().manual_seed(0))
    assert sorted(set(drawn[:, 0].tolist())) == [0, 1, 2]  # an eighth of 8 pixels each way


def test_perturbations_see_the_reduced_pixels(data):
    positions = np.array([5, 2])
    seen = evaluation_pixels(data, positions, Recipe(reduce=2))
    expected = average_blocks(data.array, 2)[positions].transpose(0, 3, 1, 2) / 255
    np.testing.assert_allclose(seen, expected, atol=1e-6)


def test_a_trial_at_half_resolution_is_one_of_the_smaller_images(data):
    small = load_dataset((average_blocks(data.array, 2), data.labels))
    resolved = Resolved(precision="float32", channels_last=False, threads=1)
    losses = []
    for images, recipe in ((data, {"reduce": 2}), (small, {})):
        plan = make_plan(images, Training(model="mlp_2_w4", epochs=2, recipe=recipe), 1)
        losses.append(run_trial(plan.spec(resolved, 1, 2).trial(0), images, CPU).train_loss)
    assert losses[0] == losses[1]
