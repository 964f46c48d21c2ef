from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from easiness import gate
from easiness.data import load_dataset
from easiness.data.sources.file_blobs import FileFacts
from easiness.data.tables.parquet import RowBlobs
from easiness.errors import BadInput
from pixels import images_of, png

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture
def encoded(picture):
    return lambda seed: png(np.asarray(picture(seed)))


def write(
    path: Path, images, labels, *, names=None, column="image", struct=True, row_group_size=None
) -> Path:
    if struct:
        images = pa.array([None if i is None else {"bytes": i, "path": None} for i in images], IMAGE)
    table = pa.table({column: images, "label": labels})
    if names is not None:
        info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=row_group_size)
    return path


@pytest.fixture
def groups_read(monkeypatch):
    """Starts a list of the groups of rows that are read from then on."""

    def start() -> list[int]:
        read: list[int] = []
        original = pq.ParquetFile.iter_batches
        monkeypatch.setattr(gate._Chunk, "longest", lambda _: 1)  # which reads, too
        monkeypatch.setattr(
            pq.ParquetFile,
            "iter_batches",
            lambda file, num, groups=(), columns=(): (
                read.extend(groups) or original(file, num, groups or None, columns)
            ),
        )
        return read

    return start


def test_test_goes_before_val_and_other_files_are_left(tmp_path, encoded):
    for name in ("train", "val", "test", "extra"):
        write(tmp_path / f"{name}.parquet", [encoded(0), encoded(1)], [0, 1])
    data = load_dataset(tmp_path)
    assert len(data) == 2
    assert data.held_out is not None
    assert data.held_out.split == "test"


def test_without_train_all_files_are_one_split(tmp_path, encoded):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.parquet", [encoded(0), encoded(1)], [0, 1])
    data = load_dataset(tmp_path)
    assert data.ids.tolist() == [0, 1, 2, 3]
    assert data.held_out is None


def test_only_row_groups_in_use_are_read(tmp_path, encoded, groups_read):
    images = [encoded(i) for i in range(8)]
    path = write(tmp_path / "a.parquet", images, [0, 1] * 4, row_group_size=1)
    whole, part = load_dataset(path), load_dataset(path, limit=2, seed=3)
    read = groups_read()
    assert (images_of(part) == images_of(whole)[part.ids]).all()
    read.clear()
    _ = part.fingerprint
    assert read == part.ids.tolist()


def test_verdicts_on_rows_are_remembered(tmp_path, encoded, monkeypatch):
    path = write(tmp_path / "a.parquet", [encoded(0), b"broken", encoded(1)], [0, 1, 1])
    assert load_dataset(path, skip_unreadable=True).ids.tolist() == [0, 2]
    monkeypatch.setattr(RowBlobs, "blobs", lambda *_: pytest.fail("rows were read"))
    assert load_dataset(path, skip_unreadable=True).ids.tolist() == [0, 2]


def test_digests_of_rows_are_remembered(tmp_path, encoded, groups_read):
    images = [encoded(i) for i in range(6)]
    write(tmp_path / "train-0.parquet", images[:3], [0, 1, 0], row_group_size=1)
    write(tmp_path / "train-1.parquet", images[3:], [1, 0, 1], row_group_size=1)
    read = groups_read()
    part = load_dataset(tmp_path, limit=2, seed=1)
    digests = [hashlib.sha256(image).hexdigest() for image in images]
    assert part.stored.digests() == [digests[i] for i in part.ids]
    assert read == [i % 3 for i in part.ids]
    read.clear()
    data = load_dataset(tmp_path)
    assert data.stored.digests() == digests
    assert read == [i % 3 for i in range(6) if i not in part.ids]
    read.clear()
    assert load_dataset(tmp_path).fingerprint == data.fingerprint
    assert load_dataset(tmp_path, limit=2, seed=1).fingerprint == part.fingerprint
    assert read == []
    write(tmp_path / "train-1.parquet", images[2:5], [1, 0, 1], row_group_size=3)
    assert load_dataset(tmp_path).stored.digests() == digests[:3] + digests[2:5]
    assert read == [0]


def test_digests_up_to_an_interrupt_are_kept(tmp_path, encoded, monkeypatch, groups_read):
    path = write(tmp_path / "a.parquet", [encoded(i) for i in range(100)], [0, 1] * 50, row_group_size=1)
    original = pq.ParquetFile.iter_batches

    def interrupted(file, num, groups=None, columns=None):
        if groups == [90]:
            raise KeyboardInterrupt
        return original(file, num, groups, columns)

    monkeypatch.setattr("easiness.inputs.encoding.CHUNK", 1)
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _ = load_dataset(path).fingerprint
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", original)
    read = groups_read()
    assert len(set(load_dataset(path).stored.digests())) == 100
    assert len(read) < 50
    assert read[-1] == 99


@pytest.mark.parametrize(
    "fact",
    [3, ["", "AAAA"], ["other", "A" * 88], [None, None], ["", "*" * 88], ["", "A" * 88], ["", "é" * 88]],
)
def test_remembered_digests_that_make_no_sense(tmp_path, encoded, fact):
    path = write(tmp_path / "a.parquet", [encoded(0), encoded(1)], [0, 1])
    expected = load_dataset(path).stored.digests()
    facts = FileFacts(tmp_path)
    stamp, _ = facts.recall("a.parquet")
    facts.remember("a.parquet", stamp, row_sha256=fact)
    facts.save()
    assert load_dataset(path).stored.digests() == expected


def test_held_out_labels_and_names_must_agree(tmp_path, encoded):
    write(tmp_path / "train.parquet", [encoded(0), encoded(1)], [0, 1], names=["cat", "dog"])
    write(tmp_path / "test.parquet", [encoded(2)], [-1], names=["cat", "dog"])
    with pytest.raises(BadInput, match=r"test\.parquet: row 0: label -1 is"):
        load_dataset(tmp_path)
    write(tmp_path / "test.parquet", [encoded(2)], [1], names=["dog", "cat"])
    with pytest.raises(BadInput, match="class names differ"):
        load_dataset(tmp_path)


def test_images_must_be_bytes(tmp_path):
    pq.write_table(pa.table({"image": [[1, 2], [3, 4]], "label": [0, 1]}), tmp_path / "a.parquet")
    with pytest.raises(BadInput, match=r"column image holds list<.*int64>"):
        load_dataset(tmp_path / "a.parquet")


def test_rows_are_unpacked_some_at_a_time(tmp_path, encoded, monkeypatch):
    """A thousand times the same picture takes no room in the file, and would in memory."""
    num, image = 1000, encoded(0) + bytes(100_000)
    indices = pa.DictionaryArray.from_arrays(np.zeros(num, np.int32), pa.array([image], pa.binary()))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": indices, "label": np.arange(num) % 2}), path, store_schema=False)
    assert path.stat().st_size < 2 * len(image)
    data = load_dataset(path)
    monkeypatch.setattr("easiness.inputs.encoding.CHUNK", 1)  # which are what is read ahead
    before = pa.total_allocated_bytes()
    pool_most = []
    for _ in data.stored.map(lambda _: pool_most.append(pa.total_allocated_bytes())):
        pass
    assert len(pool_most) == num
    assert max(pool_most) - before < num * len(image) / 4


def test_a_column_whose_name_is_no_text_is_refused(tmp_path, encoded):
    path = write(tmp_path / "a.parquet", [encoded(0), encoded(1)], [0, 1])
    path.write_bytes(path.read_bytes().replace(b"bytes", b"b\xf9tes"))
    with pytest.raises(BadInput, match=r"a\.parquet: .*'utf-8' codec"):
        load_dataset(path)
