"""The sounds that a recorded run keeps: bytes of files, or arrays as WAV."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

import easiness as ez
from easiness.errors import BadInput
from easiness.store import KEPT, verify
from sounds import encoded, tone

IDS, LABELS = ["a", "b", "c", "d"], [0, 1, 1, 0]
RATE = 22_050  # more than networks hear
TONES = [tone(220 * (at + 1), 0.1 + at / 100, RATE) for at in range(4)]


def recorder(out, **options):
    return ez.Recorder(out, ids=IDS, labels=LABELS, **options)


def cells(out):
    return pq.read_table(out / KEPT)["audio"].to_pylist()


@pytest.mark.parametrize("of", [list, lambda sounds: [torch.from_numpy(one) for one in sounds]])
def test_arrays_are_kept_to_the_last_bit_at_their_rate(tmp_path, of):
    made = recorder(tmp_path / "run", sounds=of(TONES), rate=RATE)
    assert made.run.spec.data.kind == "sound"
    assert pq.read_table(tmp_path / "run" / KEPT).column_names == ["id", "label", "audio"]
    for cell, samples in zip(cells(tmp_path / "run"), TONES, strict=True):
        read, rate = soundfile.read(io.BytesIO(cell["bytes"]), dtype="float32")
        assert (rate, cell["path"]) == (RATE, None)
        np.testing.assert_array_equal(read, samples)
    recorder(tmp_path / "run", sounds=TONES, rate=RATE)  # goes on
    with pytest.raises(BadInput, match="keeps other examples"):
        recorder(tmp_path / "run", sounds=TONES, rate=8000)
    with pytest.raises(BadInput, match="keeps other examples"):
        recorder(tmp_path / "run", texts=IDS)
    assert verify(tmp_path / "run") == []


def test_whole_numbers_are_of_full_scale(tmp_path):
    recorder(tmp_path / "run", sounds=[np.array([0, 16384, -32768], np.int16)] * 4, rate=8000)
    read, _ = soundfile.read(io.BytesIO(cells(tmp_path / "run")[0]["bytes"]))
    np.testing.assert_array_equal(read, [0, 0.5, -1])


@pytest.mark.parametrize("form", ["FLAC", "OGG", "WAV"])
def test_files_are_kept_as_they_are_without_their_folders(tmp_path, form):
    given = [encoded(one, RATE, form) for one in TONES]
    paths = [tmp_path / f"{name}.{form.lower()}" for name in IDS]
    for path, content in zip(paths, given, strict=True):
        path.write_bytes(content)
    made = recorder(tmp_path / "run")
    made.keep(sounds=dict(zip(reversed(IDS), reversed(list(map(str, paths))), strict=True)))
    expected = [{"bytes": content, "path": path.name} for content, path in zip(given, paths, strict=True)]
    assert cells(tmp_path / "run") == expected
    assert str(tmp_path) not in (tmp_path / "run" / "run.json").read_text()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no rate": ({"sounds": TONES}, "Recorder: sounds: are arrays without a rate; give the samples a second"),
    "a rate alone": ({"rate": 8000}, "Recorder: rate=8000: is that of arrays of sound; give them in sounds"),
    "rates": ({"sounds": TONES, "rate": [RATE, 8000]}, "rate=[22050, 8000]: is not one whole number; give"),
    "both": ({"sounds": TONES, "texts": IDS, "rate": RATE}, "Recorder: texts and sounds: are two kinds"),
    "too few": ({"sounds": TONES[:3], "rate": RATE}, "Recorder: sounds: 3 for 4 ids; give one for each"),
    "empty": ({"sounds": [*TONES[:3], np.zeros(0)], "rate": RATE}, "Recorder: id d: no samples in it; mend"),
    "NaN": ({"sounds": [*TONES[:3], np.array([0.1, np.nan])], "rate": RATE}, "Recorder: id d: sample 1 is"),
    "stereo": ({"sounds": [*TONES[:3], np.ones((9, 2))], "rate": RATE}, "Recorder: id d: shape 9x2; give"),
    "no file": ({"sounds": ["a.wav", *TONES[1:]]}, "Recorder: id a: a.wav: cannot be read (No such file"),
    "rate of files": ({"sounds": ["a.wav"] * 4, "rate": 8000}, "Recorder: rate=8000: files have their own;"),
}  # fmt: skip


@pytest.mark.parametrize("how", BAD)
def test_sounds_that_cannot_be_kept_are_named(tmp_path, how):
    options, line = BAD[how]
    with pytest.raises(BadInput) as error:
        recorder(tmp_path / "run", **options)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no sound at all", "not a sound that can be read (Format not recognised)"),
        (b"", "an empty file"),
        (encoded(np.zeros(0)), "no samples in it"),
        (encoded(np.full(100, np.nan), subtype="FLOAT"), "sample 0 is not a finite number"),
    ],
    ids=["no sound", "empty", "no samples", "NaN"],  # a file of floats has the second it was written in
)
def test_files_that_are_no_sounds_are_named(tmp_path, content, reason):
    paths = [tmp_path / f"{name}.wav" for name in IDS]
    for path, one in zip(paths, TONES, strict=True):
        path.write_bytes(encoded(one))
    paths[2].write_bytes(content)
    with pytest.raises(BadInput) as error:
        recorder(tmp_path / "run", sounds=paths)
    assert str(error.value).startswith(f"Recorder: id c: {paths[2]}: {reason}")
    assert str(error.value).endswith("; mend it or leave the example out")
    assert not (tmp_path / "run").exists()
