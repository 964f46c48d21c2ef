"""Vectors without a network: texts by hashed n-grams, tf-idf and an SVD, sounds by statistics.

Weights and directions are fitted on the training texts alone, without their labels.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, TypeAlias

import numpy as np

from easiness.data import Dataset
from easiness.features.source import FeatureKind, FeatureSource, Positions, Request, Vectors, identity_of
from easiness.inputs import SOUND, TEXT, Samples, StoredExamples, log_mel, to_text
from easiness.lazy import sparse

NAME = "hashed"
RULE = 1  # the version of how vectors are made: another makes other features

Counts: TypeAlias = Any  # a sparse matrix of rows

_AT_ONCE = 4096  # texts
_MOST_SEEN = 20_000  # texts for directions
_MOST_ENTRIES = 50_000_000  # of their counts
_FEWEST_TEXTS = 2  # with a column that is in use
_ABOUT = (
    "Words, pairs of words and runs of characters, hashed and weighed by tf-idf (scikit-learn); weights and "
    "directions are fitted on the training texts, without their labels."
)


SETTINGS: dict[str, Any] = {
    "words": (1, 2),  # lengths of n-grams of words and punctuation
    "characters": (3, 5),  # lengths of n-grams of characters within words
    "buckets": 2**18,  # columns that either are hashed into
    "word_weight": 2.0,  # of n-grams of words
    "columns": 2**16,  # in use at most, those of most training texts
    "width": 1024,  # of vectors, less for few texts
    "iterations": 2,  # of the randomized SVD
}


def _of_texts(request: Request) -> FeatureSource:
    import sklearn

    request.check_kind(TEXT)
    train = request.data.stored

    @functools.cache
    def fit() -> HashedTexts:
        return HashedTexts.fit(train)

    def read(split: Dataset, positions: Positions) -> Iterator[Vectors]:
        for some in _texts(split.stored.subset(positions)):
            yield fit().vectors(some)

    identity = identity_of(
        form=NAME, rule=RULE, version=sklearn.__version__, fitted_on=request.data.contents, **SETTINGS
    )
    return FeatureSource(NAME, identity, _ABOUT, read)


def _texts(examples: StoredExamples) -> Iterator[list[str]]:
    texts = examples.map(to_text)
    while some := list(islice(texts, _AT_ONCE)):
        yield some


@dataclass(frozen=True, eq=False)
class HashedTexts:
    """The ``columns`` [C] in use, their ``weights`` [C] and ``directions`` [D, C]."""

    columns: Positions
    weights: Vectors
    directions: Vectors

    @classmethod
    def fit(cls, train: StoredExamples) -> HashedTexts:
        """Fit weights on all training texts, and directions on as many as fit in memory, in one thread."""
        from sklearn.utils.extmath import randomized_svd
        from threadpoolctl import threadpool_limits

        num, entries, having = len(train), 0, np.zeros(2 * SETTINGS["buckets"], np.int64)
        for some in _texts(train):
            counts = _counts(some)
            entries += counts.nnz
            having += np.bincount(counts.indices, minlength=len(having))
        order = np.argsort(-having, kind="stable")[: SETTINGS["columns"]]
        columns = np.sort(order[having[order] >= min(_FEWEST_TEXTS, having.max())])
        weights = (np.log((1 + num) / (1 + having[columns])) + 1).astype(np.float32)
        plain = cls(columns, weights, np.empty((0, len(columns)), np.float32))

        num_seen = max(1, min(num, _MOST_SEEN, _MOST_ENTRIES * num // max(1, entries)))
        sample = train.subset(np.unique(np.linspace(0, num - 1, num_seen).astype(np.int64)))
        values = sparse.vstack([plain.weigh(some) for some in _texts(sample)]).tocsr()
        width = min(SETTINGS["width"], *values.shape)
        with threadpool_limits(1):
            *_, directions = randomized_svd(values, width, n_iter=SETTINGS["iterations"], random_state=0)
        return cls(columns, weights, directions.astype(np.float32))

    def weigh(self, texts: Sequence[str]) -> Counts:
        """Columns of texts by tf-idf, [n, C]; the parts of words and of characters have one length each."""
        counts = _counts(texts)[:, self.columns].astype(np.float32)
        counts.data = (1 + np.log(counts.data)) * self.weights[counts.indices]
        of_words = self.columns < SETTINGS["buckets"]
        parts = []
        for own, weight in ((of_words, SETTINGS["word_weight"]), (~of_words, 1.0)):
            squares = np.asarray(counts.multiply(counts) @ own.astype(np.float32))
            length = np.sqrt(np.where(squares > 0, squares, 1))
            parts.append(sparse.diags(weight / length) @ counts @ sparse.diags(own.astype(np.float32)))
        total: Counts = sum(parts).tocsr()
        return total

    def vectors(self, texts: Sequence[str]) -> Vectors:
        values: Vectors = np.asarray(self.weigh(texts) @ self.directions.T, np.float32)
        return values


def _counts(texts: Sequence[str]) -> Counts:
    """Counts of n-grams of words, then of characters, [n, 2 * buckets]."""
    from sklearn.feature_extraction.text import HashingVectorizer

    plain = {"n_features": SETTINGS["buckets"], "alternate_sign": False, "norm": None}
    words = HashingVectorizer(token_pattern=r"\w+|[^\w\s]", ngram_range=SETTINGS["words"], **plain)
    characters = HashingVectorizer(analyzer="char_wb", ngram_range=SETTINGS["characters"], **plain)
    counts: Counts = sparse.hstack([one.transform(texts) for one in (words, characters)]).tocsr()
    return counts


HASHED_TEXTS = FeatureKind(NAME, _of_texts, frozen=True)


SOUND_NAME = "logmel"
MELS, HOP, QUARTERS = 64, 0.01, 4  # bands, seconds between columns, and parts that have means of their own

_SOUNDS_AT_ONCE = 256
_ABOUT_SOUNDS = (
    "Log-mel pictures: of each band of frequency the mean, the standard deviation, the mean change and the "
    "means of four quarters of the sound. Nothing is learned."
)


def _of_sounds(request: Request) -> FeatureSource:
    request.check_kind(SOUND)
    rate = request.data.traits.rate

    def read(split: Dataset, positions: Positions) -> Iterator[Vectors]:
        vectors = split.stored.subset(positions).map(lambda sound: statistics(sound, rate))
        while some := list(islice(vectors, _SOUNDS_AT_ONCE)):
            yield np.stack(some)

    identity = identity_of(form=SOUND_NAME, rule=RULE, mels=MELS, hop=HOP, quarters=QUARTERS, rate=rate)
    return FeatureSource(SOUND_NAME, identity, _ABOUT_SOUNDS, read)


def statistics(sound: Samples, rate: int) -> Vectors:
    """The vector [`MELS` * (3 + `QUARTERS`)] of samples at ``rate`` a second; loudness does not matter."""
    picture = log_mel(sound, rate, MELS, HOP)
    frames = picture.shape[1]
    change = np.abs(np.diff(picture, axis=1)).sum(axis=1) / max(1, frames - 1)
    edges = np.arange(QUARTERS + 1) * frames
    # if frames are no multiple of four, parts overlap by a column, so that none is empty
    parts = [picture[:, low // QUARTERS : -(-high // QUARTERS)] for low, high in pairwise(edges)]
    return np.concatenate(
        [picture.mean(axis=1), picture.std(axis=1), change, *(one.mean(axis=1) for one in parts)]
    )


LOGMEL = FeatureKind(SOUND_NAME, _of_sounds)
