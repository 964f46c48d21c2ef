"""Sounds in other tools, and score cards that know them by what is heard."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from easiness import BadInput, Dataset, Run, apply_card, card, export, load_dataset
from sounds import encoded, tone, write_sounds

pytest.importorskip("soundfile", reason="soundfile is not installed (pip install 'easiness[sound]')")
import soundfile

from recording import believing, recorded

NUM = 12
TONES = [tone(200 + 50 * at, 0.2 + 0.01 * at) for at in range(NUM)]


def folder_of(root: Path, form: str = "WAV") -> Path:
    whole = [np.rint(32767 * one).astype(np.int16) for one in TONES]  # as both formats keep them
    files = [encoded(one, form=form) for one in whole]
    return write_sounds(root, {"even": files[::2], "odd": files[1::2]}, f".{form.lower()}")


def record(folder: Path, data: Dataset) -> Run:
    return recorded(folder, believing(data.labels, 2, sure=3), data=data)


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return load_dataset(folder_of(tmp_path / "in"))


def heard(content: bytes) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert rate == 8000
    found: np.ndarray = samples
    return found


def test_hugging_face_and_spotlight_have_files_to_hear(data: Dataset, tmp_path: Path) -> None:
    run = record(tmp_path / "run", data)
    done = export(run, "spotlight", tmp_path / "a.parquet", source=data)
    assert done.then.endswith("dtype={'audio': spotlight.Audio})")
    files = pd.read_parquet(tmp_path / "a.parquet")["audio"]
    expected = [*TONES[::2], *TONES[1::2]]
    for content, samples in zip(files, expected, strict=True):
        np.testing.assert_allclose(heard(content), samples, atol=2 / 32768)
    datasets = pytest.importorskip("datasets")
    export(run, "hf", tmp_path / "hf", source=data)
    loaded = datasets.load_dataset(str(tmp_path / "hf"), cache_dir=str(tmp_path / "cache"))["train"]
    assert type(loaded.features["audio"]).__name__ == "Audio"
    undecoded = loaded.cast_column("audio", datasets.Audio(decode=False))
    assert undecoded[5]["audio"]["bytes"] == files[5]


def test_tables_have_paths_only_where_ids_are_none(data: Dataset, tmp_path: Path) -> None:
    export(record(tmp_path / "run", data), "csv", tmp_path / "a.csv", source=data)
    table = pd.read_csv(tmp_path / "a.csv")
    assert "path" not in table
    assert table["id"].tolist() == data.ids.tolist()


def test_fiftyone_says_what_takes_sounds(data: Dataset, tmp_path: Path) -> None:
    run = record(tmp_path / "run", data)
    with pytest.raises(BadInput, match=r"--to fiftyone: shows pictures, .* has sounds; choose hf, cleanlab"):
        export(run, "fiftyone", tmp_path / "fo", source=data)


def test_a_card_knows_sounds_in_other_files(data: Dataset, tmp_path: Path) -> None:
    made = card(record(tmp_path / "run", data), tmp_path / "card", source=data)
    found = apply_card(made.path, load_dataset(folder_of(tmp_path / "copy", "FLAC")))
    assert found.text == f"{NUM} of {NUM} examples found by their values"
    names = [Path(one).stem for one in found.table["id"]]
    assert names == [Path(one).stem for one in found.table["card_id"]]
    other = write_sounds(tmp_path / "other", {"a": [encoded(tone(99))], "b": [encoded(tone(98))]})
    with pytest.raises(BadInput, match=r"none of its 2 sounds .*samples have to be the same"):
        apply_card(made.path, load_dataset(other))
