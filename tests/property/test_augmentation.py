from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from easiness.inputs.image.preparation import draw_moves, global_contrast_normalization
from easiness.spec import Recipe
from pixels import moved_bank

CPU = torch.device("cpu")
shapes = st.tuples(st.integers(1, 4), st.sampled_from([1, 3]), st.integers(1, 7), st.integers(1, 7))
stored = shapes.flatmap(lambda shape: hnp.arrays(np.uint8, shape))


def by_loops(image: np.ndarray, shift: int, top: int, left: int, flip: bool) -> np.ndarray:
    """Pixel by pixel: what lies outside the image is zero."""
    channels, height, width = image.shape
    out = np.zeros_like(image)
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                from_y, from_x = y + top - shift, x + left - shift
                if 0 <= from_y < height and 0 <= from_x < width:
                    out[c, y, width - 1 - x if flip else x] = image[c, from_y, from_x]
    return out


@given(stored, st.integers(0, 3), st.integers(0, 2**40), st.data())
@settings(deadline=None, max_examples=60)
def test_every_pixel_comes_from_where_it_should(images, shift, seed, data):
    positions = data.draw(st.lists(st.integers(0, len(images) - 1), min_size=1, max_size=6))
    drawn = draw_moves(len(positions), shift, 0.5, torch.Generator().manual_seed(seed))
    bank = moved_bank(torch.from_numpy(images), Recipe(gcn=False), CPU, shift=shift)
    seen = bank.augmented(torch.tensor(positions), drawn)
    for i, position in enumerate(positions):
        expected = by_loops(images[position], shift, int(drawn[i, 0]), int(drawn[i, 1]), bool(drawn[i, 2]))
        np.testing.assert_array_equal(seen[i], expected.astype(np.float32) / np.float32(255))


@given(stored, st.integers(0, 3), st.integers(0, 2**40))
@settings(deadline=None, max_examples=60)
def test_an_example_does_not_depend_on_its_batch(images, shift, seed):
    num = len(images)
    drawn = draw_moves(num, shift, 0.5, torch.Generator().manual_seed(seed))
    bank = moved_bank(torch.from_numpy(images), Recipe(), CPU, shift=shift)
    together = bank.augmented(torch.arange(num), drawn)
    for i in range(num):
        alone = bank.augmented(torch.tensor([i]), drawn[i : i + 1])
        torch.testing.assert_close(alone[0], together[i], rtol=1e-5, atol=1e-5)


@given(stored)
@settings(deadline=None, max_examples=60)
def test_mirroring_the_stored_image_is_mirroring_its_crop(images):
    num = len(images)
    mirrored, plain = (torch.tensor([[0, 0, flip]] * num) for flip in (1, 0))
    bank = moved_bank(torch.from_numpy(images), Recipe(gcn=False), CPU)
    flipped = moved_bank(torch.from_numpy(images[..., ::-1].copy()), Recipe(gcn=False), CPU)
    positions = torch.arange(num)
    assert torch.equal(bank.augmented(positions, mirrored), flipped.augmented(positions, plain))


@given(stored, st.floats(0.1, 10), st.floats(-1, 1))
@settings(deadline=None, max_examples=60)
def test_normalized_images_have_mean_0_deviation_1_and_forget_contrast(images, gain, offset):
    values = torch.from_numpy(images).double() / 255
    seen = global_contrast_normalization(values, 1e-12)
    flat = seen.view(len(images), -1)
    np.testing.assert_allclose(flat.mean(1), 0, atol=1e-6)
    constant = values.view(len(images), -1).std(1, correction=0) < 1e-9
    np.testing.assert_allclose(flat.std(1, correction=0), torch.where(constant, 0.0, 1.0), atol=1e-6)
    changed = global_contrast_normalization(gain * values + offset, 1e-12)
    np.testing.assert_allclose(changed, seen, atol=1e-6)


@given(st.integers(0, 200), st.integers(0, 5), st.floats(0, 1), st.integers(0, 2**62))
@settings(deadline=None)
def test_draws_are_in_range_and_come_from_the_generator_alone(num, shift, flip, seed):
    first, second = (draw_moves(num, shift, flip, torch.Generator().manual_seed(seed)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (num, 3)
    assert ((first[:, :2] >= 0) & (first[:, :2] <= 2 * shift)).all()
