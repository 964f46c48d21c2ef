from __future__ import annotations

import pytest
import torch

from easiness.errors import BadInput
from easiness.perturb import Color

PIXEL = torch.tensor([0.9, 0.3, 0.0], dtype=torch.float64).view(1, 3, 1, 1)  # its grey is 0.4


def test_half_way_to_grey_by_hand() -> None:
    torch.testing.assert_close(Color(0.5)(PIXEL).flatten().tolist(), [0.65, 0.35, 0.2])
    torch.testing.assert_close(Color(0)(PIXEL).flatten().tolist(), [0.4, 0.4, 0.4])


def test_one_channel_is_grey_already() -> None:
    image = torch.rand(2, 1, 3, 4)
    assert torch.equal(Color(0)(image), image)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan"), float("inf")])
def test_alpha_out_of_range(alpha: float) -> None:
    with pytest.raises(BadInput, match=rf"color alpha {alpha}: not in \[0, 1\]"):
        Color(alpha)


def test_half_precision_is_widened() -> None:
    image = torch.rand(1, 3, 2, 2)
    for dtype in (torch.float16, torch.bfloat16):
        same = Color(1)(image.to(dtype))
        assert same.dtype == torch.float32
        assert torch.equal(same, image.to(dtype).float())
    for dtype in (torch.float32, torch.float64):
        assert Color(0.5)(image.to(dtype)).dtype == dtype


@pytest.mark.parametrize(
    ("images", "given"),
    [
        (torch.zeros(3, 4, 4), r"torch.float32 \[3, 4, 4\]"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), r"torch.uint8 \[1, 3, 4, 4\]"),
        ([[0.5]], "list"),
    ],
)
def test_images_of_another_form(images: torch.Tensor, given: str) -> None:
    with pytest.raises(BadInput, match=f"images: are {given}"):
        Color(0.5)(images)


def test_ids_are_as_many_as_images() -> None:
    with pytest.raises(BadInput, match="2 ids for 1 images"):
        Color(0.5)(PIXEL, ids=[1, 2])
