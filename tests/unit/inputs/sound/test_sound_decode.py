"""Sounds of every format to samples, and what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from easiness.errors import BadInput
from easiness.inputs import SOUND_FILES, Unreadable, resampled
from easiness.inputs.sound import samples as module
from sounds import encoded, tone

TONE = tone(440, 0.5, 16000)
FORMATS = [
    ("WAV", "PCM_16", 1e-4),
    ("WAV", "PCM_U8", 1e-2),
    ("WAV", "PCM_24", 1e-6),
    ("WAV", "FLOAT", 0),
    ("FLAC", "PCM_16", 1e-4),
    ("OGG", "VORBIS", 0.05),
    ("MP3", None, 0.05),
    ("AIFF", "PCM_16", 1e-4),
]


def decoded(content: bytes, rate: int | None = None) -> np.ndarray:
    return module.decode_at(lambda: content, "a.wav", rate)


@pytest.mark.parametrize(("form", "subtype", "tolerance"), FORMATS)
def test_every_format_is_decoded(form, subtype, tolerance):
    content = encoded(TONE, 16000, form, subtype)
    assert SOUND_FILES.read_header(lambda: content, "a") == (16000, 1, 8000)
    samples = decoded(content)
    assert samples.dtype == np.float32
    assert len(samples) == len(TONE)
    assert np.abs(samples - TONE).max() <= tolerance


def test_channels_are_averaged():
    stereo = np.stack([TONE, TONE / 2], axis=1)
    assert np.allclose(decoded(encoded(stereo, 16000, subtype="FLOAT")), TONE * 0.75, atol=1e-6)


def test_what_is_louder_than_full_scale_is_scaled_down():
    samples = decoded(encoded(TONE * 6, 16000, subtype="FLOAT"))
    assert np.allclose(samples, TONE / np.abs(TONE).max(), atol=1e-6)


def test_another_rate_is_resampled():
    samples = decoded(encoded(TONE, 16000, subtype="FLOAT"), 8000)
    assert len(samples) == 4000
    inner = slice(200, -200)  # beyond the ends there is silence
    assert np.abs(samples[inner] - tone(440, 0.5, 8000)[inner]).max() < 1e-3


def test_a_rate_without_a_common_divisor_is_resampled():
    assert abs(len(resampled(TONE, 16001, 44100)) - 22048) <= 1


def test_what_the_new_rate_cannot_hold_is_left_out():
    samples = decoded(encoded(tone(6000, 0.5, 16000), 16000, subtype="FLOAT"), 8000)
    assert np.abs(samples[200:-200]).max() < 0.01


NOT_FINITE = np.where(np.arange(len(TONE)) == 7, np.nan, TONE).astype(np.float32)
BROKEN = {
    "an empty file": b"",
    "not a sound that can be read": b"no sound" * 100,
    "sample 7 is not a finite number": encoded(NOT_FINITE, subtype="FLOAT"),
    "40 channels; give 1 to 32": encoded(np.full((10, 40), 0.1)),
    "1 samples a second; give 1,000 to 1,000,000": encoded(TONE, 1),
    "unreadable or truncated sound": encoded(TONE, form="FLAC")[:2500],
    "no samples in it": encoded(TONE[:0]),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_what_cannot_be_used_is_one_line(reason, capfd):
    content = BROKEN[reason]
    with pytest.raises(Unreadable) as raised:
        decoded(content)
    assert str(raised.value).startswith(f"a.wav: {reason}")
    assert "\n" not in str(raised.value)
    assert not SOUND_FILES.is_readable(lambda: content, "a.wav")
    assert capfd.readouterr() == ("", "")


def test_silence_is_a_sound():
    content = encoded(TONE * 0)
    assert not decoded(content, 4000).any()
    assert SOUND_FILES.is_readable(lambda: content, "a.wav")


def test_a_sound_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_SAMPLES", 7999)
    with pytest.raises(Unreadable, match=r"longer than 7,999 samples; cut it into shorter sounds"):
        decoded(encoded(TONE))


def test_damaged_mp3_says_nothing_of_its_own(capfd):
    content = bytearray(encoded(TONE, 16000, "MP3"))
    content[800:1000] = bytes(200)
    assert len(decoded(bytes(content)))
    assert capfd.readouterr() == ("", "")


def test_without_the_library_it_is_named(monkeypatch):
    content = encoded(TONE)
    module.soundfile.cache_clear()
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(BadInput, match=r"pip install 'easiness\[sound\]'"):
        decoded(content)
    module.soundfile.cache_clear()


def test_a_damaged_sound_is_refused_without_a_traceback_of_the_library():
    """Its chunk has no name, and the library looks for one before the beginning."""
    whole = encoded(TONE, 16000, "AIFF", "PCM_16")
    at = whole.index(b"SSND")
    with pytest.raises(Unreadable, match="not a sound that can be read"):  # and nothing raised elsewhere
        decoded(whole[:at] + b"\xff" * 4 + whole[at + 4 : 3300])
