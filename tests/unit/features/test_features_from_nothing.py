"""Vectors from nothing: of texts by hashed words, of sounds by statistics of their log-mel pictures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easiness.data import Dataset, load_dataset
from easiness.features import changed_vectors, find_features, kept_features
from easiness.features.from_nothing import SETTINGS, HashedTexts, statistics
from easiness.inputs import log_mel
from sounds import tone

TEXTS = [
    "who wrote the book ?",
    "who wrote the song ?",
    "where is the river ?",
    "where is the lake ?",
    "when was the war ?",
    "when was the peace ?",
]
LABELS = np.array([0, 0, 1, 1, 2, 2])


def of(texts: list[str]) -> Dataset:
    return load_dataset((texts, LABELS[: len(texts)]))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return of(TEXTS)


@pytest.fixture(autouse=True)
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easiness.features.registry.packaged_encoder", lambda: None)


def everything(data: Dataset) -> np.ndarray:
    return np.arange(len(data))


def test_texts_that_share_words_are_near(data: Dataset) -> None:
    source = find_features("hashed", data)
    made = source.vectors(data, everything(data))
    assert made.dtype == np.float32
    again = find_features("hashed", of(TEXTS))  # the same bits, and in parts
    np.testing.assert_array_equal(
        made, np.concatenate([again.vectors(data, np.array([at])) for at in range(6)])
    )
    assert made.shape == (6, 6)  # no more directions than texts
    nearest = (made @ made.T - 10 * np.eye(6)).argmax(axis=1)
    assert nearest.tolist() == [1, 0, 3, 2, 5, 4]
    assert source.name == "hashed"


@pytest.fixture
def one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """No word of the tests has nine characters: each is one column of characters too."""
    for name in ("words", "characters"):
        monkeypatch.setitem(SETTINGS, name, (1, 1) if name == "words" else (9, 9))


@pytest.mark.usefixtures("one_word")
def test_products_are_those_of_tf_idf() -> None:
    stored = load_dataset((["a b", "a c"], [0, 1])).stored
    hashed = HashedTexts.fit(stored)
    # "a" is in both; the others are in one text alone, and left out: words 2 times 1, characters 1
    made = hashed.vectors(["a b", "a c", "a a a", "b"])
    np.testing.assert_allclose(made @ made.T, np.outer([1, 1, 1, 0], [5, 5, 5, 0]), atol=1e-5)


@pytest.mark.usefixtures("one_word")
def test_rare_words_weigh_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETTINGS, "word_weight", 1.0)
    stored = load_dataset((["a b", "a b", "a c", "a c"], [0, 0, 1, 1])).stored
    hashed = HashedTexts.fit(stored)
    idf = math.log(5 / 3) + 1
    values = np.sort(hashed.weigh(["a b"]).data)
    np.testing.assert_allclose(values, np.repeat([1, idf], 2) / math.hypot(1, idf), rtol=1e-6)
    thrice = np.sort(hashed.weigh(["a b b b"]).data)
    idf *= 1 + math.log(3)
    np.testing.assert_allclose(thrice, np.repeat([1, idf], 2) / math.hypot(1, idf), rtol=1e-6)
    assert not hashed.weigh(["d"]).data.any()


def test_only_training_texts_are_fitted_on() -> None:
    held_out = (["who sang ?", "where is it ?"], np.array([0, 1]))
    both = load_dataset((TEXTS, LABELS), held_out=held_out)
    alone = find_features("hashed", of(TEXTS))
    source = find_features("hashed", both)
    assert source.identity == alone.identity
    assert both.held_out is not None
    np.testing.assert_array_equal(
        source.vectors(both.held_out, np.arange(2)), alone.vectors(both.held_out, np.arange(2))
    )
    assert find_features("hashed", of(TEXTS[:4])).identity != alone.identity


def test_vectors_of_changed_texts_are_rounded_as_those_that_are_kept(data: Dataset, tmp_path: Path) -> None:
    source = find_features("hashed", data)
    kept = kept_features(source, data, tmp_path)["train"]

    def same(texts: Any, *, ids: Any = None) -> Any:
        assert len(ids) == len(texts)
        return texts

    (made,) = next(changed_vectors([source], [kept.exponent], data, same))
    np.testing.assert_array_equal(made, kept.rows)


def test_labels_do_not_matter_and_auto_is_hashed_where_no_encoder_is_installed(data: Dataset) -> None:
    other = load_dataset((TEXTS, LABELS[::-1].copy()))
    found = [find_features(name, one).identity for name in ("hashed", "auto") for one in (data, other)]
    assert len(set(found)) == 1


SOUNDS = [tone(300), tone(900, 0.37), tone(300, 0.2), tone(2000, 0.013)]


def test_statistics_are_those_of_the_picture() -> None:
    picture = log_mel(SOUNDS[1], 8000, 64, 0.01).astype(np.float64)
    assert picture.shape == (64, 37)
    made = statistics(SOUNDS[1], 8000).reshape(7, 64)
    steps = [abs(picture[:, at + 1] - picture[:, at]) for at in range(36)]
    # 37 columns in four: the quarters end at 9.25, 18.5 and 27.75
    quarters = [picture[:, :10], picture[:, 9:19], picture[:, 18:28], picture[:, 27:]]
    expected = [picture.mean(axis=1), picture.std(axis=1), np.mean(steps, axis=0)]
    np.testing.assert_allclose(made, [*expected, *(one.mean(axis=1) for one in quarters)], atol=1e-5)


def test_loudness_does_not_matter_and_one_frame_is_enough() -> None:
    np.testing.assert_allclose(
        statistics(SOUNDS[0] * np.float32(0.125), 8000), statistics(SOUNDS[0], 8000), atol=1e-5
    )
    short = statistics(SOUNDS[3], 8000).reshape(7, 64)
    assert not short[1:3].any()
    np.testing.assert_array_equal(short[0], short[5])


def test_auto_takes_them_for_sounds() -> None:
    data = load_dataset((SOUNDS, [0, 1, 0, 1]), rate=8000)
    source = find_features("auto", data)
    assert source.name == "logmel"
    made = source.vectors(data, np.arange(4))
    assert made.shape == (4, 448)
    np.testing.assert_array_equal(source.vectors(data, np.array([2])), made[[2]])
    other = load_dataset((SOUNDS, [0, 1, 0, 1]), rate=16000)
    assert find_features("logmel", other).identity != source.identity
