"""What sounds of a source have in common: one rate, and a window."""

from __future__ import annotations

import pytest

from easiness.errors import BadInput
from easiness.inputs.sound.scan import SoundHeader, SoundTraits, scan, window_for
from easiness.spec import Recipe


def headers(*rates: int) -> list[SoundHeader]:
    return [SoundHeader(rate, 1, rate // 2) for rate in rates]


@pytest.mark.parametrize(
    ("rates", "rate"),
    [((8000,), 8000), ((8000, 16000, 16000), 16000), ((8000, 11025), 8000), ((44100, 44100, 8000), 16000)],
)
def test_the_rate_is_the_most_common_one_up_to_a_bound(rates, rate):
    traits = scan(headers(*rates))
    assert traits is not None
    assert traits.rate == rate


def test_those_of_other_rates_are_told():
    traits = scan(headers(8000, 8000, 44100, 8000, 44100, 11025))
    assert traits is not None
    assert traits.notes == (
        "1 of the sounds has 11.025 kHz, and is resampled to 8 kHz",
        "2 of the sounds have 44.1 kHz, and are resampled to 8 kHz",
    )


def test_of_no_headers_there_are_no_traits():
    assert scan([]) is None


@pytest.mark.parametrize(
    ("seconds", "window"),
    [([0.5] * 20, 0.52), ([0.48] * 20, 0.48), ([0.1] * 99 + [9], 0.16), ([60.0], 4.0)],
)
def test_the_window_holds_most_sounds_whole(seconds, window):
    assert window_for(seconds) == window


def test_recipes_and_signatures():
    traits = SoundTraits(8000, 0.68)
    recipe = Recipe(**traits.recipe())
    assert traits.signature(recipe, "x").shape == (1, recipe.mels, recipe.frames)
    assert traits.shape is None
    assert recipe.batch_size == 16


def test_splits_of_two_rates_do_not_go_together():
    with pytest.raises(BadInput, match=r"fsdd: sounds of train have 8,000 samples a second but those of"):
        SoundTraits(8000, 1).joined(SoundTraits(16000, 1), "fsdd", ("train", "test"))
    assert SoundTraits(8000, 1).joined(SoundTraits(8000, 2), "fsdd", ("train", "test")).seconds == 1
