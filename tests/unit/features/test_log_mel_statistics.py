"""Sounds as vectors: statistics of log-mel pictures."""

from __future__ import annotations

import numpy as np
import pytest

from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.features import find_features
from easiness.features.log_mel import statistics
from easiness.inputs import log_mel
from sounds import tone

SOUNDS = [tone(300), tone(900, 0.37), tone(300, 0.2), tone(2000, 0.013)]


def test_statistics_are_those_of_the_picture() -> None:
    picture = log_mel(SOUNDS[1], 8000, 64, 0.01).astype(np.float64)
    assert picture.shape == (64, 37)
    made = statistics(SOUNDS[1], 8000).reshape(7, 64)
    steps = [abs(picture[:, at + 1] - picture[:, at]) for at in range(36)]
    # 37 columns in four: the quarters end at 9.25, 18.5 and 27.75
    quarters = [picture[:, :10], picture[:, 9:19], picture[:, 18:28], picture[:, 27:]]
    expected = [picture.mean(axis=1), picture.std(axis=1), np.mean(steps, axis=0)]
    np.testing.assert_allclose(made, [*expected, *(one.mean(axis=1) for one in quarters)], atol=1e-5)


def test_loudness_does_not_matter_and_one_frame_is_enough() -> None:
    np.testing.assert_allclose(
        statistics(SOUNDS[0] * np.float32(0.125), 8000), statistics(SOUNDS[0], 8000), atol=1e-5
    )
    short = statistics(SOUNDS[3], 8000).reshape(7, 64)
    assert not short[1:3].any()
    np.testing.assert_array_equal(short[0], short[5])


def test_auto_takes_them_for_sounds() -> None:
    data = load_dataset((SOUNDS, [0, 1, 0, 1]), rate=8000)
    source = find_features("auto", data)
    assert source.name == "logmel"
    made = source.vectors(data, np.arange(4))
    assert made.shape == (4, 448)
    np.testing.assert_array_equal(source.vectors(data, np.array([2])), made[[2]])
    other = load_dataset((SOUNDS, [0, 1, 0, 1]), rate=16000)
    assert find_features("logmel", other).identity != source.identity


def test_others_have_none() -> None:
    data = load_dataset((["a", "b", "c", "d"], [0, 1, 0, 1]))
    with pytest.raises(BadInput, match="'logmel': makes vectors of sounds and arrays are texts; give auto"):
        find_features("logmel", data)
