"""Photos at the working resolution, in memory, decoded anew or in a file; and what memory takes."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings, strategies as st
from PIL import Image
from torchvision.transforms import Resize

from easiness import gate
from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.inputs import DecodedPhotos, ImageTraits, Pack, reduce
from easiness.inputs.image import photos as module
from easiness.inputs.image.photos import (
    DamagedCache,
    average_blocks,
    cached_photos,
    opened_cache,
    reduced_size,
)
from easiness.runs.plan import make_plan
from easiness.spec import Recipe, Resolved, Training
from easiness.trial import run_trial
from pixels import images_of

SIDES = st.integers(1, 60)


def pixels(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@given(SIDES, SIDES, st.integers(1, 40), st.sampled_from([1, 3]))
def test_reduction_is_torchvisions_resize(height, width, short_side, channels):
    assume(max(height, width) <= 8 * min(height, width))
    photo = pixels(height, width, channels, seed=height * 100 + width)
    reduced = reduce(photo, short_side)
    assert reduced.shape[:2] == reduced_size(height, width, short_side)
    if min(height, width) <= short_side:
        assert (reduced == photo).all()
        return
    expected = np.asarray(Resize(short_side)(Image.fromarray(photo[..., 0] if channels == 1 else photo)))
    assert (reduced == (expected[..., None] if channels == 1 else expected)).all()


@pytest.fixture
def photos(folder, picture):
    """Six photos whose short sides are 4 and, twice, 30; working at 20 pixels reduces two of them."""
    picture(1, size=(30, 45)).save(folder / "cat/1.png")
    picture(2, size=(60, 30)).save(folder / "dog/2.png")
    return load_dataset(folder)


RECIPE = Recipe(crop=20, crop_share=1.0)
SIZES = [[4, 4], [30, 20], [4, 4], [4, 4], [4, 4], [20, 40]]


def check(working: Pack | DecodedPhotos, data) -> None:
    assert set(working.shapes[:, 2].tolist()) == {3}
    assert working.shapes[:, :2].tolist() == SIZES
    taken = working.take(np.array([5, 0, 5, 1]))
    for photo, position in zip(taken, (5, 0, 5, 1), strict=True):
        original = data.values(np.array([position]))[0]
        assert photo.dtype == np.uint8
        assert (photo == reduce(original, 20)).all()


def test_decoded_anew_where_they_do_not_fit(photos, monkeypatch):
    num_bytes = 3 * (4 * 16 + 600 + 800)
    monkeypatch.setattr(gate, "available_memory", lambda: 3 * num_bytes)
    check(photos.packed(RECIPE), photos)
    monkeypatch.setattr(gate, "available_memory", lambda: 3 * num_bytes - 1)
    working = photos.packed(RECIPE)
    assert isinstance(working, DecodedPhotos)
    check(working, photos)


def test_in_a_file(photos, tmp_path):
    check(photos.packed(RECIPE, tmp_path / "cache"), photos)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".photos"]


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


def test_images_beyond_a_third_of_the_memory_are_refused(folder, monkeypatch):
    data = load_dataset(folder)
    monkeypatch.setattr(gate, "available_memory", lambda: 3 * 6 * 3 * 4 * 4)
    assert len(images_of(data)) == 6
    monkeypatch.setattr(gate, "available_memory", lambda: 3 * 6 * 3 * 4 * 4 - 1)
    with pytest.raises(BadInput, match=r"more than a third .*--limit"):
        _ = images_of(load_dataset(folder))


NUM = 7
SHORT_SIDE = 5


class Stored:
    """Seven photos of different sizes, two of them small, that count how often they are decoded."""

    def __init__(self, positions: np.ndarray | None = None, channels: int = 3, fail_at: int = NUM) -> None:
        self.positions = np.arange(NUM) if positions is None else positions
        self.traits = ImageTraits(channels, None, 8)  # type: ignore[arg-type]
        self.fail_at = fail_at
        self.decoded: list[int] = []

    def __len__(self) -> int:
        return len(self.positions)

    def subset(self, positions: np.ndarray) -> Stored:
        part = Stored(self.positions[positions], self.traits.channels, self.fail_at)
        part.decoded = self.decoded
        return part

    def map(self, function: Callable[..., Any]) -> Iterator[Any]:
        for position in self.positions.tolist():
            if position >= self.fail_at:
                raise KeyboardInterrupt
            self.decoded.append(position)
            yield function(self.photo(position))

    def photo(self, position: int) -> np.ndarray:
        random = np.random.default_rng(position)
        shape = (4 + 2 * position, 9 + position, self.traits.channels)
        return random.integers(0, 256, shape, dtype=np.uint8)


def open_cache(stored: Stored, path: Path, seen: list[int] | None = None) -> Pack:
    return cached_photos(stored, SHORT_SIDE, path, (seen if seen is not None else []).append)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def two_at_once(monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """The finished file of an uninterrupted build."""
    path = tmp_path_factory.mktemp("whole") / "a.photos"
    open_cache(Stored(), path)
    return path.read_bytes()


@pytest.mark.parametrize("channels", [1, 3])
def test_photos_come_back_at_the_working_resolution(tmp_path, channels):
    stored = Stored(channels=channels)
    photos = open_cache(stored, tmp_path / "a.photos")
    expected = [reduce(stored.photo(i), SHORT_SIDE) for i in range(NUM)]
    assert photos.shapes[:, 2].tolist() == [channels] * NUM
    assert photos.shapes[:, :2].tolist() == [list(photo.shape[:2]) for photo in expected]
    for photo, position in zip(photos.take(np.array([6, 0, 6])), (6, 0, 6), strict=True):
        assert photo.shape == expected[position].shape
        assert (photo == expected[position]).all()


def test_another_process_reads_the_same_file(tmp_path):
    path = tmp_path / "a.photos"
    photos = open_cache(Stored(), path)
    sent = pickle.dumps(photos)
    assert not any(photo.tobytes() in sent for photo in photos.take(np.arange(NUM)))
    there = pickle.loads(sent)
    assert there.flat.short_side == SHORT_SIDE
    for here, photo in zip(photos.take(np.arange(NUM)), there.take(np.arange(NUM)), strict=True):
        assert (here == photo).all()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadInput, match="damaged"):
        pickle.loads(sent).take(np.arange(1))


def test_built_once(tmp_path):
    stored = Stored()
    seen: list[Any] = []
    open_cache(stored, tmp_path / "deep/a.photos", seen)
    assert seen == [0, 2, 4, 6, 7]
    assert stored.decoded == list(range(NUM))
    again, seen = Stored(), []
    open_cache(again, tmp_path / "deep/a.photos", seen)
    assert again.decoded == seen == []
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["a.photos"]


@pytest.mark.parametrize("fail_at", range(NUM))
def test_an_interrupted_build_goes_on(tmp_path, whole, fail_at):
    path = tmp_path / "a.photos"
    with pytest.raises(KeyboardInterrupt):
        open_cache(Stored(fail_at=fail_at), path)
    assert not path.exists()
    stored = Stored()
    open_cache(stored, path)
    assert stored.decoded == list(range(fail_at // 2 * 2, NUM))  # the two in flight are decoded again
    assert path.read_bytes() == whole


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_a_build_that_was_killed_anywhere_or_damaged_goes_on(tmp_path_factory, whole, data):
    """A machine that dies keeps the pixels, then the table, up to any byte, and may spoil what it keeps."""
    path = tmp_path_factory.mktemp("killed") / "a.photos"
    with pytest.raises(KeyboardInterrupt):
        open_cache(Stored(fail_at=data.draw(st.integers(0, NUM - 1), label="fail_at")), path)
    for suffix in ("pixels", "table"):
        file = Path(f"{path}.{suffix}")
        content = bytearray(file.read_bytes())
        del content[data.draw(st.integers(0, len(content)), label=suffix) :]
        if content and data.draw(st.booleans(), label="damage"):
            at = data.draw(st.integers(0, len(content) - 1), label="at")
            content[at : at + 8] = data.draw(st.binary(min_size=1, max_size=8), label="bytes")
        file.write_bytes(content)
        if data.draw(st.booleans(), label=f"no {suffix}"):
            file.unlink()
    open_cache(Stored(), path)
    assert path.read_bytes() == whole


@settings(deadline=None, max_examples=60)
@given(at=st.integers(1, 62 + 12 * NUM), bit=st.integers(0, 7))
def test_a_file_with_a_flipped_bit_in_table_or_footer_is_built_anew(tmp_path_factory, whole, at, bit):
    path = tmp_path_factory.mktemp("flipped") / "a.photos"
    content = bytearray(whole)
    content[-at] ^= 1 << bit
    path.write_bytes(content)
    if at in range(41, 45):  # of the resolution that it says it has
        with pytest.raises(BadInput, match="holds other photos"):
            open_cache(Stored(), path)
    else:
        open_cache(Stored(), path)
        assert path.read_bytes() == whole


def test_a_flipped_bit_in_a_photo_is_refused_when_it_is_taken(tmp_path, whole):
    path = tmp_path / "a.photos"
    content = bytearray(whole)
    content[70] ^= 4
    path.write_bytes(content)
    photos = open_cache(Stored(), path)
    photos.take(np.arange(2, NUM))
    with pytest.raises(DamagedCache, match=r"a\.photos: .*damaged"):
        photos.take(np.arange(2))


def test_a_file_that_is_cut_while_it_is_in_use_is_refused(tmp_path, whole):
    path = tmp_path / "a.photos"
    path.write_bytes(whole)
    photos = opened_cache(path)
    photos.take(np.arange(NUM))
    os.truncate(path, 200)
    assert photos.take(np.array([0]))[0].shape == (4, 9, 3)  # 108 bytes that are still there
    with pytest.raises(DamagedCache, match=r"a\.photos: .*damaged") as refused:
        photos.take(np.array([NUM - 1]))
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)


def test_an_unreadable_photo_leaves_nothing_behind(tmp_path):
    class Unreadable(Stored):
        def subset(self, _):
            raise BadInput("photo 3: truncated")

    with pytest.raises(BadInput, match="photo 3"):
        open_cache(Unreadable(), tmp_path / "a.photos")
    assert [file.suffix for file in tmp_path.iterdir()] == [".lock"]


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "a.photos"
    open_cache(Stored(np.arange(3)), path)
    with pytest.raises(BadInput, match="holds other photos"):
        open_cache(Stored(), path)
    with pytest.raises(BadInput, match="holds other photos"):
        cached_photos(Stored(np.arange(3)), SHORT_SIDE + 1, path, [].append)  # type: ignore[arg-type]


CPU = torch.device("cpu")


@pytest.mark.parametrize("side", [2, 3])
def test_blocks_are_averaged_in_parts_and_from_any_layout(side):
    at_once = 24  # sums of one image or two
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 12, 3), np.uint8)
    means = images.astype(np.float64).reshape(5, 6 // side, side, 12 // side, side, 3).mean(axis=(2, 4))
    expected = np.floor(means + 0.5).astype(np.uint8)  # halves go up
    assert np.array_equal(average_blocks(images, side, at_once), expected)
    first = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    assert np.array_equal(average_blocks(first, side, at_once), expected)


@pytest.fixture
def data():
    """Eight grey pictures of 4 rows and 6 columns, in two classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 4, 6), dtype=np.uint8)
    return load_dataset((pixels, np.arange(8) % 2))


@pytest.mark.parametrize(("reduce", "side"), [(3, "height of 4"), (4, "width of 6"), (12, "height of 4")])
def test_a_side_that_does_not_divide_is_named(data, reduce, side):
    with pytest.raises(BadInput, match=rf"{side} .*multiple .*`reduce` = {reduce}") as caught:
        make_plan(data, Training(model="mlp_2_w4", epochs=1, recipe={"reduce": reduce}), 1)
    assert "\n" not in str(caught.value)


def test_translation_follows_the_reduced_side():
    data = load_dataset((np.full((4, 16, 16), 9, np.uint8), np.arange(4) % 2))
    recipe = Recipe(reduce=2)
    bank = data.kind.bank(data.packed(recipe), recipe, CPU, augment=True, sharers=1)
    drawn = bank.draw(torch.zeros(500, dtype=torch.long), torch.Generator().manual_seed(0))
    assert sorted(set(drawn[:, 0].tolist())) == [0, 1, 2]  # an eighth of 8 pixels each way


def test_a_trial_at_half_resolution_is_one_of_the_smaller_images(data):
    small = load_dataset((average_blocks(data.array, 2), data.labels))
    resolved = Resolved(precision="float32", channels_last=False, threads=1)
    losses = []
    for images, recipe in ((data, {"reduce": 2}), (small, {})):
        plan = make_plan(images, Training(model="mlp_2_w4", epochs=2, recipe=recipe), 1)
        losses.append(run_trial(plan.spec(resolved, 1, 2).trial(0), images, CPU).train_loss)
    assert losses[0] == losses[1]
