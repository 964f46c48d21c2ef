"""Vectors that frozen networks make of pictures: what they see, and where their weights are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput, RunFailed
from easiness.features import Request, find_features, ready_features
from easiness.features.frozen import FrozenNetwork, PicturePreparation, fold_normalizations, packaged_weights

LITE = "timm:tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits", limit=12)


def test_small_pictures_are_seen_whole_and_photos_in_their_middle() -> None:
    preparation = PicturePreparation(size=(8, 8), mean=(0,) * 3, std=(1,) * 3, crop=0.5)
    small = np.zeros((4, 4, 1), np.uint8)
    small[:2] = 255  # the upper half
    made = preparation.prepare(small)
    assert made.shape == (3, 8, 8)
    assert (made[:, 0] == 255).all()
    assert (made[:, -1] == 0).all()
    photo = np.zeros((32, 64, 3), np.uint8)
    photo[8:24, 24:40] = (10, 20, 30)  # half of the short side, in the middle
    made = preparation.prepare(photo)
    np.testing.assert_array_equal(made[:, 1:-1, 1:-1], np.full((3, 6, 6), [[[10]], [[20]], [[30]]]))
    as_it_is = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    np.testing.assert_array_equal(preparation.prepare(as_it_is), as_it_is.transpose(2, 0, 1))


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.Conv2d(8, 5, 3)
        self.norm.running_mean.normal_()  # type: ignore[union-attr]
        self.norm.running_var.uniform_(1, 2)  # type: ignore[union-attr]

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.last(self.norm(self.first(pictures)).relu())


class Other(Small):
    """Whose normalization does not follow the convolution before it."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.last(self.norm(self.first(pictures).relu()))


def test_folding_changes_nothing() -> None:
    pictures = torch.randn(4, 3, 12, 12)
    net = Small().eval()
    made = fold_normalizations(net, (3, 12, 12))
    assert isinstance(made.norm, nn.Identity)
    torch.testing.assert_close(made(pictures), net(pictures), rtol=1e-4, atol=1e-5)
    assert isinstance(net.norm, nn.BatchNorm2d)
    other = Other().eval()
    assert fold_normalizations(other, (3, 12, 12)) is other


SEEN = PicturePreparation(size=(12, 12), mean=(0.5,) * 3, std=(0.5, 0.25, 0.5))


def test_a_vector_is_the_mean_over_the_picture_whatever_is_beside_it(data: Dataset) -> None:
    network = FrozenNetwork("small", Small, SEEN, Request("small", data))
    together = np.concatenate(list(network.read(data, np.arange(12))))
    alone = np.concatenate(list(network.read(data, np.array([7]))))
    np.testing.assert_array_equal(together[7:8], alone)
    seen = np.stack([SEEN.prepare(one) for one in data.values(np.arange(12))])
    normalized = (torch.from_numpy(seen) / 255 - 0.5) / torch.tensor([0.5, 0.25, 0.5])[:, None, None]
    with torch.no_grad():
        expected = Small().eval()(normalized).mean(dim=(2, 3))
    np.testing.assert_allclose(together, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("build", "problem"),
    [
        (lambda: nn.Flatten(2), r"gives torch.float32 \(1, 3, 144\) and no vector"),
        (lambda: nn.Conv2d(4, 1, 1), r"cannot take pictures of 12 x 12 pixels \(RuntimeError"),
    ],
)
def test_a_network_that_makes_no_vectors_is_refused(data: Dataset, build: Any, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        list(FrozenNetwork("odd", build, SEEN, Request("odd", data)).read(data, np.arange(12)))


needs_package = pytest.mark.skipif(packaged_weights() is None, reason="the package of weights is missing")


@needs_package
def test_auto_is_the_network_that_comes_as_a_package(data: Dataset, tmp_path: Path) -> None:
    source, named = find_features("auto", data), find_features(LITE, data)
    random = torch.get_rng_state()
    assert (source.name, source.identity) == (LITE, named.identity)
    assert "ImageNet" in source.about
    made = ready_features(source, data, tmp_path)["train"]
    assert made.shape == (12, 1280)
    assert torch.equal(torch.get_rng_state(), random)
    assert len(np.unique(made[:, :50].astype(np.float32), axis=0)) == 12
    np.testing.assert_array_equal(ready_features(named, data, tmp_path)["train"], made)


@needs_package
def test_other_weights_under_the_name_of_the_package_are_not_loaded(data, tmp_path, monkeypatch):
    (tmp_path / "other.pth").write_bytes(b"whatever")
    monkeypatch.setattr("easiness.features.frozen.packaged_weights", lambda: tmp_path / "other.pth")
    with pytest.raises(BadInput, match="not the file of weights that is known; install efficientnet-lite0"):
        find_features("auto", data).vectors(data, np.arange(1))


def test_weights_that_are_not_here_are_named_with_both_ways(data, hub, monkeypatch):
    assert hub.is_dir()
    monkeypatch.setattr("easiness.features.frozen.packaged_weights", lambda: None)
    for name in (LITE, "timm:test_resnet", "torchvision:squeezenet1_1"):
        with pytest.raises(BadInput, match=r"--download, or .*easiness\[features\]' and give") as caught:
            find_features(name, data)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match=r"run pip install 'easiness\[features"):
        find_features("auto", data)


def test_weights_on_disk_are_found(data: Dataset, hub: Path) -> None:
    from torchvision.models import squeezenet1_1

    torch.manual_seed(1)
    net = squeezenet1_1(num_classes=1000).eval()
    save_file(net.state_dict(), hub / "squeezenet1_1-b8a52dc0.safetensors")
    source = find_features("torchvision:squeezenet1_1", data)
    made = source.vectors(data, np.arange(3))
    assert made.shape == (3, 512)
    steps = PicturePreparation(
        (224, 224), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 224 / 256, "bilinear"
    )
    factor, offset = steps.normalizing()
    seen = np.stack([steps.prepare(one) for one in data.values(np.arange(3))]) * factor + offset
    with torch.no_grad():
        expected = net.features(torch.from_numpy(seen)).relu().mean(dim=(2, 3))
    np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-4)


def test_downloads_go_through_the_libraries(data, hub, monkeypatch):
    def fetched(repository: str, file: str, revision: str | None = None) -> str:
        folder = hub.parents[2] / "hf" / f"models--{repository.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text("1")
        (folder / "snapshots" / "1").mkdir(parents=True)
        state = timm.create_model("test_resnet", num_classes=1000).state_dict()
        save_file(state, folder / "snapshots" / "1" / file)
        assert revision is None
        return str(folder)

    def failing(*_: object, **__: object) -> str:
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", failing)
    with pytest.raises(RunFailed, match=r"weights cannot be downloaded \(OSError: no route to host"):
        find_features("timm:test_resnet", data, download=True)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetched)
    source = find_features("timm:test_resnet", data, download=True)
    assert source.vectors(data, np.arange(2)).ndim == 2


@pytest.mark.long
@needs_package
@pytest.mark.shared_data
def test_photos_of_imagenet_are_recognized() -> None:
    """With the classifier that is left out, as many are named right as its authors say."""
    root = Path(os.environ.get("EASINESS_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (root / "imagenette224").is_dir():
        pytest.skip("the photos are not there")
    photos = load_dataset(root / "imagenette224" / "val", limit=50)
    made = find_features("auto", photos).vectors(photos, np.arange(50))
    path = packaged_weights()
    assert path is not None
    weights = torch.load(path, weights_only=True)
    logits = made @ weights["_fc.weight"].numpy().T + weights["_fc.bias"].numpy()
    classes = np.array([0, 217, 482, 491, 497, 566, 569, 571, 574, 701])
    assert (logits.argmax(axis=1) == classes[photos.labels]).mean() > 0.6
    assert (logits[:, classes].argmax(axis=1) == photos.labels).mean() > 0.94
