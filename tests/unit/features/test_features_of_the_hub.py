"""Networks of `transformers`, saved in folders: small ones with random weights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput, RunFailed
from easiness.features import find_features

transformers = pytest.importorskip("transformers")

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits", limit=10)


def saved(folder: Path, model: Any, processor: dict[str, Any] | None = None) -> Path:
    model.save_pretrained(folder)
    if processor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def vit(**options: Any) -> Any:
    torch.manual_seed(0)
    config = transformers.ViTConfig(image_size=16, patch_size=8, **SMALL)
    return transformers.ViTModel(config, **options).eval()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    processor = {"size": {"height": 16, "width": 16}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    return saved(tmp_path / "vit", vit(), {**processor, "resample": 2})


def input_of(data: Dataset) -> torch.Tensor:
    """Digits at 16 x 16, by Pillow."""
    from PIL import Image

    seen = []
    for one in data.values(np.arange(len(data))):
        large = Image.fromarray(one[..., 0]).resize((16, 16), Image.Resampling.BILINEAR)
        seen.append(np.broadcast_to(np.asarray(large, np.float32) / 255, (3, 16, 16)))
    return torch.from_numpy((np.stack(seen) - 0.5) / 0.25)


def test_a_folder_gives_the_pooled_output(data: Dataset, folder: Path) -> None:
    source = find_features(f"hf:{folder}", data)
    made = source.vectors(data, np.arange(10))
    with torch.no_grad():
        expected = vit()(pixel_values=input_of(data)).pooler_output
    np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-5)
    assert source.name == f"hf:{folder}"
    assert "may have seen these very pictures" in source.about


def test_without_a_pooler_it_is_the_mean_of_the_last_layer(
    data: Dataset, folder: Path, tmp_path: Path
) -> None:
    processor = json.loads((folder / "preprocessor_config.json").read_text())
    net = vit(add_pooling_layer=False)
    other = saved(tmp_path / "other", net, processor)
    made = find_features(f"hf:{other}", data).vectors(data, np.arange(10))
    with torch.no_grad():
        expected = net(pixel_values=input_of(data)).last_hidden_state.mean(dim=1)
    np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-5)


def test_weights_and_preparation_make_the_identity(data: Dataset, folder: Path, tmp_path: Path) -> None:
    source = find_features(f"hf:{folder}", data)
    moved = folder.rename(tmp_path / "moved")
    assert find_features(f"hf:{moved}", data).identity == source.identity
    file = moved / "preprocessor_config.json"
    file.write_text(file.read_text().replace("0.25", "0.5"))
    assert find_features(f"hf:{moved}", data).identity != source.identity
    for far in ("1e308", "1e-45", "-1"):
        file.write_text(re.sub(r'("image_std": \[)[^,]*', rf"\g<1>{far}", file.read_text()))
        with pytest.raises(BadInput, match="deviations of"):
            find_features(f"hf:{moved}", data)


@pytest.mark.parametrize(
    "layers",
    [
        {"num_hidden_layers": 10**9},
        {"decoder_layers": 10**9},
        {"depths": [1, 10**9 - 1]},
        {"text_config": {"n_layer": 10**9}},
    ],
    ids=str,
)
def test_layers_without_end_are_not_built(
    data: Dataset, folder: Path, tmp_path: Path, layers: dict[str, object]
) -> None:
    config = folder.rename(tmp_path / "deep") / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **layers}))
    with pytest.raises(BadInput, match="asks for 1,000,000,000 layers"):
        find_features(f"hf:{config.parent}", data).vectors(data, np.arange(2))


def test_parts_without_end_are_not_built(
    data: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a config calls their number."""
    monkeypatch.setattr("easiness.features.hub.files._MOST_PARTS", 10)
    with pytest.raises(BadInput, match="has more than 10 parts; give a smaller one"):
        find_features(f"hf:{folder}", data).vectors(data, np.arange(2))


def test_a_class_of_layers_or_players_is_no_layer(data: Dataset, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    named = {"label2id": {"layer": 9000, "football player": 9001}, "vocab_size_per_layer_input": 262_144}
    (folder / "config.json").write_text(json.dumps({**config, **named}))
    assert len(find_features(f"hf:{folder}", data).vectors(data, np.arange(2))) == 2


def test_a_config_of_more_than_the_memory_holds_is_refused(
    data: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 20, "hidden_size": 2048}))
    monkeypatch.setattr("easiness.gate.available_memory", lambda: 2**30)
    source = find_features(f"hf:{folder}", data)
    with pytest.raises(
        BadInput, match=r"as its config says needs \d+\.\d GiB, more than a third of the memory"
    ):
        source.vectors(data, np.arange(10))


def test_a_weight_of_another_shape_is_named(data: Dataset, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 24}))
    with pytest.raises(
        BadInput, match=r"(mlp|intermediate)\S* has another shape in its weights than its config says"
    ):
        find_features(f"hf:{folder}", data).vectors(data, np.arange(10))


def test_weights_in_several_files_are_read(data: Dataset, folder: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    vit().save_pretrained(parts, max_shard_size="4KB")
    (parts / "preprocessor_config.json").write_bytes((folder / "preprocessor_config.json").read_bytes())
    assert not (parts / "model.safetensors").exists()
    source = find_features(f"hf:{parts}", data)
    whole = find_features(f"hf:{folder}", data)
    some = np.arange(3)
    np.testing.assert_allclose(source.vectors(data, some), whole.vectors(data, some), atol=1e-6)


def refused(given: str, data: Dataset, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        find_features(given, data).vectors(data, np.arange(len(data)))
    assert "\n" not in str(caught.value)


def test_what_takes_no_pictures_is_refused(data: Dataset, tmp_path: Path) -> None:
    text = transformers.BertModel(transformers.BertConfig(vocab_size=20, **SMALL))
    saved(tmp_path / "text", text)
    refused(
        f"hf:{tmp_path / 'text'}", data, "a bert takes input_ids and no pictures; give a network for pictures"
    )


def test_what_is_not_whole_is_refused(data: Dataset, folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:500])
    refused(f"hf:{folder}", data, "the folder cannot be read .*; save the model there again")
    weights.unlink()
    refused(f"hf:{folder}", data, "no model.safetensors.*; save the model there again")
    torch.save({}, folder / "pytorch_model.bin")
    refused(f"hf:{folder}", data, "its weights are pickled and are not read; save them with save_pretrained")
    (folder / "config.json").write_text("{")
    refused(f"hf:{folder}", data, "the folder cannot be read .*; save the model there again")


def test_weights_of_other_layers_are_refused(data: Dataset, folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = folder / "model.safetensors"
    state = load_file(weights)
    del state["layernorm.weight"]
    save_file(state, weights, {"format": "pt"})
    refused(f"hf:{folder}", data, "its weights lack layernorm.weight; give a network whose weights are whole")


def test_nothing_is_fetched_unless_it_is_asked_for(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **options: object) -> None:
        assert options["local_files_only"] is False
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    refused("hf:somebody/small", data, r"fetch it with --download, or .*easiness\[features\]' and give auto")
    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", failing)
    with pytest.raises(RunFailed, match=r"it cannot be fetched \(OSError: no route to host\)"):
        find_features("hf:somebody/small", data, download=True)
