"""Networks for sounds of `transformers`, saved in folders: small ones with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from easiness.data import Dataset, load_dataset
from easiness.errors import BadInput
from easiness.features import find_features
from sounds import tone

transformers = pytest.importorskip("transformers")

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
SOUNDS = [tone(200), tone(400, 0.2), tone(300, 1.0), tone(900)]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset((SOUNDS, [0, 1, 0, 1]), rate=8000)


def wav2vec2() -> Any:
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        conv_dim=(8, 8),
        conv_stride=(8, 8),
        conv_kernel=(10, 8),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        **SMALL,
    )
    return transformers.Wav2Vec2Model(config).eval()


def saved(folder: Path, net: Any, extractor: Any) -> Path:
    net.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved(tmp_path / "wav2vec2", wav2vec2(), transformers.Wav2Vec2FeatureExtractor())


def heard(sound: np.ndarray) -> torch.Tensor:
    """At 16 kHz, less the mean, by the standard deviation: as the extractor has it."""
    samples = resample_poly(sound.astype(np.float64), 2, 1)
    return torch.from_numpy((samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)).float()[None]


def test_a_vector_is_the_mean_over_time(data: Dataset, folder: Path) -> None:
    source = find_features(f"hf:{folder}", data)
    made = source.vectors(data, np.arange(4))
    net = wav2vec2()
    for sound, vector in zip(SOUNDS, made, strict=True):
        with torch.no_grad():
            expected = net(input_values=heard(sound)).last_hidden_state[0].mean(dim=0)
        np.testing.assert_allclose(vector, expected, atol=1e-4)
    assert "may have seen these very sounds" in source.about


def test_a_vector_is_the_same_whatever_is_beside_it(data: Dataset, folder: Path) -> None:
    source = find_features(f"hf:{folder}", data)
    made = source.vectors(data, np.arange(4))
    assert np.array_equal(source.vectors(data, np.array([1, 3])), made[[1, 3]])


def test_of_a_window_what_is_sound_is_averaged(data: Dataset, tmp_path: Path) -> None:
    """Whisper's encoder always gets a whole window; here of 2 seconds, 200 frames, of which it makes 100."""
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        vocab_size=8,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        num_mel_bins=20,
        max_source_positions=100,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    net = transformers.WhisperModel(config).eval()
    extractor = transformers.WhisperFeatureExtractor(feature_size=20, chunk_length=2)
    made = find_features(f"hf:{saved(tmp_path / 'whisper', net, extractor)}", data).vectors(
        data, np.arange(3)
    )
    for sound, num, vector in zip(SOUNDS[:3], (25, 10, 50), made, strict=True):
        samples = resample_poly(sound.astype(np.float64), 2, 1).astype(np.float32)
        seen = extractor(samples, sampling_rate=16000, return_tensors="pt").input_features
        with torch.no_grad():
            hidden = net.get_encoder()(input_features=seen).last_hidden_state
        np.testing.assert_allclose(vector, hidden[0, :num].mean(dim=0), atol=1e-4)


def test_pooled_output_is_taken_where_there_is_one(data: Dataset, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = transformers.ASTConfig(
        max_length=32, num_mel_bins=16, patch_size=8, frequency_stride=8, time_stride=8, **SMALL
    )
    net = transformers.ASTModel(config).eval()
    extractor = transformers.ASTFeatureExtractor(max_length=32, num_mel_bins=16)
    made = find_features(f"hf:{saved(tmp_path / 'ast', net, extractor)}", data).vectors(data, np.arange(1))
    samples = resample_poly(SOUNDS[0].astype(np.float64), 2, 1).astype(np.float32)
    seen = extractor(samples, sampling_rate=16000, return_tensors="pt").input_values
    with torch.no_grad():
        np.testing.assert_allclose(made, net(input_values=seen).pooler_output, atol=1e-3)


def test_weights_and_extractor_make_the_identity(data: Dataset, folder: Path, tmp_path: Path) -> None:
    source = find_features(f"hf:{folder}", data)
    moved = folder.rename(tmp_path / "moved")
    assert find_features(f"hf:{moved}", data).identity == source.identity
    file = moved / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"do_normalize": False}))
    assert find_features(f"hf:{moved}", data).identity != source.identity


def refused(given: Any, data: Dataset, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        find_features(given, data).vectors(data, np.arange(len(data)))
    assert "\n" not in str(caught.value)


def test_what_takes_no_sounds_is_refused(data: Dataset, tmp_path: Path) -> None:
    net = transformers.BertModel(transformers.BertConfig(vocab_size=20, **SMALL))
    net.save_pretrained(tmp_path / "bert")
    refused(
        f"hf:{tmp_path / 'bert'}", data, "a bert takes input_ids and no sounds; give a network for sounds"
    )


def test_what_is_not_whole_is_refused(data: Dataset, folder: Path) -> None:
    file = folder / "preprocessor_config.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"sampling_rate": 0}))
    refused(f"hf:{folder}", data, "the folder cannot be read .*at a rate of 0 .*; save the model there again")
    file.unlink()
    refused(f"hf:{folder}", data, "the folder cannot be read .*; save the model there again")


def test_a_sound_that_is_too_short_is_refused(folder: Path) -> None:
    short = load_dataset(([tone(200), tone(200, 0.004)], [0, 1]), rate=8000)
    refused(f"hf:{folder}", short, r"the network cannot take a sound \(.*\); give another")


def test_a_function_may_ask_for_the_rate(data: Dataset) -> None:
    def seconds(sounds: list[np.ndarray], rate: int) -> np.ndarray:
        assert all(sound.dtype == np.float32 and sound.ndim == 1 for sound in sounds)
        return np.array([[len(sound) / rate] for sound in sounds])

    made = find_features(seconds, data).vectors(data, np.arange(4))
    np.testing.assert_allclose(made[:, 0], [0.5, 0.2, 1.0, 0.5])
    lengths = find_features(lambda sounds: [[len(one)] for one in sounds], data)
    assert lengths.vectors(data, np.array([1])).tolist() == [[1600]]
