"""torchvision's readers on small data sets written in their real formats."""

from __future__ import annotations

import hashlib
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from easiness.data import load_dataset
from easiness.data.sources.torch_dataset import SETS, class_of
from easiness.errors import BadInput, RunFailed
from pixels import images_of


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def cifar100(tmp_path, monkeypatch):
    """200 training and 100 test pictures in the files of CIFAR-100, with checksums that torchvision takes."""
    folder = tmp_path / "root/cifar-100-python"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    content = {
        name: {
            "data": random.integers(0, 256, (num, 3072), dtype=np.uint8),
            "fine_labels": [i % 100 for i in range(num)],
            "coarse_labels": [i % 20 for i in range(num)],
        }
        for name, num in (("train", 200), ("test", 100))
    }
    content["meta"] = {"fine_label_names": [f"thing {i}" for i in range(100)]}
    for name, value in content.items():
        (folder / name).write_bytes(pickle.dumps(value))
    reader = torchvision.datasets.CIFAR100
    monkeypatch.setattr(reader, "train_list", [["train", md5(folder / "train")]])
    monkeypatch.setattr(reader, "test_list", [["test", md5(folder / "test")]])
    monkeypatch.setattr(reader, "meta", {**reader.meta, "md5": md5(folder / "meta")})
    return tmp_path / "root", content


def test_cifar100(cifar100):
    root, content = cifar100
    data = load_dataset("cifar100", data_root=root)
    assert len(data) == 200
    assert data.held_out is not None
    assert len(data.held_out) == 100
    assert data.held_out.split == "test"
    assert data.classes[99] == "thing 99"
    assert data.labels.tolist() == content["train"]["fine_labels"]
    assert data.ids.tolist() == list(range(200))
    assert (images_of(data).numpy() == content["train"]["data"].reshape(-1, 3, 32, 32)).all()
    assert (images_of(data.held_out).numpy() == content["test"]["data"].reshape(-1, 3, 32, 32)).all()
    assert data.recipe_defaults == {}
    assert (data.source, data.load_options.data_root) == ("cifar100", str(root))


def test_a_changed_file_is_not_unpickled(cifar100):
    root, _ = cifar100
    (root / "cifar-100-python/train").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(BadInput, match=r"root: .*no cifar100.*--download"):
        load_dataset("cifar100", data_root=root)


def test_mnist_is_grey_and_never_mirrored(tmp_path):
    folder = tmp_path / "MNIST/raw"
    folder.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    for name in ("train", "t10k"):
        header = struct.pack(">IIII", 0x803, 20, 28, 28)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        labels = bytes(i % 10 for i in range(20))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 20) + labels)
    data = load_dataset("mnist", data_root=tmp_path)
    assert data.traits.shape == (1, 28, 28)
    assert (images_of(data)[:, 0].numpy() == images).all()
    assert data.classes[3] == "3 - three"
    assert data.recipe_defaults == {"flip": 0.0}
    assert data.limit(10).recipe_defaults == {"flip": 0.0}
    assert data.held_out is not None
    assert data.held_out.labels.tolist() == [i % 10 for i in range(20)]


def test_fields_of_the_table_are_torchvisions():
    assert all(issubclass(class_of(name), torch.utils.data.Dataset) for name in SETS)


def test_a_root_is_needed_unless_something_has_that_name(tmp_path, folder, monkeypatch):
    with pytest.raises(BadInput, match=r"cifar10: .*torchvision.*--data-root"):
        load_dataset("cifar10")
    monkeypatch.chdir(folder.parent)
    folder.rename("cifar10")
    assert load_dataset("cifar10").classes == ("cat", "dog")
    with pytest.raises(BadInput, match="finds no cifar10"):
        load_dataset("cifar10", data_root=tmp_path)


@pytest.mark.parametrize("name", sorted(set(SETS) - {"pcam"}))  # which needs a library first
def test_roots_without_the_data(tmp_path, name):
    with pytest.raises(BadInput, match=rf"finds no {name} there \(.+\).*--data-root") as caught:
        load_dataset(name, data_root=tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ("--download" in str(caught.value)) == SETS[name].downloads


def test_a_root_that_does_not_exist_is_not_made(tmp_path):
    with pytest.raises(BadInput, match="nowhere: no such folder"):
        load_dataset("caltech101", data_root=tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_imagenet_cannot_be_downloaded(tmp_path):
    with pytest.raises(BadInput, match=r"imagenet: .*cannot download"):
        load_dataset("imagenet", data_root=tmp_path, download=True)


def test_a_download_that_fails(tmp_path, monkeypatch):
    def fail(_):
        raise OSError("no route\nto host")

    monkeypatch.setattr(torchvision.datasets.CIFAR100, "download", fail)
    with pytest.raises(RunFailed, match=r"cifar100: .*downloaded .*no route"):
        load_dataset("cifar100", data_root=tmp_path / "new", download=True)
