"""Log-mel pictures: against those of transformers, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from transformers.audio_utils import mel_filter_bank, power_to_db, spectrogram, window_function

from easiness.inputs.sound.log_mel import RANGE, log_mel, mel_filters, mel_power, windowed
from sounds import tone

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("rate", "mels"), [(8000, 40), (16000, 64)])
def test_filters_are_those_of_transformers(rate, mels):
    theirs = mel_filter_bank(513, mels, 0, rate / 2, rate, norm=None, mel_scale="htk")
    assert np.allclose(mel_filters(mels, 1024, rate), theirs, atol=1e-9)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_pictures_are_those_of_transformers(rate):
    samples = (tone(600, 0.7, rate) + RNG.normal(0, 0.02, round(0.7 * rate))).astype(np.float32)
    width, step = rate // 40, rate // 100
    num_fft = {8000: 512, 16000: 1024}[rate]
    theirs = spectrogram(
        samples.astype(np.float64),
        window_function(width, "hann"),
        width,
        step,
        num_fft,
        power=2.0,
        pad_mode="constant",
        mel_filters=mel_filter_bank(num_fft // 2 + 1, 40, 0, rate / 2, rate, norm=None, mel_scale="htk"),
    )[:, :70]
    ours = mel_power(samples, rate, 40, 0.01)
    assert ours.shape == (40, 70)
    assert np.allclose(ours, theirs, rtol=1e-4)
    decibels = power_to_db(theirs, reference=theirs.max(), db_range=RANGE)
    assert np.allclose(log_mel(samples, rate, 40, 0.01), decibels / RANGE + 1, atol=1e-4)


def test_silence_is_zero_in_every_band():
    picture = log_mel(np.zeros(4000, np.float32), 8000, 40, 0.01)
    assert picture.shape == (40, 50)
    assert not picture.any()


def test_a_tone_is_loudest_in_the_band_of_its_frequency():
    picture = log_mel(tone(1000), 8000, 40, 0.01)
    # 1000 Hz are 1000.0 mel, and the middles of 40 bands up to 2146.1 mel are 52.34 mel apart
    assert set(picture.argmax(axis=0)) == {18}
    assert picture.max() == 1
    assert picture.min() == 0


def test_how_loud_a_sound_is_does_not_show():
    loud, quiet = (log_mel(tone(700, loud=loud), 8000, 40, 0.01) for loud in (0.8, 0.008))
    assert np.allclose(loud, quiet, atol=1e-4)


def test_a_short_sound_has_silence_on_both_sides():
    assert windowed(np.array([1, 2, 3], np.float32), 6).tolist() == [0, 1, 2, 3, 0, 0]


def test_of_a_long_sound_the_loudest_part_is_heard():
    samples = np.zeros(100, np.float32)
    samples[42:52] = 0.5
    samples[90:] = 0.4
    assert windowed(samples, 10).tolist() == [0.5] * 10
    assert windowed(np.ones(100, np.float32), 10).tolist() == [1] * 10


def test_a_picture_has_a_column_even_of_one_sample():
    assert log_mel(np.array([0.5], np.float32), 8000, 40, 0.01).shape == (40, 1)
