"""Transforms of pictures: colors, frequencies and tiles, by hand and in the limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from easiness.errors import BadInput
from easiness.perturb import Color, Radial, Shuffle, clamp_for_display

PIXEL = torch.tensor([0.9, 0.3, 0.0], dtype=torch.float64).view(1, 3, 1, 1)  # its grey is 0.4


def test_half_way_to_grey_by_hand() -> None:
    torch.testing.assert_close(Color(0.5)(PIXEL).flatten().tolist(), [0.65, 0.35, 0.2])
    torch.testing.assert_close(Color(0)(PIXEL).flatten().tolist(), [0.4, 0.4, 0.4])


def test_one_channel_is_grey_already() -> None:
    image = torch.rand(2, 1, 3, 4)
    assert torch.equal(Color(0)(image), image)


def test_half_precision_is_widened() -> None:
    image = torch.rand(1, 3, 2, 2)
    for dtype in (torch.float16, torch.bfloat16):
        same = Color(1)(image.to(dtype))
        assert same.dtype == torch.float32
        assert torch.equal(same, image.to(dtype).float())
    for dtype in (torch.float32, torch.float64):
        assert Color(0.5)(image.to(dtype)).dtype == dtype


def wave(down: int, right: int, side: int = 4) -> torch.Tensor:
    """A cosine of so many waves per side, [1, 1, side, side]."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.cos(2 * math.pi * (down * y + right * x).double() / side)[None, None]


def test_waves_pass_up_to_the_radius() -> None:
    image = 0.5 + wave(1, 0) + wave(1, 1) + wave(2, 0) + wave(2, 1)
    for radius, kept in [
        (0.99, 0.5 + 0 * wave(1, 0)),
        (1, 0.5 + wave(1, 0)),
        (math.sqrt(2), 0.5 + wave(1, 0) + wave(1, 1)),
        (2, 0.5 + wave(1, 0) + wave(1, 1) + wave(2, 0)),  # the fastest wave, half a side away
        (math.sqrt(5), image),
    ]:
        torch.testing.assert_close(Radial(radius)(image), kept)


def test_one_bright_pixel_by_hand() -> None:
    # four pixels in a row: the mean, 1/4, and at radius 1 the wave cos(pi x / 2) / 2 as well
    image = torch.tensor([1.0, 0, 0, 0]).view(1, 1, 1, 4)
    torch.testing.assert_close(Radial(0)(image).flatten().tolist(), [0.25] * 4)
    torch.testing.assert_close(Radial(1)(image).flatten().tolist(), [0.75, 0.25, -0.25, 0.25])


def test_a_radius_that_is_a_rounded_root_keeps_its_ring() -> None:
    image = wave(3, 2, side=8)  # at the distance sqrt(13), and sqrt(13) ** 2 < 13
    torch.testing.assert_close(Radial(math.sqrt(13))(image), image)
    torch.testing.assert_close(Radial(math.sqrt(13) - 1e-6)(image), torch.zeros_like(image))


def test_values_are_clamped_for_display_alone() -> None:
    image = torch.tensor([1.0, 0, 0, 0]).view(1, 1, 1, 4)
    low = Radial(1)(image)
    assert low.min() < 0
    assert clamp_for_display(low).flatten().tolist() == pytest.approx([0.75, 0.25, 0, 0.25])


def counting(height: int, width: int, num: int = 1) -> torch.Tensor:
    """Images [num, 1, height, width] whose pixels are 0, 1, 2, ..."""
    return torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width).repeat(num, 1, 1, 1)


def grid(tile: float, height: int, width: int) -> tuple[int, int, int, int]:
    """Rows, columns, and pixels of a tile, read off the pixels that 64 orders ever move."""
    images = counting(height, width, 64)
    out = Shuffle(tile)(images, ids=range(64))
    moved = (out != images).any(0)[0]
    bottom, right = (int(moved.any(1 - axis).nonzero().max()) + 1 for axis in (0, 1))
    starts = out[:, 0, 0, 0].unique().long()
    rows, cols = (starts // width).unique(), (starts % width).unique()
    return len(rows), len(cols), bottom // len(rows), right // len(cols)


def test_the_order_is_the_same_in_every_process() -> None:
    corners = counting(4, 4, 3)
    out = Shuffle(0.5)(corners, ids=["a/ü.png", "3", "a\udce9"])
    assert out[:, 0, ::2, ::2].reshape(3, 4).tolist() == [[10, 2, 0, 8], [2, 0, 8, 10], [8, 2, 0, 10]]
    out = Shuffle(0.5, seed=7)(corners, ids=[3, -1, 2**63])
    assert out[:, 0, ::2, ::2].reshape(3, 4).tolist() == [[0, 8, 2, 10], [2, 10, 0, 8], [2, 10, 0, 8]]


def test_tiles_move_whole_by_hand() -> None:
    out = Shuffle(0.5)(counting(4, 4), ids=["3"])[0, 0]
    assert out.tolist() == [[2, 3, 0, 1], [6, 7, 4, 5], [8, 9, 10, 11], [12, 13, 14, 15]]


@pytest.mark.parametrize(
    ("tile", "height", "width", "expected"),
    [
        (1 / 3, 9, 9, (3, 3, 3, 3)),
        (0.25, 8, 12, (4, 4, 2, 3)),
        (0.3, 10, 10, (3, 3, 3, 3)),  # a border of one pixel
        (0.4, 7, 5, (2, 2, 2, 2)),
        (0.1, 3, 20, (3, 10, 1, 2)),  # no more tiles than pixels
    ],
)
def test_number_and_size_of_tiles(
    tile: float, height: int, width: int, expected: tuple[int, int, int, int]
) -> None:
    assert grid(tile, height, width) == expected


def test_a_share_that_is_not_exact_is_rounded_up_to_whole_pixels() -> None:
    image = counting(98, 98)  # 1 / 49 * 98 is 1.9999999999999998, two pixels are meant
    moved = (Shuffle(1 / 49)(image, ids=[0]) != image)[0, 0]
    assert moved[96:].any()
    assert moved[:, 96:].any()


@pytest.mark.parametrize("tile", [1, 0.51])
def test_one_tile_needs_no_ids(tile: float) -> None:
    images = torch.rand(2, 3, 5, 4)
    assert torch.equal(Shuffle(tile)(images), images)


def test_all_orders_are_equally_likely() -> None:
    num = 4800
    out = Shuffle(0.5)(counting(2, 2, num), ids=np.arange(num))
    _, counts = np.unique(out.flatten(1).numpy(), axis=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 0.01


def test_channels_move_together() -> None:
    images = torch.cat([counting(6, 6), counting(6, 6) + 100], 1)
    out = Shuffle(0.5)(images, ids=[5])
    assert torch.equal(out[:, 1], out[:, 0] + 100)


def test_numbers_and_texts_are_different_ids_and_any_container_does() -> None:
    images = counting(8, 8, 2)
    numbers = Shuffle(0.25)(images, ids=[3, 4])
    assert not torch.equal(numbers, Shuffle(0.25)(images, ids=["3", "4"]))
    for ids in (np.array([3, 4], np.int32), torch.tensor([3, 4]), (np.int64(3), np.uint8(4))):
        assert torch.equal(Shuffle(0.25)(images, ids=ids), numbers)  # type: ignore[arg-type]
    texts = Shuffle(0.25)(images, ids=np.array(["a", "bcd"]))
    assert torch.equal(texts, Shuffle(0.25)(images, ids=np.array(["a", "bcd"], object)))


def test_tiny_tiles_are_pixels() -> None:
    images = counting(4, 4)
    assert torch.equal(Shuffle(5e-324)(images, ids=[0]), Shuffle(0.25)(images, ids=[0]))


def test_in_time_columns_move_whole_and_together() -> None:
    out = Shuffle(0.25, in_time=True)(counting(3, 8, 5), ids=range(5))
    starts = out[:, 0, 0, ::2].long()
    assert (starts.sort(1).values == torch.tensor([0, 2, 4, 6])).all()
    assert len(starts.unique(dim=0)) > 1
    for image, order in zip(out[:, 0], starts, strict=True):
        columns = torch.stack([order, order + 1], 1).flatten()
        assert torch.equal(image, counting(3, 8)[0, 0][:, columns])


def test_no_images_stay_none() -> None:
    none = torch.zeros(0, 3, 8, 8)
    assert Radial(1)(none).shape == Shuffle(0.5)(none, ids=[]).shape == none.shape


@pytest.mark.parametrize(
    ("act", "said"),
    [
        *((lambda x=x: Color(x), f"color alpha {x}: not in") for x in (-0.1, 1.1, math.nan, math.inf)),
        *((lambda x=x: Radial(x), f"radial radius {x}: negative") for x in (-0.1, math.nan, math.inf)),
        *((lambda x=x: Shuffle(x), "shuffle tile .*: not in") for x in (0, -0.5, 1.01, math.nan, math.inf)),
        (lambda: Shuffle(0.5, seed=-1), "seed -1: negative"),
        (lambda: Shuffle(0.5)(counting(4, 4)), "shuffle: needs ids"),
        (lambda: Shuffle(0.5)(counting(4, 4), ids=[0.5]), r"id 0\.5: neither"),  # type: ignore[arg-type]
        (lambda: Color(0.5)(PIXEL, ids=[1, 2]), "2 ids for 1 images"),
        (lambda: Color(0.5)(torch.zeros(3, 4, 4)), r"images: are torch.float32 \[3, 4, 4\]"),
        (lambda: Color(0.5)(PIXEL.byte()), r"images: are torch.uint8 \[1, 3, 1, 1\]"),
        (lambda: Color(0.5)([[0.5]]), "images: are list"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused(act: Callable[[], Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        act()
