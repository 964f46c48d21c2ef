"""What a network hears: augmented as drawn, standardized, and the same from any thread."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from easiness.inputs.sound.kind import picture
from easiness.inputs.sound.preparation import Heard
from easiness.spec import Recipe
from sounds import tone

RECIPE = Recipe(
    seconds=0.1, hop=0.01, mels=8, time_shift=0.2, gain=8.0, masks=1, time_mask=0.3, mel_mask=0.25
)
PICTURES = torch.from_numpy(np.random.default_rng(0).uniform(0.2, 0.8, (5, 8, 10)).astype(np.float16))
FIRST = PICTURES[:1].float()
POSITION = torch.tensor([0])


def augmented(*drawn: int) -> torch.Tensor:
    """The first picture, of shift and gain, then start and length of the masks of time and of frequency."""
    return Heard(RECIPE, True).augmented(PICTURES, POSITION, torch.tensor([drawn]))


def test_it_is_a_preparation_of_examples_of_one_shape():
    assert Heard(RECIPE, True).gathered


def test_draws_are_within_their_bounds():
    heard = Heard(RECIPE, True)
    drawn = heard.draw(torch.arange(2000), torch.Generator().manual_seed(0))
    assert drawn.dtype == torch.int64
    # two frames of shift and 80 tenths of a decibel either way; masks of at most 3 of 10, and 2 of 8
    assert drawn.amin(dim=0).tolist() == [0, 0, 0, 0, 0, 0]
    assert drawn[:, [0, 1, 3, 5]].amax(dim=0).tolist() == [4, 160, 3, 2]
    assert (drawn[:, 2] + drawn[:, 3]).max() == 10
    assert (drawn[:, 4] + drawn[:, 5]).max() == 8


def test_nothing_drawn_is_nothing_changed():
    assert torch.equal(augmented(2, 80, 0, 0, 0, 0), FIRST)
    clean = Heard(RECIPE, False)
    drawn = clean.draw(POSITION, torch.Generator())
    assert drawn.shape == (1, 0)
    assert torch.equal(clean.augmented(PICTURES, POSITION, drawn), FIRST)


def test_a_shift_brings_silence():
    later = augmented(4, 80, 0, 0, 0, 0)
    assert torch.equal(later[..., 2:], FIRST[..., :-2])
    assert not later[..., :2].any()
    earlier = augmented(1, 80, 0, 0, 0, 0)
    assert torch.equal(earlier[..., :-1], FIRST[..., 1:])
    assert not earlier[..., -1:].any()


def test_gain_is_added_to_the_logarithm():
    assert torch.allclose(augmented(2, 160, 0, 0, 0, 0), (FIRST + 0.1).clamp(max=1))  # 8 of 80 decibels
    assert torch.allclose(augmented(2, 40, 0, 0, 0, 0), FIRST - 0.05)


def test_masks_silence_time_and_frequency():
    masked = augmented(2, 80, 3, 2, 6, 1)
    expected = FIRST.clone()
    expected[..., 3:5] = 0
    expected[:, 6] = 0
    assert torch.equal(masked, expected)


def test_raw_and_normalized():
    heard = Heard(RECIPE, False)
    raw = heard.raw(PICTURES)
    assert raw.shape == (5, 1, 8, 10)
    assert torch.equal(raw[:, 0], PICTURES.float())
    given = heard.finished(PICTURES)
    assert torch.equal(given, heard.normalized(raw))
    assert torch.allclose(given.mean(dim=(1, 2, 3)), torch.zeros(5), atol=1e-5)
    assert torch.allclose(given.std(dim=(1, 2, 3), correction=0), torch.ones(5), atol=1e-4)


@pytest.mark.parametrize("masks", [0, 2])
def test_any_number_of_masks(masks):
    heard = Heard(RECIPE.model_copy(update={"masks": masks}), True)
    drawn = heard.draw(torch.arange(5), torch.Generator().manual_seed(0))
    assert drawn.shape == (5, 2 + 4 * masks)
    made = heard.augmented(PICTURES, torch.arange(5), drawn)
    assert made.shape == (5, 8, 10)
    assert made.min() >= 0
    assert made.max() <= 1


def test_a_picture_is_of_one_window():
    made = picture(tone(500, 0.3), 8000, RECIPE)
    assert made.shape == (8, 10)
    assert made.dtype == np.float16
    short = picture(tone(500, 0.05), 8000, RECIPE)
    assert short[:, 0].max() == 0
    assert short[:, 5].max() == 1
