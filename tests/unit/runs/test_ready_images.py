"""Every image is decoded before anything is measured, once on each machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import easiness as ez
from easiness.data import load_dataset
from easiness.errors import BadInput, RunFailed
from easiness.inputs import Unreadable
from easiness.runs.carrying_out import check_readable, ready_images
from easiness.runs.progress import Progress
from easiness.runs.trainer import NodePhotos
from easiness.spec import Loading, Recipe, Training
from easiness.training import network_facts
from pixels import PETS, write_noise

BAD = "train/dog/3.jpg"
TRAINED: dict[str, Any] = {"model": "mlp_2_w16", "trials": 1, "epochs": 1, "recipe": {"crop": 24}}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of five photos a split; the data of one are cut off behind its header."""
    folder = tmp_path / "pets"
    for split in ("train", "val"):
        write_noise(folder / split, PETS, [(60 + at, 70, 3) for at in range(5)], "{}.jpg")
    file = folder / BAD
    file.write_bytes(file.read_bytes()[:-400])
    return folder


def files_of(photos: Path, split: str) -> list[Path]:
    return sorted((photos / split).rglob("*.jpg"))


def parquet(photos: Path) -> str:
    folder = photos.parent / "parquet"
    folder.mkdir()
    for split in ("train", "val"):
        files = files_of(photos, split)
        images = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
        labels = [int(file.parent.name == "dog") for file in files]
        pq.write_table(pa.table({"image": images, "label": labels}), folder / f"{split}-0.parquet")
    return str(folder)


SOURCES: dict[str, tuple[Callable[[Path], str], str]] = {
    "folder": (str, BAD),
    "parquet": (parquet, "row 8"),
}


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch, empty_cache: Path) -> list[object]:
    """The networks of which a step was taken."""
    assert not empty_cache.exists()
    done: list[object] = []

    def noted(workload: Any) -> Any:
        done.append(workload)
        return network_facts(workload)

    monkeypatch.setattr("easiness.runs.execution.network_facts", noted)
    return done


@pytest.mark.parametrize("kind", SOURCES)
def test_nothing_is_measured_where_an_image_is_unreadable(kind, photos, rehearsed, tmp_path):
    make, named = SOURCES[kind]
    source = make(photos)
    with pytest.raises(BadInput, match=rf"{named}.*: .*truncated image .*--skip-unreadable"):
        ez.measure(source, **TRAINED, out=tmp_path / "run")
    assert rehearsed == []
    assert not (tmp_path / "run").exists()


def cut_off(photos: Path, *names: str) -> None:
    for name in names:
        file = photos / name
        file.write_bytes(file.read_bytes()[:-400])


OTHERS = ["train/cat/1.jpg", "train/dog/0.jpg", "val/cat/2.jpg"]
ALL_NAMED = (
    r"train/cat/1\.jpg: unreadable or truncated image .*, and 3 more cannot be read: train/dog/0\.jpg, "
    r"train/dog/3\.jpg, val/cat/2\.jpg; mend them, or use --skip-unreadable to go on without them$"
)


@pytest.mark.parametrize("options", [{}, {"cache": False}])
def test_all_that_are_unreadable_are_named_at_once(photos, tmp_path, options):
    cut_off(photos, *OTHERS)
    with pytest.raises(Unreadable, match=ALL_NAMED):
        ez.measure(photos, **TRAINED, **options, out=tmp_path / "run")
    data = ez.load_dataset(photos)
    kept = [at for at, name in enumerate(data.ids) if name in (OTHERS[0], BAD) or "cat" in name]
    with pytest.raises(Unreadable, match=r"cat/1\.jpg: .*, and 1 more .*: train/dog/3\.jpg; mend"):
        ez.measure(data.part(np.array(kept)), **TRAINED, **options, out=tmp_path / "run")


def test_a_study_makes_no_features_where_a_held_out_image_is_unreadable(photos, tmp_path):
    (photos / "train/dog/4.jpg").replace(photos / BAD)
    cut_off(photos, "val/cat/2.jpg")
    rows = [f"train/{name}/{at}.jpg,{label}" for label, name in enumerate(("cat", "dog")) for at in range(4)]
    (tmp_path / "labels.csv").write_text("\n".join(["id,label", *rows]))
    asked: list[int] = []

    def features(pictures: Any) -> Any:
        asked.append(len(pictures))
        return np.stack([np.asarray(one).ravel()[:50] for one in pictures]).astype(np.float32)

    options: dict[str, Any] = {"features": features, "trials": 5, "out": tmp_path / "verified"}
    with pytest.raises(Unreadable, match=r"val/cat/2\.jpg"):
        ez.verify(photos, labels=tmp_path / "labels.csv", **options)
    assert asked == []


def test_a_dry_run_looks_for_a_while(photos, monkeypatch):
    data = ez.load_dataset(photos)
    assert check_readable(data, -1) == (
        "1 of 20 pictures were looked at; whether the others can be read is seen before the training begins"
    )
    cut_off(photos, *OTHERS)
    with pytest.raises(Unreadable, match=ALL_NAMED):
        check_readable(ez.load_dataset(photos))
    monkeypatch.setattr("easiness.inputs.image.kind.decode_image", None)  # nothing is decoded again
    assert check_readable(ez.load_dataset(photos, skip_unreadable=True)) == ""
    assert check_readable(ez.load_dataset((np.zeros((4, 8, 8), np.uint8), [0, 1, 0, 1]))) == ""


FINAL: dict[str, Any] = {"models": ["mlp_2_w16"], "final_trials": 1, "final_epochs": 1}


@pytest.mark.parametrize(
    ("work", "options", "fits"),
    [
        (ez.measure, {**TRAINED, "cache": False}, True),
        (ez.measure, {**TRAINED, "cache": False}, False),
        (ez.paper.validate, {**{name: TRAINED[name] for name in TRAINED if name != "model"}, **FINAL}, True),
    ],
    ids=["without a cache", "nor memory", "in a study"],
)
def test_nor_otherwise(photos, rehearsed, monkeypatch, tmp_path, work, options, fits):
    if not fits:
        monkeypatch.setattr("easiness.inputs.image.photos.fits", lambda _: False)
    with pytest.raises(BadInput, match=BAD):
        work(photos, **options, out=tmp_path / "run")
    assert rehearsed == []


def test_what_was_checked_when_loaded_is_not_checked_again(photos, monkeypatch):
    monkeypatch.setattr("easiness.inputs.image.photos.fits", lambda _: False)
    training = Training(model="mlp_2_w16", epochs=1, recipe={"crop": 24})
    plan = ez.runs.make_plan(photos, training, 1, loading=Loading(skip_unreadable=True))
    file = photos / BAD.replace("3", "4")
    content, stat = file.read_bytes(), file.stat()
    file.write_bytes(content[:-400] + bytes(400))  # since then, so that only looking again would tell
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # it is not seen to have changed
    images = ready_images(plan, None, Progress())
    assert [len(one.shapes) for one in images.values()] == [9, 10]


def on_a_node(pictures: Path, **changes: Any) -> NodePhotos:
    data = load_dataset(pictures)
    return replace(NodePhotos(Path("nowhere.photos"), "train", data.ref(), Recipe(crop=4)), **changes)


def test_photos_are_read_from_the_source_where_the_cache_is_not_seen(pictures, empty_cache, tmp_path):
    data = load_dataset(pictures)
    mapped: Any = data.packed(Recipe(crop=4), tmp_path / "beside")
    where = np.array([3, 20])
    for path in (mapped.flat.path, tmp_path / "not-here.photos"):
        opened: Any = on_a_node(pictures, path=path).open()
        expected = mapped.take(where)
        assert all(np.array_equal(a, b) for a, b in zip(opened.take(where), expected, strict=True))
    assert len(list((empty_cache / "photos").glob("*.photos"))) == 1


@pytest.mark.usefixtures("empty_cache")
def test_other_data_at_the_source_or_none_is_one_line(pictures):
    photos = on_a_node(pictures)
    (pictures / "cat" / "00.png").unlink()
    with pytest.raises(RunFailed, match=r"nowhere.photos: has other"):
        photos.open()
    (pictures / "cat").rename(pictures.parent / "cat")
    with pytest.raises(RunFailed, match=r"read the source \(.*share"):
        replace(photos, ref=photos.ref.model_copy(update={"source": str(pictures / "gone")})).open()
    with pytest.raises(RunFailed, match="have no source"):
        replace(photos, ref=photos.ref.model_copy(update={"source": None})).open()
