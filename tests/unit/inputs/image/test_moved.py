from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, chisquare
from torchvision.transforms.v2 import functional as reference

from easiness.inputs.image.preparation import (
    draw_moves,
    global_contrast_normalization,
    network_input,
    raw_values,
)
from easiness.spec import Recipe
from pixels import moved_bank

CPU = torch.device("cpu")
SHAPES = [(3, 32, 32), (1, 8, 8), (3, 12, 20), (1, 9, 5)]


def random_images(num: int, shape: tuple[int, int, int], seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (num, *shape), dtype=torch.uint8, generator=generator)


def by_torchvision(image: torch.Tensor, shift: int, top: int, left: int, flip: bool) -> torch.Tensor:
    """Zero-pad, crop, then mirror one uint8 image."""
    _, height, width = image.shape
    image = reference.pad(image, [shift] * 4, fill=0)
    image = reference.crop(image, top, left, height, width)
    if flip:
        image = reference.horizontal_flip(image)
    return image


def gcn_by_numpy(image: np.ndarray, epsilon: float) -> np.ndarray:
    image = image.astype(np.float64)
    return (image - image.mean()) / (image.std() + epsilon)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shift", [4, 1])
def test_it_is_what_torchvision_does_with_the_same_parameters(shape, shift):
    images = random_images(40, shape)
    drawn = draw_moves(60, shift, 0.5, torch.Generator().manual_seed(3))
    positions = torch.randint(0, 40, (60,), generator=torch.Generator().manual_seed(4))
    plain = moved_bank(images, Recipe(gcn=False), CPU, shift=shift).augmented(positions, drawn)
    normalized = moved_bank(images, Recipe(), CPU, shift=shift).augmented(positions, drawn)
    assert plain.shape == (60, *shape)
    for i, position in enumerate(positions):
        parameters = int(drawn[i, 0]), int(drawn[i, 1]), bool(drawn[i, 2])
        expected = by_torchvision(images[position], shift, *parameters)
        assert torch.equal(plain[i], expected / 255)
        np.testing.assert_allclose(normalized[i], gcn_by_numpy(expected.numpy() / 255, 1e-6), atol=2e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_images_that_stay_on_the_host_become_the_same(shape, shift, layout):
    images = random_images(20, shape).to(memory_format=layout)
    here, there = (moved_bank(images, Recipe(), CPU, shift=shift, resident=on) for on in (True, False))
    positions = torch.tensor([3, 19, 3, 0, 7])
    drawn = [bank.draw(positions, torch.Generator().manual_seed(1)) for bank in (here, there)]
    seen = there.augmented(positions, drawn[1])
    assert torch.equal(seen, here.augmented(positions, drawn[0]))
    assert seen.stride() == here.augmented(positions, drawn[0]).stride()
    assert torch.equal(there.clean(slice(5, 17)), here.clean(slice(5, 17)))
    assert torch.equal(there.raw(slice(0, 20)), here.raw(slice(0, 20)))
    assert len(there) == 20


def test_the_corner_is_down_and_right_and_the_mirror_comes_after_the_crop():
    images = torch.arange(1, 10, dtype=torch.uint8).view(1, 1, 3, 3)
    bank = moved_bank(images, Recipe(gcn=False), CPU, shift=1)
    drawn = torch.tensor([[1, 1, 0], [0, 1, 0], [1, 2, 1], [2, 0, 1]])
    seen = (bank.augmented(torch.zeros(4, dtype=torch.int64), drawn) * 255).round().int()[:, 0].tolist()
    assert seen == [
        [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        [[0, 0, 0], [1, 2, 3], [4, 5, 6]],
        [[0, 3, 2], [0, 6, 5], [0, 9, 8]],
        [[5, 4, 0], [8, 7, 0], [0, 0, 0]],
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_clean_is_the_image_itself(shape):
    images = random_images(7, shape)
    for shift in (0, 3):
        plain = moved_bank(images, Recipe(gcn=False), CPU, shift=shift)
        assert torch.equal(plain.clean(slice(2, 5)), images[2:5] / 255)
        normalized = moved_bank(images, Recipe(), CPU, shift=shift).clean(slice(0, 7))
        for image, seen in zip(images, normalized, strict=True):
            np.testing.assert_allclose(seen, gcn_by_numpy(image.numpy() / 255, 1e-6), atol=2e-5)


def test_no_translation_and_no_mirror_is_clean():
    images = random_images(5, (3, 8, 8))
    bank = moved_bank(images, Recipe(), CPU, shift=2)
    nothing = torch.tensor([[2, 2, 0]] * 5)
    assert torch.equal(bank.augmented(torch.arange(5), nothing), bank.clean(slice(0, 5)))


@pytest.mark.parametrize("shape", [*SHAPES, (3, 224, 224)])
def test_a_constant_image_becomes_exactly_zero(shape):
    values = [0, 1, 77, 128, 201, 254, 255]
    images = torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, *shape)
    seen = moved_bank(images, Recipe(), CPU).clean(slice(0, len(values)))
    assert (seen == 0).all()


def test_normalization_is_over_all_pixels_and_channels_of_one_image():
    # mean 2, population deviation sqrt(2); the second image must not enter
    images = torch.tensor([[[[0.0, 1]], [[2, 3]], [[4, 2]]], [[[9, 9]], [[9, 9]], [[0, 0]]]])
    seen = global_contrast_normalization(images, 0.5)
    deviation = (10 / 6) ** 0.5
    expected = torch.tensor([[[-2.0, -1]], [[0, 1]], [[2, 0]]]) / (deviation + 0.5)
    torch.testing.assert_close(seen[0], expected)
    assert torch.equal(images[0, 0], torch.tensor([[0.0, 1]]))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("recipe", [Recipe(), Recipe(gcn=False)])
def test_pixels_are_left_as_they_were_also_where_they_are_float(dtype, recipe):
    pixels = random_images(4, (5, 6, 3)).to(dtype)
    before = pixels.clone()
    values = raw_values(pixels)
    seen = network_input(pixels, recipe)
    assert torch.equal(pixels, before)
    assert torch.equal(values, raw_values(before.byte()))
    assert torch.equal(seen, network_input(before.byte(), recipe))
    kept = seen.clone()
    pixels.zero_()  # what was made of them does not lie where they do
    assert torch.equal(seen, kept)


def test_the_layout_does_not_matter_to_normalization():
    images = random_images(4, (3, 6, 5)) / 255
    last = images.permute(0, 2, 3, 1).contiguous()
    seen = global_contrast_normalization(last, 1e-6).permute(0, 3, 1, 2)
    torch.testing.assert_close(seen, global_contrast_normalization(images, 1e-6))


def test_translations_are_uniform_and_mirrors_have_their_frequency():
    num, shift = 50_000, 2
    drawn = draw_moves(num, shift, 0.3, torch.Generator().manual_seed(0))
    cells = drawn[:, 0] * (2 * shift + 1) + drawn[:, 1]
    counts = np.bincount(cells, minlength=25)
    assert len(counts) == 25
    assert chisquare(counts).pvalue > 0.01
    assert binomtest(int(drawn[:, 2].sum()), num, 0.3).pvalue > 0.01
    # mirroring is independent of the translation
    mirrored = np.bincount(cells[drawn[:, 2] == 1], minlength=25)
    assert chisquare(mirrored, counts * mirrored.sum() / num).pvalue > 0.01


def test_certain_mirrors_and_no_shift():
    generator = torch.Generator().manual_seed(0)
    always, never = (draw_moves(1000, 0, flip, generator) for flip in (1.0, 0.0))
    assert always[:, 2].all()
    assert not never[:, 2].any()
    assert not always[:, :2].any()


@pytest.mark.parametrize("shift", [0, 2])
def test_images_with_their_channels_last_are_used_where_they_are(shift):
    pixels = torch.randint(0, 256, (6, 8, 8, 3), dtype=torch.uint8)
    bank = moved_bank(pixels.permute(0, 3, 1, 2), Recipe(gcn=False), CPU, shift=shift)
    pixels[4] = 255  # seen by the bank, since there is no copy
    assert (bank.clean(slice(4, 5)) == 1).all()
    middle = torch.tensor([[shift, shift, 0]])
    assert (bank.augmented(torch.tensor([4]), middle) == 1).all()
    before = pixels.clone()
    bank.augmented(torch.arange(6), bank.draw(torch.arange(6), torch.Generator().manual_seed(0)))
    assert torch.equal(pixels, before)
