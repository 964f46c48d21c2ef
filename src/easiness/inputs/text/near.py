"""Near copies of texts: MinHash proposes pairs, the sets of their letters decide.

Case, punctuation and spaces do not count. Two texts are near if the sets of their runs of `GRAM` characters
have a Jaccard similarity of `ALIKE` or more, or if they are short and differ in one character.

On TREC's 5,452 questions of 3 to 20 words they find all copies with another case or punctuation, 97 % with a
typing error, 83 % with a word more, 77 % with a word less, and 48 % with another word, which often makes
another question; above 60 characters 99 % and more, and 92 % with another word. 54 of the 14 million pairs in
TREC are near: 39 ask the same to the eye, others the same of something else (the origins of two words).
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from easiness.inputs.encoding import track
from easiness.inputs.kind import Near, NearPairs

GRAM = 4  # characters of a run
ALIKE = 0.75  # Jaccard similarity: of the runs that two texts have, the share that both have
SHORT = range(12, 29)  # characters of short texts: one that differs changes more than a quarter of their runs

_MOST_COPIES = 32  # training texts that read the same
_BANDS, _ROWS = 40, 5  # of 200 hashes: a pair of texts that are just alike is missed once in 50,000 times
_ENOUGH = ALIKE - 0.14  # of the hashes are equal: 4.5 standard deviations below
_CELLS_AT_ONCE = 1 << 24
_COMPARED_AT_ONCE = 1 << 14
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

_WORD = re.compile(r"\w+")


def fold(value: npt.NDArray[np.uint8]) -> str:
    """Fold a text (UTF-8) to its words in lower case, or to all but spaces if it has none."""
    text = unicodedata.normalize("NFKC", value.tobytes().decode("utf-8", "replace")).casefold()
    return " ".join(_WORD.findall(text) or text.split())


class FoldedTexts:
    """K texts, folded."""

    def __init__(self, num: int) -> None:
        self.texts = [""] * num

    def keep(self, at: int, look: str) -> None:
        self.texts[at] = look

    @cached_property
    def groups(self) -> dict[str, list[int]]:
        """The positions of each distinct text, in the order of the first."""
        groups: dict[str, list[int]] = defaultdict(list)
        for at, text in enumerate(self.texts):
            groups[text].append(at)
        return groups

    @cached_property
    def distinct(self) -> list[str]:
        return list(self.groups)

    @cached_property
    def hashes(self) -> npt.NDArray[np.uint32]:
        from datasketch import MinHash

        runs = ([run.encode() for run in _runs(text)] for text in self.distinct)
        generator = MinHash.generator(runs, num_perm=_BANDS * _ROWS, seed=1, hashfunc=zlib.crc32)
        hashes = np.empty((len(self.distinct), _BANDS * _ROWS), np.uint32)
        for at, one in enumerate(track(generator, "hashing texts", len(hashes))):
            hashes[at] = one.hashvalues
        return hashes


def near_texts(train: FoldedTexts, held_out: FoldedTexts) -> Iterator[NearPairs]:
    """Yield all pairs of near texts, identical ones included, by blocks of held-out texts.

    Distances are Jaccard distances in percent; 0 if only case, punctuation and spaces differ. Only the first
    32 training texts that read the same are compared.
    """
    ours, theirs = list(train.groups.values()), list(held_out.groups.values())
    for block in _near_distinct(train, held_out):
        pairs = [
            (some, other, distance)
            for row, column, distance in block
            for other in theirs[row]
            for some in ours[column][:_MOST_COPIES]
        ]
        yield NearPairs(*np.array(pairs, np.int64).reshape(-1, 3).T)


def _near_distinct(train: FoldedTexts, held_out: FoldedTexts) -> Iterator[list[tuple[int, int, int]]]:
    """Yield the near pairs of distinct texts: held-out row, training column, and distance."""
    keys, others = _keys(train.hashes), _keys(held_out.hashes)
    order = np.argsort(keys, axis=1, kind="stable")
    keys = np.take_along_axis(keys, order, axis=1)
    by_typing = _by_typing(train.distinct)
    step = max(1, _CELLS_AT_ONCE // max(1, len(train.distinct)))
    for start in range(0, len(held_out.distinct), step):
        texts = held_out.distinct[start : start + step]
        candidates = np.zeros((len(texts), len(train.distinct)), np.bool_)
        for band in range(_BANDS):
            block = others[band, start : start + step]
            first, last = (np.searchsorted(keys[band], block, side) for side in ("left", "right"))
            for row in np.flatnonzero(last > first).tolist():
                candidates[row, order[band, first[row] : last[row]]] = True
        rows, columns = np.nonzero(candidates)
        for at in range(0, len(rows), _COMPARED_AT_ONCE):
            some = slice(at, at + _COMPARED_AT_ONCE)
            equal = held_out.hashes[start + rows[some]] == train.hashes[columns[some]]
            candidates[rows[some], columns[some]] = equal.mean(axis=1) >= _ENOUGH
        pairs = set(map(tuple, np.argwhere(candidates).tolist()))
        for row, text in enumerate(texts):
            pairs.update((row, column) for key in _typings(text) for column in by_typing.get(key, ()))
        yield [
            (start + row, column, distance)
            for row, column in sorted(pairs)
            if (distance := _distance(texts[row], train.distinct[column])) is not None
        ]


def _keys(hashes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    """A key for each band of the hashes of each text, [bands, n]; equal keys propose a pair."""
    parts = hashes.reshape(len(hashes), _BANDS, _ROWS).astype(np.uint64)
    keys = np.zeros((len(hashes), _BANDS), np.uint64)
    for row in range(_ROWS):
        keys = (keys ^ parts[:, :, row]) * _FACTOR
        keys ^= keys >> np.uint64(29)
    return np.ascontiguousarray(keys.T)


def _distance(text: str, other: str) -> int | None:
    some, others = _runs(text), _runs(other)
    num_common = len(some & others)
    similarity = num_common / (len(some) + len(others) - num_common)
    if similarity < ALIKE and not _typed_alike(text, other):
        return None
    return round(100 * (1 - similarity))


@lru_cache(maxsize=256)
def _runs(text: str) -> frozenset[str]:
    with_spaces = f" {text} "
    return frozenset(with_spaces[at : at + GRAM] for at in range(max(1, len(with_spaces) - GRAM + 1)))


def _typings(text: str) -> set[str]:
    """A short text, whole and without each character: texts that differ in one character share one."""
    if len(text) not in SHORT:
        return set()
    return {text, *(text[:at] + text[at + 1 :] for at in range(len(text)))}


def _by_typing(texts: Sequence[str]) -> dict[str, list[int]]:
    positions: dict[str, list[int]] = defaultdict(list)
    for at, text in enumerate(texts):
        for typing in _typings(text):
            positions[typing].append(at)
    return positions


def _typed_alike(text: str, other: str) -> bool:
    """Are both short, and is a character more, less or another, or have two changed places?"""
    if len(text) not in SHORT or len(other) not in SHORT:
        return False
    while text and other and text[0] == other[0]:
        text, other = text[1:], other[1:]
    while text and other and text[-1] == other[-1]:
        text, other = text[:-1], other[:-1]
    return max(len(text), len(other)) <= 1 or (len(text) == 2 and text == other[::-1])


class NearTexts(Near):
    """Near texts; see `near_texts`."""

    look = staticmethod(fold)
    collection = FoldedTexts
    unit = f"percent of their runs of {GRAM} letters"
    pairs = staticmethod(near_texts)
