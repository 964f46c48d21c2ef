from __future__ import annotations

import pytest

from easiness.data import load_dataset
from easiness.data.sources.folders import SYNSETS
from easiness.errors import BadInput

WORDS = (
    *("sea snake", "Persian cat", "leaf beetle", "bow tie", "cradle"),
    *("woodworking plane", "strainer", "sundial", "washbasin", "butternut squash"),
)


@pytest.fixture
def imagenet(tmp_path, picture):
    """An ImageNet folder of two photos in each of eleven synsets, and some of them in ``val``."""
    root = tmp_path / "imagenet"
    for split, synsets in (("train", [*SYNSETS, "n01440764"]), ("val", list(SYNSETS)[1:])):
        for at, synset in enumerate(synsets):
            (root / split / synset).mkdir(parents=True)
            for i in range(2):
                picture(2 * at + i).save(root / split / synset / f"{synset}_{i}.JPEG")
    return root


def test_the_ten_classes(imagenet):
    data = load_dataset(f"mini-imagenet:{imagenet}")
    assert data.classes == WORDS
    assert list(SYNSETS) == sorted(SYNSETS)
    assert data.labels.tolist() == [label for label in range(10) for _ in range(2)]
    assert data.ids[:3].tolist() == [
        "train/n01751748/n01751748_0.JPEG",
        "train/n01751748/n01751748_1.JPEG",
        "train/n02123394/n02123394_0.JPEG",
    ]
    assert data.source == f"mini-imagenet:{imagenet}"
    assert data.name == "mini-imagenet"
    assert data.held_out is not None
    assert data.held_out.labels.tolist() == [label for label in range(1, 10) for _ in range(2)]
    assert load_dataset(data.source).fingerprint == data.fingerprint


def test_synset_folders_without_a_split(imagenet, monkeypatch):
    monkeypatch.chdir(imagenet)
    data = load_dataset("mini-imagenet:train")
    assert data.ids[0] == "n01751748/n01751748_0.JPEG"
    assert data.held_out is None
    assert data.source == f"mini-imagenet:{imagenet / 'train'}"


def test_a_flat_validation_folder_is_passed_over(imagenet, tmp_path):
    (imagenet / "val").rename(tmp_path / "sorted")
    (imagenet / "val").mkdir()
    next((tmp_path / "sorted").rglob("*.JPEG")).rename(imagenet / "val/ILSVRC2012_val_00000001.JPEG")
    data = load_dataset(f"mini-imagenet:{imagenet}")
    assert data.held_out is None
    assert data.notes == (
        f"{imagenet / 'val'} holds images without class folders, so it is not used as a held-out split",
    )


def test_missing_classes_are_named(imagenet, tmp_path):
    for synset in ("n04553703", "n02883205"):
        (imagenet / "train" / synset).rename(tmp_path / synset)
    with pytest.raises(BadInput, match="folder n02883205, n04553703"):
        load_dataset(f"mini-imagenet:{imagenet}")


def test_other_folders(tmp_path):
    with pytest.raises(BadInput, match="mini-imagenet:: no folder"):
        load_dataset("mini-imagenet:")
    with pytest.raises(BadInput, match="no class folder n01751748, n02123394"):
        load_dataset(f"mini-imagenet:{tmp_path}")
    with pytest.raises(BadInput, match=r"nowhere: .*No such file"):
        load_dataset(f"mini-imagenet:{tmp_path / 'nowhere'}")
