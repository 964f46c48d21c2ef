"""How pictures become network input: moved, mirrored and normalized, or cropped, against torchvision's."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import binomtest, chisquare, kstest
from torchvision.transforms import RandomResizedCrop, v2
from torchvision.transforms.v2 import functional as reference

from easiness.errors import BadInput
from easiness.inputs.image import preparation
from easiness.inputs.image.photos import reduce
from easiness.inputs.image.preparation import PictureMoves, crop_centre, crop_random, draw_crops, draw_moves
from easiness.spec import Recipe
from pixels import make_bank, moved_bank, packed_photos

CPU = torch.device("cpu")
CROPPED = Recipe(crop=28, gcn=False)
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


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shift", [0, 3])
def test_clean_is_the_image_itself(shape, shift):
    images = random_images(7, shape)
    plain = moved_bank(images, Recipe(gcn=False), CPU, shift=shift)
    assert torch.equal(plain.clean(slice(2, 5)), images[2:5] / 255)


@pytest.mark.parametrize("shape", [*SHAPES, (3, 224, 224)])
def test_a_constant_image_becomes_exactly_zero(shape):
    values = [0, 1, 77, 128, 201, 254, 255]
    images = torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, *shape)
    seen = moved_bank(images, Recipe(), CPU).clean(slice(0, len(values)))
    assert (seen == 0).all()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("recipe", [Recipe(), Recipe(gcn=False)])
def test_pixels_are_left_as_they_were_also_where_they_are_float(dtype, recipe):
    pixels = random_images(4, (5, 6, 3)).to(dtype)
    before = pixels.clone()
    made = PictureMoves(recipe)
    values, seen = made.raw(pixels), made.finish(pixels)
    assert torch.equal(pixels, before)
    assert torch.equal(values, made.raw(before.byte()))
    assert torch.equal(seen, made.finish(before.byte()))
    kept = seen.clone()
    pixels.zero_()  # what was made of them does not lie where they do
    assert torch.equal(seen, kept)


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


LEVEL = 1.01  # pixels may differ from torchvision's by one of 255 levels
SIZES = [(256, 256), (256, 341), (400, 256), (60, 47), (256, 777)]


def photo(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Smooth enough to look like a photo, with noise on top."""
    rng = np.random.default_rng(height * width + channels)
    coarse = rng.integers(0, 256, (height // 16 + 2, width // 16 + 2, channels), dtype=np.uint8)
    coarse = coarse[..., 0] if channels == 1 else coarse
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    noisy = smooth.reshape(height, width, channels) + rng.normal(0, 12, (height, width, channels))
    return noisy.clip(0, 255).astype(np.uint8)


@pytest.fixture(params=["photo by photo", "batched"])
def anywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """A device on which crops are made in the one way or the other; both run here."""
    if request.param == "batched":
        monkeypatch.setattr(preparation, "_photo_by_photo", lambda _: False)
    return CPU


@pytest.mark.parametrize("channels", [1, 3])
def test_random_crops_are_torchvisions_of_the_same_boxes(anywhere, channels):
    photos = [photo(*size, channels) for size in SIZES for _ in range(8)]
    sizes = torch.tensor([p.shape[:2] for p in photos])
    drawn = draw_crops(sizes, 0.08, 4 / 3, 0.5, torch.Generator().manual_seed(0))
    assert 5 < drawn[:, 4].sum() < 35
    seen = crop_random(photos, drawn, 96, anywhere)
    assert seen.shape == (40, 96, 96, channels)
    for pixels, p, (*box, flip) in zip(seen, photos, drawn.tolist(), strict=True):
        image = torch.from_numpy(p).permute(2, 0, 1)
        expected = reference.resized_crop(image, *box, size=[96, 96], antialias=True)
        if flip:
            expected = reference.horizontal_flip(expected)
        difference = (pixels.permute(2, 0, 1).float() - expected.float()).abs()
        assert difference.max() <= LEVEL
        assert difference.mean() < 0.2


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_the_centre_is_torchvisions_resize_and_centre_crop(anywhere, size, channels):
    p = photo(*size, channels)  # type: ignore[call-arg]
    image = torch.from_numpy(p).permute(2, 0, 1)
    resize = v2.Compose([v2.Resize(128, antialias=True), v2.CenterCrop(112)])
    reduced = reduce(p, 128)
    seen = crop_centre([reduced], 128, 112, anywhere)[0].permute(2, 0, 1).float()
    assert (seen - resize(image).float()).abs().max() <= LEVEL
    if channels == 3:  # a photo that was reduced has the very pixels of torchvision's for files
        from_file = resize(Image.fromarray(p))
        if min(size) >= 128:
            assert torch.equal(seen, reference.pil_to_tensor(from_file).float())


def test_several_sizes_in_a_batch_do_not_mix(anywhere):
    photos = [photo(*size) for size in SIZES]
    together = crop_centre(photos, 256, 224, anywhere)
    for p, pixels in zip(photos, together, strict=True):
        alone = crop_centre([p], 256, 224, anywhere)[0]
        assert (pixels.float() - alone.float()).abs().max() <= LEVEL


def test_a_panorama_makes_no_batch_of_its_size(monkeypatch):
    """Eight times as wide or high as the others, which is as oblong as photos are kept."""
    photos = [photo(64, 64), photo(64, 512), photo(512, 64)]
    sizes = torch.tensor([p.shape[:2] for p in photos])
    drawn = draw_crops(sizes, 0.08, 4 / 3, 0.5, torch.Generator().manual_seed(0))
    expected = crop_random(photos, drawn, 48, CPU), crop_centre(photos, 64, 48, CPU)
    moved = []
    monkeypatch.setattr(preparation, "_photo_by_photo", lambda _: False)
    padded = preparation._pad
    monkeypatch.setattr(preparation, "_pad", lambda *given: moved.append(padded(*given)) or moved[-1])
    seen = crop_random(photos, drawn, 48, CPU), crop_centre(photos, 64, 48, CPU)
    for ours, theirs in zip(seen, expected, strict=True):
        assert (ours.float() - theirs.float()).abs().max() <= LEVEL
    random, centre = (batch.shape for batch in moved)
    # boxes are at most 4 / 3 as long as the short side; of a centre no more than a pixel or two is not seen
    assert max(random[1:3]) <= 86
    assert max(centre[1:3]) <= 52


def test_boxes_are_distributed_as_torchvisions():
    size = (256, 341)
    torch.manual_seed(0)
    image = torch.empty(1, *size)
    transform = RandomResizedCrop(224)
    theirs = np.array([transform.get_params(image, transform.scale, transform.ratio) for _ in range(3000)])
    drawn = draw_crops(torch.tensor([size] * 3000), 0.08, 4 / 3, 0.5, torch.Generator().manual_seed(1))
    ours = drawn[:, :4].numpy()
    for column in range(4):
        assert kstest(ours[:, column], theirs[:, column]).pvalue > 1e-3
    area = lambda boxes: boxes[:, 2] * boxes[:, 3] / math.prod(size)  # noqa: E731
    assert kstest(area(ours), area(theirs)).pvalue > 1e-3
    assert binomtest(int(drawn[:, 4].sum()), 3000, 0.5).pvalue > 1e-3


@pytest.mark.parametrize(("size", "box"), [((40, 400), (0, 173, 40, 53)), ((400, 40), (173, 0, 53, 40))])
def test_where_no_draw_fits_the_largest_centred_box_is_taken(size, box):
    """Nine tenths of the area of so long a photo never has an aspect ratio of 4 / 3."""
    drawn = draw_crops(torch.tensor([size] * 20), 0.9, 4 / 3, 0.0, torch.Generator().manual_seed(0))
    assert {tuple(b) for b in drawn[:, :4].tolist()} == {box}
    assert not drawn[:, 4].any()


def test_boxes_lie_in_their_photos():
    sizes = torch.tensor([(1, 1), (1, 9), (30, 2), (17, 23), (500, 333)] * 200)
    boxes = draw_crops(sizes, 0.08, 4 / 3, 0.5, torch.Generator().manual_seed(0))
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:4] >= 1).all()
    assert (boxes[:, :2] + boxes[:, 2:4] <= sizes).all()


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("num", [1, 8, 9, 21])
def test_threads_make_the_same_crops_and_end(num, channels):
    """Against each photo cropped alone, which is never handed to a thread."""
    photos = [photo(*SIZES[i % 5], channels) + np.uint8(i) for i in range(num)]
    sizes = torch.tensor([p.shape[:2] for p in photos])
    drawn = draw_crops(sizes, 0.08, 4 / 3, 0.5, torch.Generator().manual_seed(0))
    before = threading.active_count()
    random, centre = crop_random(photos, drawn, 48, CPU), crop_centre(photos, 64, 48, CPU)
    assert threading.active_count() == before
    for at in range(num):
        one = slice(at, at + 1)
        assert torch.equal(random[one], crop_random(photos[one], drawn[one], 48, CPU))
        assert torch.equal(centre[one], crop_centre(photos[one], 64, 48, CPU))


@pytest.mark.usefixtures("threads")
def test_an_error_in_a_thread_is_that_of_the_batch(monkeypatch):
    def refuse(*_: object) -> None:
        raise BadInput("photo 3: torn")

    monkeypatch.setattr(preparation, "_resize", refuse)
    before = threading.active_count()
    with pytest.raises(BadInput, match="photo 3: torn"):
        crop_centre([photo(60, 47)] * 20, 64, 48, CPU)
    assert threading.active_count() == before


def few_photos() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = [(32, 32), (32, 50), (70, 32), (20, 25), (32, 32)]
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def test_banks_of_photos_crop_their_centre_or_what_was_drawn():
    bank = make_bank(packed_photos(few_photos()), CROPPED, CPU, augment=True)
    assert len(bank) == 5
    expected = crop_centre(few_photos()[1:4], 32, 28, CPU).permute(0, 3, 1, 2) / 255
    assert torch.equal(bank.clean(slice(1, 4)), expected)
    # the first photo has the working resolution already, so that nothing is resized
    first = bank.clean(slice(0, 1))[0] * 255
    assert np.array_equal(first.permute(1, 2, 0).round(), few_photos()[0][2:30, 2:30])
    positions = torch.tensor([3, 0, 0, 2, 1])
    drawn = bank.draw(positions, torch.Generator().manual_seed(1))
    sizes = torch.tensor([few_photos()[p].shape[:2] for p in positions.tolist()])
    assert torch.equal(drawn, draw_crops(sizes, 0.08, 4 / 3, 0.5, torch.Generator().manual_seed(1)))
    seen = bank.augmented(positions[1:3], drawn[1:3])
    assert torch.equal(
        seen, crop_random([few_photos()[0]] * 2, drawn[1:3], 28, CPU).permute(0, 3, 1, 2) / 255
    )
    assert not torch.equal(seen[0], seen[1])


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("num", [1, 7, 8, 9, 17, 23])
def test_normalized_a_few_at_a_time_bit_by_bit_as_all_at_once(num):
    rng = np.random.default_rng(num)
    some = [rng.integers(0, 256, (120, 130, 3), dtype=np.uint8) for _ in range(num)]
    recipe = Recipe(crop=112)
    bank = make_bank(packed_photos(some), recipe, CPU, augment=True)
    seen = bank.clean(slice(0, num))
    whole = bank.normalized(bank.raw(slice(0, num)))
    assert torch.equal(seen, whole)
    assert seen.stride() == whole.stride()
