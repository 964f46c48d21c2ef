"""Sounds as a kind of examples: from folders and arrays to a run, and how they are shown."""

from __future__ import annotations

import base64
import io
import wave
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from easiness import BadInput, load_dataset, measure, suspects
from easiness.inputs import SOUND
from easiness.inputs.sound.kind import LONGEST, ShownSound
from easiness.inputs.sound.scan import SoundTraits
from easiness.spec import DatasetRef, Recipe, RunSpec
from sounds import encoded, tone, write_sounds

LOW, HIGH = ([tone(base + 20 * at, 0.3 + 0.05 * at) for at in range(6)] for base in (300, 1500))
SOUNDS, LABELS = LOW + HIGH, [0] * 6 + [1] * 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {name: [encoded(one) for one in sounds] for name, sounds in (("high", HIGH), ("low", LOW))}
    return write_sounds(tmp_path / "tones", files)


def test_a_folder_of_sounds(folder):
    data = load_dataset(folder)
    assert data.kind == SOUND
    assert data.classes == ("high", "low")
    assert data.ids[:2].tolist() == ["high/0.wav", "high/1.wav"]
    assert data.traits == SoundTraits(8000, 0.56)
    assert np.abs(data.values(np.array([7]))[0] - LOW[1]).max() < 1e-4
    ref = data.ref()
    assert (ref.kind, ref.shape) == ("sound", None)
    assert DatasetRef.model_validate_json(ref.model_dump_json()) == ref


def test_sounds_of_several_lengths_are_no_array(folder):
    with pytest.raises(BadInput, match=r"sounds of several sizes; ask for `values` instead"):
        _ = load_dataset(folder).array


def test_pictures_come_before_sounds(folder):
    Image.new("L", (4, 4)).save(folder / "low/0.png")
    with pytest.raises(BadInput, match=r"class 'high' has no image \(6 files left out"):
        load_dataset(folder)


def test_other_files_of_a_folder_are_left_out(folder):
    (folder / "low/about.pdf").write_bytes(b"pdf")
    data = load_dataset(folder)
    assert data.notes == ("1 file left out, since by name it is no sound that can be read: low/about.pdf",)


def test_another_rate_is_noted(folder):
    (folder / "low/9.wav").write_bytes(encoded(tone(300, 0.3, 16000), 16000))
    data = load_dataset(folder)
    assert data.remarks == ("1 of the sounds has 16 kHz, and is resampled to 8 kHz",)
    assert len(data.values(np.array([12]))[0]) == 2400


def test_broken_and_empty_sounds_are_named_and_skipped(folder):
    (folder / "low/0.wav").write_bytes(b"broken")
    (folder / "low/1.wav").write_bytes(encoded(LOW[0][:0]))
    with pytest.raises(BadInput, match=r"low/0.wav: not a sound that can be read"):
        load_dataset(folder).packed(Recipe())
    data = load_dataset(folder, skip_unreadable=True)
    assert data.unreadable == ("low/0.wav", "low/1.wav")
    assert len(data.packed(Recipe()).shapes) == len(data) == 10


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
    data = load_dataset((SOUNDS, LABELS), rate=8000, held_out=(SOUNDS[:2], LABELS[:2]))
    assert data.kind == SOUND
    assert data.ids.tolist() == list(range(12))
    assert np.array_equal(data.values(np.array([3]))[0], SOUNDS[3])
    assert data.held_out is not None
    assert data.held_out.traits == data.traits
    whole = [np.rint(one * 2**15).astype(np.int16) for one in SOUNDS]
    assert np.abs(load_dataset((whole, LABELS), rate=8000).values(np.array([3]))[0] - SOUNDS[3]).max() < 1e-4
    equal = np.stack([tone(hertz) for hertz in (300, 400, 500, 600)])
    assert load_dataset((equal, [0, 0, 1, 1]), rate=8000).kind == SOUND
    assert load_dataset((equal, [0, 0, 1, 1]), rate=16000).fingerprint != (
        load_dataset((equal, [0, 0, 1, 1]), rate=8000).fingerprint
    )


def test_arrays_of_a_high_rate_are_resampled():
    data = load_dataset(([tone(300, 0.5, 48000)] * 4, [0, 0, 1, 1]), rate=48000)
    assert data.traits.rate == 16000
    assert len(data.values(np.array([0]))[0]) == 8000


@pytest.mark.parametrize(
    ("sounds", "rate", "problem"),
    [
        (SOUNDS, [8000, 16000], r"rate=\[8000, 16000\]: is not one whole number"),
        (SOUNDS, [8000] * 99, r"rate=\[8000[^]]{,36}: is not one whole number"),
        (SOUNDS, 8, r"rate=8: no rate of sounds"),
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


def test_sounds_of_many_lengths_without_a_rate():
    with pytest.raises(BadInput, match=r"for sounds with rate="):
        load_dataset((SOUNDS, LABELS))


def test_packed_pictures_are_the_same_however_they_are_read(folder):
    data = load_dataset(folder)
    recipe = Recipe(**data.recipe_defaults)
    whole = data.packed(recipe).take(np.arange(12))
    positions = np.array([3, 8])
    part = data.part(positions).packed(recipe).take(np.arange(2))
    assert all(np.array_equal(whole[at], one) for at, one in zip(positions, part, strict=True))
    assert whole[0].shape == data.signature(recipe).shape[1:]


def test_a_run_of_sounds(folder, tmp_path):
    run = measure(folder, model="mlp_1", trials=2, epochs=2, out=tmp_path / "run", progress=False)
    assert run.spec.data.kind == "sound"
    assert isinstance(run.spec, RunSpec)
    assert run.spec.recipe.seconds == 0.56
    again = measure(folder, model="mlp_1", trials=2, epochs=2, out=tmp_path / "again", progress=False)
    pd.testing.assert_frame_equal(run.scores(), again.scores(), check_exact=True)


@pytest.mark.parametrize("how", [{"model": "mlp_1", "epochs": 2}, {"features": "logmel"}], ids=str)
@pytest.mark.filterwarnings("error:.*(divide|invalid):RuntimeWarning")
def test_silent_sounds_are_measured_and_named(folder, tmp_path, how):
    for name in ("low/0", "low/1", "high/0"):
        (folder / f"{name}.wav").write_bytes(encoded(LOW[0] * 0))
    run = measure(folder, trials=5, **how, out=tmp_path / "run", progress=False)
    table = run.scores()
    assert np.isfinite(table[["easiness", "loss"]].to_numpy(float)).all()
    found = suspects(run)
    silent = {("train", f"{name}.wav"): "silent" for name in ("high/0", "low/0", "low/1")}
    assert found.conflicts.flawed == silent
    run.report(tmp_path / "page.html")
    assert "3 of the sounds are silent: " in (tmp_path / "page.html").read_text()


def test_made_up_sounds_serve_a_network():
    recipe = Recipe(seconds=0.2)
    signature = SoundTraits(8000, 0.2).signature(recipe, "x")
    values = SOUND.made_up(3, signature.shape, recipe)
    bank = SOUND.bank(values, recipe, torch.device("cpu"), augment=True, sharers=1)
    drawn = bank.draw(torch.arange(3), torch.Generator())
    assert bank.augmented(torch.arange(3), drawn).shape == (3, *signature.shape)


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
    assert base64.b64decode(content) == shown.file()
    with wave.open(io.BytesIO(shown.file())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 3440)
        samples = np.frombuffer(file.readframes(3440), "<i2") / 32767
    assert np.abs(samples - tone(440, 0.43)).max() < 1e-4


def test_of_a_long_sound_a_part_is_played():
    shown = ShownSound(tone(440, 30.0), SoundTraits(8000, 4.0))
    assert shown.text == "30.00 s at 8 kHz"
    content = base64.b64decode(str(shown.sound).partition(",")[2])
    with wave.open(io.BytesIO(content)) as file:
        assert file.getnframes() == LONGEST * 8000
    with wave.open(io.BytesIO(shown.file())) as file:
        assert file.getnframes() == 240_000


def test_words_for_people():
    recipe = Recipe(seconds=0.68, hop=0.01, mels=40, masks=1)
    assert SOUND.seen(recipe) == ", heard as log-mel pictures of 40 bands × 68 columns (0.68 seconds)"
    assert "1 x up to 10% of the time" in SOUND.augmentation(recipe)
    nothing = recipe.model_copy(update={"masks": 0, "gain": 0.0, "time_shift": 0.0})
    assert SOUND.augmentation(nothing) == "no shift, no gain"
    assert SOUND.observation(recipe).startswith("the loudest 0.68 seconds")
