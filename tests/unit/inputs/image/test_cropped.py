from __future__ import annotations

import numpy as np
import pytest
import torch

from easiness.inputs.image import preparation
from easiness.inputs.image.preparation import (
    crop_centre,
    crop_random,
    draw_crops,
    global_contrast_normalization,
    normalize,
)
from easiness.spec import Recipe
from pixels import make_bank, packed_photos

CPU = torch.device("cpu")
RECIPE = Recipe(crop=28, gcn=False)


def photos(channels: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = [(32, 32), (32, 50), (70, 32), (20, 25), (32, 32)]
    return [rng.integers(0, 256, (*size, channels), dtype=np.uint8) for size in sizes]


def test_clean_is_the_centre_crop_of_consecutive_photos():
    bank = make_bank(packed_photos(photos()), RECIPE, CPU, augment=False)
    assert len(bank) == 5
    seen = bank.clean(slice(1, 4))
    expected = crop_centre(photos()[1:4], 32, 28, CPU).permute(0, 3, 1, 2) / 255
    assert seen.shape == (3, 3, 28, 28)
    assert torch.equal(seen, expected)
    # the first photo has the working resolution already, so that nothing is resized
    first = bank.clean(slice(0, 1))[0] * 255
    assert np.array_equal(first.permute(1, 2, 0).round(), photos()[0][2:30, 2:30])


def test_augmented_is_the_crop_that_was_drawn():
    bank = make_bank(packed_photos(photos()), RECIPE, CPU, augment=True)
    positions = torch.tensor([3, 0, 0, 2, 1])
    drawn = bank.draw(positions, torch.Generator().manual_seed(1))
    sizes = torch.tensor([photos()[p].shape[:2] for p in positions.tolist()])
    again = draw_crops(sizes, 0.08, 4 / 3, 0.5, torch.Generator().manual_seed(1))
    assert torch.equal(drawn, again)
    seen = bank.augmented(positions[1:3], drawn[1:3])
    expected = crop_random([photos()[0]] * 2, again[1:3], 28, CPU)
    assert torch.equal(seen, expected.permute(0, 3, 1, 2) / 255)
    assert not torch.equal(seen[0], seen[1])


def test_normalized_as_all_images_are():
    plain = make_bank(packed_photos(photos(1)), RECIPE, CPU, augment=True).clean(slice(0, 5))
    normalized = make_bank(packed_photos(photos(1)), Recipe(crop=28), CPU, augment=True).clean(slice(0, 5))
    assert normalized.shape == (5, 1, 28, 28)
    torch.testing.assert_close(normalized, global_contrast_normalization(plain.contiguous(), 1e-6))


def test_an_epoch_is_drawn_in_parts(monkeypatch):
    monkeypatch.setattr(preparation, "_DRAWN_AT_ONCE", 3)
    bank = make_bank(packed_photos(photos()), RECIPE, CPU, augment=True)
    positions = torch.arange(5).repeat(2)
    drawn = bank.draw(positions, torch.Generator().manual_seed(0))
    assert drawn.shape == (10, 5)
    sizes = torch.tensor([p.shape[:2] for p in photos()]).repeat(2, 1)
    assert (drawn[:, :2] + drawn[:, 2:4] <= sizes).all()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("num", [1, 7, 8, 9, 17, 23])
def test_normalized_a_few_at_a_time_bit_by_bit_as_all_at_once(num, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        rng = np.random.default_rng(num)
        some = [rng.integers(0, 256, (120, 130, 3), dtype=np.uint8) for _ in range(num)]
        recipe = Recipe(crop=112)
        bank = make_bank(packed_photos(some), recipe, CPU, augment=True)
        seen = bank.clean(slice(0, num))
        whole = normalize(bank.raw(slice(0, num)), recipe)
        assert torch.equal(seen, whole)
        assert seen.stride() == whole.stride()
    finally:
        torch.set_num_threads(before)
