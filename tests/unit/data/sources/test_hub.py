from __future__ import annotations

import json
import socket
import sys
import time

import datasets
import huggingface_hub
import numpy as np
import pytest

from easiness.data import load_dataset
from easiness.data.tables.parquet import RowBlobs
from easiness.errors import BadInput, RunFailed
from pixels import png


@pytest.fixture(autouse=True)
def hub_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("hub")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    return folder


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def table(picture):
    """``table([0, 1])``: a Dataset of those labels and pictures 0, 1, ... named cat and dog."""

    def make(labels, names=("cat", "dog"), **columns):
        pictures = [{"bytes": png(np.asarray(picture(i))), "path": None} for i in range(len(labels))]
        kinds = {name: kind for name, (kind, _) in columns.items()}
        features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(names)), **kinds}
        cells = {name: values for name, (_, values) in columns.items()}
        content = {"image": pictures, "label": labels, **cells}
        return datasets.Dataset.from_dict(content, features=datasets.Features(features))

    return make


def splits(**tables):
    return datasets.DatasetDict(tables)


def write_cache(folder, name, config, tables):
    """What the library keeps after it has loaded ``name``."""
    place = folder / name.replace("/", "___") / config / "0.0.0" / "0123456789abcdef"
    place.mkdir(parents=True)
    info = {"config_name": config, "dataset_name": name.split("/")[-1], "builder_name": "parquet"}
    info["splits"], info["version"] = {}, {"version_str": "0.0.0", "major": 0, "minor": 0, "patch": 0}
    for split, table in tables.items():
        file = place / f"{name.split('/')[-1]}-{split}.arrow"
        table.save_to_disk(folder / "saved")
        next((folder / "saved").glob("*.arrow")).replace(file)
        info["splits"][split] = {"name": split, "num_bytes": 1, "num_examples": len(table)}
    info["features"] = next(iter(tables.values())).features.to_dict()
    (place / "dataset_info.json").write_text(json.dumps(info))


def test_names_in_the_cache(table, hub_cache):
    write_cache(hub_cache, "someone/pets", "small", {"train": table([0, 1]), "validation": table([1])})
    data = load_dataset("hf:someone/pets:small")
    assert data.labels.tolist() == [0, 1]
    assert data.held_out is not None
    assert data.held_out.split == "validation"
    assert data.source == "hf:someone/pets:small"
    assert data.name == "someone/pets"
    assert load_dataset("hf:someone/pets").fingerprint == data.fingerprint
    with pytest.raises(BadInput, match="hf:someone/pets:large: ") as caught:
        load_dataset("hf:someone/pets:large")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nobody/nothing", "nothing", "a/b/c", "./x"])
def test_names_that_are_not_in_the_cache(name):
    with pytest.raises(BadInput, match=rf"hf:{name}: not a folder.*--download") as caught:
        load_dataset(f"hf:{name}")
    assert "\n" not in str(caught.value)
    assert not datasets.config.HF_HUB_OFFLINE
    assert not huggingface_hub.constants.HF_HUB_OFFLINE


def test_downloads_are_allowed_only_when_asked_for(table, monkeypatch):
    seen = []

    def load(*_):
        seen.append((datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE))
        return splits(train=table([0, 1]))

    monkeypatch.setattr(datasets, "load_dataset", load)
    assert len(load_dataset("hf:pets", download=True)) == 2
    load_dataset("hf:pets")
    assert seen == [(False, False), (True, True)]


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ConnectionError("no\nroute"), RunFailed, r"it cannot be downloaded \(no route\)"),
        (datasets.exceptions.DatasetNotFoundError("not on the Hub"), BadInput, "cannot load it .not on the"),
        (ValueError("BuilderConfig 'a' not found"), BadInput, "cannot load it .BuilderConfig"),
    ],
)
def test_downloads_that_fail(monkeypatch, error, kind, message):
    def fail(*_):
        raise error

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(kind, match=f"hf:pets: .*{message}") as caught:
        load_dataset("hf:pets", download=True)
    assert "\n" not in str(caught.value)


@pytest.fixture
def no_name_service(monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setattr(time, "sleep", lambda _: None)  # between what the library tries


@pytest.mark.usefixtures("no_name_service")
def test_a_download_without_a_network_is_one_line(table, hub_cache):
    with pytest.raises(RunFailed, match=r"hf:someone/pets: .*downloaded \(.*reach") as caught:
        load_dataset("hf:someone/pets", download=True)
    assert "\n" not in str(caught.value)
    write_cache(hub_cache, "someone/pets", "small", {"train": table([0, 1])})
    assert len(load_dataset("hf:someone/pets", download=True)) == 2


def test_the_reason_at_the_bottom_is_told(tmp_path):
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets/train.csv").write_text('image,label\n1,2\n"3,4\n')
    with pytest.raises(BadInput, match="datasets cannot load") as caught:
        load_dataset(f"hf:{tmp_path / 'pets'}")
    assert "ParserError: " in str(caught.value)
    assert f"datasets.load_dataset('{tmp_path / 'pets'}')" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_digests_in_files_of_the_library_are_remembered(table, tmp_path, monkeypatch):
    table([0, 1, 1]).save_to_disk(tmp_path / "pets")
    whole = datasets.load_from_disk(tmp_path / "pets")
    expected = load_dataset(whole).stored.digests()
    read = []
    monkeypatch.setattr(
        RowBlobs,
        "blobs",
        lambda blobs, at, original=RowBlobs.blobs: read.append(at.tolist()) or original(blobs, at),
    )
    assert load_dataset(f"hf:{tmp_path / 'pets'}").stored.digests() == expected
    assert read == [[]]
    assert load_dataset(whole.select([2, 0])).stored.digests() == [expected[2], expected[0]]
    assert read == [[], [0, 1]]
    table([1, 1, 1, 0]).select([3, 1, 2]).save_to_disk(tmp_path / "others")
    next((tmp_path / "others").glob("*.arrow")).replace(next((tmp_path / "pets").glob("*.arrow")))
    changed = load_dataset(f"hf:{tmp_path / 'pets'}").stored.digests()
    assert changed[1:] == expected[1:]
    assert changed[0] not in expected


def test_picture_files_of_a_saved_table_may_change(tmp_path, picture):
    file = tmp_path / "0.png"
    picture(0).save(file)
    features = datasets.Features({"image": datasets.Image(decode=False), "label": datasets.Value("int64")})
    rows = {"image": [{"bytes": None, "path": str(file)}] * 2, "label": [0, 1]}
    found = datasets.Dataset.from_dict(rows, features=features)
    found = found.map(lambda row: row, cache_file_name=str(tmp_path / "pets.arrow"), features=features)
    assert found.cache_files
    before = load_dataset(found).stored.digests()
    picture(1).save(file)
    after = load_dataset(found).stored.digests()
    assert after[0] != before[0]


def test_progress_bars_and_remarks_are_off_and_back_on(table, folder, tmp_path, capfd):
    table([0, 1]).save_to_disk(tmp_path / "saved")
    capfd.readouterr()
    assert load_dataset(f"hf:{folder}").fingerprint
    assert load_dataset(f"hf:{tmp_path / 'saved'}").fingerprint
    assert capfd.readouterr() == ("", "")
    assert not datasets.utils.are_progress_bars_disabled()


def test_the_library_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(BadInput, match=r"hf:pets: .*'easiness\[hf\]'"):
        load_dataset("hf:pets")


def test_the_only_split_is_the_one_to_train_on(table):
    assert len(load_dataset(splits(everything=table([0, 1])))) == 2
    with pytest.raises(BadInput, match="train among a, b"):
        load_dataset(splits(a=table([0, 1]), b=table([0, 1])))


@pytest.mark.parametrize("labels", [[-1, -1], [None, None]])
def test_a_test_split_without_labels_gives_way(table, labels):
    data = load_dataset(splits(train=table([0, 1]), test=table(labels), validation=table([1])))
    assert data.held_out is not None
    assert data.held_out.split == "validation"


def test_null_and_missing_pictures(table, tmp_path):
    other = table([1, 1]).cast_column("image", datasets.Image(decode=False))
    rows = [None, {"bytes": None, "path": str(tmp_path / "gone.png")}]
    holes = datasets.Dataset.from_dict({"image": rows, "label": [1, 1]}, features=other.features)
    whole = datasets.concatenate_datasets(
        [table([0, 1]).cast_column("image", datasets.Image(decode=False)), holes]
    )
    data = load_dataset(whole)
    with pytest.raises(BadInput, match=r"row 2: .*null"):
        _ = data.fingerprint
    with pytest.raises(BadInput, match=r"row 3: .*gone\.png: .*No such file"):
        data.values(np.array([3]))
    assert load_dataset(whole, skip_unreadable=True).ids.tolist() == [0, 1]


def test_several_columns(table):
    pictures = table([0, 1])
    fine = (datasets.ClassLabel(names=["a", "b", "c"]), [0, 2])
    two = table([0, 1], fine=fine, mask=(datasets.Image(), pictures["image"]))
    assert load_dataset(two).classes == ("cat", "dog")
    with pytest.raises(BadInput, match=r"2 columns of images \(mask, photo\)"):
        load_dataset(two.rename_column("image", "photo"))
    photos = load_dataset(two.rename_column("image", "photo"), without=["mask"])
    assert photos.fingerprint == load_dataset(two).fingerprint


def test_integer_labels_and_text_labels(table):
    plain = table([0, 1]).cast_column("label", datasets.Value("int64"))
    assert load_dataset(plain).classes == ("0", "1")
    assert load_dataset(plain, classes=["a", "b"]).classes == ("a", "b")
    assert load_dataset(plain.cast_column("label", datasets.Value("string"))).classes == ("0", "1")
    with pytest.raises(BadInput, match="class names of its"):
        load_dataset(table([0, 1]), classes=["a", "b"])
    with pytest.raises(BadInput, match="image does not hold"):
        load_dataset(datasets.Dataset.from_dict({"image": [1, 2], "label": [0, 1]}))


def test_streams_and_transforms_are_refused(table):
    with pytest.raises(BadInput, match="IterableDataset can only"):
        load_dataset(table([0, 1]).to_iterable_dataset())
    with pytest.raises(BadInput, match="only be iterated"):
        load_dataset(datasets.IterableDatasetDict({"train": table([0, 1]).to_iterable_dataset()}))
    with pytest.raises(BadInput, match="has a transform"):
        load_dataset(table([0, 1]).with_transform(lambda rows: rows))
    with pytest.raises(BadInput, match=r"tuple is no datasets"):
        load_dataset(table([0, 1]), held_out=(1, 2))
    with pytest.raises(BadInput, match="splits of its"):
        load_dataset(splits(train=table([0, 1])), held_out=table([0, 1]))


def test_wrong_texts(tmp_path, table):
    with pytest.raises(BadInput, match="hf:: no name"):
        load_dataset("hf:")
    with pytest.raises(BadInput, match="hf::a: no name"):
        load_dataset("hf::a")
    with pytest.raises(BadInput, match="held_out= goes with"):
        load_dataset("hf:pets", held_out=table([0]))
    with pytest.raises(BadInput, match=r"cannot load|not a folder that datasets can load"):
        load_dataset(f"hf:{tmp_path}")
    table([0, 1]).save_to_disk(tmp_path / "pets")
    with pytest.raises(BadInput, match=r"save_to_disk .*:small"):
        load_dataset(f"hf:{tmp_path / 'pets'}:small")


def test_values_outside_of_the_file_are_refused(table, tmp_path):
    """Arrow itself reads them from wherever they would be, which ends the process."""
    table([0, 1, 1]).save_to_disk(tmp_path / "pets")
    (file,) = (tmp_path / "pets").glob("*.arrow")
    content = file.read_bytes()
    rows = datasets.load_from_disk(tmp_path / "pets").data["image"].to_pylist()
    offsets = np.cumsum([0, *(len(row["bytes"]) for row in rows)]).astype("<i4").tobytes()
    assert content.count(offsets) == 1
    beyond = np.array([0, 2**30, 2**30, 2**30], "<i4").tobytes()
    file.write_bytes(content.replace(offsets, beyond))
    with pytest.raises(BadInput, match=r"hf:.*pets: its files"):
        load_dataset(f"hf:{tmp_path / 'pets'}")
