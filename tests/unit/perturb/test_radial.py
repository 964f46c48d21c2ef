from __future__ import annotations

import math

import pytest
import torch

from easiness.errors import BadInput
from easiness.perturb import Radial, clamp_for_display


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


@pytest.mark.parametrize("radius", [-0.1, float("nan"), float("inf")])
def test_radius_out_of_range(radius: float) -> None:
    with pytest.raises(BadInput, match=f"radial radius {radius}: negative"):
        Radial(radius)


def test_no_images_stay_none() -> None:
    assert Radial(1)(torch.zeros(0, 3, 8, 8)).shape == (0, 3, 8, 8)
