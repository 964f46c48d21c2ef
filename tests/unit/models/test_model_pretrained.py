from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from easiness.errors import BadInput
from easiness.models import build_model, pretrained_file
from easiness.models.libraries import TORCHVISION, load_weights
from recording import Hostile

State = dict[str, Tensor]
SHAPE = (3, 32, 32)
# The smallest of torchvision's, and timm's smallest network and transformer.
SQUEEZENET, RESNET, VIT = "squeezenet1_1", "timm:test_resnet", "timm:test_vit.r160_in1k"


pytestmark = pytest.mark.usefixtures("hub")


def seeded(seed: int, name: str, *arguments: Any) -> nn.Module:
    torch.manual_seed(seed)
    return build_model(name, *arguments)


def trained(name: str, shape: tuple[int, int, int] = SHAPE) -> State:
    """The content of a file of weights for 1,000 classes."""
    return {key: value.contiguous() for key, value in seeded(7, name, shape, 1000).state_dict().items()}


def refused(match: str, name: str, path: Path) -> str:
    """The one line of a refusal of a file of weights, which it begins with."""
    with pytest.raises(BadInput, match=match) as caught:
        build_model(name, SHAPE, 10, path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def check_starts_from(state: State, path: Path, name: str, classifier: str) -> None:
    """All but the classifier are the file's; that and what is drawn next are as without a file."""
    net = seeded(3, name, SHAPE, 10, path)
    drawn = torch.rand(1)
    without = seeded(3, name, SHAPE, 10).state_dict()
    assert torch.equal(torch.rand(1), drawn)
    assert net.training
    for key, value in net.state_dict().items():
        assert torch.equal(value, (without if key.startswith(classifier) else state)[key]), key


def test_torchvision_takes_all_but_the_classifier_from_the_file(hub: Path) -> None:
    state = trained(SQUEEZENET)
    save_file(state, hub / "squeezenet1_1-b8a52dc0.safetensors")
    path = pretrained_file(SQUEEZENET)
    assert path == hub / "squeezenet1_1-b8a52dc0.safetensors"
    check_starts_from(state, path, SQUEEZENET, "classifier.1.")


def test_grey_images_start_from_the_weights_for_coloured_ones(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    for name in (SQUEEZENET, RESNET):
        state = trained(name)
        save_file(state, tmp_path / "w.safetensors")
        net = build_model(name, (1, 32, 32), 1000, tmp_path / "w.safetensors").state_dict()
        assert list(net) == [f"net.{key}" for key in state]
        assert all(torch.equal(net[f"net.{key}"], value) for key, value in state.items())


def test_auxiliary_outputs_in_a_file_are_ignored(tmp_path: Path) -> None:
    weights = {
        "conv1.conv.weight": torch.ones(2),
        "aux1.fc2.bias": torch.ones(2),
        "aux2.fc1.bias": torch.ones(2),
    }
    save_file(weights, tmp_path / "w.safetensors")
    assert list(TORCHVISION.weights("googlenet", tmp_path / "w.safetensors")) == ["conv1.conv.weight"]
    save_file({"AuxLogits.fc.bias": torch.ones(2)}, tmp_path / "w.safetensors")
    assert TORCHVISION.weights("inception_v3", tmp_path / "w.safetensors") == {}
    assert list(TORCHVISION.weights("resnet18", tmp_path / "w.safetensors")) == ["AuxLogits.fc.bias"]


def test_the_old_names_in_densenets_files_are_read(tmp_path: Path) -> None:
    with torch.device("meta"):
        today = TORCHVISION.net("densenet121", SHAPE, 1000).state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))", r"\1.", key): torch.ones(1) for key in today}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    save_file(old, tmp_path / "w.safetensors")
    assert set(TORCHVISION.weights("densenet121", tmp_path / "w.safetensors")) == set(today)


def test_a_file_from_before_batches_were_counted_is_read(tmp_path: Path) -> None:
    state = {key: value for key, value in trained("resnet18").items() if "num_batches" not in key}
    save_file(state, tmp_path / "w.safetensors")
    net = build_model("resnet18", SHAPE, 10, tmp_path / "w.safetensors").state_dict()
    assert torch.equal(net["bn1.weight"], state["bn1.weight"])
    assert net["bn1.num_batches_tracked"] == 0


def test_timm_takes_weights_from_the_hugging_face_cache(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    folder = tmp_path / "hf" / "models--timm--test_resnet.r160_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    state = trained(RESNET)
    path = folder / "snapshots" / "abc" / "model.safetensors"
    torch.save(state, path.with_name("pytorch_model.bin"))
    with pytest.raises(BadInput, match="not on this disk"):  # pickled
        pretrained_file(RESNET)
    save_file(state, path)
    assert pretrained_file(RESNET) == path
    check_starts_from(state, path, RESNET, "fc.")


def test_timm_resamples_the_embedding_of_positions(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    state = trained(VIT, (3, 160, 160))
    state["pos_embed"] = torch.full_like(state["pos_embed"], 0.25)
    save_file(state, tmp_path / "w.safetensors")
    net = build_model(VIT, SHAPE, 10, tmp_path / "w.safetensors").state_dict()
    assert net["pos_embed"].shape != state["pos_embed"].shape
    torch.testing.assert_close(net["pos_embed"], torch.full_like(net["pos_embed"], 0.25))
    assert torch.equal(net["patch_embed.proj.weight"], state["patch_embed.proj.weight"])


def test_timm_starts_from_a_file_without_a_classifier(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    name = "vit_tiny_patch16_224.augreg_in21k"
    state = timm.create_model(name, num_classes=0, img_size=32).state_dict()
    with pytest.MonkeyPatch.context() as patch:
        config = timm.models.get_pretrained_cfg(name)
        config.num_classes = 0
        patch.setattr("timm.models.get_pretrained_cfg", lambda _: config)
        save_file(state, tmp_path / "w.safetensors")
        check_starts_from(state, tmp_path / "w.safetensors", f"timm:{name}", "head.")


@pytest.mark.parametrize("name", ["resnet18", RESNET])
def test_a_file_that_is_not_there_is_named_with_how_to_get_it(name: str) -> None:
    if name == RESNET:
        pytest.importorskip("timm")
    with pytest.raises(BadInput, match=rf"model '{name}': .*pretrained_file\('{name}', download=True\)"):
        pretrained_file(name)


@pytest.mark.parametrize("name", ["mlp_3", "wrn_16_4", "package.module:make"])
def test_other_models_have_no_weights(name: str, tmp_path: Path) -> None:
    for use in (pretrained_file, lambda name: build_model(name, SHAPE, 10, tmp_path / "w.safetensors")):
        with pytest.raises(BadInput, match=f"'{name}': has no pretrained"):
            use(name)
    with pytest.raises(BadInput, match="mean resnet18"):
        pretrained_file("resnet-18")


def without(state: State, key: str) -> State:
    return {other: value for other, value in state.items() if other != key}


@pytest.mark.parametrize("name", ["resnet18", RESNET])
@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda state: without(state, "layer1.0.bn1.bias"), "layer1.0.bn1.bias"),
        (lambda state: {**state, "extra.weight": torch.ones(1)}, "extra.weight"),
        (lambda state: {**state, "bn1.weight": torch.ones(5)}, "bn1.weight"),
        (lambda state: {**state, "bn1.weight": torch.ones(())}, "bn1.weight"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_the_first_tensor(name, change, key, tmp_path):
    if name == RESNET:
        pytest.importorskip("timm")
    path = tmp_path / "w.safetensors"
    save_file(change(trained(name)), path)
    refused(f": these weights.*{re.escape(key)}", name, path)


def test_a_hidden_layer_as_wide_as_the_classes_is_not_taken_for_the_classifier(tmp_path: Path) -> None:
    ours = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 4))
    theirs = nn.Sequential(nn.Linear(2, 6), nn.Linear(6, 4)).state_dict()
    with pytest.raises(BadInput, match=r"1\.weight: .*\[4, 6\].*\[4, 4\]"):
        load_weights(ours, theirs, 4, tmp_path / "w.safetensors")


def test_what_torchvision_has_downloaded_is_converted(hub: Path) -> None:
    state = trained(SQUEEZENET)
    torch.save(state, hub / "squeezenet1_1-b8a52dc0.pth")
    with pytest.raises(BadInput, match="not on this disk"):
        pretrained_file(SQUEEZENET)
    check_starts_from(state, pretrained_file(SQUEEZENET, download=True), SQUEEZENET, "classifier.1.")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_nothing_in_a_hostile_file_of_weights_runs(suffix: str, tmp_path: Path) -> None:
    path, proof = tmp_path / f"w{suffix}", tmp_path / "proof"
    torch.save({"fc.bias": Hostile(proof)}, path)
    refused(r"cannot be read|may be pickled", "resnet18", path)
    assert not proof.exists()
    torch.load(io.BytesIO(path.read_bytes()), weights_only=False)
    assert proof.exists()  # it would have


@pytest.mark.parametrize(
    "content",
    [b"", b"no weights", (2**62).to_bytes(8, "little") + b"{}", (99_000_000).to_bytes(8, "little") + b"{}"],
)
def test_a_file_of_something_else_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    refused("cannot be read", "resnet18", path)
    refused("the weights", "resnet18", tmp_path / "none.safetensors")


def test_only_one_or_three_channels_start_from_weights(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    with pytest.raises(BadInput, match="images of 1 or 3 channels"):
        build_model(RESNET, (4, 32, 32), 10, tmp_path / "w.safetensors")
