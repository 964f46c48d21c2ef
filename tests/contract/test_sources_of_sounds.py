"""The same tiny data set of sounds in every kind of source: each must give the same examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.inputs import SOUND
from sounds import encoded, tone

CLASSES = ("bee", "cat", "dog")
LABELS, TEST_LABELS = [0, 0, 0, 0, 1, 1, 1, 2, 2], [0, 1, 1, 2]
SOUNDS = [tone(300 + 100 * at, 0.2 + 0.02 * at) for at in range(9)]
TEST_SOUNDS = [tone(350 + 100 * at, 0.3) for at in range(4)]
EMPTY = encoded(SOUNDS[4][:0])


class Given(NamedTuple):
    """What `load_dataset` is called with."""

    source: Any
    options: dict[str, Any] = {}  # noqa: RUF012 - never written to


Files = list[bytes]
Write = Callable[[Path, Files, Files], Given]


def as_classes(root: Path, files: Files, labels: list[int]) -> None:
    for at, (content, label) in enumerate(zip(files, labels, strict=True)):
        folder = root / CLASSES[label]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{at:02}.wav").write_bytes(content)


def as_rows(path: Path, files: Files, labels: list[int], **columns: list[Any]) -> None:
    info = {"info": {"features": {"label": {"names": list(CLASSES), "_type": "ClassLabel"}}}}
    rows = [{"bytes": content, "path": f"{at}.wav"} for at, content in enumerate(files)]
    table = pa.table({"audio": rows, "label": labels} if not columns else {**columns, "voice": rows})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), path, row_group_size=2)


def as_table(files: Files, labels: list[int]) -> datasets.Dataset:
    audio = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    features = datasets.Features({"audio": audio, "label": datasets.ClassLabel(names=list(CLASSES))})
    rows = [{"bytes": content, "path": None} for content in files]
    table = datasets.Dataset.from_dict({"audio": rows, "label": labels}, features=features)
    return table.cast_column("audio", datasets.Audio())


def folder(root: Path, train: Files, test: Files) -> Given:
    as_classes(root / "tiny/train", train, LABELS)
    as_classes(root / "tiny/test", test, TEST_LABELS)
    return Given(root / "tiny")


def manifest(root: Path, train: Files, test: Files) -> Given:
    root.mkdir(parents=True, exist_ok=True)
    lines = ["label,split,path"]
    for split, files, labels in (("test", test, TEST_LABELS), ("train", train, LABELS)):
        for at, (content, label) in enumerate(zip(files, labels, strict=True)):
            (root / f"{split}{at}.wav").write_bytes(content)
            lines.append(f"{CLASSES[label]},{split},{split}{at}.wav")
    (root / "tiny.csv").write_text("\n".join(lines))
    return Given(root / "tiny.csv")


def manifest_with_a_column_named(root: Path, train: Files, test: Files) -> Given:
    given = manifest(root, train, test)
    given.source.write_text(given.source.read_text().replace("path", "spoken", 1))
    return Given(given.source, {"sound": "spoken"})


def parquet(root: Path, train: Files, test: Files) -> Given:
    as_rows(root / "tiny/train-0.parquet", train[:5], LABELS[:5])
    as_rows(root / "tiny/train-1.parquet", train[5:], LABELS[5:])
    as_rows(root / "tiny/test-0.parquet", test, TEST_LABELS)
    return Given(root / "tiny")


def parquet_with_columns_named(root: Path, train: Files, test: Files) -> Given:
    as_rows(root / "tiny/train.parquet", train, LABELS, image=[b""] * 9, number=LABELS)
    as_rows(root / "tiny/test.parquet", test, TEST_LABELS, image=[b""] * 4, number=TEST_LABELS)
    return Given(root / "tiny", {"sound": "voice", "label": "number", "classes": CLASSES})


def hub_saved(root: Path, train: Files, test: Files) -> Given:
    tables = {"train": as_table(train, LABELS), "test": as_table(test, TEST_LABELS)}
    datasets.DatasetDict(tables).save_to_disk(root / "tiny")
    return Given(f"hf:{root / 'tiny'}")


def hub_object(root: Path, train: Files, test: Files) -> Given:  # noqa: ARG001
    return Given(as_table(train, LABELS), {"held_out": as_table(test, TEST_LABELS)})


def hub_object_with_columns_named(root: Path, train: Files, test: Files) -> Given:  # noqa: ARG001
    train_table, test_table = (
        as_table(files, labels).rename_columns({"audio": "voice", "label": "number"})
        for files, labels in ((train, LABELS), (test, TEST_LABELS))
    )
    return Given(train_table, {"held_out": test_table, "sound": "voice", "label": "number"})


def arrays(root: Path, train: Files, test: Files) -> Given:  # noqa: ARG001
    return Given((SOUNDS, LABELS), {"held_out": (TEST_SOUNDS, TEST_LABELS), "rate": 8000, "classes": CLASSES})


OF_FILES = [
    *(folder, manifest, manifest_with_a_column_named, parquet, parquet_with_columns_named),
    *(hub_saved, hub_object, hub_object_with_columns_named),
]
BY_PATH = {folder: "train/bee/00.wav", manifest: "train0.wav", manifest_with_a_column_named: "train0.wav"}


@pytest.fixture(autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASINESS_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("hub"))


@pytest.fixture(params=[*OF_FILES, arrays], ids=lambda write: write.__name__)
def write(request: pytest.FixtureRequest) -> Write:
    return request.param


@pytest.fixture(params=OF_FILES, ids=lambda write: write.__name__)
def write_files(request: pytest.FixtureRequest) -> Write:
    return request.param


def load(root: Path, write: Write, broken: bytes | None = None, **options: Any) -> Dataset:
    train, test = ([encoded(one) for one in some] for some in (SOUNDS, TEST_SOUNDS))
    if broken is not None:
        train[4] = broken
    given = write(root, train, test)
    return load_dataset(given.source, **{**given.options, **options})


def test_the_same_examples(tmp_path, write):
    data = load(tmp_path, write)
    assert data.kind == SOUND
    assert data.classes == CLASSES
    assert data.labels.tolist() == LABELS
    assert data.traits.rate == 8000
    assert data.held_out is not None
    assert data.held_out.labels.tolist() == TEST_LABELS
    for split, sounds in ((data, SOUNDS), (data.held_out, TEST_SOUNDS)):
        found = split.values(np.arange(len(split)))
        assert all(np.abs(one - other).max() < 1e-4 for one, other in zip(found, sounds, strict=True))


def test_ids(tmp_path, write):
    ids = load(tmp_path, write).ids
    if write in BY_PATH:
        assert ids[0] == BY_PATH[write]
        assert len(set(ids)) == 9
    else:
        assert ids.tolist() == list(range(9))


def test_fingerprints(tmp_path, write):
    first, again = load(tmp_path / "a", write), load(tmp_path / "b", write)
    assert first.fingerprint == again.fingerprint
    assert first.limit(5, seed=1).fingerprint != first.fingerprint


def test_a_reference_finds_the_data_again(tmp_path, write):
    ref = load(tmp_path, write, limit=5).ref()
    assert (ref.kind, ref.shape) == ("sound", None)
    if ref.source is None:  # objects, and classes given by hand
        assert write in (arrays, hub_object, hub_object_with_columns_named, parquet_with_columns_named)
    else:
        assert load_dataset(ref.source, limit=5, **ref.load_options().model_dump()).ref() == ref


@pytest.mark.parametrize("broken", [b"no sound", b"", EMPTY], ids=["broken", "no bytes", "no samples"])
def test_one_that_cannot_be_used_is_named_or_left_out(tmp_path, write_files, broken):
    data = load(tmp_path / "a", write_files, broken)
    with pytest.raises(BadInput, match=r"0?4\.wav|row 4\b") as caught:
        data.values(np.arange(9))
    assert "--skip-unreadable" in str(caught.value)
    assert "\n" not in str(caught.value)
    kept = load(tmp_path / "b", write_files, broken, skip_unreadable=True)
    assert kept.num_unreadable == 1
    assert kept.labels.tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert len(kept.values(np.arange(8))) == 8


def test_a_column_that_is_not_there(tmp_path, write_files):
    if write_files is folder:
        with pytest.raises(BadInput, match=r"no table, so --sound means nothing"):
            load(tmp_path, write_files, sound="speech")
        return
    with pytest.raises(BadInput, match=r"no column (named )?speech"):
        load(tmp_path, write_files, sound="speech")


def test_a_column_without_sounds(tmp_path):
    with pytest.raises(BadInput, match=r"column label (holds|does not hold)"):
        load(tmp_path / "a", parquet, sound="label")
    with pytest.raises(BadInput, match=r"column label does not hold sounds"):
        load(tmp_path / "b", hub_object, sound="label")


def test_a_manifest_of_pictures_and_sounds_is_of_pictures(tmp_path):
    given = manifest(tmp_path, [encoded(one) for one in SOUNDS], [encoded(one) for one in TEST_SOUNDS])
    (tmp_path / "a.png").write_bytes(b"no picture")
    given.source.write_text(given.source.read_text() + "\ncat,train,a.png")
    with pytest.raises(BadInput, match=r"train0.wav: not an image"):
        load_dataset(given.source).values(np.arange(1))
