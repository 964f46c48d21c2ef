from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from PIL import Image
from torchvision.transforms import Resize

from easiness import gate
from easiness.data import load_dataset
from easiness.inputs import Packed
from easiness.inputs.image.photos import DecodedPhotos, reduce, reduced_size
from easiness.spec import Recipe
from pixels import packed_photos

SIDES = st.integers(1, 60)


def pixels(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@given(SIDES, SIDES, st.integers(1, 40), st.sampled_from([1, 3]))
def test_reduction_is_torchvisions_resize(height, width, short_side, channels):
    assume(max(height, width) <= 8 * min(height, width))
    photo = pixels(height, width, channels, seed=height * 100 + width)
    reduced = reduce(photo, short_side)
    if min(height, width) <= short_side:
        assert (reduced == photo).all()
        return
    expected = np.asarray(Resize(short_side)(Image.fromarray(photo[..., 0] if channels == 1 else photo)))
    assert (reduced == (expected[..., None] if channels == 1 else expected)).all()


@given(SIDES, SIDES, st.integers(1, 40))
def test_sizes_are_known_without_the_pixels(height, width, short_side):
    assert reduce(pixels(height, width, 3), short_side).shape[:2] == reduced_size(height, width, short_side)


def test_a_reduced_size_by_hand():
    assert reduced_size(375, 500, 256) == (256, 341)  # 256 * 500 / 375 = 341.3
    assert reduced_size(500, 333, 256) == (384, 256)  # 256 * 500 / 333 = 384.4
    assert reduced_size(256, 900, 256) == (256, 900)


@pytest.fixture
def photos(folder, picture):
    """Six photos whose short sides are 4 and, twice, 30; working at 20 pixels reduces two of them."""
    picture(1, size=(30, 45)).save(folder / "cat/1.png")
    picture(2, size=(60, 30)).save(folder / "dog/2.png")
    return load_dataset(folder)


RECIPE = Recipe(crop=20, crop_share=1.0)
SIZES = [[4, 4], [30, 20], [4, 4], [4, 4], [4, 4], [20, 40]]


def check(working: Packed | DecodedPhotos, data) -> None:
    assert set(working.shapes[:, 2].tolist()) == {3}
    assert working.shapes[:, :2].tolist() == SIZES
    taken = working.take(np.array([5, 0, 5, 1]))
    for photo, position in zip(taken, (5, 0, 5, 1), strict=True):
        original = data.values(np.array([position]))[0]
        assert photo.dtype == np.uint8
        assert (photo == reduce(original, 20)).all()


def test_held_in_memory_where_they_fit(photos):
    working = photos.packed(RECIPE)
    assert isinstance(working, Packed)
    check(working, photos)


def test_decoded_anew_where_they_do_not_fit(photos, monkeypatch):
    num_bytes = 3 * (4 * 16 + 600 + 800)
    monkeypatch.setattr(gate, "available_memory", lambda: 3 * num_bytes)
    assert isinstance(photos.packed(RECIPE), Packed)
    monkeypatch.setattr(gate, "available_memory", lambda: 3 * num_bytes - 1)
    working = photos.packed(RECIPE)
    assert isinstance(working, DecodedPhotos)
    check(working, photos)


def test_in_a_file(photos, tmp_path):
    check(photos.packed(RECIPE, tmp_path / "cache"), photos)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".photos"]


def test_small_images_stay_one_tensor(folder, tmp_path):
    data = load_dataset(folder)
    packed = data.packed(Recipe(), tmp_path / "cache")
    assert isinstance(packed, Packed)
    assert np.shares_memory(packed.array(), data.array)
    assert not (tmp_path / "cache").exists()


def test_a_grey_part_of_a_color_source_has_three_channels(folder, picture):
    for i in range(3):
        picture(i, size=(6, 5), mode="L").save(folder / f"cat/{i}.png")
    cats = load_dataset(folder).stored.subset(np.arange(3))
    for photo in packed_photos(list(cats.map(lambda picture: reduce(picture, 4)))).take(np.arange(3)):
        assert photo.shape == (4, 4, 3)
        assert (photo == photo[..., :1]).all()


@pytest.mark.parametrize("flat", [False, True])
def test_of_a_very_long_photo_the_middle_is_used(flat):
    shape = (2, 1000, 3) if flat else (1000, 2, 3)
    pixels = np.arange(6000).reshape(shape).astype(np.uint8)
    seen = reduce(pixels, 256)
    assert seen.shape == ((2, 16, 3) if flat else (16, 2, 3))
    middle = pixels[:, 492:508] if flat else pixels[492:508]
    assert np.array_equal(seen, middle)
    assert reduced_size(*shape[:2], 256) == seen.shape[:2]
    assert reduced_size(10, 1000, 5) == (5, 40)
