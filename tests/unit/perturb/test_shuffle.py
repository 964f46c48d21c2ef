from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from easiness.errors import BadInput
from easiness.perturb import Shuffle


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


@pytest.mark.parametrize("tile", [0, -0.5, 1.01, float("nan"), float("inf")])
def test_tile_out_of_range(tile: float) -> None:
    with pytest.raises(BadInput, match=rf"shuffle tile {tile}: not in \(0, 1\]"):
        Shuffle(tile)


def test_tiny_tiles_are_pixels() -> None:
    images = counting(4, 4)
    assert torch.equal(Shuffle(5e-324)(images, ids=[0]), Shuffle(0.25)(images, ids=[0]))


def test_other_bad_input() -> None:
    with pytest.raises(BadInput, match="seed -1: negative"):
        Shuffle(0.5, seed=-1)
    with pytest.raises(BadInput, match="shuffle: needs ids"):
        Shuffle(0.5)(counting(4, 4))
    with pytest.raises(BadInput, match=r"id 0\.5: neither"):
        Shuffle(0.5)(counting(4, 4), ids=[0.5])  # type: ignore[arg-type]
    assert Shuffle(0.5)(torch.zeros(0, 3, 4, 4), ids=[]).shape == (0, 3, 4, 4)


def test_in_time_columns_move_whole_and_together() -> None:
    out = Shuffle(0.25, in_time=True)(counting(3, 8, 5), ids=range(5))
    starts = out[:, 0, 0, ::2].long()
    assert (starts.sort(1).values == torch.tensor([0, 2, 4, 6])).all()
    assert len(starts.unique(dim=0)) > 1
    for image, order in zip(out[:, 0], starts, strict=True):
        columns = torch.stack([order, order + 1], 1).flatten()
        assert torch.equal(image, counting(3, 8)[0, 0][:, columns])
