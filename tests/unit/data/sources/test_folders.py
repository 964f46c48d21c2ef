from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from easiness.data import load_dataset
from easiness.data.sources import file_blobs
from easiness.data.sources.folders import SYNSETS
from easiness.errors import BadInput
from easiness.inputs import IMAGE, IMAGE_FILES
from easiness.inputs.image import kind as formats
from easiness.spec import DatasetRef
from pixels import images_of


@pytest.fixture
def no_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IMAGE_FILES, "suffixes", lambda: formats.ALWAYS)
    monkeypatch.setattr("easiness.data.tables.dataset.KINDS", (IMAGE,))


def test_nested_hidden_and_other_files(folder, picture):
    (folder / "cat/old/.thumbs").mkdir(parents=True)
    picture(1).save(folder / "cat/old/9.PNG")
    picture(1).save(folder / "cat/old/.thumbs/9.png")
    picture(1).save(folder / "cat/.hidden.png")
    (folder / "cat/notes.txt").write_text("x")
    (folder / ".git").mkdir()
    data = load_dataset(folder)
    assert data.classes == ("cat", "dog")
    assert data.ids.tolist()[:4] == ["cat/0.png", "cat/1.png", "cat/2.png", "cat/old/9.PNG"]
    assert data.notes == ("1 file left out, since by name it is no picture that can be read: cat/notes.txt",)


@pytest.mark.usefixtures("no_heif")
def test_files_that_are_left_out_are_counted_and_named(folder, picture):
    root = as_split(folder, "train")
    (root / "val/cat").mkdir(parents=True)
    picture(1).save(root / "val/cat/0.png")
    for name in ("train/cat/a.heic", "train/dog/b", "val/cat/c"):
        (root / name).write_bytes(b"x")
    data = load_dataset(root)
    assert len(data) == 6
    assert data.notes == (
        "3 files left out, since by name they are no pictures that can be read: train/cat/a.heic, "
        "train/dog/b, val/cat/c; HEIC is read with pip install 'easiness[heif]'",
    )
    assert data.ref().num_other_files == 3
    assert data.ref().other_files == ("train/cat/a.heic", "train/dog/b", "val/cat/c")
    for i in range(4):
        (root / f"train/cat/{i}").write_bytes(b"x")
    more = load_dataset(root)
    assert more.ref().num_other_files == 7
    assert more.ref().identity() == data.ref().identity()
    (note,) = more.notes
    assert note.startswith("7 files left out")
    assert "train/cat/3, train/cat/a.heic and 2 more; HEIC" in note


def test_a_file_that_is_left_out_may_have_any_name(folder):
    for name in (b"\xff.txt", b"\x1b[2J\n"):
        (folder / "cat" / os.fsdecode(name)).touch()
    data = load_dataset(folder)
    assert data.other_files == ("cat/\\udcff.txt", "cat/\\x1b[2J\\n")
    assert DatasetRef.model_validate_json(data.ref().model_dump_json()) == data.ref()
    assert data.notes[0].endswith(": cat/\\udcff.txt, cat/\\x1b[2J\\n")


def test_heic_is_a_picture_where_its_plugin_is_there(folder, picture):
    pytest.importorskip("pillow_heif")
    assert formats.reads_heif()
    picture(1, size=(64, 64)).save(folder / "cat/3.heic", quality=-1)
    data = load_dataset(folder)
    assert data.ids.tolist()[3] == "cat/3.heic"
    assert data.notes == ()
    assert data.values(np.array([3]))[0].shape == (64, 64, 3)


def as_split(folder: Path, name: str) -> Path:
    root = folder.parent / "with_splits"
    root.mkdir(exist_ok=True)
    folder.rename(root / name)
    return root


@pytest.mark.parametrize("held_out", ["test", "val", "valid", "validation"])
def test_held_out_may_lack_a_class(folder, picture, held_out):
    root = as_split(folder, "train")
    (root / held_out / "dog").mkdir(parents=True)
    picture(7).save(root / held_out / "dog/a.png")
    if held_out == "val":  # a test split without labels gives way
        (root / "test").mkdir()
        picture(1).save(root / "test/0.png")
    data = load_dataset(root)
    assert len(data.notes) == (held_out == "val")
    assert data.held_out is not None
    assert data.held_out.split == held_out
    assert data.held_out.ids.tolist() == [f"{held_out}/dog/a.png"]
    assert data.held_out.labels.tolist() == [1]
    assert data.held_out.classes == data.classes


@pytest.mark.parametrize("name", ["test", "val", "valid", "validation"])
def test_a_held_out_folder_of_images_alone_is_noted(folder, picture, name):
    root = as_split(folder, "train")
    (root / name).mkdir()
    assert load_dataset(root).notes == ()
    (root / name / "labels.txt").write_text("0.png cat")
    assert load_dataset(root).notes == ()
    picture(1).save(root / name / "0.png")
    data = load_dataset(root)
    assert data.held_out is None
    assert data.notes == (
        f"{root / name} holds images without class folders, so it is not used as a held-out split",
    )
    for other in (data.limit(4), load_dataset(root, limit=4), load_dataset(root, holdout=0.4)):
        assert other.notes == data.notes


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["train/cat/0.png", "train/stray.png"], r"train: holds both .*stray\.png"),
        (["test/cat/0.png", "test/dog/0.png"], "there is no train"),
        (["train/cat/0.png", "train/dog/0.png", "test/bird/0.png"], r"class 'bird' .*train"),
        (["0.png"], "no class folders"),
        (["cat/0.png", "dog/0.png", "emu/readme.txt"], "class 'emu' has no"),
    ],
)
def test_layouts_that_are_refused(tmp_path, picture, files, message):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("none yet")
        if name.endswith(".png"):
            picture(1).save(tmp_path / name)
    with pytest.raises(BadInput, match=message):
        load_dataset(tmp_path)


def test_classes_are_the_folders_own(folder):
    with pytest.raises(BadInput, match="class names of"):
        load_dataset(folder, classes=["a", "b"])


def test_grey_only_if_all_of_both_splits_are(folder, picture):
    for file in folder.rglob("*.png"):
        picture(1, mode="L").save(file)
    assert load_dataset(folder).traits.shape == (1, 4, 4)
    root = as_split(folder, "train")
    (root / "test/cat").mkdir(parents=True)
    picture(2, mode="LA").save(root / "test/cat/0.png")
    assert images_of(load_dataset(root)).shape == (6, 1, 4, 4)
    picture(2).save(root / "test/cat/1.png")
    data = load_dataset(root)
    assert data.traits.shape == (3, 4, 4)
    assert images_of(data).shape == (6, 3, 4, 4)
    assert (images_of(data)[:, 0] == images_of(data)[:, 2]).all()
    assert data.limit(2).traits.shape == (3, 4, 4)


def test_only_the_kept_images_are_decoded(folder):
    data = load_dataset(folder)
    kept = set(data.limit(2, seed=0).ids)
    for image in data.ids:
        if image not in kept:
            (folder / image).write_bytes(b"broken")
    assert images_of(load_dataset(folder, limit=2, seed=0)).shape == (2, 3, 4, 4)


def test_a_second_load_does_not_read_unchanged_files(folder):
    before = load_dataset(folder).fingerprint
    file = folder / "cat/0.png"
    status = file.stat()
    file.write_bytes(b"x" * status.st_size)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert load_dataset(folder).fingerprint == before
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert load_dataset(folder).fingerprint != before


def test_verdicts_are_remembered(folder, monkeypatch):
    (folder / "dog/1.png").write_bytes((folder / "dog/1.png").read_bytes()[:-30])
    (folder / "dog/2.png").write_bytes(b"")
    first = load_dataset(folder, skip_unreadable=True)
    assert first.num_unreadable == 2
    monkeypatch.setattr(file_blobs, "read_regular", lambda path, _: pytest.fail(f"{path} was read"))
    second = load_dataset(folder, skip_unreadable=True)
    assert second.ids.tolist() == first.ids.tolist()
    halves = load_dataset(folder, skip_unreadable=True, holdout=0.5)
    assert second.unreadable == halves.unreadable == ("dog/1.png", "dog/2.png")


@pytest.mark.parametrize("options", [{}, {"skip_unreadable": True}])
def test_an_interrupt_loses_little(folder, monkeypatch, options):
    original = file_blobs.read_regular  # type: ignore[attr-defined]

    def interrupted(path, most):
        if path.name == "2.png" and path.parent.name == "dog":
            raise KeyboardInterrupt
        return original(path, most)

    monkeypatch.setattr(file_blobs, "read_regular", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _ = load_dataset(folder, **options).fingerprint
    read = []
    monkeypatch.setattr(
        file_blobs, "read_regular", lambda path, most: read.append(path.name) or original(path, most)
    )
    if options:
        load_dataset(folder, **options)
    else:
        assert load_dataset(folder).stored.digests()
    assert read == ["2.png"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "an empty file"), (b"x", "not an image in a known format"), (None, "a decompression bomb")],
)
def test_headers_that_cannot_be_read_give_the_reason(folder, picture, monkeypatch, content, reason):
    def spoil(file):
        if content is None:
            picture(1, size=(6, 5)).save(file)
        else:
            file.write_bytes(content)

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    spoil(folder / "dog/1.png")
    with pytest.raises(BadInput, match=rf"dog/1\.png: .*{reason}"):
        load_dataset(folder).stored.sizes()
    for file in folder.rglob("*.png"):
        spoil(file)
    with pytest.raises(BadInput, match=rf"cat/0\.png: .*{reason}"):
        _ = load_dataset(folder).traits


def test_a_file_that_went_away_is_named(folder):
    data = load_dataset(folder)
    (folder / "dog/2.png").unlink()
    with pytest.raises(BadInput, match=r"dog/2\.png: .*No such file"):
        _ = data.fingerprint


WORDS = (
    *("sea snake", "Persian cat", "leaf beetle", "bow tie", "cradle"),
    *("woodworking plane", "strainer", "sundial", "washbasin", "butternut squash"),
)


def test_the_ten_classes_of_mini_imagenet(tmp_path, picture, monkeypatch):
    """In an ImageNet folder of eleven synsets, of which some are in ``val``."""
    for split, synsets in (("train", [*SYNSETS, "n01440764"]), ("val", list(SYNSETS)[1:])):
        for at, synset in enumerate(synsets):
            (tmp_path / split / synset).mkdir(parents=True)
            picture(at).save(tmp_path / split / synset / "a.JPEG")
    monkeypatch.chdir(tmp_path.parent)
    data = load_dataset(f"mini-imagenet:{tmp_path.name}")
    assert data.classes == WORDS
    assert list(SYNSETS) == sorted(SYNSETS)
    assert data.labels.tolist() == list(range(10))
    assert data.ids[1] == "train/n02123394/a.JPEG"
    assert data.source == f"mini-imagenet:{tmp_path}"
    assert data.name == "mini-imagenet"
    assert data.held_out is not None
    assert data.held_out.labels.tolist() == list(range(1, 10))


def test_folders_without_the_ten_classes(tmp_path):
    with pytest.raises(BadInput, match="mini-imagenet:: no folder"):
        load_dataset("mini-imagenet:")
    with pytest.raises(BadInput, match="no class folder n01751748, n02123394"):
        load_dataset(f"mini-imagenet:{tmp_path}")
    with pytest.raises(BadInput, match=r"nowhere: .*No such file"):
        load_dataset(f"mini-imagenet:{tmp_path / 'nowhere'}")
