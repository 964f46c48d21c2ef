"""Sounds as a kind of examples: decoded, scanned, heard as log-mel pictures, shown, and in a run."""

from __future__ import annotations

import base64
import io
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.audio_utils import mel_filter_bank, power_to_db, spectrogram, window_function

from easiness import BadInput, load_dataset, measure, suspects
from easiness.inputs import SOUND, SOUND_FILES, Unreadable, resample
from easiness.inputs.sound import kind as module
from easiness.inputs.sound.kind import (
    LONGEST,
    ShownSound,
    SoundHeader,
    SoundTraits,
    picture,
    scan,
    window_for,
)
from easiness.inputs.sound.log_mel import RANGE, log_mel, mel_power, window
from easiness.inputs.sound.preparation import LogMels
from easiness.spec import Recipe
from sounds import encoded, tone, write_sounds

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
    return SOUND_FILES.decode(lambda: content, "a.wav", None if rate is None else SoundTraits(rate, 1))


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


@pytest.mark.parametrize(
    ("hertz", "heard"), [(440, 1), (6000, 0)]
)  # what the new rate cannot hold is left out
def test_another_rate_is_resampled(hertz, heard):
    samples = decoded(encoded(tone(hertz, 0.5, 16000), 16000, subtype="FLOAT"), 8000)
    assert len(samples) == 4000
    inner = slice(200, -200)  # beyond the ends there is silence
    assert np.abs(samples[inner] - heard * tone(440, 0.5, 8000)[inner]).max() < (1e-3 if heard else 1e-2)
    assert abs(len(resample(TONE, 16001, 44100)) - 22048) <= 1  # without a common divisor


NOT_FINITE = np.where(np.arange(len(TONE)) == 7, np.nan, TONE).astype(np.float32)
WHOLE = encoded(TONE, 16000, "AIFF", "PCM_16")
AT = WHOLE.index(b"SSND")
BROKEN = [
    ("an empty file", b""),
    ("not a sound that can be read", b"no sound" * 100),
    # a chunk has no name, and the library looks for one before the beginning
    ("not a sound that can be read", WHOLE[:AT] + b"\xff" * 4 + WHOLE[AT + 4 : 3300]),
    ("sample 7 is not a finite number", encoded(NOT_FINITE, subtype="FLOAT")),
    ("40 channels; give 1 to 32", encoded(np.full((10, 40), 0.1))),
    ("1 samples a second; give 1,000 to 1,000,000", encoded(TONE, 1)),
    ("unreadable or truncated sound", encoded(TONE, form="FLAC")[:2500]),
    ("no samples in it", encoded(TONE[:0])),
    ("longer than 9,000 samples", encoded(tone(440, 2.0))),
]


@pytest.mark.parametrize(("reason", "content"), BROKEN, ids=range(len(BROKEN)))
def test_what_cannot_be_used_is_one_line(reason, content, capfd, monkeypatch):
    monkeypatch.setattr(module, "MOST_SAMPLES", 9000)
    with pytest.raises(Unreadable) as raised:
        decoded(content)
    assert str(raised.value).startswith(f"a.wav: {reason}")
    assert "\n" not in str(raised.value)
    assert not SOUND_FILES.is_readable(lambda: content, "a.wav")
    assert capfd.readouterr() == ("", "")


def test_without_the_library_it_is_named(monkeypatch):
    content = encoded(TONE)
    module.soundfile.cache_clear()
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(BadInput, match=r"pip install 'easiness\[sound\]'"):
        decoded(content)
    module.soundfile.cache_clear()


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
    assert scan([]) is None
    others = scan(headers(8000, 8000, 44100, 8000, 44100, 11025))
    assert others is not None
    assert others.notes == (
        "1 sound of 11.025 kHz: resampled to 8 kHz",
        "2 sounds of 44.1 kHz: resampled to 8 kHz",
    )


@pytest.mark.parametrize(
    ("seconds", "window"),
    [([0.5] * 20, 0.52), ([0.48] * 20, 0.48), ([0.1] * 99 + [9], 0.16), ([60.0], 4.0)],
)
def test_the_window_holds_most_sounds_whole(seconds, window):
    assert window_for(seconds) == window


def test_splits_of_two_rates_do_not_go_together():
    with pytest.raises(BadInput, match=r"fsdd: sounds of train have 8,000 samples a second but those of"):
        SoundTraits(8000, 1).join(SoundTraits(16000, 1), "fsdd", ("train", "test"))
    assert SoundTraits(8000, 1).join(SoundTraits(8000, 2), "fsdd", ("train", "test")).seconds == 1


@pytest.mark.parametrize("rate", [8000, 16000])
def test_pictures_are_those_of_transformers(rate):
    samples = (tone(600, 0.7, rate) + np.random.default_rng(0).normal(0, 0.02, round(0.7 * rate))).astype(
        np.float32
    )
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


def test_pictures_of_silence_of_one_sample_and_of_any_loudness():
    assert not log_mel(np.zeros(4000, np.float32), 8000, 40, 0.01).any()
    assert log_mel(np.array([0.5], np.float32), 8000, 40, 0.01).shape == (40, 1)
    loud, quiet = (log_mel(tone(700, loud=loud), 8000, 40, 0.01) for loud in (0.8, 0.008))
    assert np.allclose(loud, quiet, atol=1e-4)


def test_a_window_is_padded_with_silence_or_the_loudest_part():
    assert window(np.array([1, 2, 3], np.float32), 6).tolist() == [0, 1, 2, 3, 0, 0]
    samples = np.zeros(100, np.float32)
    samples[42:52], samples[90:] = 0.5, 0.4
    assert window(samples, 10).tolist() == [0.5] * 10
    assert window(np.ones(100, np.float32), 10).tolist() == [1] * 10


RECIPE = Recipe(
    seconds=0.1, hop=0.01, mels=8, time_shift=0.2, gain=8.0, masks=1, time_mask=0.3, mel_mask=0.25
)
PICTURES = torch.from_numpy(np.random.default_rng(0).uniform(0.2, 0.8, (5, 8, 10)).astype(np.float16))
FIRST = PICTURES[:1].float()
POSITION = torch.tensor([0])


def augmented(*drawn: int) -> torch.Tensor:
    """The first picture, of shift and gain, then start and length of the masks of time and of frequency."""
    return LogMels(RECIPE, True).augmented(PICTURES, POSITION, torch.tensor([drawn]))


def test_draws_are_within_their_bounds():
    heard = LogMels(RECIPE, True)
    drawn = heard.draw(torch.arange(2000), torch.Generator().manual_seed(0))
    assert drawn.dtype == torch.int64
    # two frames of shift and 80 tenths of a decibel either way; masks of at most 3 of 10, and 2 of 8
    assert drawn.amin(dim=0).tolist() == [0, 0, 0, 0, 0, 0]
    assert drawn[:, [0, 1, 3, 5]].amax(dim=0).tolist() == [4, 160, 3, 2]
    assert (drawn[:, 2] + drawn[:, 3]).max() == 10
    assert (drawn[:, 4] + drawn[:, 5]).max() == 8


def test_pictures_change_as_drawn():
    assert torch.equal(augmented(2, 80, 0, 0, 0, 0), FIRST)
    later, earlier = augmented(4, 80, 0, 0, 0, 0), augmented(1, 80, 0, 0, 0, 0)
    assert torch.equal(later[..., 2:], FIRST[..., :-2])
    assert torch.equal(earlier[..., :-1], FIRST[..., 1:])
    assert not torch.cat([later[..., :2], earlier[..., -1:]], dim=-1).any()
    assert torch.allclose(augmented(2, 160, 0, 0, 0, 0), (FIRST + 0.1).clamp(max=1))  # 8 of 80 decibels
    assert torch.allclose(augmented(2, 40, 0, 0, 0, 0), FIRST - 0.05)
    masked = FIRST.clone()
    masked[..., 3:5] = 0
    masked[:, 6] = 0
    assert torch.equal(augmented(2, 80, 3, 2, 6, 1), masked)


def test_without_augmentation_nothing_is_drawn():
    clean = LogMels(RECIPE, False)
    drawn = clean.draw(POSITION, torch.Generator())
    assert drawn.shape == (1, 0)
    assert torch.equal(clean.augmented(PICTURES, POSITION, drawn), FIRST)


def test_raw_and_normalized():
    heard = LogMels(RECIPE, False)
    raw = heard.raw(PICTURES)
    assert raw.shape == (5, 1, 8, 10)
    assert torch.equal(raw[:, 0], PICTURES.float())
    given = heard.finish(PICTURES)
    assert torch.equal(given, heard.normalized(raw))
    assert torch.allclose(given.mean(dim=(1, 2, 3)), torch.zeros(5), atol=1e-5)
    assert torch.allclose(given.std(dim=(1, 2, 3), correction=0), torch.ones(5), atol=1e-4)


@pytest.mark.parametrize("masks", [0, 2])
def test_any_number_of_masks(masks):
    heard = LogMels(RECIPE.model_copy(update={"masks": masks}), True)
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


LOW, HIGH = ([tone(base + 20 * at, 0.3 + 0.05 * at) for at in range(6)] for base in (300, 1500))
SOUNDS, LABELS = LOW + HIGH, [0] * 6 + [1] * 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {name: [encoded(one) for one in sounds] for name, sounds in (("high", HIGH), ("low", LOW))}
    return write_sounds(tmp_path / "tones", files)


def test_held_out_sounds_are_heard_as_those_of_training(folder, tmp_path):
    root = tmp_path / "splits"
    root.mkdir()
    folder.rename(root / "train")
    write_sounds(root / "test", {"high": [encoded(tone(1500, 2.0, 16000), 16000)]})
    data = load_dataset(root)
    assert data.held_out is not None
    assert data.held_out.traits == data.traits
    assert data.traits.rate == 8000


def test_arrays_with_a_rate():
    whole = [np.rint(one * 2**15).astype(np.int16) for one in SOUNDS]
    assert np.abs(load_dataset((whole, LABELS), rate=8000).values(np.array([3]))[0] - SOUNDS[3]).max() < 1e-4
    equal = np.stack([tone(hertz) for hertz in (300, 400, 500, 600)])
    data, faster = (load_dataset((equal, [0, 0, 1, 1]), rate=rate) for rate in (8000, 16000))
    assert data.kind == SOUND
    assert data.fingerprint != faster.fingerprint


@pytest.mark.parametrize(
    ("sounds", "rate", "problem"),
    [
        (SOUNDS, [8000, 16000], r"rate=\[8000, 16000\]: is not one whole number"),
        (SOUNDS, [8000] * 99, r"rate=\[8000[^]]{,36}: is not one whole number"),
        (SOUNDS, 8, r"rate=8: no rate of sounds"),
        (SOUNDS, None, r"for sounds with rate="),
        (["a text"] * 12, 8000, r"x: sound 0: str and no samples; give arrays, or leave out rate="),
        ([np.zeros((2, 4000), np.float32)] * 12, 8000, r"x: sound 0: shape 2x4000; give its samples"),
        ([np.zeros(0, np.float32)] * 12, 8000, r"x: sound 0: no samples"),
        ([np.full(9, np.inf)] * 12, 8000, r"x: sound 0: sample 0 is not a finite number"),
        ([np.ones(9, np.uint8)] * 12, 8000, r"x: sound 0: samples of uint8; give floats"),
    ],
)
def test_arrays_that_are_no_sounds(sounds, rate, problem):
    with pytest.raises(BadInput, match=problem):
        load_dataset((sounds, LABELS), rate=rate)


@pytest.mark.parametrize("how", [{"model": "mlp_1", "epochs": 2}, {"features": "logmel"}], ids=str)
@pytest.mark.filterwarnings("error:.*(divide|invalid):RuntimeWarning")
def test_silent_sounds_are_measured_and_named(folder, tmp_path, how):
    for name in ("low/0", "low/1", "high/0"):
        (folder / f"{name}.wav").write_bytes(encoded(LOW[0] * 0))
    run = measure(folder, trials=5, **how, out=tmp_path / "run", progress=False)
    assert np.isfinite(run.scores()[["easiness", "loss"]].to_numpy(float)).all()
    silent = {("train", f"{name}.wav"): "silent" for name in ("high/0", "low/0", "low/1")}
    assert suspects(run).conflicts.flaws == silent
    run.report(tmp_path / "page.html")
    assert "3 of the sounds are silent: " in (tmp_path / "page.html").read_text()


def test_a_sound_is_shown_and_played():
    shown = SOUND.show(tone(440, 0.43), SoundTraits(8000, 0.5))
    assert shown.text == "0.43 s at 8 kHz"
    kind, _, content = str(shown.uri).partition(";base64,")
    assert kind == "data:image/png"
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    assert image.shape == (64, 86)
    assert image[:, 40].argmin() > 40  # 440 Hz are in the lower half, at the bottom
    assert shown.sound is not None
    kind, _, content = shown.sound.partition(";base64,")
    assert kind == "data:audio/wav"
    assert base64.b64decode(content) == shown.cell
    with wave.open(io.BytesIO(shown.cell)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 3440)
        samples = np.frombuffer(file.readframes(3440), "<i2") / 32767
    assert np.abs(samples - tone(440, 0.43)).max() < 1e-4


def test_of_a_long_sound_a_part_is_played():
    shown = ShownSound(tone(440, 30.0), SoundTraits(8000, 4.0))
    assert shown.text == "30.00 s at 8 kHz"
    content = base64.b64decode(str(shown.sound).partition(",")[2])
    with wave.open(io.BytesIO(content)) as file:
        assert file.getnframes() == LONGEST * 8000
    with wave.open(io.BytesIO(shown.cell)) as file:
        assert file.getnframes() == 240_000
