"""The same tiny data set in every kind of source: each must give the same examples."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from easiness.data import Dataset, load_dataset


def random_pixels(num: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (num, 5, 6, 3), dtype=np.uint8)


@dataclass(frozen=True)
class Tiny:
    """Examples ordered by class, as class folders are; 4 of bee, 3 of cat, 2 of dog."""

    classes: tuple[str, ...] = ("bee", "cat", "dog")
    x: np.ndarray = field(default_factory=lambda: random_pixels(9, 0))
    y: np.ndarray = field(default_factory=lambda: np.array([0, 0, 0, 0, 1, 1, 1, 2, 2]))
    x_test: np.ndarray = field(default_factory=lambda: random_pixels(4, 1))
    y_test: np.ndarray = field(default_factory=lambda: np.array([0, 1, 1, 2]))


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_classes(root: Path, tiny: Tiny, x: np.ndarray, y: np.ndarray) -> None:
    for i, (pixels, label) in enumerate(zip(x, y, strict=True)):
        folder = root / tiny.classes[label]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i:02}.png").write_bytes(png(pixels))


def write_rows(path: Path, tiny: Tiny, x: np.ndarray, y: np.ndarray) -> None:
    info = {"info": {"features": {"label": {"names": list(tiny.classes), "_type": "ClassLabel"}}}}
    rows = [{"bytes": png(pixels), "path": f"{i}.png"} for i, pixels in enumerate(x)]
    table = pa.table({"image": rows, "label": y}).replace_schema_metadata({"huggingface": json.dumps(info)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=2)


def folder(root: Path, tiny: Tiny) -> Any:
    write_classes(root / "tiny", tiny, tiny.x, tiny.y)
    return root / "tiny"


def folder_with_splits(root: Path, tiny: Tiny) -> Any:
    write_classes(root / "tiny/train", tiny, tiny.x, tiny.y)
    write_classes(root / "tiny/val", tiny, tiny.x_test, tiny.y_test)
    return root / "tiny"


def one_parquet_file(root: Path, tiny: Tiny) -> Any:
    write_rows(root / "tiny.parquet", tiny, tiny.x, tiny.y)
    return root / "tiny.parquet"


def parquet_shards(root: Path, tiny: Tiny) -> Any:
    write_rows(root / "tiny/train-00001-of-00002.parquet", tiny, tiny.x[5:], tiny.y[5:])
    write_rows(root / "tiny/train-00000-of-00002.parquet", tiny, tiny.x[:5], tiny.y[:5])
    write_rows(root / "tiny/test-00000-of-00001.parquet", tiny, tiny.x_test, tiny.y_test)
    return root / "tiny"


def npz(root: Path, tiny: Tiny) -> Any:
    root.mkdir(parents=True, exist_ok=True)
    np.savez(
        root / "tiny.npz", x=tiny.x, y=tiny.y, classes=tiny.classes, x_test=tiny.x_test, y_test=tiny.y_test
    )
    return root / "tiny.npz"


def arrays_channels_last(_: Path, tiny: Tiny) -> Any:
    return tiny.x, tiny.y


def arrays_channels_first(_: Path, tiny: Tiny) -> Any:
    return torch.from_numpy(tiny.x).permute(0, 3, 1, 2), torch.from_numpy(tiny.y)


def arrays_of_floats(_: Path, tiny: Tiny) -> Any:
    return (tiny.x / 255).astype(np.float32), tiny.y.astype(np.int32)


Write = Callable[[Path, Tiny], Any]
WITHOUT_SPLITS = [folder, one_parquet_file, arrays_channels_last, arrays_channels_first, arrays_of_floats]
WITH_SPLITS = [folder_with_splits, parquet_shards, npz]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASINESS_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(params=WITHOUT_SPLITS + WITH_SPLITS, ids=lambda write: write.__name__)
def write(request: pytest.FixtureRequest) -> Write:
    return request.param


def load(root: Path, write: Write, tiny: Tiny, **options: Any) -> Dataset:
    source = write(root, tiny)
    if isinstance(source, tuple):
        options["classes"] = tiny.classes
    return load_dataset(source, **options)


def test_the_same_examples(tmp_path, write):
    tiny = Tiny()
    data = load(tmp_path, write, tiny)
    assert len(data) == 9
    assert data.classes == tiny.classes
    assert data.num_classes == 3
    assert data.split == "train"
    assert data.labels.tolist() == tiny.y.tolist()
    assert data.true_labels.tolist() == tiny.y.tolist()
    assert data.labels.dtype == np.int64
    assert data.image_shape == (3, 5, 6)
    assert data.images.dtype == torch.uint8
    assert data.images.is_contiguous()
    assert (data.images.numpy() == tiny.x.transpose(0, 3, 1, 2)).all()
    assert data.num_unreadable == 0


def test_ids(tmp_path, write):
    data = load(tmp_path, write, Tiny())
    if write in (folder, folder_with_splits):
        prefix = "train/" if write is folder_with_splits else ""
        assert data.ids.dtype == object
        assert data.ids[0] == f"{prefix}bee/00.png"
        assert data.ids[8] == f"{prefix}dog/08.png"
    else:
        assert data.ids.dtype == np.int64
        assert data.ids.tolist() == list(range(9))


def test_held_out(tmp_path, write):
    tiny = Tiny()
    held_out = load(tmp_path, write, tiny).held_out
    if write in WITHOUT_SPLITS:
        assert held_out is None
        return
    assert held_out is not None
    assert held_out.split == ("val" if write is folder_with_splits else "test")
    assert held_out.labels.tolist() == tiny.y_test.tolist()
    assert held_out.classes == tiny.classes
    assert held_out.held_out is None
    assert (held_out.images.numpy() == tiny.x_test.transpose(0, 3, 1, 2)).all()


def test_limit(tmp_path, write):
    tiny = Tiny()
    whole = load(tmp_path, write, tiny)
    part = load(tmp_path, write, tiny, limit=5, seed=3)
    assert sorted(np.bincount(part.labels).tolist()) == [1, 2, 2]
    kept = [whole.ids.tolist().index(i) for i in part.ids]
    assert kept == sorted(kept)
    assert part.labels.tolist() == whole.labels[kept].tolist()
    assert torch.equal(part.images, whole.images[kept])
    assert set(load(tmp_path, write, tiny, limit=3, seed=3).ids) < set(part.ids)
    assert part.fingerprint != whole.fingerprint


def test_the_subset_depends_on_labels_and_seed_alone(tmp_path, write):
    tiny = Tiny()
    expected = load_dataset((tiny.x, tiny.y), limit=4, seed=7).ids.tolist()
    whole = load(tmp_path, write, tiny).ids.tolist()
    assert [whole.index(i) for i in load(tmp_path, write, tiny, limit=4, seed=7).ids] == expected


def test_fingerprint_is_stable_over_loads_and_places(tmp_path, write):
    first = load(tmp_path / "a", write, Tiny())
    again = load(tmp_path / "a", write, Tiny())
    moved = load(tmp_path / "b", write, Tiny())
    assert first.fingerprint == again.fingerprint == moved.fingerprint
    assert len(first.fingerprint) == 64
    if first.held_out is not None:
        assert first.held_out.fingerprint == moved.held_out.fingerprint


def changed_pixel(tiny: Tiny) -> Tiny:
    x = tiny.x.copy()
    x[4, 2, 3, 1] ^= 1
    return replace(tiny, x=x)


def changed_label(tiny: Tiny) -> Tiny:
    y = tiny.y.copy()
    y[3] = 1
    return replace(tiny, y=y)


def changed_class_name(tiny: Tiny) -> Tiny:
    return replace(tiny, classes=("bee", "cat", "dogs"))


@pytest.mark.parametrize("change", [changed_pixel, changed_label, changed_class_name])
def test_fingerprint_changes_with_what_it_covers(tmp_path, write, change):
    before = load(tmp_path / "a", write, Tiny())
    after = load(tmp_path / "b", write, change(Tiny()))
    assert after.fingerprint != before.fingerprint


def test_nothing_is_decoded_for_a_fingerprint(tmp_path, write, monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("a picture was opened"))
    data = load(tmp_path, write, Tiny(), limit=5)
    assert len(data.ids) == len(data.labels) == 5
    assert data.fingerprint


def test_a_reference_finds_the_data_again(tmp_path, write):
    data = load(tmp_path, write, Tiny(), limit=5)
    ref = data.ref()
    assert ref.limit == 5
    assert ref.train.num_examples == 5
    assert ref.image_shape == (3, 5, 6)
    if ref.source is None:
        assert write in (arrays_channels_last, arrays_channels_first, arrays_of_floats)
    else:
        assert Path(ref.source).is_absolute()
        assert load_dataset(ref.source, limit=ref.limit).ref() == ref
    assert data.limit(4).ref().source is None  # a subset of a subset cannot be named
    assert load(tmp_path / "again", write, Tiny(), limit=5, seed=2).ref().source is None
