"""Crops of photos against torchvision's, on a CPU photo by photo and as matrix products for a batch."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import binomtest, kstest
from torchvision.transforms import RandomResizedCrop, v2
from torchvision.transforms.v2 import functional as reference

from easiness.errors import BadInput
from easiness.inputs.image import preparation
from easiness.inputs.image.photos import reduce
from easiness.inputs.image.preparation import crop_centre, crop_random, draw_crops

CPU = torch.device("cpu")
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
    padded = preparation._padded
    monkeypatch.setattr(preparation, "_padded", lambda *given: moved.append(padded(*given)) or moved[-1])
    seen = crop_random(photos, drawn, 48, CPU), crop_centre(photos, 64, 48, CPU)
    for ours, theirs in zip(seen, expected, strict=True):
        assert (ours.float() - theirs.float()).abs().max() <= LEVEL
    random, centre = (batch.shape for batch in moved)
    # boxes are at most 4 / 3 as long as the short side; of a centre no more than a pixel or two is not seen
    assert max(random[1:3]) <= 86
    assert max(centre[1:3]) <= 52


def test_the_whole_photo_at_its_own_size_is_itself(anywhere):
    p = photo(64, 64)
    whole = torch.tensor([[0, 0, 64, 64, 0], [0, 0, 64, 64, 1]])
    seen = crop_random([p, p], whole, 64, anywhere)
    assert np.array_equal(seen[0], p)
    assert np.array_equal(seen[1], p[:, ::-1])


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

    monkeypatch.setattr(preparation, "_resized", refuse)
    before = threading.active_count()
    with pytest.raises(BadInput, match="photo 3: torn"):
        crop_centre([photo(60, 47)] * 20, 64, 48, CPU)
    assert threading.active_count() == before
